//! Shared by the tests that cross crates and processes: a service with its own folder, and the built programs.

#![allow(clippy::expect_used)] // All of this runs in tests.

pub mod arrivals;
pub mod drift;
pub mod http_server;
pub mod into_service;
pub mod process;
pub mod random;
pub mod requests;
pub mod small_disk;
pub mod sql;
pub mod terminal;
pub mod wrong;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use apidrift_core::rules::Rule;
use cdi_server::config::Config;
use cdi_server::secret::{KeyHash, Secret, new_key};
use cdi_server::service::{Role, Service};
use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

/// The integration that every test service has.
pub const INTEGRATION: &str = "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01";
/// An integration of another workspace.
pub const FOREIGN: &str = "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b99";
/// An ID that no integration has.
pub const UNKNOWN: &str = "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1bff";

/// A folder with a source, keys and a configuration.
pub struct Setup {
    /// The folder; removed when dropped.
    pub folder: TempDir,
    /// A key with every permission.
    pub key: Secret,
    /// A key with no permission at all.
    pub powerless: Secret,
    /// A key that has expired.
    pub expired: Secret,
    /// A key that was revoked.
    pub revoked: Secret,
    /// A key with every permission, for another workspace.
    pub foreign: Secret,
    /// More TOML, added at the end of the configuration.
    pub more: String,
    /// The store's address in the configuration.
    pub store: String,
    /// The type of the integration.
    pub kind: String,
    /// TOML of the source.
    pub source: String,
    /// TOML of the destination.
    pub destination: String,
    /// More TOML for the `[server]` table.
    pub server: String,
    /// The address that the server listens on.
    pub listen: String,
}

impl Setup {
    /// A source with this many valid rows, delivered to a JSONL file.
    pub fn with_rows(rows: usize) -> Setup {
        Setup::with_users(rows, rows)
    }

    /// The same with rows of this many users in turn; `row` in the payloads counts up.
    pub fn with_users(users: usize, rows: usize) -> Setup {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let setup = Setup {
            folder,
            key: new_key(),
            powerless: new_key(),
            expired: new_key(),
            revoked: new_key(),
            foreign: new_key(),
            more: String::new(),
            store: "sqlite:opencdi.db".to_owned(),
            kind: "attributes".to_owned(),
            source: "kind = \"sqlite\"\npath = \"source.db\"\ntable = \"users\"".to_owned(),
            destination: "kind = \"jsonl\"\npath = \"out.jsonl\"".to_owned(),
            server: String::new(),
            listen: "127.0.0.1:0".to_owned(),
        };
        let table = "CREATE TABLE users (UPDATED_AT TEXT, EXTERNAL_ID TEXT, PAYLOAD TEXT)";
        setup.source().execute_batch(table).expect("a table");
        setup.insert(users, 0..rows);
        setup
    }

    /// Inserts rows of this many users in turn, each with a different time.
    pub fn insert(&self, users: usize, rows: Range<usize>) {
        let mut database = self.source();
        let transaction = database.transaction().expect("a transaction");
        let mut statement = transaction.prepare("INSERT INTO users VALUES (?1, ?2, ?3)").expect("a statement");
        for row in rows {
            let (hours, minutes, seconds, micros) = (row / 3600 % 24, row / 60 % 60, row % 60, row % 1_000_000);
            let time = format!("2026-01-01T{hours:02}:{minutes:02}:{seconds:02}.{micros:06}Z");
            let user = format!("user-{}", row % users);
            statement.execute((time, user, format!("{{\"row\":{row}}}"))).expect("a row");
        }
        drop(statement);
        transaction.commit().expect("the rows");
    }

    /// Opens the source database.
    pub fn source(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path("source.db")).expect("the source database")
    }

    /// Opens the store's database.
    pub fn store(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path("opencdi.db")).expect("the store")
    }

    /// The path of a file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a certificate for this machine and its key, `cert.pem` and `key.pem`. Returns the certificate in PEM.
    pub fn certify(&self) -> String {
        let key = KeyPair::generate().expect("a key can be made");
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]);
        let certificate = params.and_then(|params| params.self_signed(&key)).expect("a certificate can be made");
        std::fs::write(self.path("cert.pem"), certificate.pem()).expect("the folder of a test can be written");
        std::fs::write(self.path("key.pem"), key.serialize_pem()).expect("the folder of a test can be written");
        certificate.pem()
    }

    /// Writes `opencdi.toml` and returns its path.
    pub fn write(&self) -> PathBuf {
        let path = self.path("opencdi.toml");
        std::fs::write(&path, self.text()).expect("the configuration");
        path
    }

    /// The text of the configuration.
    pub fn text(&self) -> String {
        let permissions: Vec<String> =
            cdi_server::api::known().permissions.iter().map(|name| format!("{name:?}")).collect();
        let key = |name: &str, key: &Secret, permissions: &str, more: &str| {
            format!(
                "[[keys]]\nname = \"{name}\"\nworkspace = \"ours\"\nhash = \"{}\"\npermissions = [{permissions}]\n{more}\n",
                KeyHash::of(key.expose())
            )
        };
        let all = permissions.join(", ");
        [
            format!("store = {:?}\n", self.store),
            format!("[server]\nlisten = \"{}\"\n{}\n", self.listen, self.server),
            key("all", &self.key, &all, ""),
            key("powerless", &self.powerless, "", ""),
            key("expired", &self.expired, &all, "expires = 2020-01-01T00:00:00Z"),
            key("revoked", &self.revoked, &all, "revoked = true"),
            key("theirs", &self.foreign, &all, "").replace("\"ours\"", "\"theirs\""),
            self.integration(INTEGRATION, "Users of ours", "ours", &self.destination),
            self.integration(FOREIGN, "Users of theirs", "theirs", "kind = \"jsonl\"\npath = \"theirs.jsonl\""),
            self.more.clone(),
        ]
        .join("\n")
    }

    /// The TOML of an integration that reads the source.
    pub fn integration(&self, id: &str, name: &str, workspace: &str, destination: &str) -> String {
        let Setup { source, kind, .. } = self;
        format!(
            "[[integrations]]\nid = \"{id}\"\nname = \"{name}\"\nworkspace = \"{workspace}\"\ntype = \"{kind}\"\ncontact_emails = [\"a@example.com\", \"b@example.com\"]\n[integrations.source]\n{source}\n[integrations.destination]\n{destination}\n"
        )
    }

    /// Starts a service in this process.
    pub async fn start(self, role: Role) -> Running {
        let config = Config::load(&self.write(), &cdi_server::api::known()).unwrap_or_else(|error| panic!("{error}"));
        let service = Service::start(&config, role).await.expect("the service starts");
        let url = format!("http://{}", service.address().expect("it listens"));
        Running { setup: self, service, url, http: reqwest::Client::new() }
    }
}

/// A service that runs in this process.
pub struct Running {
    /// Its folder and keys.
    pub setup: Setup,
    /// The service.
    pub service: Service,
    /// Its address.
    pub url: String,
    /// A client for requests of any kind.
    pub http: reqwest::Client,
}

/// An answer with its complete body.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body as JSON; null if it is not JSON.
    pub body: serde_json::Value,
}

impl Answer {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a printable header"))
    }

    /// A header as a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.header(name).map(|value| value.parse().unwrap_or_else(|_| panic!("{name}: {value} is not a number")))
    }
}

impl Running {
    /// Sends a request with this `Authorization` header, or none.
    pub async fn send(&self, method: &str, path: &str, authorization: Option<&str>) -> Answer {
        let method = method.parse().expect("a method");
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let response = request.send().await.expect("an answer");
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: serde_json::from_slice(&response.bytes().await.expect("a body")).unwrap_or_default(),
        }
    }

    /// Sends a request with the key that has every permission.
    pub async fn call(&self, method: &str, path: &str) -> Answer {
        self.send(method, path, Some(&format!("Bearer {}", self.setup.key.expose()))).await
    }

    /// A client with that key.
    pub fn client(&self) -> cdi_client::Client {
        cdi_client::Client::builder().base_url(&self.url).api_key(self.setup.key.expose()).build().expect("a client")
    }
}

/// Rules that are only broken by generated requests: `tests/made_up.rs` has the servers for them.
pub const MADE_UP: [Rule; 3] = [Rule::LiveServerError, Rule::LiveMethod, Rule::LiveConnection];

/// Waits up to a minute until `look` returns a value.
pub async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    within(Duration::from_secs(60), what, look).await
}

/// Waits up to `bound` until `look` returns a value.
pub async fn within<T>(bound: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begin.elapsed() < bound, "after {bound:?} still not: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The value of an environment variable, or a default.
pub fn setting<T: FromStr>(name: &str, usual: T) -> T {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} cannot be read")),
        Err(_) => usual,
    }
}

/// The path of a built program of this workspace.
pub fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let folder = BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    folder.as_ref().unwrap_or_else(|error| panic!("{error}")).join(name)
}

fn build() -> anyhow::Result<PathBuf> {
    let mut cargo = cargo();
    cargo.args(["build", "--quiet", "--package", "cdi-server", "--package", "cdi-client", "--all-features", "--bins"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let status = cargo.status().context("cargo cannot be run")?;
    if !status.success() {
        bail!("the programs do not build");
    }
    let test = std::env::current_exe()?;
    // target/debug/deps/this-test → target/debug, and the same for release
    let folder = test.parent().and_then(Path::parent).context("this test stands in target/*/deps")?;
    Ok(folder.to_owned())
}

/// A cargo command that runs in the repository.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(repository());
    cargo
}

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Writes a score to `target/NAME-score.txt`, where `cargo xtask test` finds it.
pub fn keep_score(name: &str, score: &str) {
    let folder = repository().join("target");
    std::fs::create_dir_all(&folder).expect("there is a folder for the score");
    std::fs::write(folder.join(format!("{name}-score.txt")), score).expect("the score can be written");
}
