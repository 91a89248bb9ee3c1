//! Which refusals are about rows, and which are not and skip none.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::rig::{LEASE, Rig, batch, moment, user};
use crate::connectors::fake_braze::Answer;
use crate::store::{Checkpoint, Job, JobStatus, Watermark};
use crate::sync::destination::{Delivery, DeliveryContext, OpenDestination, Outcome};

/// What gateways say to everything that they do not like.
fn bad_request() -> Answer {
    Answer::new(400, r#"{"message":"Bad Request"}"#)
}

fn users(rig: &Rig) -> BTreeSet<String> {
    rig.stand_in.objects().iter().map(user).collect()
}

fn counts(job: &Job) -> (JobStatus, u64, u64) {
    (job.status, job.rows_synced, job.rows_failed_with_errors)
}

#[tokio::test]
async fn a_gateway_that_refuses_everything_is_a_matter_of_configuration_and_skips_no_row() {
    let rig = Rig::into_service().await;
    rig.insert_many(3000);
    rig.stand_in.rule(|_| Some(bad_request()));
    let job = rig.sync().await;
    assert_eq!(counts(&job), (JobStatus::ConfigError, 0, 0));
    let cause = job.cause.unwrap();
    assert!(
        cause.contains("refuses everything with \"Bad Request\"") && cause.contains("no row was skipped"),
        "{cause}"
    );
    assert!(rig.stand_in.requests() <= 40, "{} requests", rig.stand_in.requests());
    assert!(rig.row_errors().await.is_empty());
    assert_eq!(rig.store.watermark(rig.integration.id).await.unwrap().updated_at, None);
    rig.stand_in.behave();
    assert_eq!(counts(&rig.sync().await), (JobStatus::Success, 3000, 0));
    assert_eq!((users(&rig).len(), rig.stand_in.accepted()), (3000, 3000));
}

#[tokio::test]
async fn a_few_rows_that_are_all_refused_are_not_skipped_either() {
    let rig = Rig::into_service().await;
    rig.insert_many(3);
    rig.stand_in.rule(|_| Some(bad_request()));
    assert_eq!(counts(&rig.sync().await), (JobStatus::ConfigError, 0, 0));
    rig.stand_in.behave();
    assert_eq!(counts(&rig.sync().await), (JobStatus::Success, 3, 0));
}

#[tokio::test]
async fn a_gateway_that_begins_to_refuse_in_the_middle_skips_no_row() {
    let rig = Rig::into_service().await;
    rig.insert_many(6000);
    let requests = AtomicUsize::new(0);
    rig.stand_in.rule(move |_| (requests.fetch_add(1, Ordering::Relaxed) >= 20).then(bad_request));
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_failed_with_errors), (JobStatus::ConfigError, 0));
    assert!(job.cause.unwrap().contains("refuses everything"));
    assert!(rig.row_errors().await.is_empty());
    assert!(rig.stand_in.requests() < 1500, "{} requests", rig.stand_in.requests());
    rig.stand_in.behave();
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_failed_with_errors), (JobStatus::Success, 0));
    assert_eq!(users(&rig).len(), 6000);
}

/// Refuses everything for a while from some request on.
fn refuse_for(rig: &Rig, first: usize, long: Duration) {
    let (requests, begun) = (AtomicUsize::new(0), OnceLock::new());
    rig.stand_in.rule(move |_| {
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
        // Where very many follow each other it ends sooner than the gateway is well.
        if job.status == JobStatus::ConfigError {
            rig.stand_in.behave();
            job = rig.sync().await;
        }
        assert_eq!((job.status, job.rows_failed_with_errors), (JobStatus::Success, 0), "{first} {long}");
        assert_eq!(users(&rig).len(), 6000, "{first} {long}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_refuses_everything_for_longer_than_it_is_asked_again_skips_no_row_either() {
    let mut rig = Rig::into_service().await;
    // A tenth of a second in all.
    rig.tuning.first_pause = Duration::from_millis(7);
    rig.insert_many(6000);
    refuse_for(&rig, 20, Duration::from_secs(5));
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_failed_with_errors), (JobStatus::ConfigError, 0));
    rig.stand_in.behave();
    assert_eq!(rig.sync().await.status, JobStatus::Success);
    assert_eq!(users(&rig).len(), 6000);
}

#[tokio::test]
async fn a_gateway_that_still_refuses_when_all_rows_were_sent_is_asked_again_after_pauses() {
    // Also where the order of the objects must be kept.
    for one_user in [false, true] {
        let rig = Rig::into_service().await;
        // So many take all objects that may be sent; two tries are refused too.
        let refused = 2 + if one_user { 2 } else { 5 };
        let requests = AtomicUsize::new(0);
        rig.stand_in.rule(move |_| (requests.fetch_add(1, Ordering::Relaxed) < refused).then(bad_request));
        let objects = (0..3).map(|object| {
            let user = if one_user { "a".to_owned() } else { object.to_string() };
            (user.clone(), format!(r#"{{"external_id":"{user}","number":{object}}}"#))
        });
        let (_, delivery) = deliver(&rig, objects).await;
        assert_eq!((delivery.ended, delivery.outcomes), (Ok(()), vec![Some(Outcome::Delivered(0)); 3]));
        let numbers: Vec<u64> =
            rig.stand_in.objects().iter().map(|object| object["number"].as_u64().unwrap()).collect();
        assert!(numbers.len() == 3 && (numbers.is_sorted() || !one_user), "{numbers:?}");
    }
}

#[tokio::test]
async fn rows_in_batches_of_their_own_are_looked_at_again_too() {
    let mut rig = Rig::into_service().await;
    rig.service().batch_size = Some(1);
    rig.insert_many(300);
    let requests = AtomicUsize::new(0);
    rig.stand_in.rule(move |body| {
        let request = requests.fetch_add(1, Ordering::Relaxed);
        ((50..60).contains(&request) || body.contains("\"row\":77}")).then(bad_request)
    });
    assert_eq!(counts(&rig.sync().await), (JobStatus::Partial, 299, 1));
    assert_eq!(rig.refused().await[0].0, r#"{"external_id":"user-77"}"#);
    assert_eq!((users(&rig).len(), rig.stand_in.accepted()), (299, 299));
}

#[tokio::test]
async fn a_bad_row_is_sent_once_more_and_before_newer_rows_of_its_user() {
    let rig = Rig::into_service().await;
    rig.stand_in.refuse("poison", bad_request());
    let object = |user: &str, is: &str| (user.to_owned(), format!(r#"{{"external_id":"{user}","is":"{is}"}}"#));
    let objects = [object("a", "poison"), object("b", "first"), object("a", "newer"), object("c", "last")];
    let (_, delivery) = deliver(&rig, objects).await;
    let accepted = || Some(Outcome::Delivered(0));
    let refused = Some(Outcome::Refused("Bad Request".into()));
    assert_eq!((delivery.ended, delivery.outcomes), (Ok(()), vec![refused, accepted(), accepted(), accepted()]));
    let sent: Vec<String> = rig.stand_in.received().iter().map(|request| request.body.to_string()).collect();
    let alone = |body: &&String| body.contains("poison") && !body.contains("first");
    assert_eq!(sent.iter().filter(alone).count(), 2, "{sent:?}");
    let last = sent.iter().rposition(|body| body.contains("poison"));
    let newer =
        sent.iter().position(|body| body.contains("newer") && !body.contains("first") && !body.contains("poison"));
    assert!(newer > last, "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_lanes_wait_for_each_other_stops_at_once() {
    let mut rig = Rig::into_service().await;
    rig.tuning.first_pause = Duration::from_secs(60);
    rig.insert_many(200);
    let requests = AtomicUsize::new(0);
    rig.stand_in.rule(move |_| (requests.fetch_add(1, Ordering::Relaxed) >= 2).then(bad_request));
    rig.trigger().await;
    let claimed = rig.claim(LEASE).await;
    let stop = async {
        let mut before = 0;
        // Until nothing is sent any more.
        while before == 0 || rig.stand_in.requests() > before {
            before = rig.stand_in.requests();
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        rig.stop.send(Some(tokio::time::Instant::now() + Duration::from_secs(60))).unwrap();
        std::time::Instant::now()
    };
    let (ended, asked) = tokio::join!(rig.run(claimed, LEASE), stop);
    ended.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    let job = rig.job().await;
    assert_eq!((job.status, job.rows_failed_with_errors), (JobStatus::Running, 0));
    rig.stop.send(None).unwrap();
    rig.stand_in.behave();
    rig.run(rig.claim(LEASE).await, LEASE).await.unwrap();
    assert_eq!((counts(&rig.job().await), users(&rig).len()), ((JobStatus::Success, 200, 0), 200));
}

#[tokio::test]
async fn the_last_rows_of_a_job_that_had_rows_accepted_may_be_bad() {
    let rig = Rig::into_service().await;
    rig.insert_many(5);
    rig.stand_in.rule(|_| Some(bad_request()));
    rig.trigger().await;
    // An earlier worker of the job has delivered three.
    let claimed = rig.claim(LEASE).await;
    let (updated_at, read_from) = (Some(moment(2)), Some(moment(3)));
    let watermark = Watermark { updated_at, read_from, overflow: None };
    let route = Some(Arc::new(rig.integration.route()));
    let checkpoint = Checkpoint { watermark, route, rows_synced: 3, ..Default::default() };
    rig.store.checkpoint(&claimed.lease, rig.integration.id, &checkpoint).await.unwrap();
    rig.let_leases_run_out().await;
    let claimed = rig.claim(LEASE).await;
    rig.run(claimed, LEASE).await.unwrap();
    assert_eq!(counts(&rig.job().await), (JobStatus::Partial, 3, 2));
    assert_eq!(rig.refused().await[1], (r#"{"external_id":"user-4"}"#.to_owned(), "Bad Request".to_owned()));
}

#[tokio::test]
async fn bad_rows_among_good_ones_are_row_errors_however_many_follow_each_other() {
    let rig = Rig::into_service().await;
    rig.stand_in.refuse("poison", bad_request());
    for row in 0..3000 {
        let payload = if (1000..1200).contains(&row) { r#"{"is":"poison"}"# } else { "{}" };
        rig.insert(row, &format!("user-{row}"), payload);
    }
    assert_eq!(counts(&rig.sync().await), (JobStatus::Partial, 2800, 200));
    assert_eq!((users(&rig).len(), rig.stand_in.accepted()), (2800, 2800));
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
async fn what_is_bad_in_a_batch_of_which_another_part_is_accepted_is_refused() {
    // Also where the order of the objects must be kept: they are all of one user.
    for one_user in [false, true] {
        let rig = Rig::into_service().await;
        rig.stand_in.refuse("poison", bad_request());
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
            rig.stand_in.objects().iter().map(|object| object["number"].as_u64().unwrap()).collect();
        assert!(numbers.len() == 60 && (numbers.is_sorted() || !one_user), "{numbers:?}");
    }
}

#[tokio::test]
async fn suspects_are_refused_only_when_something_is_accepted_after_them() {
    let rig = Rig::into_service().await;
    rig.stand_in.refuse("poison", bad_request());
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
async fn a_slow_acceptance_that_is_under_way_is_heard_before_everything_counts_as_refused() {
    let rig = Rig::into_service().await;
    rig.stand_in.rule(|body| match body.contains("poison") {
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
async fn a_row_in_doubt_does_not_keep_very_many_bad_rows_waiting() {
    let rig = Rig::into_service().await;
    rig.stand_in.rule(|body| body.contains("poison").then(bad_request));
    rig.source.execute_batch("BEGIN").unwrap();
    for row in 0..100 {
        rig.insert(row, &format!("user-{row}"), "{}");
    }
    // None of these is ever sent, so that the row in doubt is the last that is.
    for row in 100..70_000 {
        match row {
            5000 => rig.insert(row, "in doubt", r#"{"is":"poison"}"#),
            _ => rig.insert(row, "nobody", "not json"),
        }
    }
    rig.source.execute_batch("COMMIT").unwrap();
    let job = tokio::time::timeout(Duration::from_secs(60), rig.sync()).await.expect("it waits for ever");
    assert_eq!(counts(&job), (JobStatus::Partial, 100, 69_900));
}
