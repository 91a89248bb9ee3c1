//! Probes a store that is unavailable until it recovers.

use std::sync::Weak;
use std::time::Duration;

use sqlx::{AnyConnection, Connection as _};
use tokio::time::{sleep, timeout};

use super::{CALL_TIMEOUT, Database, RELEASE_TIMEOUT};
use crate::store::StoreError;
use crate::store::error::Unavailability;
use crate::store::file::OpenFile;
use crate::store::kind::Kind;

/// How often an unavailable store is probed.
const PROBE_INTERVAL: Duration = Duration::from_millis(250);

impl Database {
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
}

/// Logs that the store is unavailable, and probes it until it recovers or all its handles are dropped.
pub(super) async fn probe_until_recovered(database: Weak<Database>) {
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
