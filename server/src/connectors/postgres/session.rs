//! A database session whose query is cancelled when its rows are no longer needed.
//!
//! A server that is sorting does not notice that its client has disconnected. So it is configured to check the
//! connection, and its query is cancelled as well: either may be unavailable.

use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::Instrument as _;

use super::transactions::APPLICATION;
use super::values::connect_error;
use crate::sync::SyncError;
use crate::types::PostgresUrl;

/// How long the database may take to answer a call.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a cancellation may take in total.
const CANCEL: Duration = Duration::from_secs(10);
/// Postgres 14 and later check at this interval whether the client is still connected, on systems that support it.
/// Elsewhere the setting is unknown or refused.
const CHECK_CLIENT: &str =
    "SELECT set_config(name, '2s', false) FROM pg_settings WHERE name = 'client_connection_check_interval'";

/// Identifies a session by process ID and start time, because process IDs are reused.
#[derive(Debug, Clone)]
pub struct Session {
    options: PgConnectOptions,
    id: Option<(i32, DateTime<Utc>)>,
}

/// Connects and identifies the session.
pub async fn connect(url: &PostgresUrl) -> Result<(PgConnection, Session), SyncError> {
    let options = PgConnectOptions::from_str(url.expose());
    // A query lasts as long as the delivery of its rows, so slow queries are not logged as warnings.
    let options = options.map(|options| options.disable_statement_logging().application_name(APPLICATION));
    let options = options.map_err(|error| connect_error(url, &PgConnectOptions::new_without_pgpass(), &error))?;
    let connect = timeout(CONNECT, PgConnection::connect_with(&options)).await;
    let connect = connect.unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut));
    let mut connection = connect.map_err(|error| connect_error(url, &options, &error))?;
    // The setting is optional. A broken connection is noticed at the next statement.
    let _ = sqlx::raw_sql(CHECK_CLIENT).execute(&mut connection).await;
    let id = sqlx::query_as("SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()");
    let id = id.fetch_optional(&mut connection).await.ok().flatten();
    Ok((connection, Session { options, id }))
}

impl Session {
    /// Cancels the session's query if it is still running.
    async fn cancel(self) {
        let Some((pid, backend_start)) = self.id else { return };
        let cancel = async {
            let mut connection = PgConnection::connect_with(&self.options).await?;
            sqlx::query("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2")
                .bind(pid)
                .bind(backend_start)
                .execute(&mut connection)
                .await?;
            connection.close().await
        };
        match timeout(CANCEL, cancel).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a query of the source could not be cancelled"),
            Err(_) => tracing::debug!("a query of the source could not be cancelled in time"),
        }
    }
}

/// Cancels the query of a reading when dropped.
pub struct StopOnDrop {
    task: JoinHandle<()>,
    session: Session,
    ended: Ended,
}

/// Set when a reading has finished by itself.
#[derive(Debug, Clone, Default)]
pub struct Ended(Arc<AtomicBool>);

impl Ended {
    /// Marks the reading as finished: there is no query to cancel.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl StopOnDrop {
    /// Aborts the task and cancels the session's query when dropped, unless the reading has finished.
    pub fn new(task: JoinHandle<()>, session: Session, ended: Ended) -> StopOnDrop {
        StopOnDrop { task, session, ended }
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.task.abort();
        if self.ended.0.load(Ordering::Relaxed) || self.task.is_finished() {
            return;
        }
        // Outside a runtime the server notices the disconnected client by itself.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(self.session.clone().cancel().in_current_span());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use crate::testing::postgres;

    async fn opened() -> (PgConnection, Session) {
        connect(&PostgresUrl::new(Secret::new(postgres())).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn the_server_checks_for_a_disconnected_client() {
        let (mut connection, _) = opened().await;
        let interval = sqlx::query_scalar("SELECT current_setting('client_connection_check_interval', true)");
        let interval: Option<String> = interval.fetch_one(&mut connection).await.unwrap();
        // Older servers do not know the setting.
        assert!(interval.is_none_or(|interval| interval == "2s"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_query_is_cancelled_in_its_own_session_only() {
        let (mut connection, session) = opened().await;
        let sleeps = tokio::spawn(async move { sqlx::query("SELECT pg_sleep(60)").execute(&mut connection).await });
        let (pid, backend_start) = session.id.expect("a session knows itself");
        let (mut other, _) = opened().await;
        let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'";
        while sqlx::query_scalar::<_, i64>(sleeping).bind(pid).fetch_one(&mut other).await.unwrap() == 0 {}
        let earlier = Some((pid, backend_start - chrono::TimeDelta::seconds(1)));
        Session { id: earlier, ..session.clone() }.cancel().await;
        assert_eq!(sqlx::query_scalar::<_, i64>(sleeping).bind(pid).fetch_one(&mut other).await.unwrap(), 1);
        session.cancel().await;
        let error = sleeps.await.unwrap().unwrap_err();
        assert!(error.to_string().contains("canceling statement due to user request"), "{error}");
    }
}
