//! The connections to SQLite or Postgres.
//!
//! Every statement goes through here, and is run to its end: a statement that returns a row has not committed yet when the
//! row is there. (sqlx 0.9 resets a SQLite statement after the first row of `fetch_optional` and `fetch_one`; the reset
//! commits, and its error is thrown away, so that on a full disk a row is returned that was never stored.) A connection
//! whose transaction could not be ended is closed. Every call has a deadline.

use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::any::{AnyArguments, AnyPoolOptions, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AnyPool, AssertSqlSafe, Connection as _};
use tokio::time::{sleep, timeout};

use super::health::Health;
use super::kind::Kind;
use super::{StoreError, StoreLocation, schema};
use crate::types::{folder, folder_problem};

/// How long a caller waits for a connection before the store counts as away.
const ACQUIRE: Duration = Duration::from_secs(5);
/// How long a call may take in all.
const ANSWER: Duration = Duration::from_secs(8);
/// How long a connection may take to show that it can be used again.
const RELEASE: Duration = Duration::from_secs(2);
/// How often a store that is away is asked whether it is back.
const ASK: Duration = Duration::from_millis(250);
/// Connections to Postgres, and for reading from SQLite.
const CONNECTIONS: u32 = 8;
/// How long a statement waits for somebody else who writes.
const LOCKED: Duration = Duration::from_secs(4);
/// How long a transaction may wait for its next statement.
const IDLE: Duration = Duration::from_secs(3);

/// A statement with what is bound to it.
pub(super) type Statement<'q> = Query<'q, Any, AnyArguments>;

/// The connections of a process.
#[derive(Debug)]
pub(super) struct Database {
    kind: Kind,
    /// For statements that only read.
    read: AnyPool,
    /// For statements that write. SQLite has one writer at a time: callers queue here, in order, and not on its lock.
    write: AnyPool,
    pub health: Health,
}

impl Database {
    /// Connects, and brings the schema up to date.
    pub async fn open(location: &StoreLocation) -> Result<Arc<Database>, StoreError> {
        let (kind, url, place) = target(location, true)?;
        let mut first = connect(&url, &place).await?;
        if kind == Kind::Sqlite {
            // For the change of the schema; the pools' connections say it for themselves.
            let wait = format!("PRAGMA busy_timeout = {}", schema::LOCKED.as_millis());
            sqlx::raw_sql(AssertSqlSafe(wait)).execute(&mut first).await?;
        }
        let migrated = schema::migrate(&mut first, kind).await;
        // An error here changes nothing about what was committed.
        let _ = timeout(RELEASE, first.close()).await;
        migrated?;
        Database::pools(kind, &url, true).await
    }

    /// Connects to what is there; nothing where no process has served from it yet. Makes and changes nothing.
    pub async fn open_existing(location: &StoreLocation) -> Result<Option<Arc<Database>>, StoreError> {
        if let StoreLocation::Sqlite(path) = location
            && !path.exists()
        {
            return Ok(None);
        }
        let (kind, url, place) = target(location, false)?;
        let mut first = connect(&url, &place).await?;
        let looked = timeout(ANSWER, schema::is_there(&mut first, kind)).await;
        let is_there = looked.unwrap_or_else(|_| Err(StoreError::silent(ANSWER)));
        let _ = timeout(RELEASE, first.close()).await;
        if is_there? { Database::pools(kind, &url, false).await.map(Some) } else { Ok(None) }
    }

    async fn pools(kind: Kind, url: &str, serves: bool) -> Result<Arc<Database>, StoreError> {
        let options = || {
            AnyPoolOptions::new()
                .acquire_timeout(ACQUIRE)
                .after_release(|connection, _| Box::pin(async move { Ok(is_usable(connection).await) }))
        };
        let (read, write) = match kind {
            Kind::Sqlite => {
                let options = || {
                    options().after_connect(move |connection, _| {
                        Box::pin(async move {
                            // A job whose trigger was answered must be there after a power cut: FULL.
                            let journal = if serves { "PRAGMA journal_mode = WAL; " } else { "" };
                            let locked = LOCKED.as_millis();
                            let pragmas = format!("{journal}PRAGMA synchronous = FULL; PRAGMA busy_timeout = {locked}");
                            sqlx::raw_sql(AssertSqlSafe(pragmas)).execute(&mut *connection).await?;
                            Ok(())
                        })
                    })
                };
                let write = options().max_connections(1).connect(url).await?;
                (options().max_connections(CONNECTIONS).connect(url).await?, write)
            }
            Kind::Postgres => {
                // A process that stands still in the middle of something must not keep the others from its rows; and what nobody
                // waits for any more must not go on.
                let limits = format!(
                    "SET idle_in_transaction_session_timeout = {idle}; SET lock_timeout = {locked}; SET statement_timeout = {answer}",
                    idle = IDLE.as_millis(),
                    locked = LOCKED.as_millis(),
                    answer = ANSWER.as_millis()
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
                let pool = options().max_connections(CONNECTIONS).connect(url).await?;
                (pool.clone(), pool)
            }
        };
        Ok(Arc::new(Database { kind, read, write, health: Health::default() }))
    }

    /// A statement of ours with `{now}` replaced by the store's clock.
    pub fn with_store_clock(&self, statement: &'static str) -> AssertSqlSafe<String> {
        AssertSqlSafe(statement.replace("{now}", self.kind.now()))
    }

    /// The rows of a statement that only reads.
    pub async fn read(self: &Arc<Self>, statement: Statement<'_>) -> Result<Vec<AnyRow>, StoreError> {
        self.bounded(async { Ok(statement.fetch_all(&self.read).await?) }).await
    }

    /// The row of a statement that only reads, if there is one.
    pub async fn read_one(self: &Arc<Self>, statement: Statement<'_>) -> Result<Option<AnyRow>, StoreError> {
        Ok(self.read(statement).await?.into_iter().next())
    }

    /// The row that a statement returns of what it has written, if it has written something.
    pub async fn write_one(self: &Arc<Self>, statement: Statement<'_>) -> Result<Option<AnyRow>, StoreError> {
        self.bounded(async { returned(statement, &mut *self.write.acquire().await?).await }).await
    }

    /// Runs a statement that writes; how many rows it has changed.
    pub async fn write(self: &Arc<Self>, statement: Statement<'_>) -> Result<u64, StoreError> {
        self.bounded(async { Ok(statement.execute(&self.write).await?.rows_affected()) }).await
    }

    /// Does what takes several statements, which begin and end a [`Transaction`].
    pub async fn transact<T>(
        self: &Arc<Self>,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.bounded(work).await
    }

    /// Begins a transaction that writes; inside of [`Self::transact`].
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        Ok(Transaction(match self.kind {
            // A transaction that reads before it writes would fail if somebody else wrote in between.
            Kind::Sqlite => self.write.begin_with("BEGIN IMMEDIATE").await?,
            Kind::Postgres => self.write.begin().await?,
        }))
    }

    /// Fails at once while the store is known to be away, and after a while where there is no answer.
    async fn bounded<T>(self: &Arc<Self>, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.health.check()?;
        let result = timeout(ANSWER, work).await.unwrap_or_else(|_| Err(StoreError::silent(ANSWER)));
        if self.health.note(&result) {
            tokio::spawn(ask_until_back(Arc::downgrade(self)));
        }
        result
    }

    /// Whether it works: whether something can be read, and written for good.
    async fn works(&self) -> bool {
        let asked = async {
            sqlx::raw_sql("SELECT 1").execute(&self.read).await?;
            let mut transaction = self.begin().await?;
            // A counter that nobody asks for.
            let written = sqlx::raw_sql(
                "INSERT INTO rate_limits (workspace, operation, window_start, used) VALUES ('', '', 0, 1)
                 ON CONFLICT (workspace, operation, window_start) DO UPDATE SET used = rate_limits.used + 1",
            );
            let written = written.execute(transaction.connection()).await.map(drop).map_err(StoreError::from);
            transaction.end(written).await
        };
        matches!(timeout(ACQUIRE, asked).await, Ok(Ok(())))
    }

    /// Closes all connections: SQLite then leaves no files beside its own.
    pub async fn close(&self) {
        let close = async { tokio::join!(self.read.close(), self.write.close()) };
        let _ = timeout(RELEASE, close).await;
    }
}

/// Asks a store that does not work until it works again or nobody needs it any more.
async fn ask_until_back(database: Weak<Database>) {
    loop {
        sleep(ASK).await;
        let Some(database) = database.upgrade() else { return };
        if database.health.may_work_again() && database.works().await {
            database.health.works_again();
            return;
        }
    }
}

/// The row that a statement returns of what it has written. It is run to its end, so that an error of its commit is seen.
pub(super) async fn returned(
    statement: Statement<'_>,
    connection: &mut AnyConnection,
) -> Result<Option<AnyRow>, StoreError> {
    Ok(statement.fetch_all(connection).await?.into_iter().next())
}

/// A transaction that writes. One that is dropped without having been ended is rolled back.
pub(super) struct Transaction(sqlx::Transaction<'static, Any>);

impl Transaction {
    /// The connection, for statements.
    pub fn connection(&mut self) -> &mut AnyConnection {
        &mut self.0
    }

    /// Commits if the work went well, and rolls back otherwise.
    pub async fn end<T>(self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        match result {
            Ok(done) => {
                // Where this fails, the connection is looked at when it is given back.
                self.0.commit().await?;
                Ok(done)
            }
            Err(error) => {
                let _ = self.0.rollback().await;
                Err(error)
            }
        }
    }
}

/// Whether a connection that is given back can be used again: no transaction is left open on it, and it answers. SQLite may
/// have ended a transaction by itself, of which sqlx then believes for ever that it is open.
async fn is_usable(connection: &mut AnyConnection) -> bool {
    // A rollback may still wait to be sent; it is before this.
    matches!(timeout(RELEASE, connection.ping()).await, Ok(Ok(()))) && !connection.is_in_transaction()
}

/// The kind, the URL, and how the place is called.
fn target(location: &StoreLocation, makes: bool) -> Result<(Kind, String, String), StoreError> {
    sqlx::any::install_default_drivers();
    match location {
        StoreLocation::Sqlite(path) => {
            let place = path.display().to_string();
            can_be_opened(path, makes)
                .and_then(|()| sqlite_url(path, makes))
                .map(|url| (Kind::Sqlite, url, place.clone()))
                .map_err(|error| match passes(&error) {
                    true => StoreError::connecting(place, sqlx::Error::Io(error)),
                    false => StoreError::Connect { place, reason: error.to_string() },
                })
        }
        StoreLocation::Postgres(url) => Ok((Kind::Postgres, url.expose().to_owned(), url.to_string())),
    }
}

/// SQLite says of every file only that it cannot be opened; the system says why.
fn can_be_opened(path: &Path, makes: bool) -> std::io::Result<()> {
    if makes && !path.exists() {
        folder(path).read_dir()?;
        return match folder_problem(path) {
            Some(problem) => Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, problem)),
            None => Ok(()),
        };
    }
    std::fs::OpenOptions::new().read(true).write(true).open(path).map(drop)
}

/// Whether an error of the system may pass by itself.
fn passes(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{
        InvalidInput, IsADirectory, NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem,
    };
    !matches!(
        error.kind(),
        NotFound | PermissionDenied | IsADirectory | NotADirectory | InvalidInput | ReadOnlyFilesystem
    )
}

/// One connection says why it does not come about; a pool says only that it got none in time.
async fn connect(url: &str, place: &str) -> Result<AnyConnection, StoreError> {
    let connected = timeout(ACQUIRE, AnyConnection::connect(url)).await;
    let connected = connected.unwrap_or(Err(sqlx::Error::PoolTimedOut));
    connected.map_err(|error| StoreError::connecting(place.to_owned(), error))
}

/// sqlx takes a SQLite file as a URL, in which the path is percent-encoded.
fn sqlite_url(path: &Path, makes: bool) -> std::io::Result<String> {
    let absolute = std::path::absolute(path)?;
    let url = reqwest::Url::from_file_path(&absolute)
        .map_err(|()| std::io::Error::new(std::io::ErrorKind::InvalidInput, "this is not a path of a file"))?;
    Ok(format!("sqlite://{}?mode={}", url.path(), if makes { "rwc" } else { "rw" }))
}
