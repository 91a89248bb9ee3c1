//! `only_changed`: objects carry only attributes that have changed since the destination acknowledged them.

use std::time::Duration;

use serde_json::{Value, json};

use super::rig::{LEASE, Rig, moment};
use crate::connectors::fake_braze::Answer;
use crate::store::{JobStatus, KnownAttributes, Spared, WatermarkChange};
use crate::sync::{Planned, preview};

async fn only_changed() -> Rig {
    let mut rig = Rig::into_service().await;
    rig.integration.only_changed = true;
    rig
}

/// Sets the payload of a user's row, with a new `UPDATED_AT`.
async fn update(rig: &Rig, seconds: i64, user: &str, payload: &str) {
    rig.sql(&format!("DELETE FROM {{t}} WHERE EXTERNAL_ID = '{user}'")).await;
    rig.insert(seconds, user, payload);
}

/// Syncs, and returns the objects that have arrived and what was spared.
async fn sync(rig: &Rig) -> (Vec<Value>, Spared) {
    let before = rig.fake_braze.accepted();
    let job = rig.sync().await;
    assert_eq!(job.status, JobStatus::Success, "{:?}", job.cause);
    (rig.fake_braze.objects().split_off(before), job.spared)
}

fn spared(rows: u64, attributes_sent: u64, attributes_spared: u64) -> Spared {
    Spared { rows, attributes_sent, attributes_spared }
}

#[tokio::test]
async fn only_attributes_that_differ_are_sent() {
    let rig = only_changed().await;
    rig.insert(1, "a", r#"{"x":1,"y":{"p":[1,2],"q":"é"},"z":"z"}"#);
    rig.insert(1, "b", r#"{"x":1}"#);
    let (objects, told) = sync(&rig).await;
    assert_eq!((objects.len(), told), (2, spared(0, 4, 0)));
    // The same by meaning, and a changed attribute.
    update(&rig, 2, "a", r#"{ "z":"\u007a", "y": {"q":"\u00e9", "p":[1.0, 2e0]}, "x": 1.0 }"#).await;
    update(&rig, 2, "b", r#"{"x":2}"#).await;
    assert_eq!(sync(&rig).await, (vec![json!({"external_id":"b","x":2})], spared(1, 1, 3)));
    update(&rig, 3, "a", r#"{"x":1,"y":{"p":[2,1],"q":"é"},"new":null}"#).await;
    let object = json!({"external_id":"a","y":{"p":[2,1],"q":"é"},"new":null});
    assert_eq!(sync(&rig).await, (vec![object], spared(0, 2, 1)));
    // A value that returns is a change, and what was not in the last row is still known.
    update(&rig, 4, "b", r#"{"x":1}"#).await;
    update(&rig, 4, "a", r#"{"z":"z","new":null}"#).await;
    assert_eq!(sync(&rig).await, (vec![json!({"external_id":"b","x":1})], spared(1, 1, 2)));
    // What is known is known of each user.
    rig.sql("UPDATE {t} SET EXTERNAL_ID = 'c' WHERE EXTERNAL_ID = 'b'").await;
    assert_eq!(sync(&rig).await, (vec![json!({"external_id":"c","x":1})], spared(0, 1, 0)));
    update(&rig, 5, "b", r#"{"x":1}"#).await;
    assert_eq!(sync(&rig).await.1, spared(1, 0, 1));
}

#[tokio::test]
async fn attributes_that_change_what_is_there_are_always_sent() {
    let rig = only_changed().await;
    for seconds in 1..4 {
        update(&rig, seconds, "a", r#"{"visits":{"inc":1},"tags":{"add":["x"]},"name":"a"}"#).await;
        let (objects, told) = sync(&rig).await;
        assert_eq!((&objects[0]["visits"], &objects[0]["tags"]), (&json!({"inc":1}), &json!({"add":["x"]})));
        assert_eq!(told.attributes_spared, u64::from(seconds > 1));
    }
    // After such a change nobody knows the value.
    update(&rig, 5, "a", r#"{"visits":7}"#).await;
    sync(&rig).await;
    update(&rig, 6, "a", r#"{"visits":{"inc":1}}"#).await;
    sync(&rig).await;
    update(&rig, 7, "a", r#"{"visits":7}"#).await;
    assert_eq!(sync(&rig).await.0, [json!({"external_id":"a","visits":7})]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_one_user_are_compared_one_after_the_other() {
    let mut rig = only_changed().await;
    rig.tuning.batch = 7;
    let values = [1, 1, 2, 2, 2, 1, 3, 3, 1, 1];
    for (seconds, value) in (1..).zip(values) {
        for user in 0..30 {
            rig.insert(seconds, &format!("u{user}"), &format!("{{\"x\":{value},\"same\":true}}"));
        }
    }
    let (objects, told) = sync(&rig).await;
    assert_eq!(told, spared(5 * 30, 6 * 30 - 30 + 30, 20 * 30 - 6 * 30));
    for user in 0..30 {
        let of_user = objects.iter().filter(|object| object["external_id"] == format!("u{user}"));
        let seen: Vec<i64> = of_user.map(|object| object["x"].as_i64().unwrap()).collect();
        assert_eq!(seen, [1, 2, 1, 3, 1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_in_flight_at_a_crash_is_doubted() {
    let rig = only_changed().await;
    rig.insert(1, "a", r#"{"x":1,"y":1}"#);
    sync(&rig).await;
    update(&rig, 2, "a", r#"{"x":2,"y":1}"#).await;
    rig.crash_before_the_response(2).await;
    // As before the crash, so the store would say that nothing has changed.
    update(&rig, 3, "a", r#"{"x":1,"y":1}"#).await;
    rig.run(rig.claim(LEASE).await, LEASE).await.unwrap();
    assert_eq!(rig.fake_braze.objects().last(), Some(&json!({"external_id":"a","x":1})), "`y` is not in doubt");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_destination_refuses_is_not_known() {
    let mut rig = only_changed().await;
    rig.service().give_up_after = Duration::from_millis(50);
    rig.insert(1, "a", r#"{"x":1,"y":1}"#);
    rig.insert(1, "b", r#"{"x":1,"y":1}"#);
    sync(&rig).await;
    update(&rig, 2, "a", r#"{"x":2,"y":1,"email":"nobody"}"#).await;
    update(&rig, 2, "b", r#"{"x":2,"y":1}"#).await;
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_synced, job.rows_failed_with_errors), (JobStatus::Partial, 1, 1));
    assert_eq!(job.spared, spared(0, 1, 1), "a refused row spares nothing");
    // Of an object that was refused, parts may have been taken.
    update(&rig, 3, "a", r#"{"x":1,"y":1}"#).await;
    assert_eq!(sync(&rig).await, (vec![json!({"external_id":"a","x":1})], spared(0, 1, 1)));
}

#[tokio::test]
async fn attributes_that_are_sent_while_it_is_off_are_not_known_afterwards() {
    let mut rig = only_changed().await;
    rig.insert(1, "a", r#"{"x":1}"#);
    sync(&rig).await;
    rig.integration.only_changed = false;
    update(&rig, 2, "a", r#"{"x":2}"#).await;
    assert_eq!(sync(&rig).await.1, Spared::default());
    rig.integration.only_changed = true;
    update(&rig, 3, "a", r#"{"x":1}"#).await;
    assert_eq!(sync(&rig).await.0, [json!({"external_id":"a","x":1})]);
}

#[tokio::test]
async fn after_a_reset_what_is_known_is_kept_or_forgotten() {
    let rig = only_changed().await;
    rig.insert(1, "a", r#"{"x":1}"#);
    sync(&rig).await;
    for (known, arrive, unchanged) in [(KnownAttributes::Keep, 0, 1), (KnownAttributes::Forget, 1, 0)] {
        assert!(rig.store.change_watermark(rig.integration.id, &WatermarkChange::Reset, known).await.unwrap());
        let (objects, told) = sync(&rig).await;
        assert_eq!((objects.len(), told.rows), (arrive, unchanged), "{known:?}");
    }
}

#[tokio::test]
async fn another_destination_has_nothing() {
    let mut rig = only_changed().await;
    rig.insert(1, "a", r#"{"x":1}"#);
    sync(&rig).await;
    rig.deliver_into_file();
    let keep = WatermarkChange::Keep(rig.integration.route());
    assert!(rig.store.change_watermark(rig.integration.id, &keep, KnownAttributes::Keep).await.unwrap());
    update(&rig, 2, "a", r#"{"x":1}"#).await;
    assert_eq!(rig.sync().await.rows_synced, 1);
    assert_eq!(rig.lines(), [json!({"external_id":"a","x":1})]);
    update(&rig, 3, "a", r#"{"x":1}"#).await;
    assert_eq!(rig.sync().await.spared, spared(1, 0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_finds_nothing_changed_ends_well_and_is_told() {
    let rig = only_changed().await;
    rig.insert_many(5000);
    assert_eq!(sync(&rig).await.0.len(), 5000);
    rig.sql("UPDATE {t} SET UPDATED_AT = '2026-02-01T00:00:00Z'").await;
    let (objects, told) = sync(&rig).await;
    assert_eq!((objects.len(), told.rows), (0, 5000));
    assert_eq!(sync(&rig).await.1, Spared::default(), "the rows are acknowledged");
}

/// With a second identifier in the table.
async fn with_addresses() -> Rig {
    let rig = only_changed().await;
    rig.sql("ALTER TABLE {t} ADD EMAIL").await;
    rig
}

/// Inserts a row with these identifiers that sets `x`.
async fn insert_named(rig: &Rig, seconds: i64, external_id: Option<&str>, email: Option<&str>, x: i64) {
    let text = |name: Option<&str>| name.map_or("NULL".into(), |name| format!("'{name}'"));
    let (time, external_id, email) = (moment(seconds).to_rfc3339(), text(external_id), text(email));
    let values = format!("'{time}', {external_id}, '{{\"x\":{x},\"same\":true}}', {email}");
    rig.sql(&format!("INSERT INTO {{t}} VALUES ({values})")).await;
}

/// The objects that a preview shows.
async fn previewed(rig: &Rig) -> Vec<Value> {
    let shown = preview(&rig.integration, Some(rig.known().await), 100).await.unwrap().rows.into_iter();
    let sent = shown.filter_map(|row| if let Planned::Sent { object, .. } = row { Some(object) } else { None });
    sent.map(|object| serde_json::from_str(&object).unwrap()).collect()
}

#[tokio::test]
async fn a_row_with_several_identifiers_knows_what_was_sent_under_any_of_them() {
    let rig = with_addresses().await;
    let (id, email) = (Some("a"), Some("A@example.com"));
    let whole = |name: &str, value: &str, x: i64| vec![json!({ name: value, "x": x, "same": true })];
    let steps = [
        (None, email, 1, whole("email", "A@example.com", 1)),
        // The user gets an ID, and a row with both.
        (id, email, 1, whole("external_id", "a", 1)),
        (id, Some("a@Example.com"), 1, vec![]),
        (id, email, 2, vec![json!({"external_id":"a","x":2})]),
        // It is gone again. What was sent under the address has been replaced since.
        (None, email, 1, whole("email", "A@example.com", 1)),
        (None, email, 1, vec![]),
        (id, email, 2, whole("external_id", "a", 2)),
        (id, None, 2, vec![]),
        (id, email, 2, vec![]),
    ];
    for (seconds, (id, email, x, sent)) in (1..).zip(steps) {
        insert_named(&rig, seconds, id, email, x).await;
        assert_eq!(previewed(&rig).await, sent, "the preview of step {seconds}");
        assert_eq!(sync(&rig).await.0, sent, "step {seconds}");
    }
}

/// Rows of one sync, sent in small batches that are answered in any order.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_name_one_user_by_different_identifiers_keep_their_order() {
    const USERS: i64 = 10;
    const STEPS: i64 = 40;
    let mut rig = with_addresses().await;
    rig.tuning.batch = 3;
    let number = |seconds: i64, user: i64| (seconds + user) * 7919 % 11;
    for round in 0..3 {
        for (seconds, user) in (0..STEPS).flat_map(|step| (0..USERS).map(move |user| (1000 * round + step, user))) {
            let (id, email, number) = (format!("u{user}"), format!("u{user}@example.com"), number(seconds, user));
            let id = (number % 3 > 0).then_some(id.as_str());
            insert_named(&rig, seconds, id, Some(&email), number % 4).await;
        }
        rig.fake_braze.script((0..USERS as u64 * STEPS as u64).map(|number| {
            let answer = Answer::accepted_with(201, r#"{"message":"success"}"#);
            answer.after(Duration::from_micros(number * 7919 % 5000))
        }));
        sync(&rig).await;
        assert!(rig.fake_braze.most_at_once() > 1);
        for user in 0..USERS {
            let last = rig.fake_braze.objects().into_iter().rev().find(|object| {
                let name = object["external_id"].as_str().or(object["email"].as_str()).unwrap();
                name.split('@').next() == Some(&format!("u{user}")) && object.get("x").is_some()
            });
            let right = number(1000 * round + STEPS - 1, user) % 4;
            assert_eq!(last.unwrap()["x"], right, "user {user} in round {round}");
        }
    }
}

/// What was sent under an address cannot be known, and the next row names the user by both identifiers, with the value that is
/// known under the ID.
#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_sent_under_another_identifier_is_doubted() {
    let (id, email) = (Some("a"), Some("a@example.com"));
    for case in 0..4 {
        let mut rig = with_addresses().await;
        rig.service().give_up_after = Duration::from_millis(50);
        insert_named(&rig, 1, id, email, 1).await;
        sync(&rig).await;
        match case {
            // The answer is lost, and then the row is another.
            0 => {
                insert_named(&rig, 2, None, email, 2).await;
                rig.crash_before_the_response(2).await;
                rig.sql("DELETE FROM {t} WHERE EXTERNAL_ID IS NULL").await;
            }
            // A later row is refused.
            1 => {
                insert_named(&rig, 2, None, email, 2).await;
                sync(&rig).await;
                rig.sql("UPDATE {t} SET PAYLOAD = '{\"x\":3,\"same\":2}', UPDATED_AT = '2026-01-01T00:00:03Z' WHERE EXTERNAL_ID IS NULL").await;
                insert_named(&rig, 3, Some("z"), None, 1).await;
                rig.fake_braze.refuse("a@example.com", Answer::new(400, r#"{"message":"no"}"#));
                assert_eq!(rig.sync().await.status, JobStatus::Partial);
                rig.fake_braze.behave();
            }
            // Nobody knows the value.
            2 => {
                insert_named(&rig, 2, None, email, 2).await;
                rig.sql("UPDATE {t} SET PAYLOAD = '{\"x\":{\"inc\":1}}' WHERE EXTERNAL_ID IS NULL").await;
                sync(&rig).await;
            }
            // The whole sync happens at once.
            _ => insert_named(&rig, 2, None, email, 2).await,
        }
        insert_named(&rig, 9, id, email, 1).await;
        if case > 0 {
            rig.trigger().await;
        }
        rig.run(rig.claim(LEASE).await, LEASE).await.unwrap();
        let right = json!({"external_id":"a","x":1,"same":true});
        assert_eq!(rig.fake_braze.objects().last(), Some(&right), "case {case}");
    }
}

#[tokio::test]
async fn rows_that_wait_for_each_other_are_compared_with_what_is_known_under_all_identifiers() {
    let rig = with_addresses().await;
    let (id, email) = (Some("a"), Some("a@example.com"));
    let object = |name: &str, value: &str, x: i64| json!({ name: value, "x": x, "same": true });
    insert_named(&rig, 1, id, email, 1).await;
    sync(&rig).await;
    insert_named(&rig, 2, None, email, 2).await;
    sync(&rig).await;
    // The second waits for the first, which does not name the address.
    insert_named(&rig, 3, id, None, 3).await;
    insert_named(&rig, 4, id, email, 3).await;
    let sent = vec![json!({"external_id":"a","x":3}), object("external_id", "a", 3)];
    assert_eq!(sync(&rig).await.0, sent);
    // Rows in which nothing has changed hold nothing up.
    for (seconds, id, x) in [(5, id, 3), (6, id, 4), (7, id, 4), (8, None, 3), (9, None, 3), (10, id, 3)] {
        insert_named(&rig, seconds, id, email, x).await;
    }
    let (objects, told) = tokio::time::timeout(Duration::from_secs(20), sync(&rig)).await.unwrap();
    let first = json!({"external_id":"a","x":4});
    assert_eq!(objects, [first, object("email", "a@example.com", 3), object("external_id", "a", 3)]);
    assert_eq!(told.rows, 3);
}

/// Many rows name others that they share, as placeholders are, or have several rows for one user.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_share_an_identifier_they_are_not_sent_under_do_not_wait_for_each_other() {
    let rig = with_addresses().await;
    rig.sql("BEGIN").await;
    for number in 0..3000 {
        insert_named(&rig, number / 2, Some(&format!("u{}", number / 2)), Some("n/a"), number % 2).await;
    }
    rig.sql("COMMIT").await;
    assert_eq!(sync(&rig).await.1, spared(0, 3000 + 1500, 1500));
    let requests = rig.fake_braze.requests();
    assert!(requests < 3000 / 75 * 3, "{requests} requests");
}
