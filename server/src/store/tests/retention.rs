//! Deletion of old run-time data.

use super::*;
use crate::store::retention::BATCH;

const DAY: Duration = Duration::from_secs(24 * 3600);

on_both! {
    old_jobs_go_and_the_newest_of_each_integration_stays
    row_errors_are_as_old_as_the_end_of_their_job
    a_job_goes_only_after_its_row_errors
    many_row_errors_go_in_batches_from_the_last_to_the_first
    windows_of_old_rate_limits_go
}

/// A job that has ended so many days ago and refused so many rows.
async fn ended(store: &Store, location: &StoreLocation, integration: IntegrationId, days: u64, refused: usize) {
    assert!(started(store, integration, Utc::now()).await);
    let lease = claim(store, integration, LEASE).await.unwrap().lease;
    let error = RowError { identifier: None, updated_at: time(1), reason: "bad".into(), payload: Some("{}".into()) };
    let checkpoint =
        Checkpoint { rows_failed: refused as u64, row_errors: vec![error; refused], ..Checkpoint::default() };
    store.finish(&lease, integration, &checkpoint, JobStatus::Partial, None).await.unwrap();
    let age = days * 86_400_000_000;
    tamper(location, format!("UPDATE jobs SET finished_at = finished_at - {age} WHERE id = '{}'", lease.job)).await;
}

async fn jobs(store: &Store, integration: IntegrationId) -> Vec<crate::store::Job> {
    store.jobs(integration, &Page::First, 100).await.unwrap().items
}

async fn old_jobs_go_and_the_newest_of_each_integration_stays(location: StoreLocation) {
    let store = open(location.clone()).await;
    let (busy, dead, running) = (id(), id(), id());
    for days in [12, 11, 9, 1] {
        ended(&store, &location, busy, days, 0).await;
    }
    for integration in [dead, running] {
        ended(&store, &location, integration, 12, 0).await;
        ended(&store, &location, integration, 11, 0).await;
    }
    assert!(started(&store, running, Utc::now()).await);
    assert_eq!(store.delete_old_jobs(DAY * 10).await.unwrap(), 4);
    assert_eq!(store.delete_old_jobs(DAY * 10).await.unwrap(), 0);
    let left = async |integration| jobs(&store, integration).await.len();
    assert_eq!((left(busy).await, left(dead).await, left(running).await), (2, 1, 2));
    assert_eq!(jobs(&store, running).await[0].status, JobStatus::Running);
}

async fn row_errors_are_as_old_as_the_end_of_their_job(location: StoreLocation) {
    let store = open(location.clone()).await;
    let integration = id();
    ended(&store, &location, integration, 5, 3).await;
    ended(&store, &location, integration, 1, 2).await;
    // The rows themselves are of 1970.
    assert_eq!(store.delete_old_row_errors(DAY * 3).await.unwrap(), Some(3));
    assert_eq!(store.delete_old_row_errors(DAY * 3).await.unwrap(), None);
    let jobs = jobs(&store, integration).await;
    let kept = async |job: &crate::store::Job| store.row_errors(job.id, 0, 100).await.unwrap().len();
    assert_eq!((kept(&jobs[0]).await, kept(&jobs[1]).await), (2, 0));
    assert_eq!(jobs[0].row_errors_deleted_at, None);
    let age = Utc::now() - jobs[1].row_errors_deleted_at.unwrap();
    assert!(age.abs() < TimeDelta::minutes(5), "{age}");
    assert_eq!(jobs[1].rows_failed_with_errors, 3, "their number stays");
}

async fn a_job_goes_only_after_its_row_errors(location: StoreLocation) {
    let store = open(location.clone()).await;
    let integration = id();
    ended(&store, &location, integration, 5, 3).await;
    ended(&store, &location, integration, 1, 0).await;
    assert_eq!(store.delete_old_jobs(DAY * 3).await.unwrap(), 0);
    assert_eq!(store.delete_old_row_errors(DAY * 3).await.unwrap(), Some(3));
    assert_eq!(store.delete_old_jobs(DAY * 3).await.unwrap(), 1);
}

async fn many_row_errors_go_in_batches_from_the_last_to_the_first(location: StoreLocation) {
    let store = open(location.clone()).await;
    let (large, small) = (id(), id());
    let most = usize::try_from(BATCH).unwrap();
    ended(&store, &location, large, 6, most + 10).await;
    ended(&store, &location, small, 5, 7).await;
    assert_eq!(store.delete_old_row_errors(DAY).await.unwrap(), Some(BATCH));
    let job = jobs(&store, large).await.remove(0);
    let left: Vec<u64> = store.row_errors(job.id, 0, 100).await.unwrap().iter().map(|(number, _)| *number).collect();
    assert_eq!(left, (1..=10).collect::<Vec<_>>());
    assert_eq!(job.row_errors_deleted_at, None, "some are left");
    assert_eq!(store.delete_old_row_errors(DAY).await.unwrap(), Some(17), "a batch takes several jobs");
    assert_eq!(store.delete_old_row_errors(DAY).await.unwrap(), None);
}

async fn windows_of_old_rate_limits_go(location: StoreLocation) {
    let store = open(location.clone()).await;
    let now = Utc::now().timestamp();
    for (workspace, window) in [("old", 60), ("week", now - 7 * 86_400), ("new", now)] {
        let insert = format!(
            "INSERT INTO rate_limits (workspace, operation, window_start, used) VALUES ('{workspace}', 'trigger', {window}, 1)"
        );
        tamper(&location, insert).await;
    }
    assert_eq!(store.delete_old_windows().await.unwrap(), 1);
    assert_eq!(store.delete_old_windows().await.unwrap(), 0, "the others stay");
}

/// A replica that waited for another one finds its rows deleted, while there are more.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_delete_the_same_row_errors_leave_none() {
    use sqlx::Connection as _;
    let location = database().await;
    let (first, second) = (open(location.clone()).await, open(location.clone()).await);
    let integration = id();
    ended(&first, &location, integration, 6, usize::try_from(BATCH * 2).unwrap()).await;
    let job = jobs(&first, integration).await.remove(0).id;
    let mut transaction = first.database.begin().await.unwrap();
    first.delete_row_errors(transaction.connection(), &[job.to_string()]).await.unwrap();
    let waiting = tokio::spawn(async move { second.delete_old_row_errors(DAY).await });
    let StoreLocation::Postgres(url) = &location else { unreachable!() };
    let mut outside = sqlx::PgConnection::connect(url.expose()).await.unwrap();
    let begun = std::time::Instant::now();
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while query(waits).fetch_one(&mut outside).await.unwrap().get::<i64, _>(0) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(10), "the other replica does not wait");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    transaction.end(Ok(())).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), Some(0));
    while first.delete_old_row_errors(DAY).await.unwrap().is_some() {}
    assert_eq!(first.row_errors(job, 0, 10_000).await.unwrap(), [], "nobody would find them again");
}
