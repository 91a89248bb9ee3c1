//! Runs the real server as a process: one sync of all rows, and one without new rows.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cdi_client::{Client, JobStatus, WaitOptions};
use cdi_server::secret::{KeyHash, new_key};
use uuid::Uuid;

const INTEGRATION: &str = "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01";

/// A seeded table.
pub struct Source {
    pub name: &'static str,
    pub database: Database,
    /// The column by which the raw baseline sorts the rows.
    pub order: &'static str,
}

pub enum Database {
    /// Its table is `users`.
    Sqlite(PathBuf),
    Postgres {
        url: String,
        table: String,
    },
}

pub enum Destination {
    File(PathBuf),
    Service(String),
}

/// Lines for the configuration.
#[derive(Clone, Copy)]
pub struct Keys<'a> {
    pub store: &'a str,
    pub integration: &'a str,
    pub destination: &'a str,
}

/// The defaults.
pub const USUAL: Keys<'static> = Keys { store: "sqlite:opencdi.db", integration: "", destination: "" };
/// Settings of `users_track` by which no rate is kept: the sink on this machine takes far more than the real service.
pub const UNLIMITED: &str = "requests_per_second = 100000";

/// The measurements of a round.
pub struct Measured {
    /// From the trigger to the end of the sync.
    pub took: Duration,
    /// The same for a sync without new rows.
    pub nothing_new: Duration,
    /// The server's highest memory use in bytes.
    pub peak: u64,
}

/// A server that is stopped when this is dropped.
pub struct Server {
    process: Child,
    client: Client,
}

impl Server {
    /// Starts a server with an empty store, and waits until it accepts connections.
    pub async fn start(folder: &Path, source: &Source, destination: &Destination, keys: Keys<'_>) -> Server {
        let key = new_key();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        for name in ["opencdi.db", "opencdi.db-wal", "opencdi.db-shm", "out.jsonl"] {
            // In the first round there is none.
            let _ = std::fs::remove_file(folder.join(name));
        }
        std::fs::write(folder.join("sink.key"), "secret").unwrap();
        let source = match &source.database {
            Database::Sqlite(path) => format!("kind = \"sqlite\"\npath = {path:?}\ntable = \"users\""),
            Database::Postgres { url, table } => format!("kind = \"postgres\"\nurl = {url:?}\ntable = {table:?}"),
        };
        let destination = match destination {
            Destination::File(path) => format!("kind = \"jsonl\"\npath = {path:?}"),
            Destination::Service(url) => {
                format!("kind = \"users_track\"\nurl = {url:?}\napi_key = {{ file = \"sink.key\" }}")
            }
        };
        let Keys { store, integration, destination: delivery } = keys;
        let hash = KeyHash::of(key.expose());
        let config = format!(
            r#"store = "{store}"
[server]
listen = "127.0.0.1:{port}"
[[workspaces]]
id = "bench"
rate_limits = {{ trigger_integration_sync = 100000, list_job_sync_status = 100000 }}
[[keys]]
name = "bench"
workspace = "bench"
hash = "{hash}"
permissions = ["cdi.integration_sync", "cdi.integration_list", "cdi.integration_job_status"]
[[integrations]]
id = "{INTEGRATION}"
name = "Users"
workspace = "bench"
type = "attributes"
{integration}
[integrations.source]
{source}
[integrations.destination]
{destination}
{delivery}
"#
        );
        let file = folder.join("opencdi.toml");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cdi-server"));
        let process = command.arg("serve").arg("--config").arg(file).stderr(Stdio::null()).spawn().unwrap();
        let base_url = format!("http://127.0.0.1:{port}");
        let client = Client::builder().base_url(base_url).api_key(key.expose()).build().unwrap();
        let server = Server { process, client };
        let deadline = Instant::now() + Duration::from_secs(10);
        while tokio::net::TcpStream::connect((std::net::Ipv4Addr::LOCALHOST, port)).await.is_err() {
            assert!(Instant::now() < deadline, "the server does not start");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server
    }

    /// Syncs, and returns the time from the trigger to the end.
    pub async fn sync(&self) -> Duration {
        let begin = Instant::now();
        let id: Uuid = INTEGRATION.parse().unwrap();
        let often = WaitOptions::default().poll(Duration::from_millis(10), Duration::from_millis(20));
        let job = self.client.trigger_and_wait(id, often).await.unwrap();
        assert_eq!(job.job_status, JobStatus::Success);
        begin.elapsed()
    }

    /// The process's highest memory use so far, in bytes.
    pub fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Killed, because its state is not needed any more.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Syncs all rows, then syncs again without new rows.
pub async fn sync(folder: &Path, source: &Source, destination: &Destination) -> Measured {
    let keys = match destination {
        Destination::File(_) => USUAL,
        Destination::Service(_) => Keys { destination: UNLIMITED, ..USUAL },
    };
    let server = Server::start(folder, source, destination, keys).await;
    let took = server.sync().await;
    let peak = server.peak();
    let nothing_new = server.sync().await;
    Measured { took, nothing_new, peak }
}

/// The time until a server accepts connections.
pub async fn start_up(folder: &Path, source: &Source) -> Duration {
    let begin = Instant::now();
    let _server = Server::start(folder, source, &Destination::File(folder.join("out.jsonl")), USUAL).await;
    begin.elapsed()
}
