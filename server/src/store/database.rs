//! The connections, and what differs between SQLite and Postgres: how to connect, and how to ask for the time.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use sqlx::AnyPool;
use sqlx::any::AnyPoolOptions;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, SqlSafeStr as _};
use tokio::time::timeout;

use super::StoreError;
use crate::config::StoreLocation;

/// How long a caller waits for a connection before the store counts as away.
const ACQUIRE: Duration = Duration::from_secs(5);
/// Connections to Postgres, and for reading from SQLite.
const CONNECTIONS: u32 = 8;

const MIGRATIONS: &[(i64, &str, &str)] = &[(1, "store", include_str!("../../migrations/0001_store.sql"))];

/// The connections of a process.
#[derive(Debug)]
pub(super) struct Database {
    /// For statements that only read.
    pub read: AnyPool,
    /// For statements that write. SQLite has one writer at a time: callers queue here, in order, and not on its lock.
    pub write: AnyPool,
    /// The store's own clock in microseconds, as SQL. Leases are measured by it, so that replicas need not agree on the time.
    now: &'static str,
}

impl Database {
    pub async fn open(location: &StoreLocation) -> Result<Database, StoreError> {
        sqlx::any::install_default_drivers();
        let options = || AnyPoolOptions::new().acquire_timeout(ACQUIRE);
        let database = match location {
            StoreLocation::Sqlite(path) => {
                let url = sqlite_url(path)?;
                // A pool says only that it got no connection in time; one connection says why.
                let first = AnyConnection::connect(&url)
                    .await
                    .map_err(|error| StoreError::Connect { place: path.display().to_string(), error })?;
                first.close().await?;
                let options = || {
                    options().after_connect(|connection, _| {
                        Box::pin(async move {
                            // A job whose trigger was answered must be there after a power cut: FULL.
                            let pragmas =
                                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000";
                            sqlx::raw_sql(pragmas).execute(&mut *connection).await?;
                            Ok(())
                        })
                    })
                };
                let write = options().max_connections(1).connect(&url).await?;
                let read = options().max_connections(CONNECTIONS).connect(&url).await?;
                Database { read, write, now: "CAST(unixepoch('subsec') * 1000000 AS INTEGER)" }
            }
            StoreLocation::Postgres(url) => {
                let connect = timeout(ACQUIRE, AnyConnection::connect(url.expose())).await;
                let first = connect
                    .unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut))
                    .map_err(|error| StoreError::Connect { place: url.to_string(), error })?;
                first.close().await?;
                let pool = options().max_connections(CONNECTIONS).connect(url.expose()).await?;
                Database {
                    read: pool.clone(),
                    write: pool,
                    now: "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
                }
            }
        };
        // SQLite has no lock for this: of several processes that start at once one succeeds, and the others find it done.
        let mut tries = MIGRATIONS.len();
        while let Err(error) = migrations().run(&database.write).await {
            if tries == 0 {
                return Err(StoreError::Schema(error));
            }
            tries -= 1;
        }
        Ok(database)
    }

    /// A statement of ours with `{now}` replaced by the store's clock.
    pub fn at_its_own_time(&self, statement: &'static str) -> AssertSqlSafe<String> {
        AssertSqlSafe(statement.replace("{now}", self.now))
    }
}

fn migrations() -> Migrator {
    let migrations = MIGRATIONS.iter().map(|(version, name, text)| {
        let (name, up, inside_a_transaction) = (Cow::Borrowed(*name), MigrationType::Simple, false);
        Migration::new(*version, name, up, text.into_sql_str(), inside_a_transaction)
    });
    Migrator::with_migrations(migrations.collect())
}

/// sqlx takes a SQLite file as a URL, in which the path is percent-encoded.
fn sqlite_url(path: &Path) -> Result<String, sqlx::Error> {
    let absolute = std::path::absolute(path).map_err(sqlx::Error::Io)?;
    let url = reqwest::Url::from_file_path(&absolute)
        .map_err(|()| sqlx::Error::Configuration(format!("{} is not a path of a file", absolute.display()).into()))?;
    Ok(format!("sqlite://{}?mode=rwc", url.path()))
}
