//! Seeds the sources. Row number `n` has the same content in all of them.

use std::path::Path;

use sqlx::postgres::PgPoolCopyExt as _;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};

use crate::server::{Database, Source};

/// The first row's time, in microseconds: 2026-01-01.
const FIRST: i64 = 1_767_225_600_000_000;

/// The user of a row.
pub fn user(row: u32) -> String {
    format!("user-{row}")
}

/// The payload of a row.
pub fn payload(row: u32) -> String {
    format!(
        r#"{{"first_name":"Ada {row}","email":"user-{row}@example.com","visits":{},"city":"Zürich","tags":["a","b","c"],"premium":{},"score":{}.25,"note":"{}"}}"#,
        row % 97,
        row.is_multiple_of(3),
        row % 1000,
        "x".repeat(row as usize % 120),
    )
}

/// The object of a row, as it is sent.
pub fn object(row: u32) -> String {
    format!("{{\"external_id\":\"{}\",{}", user(row), &payload(row)[1..])
}

/// A SQLite table with rows in insertion order.
pub fn appended(path: &Path, rows: u32) -> Source {
    seed_sqlite(path, rows, |row, _| i64::from(row));
    Source { name: "SQLite, appended", database: Database::Sqlite(path.to_owned()), order: "rowid" }
}

/// A SQLite table with rows that were updated since.
pub fn changed(path: &Path, rows: u32) -> Source {
    seed_sqlite(path, rows, shuffled);
    Source { name: "SQLite, changed", database: Database::Sqlite(path.to_owned()), order: "UPDATED_AT" }
}

/// The same in Postgres, if there is one: `cargo xtask bench` starts it.
pub async fn in_postgres(rows: u32) -> Option<Source> {
    let url = std::env::var("OPENCDI_TEST_POSTGRES").ok()?;
    let table = format!("bench_{}", uuid::Uuid::new_v4().simple());
    seed_postgres(&url, &table, rows).await;
    Some(Source { name: "Postgres, changed", database: Database::Postgres { url, table }, order: "updated_at" })
}

fn updated_at(position: i64) -> String {
    let time = chrono::DateTime::from_timestamp_micros(FIRST + position * 1000).unwrap();
    time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

/// The position of a row in the order of time: a permutation.
fn shuffled(row: u32, rows: u32) -> i64 {
    // A prime that is larger than any number of rows here shares no divisor with it.
    (i64::from(row) * 2_147_483_647) % i64::from(rows)
}

/// Seeds SQLite with rows in insertion order, and SQLite and Postgres with rows that were updated since.
pub async fn sources(folder: &Path, rows: u32) -> Vec<Source> {
    std::fs::create_dir(folder).unwrap();
    let mut sources = vec![appended(&folder.join("appended.db"), rows), changed(&folder.join("changed.db"), rows)];
    sources.extend(in_postgres(rows).await);
    sources
}

fn seed_sqlite(path: &Path, rows: u32, time: fn(u32, u32) -> i64) {
    let mut database = rusqlite::Connection::open(path).unwrap();
    database.pragma_update(None, "journal_mode", "WAL").unwrap();
    database.execute_batch("CREATE TABLE users (UPDATED_AT TEXT, EXTERNAL_ID TEXT, PAYLOAD TEXT)").unwrap();
    let transaction = database.transaction().unwrap();
    {
        let mut insert = transaction.prepare("INSERT INTO users VALUES (?1, ?2, ?3)").unwrap();
        for row in 0..rows {
            insert.execute((updated_at(time(row, rows)), user(row), payload(row))).unwrap();
        }
    }
    transaction.commit().unwrap();
}

async fn seed_postgres(url: &str, table: &str, rows: u32) {
    let pool = PgPool::connect(url).await.unwrap();
    let create = format!("CREATE TABLE {table} (updated_at timestamptz, external_id text, payload text)");
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&pool).await.unwrap();
    let mut copy = pool.copy_in_raw(&format!("COPY {table} FROM STDIN")).await.unwrap();
    for start in (0..rows).step_by(10_000) {
        let lines = (start..rows.min(start + 10_000))
            .map(|row| format!("{}\t{}\t{}\n", updated_at(shuffled(row, rows)), user(row), payload(row)));
        copy.send(lines.collect::<String>().into_bytes()).await.unwrap();
    }
    copy.finish().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("ANALYZE {table}"))).execute(&pool).await.unwrap();
}

/// Drops the tables in Postgres.
pub async fn remove(sources: &[Source]) {
    for source in sources {
        if let Database::Postgres { url, table } = &source.database {
            let mut connection = PgConnection::connect(url).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(format!("DROP TABLE {table}"))).execute(&mut connection).await.unwrap();
        }
    }
}
