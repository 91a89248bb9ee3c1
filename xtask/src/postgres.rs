//! A private Postgres for tests and benchmarks: found on the machine or installed, on loopback, gone afterwards.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::apt::{self, is_root, run};

/// How long the server may take to start.
const START: Duration = Duration::from_secs(60);

/// A running server, stopped and removed when this is dropped.
pub struct PrivatePostgres {
    child: Child,
    data: tempfile::TempDir,
    programs: PathBuf,
    user: Option<&'static str>,
    port: u16,
}

impl PrivatePostgres {
    /// Finds or installs Postgres, makes a cluster in a temporary folder and starts it.
    pub fn start() -> anyhow::Result<PrivatePostgres> {
        let programs = match find_programs() {
            Some(programs) => programs,
            None => {
                apt::install("postgresql")?;
                find_programs().context("Postgres was installed, yet `initdb` is nowhere to be found")?
            }
        };
        // Postgres refuses to run as root, so root lends it another user.
        let user = is_root().then(|| if has_user("postgres") { "postgres" } else { "nobody" });
        let data = tempfile::Builder::new().prefix("opencdi-postgres-").tempdir().context("no temporary folder")?;
        if let Some(user) = user {
            run(Command::new("chown").arg(user).arg(data.path()))?;
        }
        let cluster = data.path().join("cluster");
        run(as_user(user, &programs.join("initdb")).arg("--pgdata").arg(&cluster).args([
            "--username=opencdi",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        ]))?;
        // Everybody is let in but one, by whom tests see that a wrong password is refused.
        let access = cluster.join("pg_hba.conf");
        let usual = std::fs::read_to_string(&access).context("initdb has written no pg_hba.conf")?;
        let asked = "host all with_password 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(&access, format!("{asked}{usual}")).context("pg_hba.conf cannot be written")?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let child = as_user(user, &programs.join("postgres"))
            .arg("-D")
            .arg(&cluster)
            .arg("-k")
            .arg(data.path())
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-c", "max_connections=200"])
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(data.path().join("log"))?)
            .spawn()
            .context("Postgres cannot be started")?;
        let mut postgres = PrivatePostgres { child, data, programs, user, port };
        postgres.wait_until_ready()?;
        Ok(postgres)
    }

    /// A superuser's connection, without a password.
    pub fn url(&self) -> String {
        format!("postgres://opencdi@127.0.0.1:{}/postgres", self.port)
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
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
            if let Some(status) = self.child.try_wait()? {
                bail!("Postgres ended ({status}) instead of starting: {}", self.log());
            }
            if begin.elapsed() > START {
                bail!("Postgres did not start within {START:?}: {}", self.log());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.data.path().join("log")).unwrap_or_default()
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        let stopped = run(as_user(self.user, &self.programs.join("pg_ctl"))
            .args(["stop", "-m", "immediate", "-D"])
            .arg(self.data.path().join("cluster")));
        if let Err(error) = stopped {
            eprintln!("warning: the private Postgres could not be stopped: {error:#}");
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// The folder of `initdb`: on the path, or where Debian keeps it, the newest version first.
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

fn has_user(name: &str) -> bool {
    Command::new("id").args(["-u", name]).output().is_ok_and(|output| output.status.success())
}

fn as_user(user: Option<&str>, program: &Path) -> Command {
    match user {
        Some(user) => {
            let mut command = Command::new("runuser");
            command.args(["-u", user, "--"]).arg(program).current_dir("/");
            command
        }
        None => Command::new(program),
    }
}
