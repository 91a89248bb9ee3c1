//! Runs during outages of the store, and runs that are cancelled, time out or stop.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sqlx::Connection as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use super::rig::{LEASE, Rig, postgres_table, user};
use crate::connectors::fake_braze::Answer;
use crate::secret::Secret;
use crate::store::{Cancelled, JobStatus, Page, Store, StoreLocation};
use crate::sync::lease_keeper::Clock;
use crate::sync::{CANCELLED, WorkerConfig, Workers};
use crate::testing::postgres;
use crate::testing::until;
use crate::types::PostgresUrl;

/// The number of accepted users. Fails if one was sent twice.
fn arrived(rig: &Rig) -> usize {
    let users: Vec<String> = rig.fake_braze.objects().iter().map(user).collect();
    let each: BTreeSet<&String> = users.iter().collect();
    assert_eq!(each.len(), users.len(), "a user was sent twice");
    each.len()
}

/// A triggered sync of 20,000 rows that takes some seconds.
async fn slow_sync() -> Rig {
    let mut rig = Rig::into_service().await;
    rig.insert_many(20_000);
    rig.fake_braze.delay(Duration::from_millis(100));
    rig.tuning.checkpoint = Duration::from_millis(10);
    rig.trigger().await;
    rig
}

/// The number of accepted objects once no more arrive.
async fn accepted_when_idle(rig: &Rig) -> usize {
    loop {
        let accepted = rig.fake_braze.accepted();
        sleep(Duration::from_millis(500)).await;
        if rig.fake_braze.accepted() == accepted {
            return accepted;
        }
    }
}

/// Locks the store for writing until the returned connection is dropped.
async fn lock(rig: &Rig) -> rusqlite::Connection {
    let store = rig.folder.path().join("store.db");
    // In a blocking task, because the run may be in a transaction that has to finish first.
    let locked = tokio::task::spawn_blocking(move || {
        let other = rusqlite::Connection::open(store).unwrap();
        other.busy_timeout(Duration::from_secs(10)).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        other
    });
    locked.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_pauses_while_the_store_is_locked_and_then_continues() {
    let rig = slow_sync().await;
    let claimed = rig.claim(LEASE).await;
    let outage = async {
        until(async || rig.fake_braze.accepted() > 300).await;
        let locked = lock(&rig).await;
        sleep(Duration::from_millis(1500)).await;
        let paused_at = accepted_when_idle(&rig).await;
        assert!(paused_at < 20_000, "delivery did not pause");
        sleep(Duration::from_millis(3500)).await;
        assert_eq!(rig.fake_braze.accepted(), paused_at, "nothing is sent");
        drop(locked);
        paused_at
    };
    let (ended, paused_at) = tokio::join!(rig.run(claimed, LEASE), outage);
    ended.unwrap();
    assert!(paused_at > 0);
    let job = rig.job().await;
    assert_eq!((job.status, job.rows_synced, arrived(&rig)), (JobStatus::Success, 20_000, 20_000));
}

/// Simulated seconds that the machine has slept in the next test.
static SLEPT: AtomicU64 = AtomicU64::new(0);

fn clock_with_sleep() -> Duration {
    Clock::SYSTEM.now() + Duration::from_secs(SLEPT.load(Ordering::Relaxed))
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_suspended_machine_wakes_up_nothing_is_sent_until_the_lease_is_renewed() {
    let mut rig = Rig::into_service().await;
    rig.clock = Clock::of(clock_with_sleep);
    rig.insert_many(10_000);
    rig.fake_braze.delay(Duration::from_millis(20));
    rig.trigger().await;
    let claimed = rig.claim(LEASE).await;
    let sleeps = async {
        until(async || rig.fake_braze.accepted() > 300).await;
        // Prevents an immediate renewal.
        let locked = lock(&rig).await;
        SLEPT.store(3600, Ordering::Relaxed);
        let awake = accepted_when_idle(&rig).await;
        sleep(Duration::from_millis(700)).await;
        assert_eq!(rig.fake_braze.accepted(), awake, "only requests in flight at that moment arrive");
        drop(locked);
    };
    let (ended, ()) = tokio::join!(rig.run(claimed, LEASE), sleeps);
    ended.unwrap();
    let job = rig.job().await;
    assert_eq!((job.status, job.rows_synced), (JobStatus::Success, 10_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permanent_error_of_the_store_ends_the_job() {
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
    assert!(cause.contains("cannot be written to the store") && cause.contains("row_errors"), "{cause}");
    store.execute_batch("ALTER TABLE mislaid RENAME TO row_errors").unwrap();
    rig.sync().await;
    assert_eq!(rig.row_errors().await.len(), 1, "the row is read again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_job_keeps_what_was_delivered() {
    let mut rig = Rig::into_service().await;
    rig.insert_many(20_000);
    rig.fake_braze.delay(Duration::from_millis(30));
    rig.tuning.checkpoint = Duration::from_millis(20);
    rig.trigger().await;
    let claimed = rig.claim(LEASE).await;
    let cancel = async {
        until(async || rig.fake_braze.accepted() > 500).await;
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
    assert_eq!(job.rows_synced, arrived(&rig) as u64, "batches in flight have arrived and are counted");
    rig.fake_braze.delay(Duration::ZERO);
    let rest = rig.sync().await;
    assert_eq!((rest.status, rest.rows_synced), (JobStatus::Success, 20_000 - job.rows_synced));
    assert_eq!(arrived(&rig), 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_ends_after_max_duration_even_during_a_rate_limit_pause() {
    let mut rig = Rig::into_service().await;
    rig.integration.max_duration = Duration::from_secs(1);
    rig.insert_many(1000);
    rig.fake_braze.script((0..1000).map(|_| Answer::new(429, "").header("Retry-After", "1")));
    let begun = Instant::now();
    let job = rig.sync().await;
    assert!(begun.elapsed() < Duration::from_secs(14), "{:?}", begun.elapsed());
    assert_eq!((job.status, job.rows_synced), (JobStatus::Error, 0));
    let cause = job.cause.unwrap();
    assert!(cause.contains("longer than `max_duration` (1s)"), "{cause}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_job_is_claimed_once_a_stop_is_requested() {
    const ROUNDS: usize = 8;
    let rig = Rig::into_file().await;
    let store = rusqlite::Connection::open(rig.folder.path().join("store.db")).unwrap();
    let count = |condition: &str, than: i64| -> i64 {
        let text = format!("SELECT count(*) FROM jobs WHERE {condition} > ?1");
        store.query_row(&text, [than], |row| row.get(0)).unwrap()
    };
    for _ in 0..ROUNDS {
        // Short syncs one after the other, so that one ends at about the time of the stop request.
        let before = count("finished_at", 0);
        let mut integrations = Vec::new();
        for _ in 0..40 {
            let mut integration = rig.integration.clone();
            integration.id = uuid::Uuid::new_v4().into();
            rig.store.start_job(integration.id, chrono::Utc::now()).await.unwrap();
            integrations.push(integration.into());
        }
        let config = WorkerConfig { concurrency: 1, lease: LEASE, poll: Duration::from_millis(1), max_attempts: 3 };
        let workers = Workers::start(rig.store.clone(), super::rig::integrations(integrations), config);
        until(async || count("finished_at", 0) > before + 2).await;
        let stopped_at = chrono::Utc::now().timestamp_micros();
        workers.stop(Duration::from_secs(10)).await;
        let late = count("begun_at", stopped_at);
        assert!(
            late <= 1,
            "{late} jobs were claimed after the stop request; at most one claim may have been in flight"
        );
        store.execute("UPDATE jobs SET finished_at = 1 WHERE finished_at IS NULL", ()).unwrap();
    }
}

/// A proxy to the Postgres for tests that drops the response to the first `COMMIT`.
async fn proxy_that_drops_a_response() -> (std::net::SocketAddr, tokio::task::JoinHandle<()>) {
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
                        // Postgres commits before the connection breaks.
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
async fn a_job_ends_once_even_if_the_response_to_its_end_is_lost() {
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
    let (address, proxy) = proxy_that_drops_a_response().await;
    rig.store = Store::open(&store(Some(address.port()))).await.unwrap();
    rig.trigger().await;
    let claimed = rig.claim(LEASE).await;
    // The run ends before its first checkpoint, so that the first `COMMIT` is that of its end.
    rig.tuning.checkpoint = Duration::from_secs(2);
    let ended = rig.run(claimed, LEASE).await;
    assert!(ended.is_ok(), "no other worker had it: {ended:?}");
    let job = rig.job().await;
    assert_eq!((job.status, job.rows_synced, arrived(&rig)), (JobStatus::Success, 100, 100));
    proxy.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_shuts_down_does_not_wait_for_the_store() {
    let rig = slow_sync().await;
    let claimed = rig.claim(LEASE).await;
    let stops = async {
        until(async || rig.fake_braze.accepted() > 300).await;
        let locked = lock(&rig).await;
        accepted_when_idle(&rig).await;
        rig.stop.send(Some(Instant::now() + Duration::from_secs(25))).unwrap();
        (locked, Instant::now())
    };
    let (ended, (locked, asked_at)) = tokio::join!(rig.run(claimed, LEASE), stops);
    assert!(ended.is_err(), "it is not handed back: {ended:?}");
    assert!(asked_at.elapsed() < Duration::from_secs(12), "{:?}", asked_at.elapsed());
    drop(locked);
    until(async || rig.store.jobs(rig.integration.id, &Page::First, 1).await.is_ok()).await;
    assert_eq!(rig.job().await.status, JobStatus::Running, "another worker resumes it when the lease expires");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_limit_for_a_source_counts_from_its_first_error() {
    let mut rig =
        Rig::into_service().await.reading_postgres("UPDATED_AT timestamptz, EXTERNAL_ID text, PAYLOAD text").await;
    rig.sql("INSERT INTO {t} VALUES (now() - interval '1 day', 'a', '{}')").await;
    // Shorter than the time until the first error.
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
