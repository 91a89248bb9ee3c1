//! What the store promises, on SQLite and on Postgres alike.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use uuid::Uuid;

use super::StoreLocation;
use super::{
    Cancelled, Checkpoint, Claimed, Held, JobStatus, MOST_ROW_ERRORS, Page, RowError, StartJob, Store, StoreError,
    Watermark,
};
use crate::secret::Secret;
use crate::types::{IntegrationId, PostgresUrl};

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
    a_start_time_of_the_future_is_not_believed
    a_job_that_nobody_has_is_cancelled_at_once_and_one_that_somebody_has_at_its_next_word
    a_job_knows_how_long_it_has_run_and_how_far_the_rows_are_dealt_with
    what_a_later_version_has_written_breaks_no_list_and_no_queue
    looking_makes_nothing_and_says_what_is_missing
    a_schema_that_is_newer_is_refused_at_once_by_everybody
    a_schema_that_is_older_is_brought_up_to_date_only_by_who_serves
    a_job_whose_end_was_written_has_ended
}

/// A new database in the Postgres for tests.
async fn database() -> StoreLocation {
    use sqlx::Connection as _;
    let url = crate::testing::postgres();
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
    store.claim_job(lease, |other, _| other == integration).await.unwrap()
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
    let still_held = Held { cancelled: false };
    for lost in [
        store.checkpoint(&late, integration, &checkpoint).await,
        store.renew(&late).await,
        store.finish(&late, integration, &checkpoint, JobStatus::Success, None).await.map(|()| still_held),
        store.release(&late).await.map(|()| still_held),
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
    assert_eq!(job.last_timestamp_synced, None, "nothing was ever synced");
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
    let job = store.job(integration, lease.job).await.unwrap().unwrap();
    assert_eq!(job.rows_failed_with_errors, MOST_ROW_ERRORS + 500);
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
    let mut url = reqwest::Url::parse(&crate::testing::postgres()).unwrap();
    url.set_path("no_such_database");
    let location = StoreLocation::Postgres(PostgresUrl::new(Secret::new(url)).unwrap());
    let error = Store::open(&location).await.unwrap_err().to_string();
    assert!(error.ends_with("cannot be opened: database \"no_such_database\" does not exist"), "{error}");
}

async fn a_start_time_of_the_future_is_not_believed(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    // A replica whose clock is years ahead, and one whose clock is right.
    run(&store, integration, "2199-01-01T00:00:00Z".parse().unwrap(), JobStatus::Success).await;
    run(&store, integration, Utc::now(), JobStatus::Success).await;
    let jobs = store.jobs(integration, &Page::First, 10).await.unwrap().items;
    assert_eq!(jobs.len(), 2);
    for job in jobs {
        let ahead = job.sync_start_time - Utc::now();
        assert!(ahead < TimeDelta::seconds(2) && ahead > TimeDelta::seconds(-60), "{ahead}");
        assert!(job.sync_finish_time.unwrap() >= job.sync_start_time);
    }
}

async fn a_job_that_nobody_has_is_cancelled_at_once_and_one_that_somebody_has_at_its_next_word(
    location: StoreLocation,
) {
    let store = open(location).await;
    let integration = id();
    assert_eq!(store.cancel_job(integration, "why").await.unwrap(), Cancelled::Nothing);
    assert!(started(&store, integration, Utc::now()).await);
    let Cancelled::Ended(ended) = store.cancel_job(integration, "why").await.unwrap() else { panic!("it goes on") };
    let job = store.job(integration, ended).await.unwrap().unwrap();
    assert_eq!((job.status, job.cause.as_deref()), (JobStatus::Error, Some("why")));
    assert!(job.sync_finish_time.unwrap() >= job.sync_start_time);

    assert!(started(&store, integration, Utc::now()).await);
    let claimed = claim(&store, integration, LEASE).await.unwrap();
    let (lease, checkpoint) = (&claimed.lease, Checkpoint::default());
    assert!(!claimed.cancelled && !store.renew(lease).await.unwrap().cancelled);
    assert_eq!(store.cancel_job(integration, "why").await.unwrap(), Cancelled::Asked(lease.job));
    assert!(!store.has_ended(lease.job).await.unwrap(), "its worker ends it");
    assert!(store.renew(lease).await.unwrap().cancelled);
    assert!(store.checkpoint(lease, integration, &checkpoint).await.unwrap().cancelled);
    store.release(lease).await.unwrap();
    assert!(claim(&store, integration, LEASE).await.unwrap().cancelled, "the next worker is told too");
    assert_eq!(
        store.cancel_job(id(), "why").await.unwrap(),
        Cancelled::Nothing,
        "other integrations are not concerned"
    );
}

async fn a_job_knows_how_long_it_has_run_and_how_far_the_rows_are_dealt_with(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    let newest = async || store.jobs(integration, &Page::First, 1).await.unwrap().items.remove(0);
    assert!(started(&store, integration, Utc::now()).await);
    assert_eq!(newest().await.last_timestamp_synced, None, "nothing was ever synced");
    let first = claim(&store, integration, Duration::ZERO).await.unwrap();
    assert!(first.running_for < Duration::from_millis(50), "{:?}", first.running_for);
    tokio::time::sleep(Duration::from_millis(60)).await;
    let second = claim(&store, integration, LEASE).await.unwrap();
    assert!(second.running_for >= Duration::from_millis(50), "since a worker first had it: {:?}", second.running_for);
    let watermark = Watermark { updated_at: time(77), rows_at: 1, digest: None };
    let checkpoint = Checkpoint { watermark: Some(watermark), rows_synced: 1, ..Checkpoint::default() };
    store.finish(&second.lease, integration, &checkpoint, JobStatus::Success, None).await.unwrap();
    assert!(started(&store, integration, Utc::now()).await);
    assert_eq!(newest().await.last_timestamp_synced, Some(time(77)), "of the integration, before this job finds a row");
    let third = claim(&store, integration, LEASE).await.unwrap();
    assert_eq!(third.watermark, Some(watermark));
    store.finish(&third.lease, integration, &Checkpoint::default(), JobStatus::Success, None).await.unwrap();
    assert_eq!(newest().await.last_timestamp_synced, Some(time(77)));
}

/// Executes SQL that no program of this version would.
async fn tamper(location: &StoreLocation, sql: String) {
    use sqlx::Connection as _;
    let url = match location {
        StoreLocation::Sqlite(path) => format!("sqlite://{}", path.display()),
        StoreLocation::Postgres(url) => url.expose().to_owned(),
    };
    let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn what_a_later_version_has_written_breaks_no_list_and_no_queue(location: StoreLocation) {
    let store = open(location.clone()).await;
    let (integration, other) = (id(), id());
    run(&store, integration, time(1), JobStatus::Success).await;
    tamper(&location, "UPDATE jobs SET status = 'mislaid'".into()).await;
    let queued = format!(
        "INSERT INTO jobs (id, integration_id, status, started_at) VALUES ('odd', '{integration}', 'waiting', 5)"
    );
    tamper(&location, queued).await;
    tamper(
        &location,
        "INSERT INTO jobs (id, integration_id, status, started_at) VALUES ('odder', 'odd', 'running', 6)".into(),
    )
    .await;
    let states = store.integration_states(&[integration]).await.unwrap();
    assert_eq!(states[&integration].last_job_status, Some(JobStatus::Running), "it has not ended");
    assert!(started(&store, other, time(9)).await);
    let claimed = store.claim_job(LEASE, |_, _| true).await.unwrap();
    assert_eq!(claimed.unwrap().integration, other, "those in front of it cannot be read, and are left");
    tamper(&location, "DELETE FROM jobs WHERE id = 'odd'".into()).await;
    let jobs = store.jobs(integration, &Page::First, 10).await.unwrap().items;
    assert_eq!(jobs[0].status, JobStatus::Error, "it has ended, in a way that is not known");
}

async fn looking_makes_nothing_and_says_what_is_missing(location: StoreLocation) {
    assert!(Store::open_existing(&location).await.unwrap().is_none());
    assert!(Store::open_existing(&location).await.unwrap().is_none(), "the first look has made nothing");
    if let StoreLocation::Sqlite(path) = &location {
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 0);
    }
    let serving = open(location.clone()).await;
    let looking = Store::open_existing(&location).await.unwrap().unwrap();
    let integration = id();
    assert!(started(&serving, integration, Utc::now()).await);
    assert_eq!(looking.jobs(integration, &Page::First, 10).await.unwrap().items.len(), 1);
}

async fn a_schema_that_is_newer_is_refused_at_once_by_everybody(location: StoreLocation) {
    drop(open(location.clone()).await);
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 SELECT 9000, 'newer', success, checksum, 1 FROM _sqlx_migrations WHERE version = 1";
    tamper(&location, newer.into()).await;
    let begun = std::time::Instant::now();
    // Not only the first: a lock that it left behind would keep the others waiting.
    for _ in 0..3 {
        let opened = Store::open(&location).await.unwrap_err();
        assert!(
            opened.to_string().contains("newer than this program: it has version 9000, this program knows 2"),
            "{opened}"
        );
        assert!(matches!(Store::open_existing(&location).await, Err(StoreError::Newer { found: 9000, known: 2 })));
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

async fn a_schema_that_is_older_is_brought_up_to_date_only_by_who_serves(location: StoreLocation) {
    drop(open(location.clone()).await);
    let older = "ALTER TABLE jobs DROP COLUMN begun_at; ALTER TABLE jobs DROP COLUMN cancelled_at;
                 DELETE FROM _sqlx_migrations WHERE version = 2";
    tamper(&location, older.into()).await;
    for _ in 0..2 {
        let looked = Store::open_existing(&location).await.unwrap_err();
        assert!(
            looked.to_string().contains("it has version 1, this program needs 2; `cdi-server serve` brings"),
            "{looked}"
        );
    }
    assert!(started(&open(location.clone()).await, id(), Utc::now()).await);
    assert!(Store::open_existing(&location).await.unwrap().is_some());
}

async fn a_job_whose_end_was_written_has_ended(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    assert!(started(&store, integration, Utc::now()).await);
    let lease = claim(&store, integration, LEASE).await.unwrap().lease;
    assert!(!store.has_ended(lease.job).await.unwrap());
    store.finish(&lease, integration, &Checkpoint::default(), JobStatus::Success, None).await.unwrap();
    assert!(store.has_ended(lease.job).await.unwrap());
}

/// SQLite ends a transaction by itself when a disk is full, and of some other errors. sqlx does not see that.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_on_which_a_transaction_has_failed_is_used_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(StoreLocation::Sqlite(path.clone())).await;
    let mut transaction = store.database.begin().await.unwrap();
    let ends_it = "INSERT OR ROLLBACK INTO watermarks VALUES ('a', 1, 1, 1), ('a', 2, 2, 2)";
    let failed = sqlx::raw_sql(ends_it).execute(transaction.connection()).await.map(drop).map_err(StoreError::from);
    assert!(transaction.end(failed).await.is_err());
    let integration = id();
    for _ in 0..3 {
        run(&store, integration, Utc::now(), JobStatus::Success).await;
    }
    // From outside, where nothing is seen that was not committed.
    let outside = rusqlite::Connection::open(path).unwrap();
    let stored: i64 = outside.query_row("SELECT count(*) FROM jobs", (), |row| row.get(0)).unwrap();
    assert_eq!(stored, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_dropped_leaves_its_connection_usable() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(StoreLocation::Sqlite(folder.path().join("store.db"))).await;
    for _ in 0..20 {
        let mut transaction = store.database.begin().await.unwrap();
        sqlx::raw_sql("DELETE FROM jobs").execute(transaction.connection()).await.unwrap();
        drop(transaction);
        assert!(started(&store, id(), Utc::now()).await);
    }
    let outside = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    let stored: i64 = outside.query_row("SELECT count(*) FROM jobs", (), |row| row.get(0)).unwrap();
    assert_eq!(stored, 20, "nothing of what was dropped was done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_locked_is_in_trouble_that_passes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(StoreLocation::Sqlite(path.clone())).await;
    let other = rusqlite::Connection::open(path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = std::time::Instant::now();
    assert!(store.start_job(id(), Utc::now()).await.unwrap_err().is_unavailable());
    assert!(begun.elapsed() > Duration::from_secs(2), "it was waited for");
    let begun = std::time::Instant::now();
    assert!(store.start_job(id(), Utc::now()).await.unwrap_err().is_unavailable());
    assert!(begun.elapsed() < Duration::from_millis(100), "nobody waits for what is known to be away");
    other.execute_batch("ROLLBACK").unwrap();
    let integration = id();
    let begun = std::time::Instant::now();
    while store.start_job(integration, Utc::now()).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it never came back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(store.back_since().is_some());
}

#[tokio::test]
async fn a_store_that_cannot_be_made_is_said_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    for (path, expected) in [("no/such/store.db", "No such file or directory"), (".", "Is a directory")] {
        let error = Store::open(&StoreLocation::Sqlite(folder.path().join(path))).await.unwrap_err();
        assert!(!error.is_unavailable() && error.to_string().contains(expected), "{error}");
    }
    let nobody = StoreLocation::Postgres(PostgresUrl::new(Secret::new("postgres://a@127.0.0.1:1/b")).unwrap());
    for error in [Store::open(&nobody).await.unwrap_err(), Store::open_existing(&nobody).await.unwrap_err()] {
        assert!(error.is_unavailable(), "it may come: {error}");
        assert!(error.to_string().starts_with("the store is away: Postgres at 127.0.0.1:1/b: "), "{error}");
    }
}

/// A store behind something that answers in its place while it is away: a load balancer, a forwarded port.
#[tokio::test]
async fn a_store_behind_something_that_hangs_up_may_come() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let hangs_up = tokio::spawn(async move {
        loop {
            drop(listener.accept().await);
        }
    });
    let url = format!("postgres://a@{address}/b");
    let location = StoreLocation::Postgres(PostgresUrl::new(Secret::new(url)).unwrap());
    let error = Store::open(&location).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    hangs_up.abort();
}

/// A standby, to which an address leads after a failover.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_only_reads_is_away_until_it_can_be_written_to() {
    let location = database().await;
    let store = open(location.clone()).await;
    let StoreLocation::Postgres(url) = &location else { unreachable!() };
    let name = reqwest::Url::parse(url.expose()).unwrap().path().trim_start_matches('/').to_owned();
    let elsewhere = PostgresUrl::new(Secret::new(crate::testing::postgres())).unwrap();
    let elsewhere = StoreLocation::Postgres(elsewhere);
    let only_reads = async |yes: &str| {
        tamper(&elsewhere, format!("ALTER DATABASE {name} SET default_transaction_read_only = {yes}")).await;
        let ends = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        tamper(&elsewhere, ends).await;
    };
    only_reads("on").await;
    for _ in 0..40 {
        assert!(store.start_job(id(), Utc::now()).await.unwrap_err().is_unavailable());
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(store.back_since(), None, "asking whether it reads says nothing");
    only_reads("off").await;
    let begun = std::time::Instant::now();
    while store.start_job(id(), Utc::now()).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it never came back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_in_use_is_not_waited_for_with_everybody_behind_it() {
    use sqlx::Connection as _;
    let location = database().await;
    drop(open(location.clone()).await);
    let older = "ALTER TABLE jobs DROP COLUMN begun_at; ALTER TABLE jobs DROP COLUMN cancelled_at;
                 DELETE FROM _sqlx_migrations WHERE version = 2";
    tamper(&location, older.into()).await;
    let StoreLocation::Postgres(url) = &location else { unreachable!() };
    let mut reader = sqlx::PgConnection::connect(url.expose()).await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT count(*) FROM jobs").execute(&mut reader).await.unwrap();
    let begun = std::time::Instant::now();
    let error = Store::open(&location).await.unwrap_err();
    assert!(error.is_unavailable(), "whoever starts tries again: {error}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    sqlx::raw_sql("COMMIT").execute(&mut reader).await.unwrap();
    open(location).await;
}

/// More callers than connections, of a store that answers each of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_queue_is_not_taken_for_a_store_that_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(StoreLocation::Sqlite(path)).await;
    // Somebody keeps the one connection that writes for longer than others wait for it.
    let kept = store.database.begin().await.unwrap();
    let reads = async {
        for _ in 0..60 {
            store.used_requests("a", "b", 0).await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let (refused, ()) = tokio::join!(store.start_job(id(), Utc::now()), reads);
    assert!(refused.unwrap_err().is_unavailable());
    assert!(store.used_requests("a", "b", 0).await.is_ok(), "nobody else is refused");
    drop(kept);
    assert!(started(&store, id(), Utc::now()).await);
}

#[tokio::test]
async fn a_command_that_has_looked_leaves_no_file_behind() {
    let folder = tempfile::tempdir().unwrap();
    let location = StoreLocation::Sqlite(folder.path().join("store.db"));
    open(location.clone()).await.close().await;
    let files = || std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(files(), ["store.db"]);
    let looking = Store::open_existing(&location).await.unwrap().unwrap();
    assert_eq!(looking.watermark(id()).await.unwrap(), None);
    looking.close().await;
    assert_eq!(files(), ["store.db"]);
}

/// A process that stands still in the middle of a transaction, as a machine that is suspended.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_stands_still_keeps_nobody_from_its_rows_for_long() {
    let location = database().await;
    let (store, still) = (open(location.clone()).await, open(location).await);
    let integration = id();
    assert!(started(&store, integration, Utc::now()).await);
    let mut transaction = still.database.begin().await.unwrap();
    sqlx::raw_sql("UPDATE jobs SET rows_synced = 1").execute(transaction.connection()).await.unwrap();
    let begun = std::time::Instant::now();
    let claimed = loop {
        match store.claim_job(LEASE, |_, _| true).await {
            Ok(claimed) => break claimed,
            Err(error) => assert!(error.is_unavailable(), "{error}"),
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it is never to be had");
    };
    assert!(claimed.is_some());
    assert!(transaction.end(Ok(())).await.is_err(), "it has lost its rows");
}
