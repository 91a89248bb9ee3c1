//! A bulk load of many rows with the same `UPDATED_AT`. Of the rows that are corrected, deleted and added later, only
//! the new and corrected ones are sent.
//!
//! `OPENCDI_BULK_ROWS` sets the number of rows. Ten million take a while in a debug build; `--release` uses the release
//! build of the server.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use contract_tests::arrivals::Arrivals;
use contract_tests::process::ServerProcess;
use contract_tests::requests::Api;
use contract_tests::sql::{connect, execute, postgres};
use contract_tests::{INTEGRATION, Setup, setting};
use serde_json::Value;

/// The `UPDATED_AT` of all rows.
const LOADED_AT: &str = "2026-01-01T00:00:00Z";

fn rows() -> u64 {
    setting("OPENCDI_BULK_ROWS", 30_000)
}

/// The start and the end of a payload. The number goes in between.
const PAYLOAD: [&str; 2] = ["{\"product_id\":\"book\",\"currency\":\"EUR\",\"price\":9.5,\"properties\":{\"n\":", "}}"];

/// SQL to load the rows with the numbers 0 to `rows` - 1.
fn load(table: &str, series: &str) -> String {
    let [before, after] = PAYLOAD;
    format!(
        "CREATE TABLE orders (id bigint PRIMARY KEY, {table}, external_id text, payload text);
         INSERT INTO orders SELECT n, '{LOADED_AT}', 'user-' || n % 1000, '{before}' || n || '{after}' FROM {series}"
    )
}

/// The later changes, step by step, each with the number of purchases that must be sent. New rows get the numbers after
/// the load.
fn later_changes() -> [(&'static str, String, usize); 4] {
    let ([before, after], rows) = (PAYLOAD, rows());
    let correct = |id, number| format!("UPDATE orders SET payload = '{before}{number}{after}' WHERE id = {id};");
    let delete = |id| format!("DELETE FROM orders WHERE id = {id};");
    let add = |n| format!("INSERT INTO orders VALUES ({n}, '{LOADED_AT}', 'user-1', '{before}{n}{after}');");
    let three = [correct(rows / 2, rows), delete(rows / 3), add(rows + 1)].concat();
    [
        ("one corrected, one deleted, one added late", three, 2),
        ("one deleted", delete(rows / 4), 0),
        ("one added late", add(rows + 2), 1),
        ("nothing new", String::new(), 0),
    ]
}

async fn assert_only_new_rows_are_sent(mut setup: Setup, run: impl AsyncFn(String)) {
    setup.kind = "purchases".to_owned();
    let arrivals = Arrivals::of(&mut setup, Duration::ZERO).await;
    let server = ServerProcess::start(&setup.write()).await;
    let api = Api::new(&server.url, &setup.key);
    let bound = Duration::from_secs(60 + rows() / 1_000);
    let sync = async |what: &str| -> Value {
        let (begin, before) = (Instant::now(), arrivals.objects());
        api.triggered().await;
        let job = api.ended(INTEGRATION, bound).await;
        println!("{what}: {} objects in {:?}", arrivals.objects() - before, begin.elapsed());
        assert_eq!(job["job_status"], "success", "{job}\n{}", server.last_logged("sync ended"));
        job
    };
    let all = rows() as usize;
    sync("the load").await;
    assert_eq!((arrivals.objects(), arrivals.distinct()), (all, all));

    for (what, statements, new) in later_changes() {
        let before = arrivals.objects();
        run(statements).await;
        let job = sync(what).await;
        assert_eq!(arrivals.objects() - before, new, "so many purchases are sent after {what}: {job}");
    }
    let added = rows()..=rows() + 2;
    assert!(added.into_iter().all(|number| arrivals.times(number) == 1), "each of those that are new is sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_postgres_load_only_new_rows_are_sent() {
    let postgres = postgres();
    execute(&mut connect(&postgres.url()).await, "CREATE DATABASE app").await;
    let url = postgres.url_of("app");
    let series = format!("generate_series(0, {}) AS n", rows() - 1);
    execute(&mut connect(&url).await, &load("updated_at timestamptz", &series)).await;
    let mut setup = Setup::with_rows(0);
    setup.source = format!("kind = \"postgres\"\nurl = {url:?}\ntable = \"orders\"");
    assert_only_new_rows_are_sent(setup, async |text| execute(&mut connect(&url).await, &text).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_sqlite_load_only_new_rows_are_sent() {
    let mut setup = Setup::with_rows(0);
    let database = setup.source();
    let series = format!(
        "(WITH RECURSIVE series(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM series WHERE n + 1 < {}) SELECT n FROM series)",
        rows()
    );
    database.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF").unwrap();
    database.execute_batch(&load("updated_at text", &series)).unwrap();
    setup.source = "kind = \"sqlite\"\npath = \"source.db\"\ntable = \"orders\"".to_owned();
    assert_only_new_rows_are_sent(setup, async |text| database.execute_batch(&text).unwrap()).await;
}
