//! The real server in a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::{eventually, program};

/// A server; killed when this is dropped.
pub struct ServerProcess {
    child: Child,
    log: PathBuf,
    /// Its address.
    pub url: String,
}

impl ServerProcess {
    /// Starts one from a configuration that listens on port 0.
    pub async fn start(config: &Path) -> ServerProcess {
        let log = config.with_extension("log");
        let child = Command::new(program("cdi-server"))
            .arg("serve")
            .arg("--config")
            .arg(config)
            .stderr(std::fs::File::create(&log).expect("the log"))
            .spawn()
            .expect("the server starts");
        let mut server = ServerProcess { child, log, url: String::new() };
        server.url = eventually("the server listens", async || {
            let log = server.log();
            let (_, address) = log.split_once("listening on ")?;
            Some(address.split_once('\n')?.0.to_owned())
        })
        .await;
        server
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("the log")
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a program to its end; without a status when that took too long, and the program was killed.
pub async fn run_within(bound: Duration, command: &mut Command) -> Option<ExitStatus> {
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child of this process") {
            return Some(status);
        }
        if begin.elapsed() > bound {
            child.kill().expect("a child of this process");
            child.wait().expect("a child of this process");
            return None;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
