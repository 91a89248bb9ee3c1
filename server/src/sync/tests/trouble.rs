//! What happens to a run while the store is in trouble, and when a run must end that would not by itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sqlx::Connection as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use super::rig::{LEASE, Rig, postgres_table, until, user};
use crate::connectors::fake_braze::Answer;
use crate::secret::Secret;
use crate::store::{Cancelled, JobStatus, Page, Store, StoreLocation};
use crate::sync::lease_keeper::Clock;
use crate::sync::{CANCELLED, WorkerConfig, Workers};
use crate::testing::postgres;
use crate::types::PostgresUrl;

/// Every user that was accepted, each once.
fn arrived(rig: &Rig) -> usize {
    let users: Vec<String> = rig.stand_in.objects().iter().map(user).collect();
    let each: BTreeSet<&String> = users.iter().collect();
    assert_eq!(each.len(), users.len(), "somebody was sent twice");
    each.len()
}

/// A sync of 20,000 rows that takes some seconds, triggered.
async fn slow_sync() -> Rig {
    let mut rig = Rig::into_service().await;
    rig.insert_many(20_000);
    rig.stand_in.delay(Duration::from_millis(100));
    rig.tuning.checkpoint = Duration::from_millis(10);
    rig.trigger().await;
    rig
}

/// How much was accepted when nothing more has come for a while.
async fn settled(rig: &Rig) -> usize {
    loop {
        let accepted = rig.stand_in.accepted();
        sleep(Duration::from_millis(500)).await;
        if rig.stand_in.accepted() == accepted {
            return accepted;
        }
    }
}

/// Somebody else who writes to the store, and keeps everybody from it until this is dropped.
async fn lock(rig: &Rig) -> rusqlite::Connection {
    let store = rig.folder.path().join("store.db");
    // The run may be in a transaction, which must go on meanwhile.
    let locked = tokio::task::spawn_blocking(move || {
        let other = rusqlite::Connection::open(store).unwrap();
        other.busy_timeout(Duration::from_secs(10)).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        other
    });
    locked.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nothing_can_be_written_down_delivery_pauses_and_then_goes_on() {
    let rig = slow_sync().await;
    let claimed = rig.claim(LEASE).await;
    let trouble = async {
        until(async || rig.stand_in.accepted() > 300).await;
        let locked = lock(&rig).await;
        sleep(Duration::from_millis(1500)).await;
        let paused_at = settled(&rig).await;
        assert!(paused_at < 20_000, "it went on to the end");
        sleep(Duration::from_millis(3500)).await;
        assert_eq!(rig.stand_in.accepted(), paused_at, "nothing is sent");
        drop(locked);
        paused_at
    };
    let (ended, paused_at) = tokio::join!(rig.run(claimed, LEASE), trouble);
    ended.unwrap();
    assert!(paused_at > 0);
    let job = rig.job().await;
    assert_eq!((job.status, job.rows_synced, arrived(&rig)), (JobStatus::Success, 20_000, 20_000));
}

/// How far the clock of the next test has gone while the machine slept.
static SLEPT: AtomicU64 = AtomicU64::new(0);

fn with_sleep() -> Duration {
    Clock::SYSTEM.now() + Duration::from_secs(SLEPT.load(Ordering::Relaxed))
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_machine_has_slept_nothing_is_sent_until_the_lease_is_renewed() {
    let mut rig = Rig::into_service().await;
    rig.clock = Clock::of(with_sleep);
    rig.insert_many(10_000);
    rig.stand_in.delay(Duration::from_millis(20));
    rig.trigger().await;
    let claimed = rig.claim(LEASE).await;
    let sleeps = async {
        until(async || rig.stand_in.accepted() > 300).await;
        // So that it cannot be renewed at once.
        let locked = lock(&rig).await;
        SLEPT.store(3600, Ordering::Relaxed);
        let awake = settled(&rig).await;
        sleep(Duration::from_millis(700)).await;
        assert_eq!(rig.stand_in.accepted(), awake, "what was under way at that moment was all");
        drop(locked);
    };
    let (ended, ()) = tokio::join!(rig.run(claimed, LEASE), sleeps);
    ended.unwrap();
    let job = rig.job().await;
    assert_eq!((job.status, job.rows_synced), (JobStatus::Success, 10_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_store_that_stays_ends_the_job() {
    let mut rig = Rig::into_service().await;
    rig.insert_many(300);
    rig.insert(1_000, "bad", "[]");
    rig.tuning.checkpoint = Duration::from_millis(10);
    let store = rusqlite::Connection::open(rig.folder.path().join("store.db")).unwrap();
    store.execute_batch("ALTER TABLE row_errors RENAME TO mislaid").unwrap();
    let begun = Instant::now();
    let job = rig.sync().await;
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(job.status, JobStatus::Error);
    let cause = job.cause.unwrap();
    assert!(cause.contains("cannot be written down") && cause.contains("row_errors"), "{cause}");
    store.execute_batch("ALTER TABLE mislaid RENAME TO row_errors").unwrap();
    rig.sync().await;
    assert_eq!(rig.row_errors().await.len(), 1, "the row comes again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_cancelled_ends_with_what_was_delivered() {
    let mut rig = Rig::into_service().await;
    rig.insert_many(20_000);
    rig.stand_in.delay(Duration::from_millis(30));
    rig.tuning.checkpoint = Duration::from_millis(20);
    rig.trigger().await;
    let claimed = rig.claim(LEASE).await;
    let cancel = async {
        until(async || rig.stand_in.accepted() > 500).await;
        let asked = rig.store.cancel_job(rig.integration.id, CANCELLED).await.unwrap();
        assert!(matches!(asked, Cancelled::Asked(_)));
        Instant::now()
    };
    let (ended, asked_at) = tokio::join!(rig.run(claimed, LEASE), cancel);
    ended.unwrap();
    assert!(asked_at.elapsed() < Duration::from_secs(3), "{:?}", asked_at.elapsed());
    let job = rig.job().await;
    assert_eq!((job.status, job.cause.as_deref()), (JobStatus::Error, Some(CANCELLED)));
    assert!(job.rows_synced < 20_000);
    assert_eq!(job.rows_synced, arrived(&rig) as u64, "what was under way has arrived and is counted");
    rig.stand_in.delay(Duration::ZERO);
    let rest = rig.sync().await;
    assert_eq!((rest.status, rest.rows_synced), (JobStatus::Success, 20_000 - job.rows_synced));
    assert_eq!(arrived(&rig), 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_ends_when_it_takes_too_long_even_if_a_destination_wants_to_be_left_alone() {
    let mut rig = Rig::into_service().await;
    rig.integration.max_duration = Duration::from_secs(1);
    rig.insert_many(1000);
    rig.stand_in.script((0..1000).map(|_| Answer::new(429, "").header("Retry-After", "1")));
    let begun = Instant::now();
    let job = rig.sync().await;
    assert!(begun.elapsed() < Duration::from_secs(14), "{:?}", begun.elapsed());
    assert_eq!((job.status, job.rows_synced), (JobStatus::Error, 0));
    let cause = job.cause.unwrap();
    assert!(cause.contains("it took longer than `max_duration` (1s)"), "{cause}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_job_is_claimed_once_the_workers_are_to_stop() {
    const ROUNDS: usize = 8;
    let rig = Rig::into_file().await;
    let store = rusqlite::Connection::open(rig.folder.path().join("store.db")).unwrap();
    let count = |condition: &str, than: i64| -> i64 {
        let text = format!("SELECT count(*) FROM jobs WHERE {condition} > ?1");
        store.query_row(&text, [than], |row| row.get(0)).unwrap()
    };
    for _ in 0..ROUNDS {
        // Short syncs one after the other: one ends at about the moment at which the workers are to stop.
        let before = count("finished_at", 0);
        let mut integrations = Vec::new();
        for _ in 0..40 {
            let mut integration = rig.integration.clone();
            integration.id = uuid::Uuid::new_v4().into();
            rig.store.start_job(integration.id, chrono::Utc::now()).await.unwrap();
            integrations.push(integration.into());
        }
        let config = WorkerConfig { concurrency: 1, lease: LEASE, poll: Duration::from_millis(1), max_attempts: 3 };
        let workers = Workers::start(rig.store.clone(), integrations, config);
        until(async || count("finished_at", 0) > before + 2).await;
        let stopped_at = chrono::Utc::now().timestamp_micros();
        workers.stop(Duration::from_secs(10)).await;
        let late = count("begun_at", stopped_at);
        assert!(late <= 1, "{late} jobs were claimed, more than the one that may have been on its way");
        store.execute("UPDATE jobs SET finished_at = 1 WHERE finished_at IS NULL", ()).unwrap();
    }
}

/// A way to the Postgres for tests on which the answer to the first `COMMIT` is lost.
async fn losing_an_answer() -> (std::net::SocketAddr, tokio::task::JoinHandle<()>) {
    let upstream = reqwest::Url::parse(&postgres()).unwrap();
    let upstream = (upstream.host_str().unwrap().to_owned(), upstream.port().unwrap_or(5432));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let lost = Arc::new(AtomicBool::new(false));
    let proxy = tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let (upstream, lost) = (upstream.clone(), lost.clone());
            tokio::spawn(async move {
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = TcpStream::connect(upstream).await.unwrap().into_split();
                let answers = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
                let mut bytes = vec![0; 64 * 1024];
                while let Ok(read @ 1..) = from_client.read(&mut bytes).await {
                    let commits = bytes[..read].windows(6).any(|text| text == b"COMMIT");
                    if commits && !lost.swap(true, Ordering::Relaxed) {
                        answers.abort();
                        to_server.write_all(&bytes[..read]).await.unwrap();
                        // It is done before the connection breaks.
                        sleep(Duration::from_millis(300)).await;
                        return;
                    }
                    to_server.write_all(&bytes[..read]).await.unwrap();
                }
                answers.abort();
            });
        }
    });
    (address, proxy)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_was_written_though_its_answer_was_lost_is_the_end() {
    let mut rig = Rig::into_service().await;
    rig.insert_many(100);
    let database = format!("lost_{}", uuid::Uuid::new_v4().simple());
    let mut connection = sqlx::PgConnection::connect(&postgres()).await.unwrap();
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {database}"));
    sqlx::raw_sql(create).execute(&mut connection).await.unwrap();
    let store = |port: Option<u16>| {
        let mut url = reqwest::Url::parse(&postgres()).unwrap();
        url.set_path(&database);
        if port.is_some() {
            url.set_port(port).unwrap();
        }
        StoreLocation::Postgres(PostgresUrl::new(Secret::new(url)).unwrap())
    };
    Store::open(&store(None)).await.unwrap();
    let (address, proxy) = losing_an_answer().await;
    rig.store = Store::open(&store(Some(address.port()))).await.unwrap();
    rig.trigger().await;
    let claimed = rig.claim(LEASE).await;
    // It has ended by then, so that its end is the only thing that is committed by name.
    rig.tuning.checkpoint = Duration::from_secs(2);
    let ended = rig.run(claimed, LEASE).await;
    assert!(ended.is_ok(), "no other worker had it: {ended:?}");
    let job = rig.job().await;
    assert_eq!((job.status, job.rows_synced, arrived(&rig)), (JobStatus::Success, 100, 100));
    proxy.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_to_stop_does_not_wait_for_the_store() {
    let rig = slow_sync().await;
    let claimed = rig.claim(LEASE).await;
    let stops = async {
        until(async || rig.stand_in.accepted() > 300).await;
        let locked = lock(&rig).await;
        settled(&rig).await;
        rig.stop.send(Some(Instant::now() + Duration::from_secs(25))).unwrap();
        (locked, Instant::now())
    };
    let (ended, (locked, asked_at)) = tokio::join!(rig.run(claimed, LEASE), stops);
    assert!(ended.is_err(), "it is not given back: {ended:?}");
    assert!(asked_at.elapsed() < Duration::from_secs(12), "{:?}", asked_at.elapsed());
    drop(locked);
    until(async || rig.store.jobs(rig.integration.id, &Page::First, 1).await.is_ok()).await;
    assert_eq!(rig.job().await.status, JobStatus::Running, "another goes on when the lease has run out");
}

#[tokio::test(flavor = "multi_thread")]
async fn patience_with_a_source_begins_with_its_trouble() {
    let mut rig =
        Rig::into_service().await.reading_postgres("UPDATED_AT timestamptz, EXTERNAL_ID text, PAYLOAD text").await;
    rig.sql("INSERT INTO {t} VALUES (now() - interval '1 day', 'a', '{}')").await;
    // Longer than there is patience with trouble.
    rig.tuning.source_give_up_after = Duration::from_secs(1);
    let table = rig.table().to_owned();
    let slow = format!(
        "CREATE VIEW slow_{table} AS SELECT t.* FROM {table} AS t, (SELECT pg_sleep(CASE WHEN (SELECT count(*) FROM cut_{table}) = 0 THEN 60 ELSE 0 END)) AS s"
    );
    rig.sql(&format!("CREATE TABLE cut_{table} (n int); {slow}")).await;
    rig.integration.source = postgres_table(&postgres(), &format!("slow_{table}"));
    let cut = async {
        sleep(Duration::from_secs(2)).await;
        rig.sql(&format!("INSERT INTO cut_{table} VALUES (1)")).await;
        rig.sql(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%slow_{table}%'")).await;
    };
    let (job, ()) = tokio::join!(rig.sync(), cut);
    assert_eq!((job.status, job.rows_synced), (JobStatus::Success, 1), "{:?}", job.cause);
}
