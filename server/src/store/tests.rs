//! What the store promises, on SQLite and on Postgres alike.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use uuid::Uuid;

use super::{Checkpoint, Claimed, JobStatus, MOST_ROW_ERRORS, Page, RowError, StartJob, Store, StoreError, Watermark};
use crate::config::{IntegrationId, PostgresUrl, StoreLocation};
use crate::secret::Secret;

const LEASE: Duration = Duration::from_secs(60);

/// Runs each test on a SQLite file of its own and on a Postgres database of its own.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                let location = super::StoreLocation::Sqlite(folder.path().join("store.db"));
                super::$name(location).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() {
                super::$name(super::database().await).await;
            })*
        }
    };
}

on_both! {
    of_many_triggers_at_once_one_starts_a_job
    start_times_are_keys_that_only_grow
    pages_lead_to_the_end_and_back_while_jobs_arrive
    a_job_has_one_worker_until_its_lease_runs_out
    a_worker_without_the_lease_changes_nothing
    a_job_that_is_given_back_goes_on_where_it_was
    a_checkpoint_is_written_whole
    row_errors_are_numbered_from_one_to_the_most_that_are_kept
    integrations_stand_as_their_jobs_do
    a_watermark_is_moved_by_hand_only_while_no_job_is_in_progress
    a_window_allows_as_many_requests_as_the_limit_however_they_come
    many_processes_may_start_at_once
}

/// A new database in the Postgres for tests.
async fn database() -> StoreLocation {
    use sqlx::Connection as _;
    let url = crate::sync::postgres_for_tests();
    let name = format!("store_{}", Uuid::new_v4().simple());
    let mut connection = sqlx::PgConnection::connect(&url).await.expect("the Postgres for tests answers");
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(create).execute(&mut connection).await.expect("a database can be made");
    let mut url = reqwest::Url::parse(&url).unwrap();
    url.set_path(&name);
    StoreLocation::Postgres(PostgresUrl::new(Secret::new(url)).unwrap())
}

async fn open(location: StoreLocation) -> Store {
    Store::open(&location).await.unwrap()
}

fn id() -> IntegrationId {
    Uuid::new_v4().into()
}

fn time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap()
}

async fn started(store: &Store, integration: IntegrationId, at: DateTime<Utc>) -> bool {
    matches!(store.start_job(integration, at).await.unwrap(), StartJob::Started(_))
}

/// Claims the job of an integration.
async fn claim(store: &Store, integration: IntegrationId, lease: Duration) -> Option<Claimed> {
    store.claim_job(lease, |other| other == integration).await.unwrap()
}

/// Starts a job and ends it.
async fn run(store: &Store, integration: IntegrationId, at: DateTime<Utc>, status: JobStatus) {
    assert!(started(store, integration, at).await);
    let claimed = claim(store, integration, LEASE).await.unwrap();
    store.finish(&claimed.lease, integration, &Checkpoint::default(), status, None).await.unwrap();
}

async fn of_many_triggers_at_once_one_starts_a_job(location: StoreLocation) {
    let store = open(location).await;
    for _ in 0..50 {
        let (integration, now) = (id(), Utc::now());
        // At the very same moment.
        let starts = join_all((0..32).map(|_| started(&store, integration, now))).await;
        assert_eq!(starts.iter().filter(|started| **started).count(), 1);
        assert_eq!(store.jobs(integration, &Page::First, 10).await.unwrap().items.len(), 1);
    }
    assert!(started(&store, id(), Utc::now()).await, "other integrations are not concerned");
}

async fn start_times_are_keys_that_only_grow(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    let now: DateTime<Utc> = "2026-11-23T20:43:04.000123001Z".parse().unwrap();
    // The second trigger comes from a replica whose clock is behind.
    for at in [now, now - TimeDelta::seconds(5), now] {
        run(&store, integration, at, JobStatus::Success).await;
    }
    let jobs = store.jobs(integration, &Page::First, 10).await.unwrap().items;
    let starts: Vec<String> = jobs.iter().map(|job| job.sync_start_time.to_rfc3339()).collect();
    let expected = ["04.000126", "04.000125", "04.000124"].map(|seconds| format!("2026-11-23T20:43:{seconds}+00:00"));
    assert_eq!(starts, expected, "never rounded down, never twice");
    assert!(jobs.iter().all(|job| job.sync_finish_time.unwrap() >= job.sync_start_time));
}

async fn pages_lead_to_the_end_and_back_while_jobs_arrive(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    for number in 0..7 {
        run(&store, integration, time(1000 + number), JobStatus::Success).await;
    }
    let page = async |page: Page<DateTime<Utc>>| {
        let page = store.jobs(integration, &page, 3).await.unwrap();
        let starts: Vec<i64> = page.items.iter().map(|job| job.sync_start_time.timestamp_micros()).collect();
        (starts, page.has_previous, page.has_next)
    };
    assert_eq!(page(Page::First).await, (vec![1006, 1005, 1004], false, true));
    run(&store, integration, time(2000), JobStatus::Success).await;
    assert_eq!(page(Page::After(time(1004))).await, (vec![1003, 1002, 1001], true, true));
    assert_eq!(page(Page::After(time(1001))).await, (vec![1000], true, false));
    assert_eq!(page(Page::Before(time(1000))).await, (vec![1003, 1002, 1001], true, true));
    assert_eq!(page(Page::Before(time(1003))).await, (vec![1006, 1005, 1004], true, true));
    assert_eq!(page(Page::Before(time(1006))).await, (vec![2000], false, true));
    assert_eq!(page(Page::After(time(0))).await, (vec![], true, false));
}

async fn a_job_has_one_worker_until_its_lease_runs_out(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    assert!(claim(&store, integration, LEASE).await.is_none(), "there is no job");
    assert!(started(&store, integration, Utc::now()).await);
    let claims = join_all((0..16).map(|_| claim(&store, integration, Duration::from_millis(300)))).await;
    let first = claims.into_iter().flatten().collect::<Vec<_>>();
    assert_eq!(first.len(), 1, "one of those that ask at once");
    assert_eq!(first[0].attempts, 1);
    let second = loop {
        match claim(&store, integration, LEASE).await {
            Some(claimed) => break claimed,
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    assert_eq!(second.attempts, 2);
    assert!(matches!(store.renew(&first[0].lease).await, Err(StoreError::LeaseLost)));
    store.renew(&second.lease).await.unwrap();
}

async fn a_worker_without_the_lease_changes_nothing(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    assert!(started(&store, integration, Utc::now()).await);
    let late = claim(&store, integration, Duration::ZERO).await.unwrap().lease;
    let holder = claim(&store, integration, LEASE).await.unwrap().lease;
    let checkpoint = Checkpoint {
        watermark: Some(Watermark { updated_at: time(77), rows_at: 1, digest: None }),
        rows_synced: 1,
        ..Checkpoint::default()
    };
    for lost in [
        store.checkpoint(&late, integration, &checkpoint).await,
        store.finish(&late, integration, &checkpoint, JobStatus::Success, None).await,
        store.release(&late).await,
    ] {
        assert!(matches!(lost, Err(StoreError::LeaseLost)), "{lost:?}");
    }
    assert_eq!(store.watermark(integration).await.unwrap(), None);
    let job = store.jobs(integration, &Page::First, 1).await.unwrap().items.remove(0);
    assert_eq!((job.status, job.rows_synced), (JobStatus::Running, 0));
    store.finish(&holder, integration, &checkpoint, JobStatus::Success, None).await.unwrap();
    let twice = store.finish(&holder, integration, &checkpoint, JobStatus::Error, None).await;
    assert!(matches!(twice, Err(StoreError::LeaseLost)), "a job ends once");
}

async fn a_job_that_is_given_back_goes_on_where_it_was(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    assert!(started(&store, integration, Utc::now()).await);
    let first = claim(&store, integration, LEASE).await.unwrap();
    let watermark = Watermark { updated_at: time(77), rows_at: 3, digest: Some(u64::MAX) };
    let checkpoint = Checkpoint {
        watermark: Some(watermark),
        has_dealt: true,
        rows_synced: 5,
        rows_failed: 0,
        row_errors: vec![],
        position: Some("1234".into()),
    };
    store.checkpoint(&first.lease, integration, &checkpoint).await.unwrap();
    store.release(&first.lease).await.unwrap();
    let second = claim(&store, integration, LEASE).await.unwrap();
    assert_eq!(second.watermark, Some(watermark));
    assert_eq!((second.rows_synced, second.position.as_deref()), (5, Some("1234")));
    assert_eq!(second.attempts, 1, "a worker that gives a job back is none that was lost");
}

async fn a_checkpoint_is_written_whole(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    assert!(started(&store, integration, Utc::now()).await);
    let lease = claim(&store, integration, LEASE).await.unwrap().lease;
    let error = |reason: &str| RowError {
        identifier: Some("{\"external_id\":\"ü\"}".into()),
        updated_at: time(7),
        reason: reason.into(),
        payload: None,
    };
    let mut checkpoint =
        Checkpoint { rows_failed: 2, row_errors: vec![error("a"), error("b")], ..Checkpoint::default() };
    store.checkpoint(&lease, integration, &checkpoint).await.unwrap();
    (checkpoint.rows_failed, checkpoint.row_errors) = (3, vec![error("c")]);
    store.finish(&lease, integration, &checkpoint, JobStatus::Error, Some("why")).await.unwrap();
    let job = store.jobs(integration, &Page::First, 1).await.unwrap().items.remove(0);
    let kept = store.row_errors(job.id, 0, 10).await.unwrap();
    assert_eq!(kept, [(1, error("a")), (2, error("b")), (3, error("c"))]);
    assert_eq!(store.row_errors(job.id, 1, 1).await.unwrap(), [(2, error("b"))]);
    assert_eq!((job.rows_failed_with_errors, job.cause.as_deref()), (3, Some("why")));
    assert_eq!(job.last_timestamp_synced, None, "it has dealt with no row that moved the watermark");
    assert_eq!(store.row_errors(job.id, 0, 10).await.unwrap().len(), 3);
    assert_eq!(store.find_job(integration, None).await.unwrap(), Some(job.id));
    assert_eq!(store.find_job(integration, Some(job.id)).await.unwrap(), Some(job.id));
    assert_eq!(store.find_job(id(), Some(job.id)).await.unwrap(), None, "another integration's");
}

async fn row_errors_are_numbered_from_one_to_the_most_that_are_kept(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    assert!(started(&store, integration, Utc::now()).await);
    let lease = claim(&store, integration, LEASE).await.unwrap().lease;
    let errors = |from: u64, to: u64| {
        let error =
            |number: u64| RowError { identifier: None, updated_at: time(7), reason: number.to_string(), payload: None };
        (from..=to).map(error).collect::<Vec<_>>()
    };
    for (rows_failed, row_errors) in [
        (MOST_ROW_ERRORS - 3, errors(1, MOST_ROW_ERRORS - 3)),
        // Of nine further rows three are kept.
        (MOST_ROW_ERRORS + 6, errors(MOST_ROW_ERRORS - 2, MOST_ROW_ERRORS)),
        (MOST_ROW_ERRORS + 500, Vec::new()),
    ] {
        let checkpoint = Checkpoint { rows_failed, row_errors, ..Checkpoint::default() };
        store.checkpoint(&lease, integration, &checkpoint).await.unwrap();
        // The answer was lost, and it is written again.
        store.checkpoint(&lease, integration, &checkpoint).await.unwrap();
    }
    let kept = store.row_errors(lease.job, 0, 100_000).await.unwrap();
    assert_eq!(kept.len() as u64, MOST_ROW_ERRORS);
    assert!((1..).zip(&kept).all(|(number, kept)| kept.0 == number && kept.1.reason == number.to_string()));
    assert_eq!(store.rows_refused(lease.job).await.unwrap(), MOST_ROW_ERRORS + 500);
}

async fn integrations_stand_as_their_jobs_do(location: StoreLocation) {
    let store = open(location).await;
    let (new, broken, mended) = (id(), id(), id());
    run(&store, broken, time(1), JobStatus::Success).await;
    run(&store, broken, time(2), JobStatus::ConfigError).await;
    run(&store, mended, time(1), JobStatus::ConfigError).await;
    run(&store, mended, time(2), JobStatus::Partial).await;
    let states = store.integration_states(&[new, broken, mended]).await.unwrap();
    let state = |integration: &IntegrationId| {
        let state = states[integration];
        (state.last_job_status, state.last_job_start_time.map(|time| time.timestamp_micros()), state.config_error)
    };
    assert_eq!(state(&new), (None, None, false));
    assert_eq!(state(&broken), (Some(JobStatus::ConfigError), Some(2), true));
    assert_eq!(state(&mended), (Some(JobStatus::Partial), Some(2), false));
    assert!(started(&store, broken, time(3)).await);
    let state = store.integration_states(&[broken]).await.unwrap()[&broken];
    assert_eq!(state.last_job_status, Some(JobStatus::Running));
    assert!(state.config_error, "until a run has shown that it works");
    assert!(store.integration_states(&[]).await.unwrap().is_empty());
}

async fn a_window_allows_as_many_requests_as_the_limit_however_they_come(location: StoreLocation) {
    let store = open(location).await;
    let taken = join_all((0..50).map(|_| store.take_request("ours", "trigger", 60, 20))).await;
    let taken: Vec<_> = taken.into_iter().map(Result::unwrap).collect();
    let allowed: BTreeSet<u64> = taken.iter().filter(|taken| taken.allowed).map(|taken| taken.used).collect();
    assert_eq!(allowed, (1..=20).collect(), "each number once");
    assert!(taken.iter().filter(|taken| !taken.allowed).all(|taken| taken.used == 20));
    assert_eq!(store.used_requests("ours", "trigger", 60).await.unwrap(), 20);
    for (workspace, operation, window) in [("theirs", "trigger", 60), ("ours", "list", 60), ("ours", "trigger", 120)] {
        let other = store.take_request(workspace, operation, window, 20).await.unwrap();
        assert_eq!((other.allowed, other.used), (true, 1));
    }
    store.take_request("ours", "trigger", 60_000, 20).await.unwrap();
    assert_eq!(store.used_requests("ours", "trigger", 60).await.unwrap(), 0, "old counters are removed");
    assert_eq!(store.used_requests("theirs", "trigger", 60).await.unwrap(), 1);
}

async fn many_processes_may_start_at_once(location: StoreLocation) {
    let stores = join_all((0..6).map(|_| Store::open(&location))).await;
    for store in stores {
        assert!(started(&store.unwrap(), id(), Utc::now()).await);
    }
}

async fn a_watermark_is_moved_by_hand_only_while_no_job_is_in_progress(location: StoreLocation) {
    let store = open(location).await;
    let (integration, now) = (id(), Utc::now());
    let watermark = Some(Watermark { updated_at: time(5), rows_at: 0, digest: Some(0) });
    assert!(store.set_watermark(integration, watermark).await.unwrap());
    assert_eq!(store.watermark(integration).await.unwrap(), watermark);
    assert!(store.set_watermark(integration, None).await.unwrap());
    assert_eq!(store.watermark(integration).await.unwrap(), None);
    assert_eq!(store.find_job(integration, None).await.unwrap(), None, "it leaves no job behind");
    // However they come together, a job that begins finds the watermark that was set before or none is set after.
    let move_it = async || store.set_watermark(integration, watermark).await.unwrap();
    let (begun, _) = futures::join!(started(&store, integration, now), join_all((0..8).map(|_| move_it())));
    assert!(begun);
    assert!(!move_it().await);
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_is_said_in_its_own_words() {
    let mut url = reqwest::Url::parse(&crate::sync::postgres_for_tests()).unwrap();
    url.set_path("no_such_database");
    let location = StoreLocation::Postgres(PostgresUrl::new(Secret::new(url)).unwrap());
    let error = Store::open(&location).await.unwrap_err().to_string();
    assert!(error.ends_with("cannot be opened: database \"no_such_database\" does not exist"), "{error}");
}
