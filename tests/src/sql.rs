//! SQL of a test to a Postgres of its own.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use xtask::postgres::PrivatePostgres;

/// A Postgres of the test's own.
pub fn postgres() -> PrivatePostgres {
    PrivatePostgres::start().unwrap_or_else(|error| panic!("{error:#}"))
}

/// A connection.
pub async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap_or_else(|error| panic!("{url}: {error}"))
}

/// Executes statements.
pub async fn execute(connection: &mut PgConnection, text: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(text)).execute(connection).await;
    done.unwrap_or_else(|error| panic!("{text}: {error}"));
}

/// The number that a query finds.
pub async fn number(connection: &mut PgConnection, text: &str) -> i64 {
    let found = sqlx::query_scalar(AssertSqlSafe(text)).fetch_one(connection).await;
    found.unwrap_or_else(|error| panic!("{text}: {error}"))
}
