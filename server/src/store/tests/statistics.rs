//! What operators watch.

use sqlx::{AssertSqlSafe, Row as _, query};

use super::*;
use crate::store::database::Database;
use crate::store::kind::Kind;
use crate::store::statistics::{INTEGRATIONS, QUEUE, TABLES};
use crate::store::{IntegrationStatistics, schema};

on_both! {
    the_queue_is_counted_with_the_age_of_its_head
    an_integration_is_told_by_its_last_ended_job_and_its_last_success
    statistics_do_not_read_ended_jobs
    the_size_and_the_clock_are_known
}

async fn the_queue_is_counted_with_the_age_of_its_head(location: StoreLocation) {
    let store = open(location).await;
    let empty = store.queue_statistics().await.unwrap();
    assert_eq!((empty.waiting, empty.oldest, empty.running), (0, None, 0));
    for at in [2_000, 1_000, 3_000] {
        assert!(started(&store, id(), time(at)).await);
    }
    let queue = store.queue_statistics().await.unwrap();
    assert_eq!((queue.waiting, queue.oldest, queue.running), (3, Some(time(1_000)), 0));
    // The lease of one has expired already.
    store.claim_job(LEASE, &[], false).await.unwrap().unwrap();
    store.claim_job(Duration::ZERO, &[], true).await.unwrap().unwrap();
    let queue = store.queue_statistics().await.unwrap();
    assert_eq!((queue.waiting, queue.oldest, queue.running), (2, Some(time(3_000)), 1));
    store.claim_job(LEASE, &[], true).await.unwrap().unwrap();
    let queue = store.queue_statistics().await.unwrap();
    assert_eq!((queue.waiting, queue.running), (1, 2));
    assert!(queue.oldest.unwrap() > queue.now - TimeDelta::minutes(1), "it waits since its lease has expired");
}

async fn an_integration_is_told_by_its_last_ended_job_and_its_last_success(location: StoreLocation) {
    let store = open(location).await;
    let (healthy, failing, waiting) = (id(), id(), id());
    run(&store, healthy, time(1_000), JobStatus::Partial).await;
    run(&store, failing, time(1_000), JobStatus::Success).await;
    let succeeded = store.jobs(failing, &Page::First, 1).await.unwrap().items[0].sync_finish_time;
    for at in 2_000..2_005 {
        run(&store, failing, time(at), JobStatus::Error).await;
    }
    assert!(started(&store, failing, time(3_000)).await);
    assert!(started(&store, waiting, time(3_000)).await);
    let statistics = store.integration_statistics().await.unwrap();
    assert_eq!(statistics.len(), 3);
    assert_eq!(statistics[&failing].last_status, Some(JobStatus::Error));
    assert_eq!(statistics[&failing].succeeded_at, succeeded);
    assert_eq!(statistics[&healthy].last_status, Some(JobStatus::Partial));
    assert!(statistics[&healthy].succeeded_at.is_some());
    assert_eq!(statistics[&waiting], IntegrationStatistics::default());
}

async fn statistics_do_not_read_ended_jobs(location: StoreLocation) {
    let store = open(location).await;
    let database = &store.database;
    let number = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000)";
    let fill = format!(
        "INSERT INTO jobs (id, integration_id, status, started_at, finished_at)
         {number} SELECT 'job-' || n, 'integration-' || (n % 20), 'error', n, n FROM numbers"
    );
    database.write(query(AssertSqlSafe(fill))).await.unwrap();
    database.write(query("ANALYZE")).await.unwrap();
    for statement in [QUEUE, INTEGRATIONS] {
        for step in plan(database, statement).await {
            let reads_all = match database.kind {
                // A scan of an index of jobs in progress reads these only.
                Kind::Sqlite => {
                    step.contains("SCAN jobs") && !step.contains("jobs_waiting") && !step.contains("jobs_leased")
                }
                Kind::Postgres => step.contains("Seq Scan on jobs"),
            };
            assert!(!reads_all, "{step}\nin the plan of\n{statement}");
        }
    }
    let by_success = plan(database, INTEGRATIONS).await.iter().any(|step| step.contains("jobs_succeeded"));
    assert!(by_success, "it would read all jobs that have failed since the last success");
}

/// The steps of a statement's plan.
async fn plan(database: &Arc<Database>, statement: &str) -> Vec<String> {
    let (explain, column) = match database.kind {
        Kind::Sqlite => ("EXPLAIN QUERY PLAN", "detail"),
        Kind::Postgres => ("EXPLAIN", "QUERY PLAN"),
    };
    let explain = database.with_store_clock(&format!("{explain} {statement}"));
    let steps = database.read(query(explain)).await.unwrap();
    steps.iter().map(|step| step.try_get(column).unwrap()).collect()
}

async fn the_size_and_the_clock_are_known(location: StoreLocation) {
    let store = open(location).await;
    let before = store.size().await.unwrap();
    assert!(before > 50_000, "{before} bytes, with all indexes");
    let ping = store.ping().await.unwrap();
    assert_eq!(ping.schema, Some(schema::KNOWN));
    assert!((ping.now - Utc::now()).abs() < TimeDelta::minutes(1));
    for number in 0..200 {
        let more = format!("INSERT INTO rate_limits VALUES ('{}', 'x', {number}, 1, 0)", "w".repeat(1000));
        store.database.write(query(AssertSqlSafe(more))).await.unwrap();
    }
    assert!(store.size().await.unwrap() > before + 100_000);
}

#[tokio::test]
async fn the_size_is_that_of_all_tables() {
    use sqlx::Connection as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    open(StoreLocation::Sqlite(path.clone())).await;
    let mut connection = sqlx::AnyConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let mut tables = schema::tables(&mut connection).await.unwrap();
    tables.retain(|table| table != "_sqlx_migrations");
    assert_eq!(tables, TABLES, "a new table belongs into the list");
}
