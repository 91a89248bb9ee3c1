//! Tables as applications write them: writers set `updated_at` when their transaction starts and commit later, while
//! syncs are triggered all the time. After the writers have stopped, the destination must match the table.
//!
//! `OPENCDI_LIFE_SECONDS` sets how long the writers write.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use contract_tests::arrivals::Arrivals;
use contract_tests::process::ServerProcess;
use contract_tests::random::Random;
use contract_tests::requests::Api;
use contract_tests::sql::{connect, execute, numbers, postgres};
use contract_tests::{INTEGRATION, Setup, setting};
use futures::future::join_all;
use xtask::postgres::PrivatePostgres;

const USERS: u64 = 500;
/// Some users have a second row.
const ROWS: u64 = 550;
const WRITERS: u64 = 8;
/// One in this many transactions is a long one.
const LONG: u64 = 50;
const TRIGGER_EVERY: Duration = Duration::from_millis(300);
const DESTINATION_TAKES: Duration = Duration::from_millis(5);
const TURN: Duration = Duration::from_secs(60);

/// How long the writers write.
fn writing_time() -> Duration {
    Duration::from_secs(setting("OPENCDI_LIFE_SECONDS", 8))
}

/// Numbers the versions of rows. A number also identifies its row.
#[derive(Clone, Default)]
struct Versions(Arc<AtomicU64>);

impl Versions {
    fn of(&self, row: u64) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) * ROWS + row
    }

    fn row(number: u64) -> u64 {
        number % ROWS
    }
}

fn user(row: u64) -> String {
    format!("user-{}", row % USERS)
}

/// Triggers syncs until the writers have stopped, and then three more.
async fn synced_while(writers: impl Future<Output = ()>, setup: &Setup) {
    let server = ServerProcess::start(&setup.write()).await;
    let api = Api::new(&server.url, &setup.key);
    let triggers = async {
        loop {
            let status = api.trigger(INTEGRATION).await;
            assert!(matches!(status, Some(202 | 409 | 429)), "a trigger is answered with {status:?}");
            tokio::time::sleep(TRIGGER_EVERY).await;
        }
    };
    tokio::select! {
        () = writers => {}
        () = triggers => {}
    }
    for _ in 0..3 {
        api.triggered().await;
        let job = api.ended(INTEGRATION, TURN).await;
        assert_eq!(job["job_status"], "success", "{job}\n{}", server.last_logged("sync ended"));
    }
}

/// Checks that the last version of each row that arrived is the one in the table.
fn assert_up_to_date(arrivals: &Arrivals, table: &[u64], versions: &Versions) {
    let last = arrivals.last(Versions::row);
    let behind: Vec<(u64, Option<&u64>)> = table
        .iter()
        .map(|version| (*version, last.get(&Versions::row(*version))))
        .filter(|(version, last)| *last != Some(version))
        .collect();
    let mut users: HashMap<u64, String> = HashMap::new();
    for (version, last) in &behind {
        let (row, arrived) = (Versions::row(*version), last.map_or("none".to_owned(), u64::to_string));
        users.insert(row % USERS, format!("{}: version {version} is in the table, {arrived} arrived last", user(row)));
    }
    let written = versions.0.load(Ordering::Relaxed);
    let examples: Vec<String> = users.values().take(3).cloned().collect();
    println!(
        "{written} versions were written, {} objects arrived, {} of them more than once: {} of {USERS} users are behind",
        arrivals.objects(),
        arrivals.more_than_once(),
        users.len()
    );
    assert_eq!(table.len() as u64, ROWS);
    assert!(users.is_empty(), "{} of {USERS} users are behind, such as\n{}", users.len(), examples.join("\n"));
}

/// A database with a table, and a setup that reads it.
async fn in_postgres(columns: &str) -> (PrivatePostgres, String, Setup) {
    let postgres = postgres();
    execute(&mut connect(&postgres.url()).await, "CREATE DATABASE app").await;
    let url = postgres.url_of("app");
    let table = format!(
        "CREATE TABLE users (updated_at timestamptz NOT NULL DEFAULT now(), external_id text NOT NULL, payload text NOT NULL, {columns})"
    );
    execute(&mut connect(&url).await, &table).await;
    let mut setup = Setup::with_rows(0);
    setup.source = format!("kind = \"postgres\"\nurl = {url:?}\ntable = \"users\"");
    (postgres, url, setup)
}

/// Makes changes in transactions until a given time. `now()` is the start of the transaction, whenever it writes and
/// commits.
async fn write_to_postgres(url: &str, writer: u64, until: Instant, change: impl Fn(&mut Random) -> String) {
    let mut connection = connect(url).await;
    let mut random = Random::new(writer);
    while Instant::now() < until {
        let takes = if random.below(LONG) == 0 { 2_000 } else { 2 + random.below(199) };
        // Most transactions write first and are idle before they commit; some are idle before they write.
        let before = if random.below(4) == 0 { random.below(takes) } else { 0 };
        execute(&mut connection, "BEGIN").await;
        tokio::time::sleep(Duration::from_millis(before)).await;
        execute(&mut connection, &change(&mut random)).await;
        tokio::time::sleep(Duration::from_millis(takes - before)).await;
        execute(&mut connection, "COMMIT").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_in_postgres_are_up_to_date_after_their_writers_stop() {
    let (_postgres, url, mut setup) = in_postgres("id bigint PRIMARY KEY").await;
    let versions = Versions::default();
    let mut connection = connect(&url).await;
    for row in 0..ROWS {
        let (user, version) = (user(row), versions.of(row));
        let insert =
            format!("INSERT INTO users (id, external_id, payload) VALUES ({row}, '{user}', '{{\"n\":{version}}}')");
        execute(&mut connection, &insert).await;
    }
    let arrivals = Arrivals::of(&mut setup, DESTINATION_TAKES).await;
    let until = Instant::now() + writing_time();
    let writers = (0..WRITERS).map(|writer| {
        write_to_postgres(&url, writer, until, |random| {
            let row = random.below(ROWS);
            let version = versions.of(row);
            format!("UPDATE users SET updated_at = now(), payload = '{{\"n\":{version}}}' WHERE id = {row}")
        })
    });
    synced_while(async { drop(join_all(writers).await) }, &setup).await;
    let table = numbers(&mut connection, "SELECT (payload::json->>'n')::bigint FROM users").await;
    assert_up_to_date(&arrivals, &table, &versions);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_in_postgres_arrives_once() {
    let (_postgres, url, mut setup) = in_postgres("id bigserial PRIMARY KEY").await;
    setup.kind = "events".to_owned();
    let arrivals = Arrivals::of(&mut setup, DESTINATION_TAKES).await;
    let versions = AtomicU64::new(0);
    let until = Instant::now() + writing_time();
    let writers = (0..WRITERS).map(|writer| {
        write_to_postgres(&url, writer, until, |random| {
            let some = 1 + random.below(5);
            let values = (0..some).map(|_| {
                let (event, user) = (versions.fetch_add(1, Ordering::Relaxed), user(random.below(USERS)));
                format!("('{user}', '{{\"name\":\"seen\",\"properties\":{{\"n\":{event}}}}}')")
            });
            format!("INSERT INTO users (external_id, payload) VALUES {}", values.collect::<Vec<_>>().join(", "))
        })
    });
    synced_while(async { drop(join_all(writers).await) }, &setup).await;
    let inserted = versions.load(Ordering::Relaxed);
    let lost: Vec<u64> = (0..inserted).filter(|event| arrivals.times(*event) == 0).collect();
    let twice: Vec<u64> = (0..inserted).filter(|event| arrivals.times(*event) > 1).collect();
    println!("of {inserted} events {} are lost, {} arrived more than once", lost.len(), twice.len());
    let first = |events: &[u64]| events.iter().take(3).map(u64::to_string).collect::<Vec<_>>().join(", ");
    assert!(
        lost.is_empty() && twice.is_empty(),
        "of {inserted} events {} are lost, such as {}, and {} arrived more than once, such as {}",
        lost.len(),
        first(&lost),
        twice.len(),
        first(&twice)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn users_in_sqlite_are_up_to_date_after_their_writer_stops() {
    let mut setup = Setup::with_rows(0);
    let versions = Versions::default();
    let mut database = setup.source();
    database
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; DROP TABLE users;
             CREATE TABLE users (id INTEGER PRIMARY KEY, updated_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, external_id TEXT NOT NULL, payload TEXT NOT NULL)",
        )
        .unwrap();
    let transaction = database.transaction().unwrap();
    for row in 0..ROWS {
        let payload = format!("{{\"n\":{}}}", versions.of(row));
        let insert = "INSERT INTO users (id, external_id, payload) VALUES (?1, ?2, ?3)";
        transaction.execute(insert, (row as i64, user(row), payload)).unwrap();
    }
    transaction.commit().unwrap();
    let arrivals = Arrivals::of(&mut setup, DESTINATION_TAKES).await;
    let writer = {
        let (database, versions) = (setup.source(), versions.clone());
        async { tokio::task::spawn_blocking(move || write_to_sqlite(database, &versions)).await.unwrap() }
    };
    synced_while(writer, &setup).await;
    let mut statement = database.prepare("SELECT json_extract(payload, '$.n') FROM users").unwrap();
    let table: Vec<u64> = statement.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_up_to_date(&arrivals, &table, &versions);
}

/// In the first half of the time many users are changed; in the second half few, but each several times in one second.
fn write_to_sqlite(mut database: rusqlite::Connection, versions: &Versions) {
    database.busy_timeout(TURN).unwrap();
    let mut random = Random::new(WRITERS);
    let begin = Instant::now();
    while begin.elapsed() < writing_time() {
        let much = begin.elapsed() < writing_time() / 2;
        let second = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let row = if much { random.below(ROWS) } else { second % ROWS };
        let transaction = database.transaction().unwrap();
        let update = "UPDATE users SET updated_at = CURRENT_TIMESTAMP, payload = ?2 WHERE id = ?1";
        transaction.execute(update, (row as i64, format!("{{\"n\":{}}}", versions.of(row)))).unwrap();
        std::thread::sleep(Duration::from_millis(1 + random.below(5)));
        transaction.commit().unwrap();
        std::thread::sleep(Duration::from_millis(if much { random.below(10) } else { 50 + random.below(150) }));
    }
}
