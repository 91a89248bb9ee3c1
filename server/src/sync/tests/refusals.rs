//! Which refusals make row errors, and which end the job without skipping rows.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::rig::{LEASE, Rig, batch, moment, user};
use crate::connectors::fake_braze::Answer;
use crate::store::{Checkpoint, Job, JobStatus, Watermark};
use crate::sync::destination::{Delivery, DeliveryContext, OpenDestination, Outcome};
use crate::testing::logged;

/// The response with which gateways refuse requests.
fn bad_request() -> Answer {
    Answer::new(400, r#"{"message":"Bad Request"}"#)
}

fn users(rig: &Rig) -> BTreeSet<String> {
    rig.fake_braze.objects().iter().map(user).collect()
}

fn counts(job: &Job) -> (JobStatus, u64, u64) {
    (job.status, job.rows_synced, job.rows_failed_with_errors)
}

#[tokio::test]
async fn a_gateway_that_refuses_everything_is_a_config_error_and_skips_no_row() {
    let rig = Rig::into_service().await;
    rig.insert_many(3000);
    rig.fake_braze.rule(|_| Some(bad_request()));
    let job = rig.sync().await;
    assert_eq!(counts(&job), (JobStatus::ConfigError, 0, 0));
    let cause = job.cause.unwrap();
    assert!(
        cause.contains("refuses everything with \"Bad Request\"") && cause.contains("no row was skipped"),
        "{cause}"
    );
    assert!(rig.fake_braze.requests() <= 40, "{} requests", rig.fake_braze.requests());
    assert!(rig.row_errors().await.is_empty());
    assert_eq!(rig.store.watermark(rig.integration.id).await.unwrap().updated_at, None);
    rig.fake_braze.behave();
    assert_eq!(counts(&rig.sync().await), (JobStatus::Success, 3000, 0));
    assert_eq!((users(&rig).len(), rig.fake_braze.accepted()), (3000, 3000));
}

#[tokio::test]
async fn a_few_rows_that_are_all_refused_are_not_skipped_either() {
    let rig = Rig::into_service().await;
    rig.insert_many(3);
    rig.fake_braze.rule(|_| Some(bad_request()));
    assert_eq!(counts(&rig.sync().await), (JobStatus::ConfigError, 0, 0));
    rig.fake_braze.behave();
    assert_eq!(counts(&rig.sync().await), (JobStatus::Success, 3, 0));
}

#[tokio::test]
async fn a_gateway_that_starts_to_refuse_during_a_sync_skips_no_row() {
    let rig = Rig::into_service().await;
    rig.insert_many(6000);
    let requests = AtomicUsize::new(0);
    rig.fake_braze.rule(move |_| (requests.fetch_add(1, Ordering::Relaxed) >= 20).then(bad_request));
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_failed_with_errors), (JobStatus::ConfigError, 0));
    assert!(job.cause.unwrap().contains("refuses everything"));
    assert!(rig.row_errors().await.is_empty());
    // At most sixty batches are searched at the same time, for five hundred objects that are refused alone.
    assert!(rig.fake_braze.requests() < 1200, "{} requests", rig.fake_braze.requests());
    rig.fake_braze.behave();
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_failed_with_errors), (JobStatus::Success, 0));
    assert_eq!(users(&rig).len(), 6000);
}

/// Refuses all requests for a while, starting with request number `first`.
fn refuse_for(rig: &Rig, first: usize, long: Duration) {
    let (requests, begun) = (AtomicUsize::new(0), OnceLock::new());
    rig.fake_braze.rule(move |_| {
        let has_begun = requests.fetch_add(1, Ordering::Relaxed) >= first;
        (has_begun && begun.get_or_init(Instant::now).elapsed() < long).then(bad_request)
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_refuses_everything_for_a_moment_skips_no_row() {
    // In the middle of 6000 rows, and at their end.
    for (first, long) in [(20, 50), (20, 200), (20, 700), (60, 200), (70, 100), (75, 700)] {
        let mut rig = Rig::into_service().await;
        rig.tuning.first_pause = Duration::from_millis(100);
        rig.insert_many(6000);
        refuse_for(&rig, first, Duration::from_millis(long));
        let mut job = rig.sync().await;
        assert_eq!(job.rows_failed_with_errors, 0, "{first} {long}");
        // With many refusals in a row the job may end before the gateway recovers.
        if job.status == JobStatus::ConfigError {
            rig.fake_braze.behave();
            job = rig.sync().await;
        }
        assert_eq!((job.status, job.rows_failed_with_errors), (JobStatus::Success, 0), "{first} {long}");
        assert_eq!(users(&rig).len(), 6000, "{first} {long}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_refuses_everything_for_longer_than_the_retries_skips_no_row() {
    let mut rig = Rig::into_service().await;
    // Retries for a tenth of a second in all.
    rig.tuning.first_pause = Duration::from_millis(7);
    rig.insert_many(6000);
    refuse_for(&rig, 20, Duration::from_secs(5));
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_failed_with_errors), (JobStatus::ConfigError, 0));
    rig.fake_braze.behave();
    assert_eq!(rig.sync().await.status, JobStatus::Success);
    assert_eq!(users(&rig).len(), 6000);
}

#[tokio::test]
async fn refusals_of_the_last_rows_are_retried_after_pauses() {
    // Also when the order of the objects must be kept.
    for one_user in [false, true] {
        let rig = Rig::into_service().await;
        // This many requests are needed for all objects that may be sent, and two retries.
        let refused = 2 + if one_user { 2 } else { 5 };
        let requests = AtomicUsize::new(0);
        rig.fake_braze.rule(move |_| (requests.fetch_add(1, Ordering::Relaxed) < refused).then(bad_request));
        let objects = (0..3).map(|object| {
            let user = if one_user { "a".to_owned() } else { object.to_string() };
            (user.clone(), format!(r#"{{"external_id":"{user}","number":{object}}}"#))
        });
        let (_, delivery) = deliver(&rig, objects).await;
        assert_eq!((delivery.ended, delivery.outcomes), (Ok(()), vec![Some(Outcome::Delivered(0)); 3]));
        let numbers: Vec<u64> =
            rig.fake_braze.objects().iter().map(|object| object["number"].as_u64().unwrap()).collect();
        assert!(numbers.len() == 3 && (numbers.is_sorted() || !one_user), "{numbers:?}");
    }
}

#[tokio::test]
async fn refused_rows_in_batches_of_one_are_retried_too() {
    let mut rig = Rig::into_service().await;
    rig.service().batch_size = Some(1);
    rig.insert_many(300);
    let requests = AtomicUsize::new(0);
    rig.fake_braze.rule(move |body| {
        let request = requests.fetch_add(1, Ordering::Relaxed);
        ((50..60).contains(&request) || body.contains("\"row\":77}")).then(bad_request)
    });
    assert_eq!(counts(&rig.sync().await), (JobStatus::Partial, 299, 1));
    assert_eq!(rig.refused().await[0].0, r#"{"external_id":"user-77"}"#);
    assert_eq!((users(&rig).len(), rig.fake_braze.accepted()), (299, 299));
}

#[tokio::test]
async fn a_bad_row_is_retried_once_before_newer_rows_of_its_user() {
    let rig = Rig::into_service().await;
    rig.fake_braze.refuse("poison", bad_request());
    let object = |user: &str, is: &str| (user.to_owned(), format!(r#"{{"external_id":"{user}","is":"{is}"}}"#));
    let objects = [object("a", "poison"), object("b", "first"), object("a", "newer"), object("c", "last")];
    let (_, delivery) = deliver(&rig, objects).await;
    let accepted = || Some(Outcome::Delivered(0));
    let refused = Some(Outcome::Refused("Bad Request".into()));
    assert_eq!((delivery.ended, delivery.outcomes), (Ok(()), vec![refused, accepted(), accepted(), accepted()]));
    let sent: Vec<String> = rig.fake_braze.received().iter().map(|request| request.body.to_string()).collect();
    let alone = |body: &&String| body.contains("poison") && !body.contains("first");
    assert_eq!(sent.iter().filter(alone).count(), 2, "{sent:?}");
    let last = sent.iter().rposition(|body| body.contains("poison"));
    let newer =
        sent.iter().position(|body| body.contains("newer") && !body.contains("first") && !body.contains("poison"));
    assert!(newer > last, "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_deliveries_wait_for_each_other_stops_at_once() {
    let mut rig = Rig::into_service().await;
    rig.tuning.first_pause = Duration::from_secs(60);
    rig.insert_many(200);
    let requests = AtomicUsize::new(0);
    rig.fake_braze.rule(move |_| (requests.fetch_add(1, Ordering::Relaxed) >= 2).then(bad_request));
    rig.trigger().await;
    let claimed = rig.claim(LEASE).await;
    let stop = async {
        let mut before = 0;
        // Wait until no further request is sent.
        while before == 0 || rig.fake_braze.requests() > before {
            before = rig.fake_braze.requests();
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        rig.stop.send(Some(tokio::time::Instant::now() + Duration::from_secs(60))).unwrap();
        std::time::Instant::now()
    };
    let (ended, requested_at) = tokio::join!(rig.run(claimed, LEASE), stop);
    ended.unwrap();
    assert!(requested_at.elapsed() < Duration::from_secs(2), "{:?}", requested_at.elapsed());
    let job = rig.job().await;
    assert_eq!((job.status, job.rows_failed_with_errors), (JobStatus::Running, 0), "{job:?}");
    rig.stop.send(None).unwrap();
    rig.fake_braze.behave();
    rig.run(rig.claim(LEASE).await, LEASE).await.unwrap();
    assert_eq!((counts(&rig.job().await), users(&rig).len()), ((JobStatus::Success, 200, 0), 200));
}

#[tokio::test]
async fn the_last_rows_are_row_errors_if_the_job_has_delivered_others() {
    let rig = Rig::into_service().await;
    rig.insert_many(5);
    rig.fake_braze.rule(|_| Some(bad_request()));
    rig.trigger().await;
    // An earlier worker of the job has delivered three rows.
    let claimed = rig.claim(LEASE).await;
    let (updated_at, read_from) = (Some(moment(2)), Some(moment(3)));
    let watermark = Watermark { updated_at, read_from, overflow: None };
    let route = Some(Arc::new(rig.integration.route()));
    let checkpoint = Checkpoint { watermark, route, rows_synced: 3, ..Default::default() };
    rig.store.checkpoint(&claimed.lease, rig.integration.id, &checkpoint).await.unwrap();
    rig.expire_leases().await;
    let claimed = rig.claim(LEASE).await;
    rig.run(claimed, LEASE).await.unwrap();
    assert_eq!(counts(&rig.job().await), (JobStatus::Partial, 3, 2));
    assert_eq!(rig.refused().await[1], (r#"{"external_id":"user-4"}"#.to_owned(), "Bad Request".to_owned()));
}

#[tokio::test]
async fn bad_rows_among_good_ones_are_row_errors_however_many_there_are_in_a_row() {
    let rig = Rig::into_service().await;
    rig.fake_braze.refuse("poison", bad_request());
    for row in 0..3000 {
        let payload = if (1000..1200).contains(&row) { r#"{"is":"poison"}"# } else { "{}" };
        rig.insert(row, &format!("user-{row}"), payload);
    }
    assert_eq!(counts(&rig.sync().await), (JobStatus::Partial, 2800, 200));
    assert_eq!((users(&rig).len(), rig.fake_braze.accepted()), (2800, 2800));
    assert_eq!(rig.row_errors().await.len(), 200);
}

async fn deliver(
    rig: &Rig,
    objects: impl IntoIterator<Item = (String, String)>,
) -> (Arc<dyn OpenDestination>, Delivery) {
    let destination = rig.open(DeliveryContext::none()).await.unwrap();
    let delivery = destination.deliver(batch(objects)).await;
    (destination, delivery)
}

#[tokio::test]
async fn bad_objects_in_a_partly_accepted_batch_are_refused() {
    // Also when all objects belong to one user, so that their order must be kept.
    for one_user in [false, true] {
        let rig = Rig::into_service().await;
        rig.fake_braze.refuse("poison", bad_request());
        let objects = (0..75).map(|object| {
            let user = if one_user { "a".to_owned() } else { object.to_string() };
            let is = if object < 15 { "poison" } else { "good" };
            (user.clone(), format!(r#"{{"external_id":"{user}","number":{object},"is":"{is}"}}"#))
        });
        let (destination, delivery) = deliver(&rig, objects).await;
        assert_eq!(delivery.ended, Ok(()));
        for (object, outcome) in delivery.outcomes.into_iter().enumerate() {
            match outcome.unwrap() {
                Outcome::Delivered(_) => assert!(object >= 15),
                Outcome::Refused(reason) => assert_eq!((object < 15, reason.as_str()), (true, "Bad Request")),
                Outcome::Suspected(..) => assert!(object < 15),
            }
        }
        assert_eq!(destination.judge_rest(), Ok(()));
        let numbers: Vec<u64> =
            rig.fake_braze.objects().iter().map(|object| object["number"].as_u64().unwrap()).collect();
        assert!(numbers.len() == 60 && (numbers.is_sorted() || !one_user), "{numbers:?}");
    }
}

#[tokio::test]
async fn suspects_are_refused_only_once_a_later_object_is_accepted() {
    let rig = Rig::into_service().await;
    rig.fake_braze.refuse("poison", bad_request());
    let object = |user: &str, is: &str| (user.to_owned(), format!(r#"{{"external_id":"{user}","is":"{is}"}}"#));
    let (destination, bad) = deliver(&rig, [object("a", "poison"), object("b", "poison")]).await;
    let suspected = |number| Some(Outcome::Suspected(number, "Bad Request".into()));
    assert_eq!((bad.ended, bad.outcomes), (Ok(()), vec![suspected(0), suspected(1)]));
    assert_eq!(destination.confirmed(), 0);
    let good = destination.deliver(batch([object("c", "good")])).await;
    assert_eq!(good.outcomes, [Some(Outcome::Delivered(0))]);
    assert_eq!(destination.confirmed(), 2);
}

#[tokio::test]
async fn a_slow_response_is_awaited_before_everything_counts_as_refused() {
    let rig = Rig::into_service().await;
    rig.fake_braze.rule(|body| match body.contains("poison") {
        true => Some(bad_request()),
        false => Some(Answer::accepted_with(201, r#"{"message":"success"}"#).after(Duration::from_millis(500))),
    });
    let destination = rig.open(DeliveryContext::none()).await.unwrap();
    let objects = |count: usize, is: &'static str| {
        batch((0..count).map(|user| (user.to_string(), format!(r#"{{"external_id":"{user}","is":"{is}"}}"#))))
    };
    let (good, bad) = tokio::join!(destination.deliver(objects(1, "good")), destination.deliver(objects(75, "poison")));
    assert_eq!((good.ended, bad.ended), (Ok(()), Ok(())));
    assert!(bad.outcomes.iter().all(Option::is_some));
}

#[tokio::test]
async fn a_suspected_row_does_not_block_many_bad_rows() {
    let rig = Rig::into_service().await;
    rig.fake_braze.rule(|body| body.contains("poison").then(bad_request));
    rig.source.execute_batch("BEGIN").unwrap();
    for row in 0..100 {
        rig.insert(row, &format!("user-{row}"), "{}");
    }
    // None of these is sent, except for the suspected row, which is the last.
    for row in 100..70_000 {
        match row {
            5000 => rig.insert(row, "suspected", r#"{"is":"poison"}"#),
            _ => rig.insert(row, "bad", "not json"),
        }
    }
    rig.source.execute_batch("COMMIT").unwrap();
    let job = tokio::time::timeout(Duration::from_secs(60), rig.sync()).await.expect("the run hangs");
    assert_eq!(counts(&job), (JobStatus::Partial, 100, 69_900));
}

#[tokio::test]
async fn identifiers_that_are_written_missing_values_are_logged_once() {
    let rig = Rig::into_file().await;
    for (row, user) in ["a", "nan", "NULL"].into_iter().enumerate() {
        rig.insert(row as i64, user, "{}");
    }
    let (log, _guard) = logged();
    assert_eq!(counts(&rig.sync().await), (JobStatus::Success, 3, 0));
    let lines = log.lines("missing values were probably exported as texts");
    assert!(
        matches!(&lines[..], [line] if line.contains(" WARN ") && line.contains("rows=2") && line.contains(r#"EXTERNAL_ID is the text "nan""#)),
        "{lines:?}"
    );
    rig.insert(5, "b", "{}");
    assert_eq!(counts(&rig.sync().await), (JobStatus::Success, 1, 0));
    assert_eq!(log.lines("missing values were probably exported as texts").len(), 1);
}
