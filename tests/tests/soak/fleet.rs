//! A service of three replicas with twenty integrations. One Postgres has their store and their sources.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cdi_server::secret::new_key;
use contract_tests::Setup;
use contract_tests::into_service::users_track;
use contract_tests::process::ServerProcess;
use contract_tests::requests::{Api, wide_limits};
use contract_tests::sql::{connect, execute, postgres};
use futures::future::join_all;
use xtask::postgres::PrivatePostgres;

use crate::ledger::Ledger;

pub const REPLICAS: usize = 3;
pub const INTEGRATIONS: usize = 20;

/// Rows of all integrations. Each version of a row has another `n`, and what has been written stays in `history`.
const SOURCE: &str = "
    CREATE SEQUENCE versions;
    CREATE TABLE rows (
        integration int, id int, updated_at timestamptz NOT NULL DEFAULT now(), external_id text NOT NULL,
        n bigint NOT NULL DEFAULT nextval('versions'), payload text, PRIMARY KEY (integration, id));
    CREATE INDEX ON rows (integration, updated_at);
    CREATE TABLE history (n bigint PRIMARY KEY, external_id text, payload text);
    CREATE FUNCTION number() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        NEW.updated_at := now();
        NEW.n := nextval('versions');
        NEW.payload := json_build_object('n', NEW.n, 'text', md5(NEW.n::text) || ' \"ä\\')::text;
        INSERT INTO history VALUES (NEW.n, NEW.external_id, NEW.payload);
        RETURN NEW;
    END $$;
    CREATE TRIGGER number BEFORE INSERT OR UPDATE ON rows FOR EACH ROW EXECUTE FUNCTION number();";

/// The service.
pub struct Fleet {
    postgres: Mutex<PrivatePostgres>,
    pub store: String,
    pub source: String,
    pub ledger: Ledger,
    pub setup: Setup,
    config: PathBuf,
    replicas: Vec<Mutex<Replica>>,
}

/// A place for a replica.
struct Replica {
    /// `None` from its death until its successor listens.
    api: Option<Api>,
    /// How often it has died.
    deaths: usize,
    process: Option<ServerProcess>,
}

impl Fleet {
    /// Starts everything.
    pub async fn start() -> Fleet {
        let postgres = postgres();
        execute(&mut connect(&postgres.url()).await, "CREATE DATABASE app").await;
        let source = postgres.url_of("app");
        let views: String = (0..INTEGRATIONS)
            .map(|i| format!("CREATE VIEW users_{i} AS SELECT updated_at, external_id, payload FROM rows WHERE integration = {i};"))
            .collect();
        execute(&mut connect(&source).await, &format!("{SOURCE}{views}")).await;

        let ledger = Ledger::start().await;
        let mut setup = Setup::with_rows(0);
        setup.store = postgres.url();
        setup.destination = users_track(&setup, &ledger.url, &new_key());
        setup.more = wide_limits();
        setup.more.push_str("[worker]\nlease = \"2s\"\npoll = \"200ms\"\nmax_attempts = 1000\n");
        for i in 0..INTEGRATIONS {
            setup.source = format!("kind = \"postgres\"\nurl = {source:?}\ntable = \"users_{i}\"");
            let text = setup.integration(&id(i), &format!("Users {i}"), "ours", &setup.destination);
            // Half of them look back no further than they must.
            let lookback =
                if i % 2 == 0 { "lookback = \"0s\"\n[integrations.source]" } else { "[integrations.source]" };
            setup.more.push_str(&text.replace("[integrations.source]", lookback));
        }
        let config = setup.write();
        let started = join_all((0..REPLICAS).map(|_| ServerProcess::start(&config))).await;
        let replica = |process: ServerProcess| {
            Mutex::new(Replica { api: Some(Api::new(&process.url, &setup.key)), deaths: 0, process: Some(process) })
        };
        let replicas = started.into_iter().map(replica).collect();
        Fleet { store: postgres.url(), postgres: Mutex::new(postgres), source, ledger, setup, config, replicas }
    }

    /// The server of the store and the sources.
    pub fn postgres(&self) -> MutexGuard<'_, PrivatePostgres> {
        self.postgres.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replica<T>(&self, number: usize, look: impl FnOnce(&mut Replica) -> T) -> T {
        look(&mut self.replicas[number].lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The API of a replica, and how often it has died; `None` while it is down.
    pub fn api(&self, number: usize) -> Option<(Api, usize)> {
        self.replica(number, |replica| Some((replica.api.clone()?, replica.deaths)))
    }

    /// How often a replica has died.
    pub fn deaths(&self, number: usize) -> usize {
        self.replica(number, |replica| replica.deaths)
    }

    /// Kills a replica, as `kill -9` does.
    pub fn kill(&self, number: usize) {
        self.replica(number, |replica| {
            replica.api = None;
            replica.deaths += 1;
            replica.process.take().unwrap().kill();
        });
    }

    /// Starts a replica again. It may have to wait for its store.
    pub async fn restart(&self, number: usize) {
        let process = ServerProcess::start(&self.config).await;
        self.replica(number, |replica| {
            replica.api = Some(Api::new(&process.url, &self.setup.key));
            replica.process = Some(process);
        });
    }
}

impl Fleet {
    /// All log lines with a text, of all replicas that there ever were, in order of time.
    pub fn logged(&self, text: &str) -> Vec<String> {
        let files = std::fs::read_dir(self.setup.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let logs = files.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
        let with_text = |path: PathBuf| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let log = std::fs::read_to_string(path).unwrap();
            let lines = log.lines().filter(|line| line.contains(text)).map(|line| format!("{line} ({name})"));
            lines.collect::<Vec<_>>()
        };
        let mut lines: Vec<String> = logs.flat_map(with_text).collect();
        lines.sort();
        lines
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for number in 0..REPLICAS {
            let log = self.replica(number, |replica| replica.process.as_ref().map(ServerProcess::log));
            let log = log.unwrap_or_default();
            let lines: Vec<&str> = log
                .lines()
                .filter(|line| line.contains(" WARN ") || line.contains("ERROR ") || line.contains("status=50"))
                .collect();
            eprintln!("replica {number}:\n{}", lines[lines.len().saturating_sub(20)..].join("\n"));
        }
    }
}

/// The ID of an integration.
pub fn id(number: usize) -> String {
    format!("6f1e24a8-0a3b-4a51-9d0e-5000000000{number:02}")
}
