//! The real server as a process, with a store that was filled beforehand.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cdi_server::secret::{KeyHash, Secret, new_key};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};
use uuid::Uuid;

/// A folder with a configuration.
pub struct Setup {
    pub folder: tempfile::TempDir,
    /// The URL of the store for sqlx.
    pub store: String,
    /// May do everything, and as often as it likes.
    pub key: Secret,
    /// Its workspace has used up its limit after one request.
    pub limited: Secret,
    /// May do nothing.
    pub powerless: Secret,
    pub integrations: Vec<Uuid>,
    file: PathBuf,
}

impl Setup {
    /// A configuration with so many integrations. The store is SQLite, or a new database in this Postgres.
    pub async fn new(integrations: usize, postgres: Option<&str>) -> Setup {
        sqlx::any::install_default_drivers();
        let folder = tempfile::tempdir().unwrap();
        let (in_config, store) = match postgres {
            None => ("sqlite:store.db".to_owned(), format!("sqlite://{}", folder.path().join("store.db").display())),
            Some(url) => {
                let name = format!("bench_{}", Uuid::new_v4().simple());
                execute(url, &format!("CREATE DATABASE {name}")).await;
                let mut url = reqwest::Url::parse(url).unwrap();
                url.set_path(&name);
                (url.to_string(), url.to_string())
            }
        };
        let source = rusqlite::Connection::open(folder.path().join("source.db")).unwrap();
        source
            .execute_batch(
                "PRAGMA journal_mode = WAL; CREATE TABLE users (UPDATED_AT TEXT, EXTERNAL_ID TEXT, PAYLOAD TEXT)",
            )
            .unwrap();
        let (key, limited, powerless) = (new_key(), new_key(), new_key());
        let mut ids: Vec<Uuid> = (0..integrations).map(|_| Uuid::new_v4()).collect();
        ids.sort_unstable();
        let mut text = format!("store = {in_config:?}\n[server]\nlisten = \"127.0.0.1:0\"\n");
        let all = r#""cdi.integration_sync", "cdi.integration_list", "cdi.integration_job_status""#;
        for (name, workspace, key, permissions) in [
            ("bench", "bench", &key, all),
            ("limited", "limited", &limited, all),
            ("powerless", "bench", &powerless, ""),
        ] {
            text += &format!(
                "[[keys]]\nname = {name:?}\nworkspace = {workspace:?}\nhash = \"{}\"\npermissions = [{permissions}]\n",
                KeyHash::of(key.expose())
            );
        }
        text += "[[workspaces]]\nid = \"bench\"\nrate_limits = { trigger_integration_sync = 1000000000, list_integrations = 1000000000, list_job_sync_status = 1000000000 }\n\
                 [[workspaces]]\nid = \"limited\"\nrate_limits = { list_integrations = 1 }\n";
        for (number, id) in ids.iter().enumerate() {
            text += &format!(
                "[[integrations]]\nid = \"{id}\"\nname = \"Integration {number}\"\nworkspace = \"bench\"\ntype = \"attributes\"\n\
                 [integrations.source]\nkind = \"sqlite\"\npath = \"source.db\"\ntable = \"users\"\n\
                 [integrations.destination]\nkind = \"jsonl\"\npath = \"out-{number}.jsonl\"\n"
            );
        }
        let file = folder.path().join("opencdi.toml");
        std::fs::write(&file, text).unwrap();
        Setup { folder, store, key, limited, powerless, integrations: ids, file }
    }

    /// Starts the server and waits until it listens.
    pub fn start(&self, role: &str) -> Server {
        let log = self.folder.path().join(format!("{}.log", Uuid::new_v4()));
        let begin = Instant::now();
        let process = Command::new(env!("CARGO_BIN_EXE_cdi-server"))
            .args(["serve", "--role", role, "--config"])
            .arg(&self.file)
            .stderr(Stdio::from(std::fs::File::create(&log).unwrap()))
            .spawn()
            .unwrap();
        let mut server = Server { process, address: ([127, 0, 0, 1], 0).into(), started_in: Duration::ZERO };
        loop {
            let text = std::fs::read_to_string(&log).unwrap();
            if role == "worker" && text.contains("not listening") {
                break;
            }
            if let Some((_, rest)) = text.split_once("listening on http://")
                && let Some((address, _)) = rest.split_once('\n')
            {
                server.address = address.parse().unwrap();
                break;
            }
            assert!(begin.elapsed() < Duration::from_secs(120), "the server does not start: {text}");
            std::thread::sleep(Duration::from_millis(1));
        }
        server.started_in = begin.elapsed();
        server
    }

    /// Executes SQL in the store.
    pub async fn sql(&self, text: &str) {
        execute(&self.store, text).await;
    }

    /// Creates the store's tables.
    pub fn create_store(&self) {
        drop(self.start("api"));
    }

    /// Fills the store with so many ended jobs, evenly over the integrations.
    pub async fn fill(&self, jobs: usize) {
        self.sql("CREATE TABLE bench_ids (n BIGINT PRIMARY KEY, id TEXT)").await;
        for (chunk, ids) in self.integrations.chunks(500).enumerate() {
            let rows: Vec<String> =
                ids.iter().enumerate().map(|(number, id)| format!("({}, '{id}')", chunk * 500 + number)).collect();
            self.sql(&format!("INSERT INTO bench_ids VALUES {}", rows.join(", "))).await;
        }
        // Like UUIDs, and in the order of time.
        let id = match self.store.starts_with("sqlite") {
            true => "printf('%08x-0000-7000-8000-%012x', numbers.n, numbers.n)",
            false => "lpad(to_hex(numbers.n), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(numbers.n), 12, '0')",
        };
        self.sql(&format!(
            "INSERT INTO jobs (id, integration_id, status, started_at, finished_at, rows_synced)
             WITH RECURSIVE numbers (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n < {jobs})
             SELECT {id}, bench_ids.id, 'success', 1760000000000000 + numbers.n * 1000000, 1760000000000000 + numbers.n * 1000000 + 500000, 7
             FROM numbers JOIN bench_ids ON bench_ids.n = numbers.n % {}",
            self.integrations.len()
        ))
        .await;
        self.sql("DROP TABLE bench_ids").await;
        if !self.store.starts_with("sqlite") {
            self.sql("ANALYZE").await;
        }
    }

    /// A number that a query gives.
    pub async fn number(&self, query: &str) -> i64 {
        let mut connection = AnyConnection::connect(&self.store).await.unwrap();
        sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(&mut connection).await.unwrap()
    }
}

async fn execute(url: &str, text: &str) {
    let mut connection = AnyConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// A server, stopped when dropped.
pub struct Server {
    process: Child,
    pub address: SocketAddr,
    pub started_in: Duration,
}

impl Server {
    /// The processor time that it has used.
    pub fn cpu(&self) -> Duration {
        cpu_of(Path::new(&format!("/proc/{}/stat", self.process.id())))
    }
}

/// The processor time in a `stat` file of `/proc`.
pub fn cpu_of(stat: &Path) -> Duration {
    let stat = std::fs::read_to_string(stat).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
