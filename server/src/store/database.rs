//! The connections to SQLite or Postgres.
//!
//! Every statement goes through here and is run to completion, because a statement with `RETURNING` has not committed yet
//! when its row arrives. (sqlx 0.9 resets a SQLite statement after the first row of `fetch_optional` and `fetch_one`. The
//! reset commits, and its error is discarded, so on a full disk a row is returned that was never stored.) A connection whose
//! transaction could not be ended is closed. Every call has a deadline.

use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::any::{AnyArguments, AnyPoolOptions, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AnyPool, AssertSqlSafe, Connection as _, Row as _, query};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use super::error::Unavailability;
use super::file::OpenFile;
use super::health::Health;
use super::kind::Kind;
use super::{StoreError, StoreLocation, schema};
use crate::types::{file_problem, folder, folder_problem, unwritable_folder};

/// How long a caller waits for a connection before the store counts as unreachable.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// The deadline of a call.
const CALL_TIMEOUT: Duration = Duration::from_secs(8);
/// The deadline of opening the store, its migration included.
const OPEN_TIMEOUT: Duration = Duration::from_secs(600);
/// How long a released connection may take to answer a ping, and a new one to say why there can be none.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);
/// How often an unavailable store is probed.
const PROBE_INTERVAL: Duration = Duration::from_millis(250);
/// Read connections to SQLite.
const SQLITE_CONNECTIONS: u32 = 8;
/// Connections to Postgres that are not used for this long are closed, so that other processes can have them.
const UNUSED: Duration = Duration::from_secs(30);
/// How long a statement waits for a lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(4);
/// How long a transaction may be idle.
const IDLE_TIMEOUT: Duration = Duration::from_secs(3);

/// A statement with its parameters.
pub(super) type Statement<'q> = Query<'q, Any, AnyArguments>;

/// The connections of a process.
#[derive(Debug)]
pub(super) struct Database {
    pub kind: Kind,
    /// For statements that only read.
    read: AnyPool,
    /// For statements that write. SQLite has one writer at a time, so this pool has one connection: callers queue for it in
    /// order, instead of polling SQLite's lock.
    write: AnyPool,
    /// The turn to write to SQLite: its lock would be polled for, in steps of milliseconds. `None` for Postgres.
    turn: Option<Arc<Semaphore>>,
    /// For rate-limit counters in SQLite.
    counters: Mutex<Option<AnyConnection>>,
    url: String,
    /// The file of a SQLite store.
    pub file: Option<OpenFile>,
    pub health: Health,
}

impl Database {
    /// Connects and migrates the schema.
    pub async fn open(location: &StoreLocation, connections: u32) -> Result<Arc<Database>, StoreError> {
        let (kind, url, place) = target(location, true)?;
        let mut first = connect(&url, &place).await?;
        if kind == Kind::Sqlite {
            // For the migration; the connections of the pools set their own.
            let wait = format!("PRAGMA busy_timeout = {}", schema::LOCK_TIMEOUT.as_millis());
            sqlx::raw_sql(AssertSqlSafe(wait)).execute(&mut first).await?;
            refuse_foreign(&mut first, place).await?;
        }
        let opened = async {
            schema::migrate(&mut first, kind).await?;
            if kind == Kind::Sqlite {
                return Ok(None);
            }
            let database = Database::pools(location, &url, Some(connections)).await?;
            // A pooler that shares one connection to Postgres among transactions confuses the prepared statements of this
            // connection with those of the first one.
            database.read(query("SELECT 1")).await?;
            Ok(Some(database))
        };
        // A pooler may accept the connection and say nothing.
        let opened = timeout(OPEN_TIMEOUT, opened).await;
        let opened: Result<_, StoreError> = opened.unwrap_or_else(|_| Err(StoreError::timed_out(OPEN_TIMEOUT)));
        // An error here does not affect what was committed.
        let _ = timeout(RELEASE_TIMEOUT, first.close()).await;
        match opened? {
            Some(database) => Ok(database),
            None => Database::pools(location, &url, Some(connections)).await,
        }
    }

    /// Connects without creating or changing anything. Returns `None` if no process has served from this store yet.
    pub async fn open_existing(location: &StoreLocation) -> Result<Option<Arc<Database>>, StoreError> {
        if let StoreLocation::Sqlite(path) = location
            && !path.exists()
        {
            return Ok(None);
        }
        let (kind, url, place) = target(location, false)?;
        let mut first = connect(&url, &place).await?;
        let exists = async {
            if kind == Kind::Sqlite {
                refuse_foreign(&mut first, place).await?;
            }
            schema::exists(&mut first, kind).await
        };
        let checked = timeout(CALL_TIMEOUT, exists).await;
        let exists = checked.unwrap_or_else(|_| Err(StoreError::timed_out(CALL_TIMEOUT)));
        let _ = timeout(RELEASE_TIMEOUT, first.close()).await;
        if exists? { Database::pools(location, &url, None).await.map(Some) } else { Ok(None) }
    }

    /// Fails if tables that are missing cannot be created. Nothing is changed.
    pub async fn may_create(location: &StoreLocation) -> Result<(), StoreError> {
        let (kind, url, place) = target(location, false)?;
        let mut connection = connect(&url, &place).await?;
        let checked = timeout(CALL_TIMEOUT, schema::may_create(&mut connection, kind)).await;
        let _ = timeout(RELEASE_TIMEOUT, connection.close()).await;
        checked.unwrap_or_else(|_| Err(StoreError::timed_out(CALL_TIMEOUT)))
    }

    /// Connects. A process that serves says how many connections to Postgres it may have.
    async fn pools(location: &StoreLocation, url: &str, serves: Option<u32>) -> Result<Arc<Database>, StoreError> {
        let options = || {
            AnyPoolOptions::new()
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .after_release(|connection, _| Box::pin(async move { Ok(can_be_reused(connection).await) }))
        };
        let (kind, read, write, turn, file) = match location {
            StoreLocation::Sqlite(path) => {
                let options = || {
                    options().after_connect(move |connection, _| {
                        Box::pin(async move {
                            let journal = if serves.is_some() { "PRAGMA journal_mode = WAL; " } else { "" };
                            // FULL: a triggered job must survive a power failure.
                            let pragmas = format!("{journal}PRAGMA synchronous = FULL; {}", busy_timeout());
                            sqlx::raw_sql(AssertSqlSafe(pragmas)).execute(&mut *connection).await?;
                            Ok(())
                        })
                    })
                };
                let write = options().max_connections(1).connect(url).await?;
                let read = options().max_connections(SQLITE_CONNECTIONS).connect(url).await?;
                let file = OpenFile::at(path).map_err(sqlx::Error::Io)?;
                (Kind::Sqlite, read, write, Some(Arc::new(Semaphore::new(1))), Some(file))
            }
            StoreLocation::Postgres(_) => {
                // A frozen process must not keep its row locks, and statements that have timed out must not keep running.
                let limits = format!(
                    "SET idle_in_transaction_session_timeout = {idle}; SET lock_timeout = {locked}; SET statement_timeout = {answer}",
                    idle = IDLE_TIMEOUT.as_millis(),
                    locked = LOCK_TIMEOUT.as_millis(),
                    answer = CALL_TIMEOUT.as_millis()
                );
                let options = || {
                    options().after_connect(move |connection, _| {
                        let limits = limits.clone();
                        Box::pin(async move {
                            sqlx::raw_sql(AssertSqlSafe(limits)).execute(&mut *connection).await?;
                            Ok(())
                        })
                    })
                };
                let pool = options().max_connections(serves.unwrap_or(1)).idle_timeout(UNUSED).connect(url).await?;
                (Kind::Postgres, pool.clone(), pool, None, None)
            }
        };
        let (url, counters) = (url.to_owned(), Mutex::default());
        Ok(Arc::new(Database { kind, read, write, turn, counters, url, file, health: Health::default() }))
    }

    /// Replaces `{now}` in a statement by the SQL for the store's clock.
    pub fn with_store_clock(&self, statement: &str) -> AssertSqlSafe<String> {
        AssertSqlSafe(statement.replace("{now}", self.kind.now()))
    }

    /// The end of a query that finds a row to be updated: SQL that skips rows which others are about to change.
    pub fn skip_locked(&self) -> &'static str {
        match self.kind {
            // There is one writer at a time.
            Kind::Sqlite => "",
            Kind::Postgres => "FOR UPDATE SKIP LOCKED",
        }
    }

    /// The end of a query in a transaction: SQL that waits for others who are about to change the rows that it finds, and then
    /// leaves out those that do not match any more.
    pub fn for_update(&self) -> &'static str {
        match self.kind {
            Kind::Sqlite => "",
            Kind::Postgres => "FOR UPDATE",
        }
    }

    /// Runs a statement that only reads and returns its rows.
    pub async fn read(self: &Arc<Self>, statement: Statement<'_>) -> Result<Vec<AnyRow>, StoreError> {
        self.bounded(async { Ok(statement.fetch_all(&self.read).await?) }).await
    }

    /// Runs a statement that only reads and returns its first row, if any.
    pub async fn read_one(self: &Arc<Self>, statement: Statement<'_>) -> Result<Option<AnyRow>, StoreError> {
        Ok(self.read(statement).await?.into_iter().next())
    }

    /// Runs a statement that writes and returns its `RETURNING` rows.
    pub async fn write_all(self: &Arc<Self>, statement: Statement<'_>) -> Result<Vec<AnyRow>, StoreError> {
        self.bounded(async {
            let _turn = self.turn().await?;
            Ok(statement.fetch_all(&self.write).await?)
        })
        .await
    }

    /// Runs a statement that writes and returns its first `RETURNING` row, if any.
    pub async fn write_one(self: &Arc<Self>, statement: Statement<'_>) -> Result<Option<AnyRow>, StoreError> {
        Ok(self.write_all(statement).await?.into_iter().next())
    }

    /// Runs a statement that writes and returns the number of changed rows.
    pub async fn write(self: &Arc<Self>, statement: Statement<'_>) -> Result<u64, StoreError> {
        self.bounded(async {
            let _turn = self.turn().await?;
            Ok(statement.execute(&self.write).await?.rows_affected())
        })
        .await
    }

    /// Runs a statement on rate-limit counters and returns its rows. In SQLite the last of them may be lost in a power failure,
    /// which saves a flush of the disk for each.
    pub async fn count(self: &Arc<Self>, statement: Statement<'_>) -> Result<Vec<AnyRow>, StoreError> {
        if self.kind == Kind::Postgres {
            return self.write_all(statement).await;
        }
        self.bounded(async {
            let _turn = self.turn().await?;
            let mut kept = self.counters.lock().await;
            // A connection whose call fails or takes too long is not used again.
            let mut connection = match kept.take() {
                Some(connection) => connection,
                None => connect_to_count(&self.url).await?,
            };
            let rows = statement.fetch_all(&mut connection).await?;
            *kept = Some(connection);
            Ok(rows)
        })
        .await
    }

    /// Waits for the turn to write.
    async fn turn(&self) -> Result<Option<OwnedSemaphorePermit>, StoreError> {
        let Some(turn) = &self.turn else { return Ok(None) };
        match timeout(ACQUIRE_TIMEOUT, turn.clone().acquire_owned()).await {
            Ok(permit) => Ok(permit.ok()),
            Err(_) => Err(StoreError::from(sqlx::Error::PoolTimedOut)),
        }
    }

    /// Runs several statements that begin and end a [`Transaction`].
    pub async fn transact<T>(
        self: &Arc<Self>,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.bounded(work).await
    }

    /// Begins a transaction that writes. Use it inside [`Self::transact`].
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        let turn = self.turn().await?;
        let transaction = match self.kind {
            // IMMEDIATE: a deferred transaction that reads first fails if another connection writes in between.
            Kind::Sqlite => self.write.begin_with("BEGIN IMMEDIATE").await?,
            Kind::Postgres => self.write.begin().await?,
        };
        Ok(Transaction { transaction, _turn: turn })
    }

    /// Runs a call with a deadline. Fails at once while the store is known to be unreachable.
    async fn bounded<T>(self: &Arc<Self>, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.health.check()?;
        let result = match self.file.as_ref().map_or(Ok(()), OpenFile::check) {
            Ok(()) => timeout(CALL_TIMEOUT, work).await.unwrap_or_else(|_| Err(StoreError::timed_out(CALL_TIMEOUT))),
            Err(gone) => Err(gone),
        };
        if self.health.record(&result, self.read.size() + self.write.size() > 0) {
            tokio::spawn(probe_until_recovered(Arc::downgrade(self)));
        }
        result
    }

    /// Reads from the store, and writes with a commit.
    async fn probe(&self) -> Result<(), StoreError> {
        let probe = async {
            self.file.as_ref().map_or(Ok(()), OpenFile::check)?;
            sqlx::raw_sql("SELECT 1").execute(&self.read).await?;
            let mut transaction = self.begin().await?;
            // A counter that belongs to no workspace.
            let written = sqlx::raw_sql(
                "INSERT INTO rate_limits (workspace, operation, window_start, used) VALUES ('', '', 0, 1)
                 ON CONFLICT (workspace, operation, window_start) DO UPDATE SET used = rate_limits.used + 1",
            );
            let written = written.execute(transaction.connection()).await.map(drop).map_err(StoreError::from);
            transaction.end(written).await
        };
        // Longer than the pool waits for a connection, so that its own error comes first.
        timeout(CALL_TIMEOUT, probe).await.unwrap_or_else(|_| Err(StoreError::timed_out(CALL_TIMEOUT)))
    }

    /// Why there is no connection to Postgres, which the pool does not say; `None` if there can be one.
    async fn why_no_connection(&self) -> Option<StoreError> {
        if self.kind != Kind::Postgres {
            return None;
        }
        match timeout(RELEASE_TIMEOUT, AnyConnection::connect(&self.url)).await {
            Ok(Ok(connection)) => {
                let _ = timeout(RELEASE_TIMEOUT, connection.close()).await;
                None
            }
            Ok(Err(error)) => Some(StoreError::from(error)),
            Err(_) => Some(StoreError::timed_out(RELEASE_TIMEOUT)),
        }
    }

    /// Closes all connections, so that SQLite removes its `-wal` and `-shm` files.
    pub async fn close(&self) {
        let counters = async {
            if let Some(connection) = self.counters.lock().await.take() {
                let _ = connection.close().await;
            }
        };
        let close = async { tokio::join!(self.read.close(), counters, self.write.close()) };
        let _ = timeout(RELEASE_TIMEOUT, close).await;
    }
}

/// A SQLite connection that does not flush the disk at each commit.
async fn connect_to_count(url: &str) -> Result<AnyConnection, sqlx::Error> {
    let mut connection = AnyConnection::connect(url).await?;
    let pragmas = format!("PRAGMA synchronous = NORMAL; {}", busy_timeout());
    sqlx::raw_sql(AssertSqlSafe(pragmas)).execute(&mut connection).await?;
    Ok(connection)
}

/// How long a SQLite connection waits for a lock.
fn busy_timeout() -> String {
    format!("PRAGMA busy_timeout = {}", LOCK_TIMEOUT.as_millis())
}

/// Logs that the store is unavailable, and probes it until it recovers or all its handles are dropped.
async fn probe_until_recovered(database: Weak<Database>) {
    if let Some(database) = database.upgrade() {
        if database.health.is_unexplained()
            && let Some(error) = database.why_no_connection().await
        {
            database.health.still_unreachable(&error);
        }
        database.health.log_outage();
    }
    loop {
        sleep(PROBE_INTERVAL).await;
        let Some(database) = database.upgrade() else { return };
        if !database.health.may_have_recovered() {
            continue;
        }
        match database.probe().await {
            Ok(()) => return database.health.mark_recovered(),
            Err(error @ StoreError::Unavailable { kind: Unavailability::NoConnection, .. }) => {
                let error = database.why_no_connection().await.unwrap_or(error);
                database.health.still_unreachable(&error);
            }
            Err(error) => database.health.still_unreachable(&error),
        }
    }
}

/// The first `RETURNING` row of a statement, which is run to completion so that an error of its commit is reported.
pub(super) async fn returned(
    statement: Statement<'_>,
    connection: &mut AnyConnection,
) -> Result<Option<AnyRow>, StoreError> {
    Ok(statement.fetch_all(connection).await?.into_iter().next())
}

/// A transaction that writes. It is rolled back if it is dropped before its end.
pub(super) struct Transaction {
    // Dropped before the turn.
    transaction: sqlx::Transaction<'static, Any>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Transaction {
    /// The connection for its statements.
    pub fn connection(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    /// Commits if the result is `Ok`, and rolls back otherwise.
    pub async fn end<T>(self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        match result {
            Ok(done) => {
                // If this fails, the connection is checked when it is released to the pool.
                self.transaction.commit().await?;
                Ok(done)
            }
            Err(error) => {
                let _ = self.transaction.rollback().await;
                Err(error)
            }
        }
    }
}

/// Whether a released connection can be reused: it answers, and has no open transaction. SQLite may have rolled back a
/// transaction by itself, which sqlx then considers open forever. In Postgres a transaction may be open that sqlx does not know
/// of: if the future that begins it is dropped before the answer, sqlx 0.9 does not roll it back. Statements of later calls
/// would be part of it, and be lost with it.
async fn can_be_reused(connection: &mut AnyConnection) -> bool {
    let is_idle = async {
        // A queued rollback is sent before these.
        if connection.backend_name() == "PostgreSQL" {
            // Both times are equal in the first statement of a transaction, which this is unless one is open.
            let idle = sqlx::raw_sql("SELECT now() = statement_timestamp()").fetch_one(&mut *connection).await?;
            return idle.try_get(0);
        }
        connection.ping().await.map(|()| true)
    };
    matches!(timeout(RELEASE_TIMEOUT, is_idle).await, Ok(Ok(true))) && !connection.is_in_transaction()
}

/// Fails if a SQLite file is not a database, or one of another program.
async fn refuse_foreign(connection: &mut AnyConnection, place: String) -> Result<(), StoreError> {
    match schema::foreign_tables(connection).await {
        Ok(None) => Ok(()),
        Ok(Some(tables)) => Err(StoreError::Foreign { place, tables }),
        Err(error) => Err(StoreError::connecting(place, error)),
    }
}

/// The kind, the URL, and the place for error messages. `create` is whether a missing SQLite file is created.
fn target(location: &StoreLocation, create: bool) -> Result<(Kind, String, String), StoreError> {
    sqlx::any::install_default_drivers();
    match location {
        StoreLocation::Sqlite(path) => {
            let place = path.display().to_string();
            can_be_opened(path, create)
                .and_then(|()| sqlite_url(path, if create { "mode=rwc" } else { "mode=rw" }))
                .map(|url| (Kind::Sqlite, url, place.clone()))
                .map_err(|error| match is_transient(&error) {
                    true => StoreError::connecting(place, sqlx::Error::Io(error)),
                    false => StoreError::Connect { place, reason: error.to_string() },
                })
        }
        StoreLocation::Postgres(url) => Ok((Kind::Postgres, url.expose().to_owned(), url.to_string())),
    }
}

/// Opens the file before SQLite does, because SQLite's error does not say why a file cannot be opened.
fn can_be_opened(path: &Path, makes: bool) -> std::io::Result<()> {
    let denied = |problem: String| Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, problem));
    if makes && !path.exists() {
        return match folder(path).read_dir() {
            Err(error) if is_transient(&error) => Err(error),
            _ => folder_problem(path).map_or(Ok(()), denied),
        };
    }
    if let Err(error) = std::fs::OpenOptions::new().read(true).write(true).open(path) {
        return file_problem(path).map_or(Err(error), denied);
    }
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    match unwritable_folder(folder(path)) {
        // If it is there, another process has the store open.
        Some(problem) if !Path::new(&log).exists() => denied(format!("SQLite creates files beside it, and {problem}")),
        _ => Ok(()),
    }
}

/// Whether an I/O error may go away by itself.
fn is_transient(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{
        InvalidInput, IsADirectory, NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem,
    };
    !matches!(
        error.kind(),
        NotFound | PermissionDenied | IsADirectory | NotADirectory | InvalidInput | ReadOnlyFilesystem
    )
}

/// Opens a single connection. Its error has the cause, while a pool's error only says that it timed out.
async fn connect(url: &str, place: &str) -> Result<AnyConnection, StoreError> {
    let connected = timeout(ACQUIRE_TIMEOUT, AnyConnection::connect(url)).await;
    let connected = connected.unwrap_or(Err(sqlx::Error::PoolTimedOut));
    connected.map_err(|error| StoreError::connecting(place.to_owned(), error))
}

/// The URL of a SQLite file for sqlx, with a percent-encoded path and these parameters.
pub(super) fn sqlite_url(path: &Path, parameters: &str) -> std::io::Result<String> {
    let absolute = std::path::absolute(path)?;
    let url = reqwest::Url::from_file_path(&absolute)
        .map_err(|()| std::io::Error::new(std::io::ErrorKind::InvalidInput, "this is not the path of a file"))?;
    Ok(format!("sqlite://{}?{parameters}", url.path()))
}
