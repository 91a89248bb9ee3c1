//! Rows that change or are committed late without a newer `UPDATED_AT`: the next sync sends exactly those. A watermark that
//! only counts the rows of one time cannot do this.
//!
//! Each test runs with a SQLite and with a Postgres source.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::rig::{Rig, time};
use crate::connectors::fake_braze::Answer;
use crate::store::JobStatus;
use crate::types::IntegrationKind::{self, Attributes, Purchases};

/// Number of rows loaded at once.
const MANY: usize = 2000;

/// Runs a test with both sources.
async fn with_both_sources(kind: IntegrationKind, test: impl AsyncFn(&mut Rig)) {
    for postgres in [false, true] {
        let mut rig = Rig::into_service().await;
        if postgres {
            rig = rig.reading_postgres("UPDATED_AT timestamptz, EXTERNAL_ID text, PAYLOAD text").await;
        }
        rig.integration.kind = kind;
        rig.tuning.first_pause = Duration::from_millis(1);
        println!("from {}", if postgres { "Postgres" } else { "SQLite" });
        test(&mut rig).await;
    }
}

/// Inserts a row for each of these users, all with the same `UPDATED_AT`.
async fn load(rig: &Rig, users: std::ops::Range<usize>, payload: &str) {
    let row = |user| format!("('{}', 'user-{user}', '{payload}')", time(0));
    let rows = users.map(row).collect::<Vec<_>>().join(", ");
    rig.sql(&format!("INSERT INTO {{t}} VALUES {rows}")).await;
}

/// Syncs and returns the objects that have arrived.
async fn arrivals(rig: &Rig) -> Vec<Value> {
    let before = rig.fake_braze.accepted();
    let job = rig.sync().await;
    assert_eq!(job.status, JobStatus::Success, "{:?}", job.cause);
    rig.fake_braze.objects().split_off(before)
}

fn users(objects: &[Value]) -> BTreeSet<&str> {
    objects.iter().filter_map(|object| object["external_id"].as_str()).collect()
}

const PURCHASE: &str = r#"{"product_id":"p","currency":"EUR","price":1}"#;

#[tokio::test]
async fn a_row_that_is_corrected_within_the_same_second_is_sent() {
    with_both_sources(Attributes, async |rig| {
        load(rig, 0..3, r#"{"a":1}"#).await;
        assert_eq!(arrivals(rig).await.len(), 3);
        rig.sql(r#"UPDATE {t} SET PAYLOAD = '{"a":2}' WHERE EXTERNAL_ID = 'user-1'"#).await;
        let arrived = arrivals(rig).await;
        assert_eq!(arrived, [serde_json::json!({ "external_id": "user-1", "a": 2 })]);
        assert_eq!(arrivals(rig).await, [] as [Value; 0], "once");
    })
    .await;
}

#[tokio::test]
async fn a_late_row_is_sent_even_if_another_row_of_its_time_was_deleted() {
    with_both_sources(Attributes, async |rig| {
        load(rig, 0..2, r#"{"a":1}"#).await;
        assert_eq!(arrivals(rig).await.len(), 2);
        rig.sql("DELETE FROM {t} WHERE EXTERNAL_ID = 'user-0'").await;
        load(rig, 2..3, r#"{"a":1}"#).await;
        assert_eq!(users(&arrivals(rig).await), ["user-2"].into());
    })
    .await;
}

#[tokio::test]
async fn all_corrected_rows_of_a_load_are_sent_although_updated_at_is_unchanged() {
    with_both_sources(Attributes, async |rig| {
        load(rig, 0..1000, r#"{"a":1}"#).await;
        assert_eq!(arrivals(rig).await.len(), 1000);
        let corrected: Vec<String> = (0..500).map(|number| format!("user-{}", number * 2)).collect();
        let list = corrected.iter().map(|user| format!("'{user}'")).collect::<Vec<_>>().join(", ");
        rig.sql(&format!(r#"UPDATE {{t}} SET PAYLOAD = '{{"a":2}}' WHERE EXTERNAL_ID IN ({list})"#)).await;
        let arrived = arrivals(rig).await;
        assert_eq!(arrived.len(), 500, "only the corrected rows");
        assert_eq!(users(&arrived), corrected.iter().map(String::as_str).collect());
        assert!(arrived.iter().all(|object| object["a"] == 2));
    })
    .await;
}

#[tokio::test]
async fn no_purchase_is_sent_again_when_one_is_deleted_from_the_table() {
    with_both_sources(Purchases, async |rig| {
        load(rig, 0..MANY, PURCHASE).await;
        assert_eq!(arrivals(rig).await.len(), MANY);
        rig.sql("DELETE FROM {t} WHERE EXTERNAL_ID = 'user-7'").await;
        assert_eq!(arrivals(rig).await.len(), 0);
    })
    .await;
}

#[tokio::test]
async fn only_the_late_purchase_is_sent() {
    with_both_sources(Purchases, async |rig| {
        load(rig, 0..MANY, PURCHASE).await;
        assert_eq!(arrivals(rig).await.len(), MANY);
        load(rig, MANY..MANY + 1, PURCHASE).await;
        let arrived = arrivals(rig).await;
        assert_eq!(arrived.len(), 1);
        assert_eq!(users(&arrived), [format!("user-{MANY}").as_str()].into());
    })
    .await;
}

#[tokio::test]
async fn purchases_acknowledged_beside_a_batch_that_fails_for_good_are_not_sent_again() {
    with_both_sources(Purchases, async |rig| {
        load(rig, 0..MANY, PURCHASE).await;
        // A 503 never makes a row error, so this row is not skipped.
        rig.service().give_up_after = Duration::from_secs(1);
        rig.service().batch_size = Some(10);
        rig.fake_braze.refuse("\"user-3\"", Answer::new(503, ""));
        let mut accepted = Vec::new();
        for _ in 0..3 {
            let job = rig.sync().await;
            assert_eq!(job.status, JobStatus::Error, "{:?}", job.cause);
            accepted.push(rig.fake_braze.accepted());
        }
        rig.fake_braze.behave();
        accepted.push(rig.fake_braze.accepted() + arrivals(rig).await.len());
        let objects = rig.fake_braze.objects();
        assert_eq!(users(&objects).len(), MANY, "all purchases have arrived");
        // Nothing else was in flight when the sync gave up on the failing batch: all other requests were answered.
        assert_eq!(objects.len(), MANY, "each once; accepted after each sync: {accepted:?}");
    })
    .await;
}
