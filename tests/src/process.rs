//! The server as a separate process.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::{eventually, program};

/// A server process; killed when dropped.
pub struct ServerProcess {
    child: Child,
    log: PathBuf,
    /// Its address, once it is listening.
    pub url: String,
}

impl ServerProcess {
    /// Starts a server from a configuration with port 0, and waits until it is listening.
    pub async fn start(config: &Path) -> ServerProcess {
        let mut server = ServerProcess::launch(serve(config), config);
        server.listens().await;
        server
    }

    /// Starts a server by a command, without waiting. Its log is written beside the configuration.
    pub fn launch(mut command: Command, config: &Path) -> ServerProcess {
        // Replicas share a configuration, but each has its own log.
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let log = config.with_extension(format!("{}.log", STARTED.fetch_add(1, Ordering::Relaxed)));
        let child = command
            .stderr(std::fs::File::create(&log).expect("the log"))
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        ServerProcess { child, log, url: String::new() }
    }

    /// Waits until it is listening.
    pub async fn listens(&mut self) {
        self.url = eventually("the server listens", async || {
            if let Some(status) = self.status() {
                panic!("the server has ended ({status}) instead of listening: {}", self.log());
            }
            let log = self.log();
            let (_, address) = log.split_once("listening on ")?;
            Some(address.split_once('\n')?.0.to_owned())
        })
        .await;
    }

    /// The log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("the log")
    }

    /// The number of log lines that contain a text.
    pub fn logged(&self, text: &str) -> usize {
        self.log().lines().filter(|line| line.contains(text)).count()
    }

    /// The last log line that contains a text; empty if there is none.
    pub fn last_logged(&self, text: &str) -> String {
        self.log().lines().rfind(|line| line.contains(text)).unwrap_or_default().to_owned()
    }

    /// Its process ID.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let process = Pid::from_child(&self.child);
        kill_process(process, signal).unwrap_or_else(|error| panic!("signal {signal:?} to {process}: {error}"));
    }

    /// Its exit status, if it has ended.
    pub fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child of this process")
    }

    /// Waits for it to end; `None` if that takes too long.
    pub async fn ends_within(&mut self, bound: Duration) -> Option<ExitStatus> {
        wait_within(bound, &mut self.child).await
    }

    /// Kills it, as `kill -9` does.
    pub fn kill(&mut self) {
        self.child.kill().expect("the server can be killed");
        self.child.wait().expect("the server is gone");
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command `cdi-server serve` with a configuration.
pub fn serve(config: &Path) -> Command {
    let mut command = Command::new(program("cdi-server"));
    command.arg("serve").arg("--config").arg(config);
    command
}

/// Runs a `cdi-server` command with a configuration. It must end within half a minute.
pub async fn cdi_server(config: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program("cdi-server"));
    command.args(arguments).arg("--config").arg(config);
    let said =
        tokio::task::spawn_blocking(move || command.output().unwrap_or_else(|error| panic!("{command:?}: {error}")));
    let said = tokio::time::timeout(Duration::from_secs(30), said).await;
    said.unwrap_or_else(|_| panic!("{arguments:?} does not end")).expect("the command was run")
}

/// Runs a program until it ends; kills it and returns `None` if that takes too long.
pub async fn run_within(bound: Duration, command: &mut Command) -> Option<ExitStatus> {
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let status = wait_within(bound, &mut child).await;
    if status.is_none() {
        child.kill().expect("a child of this process");
        child.wait().expect("a child of this process");
    }
    status
}

async fn wait_within(bound: Duration, child: &mut Child) -> Option<ExitStatus> {
    let begin = Instant::now();
    loop {
        let status = child.try_wait().expect("a child of this process");
        if status.is_some() || begin.elapsed() > bound {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
