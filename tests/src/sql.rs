//! Test access to a private Postgres server.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use xtask::postgres::PrivatePostgres;

/// Starts a Postgres server for one test.
pub fn postgres() -> PrivatePostgres {
    PrivatePostgres::start().unwrap_or_else(|error| panic!("{error:#}"))
}

/// Connects to a database.
pub async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap_or_else(|error| panic!("{url}: {error}"))
}

/// Executes statements.
pub async fn execute(connection: &mut PgConnection, text: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(text)).execute(connection).await;
    done.unwrap_or_else(|error| panic!("{text}: {error}"));
}

/// The number that a query returns.
pub async fn number(connection: &mut PgConnection, text: &str) -> i64 {
    let found = sqlx::query_scalar(AssertSqlSafe(text)).fetch_one(connection).await;
    found.unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The numbers that a query returns, none of which is negative.
pub async fn numbers(connection: &mut PgConnection, text: &str) -> Vec<u64> {
    let found: Result<Vec<i64>, _> = sqlx::query_scalar(AssertSqlSafe(text)).fetch_all(connection).await;
    let found = found.unwrap_or_else(|error| panic!("{text}: {error}"));
    found.into_iter().map(|number| number.try_into().unwrap_or_else(|_| panic!("{text}: {number}"))).collect()
}
