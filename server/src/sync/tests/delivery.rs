//! Requests to `/users/track` and `/users/delete`, and how their responses are handled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::rig::{Rig, user};
use crate::connectors::fake_braze::Answer;
use crate::store::{JobStatus, MAX_ROW_ERRORS};
use crate::types::IntegrationKind;

/// The users of all accepted objects, in order.
fn accepted(rig: &Rig) -> Vec<String> {
    rig.fake_braze.objects().iter().map(user).collect()
}

/// A set of these users. Fails if one was sent twice.
fn once(users: Vec<String>) -> BTreeSet<String> {
    let set: BTreeSet<String> = users.iter().cloned().collect();
    assert_eq!(set.len(), users.len(), "a user was sent twice");
    set
}

#[tokio::test]
async fn every_row_arrives_once_in_requests_of_at_most_75() {
    let rig = Rig::into_service().await;
    rig.insert_many(1000);
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_synced, job.rows_failed_with_errors), (JobStatus::Success, 1000, 0));
    assert_eq!(once(accepted(&rig)).len(), 1000);
    let sizes: Vec<usize> =
        rig.fake_braze.received().iter().map(|request| request.body["attributes"].as_array().unwrap().len()).collect();
    assert!(sizes.iter().all(|size| *size <= 75), "{sizes:?}");
    assert!(sizes.len() <= 24, "batches are filled: {sizes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_one_user_keep_their_order_while_several_requests_are_in_flight() {
    let rig = Rig::into_service().await;
    rig.source.execute_batch("BEGIN").unwrap();
    for row in 0..3000_i64 {
        rig.insert(row, &format!("user-{}", row % 40), &format!("{{\"row\":{row}}}"));
    }
    rig.source.execute_batch("COMMIT").unwrap();
    // Some requests take longer than others.
    rig.fake_braze.delay(Duration::from_millis(5));
    let requests = AtomicUsize::new(0);
    rig.fake_braze.rule(move |_| match requests.fetch_add(1, Ordering::Relaxed) {
        number if number % 6 == 0 => Some(Answer::new(500, "").after(Duration::from_millis(30))),
        number if number % 6 == 3 => Some(Answer::cut()),
        _ => None,
    });
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_synced), (JobStatus::Success, 3000));
    assert!(rig.fake_braze.most_at_once() > 1, "one request at a time");
    let mut by_user: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for object in rig.fake_braze.objects() {
        by_user.entry(user(&object)).or_default().push(object["row"].as_i64().unwrap());
    }
    for (user, rows) in by_user {
        assert!(rows.is_sorted() && rows.len() == 75, "{user}: {rows:?}");
    }
}

#[tokio::test]
async fn objects_named_in_the_response_are_row_errors_and_the_others_are_delivered() {
    let rig = Rig::into_service().await;
    rig.insert(1, "a", "{}");
    rig.insert(2, "b", r#"{"email":"nowhere"}"#);
    rig.insert(3, "c", "{}");
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_synced, job.rows_failed_with_errors), (JobStatus::Partial, 2, 1));
    assert_eq!(once(accepted(&rig)), BTreeSet::from(["a".into(), "c".into()]));
    let reason = "'email' is not a valid address".to_owned();
    assert_eq!(rig.refused().await, [(r#"{"external_id":"b"}"#.to_owned(), reason)]);
    assert_eq!(rig.row_errors().await[0].payload, None);
    // All rows are acknowledged, so the next run has nothing to do.
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_synced, job.rows_failed_with_errors), (JobStatus::Success, 0, 0));
}

#[tokio::test]
async fn a_refused_batch_is_halved_until_the_bad_rows_are_isolated() {
    for status in [400, 413] {
        let rig = Rig::into_service().await;
        let refusal = Answer::new(status, r#"{"message":"something in it is too long"}"#);
        rig.fake_braze.refuse("poison", refusal);
        for row in 0..60 {
            let payload = if row % 25 == 7 { r#"{"is":"poison"}"# } else { "{}" };
            rig.insert(row, &format!("user-{row}"), payload);
        }
        let job = rig.sync().await;
        assert_eq!((job.status, job.rows_synced, job.rows_failed_with_errors), (JobStatus::Partial, 57, 3));
        assert_eq!(once(accepted(&rig)).len(), 57);
        for (identifier, reason) in rig.refused().await {
            assert!(["-7\"", "-32\"", "-57\""].iter().any(|number| identifier.contains(number)), "{identifier}");
            assert_eq!(reason, "something in it is too long");
        }
    }
}

#[tokio::test]
async fn a_400_that_names_every_object_refuses_each_with_its_own_reason() {
    let rig = Rig::into_service().await;
    rig.insert(1, "a", r#"{"email":"nowhere"}"#);
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_failed_with_errors), (JobStatus::Error, 1));
    assert_eq!(
        job.cause.unwrap(),
        "the only row was refused and will not be sent again by itself; its row error says why"
    );
    assert_eq!(rig.refused().await[0].1, "'email' is not a valid address");
    assert_eq!(rig.fake_braze.requests(), 1, "nothing is halved");
}

#[tokio::test]
async fn a_requested_pause_applies_to_all_lanes() {
    for (name, value) in [("Retry-After", "1"), ("X-RateLimit-Retry-After", "1"), ("X-RateLimit-Reset", "1")] {
        let rig = Rig::into_service().await;
        rig.insert_many(4000);
        rig.fake_braze.delay(Duration::from_millis(100));
        rig.fake_braze.script([Answer::new(429, "").header(name, value)]);
        let job = rig.sync().await;
        assert_eq!((job.status, job.rows_synced), (JobStatus::Success, 4000));
        let received = rig.fake_braze.received();
        let refused = received.iter().position(|request| request.status == Some(429)).unwrap();
        // Requests in flight at that moment may still arrive.
        let pause =
            received[refused].at + Duration::from_millis(200)..received[refused].at + Duration::from_millis(950);
        assert!(!received.iter().any(|request| pause.contains(&request.at)), "{name}");
    }
}

#[tokio::test]
async fn transient_errors_lose_nothing_and_repeat_only_unanswered_requests() {
    let rig = Rig::into_service().await;
    rig.insert(1, "a", "{}");
    rig.fake_braze.script([
        Answer::new(500, "<html>oops</html>"),
        Answer::new(502, ""),
        Answer::cut(),
        Answer::cut_afterwards(),
    ]);
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_synced), (JobStatus::Success, 1));
    assert_eq!(accepted(&rig), ["a", "a"], "once without a response, once with one");
}

#[tokio::test]
async fn a_lasting_outage_ends_the_job_and_the_next_one_continues_from_the_watermark() {
    let mut rig = Rig::into_service().await;
    rig.service().give_up_after = Duration::from_secs(1);
    rig.insert(1, "a", "{}");
    rig.sync().await;
    rig.insert(2, "b", "{}");
    rig.fake_braze.refuse("\"b\"", Answer::new(503, ""));
    let begun = Instant::now();
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_synced), (JobStatus::Error, 0));
    let cause = job.cause.unwrap();
    assert!(cause.contains("`give_up_after`") && cause.contains("503"), "{cause}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    rig.fake_braze.refuse("nothing", Answer::new(503, ""));
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_synced), (JobStatus::Success, 1));
    assert_eq!(accepted(&rig), ["a", "b"]);
}

#[tokio::test]
async fn config_errors_skip_no_row_and_never_contain_the_key() {
    let rig = Rig::into_service().await;
    rig.insert(1, "a", "{}");
    let echo = format!(r#"{{"message":"Invalid API key: {}"}}"#, rig.key.expose());
    for (answer, expected) in [
        (Answer::new(401, echo.clone()), "refuses the key (401 Unauthorized)"),
        (Answer::new(403, echo.clone()), "refuses the key (403 Forbidden)"),
        (Answer::new(404, echo.clone()), "has no such endpoint (404 Not Found)"),
        (Answer::new(400, "<html>"), "a body that is not from Braze"),
        (Answer::new(302, "").header("location", "/login?token=hunter2"), "redirects (302 Found) to \"/login\""),
    ] {
        rig.fake_braze.script([answer]);
        let job = rig.sync().await;
        assert_eq!((job.status, job.rows_failed_with_errors), (JobStatus::ConfigError, 0));
        let cause = job.cause.unwrap();
        assert!(cause.contains(expected), "{cause}");
    }
    // The reason of a row error may contain it as well.
    let echo = format!(r#"{{"message":"success","errors":[{{"index":0,"type":"no {}"}}]}}"#, rig.key.expose());
    rig.fake_braze.script([Answer::new(201, echo)]);
    assert_eq!(rig.sync().await.rows_failed_with_errors, 1);
    assert_eq!(rig.refused().await[0].1, "no …");
    for file in ["store.db", "store.db-wal"] {
        let bytes = std::fs::read(rig.folder.path().join(file)).unwrap_or_default();
        let key = rig.key.expose().as_bytes();
        assert!(!bytes.windows(key.len()).any(|window| window == key), "the key is in {file}");
    }
}

#[tokio::test]
async fn a_repaired_configuration_works_with_the_next_trigger() {
    let mut rig = Rig::into_service().await;
    rig.insert(1, "a", "{}");
    rig.service().url = format!("{}/wrong", rig.fake_braze.url());
    assert_eq!(rig.sync().await.status, JobStatus::ConfigError);
    rig.service().url = rig.fake_braze.url();
    assert_eq!(rig.sync().await.status, JobStatus::Success);
    assert_eq!(accepted(&rig), ["a"]);
}

#[tokio::test]
async fn a_202_counts_as_delivered() {
    let rig = Rig::into_service().await;
    rig.insert(1, "a", "{}");
    rig.fake_braze.script([Answer::new(202, r#"{"message":"queued"}"#)]);
    assert_eq!(rig.sync().await.status, JobStatus::Success);
    assert_eq!(rig.fake_braze.requests(), 1);
}

#[tokio::test]
async fn events_and_purchases_are_sent_in_their_own_arrays() {
    for (kind, array, payload) in [
        (IntegrationKind::Events, "events", r#"{"name":"seen"}"#),
        (IntegrationKind::Purchases, "purchases", r#"{"product_id":"p","currency":"EUR","price":1.50}"#),
    ] {
        let mut rig = Rig::into_service().await;
        rig.integration.kind = kind;
        rig.service().update_existing_only = true;
        rig.service().batch_size = Some(2);
        for row in 0..5 {
            rig.insert(row, "a", payload);
        }
        rig.insert(9, "b", "{}");
        let job = rig.sync().await;
        assert_eq!((job.rows_synced, job.rows_failed_with_errors), (5, 1));
        let mut times = Vec::new();
        for request in rig.fake_braze.received() {
            assert_eq!(request.path, "/users/track");
            let objects = request.body[array].as_array().unwrap();
            assert!(objects.len() <= 2);
            assert!(objects.iter().all(|object| object["_update_existing_only"] == true));
            times.extend(objects.iter().map(|object| object["time"].clone()));
        }
        assert_eq!(times[0], "2026-01-01T00:00:00.000000Z");
        assert_eq!(times.len(), 5);
    }
}

#[tokio::test]
async fn users_are_deleted_by_one_kind_of_identifier_per_request() {
    let mut rig = Rig::into_service().await;
    rig.integration.kind = IntegrationKind::UserDeletes;
    rig.source
        .execute_batch(
            "DROP TABLE users; CREATE TABLE users (UPDATED_AT, EXTERNAL_ID, ALIAS_NAME, ALIAS_LABEL, BRAZE_ID, EMAIL)",
        )
        .unwrap();
    let insert = "INSERT INTO users VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    for row in 0..130_i64 {
        let text = Some(format!("{row}"));
        let columns = match row % 3 {
            _ if row == 129 => (row, None, None, None, None, Some("a@example.com")),
            0 => (row, text.clone(), None, None, None, None),
            1 => (row, None, text.clone(), Some("label"), None, None),
            _ => (row, None, None, None, text.clone(), None),
        };
        rig.source.execute(insert, columns).unwrap();
    }
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_synced, job.rows_failed_with_errors), (JobStatus::Partial, 129, 1));
    assert!(rig.refused().await[0].1.contains("several users"));
    let mut deleted: BTreeMap<String, usize> = BTreeMap::new();
    for request in rig.fake_braze.received() {
        assert_eq!(request.path, "/users/delete");
        let (array, ids) = request.body.as_object().unwrap().iter().next().unwrap();
        assert!(ids.as_array().unwrap().len() <= 50);
        *deleted.entry(array.clone()).or_default() += ids.as_array().unwrap().len();
    }
    let expected = [("braze_ids", 43), ("external_ids", 43), ("user_aliases", 43)];
    assert_eq!(deleted, expected.map(|(array, count)| (array.to_owned(), count)).into());
    assert!(rig.fake_braze.objects().contains(&json!({ "alias_name": "1", "alias_label": "label" })));
}

#[tokio::test]
async fn payloads_of_refused_rows_are_kept_with_keep_payloads() {
    let mut rig = Rig::into_service().await;
    rig.integration.keep_payloads = true;
    rig.insert(1, "a", r#"{"email":"nowhere"}"#);
    rig.insert(2, "b", "[1]");
    rig.sync().await;
    let payloads: Vec<Option<String>> = rig.row_errors().await.into_iter().map(|error| error.payload).collect();
    assert_eq!(payloads[0].as_deref(), Some("[1]"), "it was refused before anything was sent");
    let sent: Value = serde_json::from_str(payloads[1].as_ref().unwrap()).unwrap();
    assert_eq!(sent, json!({ "external_id": "a", "email": "nowhere" }));
}

#[tokio::test]
async fn a_run_that_refuses_too_many_rows_ends_early() {
    let mut rig = Rig::into_service().await;
    rig.integration.max_failed_share = Some(0.1);
    rig.source.execute_batch("BEGIN").unwrap();
    for row in 0..200_000 {
        rig.insert(row, &format!("user-{row}"), if row % 5 == 0 { "[]" } else { "{}" });
    }
    rig.source.execute_batch("COMMIT").unwrap();
    let job = rig.sync().await;
    assert_eq!(job.status, JobStatus::Error);
    let cause = job.cause.unwrap();
    assert!(cause.contains("`max_failed_share` (0.1)"), "{cause}");
    assert!(job.rows_synced < 150_000, "the run did not end early");
    assert_eq!(rig.row_errors().await.len() as u64, job.rows_failed_with_errors.min(MAX_ROW_ERRORS));
    assert_eq!(accepted(&rig).len() as u64, job.rows_synced, "batches in flight are counted");
}

#[tokio::test]
async fn every_refused_row_is_counted_however_many_there_are() {
    let rig = Rig::into_service().await;
    rig.source.execute_batch("BEGIN").unwrap();
    for row in 0..150_000 {
        rig.insert(row, &format!("user-{row}"), "not json");
    }
    rig.source.execute_batch("COMMIT").unwrap();
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_failed_with_errors), (JobStatus::Error, 150_000));
    assert_eq!(rig.row_errors().await.len() as u64, MAX_ROW_ERRORS);
    assert_eq!(rig.fake_braze.requests(), 0);
}
