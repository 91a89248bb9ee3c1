//! Acknowledged rows are not sent again by the next run, however the last one ended.

use std::time::Duration;

use super::rig::{LEASE, Rig, sqlite, user};
use crate::connectors::fake_braze::Answer;
use crate::store::JobStatus;
use crate::sync::run_tuning::RunTuning;
use crate::types::IntegrationKind;

/// A rig for events to the fake Braze server.
async fn events() -> Rig {
    let mut rig = Rig::into_service().await;
    rig.integration.kind = IntegrationKind::Events;
    rig
}

/// Inserts events with the same `UPDATED_AT`, each of its own user.
async fn insert_at_one_time(rig: &Rig, rows: usize) {
    rig.sql(&format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows})
         INSERT INTO {{t}} SELECT '2026-01-01T00:00:01.000000Z', 'user-' || n, '{{\"name\":\"seen\"}}' FROM numbers"
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_delivered_beside_a_batch_that_fails_for_good_are_not_sent_again() {
    let mut rig = events().await;
    rig.service().give_up_after = Duration::from_millis(600);
    rig.tuning = RunTuning { batch: 10, first_pause: Duration::from_millis(50), ..rig.tuning };
    insert_at_one_time(&rig, 3000).await;
    rig.fake_braze.delay(Duration::from_millis(10));
    // A 503 never makes a row error.
    rig.fake_braze.rule(|body| body.contains("\"user-5\"").then(|| Answer::new(503, "")));
    for _ in 0..3 {
        assert_eq!(rig.sync().await.status, JobStatus::Error);
        let users: Vec<String> = rig.fake_braze.objects().iter().map(user).collect();
        let each: std::collections::BTreeSet<&String> = users.iter().collect();
        assert!(users.len() > 500);
        assert_eq!(users.len() - each.len(), 0, "of {} objects this many were sent again", users.len());
    }
    rig.fake_braze.behave();
    assert_eq!(rig.sync().await.status, JobStatus::Success);
    assert_eq!(rig.fake_braze.accepted(), 3000, "each once");
}

#[tokio::test]
async fn a_version_that_returns_with_its_old_updated_at_is_sent_again() {
    let rig = Rig::into_service().await;
    rig.insert(1, "a", r#"{"on":true}"#);
    rig.insert(1, "b", r#"{"on":true}"#);
    rig.sync().await;
    for (on, synced) in [("false", 1), ("false", 0), ("true", 1), ("true", 0)] {
        rig.sql(&format!("UPDATE {{t}} SET PAYLOAD = '{{\"on\":{on}}}' WHERE EXTERNAL_ID = 'a'")).await;
        assert_eq!(rig.sync().await.rows_synced, synced, "{on}");
    }
    assert_eq!(rig.fake_braze.objects().last().unwrap()["on"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_returns_is_sent_again_even_if_its_replacement_is_in_no_checkpoint() {
    let rig = Rig::into_service().await;
    rig.insert(1, "a", r#"{"on":true}"#);
    rig.sync().await;
    rig.sql("UPDATE {t} SET PAYLOAD = '{\"on\":false}'").await;
    rig.crash_before_the_response(2).await;
    rig.sql("UPDATE {t} SET PAYLOAD = '{\"on\":true}'").await;
    rig.run(rig.claim(LEASE).await, LEASE).await.unwrap();
    assert_eq!(rig.fake_braze.objects().last().unwrap()["on"], true);
}

#[tokio::test]
async fn the_newest_row_of_a_user_wins_even_if_an_older_one_is_committed_late() {
    let rig = Rig::into_service().await;
    rig.insert(5, "a", r#"{"n":5}"#);
    rig.insert(5, "b", r#"{"n":5}"#);
    rig.sync().await;
    rig.insert(3, "a", r#"{"n":3,"m":3}"#);
    assert_eq!(rig.sync().await.rows_synced, 2);
    let sent: Vec<(String, i64)> =
        rig.fake_braze.objects()[2..].iter().map(|object| (user(object), object["n"].as_i64().unwrap())).collect();
    assert_eq!(sent, [("a".to_owned(), 3), ("a".to_owned(), 5)]);
    assert_eq!(rig.sync().await.rows_synced, 0);
}

#[tokio::test]
async fn rows_of_one_time_beyond_the_record_limit_are_tracked_as_an_overflow() {
    let mut rig = events().await;
    rig.tuning.max_digests = 1000;
    insert_at_one_time(&rig, 3000).await;
    assert_eq!(rig.sync().await.rows_synced, 3000);
    let record = async || rig.store.record_size(rig.integration.id).await.unwrap().versions;
    assert_eq!(record().await, 1000);
    assert_eq!(rig.sync().await.rows_synced, 0);
    // Rows in the record are not sent again.
    insert_at_one_time(&rig, 1).await;
    assert_eq!(rig.sync().await.rows_synced, 2001);
    assert_eq!(rig.sync().await.rows_synced, 0);
    // Later rows are in the record again.
    rig.insert(700, "later", r#"{"name":"seen"}"#);
    assert_eq!(rig.sync().await.rows_synced, 1);
    rig.insert(700, "later", r#"{"name":"seen"}"#);
    assert_eq!(rig.sync().await.rows_synced, 1);
    assert_eq!((record().await, rig.store.watermark(rig.integration.id).await.unwrap().overflow), (2, None));
}

#[tokio::test]
async fn a_watermark_belongs_to_its_source_destination_and_type() {
    let mut rig = Rig::into_file().await;
    rig.insert_many(3);
    rig.sync().await;
    rig.sql("CREATE TABLE others AS SELECT * FROM {t}").await;
    let usual = rig.integration.clone();
    let path = rig.folder.path().join("source.db");
    rig.integration.source = sqlite(path, "others");
    let job = rig.sync().await;
    let cause = job.cause.unwrap();
    assert_eq!(job.status, JobStatus::ConfigError);
    for part in ["the source has changed", "source.db#users", "source.db#others", "--keep", "--reset"] {
        assert!(cause.contains(part), "{cause}");
    }
    rig.integration = usual.clone();
    rig.integration.kind = IntegrationKind::Events;
    assert!(rig.sync().await.cause.unwrap().contains("the type has changed"));
    rig.integration = Rig::into_service().await.integration;
    (rig.integration.id, rig.integration.source) = (usual.id, usual.source.clone());
    assert!(rig.sync().await.cause.unwrap().contains("the destination has changed"));
    assert_eq!(rig.lines().len(), 3, "nothing was sent");
    rig.integration = usual;
    assert_eq!(rig.sync().await.status, JobStatus::Success);
}

#[tokio::test]
async fn a_sync_without_rows_binds_the_integration_to_no_route() {
    let mut rig = Rig::into_file().await;
    assert_eq!(rig.sync().await.status, JobStatus::Success);
    rig.sql("CREATE TABLE others AS SELECT * FROM {t}").await;
    let path = rig.folder.path().join("source.db");
    rig.integration.source = sqlite(path, "others");
    assert_eq!(rig.sync().await.status, JobStatus::Success);
}

#[tokio::test]
async fn rows_of_a_long_running_transaction_are_synced_after_its_commit() {
    use sqlx::Connection as _;
    let mut rig = Rig::into_file()
        .await
        .reading_postgres("UPDATED_AT timestamptz DEFAULT now(), EXTERNAL_ID text, PAYLOAD text DEFAULT '{}'")
        .await;
    rig.integration.lookback = Duration::from_millis(1);
    let insert = |user: &str| format!("INSERT INTO {} (EXTERNAL_ID) VALUES ('{user}')", rig.table());
    let mut slow = sqlx::PgConnection::connect(&super::rig::postgres()).await.unwrap();
    let mut writes = slow.begin().await.unwrap();
    // It has not written anything yet.
    sqlx::query("SELECT now()").execute(&mut *writes).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    for user in ["a", "b", "c"] {
        rig.sql(&insert(user)).await;
        assert_eq!(rig.sync().await.rows_synced, 1, "{user}");
    }
    sqlx::query(sqlx::AssertSqlSafe(insert("late"))).execute(&mut *writes).await.unwrap();
    writes.commit().await.unwrap();
    assert_eq!(rig.sync().await.rows_synced, 1);
    rig.sql(&insert("d")).await;
    assert_eq!(rig.sync().await.rows_synced, 1);
    assert_eq!(rig.users(), ["a", "b", "c", "late", "d"]);
    assert_eq!(rig.sync().await.rows_synced, 0);
}

#[tokio::test]
async fn rows_of_a_long_running_transaction_are_synced_even_with_times_in_whole_seconds() {
    use sqlx::Connection as _;
    let mut rig = Rig::into_file()
        .await
        .reading_postgres(
            "UPDATED_AT timestamptz DEFAULT date_trunc('second', now()), EXTERNAL_ID text, PAYLOAD text DEFAULT '{}'",
        )
        .await;
    rig.integration.lookback = Duration::from_millis(1);
    let insert = |user: &str| format!("INSERT INTO {} (EXTERNAL_ID) VALUES ('{user}')", rig.table());
    let mut slow = sqlx::PgConnection::connect(&super::rig::postgres()).await.unwrap();
    // It begins in the middle of a second and writes a row dated at the start of that second.
    let middle = "SELECT pg_sleep(1.5 - extract(epoch FROM now() - date_trunc('second', now()))::float8)";
    sqlx::query(middle).execute(&mut slow).await.unwrap();
    let mut writes = slow.begin().await.unwrap();
    sqlx::query("SELECT now()").execute(&mut *writes).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    rig.sql(&insert("a")).await;
    assert_eq!(rig.sync().await.rows_synced, 1);
    sqlx::query(sqlx::AssertSqlSafe(insert("late"))).execute(&mut *writes).await.unwrap();
    writes.commit().await.unwrap();
    assert_eq!(rig.sync().await.rows_synced, 1);
}
