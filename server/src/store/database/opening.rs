//! Opens the connections: checks the place, migrates the schema, and sets the limits of connections.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _, query};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

use super::{ACQUIRE_TIMEOUT, CALL_TIMEOUT, Database, LOCK_TIMEOUT, RELEASE_TIMEOUT, busy_timeout};
use crate::store::file::OpenFile;
use crate::store::health::Health;
use crate::store::kind::Kind;
use crate::store::{StoreError, StoreLocation, schema};
use crate::types::{file_problem, folder, folder_problem, unwritable_folder};

/// The deadline of opening the store, its migration included.
const OPEN_TIMEOUT: Duration = Duration::from_secs(600);
/// Read connections to SQLite.
const SQLITE_CONNECTIONS: u32 = 8;
/// Connections to Postgres that are not used for this long are closed, so that other processes can have them.
const UNUSED: Duration = Duration::from_secs(30);
/// How long a transaction may be idle.
const IDLE_TIMEOUT: Duration = Duration::from_secs(3);

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
pub(in crate::store) fn sqlite_url(path: &Path, parameters: &str) -> std::io::Result<String> {
    let absolute = std::path::absolute(path)?;
    let url = reqwest::Url::from_file_path(&absolute)
        .map_err(|()| std::io::Error::new(std::io::ErrorKind::InvalidInput, "this is not the path of a file"))?;
    Ok(format!("sqlite://{}?{parameters}", url.path()))
}
