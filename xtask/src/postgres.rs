//! A private Postgres for tests and benchmarks: found on the machine or installed, bound to loopback, removed
//! afterwards. Tests can stop, freeze and crash it; it restarts on the same port with the same data.

use std::fs::OpenOptions;
use std::hash::{BuildHasher as _, RandomState};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::apt::{self, is_root, run};

/// The time limit for the server to start.
const START: Duration = Duration::from_secs(60);
/// The time limit for its processes to end after `kill -9`.
const GONE: Duration = Duration::from_secs(10);
/// The range of its ports. Higher ports are used for outgoing connections: one of them could take the port while the
/// server is down, and a client that connects to it then could even reach itself.
const PORTS: std::ops::Range<u16> = 15_000..32_000;

/// How the server is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Ends sessions and writes all data.
    Fast,
    /// Stops at once; the next start runs recovery.
    Immediate,
}

/// A running server, stopped and removed on drop.
pub struct PrivatePostgres {
    /// The postmaster process; `None` while the server is down.
    child: Option<Child>,
    data: tempfile::TempDir,
    programs: PathBuf,
    user: Option<User>,
    port: u16,
}

impl PrivatePostgres {
    /// Finds or installs Postgres, creates a cluster in a temporary folder and starts it.
    pub fn start() -> anyhow::Result<PrivatePostgres> {
        let programs = match find_programs() {
            Some(programs) => programs,
            None => {
                apt::install("postgresql")?;
                find_programs().context("Postgres was installed, but `initdb` was not found")?
            }
        };
        // Postgres refuses to run as root, so it runs as another user.
        let user = if is_root() { Some(User::named("postgres").or_else(|_| User::named("nobody"))?) } else { None };
        let data = tempfile::Builder::new().prefix("opencdi-postgres-").tempdir().context("no temporary folder")?;
        if let Some(user) = user {
            std::os::unix::fs::chown(data.path(), Some(user.id), Some(user.group))?;
        }
        let cluster = data.path().join("cluster");
        run(as_user(user, &programs.join("initdb")).arg("--pgdata").arg(&cluster).args([
            "--username=opencdi",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        ]))?;
        // All users are trusted except one, with which tests check that a wrong password is refused.
        let access = cluster.join("pg_hba.conf");
        let usual = std::fs::read_to_string(&access).context("initdb has written no pg_hba.conf")?;
        let asked = "host all with_password 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(&access, format!("{asked}{usual}")).context("pg_hba.conf cannot be written")?;
        let port = free_port()?;
        let mut postgres = PrivatePostgres { child: None, data, programs, user, port };
        postgres.start_again()?;
        Ok(postgres)
    }

    /// Restarts it on the same port with the same data, after a stop or a crash.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        if self.child.is_some() {
            bail!("Postgres is already running");
        }
        let log = OpenOptions::new().create(true).append(true).open(self.data.path().join("log"))?;
        let child = as_user(self.user, &self.programs.join("postgres"))
            .arg("-D")
            .arg(self.cluster())
            .arg("-k")
            .arg(self.data.path())
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-c", "max_connections=200"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("Postgres cannot be started")?;
        self.wait_until_ready(child)
    }

    /// Stops the server.
    pub fn stop(&mut self, shutdown: Shutdown) -> anyhow::Result<()> {
        let Some(mut child) = self.child.take() else { bail!("Postgres is not running") };
        let mode = match shutdown {
            Shutdown::Fast => "fast",
            Shutdown::Immediate => "immediate",
        };
        let stopped =
            run(as_user(self.user, &self.programs.join("pg_ctl")).args(["stop", "-m", mode, "-D"]).arg(self.cluster()));
        if stopped.is_err() {
            let _ = child.kill();
        }
        child.wait()?;
        stopped
    }

    /// Suspends all its processes: connections stay open, and nothing is answered.
    pub fn freeze(&self) -> anyhow::Result<()> {
        // The postmaster goes first: once it is suspended it starts no new processes.
        send(self.first_process()?, Signal::STOP)?;
        self.processes()?.into_iter().try_for_each(|process| send(process, Signal::STOP))
    }

    /// Resumes all processes.
    pub fn thaw(&self) -> anyhow::Result<()> {
        self.processes()?.into_iter().try_for_each(|process| send(process, Signal::CONT))
    }

    /// Kills all processes, as a power failure would.
    pub fn crash(&mut self) -> anyhow::Result<()> {
        self.freeze()?;
        let processes = self.processes()?;
        let Some(mut child) = self.child.take() else { bail!("Postgres is not running") };
        for process in &processes {
            send(*process, Signal::KILL)?;
        }
        child.wait()?;
        let begin = Instant::now();
        // A new server does not start while one of them still holds the shared memory.
        while processes.iter().any(|process| parent(*process).is_some()) {
            if begin.elapsed() > GONE {
                bail!("processes of Postgres are still there {GONE:?} after `kill -9`");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// The postmaster process.
    fn first_process(&self) -> anyhow::Result<Pid> {
        let child = self.child.as_ref().context("Postgres is not running")?;
        Ok(Pid::from_child(child))
    }

    /// All its processes, the postmaster first.
    fn processes(&self) -> anyhow::Result<Vec<Pid>> {
        let first = self.first_process()?;
        let all =
            std::fs::read_dir("/proc").context("processes are listed in /proc, which this machine does not have")?;
        let others = all
            .flatten()
            .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
            .filter(|process| parent(*process) == Some(first));
        Ok(std::iter::once(first).chain(others).collect())
    }

    fn cluster(&self) -> PathBuf {
        self.data.path().join("cluster")
    }

    /// A connection URL of the superuser, without a password.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The same for another database, which need not exist.
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://opencdi@127.0.0.1:{}/{database}", self.port)
    }

    fn wait_until_ready(&mut self, mut child: Child) -> anyhow::Result<()> {
        let begin = Instant::now();
        let ready = || {
            let listening = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok();
            listening
                && as_user(self.user, &self.programs.join("pg_isready"))
                    .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                    .status()
                    .is_ok_and(|status| status.success())
        };
        while !ready() {
            if let Some(status) = child.try_wait()? {
                bail!("Postgres ended ({status}) instead of starting: {}", self.log());
            }
            if begin.elapsed() > START {
                self.child = Some(child);
                bail!("Postgres did not start within {START:?}: {}", self.log());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.child = Some(child);
        Ok(())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.data.path().join("log")).unwrap_or_default()
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        if self.child.is_none() {
            return;
        }
        // A frozen server would not receive the request to stop.
        let stopped = self.thaw().and_then(|()| self.stop(Shutdown::Immediate));
        if let Err(error) = stopped {
            eprintln!("warning: the private Postgres could not be stopped: {error:#}");
        }
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Sends a signal to a process; a process that has ended in the meantime is ignored.
fn send(process: Pid, signal: Signal) -> anyhow::Result<()> {
    match kill_process(process, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("no signal can be sent to process {process}")),
    }
}

/// The parent of a process; `None` if the process has ended.
fn parent(process: Pid) -> Option<Pid> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name is in parentheses and may contain anything; the state and the parent follow it.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    Pid::from_raw(fields.next()?.parse().ok()?)
}

fn free_port() -> anyhow::Result<u16> {
    const TRIES: u64 = 100;
    let random = RandomState::new();
    let port = |number| PORTS.start + (random.hash_one(number) % PORTS.len() as u64) as u16;
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    (0..TRIES).map(port).find(free).with_context(|| format!("none of {TRIES} ports is free"))
}

/// The folder of `initdb`: on the path, or in Debian's location, the newest version first.
fn find_programs() -> Option<PathBuf> {
    let on_path =
        std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let mut debian: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    debian.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    let mut folders = debian.into_iter().map(|(_, folder)| folder).chain(on_path);
    folders.find(|folder| ["initdb", "postgres", "pg_ctl", "pg_isready"].iter().all(|name| folder.join(name).is_file()))
}

/// A user of this machine.
#[derive(Debug, Clone, Copy)]
struct User {
    id: u32,
    group: u32,
}

impl User {
    fn named(name: &str) -> anyhow::Result<User> {
        let number = |what: &str| {
            let output = Command::new("id").args([what, name]).output().context("`id` cannot be run")?;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.trim().parse().with_context(|| format!("there is no user {name}"))
        };
        Ok(User { id: number("-u")?, group: number("-g")? })
    }
}

fn as_user(user: Option<User>, program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some(user) = user {
        command.uid(user.id).gid(user.group).current_dir("/");
    }
    command
}
