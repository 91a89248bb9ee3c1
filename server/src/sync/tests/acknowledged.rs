//! What was acknowledged is known to the next run, however the last one ended.

use std::time::Duration;

use super::rig::{LEASE, Rig, sqlite, until, user};
use crate::connectors::fake_braze::Answer;
use crate::store::JobStatus;
use crate::sync::run_tuning::RunTuning;
use crate::types::IntegrationKind;

/// A sync of events into the service.
async fn events() -> Rig {
    let mut rig = Rig::into_service().await;
    rig.integration.kind = IntegrationKind::Events;
    rig
}

/// Inserts so many events at one time, of as many users.
async fn insert_at_one_time(rig: &Rig, rows: usize) {
    rig.sql(&format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows})
         INSERT INTO {{t}} SELECT '2026-01-01T00:00:01.000000Z', 'user-' || n, '{{\"name\":\"seen\"}}' FROM numbers"
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_batch_fails_for_good_what_others_delivered_is_not_sent_again() {
    let mut rig = events().await;
    rig.service().give_up_after = Duration::from_millis(600);
    rig.tuning = RunTuning { batch: 10, first_pause: Duration::from_millis(50), ..rig.tuning };
    insert_at_one_time(&rig, 3000).await;
    rig.stand_in.delay(Duration::from_millis(10));
    // 503 is never about a row.
    rig.stand_in.rule(|body| body.contains("\"user-5\"").then(|| Answer::new(503, "")));
    for _ in 0..3 {
        assert_eq!(rig.sync().await.status, JobStatus::Error);
        let users: Vec<String> = rig.stand_in.objects().iter().map(user).collect();
        let each: std::collections::BTreeSet<&String> = users.iter().collect();
        assert!(users.len() > 500);
        assert_eq!(users.len() - each.len(), 0, "of {} so many were sent again", users.len());
    }
    rig.stand_in.behave();
    assert_eq!(rig.sync().await.status, JobStatus::Success);
    assert_eq!(rig.stand_in.accepted(), 3000, "each once");
}

#[tokio::test]
async fn a_version_that_comes_back_under_its_old_time_is_sent_again() {
    let rig = Rig::into_service().await;
    rig.insert(1, "a", r#"{"on":true}"#);
    rig.insert(1, "b", r#"{"on":true}"#);
    rig.sync().await;
    for (on, synced) in [("false", 1), ("false", 0), ("true", 1), ("true", 0)] {
        rig.sql(&format!("UPDATE {{t}} SET PAYLOAD = '{{\"on\":{on}}}' WHERE EXTERNAL_ID = 'a'")).await;
        assert_eq!(rig.sync().await.rows_synced, synced, "{on}");
    }
    assert_eq!(rig.stand_in.objects().last().unwrap()["on"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_comes_back_is_sent_again_even_if_what_took_its_place_was_not_written_down() {
    let rig = Rig::into_service().await;
    rig.insert(1, "a", r#"{"on":true}"#);
    rig.sync().await;
    rig.sql("UPDATE {t} SET PAYLOAD = '{\"on\":false}'").await;
    rig.trigger().await;
    let claimed = rig.claim(LEASE).await;
    // It arrives, and the worker dies before it knows.
    rig.stand_in.rule(|_| Some(Answer::cut_afterwards()));
    tokio::select! {
        _ = rig.run(claimed, LEASE) => panic!("it ended before it could be cut short"),
        () = until(async || rig.stand_in.accepted() >= 2) => {}
    }
    rig.stand_in.behave();
    rig.let_leases_run_out_after_a_crash().await;
    rig.sql("UPDATE {t} SET PAYLOAD = '{\"on\":true}'").await;
    rig.run(rig.claim(LEASE).await, LEASE).await.unwrap();
    assert_eq!(rig.stand_in.objects().last().unwrap()["on"], true);
}

#[tokio::test]
async fn the_newest_row_of_a_user_wins_even_if_an_older_one_comes_late() {
    let rig = Rig::into_service().await;
    rig.insert(5, "a", r#"{"n":5}"#);
    rig.insert(5, "b", r#"{"n":5}"#);
    rig.sync().await;
    rig.insert(3, "a", r#"{"n":3,"m":3}"#);
    assert_eq!(rig.sync().await.rows_synced, 2);
    let sent: Vec<(String, i64)> =
        rig.stand_in.objects()[2..].iter().map(|object| (user(object), object["n"].as_i64().unwrap())).collect();
    assert_eq!(sent, [("a".to_owned(), 3), ("a".to_owned(), 5)]);
    assert_eq!(rig.sync().await.rows_synced, 0);
}

#[tokio::test]
async fn where_the_record_has_no_room_rows_of_one_time_are_known_as_a_whole() {
    let mut rig = events().await;
    rig.tuning.max_digests = 1000;
    insert_at_one_time(&rig, 3000).await;
    assert_eq!(rig.sync().await.rows_synced, 3000);
    let record = async || rig.store.record_size(rig.integration.id).await.unwrap().versions;
    assert_eq!(record().await, 1000);
    assert_eq!(rig.sync().await.rows_synced, 0);
    // Those that the record knows are not sent again.
    insert_at_one_time(&rig, 1).await;
    assert_eq!(rig.sync().await.rows_synced, 2001);
    assert_eq!(rig.sync().await.rows_synced, 0);
    // Later rows are known one by one again.
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
    for part in ["another source", "source.db#users", "source.db#others", "--keep", "--reset"] {
        assert!(cause.contains(part), "{cause}");
    }
    rig.integration = usual.clone();
    rig.integration.kind = IntegrationKind::Events;
    assert!(rig.sync().await.cause.unwrap().contains("another type"));
    rig.integration = Rig::into_service().await.integration;
    (rig.integration.id, rig.integration.source) = (usual.id, usual.source.clone());
    assert!(rig.sync().await.cause.unwrap().contains("another destination"));
    assert_eq!(rig.lines().len(), 3, "nothing was sent");
    rig.integration = usual;
    assert_eq!(rig.sync().await.status, JobStatus::Success);
}

#[tokio::test]
async fn what_never_came_to_anything_belongs_to_nothing() {
    let mut rig = Rig::into_file().await;
    assert_eq!(rig.sync().await.status, JobStatus::Success);
    rig.sql("CREATE TABLE others AS SELECT * FROM {t}").await;
    let path = rig.folder.path().join("source.db");
    rig.integration.source = sqlite(path, "others");
    assert_eq!(rig.sync().await.status, JobStatus::Success);
}

#[tokio::test]
async fn a_transaction_that_is_still_running_is_waited_for_however_long_it_takes() {
    use sqlx::Connection as _;
    let mut rig = Rig::into_file()
        .await
        .reading_postgres("UPDATED_AT timestamptz DEFAULT now(), EXTERNAL_ID text, PAYLOAD text DEFAULT '{}'")
        .await;
    rig.integration.lookback = Duration::from_millis(1);
    let insert = |user: &str| format!("INSERT INTO {} (EXTERNAL_ID) VALUES ('{user}')", rig.table());
    let mut slow = sqlx::PgConnection::connect(&super::rig::postgres()).await.unwrap();
    let mut writes = slow.begin().await.unwrap();
    // It has not written yet, and nobody can say whether it will.
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
async fn a_transaction_that_is_still_running_is_waited_for_even_if_times_are_whole_seconds() {
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
    // It begins in the middle of a second, and writes what is dated at the beginning of that second.
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
