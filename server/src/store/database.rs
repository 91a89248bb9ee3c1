//! The connections to SQLite or Postgres.
//!
//! Every statement goes through here and is run to completion, because a statement with `RETURNING` has not committed yet
//! when its row arrives. (sqlx 0.9 resets a SQLite statement after the first row of `fetch_optional` and `fetch_one`. The
//! reset commits, and its error is discarded, so on a full disk a row is returned that was never stored.) A connection whose
//! transaction could not be ended is closed. Every call has a deadline.

mod opening;
mod probing;

use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AnyPool, AssertSqlSafe, Connection as _};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::StoreError;
use super::file::OpenFile;
use super::health::Health;
use super::kind::Kind;
pub(super) use opening::sqlite_url;
use probing::probe_until_recovered;

/// How long a caller waits for a connection before the store counts as unreachable.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// The deadline of a call.
const CALL_TIMEOUT: Duration = Duration::from_secs(8);
/// How long a released connection may take to answer a ping, and a new one to say why there can be none.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a statement waits for a lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(4);

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
