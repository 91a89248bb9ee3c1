//! The running transactions of the source. Their rows carry the transaction's start time, and become visible only at
//! the commit.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row as _};

/// Used for prepared transactions, whose start is unknown.
const ALWAYS: i64 = i64::MIN;
/// The application name of our own sessions, unless the URL sets another. They only read, and may take long.
pub const APPLICATION: &str = "opencdi source";

/// Every running transaction locks its own ID, which all roles can see; its start time is visible only to some roles. A
/// transaction that has not written yet has only a virtual ID, and may still write. Sessions without a user are
/// background processes of the server, such as autovacuum.
const RUNNING: &str = "
    SELECT pg_is_in_recovery() AS is_standby,
           least(min(xact_start), now()) AS running_since,
           (SELECT min(prepared) FROM pg_prepared_xacts WHERE database = current_database()) AS prepared
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'virtualxid' AND mode = 'ExclusiveLock' AND pid <> pg_backend_pid()
      AND datid = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND usesysid IS NOT NULL AND application_name IS DISTINCT FROM $1";

/// One second before the start of the oldest visible transaction, in microseconds since 1970; `None` if no transaction
/// is visible. Call it before taking the snapshot: rows that are not in the snapshot then belong to one of these
/// transactions or to a later one. The second allows for times stored in whole seconds, and for transactions that are
/// just starting.
pub async fn running_since(connection: &mut PgConnection) -> Result<Option<i64>, sqlx::Error> {
    let row = match sqlx::query(RUNNING).bind(APPLICATION).fetch_one(connection).await {
        // A database that only speaks the Postgres protocol may have no such catalogue.
        Err(sqlx::Error::Database(error)) => {
            tracing::warn!(%error, "running transactions cannot be seen at the source; rows that are committed later than `lookback` allows are not found");
            return Ok(None);
        }
        row => row?,
    };
    // A standby shows only its own transactions.
    let is_standby: bool = row.try_get("is_standby")?;
    let prepared: Option<DateTime<Utc>> = row.try_get("prepared")?;
    let running_since: DateTime<Utc> = row.try_get("running_since")?;
    if let Some(prepared) = prepared {
        tracing::warn!(%prepared, "the source has a prepared transaction that is not committed; until it is, every sync reads all rows again");
        return Ok(Some(ALWAYS));
    }
    Ok((!is_standby).then(|| running_since.timestamp_micros() - 1_000_000))
}

/// A warning for `cdi-server check` if late commits may be missed.
pub async fn advice(connection: &mut PgConnection) -> Option<&'static str> {
    let sees = "SELECT pg_is_in_recovery(), pg_has_role('pg_read_all_stats', 'USAGE')";
    match sqlx::query_as(sees).fetch_one(connection).await {
        Ok((true, _)) => Some("this is a standby: rows that are committed later than `lookback` allows are not found"),
        Ok((false, true)) => None,
        Ok((false, false)) | Err(_) => Some(
            "rows that other roles commit later than `lookback` allows are not found; `GRANT pg_read_all_stats TO` this role \
             avoids that",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use sqlx::postgres::PgConnectOptions;
    use sqlx::{AssertSqlSafe, Connection as _};
    use uuid::Uuid;

    use super::*;
    use crate::testing::postgres;

    /// A database for one test, which is dropped with the server.
    struct Database(PgConnectOptions);

    impl Database {
        async fn new() -> Database {
            let options = PgConnectOptions::from_str(&postgres()).unwrap();
            let name = format!("db_{}", Uuid::new_v4().simple());
            let mut connection = PgConnection::connect_with(&options).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
            Database(options.database(&name))
        }

        async fn connect(&self) -> PgConnection {
            PgConnection::connect_with(&self.0).await.unwrap()
        }

        /// Connects as a role that cannot see the sessions of other roles.
        async fn connect_unprivileged(&self) -> PgConnection {
            let mut connection = self.connect().await;
            let role = format!("role_{}", Uuid::new_v4().simple());
            let become_it = format!("CREATE ROLE {role}; SET ROLE {role}");
            sqlx::raw_sql(AssertSqlSafe(become_it)).execute(&mut connection).await.unwrap();
            connection
        }
    }

    async fn begin(connection: &mut PgConnection) -> i64 {
        sqlx::raw_sql("BEGIN").execute(&mut *connection).await.unwrap();
        let began: DateTime<Utc> = sqlx::query_scalar("SELECT now()").fetch_one(connection).await.unwrap();
        began.timestamp_micros() - 1_000_000
    }

    #[tokio::test]
    async fn the_oldest_transaction_counts_even_if_it_has_not_written_yet() {
        let database = Database::new().await;
        let (mut asks, mut first, mut second) =
            (database.connect().await, database.connect().await, database.connect().await);
        let before = Utc::now().timestamp_micros() - 1_000_000;
        assert!(running_since(&mut asks).await.unwrap().unwrap() >= before, "nothing runs");
        let began = begin(&mut first).await;
        begin(&mut second).await;
        assert_eq!(running_since(&mut asks).await.unwrap(), Some(began));
        sqlx::raw_sql("ROLLBACK").execute(&mut first).await.unwrap();
        assert!(running_since(&mut asks).await.unwrap().unwrap() > began);
    }

    #[tokio::test]
    async fn transactions_of_others_may_be_hidden() {
        let database = Database::new().await;
        let (mut asks, mut writes) = (database.connect_unprivileged().await, database.connect().await);
        let began = begin(&mut writes).await;
        assert!(running_since(&mut asks).await.unwrap().unwrap() >= began);
        assert!(advice(&mut asks).await.unwrap().contains("pg_read_all_stats"));
        assert_eq!(advice(&mut database.connect().await).await, None);
    }

    #[tokio::test]
    async fn transactions_of_other_databases_and_of_our_own_readers_do_not_count() {
        let (database, other) = (Database::new().await, Database::new().await);
        let mut elsewhere = other.connect().await;
        let began = begin(&mut elsewhere).await;
        let ours = Database(database.0.clone().application_name(APPLICATION));
        let (mut asks, mut reads) = (ours.connect().await, ours.connect().await);
        let reading = begin(&mut reads).await;
        let since = running_since(&mut asks).await.unwrap().unwrap();
        assert!(since > began && since > reading);
    }

    /// Creates a role that may log in and sees only its own sessions; returns the options to connect as it.
    async fn role(database: &Database) -> PgConnectOptions {
        let role = format!("role_{}", Uuid::new_v4().simple());
        let make = format!("CREATE ROLE {role} LOGIN");
        sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut database.connect().await).await.unwrap();
        database.0.clone().username(&role)
    }

    #[tokio::test]
    async fn a_visible_writer_counts_even_if_other_sessions_are_hidden() {
        let database = Database::new().await;
        let writers = role(&database).await;
        let (mut asks, mut writes, mut other) = (
            PgConnection::connect_with(&writers).await.unwrap(),
            PgConnection::connect_with(&writers).await.unwrap(),
            database.connect().await,
        );
        let began = begin(&mut writes).await;
        assert_eq!(running_since(&mut asks).await.unwrap(), Some(began), "the writers' own role sees them");
        // Like a dump or a monitoring query of another role.
        begin(&mut other).await;
        let since = running_since(&mut asks).await.unwrap();
        assert!(since.is_some_and(|since| since <= began), "{since:?} for a transaction that began at {began}");
    }
}
