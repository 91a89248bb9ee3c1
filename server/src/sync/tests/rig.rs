//! The test rig: a source, a store and a destination for one test, and the runs between them.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use crate::connectors::fake_braze::{Answer, FakeBraze};
use crate::connectors::jsonl::Jsonl;
use crate::connectors::postgres::Postgres;
use crate::connectors::sqlite::Sqlite;
use crate::connectors::users_track::UsersTrack;
use crate::secret::{Secret, new_key};
use crate::store::{Claimed, Job, JobStatus, Page, RateLimit, RowError, StartJob, Store, StoreError, StoreLocation};
use crate::sync::batch::Batch;
use crate::sync::destination::{DeliveryContext, OpenDestination};
use crate::sync::lease_keeper::Clock;
use crate::sync::row::{Identifier, Row, RowHasher};
use crate::sync::run::Runner;
use crate::sync::run_tuning::RunTuning;
use crate::sync::shutdown::Stop;
use crate::sync::slots::Slot;
use crate::sync::source::{ReadRequest, Reading, SourceReport};
use crate::sync::{Integration, Integrations, Known, Source, SyncError};
use crate::testing::until;
use crate::types::{IntegrationKind, PostgresUrl};

pub use crate::testing::postgres;

pub const LEASE: Duration = Duration::from_secs(30);

/// Everything that a sync needs.
pub struct Rig {
    pub folder: TempDir,
    pub store: Store,
    pub integration: Integration,
    pub source: rusqlite::Connection,
    /// The server that a `users_track` destination sends to.
    pub fake_braze: FakeBraze,
    pub key: Secret,
    pub stop: watch::Sender<Option<Instant>>,
    pub tuning: RunTuning,
    pub clock: Clock,
    stop_receiver: Stop,
    /// A connection to the source's Postgres and its table there, for a Postgres source.
    postgres: Option<(tokio::sync::Mutex<PgConnection>, String)>,
    /// The table of a SQLite source.
    sqlite_table: String,
    store_file: PathBuf,
    /// The settings of the `users_track` destination, if it has one.
    service: Option<UsersTrack>,
}

/// A folder with a store and a source database that several rigs use in turn, because creating these takes longer than a
/// short test.
pub struct SharedFolder {
    folder: TempDir,
    store: Store,
    key: Secret,
}

impl SharedFolder {
    pub async fn new() -> SharedFolder {
        // In memory where possible, because nothing in it needs to outlive the test.
        let memory = tempfile::tempdir_in("/dev/shm");
        let folder = memory.or_else(|_| tempfile::tempdir()).unwrap();
        let store = Store::open(&StoreLocation::Sqlite(folder.path().join("store.db"))).await.unwrap();
        rusqlite::Connection::open(folder.path().join("source.db"))
            .unwrap()
            .execute_batch("PRAGMA journal_mode = WAL")
            .unwrap();
        SharedFolder { folder, store, key: new_key() }
    }
}

/// Mutable settings of a `users_track` destination; changes apply when this is dropped.
pub struct ServiceSettings<'a> {
    settings: &'a mut UsersTrack,
    integration: &'a mut Integration,
}

impl Deref for ServiceSettings<'_> {
    type Target = UsersTrack;

    fn deref(&self) -> &UsersTrack {
        self.settings
    }
}

impl DerefMut for ServiceSettings<'_> {
    fn deref_mut(&mut self) -> &mut UsersTrack {
        self.settings
    }
}

impl Drop for ServiceSettings<'_> {
    fn drop(&mut self) {
        self.integration.destination = Arc::new(self.settings.clone());
    }
}

/// A SQLite source.
pub fn sqlite(path: impl Into<PathBuf>, table: &str) -> Arc<dyn Source> {
    Arc::new(Sqlite { path: path.into(), table: table.parse().unwrap() })
}

/// A Postgres source.
pub fn postgres_table(url: &str, table: &str) -> Arc<dyn Source> {
    Arc::new(Postgres { url: PostgresUrl::new(Secret::new(url)).unwrap(), table: table.parse().unwrap() })
}

impl Rig {
    /// A rig from SQLite to a JSONL file.
    pub async fn into_file() -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let source = rusqlite::Connection::open(folder.path().join("source.db")).unwrap();
        source
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
                 CREATE TABLE users (UPDATED_AT, EXTERNAL_ID, PAYLOAD);",
            )
            .unwrap();
        let key = new_key();
        let (stop, stop_receiver) = Stop::channel();
        let integration = integration(folder.path());
        let store_file = folder.path().join("store.db");
        Rig {
            store: Store::open(&StoreLocation::Sqlite(store_file.clone())).await.unwrap(),
            fake_braze: FakeBraze::start(&key).await.unwrap(),
            folder,
            integration,
            source,
            key,
            stop,
            tuning: RunTuning { first_pause: Duration::from_millis(20), ..RunTuning::DEFAULT },
            clock: Clock::SYSTEM,
            stop_receiver,
            postgres: None,
            sqlite_table: "users".into(),
            store_file,
            service: None,
        }
    }

    /// A rig from a new SQLite table with these columns, in a shared folder, to the fake Braze server.
    pub async fn at(place: &SharedFolder, columns: &str) -> Rig {
        let table = format!("t_{}", Uuid::new_v4().simple());
        let path = place.folder.path().join("source.db");
        let source = rusqlite::Connection::open(&path).unwrap();
        source.busy_timeout(Duration::from_secs(5)).unwrap();
        source.execute_batch(&format!("PRAGMA synchronous = OFF; CREATE TABLE {table} ({columns})")).unwrap();
        let (stop, stop_receiver) = Stop::channel();
        let fake_braze = FakeBraze::start(&place.key).await.unwrap();
        let folder = tempfile::tempdir_in(place.folder.path()).unwrap();
        let mut integration = integration(folder.path());
        integration.source = sqlite(path, &table);
        let settings = service(&fake_braze, &place.key);
        integration.destination = Arc::new(settings.clone());
        Rig {
            store: place.store.clone(),
            fake_braze,
            folder,
            integration,
            source,
            key: place.key.clone(),
            stop,
            tuning: RunTuning { first_pause: Duration::from_millis(20), ..RunTuning::DEFAULT },
            clock: Clock::SYSTEM,
            stop_receiver,
            postgres: None,
            sqlite_table: table,
            store_file: place.folder.path().join("store.db"),
            service: Some(settings),
        }
    }

    /// Drops its table, to keep the shared database small.
    pub async fn clear(&self) {
        self.sql("DROP TABLE {t}").await;
    }

    /// Replaces the source by a new Postgres table with these columns.
    pub async fn reading_postgres(mut self, columns: &str) -> Rig {
        let url = postgres();
        let table = format!("t_{}", Uuid::new_v4().simple());
        let mut connection = PgConnection::connect(&url).await.expect("the Postgres for tests answers");
        let create = format!("CREATE TABLE {table} ({columns})");
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await.unwrap();
        self.integration.source = postgres_table(&url, &table);
        self.postgres = Some((connection.into(), table));
        self
    }

    /// Executes SQL at the source; `{t}` stands for its table.
    pub async fn sql(&self, text: &str) {
        match &self.postgres {
            None => self.source.execute_batch(&text.replace("{t}", &self.sqlite_table)).unwrap(),
            Some((connection, table)) => {
                let text = AssertSqlSafe(text.replace("{t}", table));
                sqlx::raw_sql(text).execute(&mut *connection.lock().await).await.unwrap();
            }
        }
    }

    /// The source's table.
    pub fn table(&self) -> &str {
        self.postgres.as_ref().map_or(&self.sqlite_table, |(_, table)| table)
    }

    /// A rig from SQLite to the fake Braze server.
    pub async fn into_service() -> Rig {
        let mut rig = Rig::into_file().await;
        let settings = service(&rig.fake_braze, &rig.key);
        rig.integration.destination = Arc::new(settings.clone());
        rig.service = Some(settings);
        rig
    }

    /// Replaces the destination by a JSONL file.
    pub fn deliver_into_file(&mut self) {
        self.integration.destination = Arc::new(Jsonl { path: self.file() });
        self.service = None;
    }

    /// The settings of its `users_track` destination, for changes.
    pub fn service(&mut self) -> ServiceSettings<'_> {
        let settings = self.service.as_mut().expect("it delivers into a service");
        ServiceSettings { settings, integration: &mut self.integration }
    }

    /// Opens the destination.
    pub async fn open(&self, context: DeliveryContext) -> Result<Arc<dyn OpenDestination>, SyncError> {
        self.integration.destination.open(self.integration.kind, None, context).await
    }

    /// Probes the source.
    pub async fn probe(&self) -> Result<SourceReport, SyncError> {
        self.integration.source.probe(self.integration.kind).await
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("out.jsonl")
    }

    /// Inserts a row whose `UPDATED_AT` is this many seconds after the start of 2026.
    pub fn insert(&self, seconds: i64, user: &str, payload: &str) {
        let statement = "INSERT INTO users VALUES (?1, ?2, ?3)";
        self.source.execute(statement, (time(seconds), user, payload)).unwrap();
    }

    /// Inserts rows, each with its own second and user.
    pub fn insert_many(&self, rows: usize) {
        self.source.execute_batch("BEGIN").unwrap();
        for row in 0..rows {
            self.insert(row as i64, &format!("user-{row}"), &format!("{{\"row\":{row}}}"));
        }
        self.source.execute_batch("COMMIT").unwrap();
    }

    pub async fn trigger(&self) {
        let started = self.store.start_job(self.integration.id, Utc::now()).await.unwrap();
        assert!(matches!(started, StartJob::Started(_)), "a job is in progress");
    }

    pub async fn claim(&self, lease: Duration) -> Claimed {
        let begun = Instant::now();
        loop {
            if let Some(claimed) = self.store.claim_job(lease, &[], false).await.unwrap() {
                return claimed;
            }
            // The last checkpoint of a killed worker may make a claim fail.
            assert!(begun.elapsed() < Duration::from_secs(2), "there is no job to claim");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Claims a job whose lease another worker holds and may renew.
    pub async fn steal(&self, lease: Duration) -> Claimed {
        let begun = Instant::now();
        loop {
            self.expire_leases().await;
            if let Some(claimed) = self.store.claim_job(lease, &[], false).await.unwrap() {
                return claimed;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "the job could not be claimed");
        }
    }

    /// Runs a claimed job.
    pub async fn run(&self, claimed: Claimed, lease: Duration) -> Result<(), StoreError> {
        let (store, integration, stop) = (&self.store, &self.integration, self.stop_receiver.clone());
        let (slot, clock) = (Slot::unlimited(), self.clock);
        Runner { store, integration, lease, tuning: self.tuning, stop, slot, clock }.run(claimed, clock.now()).await
    }

    /// Triggers a job whose objects arrive, and aborts its worker before it gets the response, when so many have arrived.
    pub async fn crash_before_the_response(&self, arrived: usize) {
        self.trigger().await;
        let claimed = self.claim(LEASE).await;
        self.fake_braze.rule(|_| Some(Answer::cut_afterwards()));
        tokio::select! {
            _ = self.run(claimed, LEASE) => panic!("the run ended before it could be aborted"),
            () = until(async || self.fake_braze.accepted() >= arrived) => {}
        }
        self.fake_braze.behave();
        self.expire_leases_after_crash().await;
    }

    /// Runs a claimed job and aborts it after this many polls. Returns whether the job had ended by then.
    pub async fn crash(&self, claimed: Claimed, steps: usize) -> bool {
        {
            let mut run = std::pin::pin!(self.run(claimed, LEASE));
            let mut step = 0;
            std::future::poll_fn(|context| {
                step += 1;
                if step > steps { Poll::Ready(()) } else { run.as_mut().poll(context).map(drop) }
            })
            .await;
        }
        self.expire_leases_after_crash().await;
        self.job().await.status != JobStatus::Running
    }

    /// Runs a claimed job and requests a stop after this many polls, as SIGTERM does. Returns whether the job has ended.
    pub async fn stop_after(&self, claimed: Claimed, steps: usize) -> bool {
        {
            let mut run = std::pin::pin!(self.run(claimed, LEASE));
            let mut step = 0;
            let ended = std::future::poll_fn(|context| {
                step += 1;
                if step > steps { Poll::Ready(false) } else { run.as_mut().poll(context).map(|_| true) }
            })
            .await;
            if !ended {
                self.stop.send_replace(Some(Instant::now() + Duration::from_secs(20)));
                run.await.unwrap();
                self.stop.send_replace(None);
            }
        }
        self.job().await.status != JobStatus::Running
    }

    /// Triggers a job and runs it to its end.
    pub async fn sync(&self) -> Job {
        self.trigger().await;
        let claimed = self.claim(LEASE).await;
        self.run(claimed, LEASE).await.unwrap();
        self.job().await
    }

    /// Syncs repeatedly until a sync delivers rows, for rows dated slightly in the future.
    pub async fn sync_until_rows_synced(&self) {
        let begun = std::time::Instant::now();
        while self.sync().await.rows_synced == 0 {
            assert!(begun.elapsed() < Duration::from_secs(30));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// How far the integration has got.
    pub async fn known(&self) -> Known {
        Known::of(&self.store, &self.integration).await.unwrap()
    }

    /// Starts to read all rows.
    pub async fn read_all(&self) -> Result<Reading, SyncError> {
        let hasher = RowHasher::new([0; 32]);
        let request = ReadRequest { kind: self.integration.kind, from: None, most: None, hasher };
        self.integration.source.read(request).await
    }

    /// The newest job.
    pub async fn job(&self) -> Job {
        self.store.jobs(self.integration.id, &Page::First, 1).await.unwrap().items.remove(0)
    }

    /// The identifiers and reasons of the newest job's row errors.
    pub async fn refused(&self) -> Vec<(String, String)> {
        let errors = self.row_errors().await;
        errors.into_iter().map(|error| (error.identifier.unwrap_or_default(), error.reason)).collect()
    }

    pub async fn row_errors(&self) -> Vec<RowError> {
        let errors = self.store.row_errors(self.job().await.id, 0, 100_000).await.unwrap();
        errors.into_iter().map(|(_, error)| error).collect()
    }

    /// The objects in the file.
    pub fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.file()).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("every line is an object")).collect()
    }

    /// The users in the file, in order.
    pub fn users(&self) -> Vec<String> {
        self.lines().iter().map(user).collect()
    }

    /// Expires all leases once a write that the aborted worker had started is finished or rolled back.
    pub async fn expire_leases_after_crash(&self) {
        // The store has a single writer, so this write comes after that of the worker.
        let limit = RateLimit { workspace: String::new(), operation: String::new(), requests: u64::MAX, seconds: 60 };
        self.store.take_request(limit).await.unwrap();
        self.expire_leases().await;
    }

    /// Expires all leases.
    pub async fn expire_leases(&self) {
        let store = rusqlite::Connection::open(&self.store_file).unwrap();
        store.busy_timeout(Duration::from_secs(5)).unwrap();
        store.execute("UPDATE jobs SET lease_until = 1 WHERE finished_at IS NULL", ()).unwrap();
    }
}

/// An integration from the table `users` of `source.db` to `out.jsonl` in the same folder.
fn integration(folder: &Path) -> Integration {
    Integration {
        id: Uuid::new_v4().into(),
        name: "Users".into(),
        workspace: "ours".into(),
        kind: IntegrationKind::Attributes,
        paused: false,
        schedule: None,
        keep_payloads: false,
        max_failed_share: None,
        max_duration: Duration::from_secs(3600),
        only_changed: false,
        lookback: Duration::from_secs(600),
        contact_emails: Vec::new(),
        source: sqlite(folder.join("source.db"), "users"),
        destination: Arc::new(Jsonl { path: folder.join("out.jsonl") }),
    }
}

fn service(fake_braze: &FakeBraze, key: &Secret) -> UsersTrack {
    UsersTrack {
        url: fake_braze.url(),
        api_key: key.clone(),
        batch_size: None,
        requests_per_second: None,
        max_in_flight: None,
        update_existing_only: false,
        give_up_after: Duration::from_secs(20),
        give_up_when_limited_after: Duration::from_secs(20),
    }
}

/// The time this many seconds after the start of 2026, as RFC 3339.
pub fn time(seconds: i64) -> String {
    moment(seconds).to_rfc3339_opts(SecondsFormat::Micros, true)
}

pub fn moment(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600 + seconds, 0).unwrap()
}

/// The `external_id` of an object.
pub fn user(object: &Value) -> String {
    object["external_id"].as_str().expect("an external_id").to_owned()
}

/// A batch from pairs of user and encoded object.
pub fn batch(objects: impl IntoIterator<Item = (String, String)>) -> Batch {
    let row = |user| Row::unkeyed(0, Some(Identifier::ExternalId(user)), None, None);
    Batch::of(objects.into_iter().map(|(user, object)| (row(user), object)), b',')
}

/// Integrations for workers, which do not change.
pub fn integrations(integrations: impl IntoIterator<Item = Arc<Integration>>) -> watch::Receiver<Integrations> {
    let integrations = integrations.into_iter().map(|integration| (integration.id, integration));
    watch::Sender::new(Arc::new(integrations.collect())).subscribe()
}
