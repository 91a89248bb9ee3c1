//! Retries when the service fails or limits requests, and what ends them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tracing::Instrument as _;

use super::rig::{LEASE, Rig, batch, user};
use crate::connectors::fake_braze::Answer;
use crate::store::JobStatus;
use crate::sync::destination::{DeliveryContext, Outcome};
use crate::sync::lease_keeper::{Clock, LeaseKeeper};
use crate::sync::run::Runner;
use crate::sync::shutdown::Stop;
use crate::sync::slots::Slot;
use crate::testing::logged;

fn users(rig: &Rig) -> BTreeSet<String> {
    rig.fake_braze.objects().iter().map(user).collect()
}

fn too_many(seconds: u32) -> Answer {
    Answer::new(429, "").header("Retry-After", seconds.to_string())
}

#[tokio::test]
async fn a_row_that_always_gets_a_500_while_others_succeed_is_a_row_error() {
    let rig = Rig::into_service().await;
    rig.insert_many(400);
    rig.fake_braze.refuse("\"row\":123}", Answer::new(500, ""));
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_synced, job.rows_failed_with_errors), (JobStatus::Partial, 399, 1));
    let reason = "the destination answers 500 Internal Server Error to this row again and again, while it takes others";
    assert_eq!(rig.refused().await, [(r#"{"external_id":"user-123"}"#.to_owned(), reason.to_owned())]);
    assert_eq!((users(&rig).len(), rig.fake_braze.accepted()), (399, 399));
}

#[tokio::test]
async fn a_row_that_always_gets_a_500_in_a_batch_of_one_is_a_row_error_too() {
    let mut rig = Rig::into_service().await;
    rig.service().batch_size = Some(1);
    rig.insert_many(500);
    rig.fake_braze.delay(Duration::from_millis(20));
    rig.fake_braze.refuse("\"row\":3}", Answer::new(500, ""));
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_synced, job.rows_failed_with_errors), (JobStatus::Partial, 499, 1));
}

/// Answers a random share of all requests with this status.
fn at_random(rig: &Rig, percent: u64, status: u16) {
    let requests = AtomicUsize::new(1);
    rig.fake_braze.rule(move |_| {
        let request = requests.fetch_add(1, Ordering::Relaxed) as u64;
        let mixed = request.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        ((mixed >> 32) % 100 < percent).then(|| Answer::new(status, ""))
    });
}

#[tokio::test]
async fn no_row_is_lost_when_the_service_fails_at_random() {
    for (percent, status, batch_size) in [(80, 503, None), (50, 500, None), (50, 500, Some(1)), (20, 500, Some(1))] {
        let mut rig = Rig::into_service().await;
        rig.tuning.first_pause = Duration::from_millis(1);
        rig.service().batch_size = batch_size;
        rig.insert_many(600);
        at_random(&rig, percent, status);
        // By chance the last rows may fail until the sync gives up.
        for _ in 0..10 {
            let job = rig.sync().await;
            assert_eq!(job.rows_failed_with_errors, 0, "{percent} % {status} {batch_size:?}");
            if job.status == JobStatus::Success {
                break;
            }
        }
        assert_eq!(users(&rig).len(), 600);
    }
}

#[tokio::test]
async fn a_row_that_always_gets_a_502_is_never_skipped() {
    let mut rig = Rig::into_service().await;
    rig.service().give_up_after = Duration::from_secs(1);
    rig.insert_many(400);
    rig.fake_braze.refuse("\"row\":123}", Answer::new(502, ""));
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_failed_with_errors), (JobStatus::Error, 0));
    assert!(job.cause.unwrap().contains("502"));
    rig.fake_braze.behave();
    assert_eq!(rig.sync().await.status, JobStatus::Success);
    assert_eq!(users(&rig).len(), 400);
}

#[tokio::test]
async fn no_row_is_skipped_while_the_service_is_down() {
    for batch_size in [None, Some(1)] {
        let mut rig = Rig::into_service().await;
        rig.service().give_up_after = Duration::from_secs(4);
        rig.service().batch_size = batch_size;
        rig.insert_many(200);
        // The request that it still accepts is answered after others have failed.
        rig.fake_braze.rule(|body| match body.contains("\"row\":1}") {
            true => Some(Answer::accepted_with(201, r#"{"message":"success"}"#).after(Duration::from_millis(50))),
            false => Some(Answer::new(503, "")),
        });
        let begun = Instant::now();
        let job = rig.sync().await;
        assert_eq!((job.status, job.rows_failed_with_errors), (JobStatus::Error, 0));
        assert!(job.cause.unwrap().contains("gave up after"));
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        rig.fake_braze.behave();
        assert_eq!(rig.sync().await.status, JobStatus::Success);
        assert_eq!(users(&rig).len(), 200);
    }
}

#[tokio::test]
async fn a_503_with_retry_after_is_not_a_row_error() {
    let mut rig = Rig::into_service().await;
    rig.service().give_up_after = Duration::from_secs(4);
    rig.insert_many(100);
    rig.fake_braze.refuse("\"row\":7}", Answer::new(503, "").header("Retry-After", "0"));
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_failed_with_errors), (JobStatus::Error, 0));
}

#[tokio::test]
async fn a_2xx_response_acknowledges_rows_even_if_its_body_is_empty_or_cut_off() {
    for answer in [
        Answer::accepted_with(201, ""),
        Answer::accepted_with(201, format!(r#"{{"message":"success","padding":"{}"}}"#, "x".repeat(1_500_000))),
        Answer::accepted_and_cut(201, r#"{"message":"succ"#),
        Answer::accepted_and_cut(201, ""),
    ] {
        let rig = Rig::into_service().await;
        rig.insert_many(1000);
        let log = {
            let (log, _guard) = logged();
            let shown = answer.clone();
            rig.fake_braze.rule(move |_| Some(shown.clone()));
            let job = rig.sync().await;
            assert_eq!((job.status, job.rows_synced), (JobStatus::Success, 1000), "{answer:?}");
            log
        };
        assert_eq!((users(&rig).len(), rig.fake_braze.accepted()), (1000, 1000), "nothing is sent twice");
        assert!(rig.fake_braze.requests() > 10);
        assert_eq!(log.lines("a body that is empty, cut off or without the message").len(), 1, "{answer:?}");
    }
}

#[tokio::test]
async fn rows_sent_to_a_login_page_are_not_delivered_and_the_next_sync_takes_them() {
    let mut rig = Rig::into_service().await;
    rig.service().give_up_after = Duration::from_millis(300);
    rig.insert_many(1000);
    rig.fake_braze.rule(|_| Some(Answer::new(200, "<html>Welcome to the hotel</html>")));
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_synced, job.rows_failed_with_errors), (JobStatus::Error, 0, 0));
    let cause = job.cause.unwrap();
    assert!(cause.contains("`give_up_after`") && cause.contains("with a web page instead of Braze's JSON"), "{cause}");
    rig.fake_braze.behave();
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_synced, users(&rig).len()), (JobStatus::Success, 1000, 1000));
}

#[tokio::test]
async fn a_login_page_that_goes_away_loses_no_row() {
    let rig = Rig::into_service().await;
    rig.insert_many(100);
    rig.fake_braze.script((0..3).map(|_| Answer::new(200, "<html>Welcome to the hotel</html>")));
    let job = rig.sync().await;
    assert_eq!((job.status, job.rows_synced, users(&rig).len()), (JobStatus::Success, 100, 100));
}

#[tokio::test]
async fn errors_that_name_no_object_are_logged_once() {
    let rig = Rig::into_service().await;
    rig.insert_many(1000);
    let without_index = r#"{"message":"success","errors":[{"index":"?","type":"bad"}]}"#;
    rig.fake_braze.rule(move |_| Some(Answer::accepted_with(201, without_index)));
    let (log, _guard) = logged();
    assert_eq!(rig.sync().await.rows_synced, 1000);
    assert_eq!(log.lines("names no object").len(), 1);
}

#[tokio::test]
async fn endless_429_responses_end_the_job() {
    let mut rig = Rig::into_service().await;
    rig.service().give_up_when_limited_after = Duration::from_secs(1);
    rig.insert_many(200);
    rig.fake_braze.rule(|_| Some(Answer::new(429, "")));
    let begun = Instant::now();
    let job = timeout(Duration::from_secs(20), rig.sync()).await.expect("it ends");
    assert_eq!((job.status, job.rows_failed_with_errors), (JobStatus::Error, 0));
    let cause = job.cause.unwrap();
    assert!(cause.contains("429") && cause.contains("`give_up_when_limited_after`"), "{cause}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn alternating_429_and_500_responses_end_the_job() {
    let mut rig = Rig::into_service().await;
    rig.service().give_up_after = Duration::from_secs(1);
    rig.insert(1, "a", "{}");
    let requests = AtomicUsize::new(0);
    rig.fake_braze.rule(move |_| match requests.fetch_add(1, Ordering::Relaxed) % 2 {
        0 => Some(Answer::new(500, "")),
        _ => Some(too_many(0)),
    });
    let job = timeout(Duration::from_secs(20), rig.sync()).await.expect("it ends");
    assert_eq!(job.status, JobStatus::Error);
    let cause = job.cause.unwrap();
    assert!(cause.contains("gave up after") && !cause.contains("after 0.0 s"), "{cause}");
}

#[tokio::test]
async fn a_requested_pause_beyond_the_time_limit_ends_the_job_at_once() {
    let mut rig = Rig::into_service().await;
    rig.service().give_up_when_limited_after = Duration::from_secs(60);
    rig.insert(1, "a", "{}");
    rig.fake_braze.rule(|_| Some(too_many(600)));
    let job = timeout(Duration::from_secs(5), rig.sync()).await.expect("it ends at once");
    assert_eq!(job.status, JobStatus::Error);
    assert!(job.cause.unwrap().contains("asked for 600.0 s more"));
}

#[tokio::test]
async fn a_pause_is_logged_once_for_all_requests_with_its_job() {
    let rig = Rig::into_service().await;
    rig.insert_many(1000);
    rig.fake_braze.delay(Duration::from_millis(50));
    rig.fake_braze.script((0..8).map(|_| too_many(1)));
    let (log, _guard) = logged();
    let span = tracing::info_span!("sync", job = "the-job");
    assert_eq!(rig.sync().instrument(span).await.rows_synced, 1000);
    let lines = log.lines("rate limit is reached");
    assert!(lines.len() == 1 && lines[0].contains("the-job"), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_request_interrupts_pauses() {
    // With few rows, all are read before the stop is requested.
    for (rows, accepted) in [(10, 2), (2000, 8)] {
        let mut rig = Rig::into_service().await;
        rig.service().give_up_when_limited_after = Duration::from_secs(60);
        rig.insert_many(rows);
        let requests = AtomicUsize::new(0);
        rig.fake_braze.rule(move |_| (requests.fetch_add(1, Ordering::Relaxed) >= accepted).then(|| too_many(30)));
        rig.trigger().await;
        let claimed = rig.claim(LEASE).await;
        let stop = async {
            while !rig.fake_braze.received().iter().any(|request| request.status == Some(429)) {
                sleep(Duration::from_millis(5)).await;
            }
            rig.stop.send(Some(tokio::time::Instant::now() + Duration::from_secs(60))).unwrap();
        };
        let begun = Instant::now();
        let (ended, ()) = tokio::join!(rig.run(claimed, LEASE), stop);
        ended.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
        let job = rig.job().await;
        assert_eq!((job.status, job.rows_failed_with_errors), (JobStatus::Running, 0));
        // It was handed back and can be resumed.
        rig.stop.send(None).unwrap();
        rig.fake_braze.behave();
        let claimed = rig.claim(LEASE).await;
        assert_eq!(claimed.attempts, 1);
        rig.run(claimed, LEASE).await.unwrap();
        assert_eq!((rig.job().await.rows_synced, users(&rig).len()), (rows as u64, rows));
    }
}

#[tokio::test]
async fn the_accepted_part_of_a_batch_is_reported_when_the_run_stops() {
    let mut rig = Rig::into_service().await;
    rig.service().give_up_when_limited_after = Duration::from_secs(60);
    rig.fake_braze.script([Answer::new(413, "")]);
    rig.fake_braze.rule(|body| body.contains("\"9\"").then(|| too_many(30)));
    let (stop_sender, stop) = Stop::channel();
    let context = DeliveryContext { stop, ..DeliveryContext::none() };
    let destination = rig.open(context).await.unwrap();
    let objects = (0..10).map(|user| (user.to_string(), format!(r#"{{"external_id":"{user}"}}"#)));
    let stopping = async {
        while rig.fake_braze.requests() < 3 {
            sleep(Duration::from_millis(5)).await;
        }
        stop_sender.send(Some(tokio::time::Instant::now() + Duration::from_secs(60))).unwrap();
    };
    let (delivery, ()) = tokio::join!(destination.deliver(batch(objects)), stopping);
    assert_eq!(delivery.ended, Ok(()));
    let (accepted, left) = delivery.outcomes.split_at(5);
    assert!(accepted.iter().all(|outcome| *outcome == Some(Outcome::Delivered(0))), "{accepted:?}");
    assert!(left.iter().all(Option::is_none), "{left:?}");
}

#[tokio::test]
async fn a_run_that_only_waits_releases_its_slot() {
    let rig = Rig::into_service().await;
    rig.insert_many(200);
    rig.fake_braze.script((0..8).map(|_| too_many(2)));
    rig.trigger().await;
    let claimed = rig.claim(LEASE).await;
    let slots = Arc::new(Semaphore::new(1));
    let slot = Slot::new(slots.clone(), slots.clone().try_acquire_owned().unwrap());
    let (store, integration, tuning, clock) = (&rig.store, &rig.integration, rig.tuning, Clock::SYSTEM);
    let runner = Runner { store, integration, lease: LEASE, tuning, stop: Stop::never(), slot, clock };
    let other = async {
        // Another run gets the slot during the pause and keeps it for longer than the pause.
        let permit = timeout(Duration::from_millis(1900), slots.clone().acquire_owned()).await.expect("it is free");
        let accepted = rig.fake_braze.accepted();
        sleep(Duration::from_secs(2)).await;
        assert_eq!(rig.fake_braze.accepted(), accepted, "nothing is sent without a slot");
        drop(permit);
    };
    let (ended, ()) = tokio::join!(runner.run(claimed, clock.now()), other);
    ended.unwrap();
    assert_eq!(rig.job().await.rows_synced, 200);
}

#[tokio::test]
async fn a_run_with_one_waiting_delivery_keeps_its_slot() {
    let rig = Rig::into_service().await;
    rig.insert_many(200);
    rig.fake_braze.script([Answer::new(500, "").header("Retry-After", "2")]);
    rig.fake_braze.rule(|_| Some(Answer::accepted_with(201, "").after(Duration::from_secs(3))));
    rig.trigger().await;
    let claimed = rig.claim(LEASE).await;
    let slots = Arc::new(Semaphore::new(1));
    let slot = Slot::new(slots.clone(), slots.clone().try_acquire_owned().unwrap());
    let (store, integration, tuning, clock) = (&rig.store, &rig.integration, rig.tuning, Clock::SYSTEM);
    let runner = Runner { store, integration, lease: LEASE, tuning, stop: Stop::never(), slot, clock };
    let run = runner.run(claimed, clock.now());
    tokio::pin!(run);
    let free = async {
        while rig.fake_braze.requests() == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        timeout(Duration::from_millis(1500), slots.acquire()).await.is_ok()
    };
    tokio::select! {
        _ = &mut run => panic!("it waits"),
        free = free => assert!(!free, "the other deliveries are working"),
    }
}

#[tokio::test]
async fn no_request_outlives_the_lease() {
    let rig = Rig::into_service().await;
    rig.trigger().await;
    let (length, clock) = (Duration::from_secs(1), Clock::SYSTEM);
    let claimed = rig.claim(length).await;
    let keeper = LeaseKeeper::new(&rig.store, &claimed.lease, length, clock.now(), clock);
    let context = DeliveryContext { fence: keeper.fence(), ..DeliveryContext::none() };
    let destination = rig.open(context).await.unwrap();
    rig.fake_braze.delay(Duration::from_secs(2));
    let delivery = destination.deliver(batch([("a".to_owned(), r#"{"external_id":"a"}"#.to_owned())]));
    tokio::pin!(delivery);
    assert!(timeout(Duration::from_secs(3), &mut delivery).await.is_err(), "it waits");
    assert_eq!((rig.fake_braze.most_at_once(), rig.fake_braze.accepted()), (1, 0), "it was aborted in time");
    rig.fake_braze.delay(Duration::ZERO);
    let delivered = tokio::select! {
        lost = keeper.renew_until_lost() => panic!("{lost}"),
        delivery = &mut delivery => delivery,
    };
    assert_eq!(delivered.outcomes, [Some(Outcome::Delivered(0))]);
    assert_eq!(rig.fake_braze.accepted(), 1);
}

#[tokio::test]
async fn a_file_destination_releases_the_slot_and_can_be_stopped_while_the_fence_is_closed() {
    let rig = Rig::into_file().await;
    rig.trigger().await;
    let claimed = rig.claim(LEASE).await;
    let keeper = LeaseKeeper::new(&rig.store, &claimed.lease, LEASE, Clock::SYSTEM.now(), Clock::SYSTEM);
    keeper.set_checkpoint_overdue(true);
    let slots = Arc::new(Semaphore::new(1));
    let slot = Slot::new(slots.clone(), slots.clone().try_acquire_owned().unwrap());
    let _working = slot.work().await;
    let (stop_sender, stop) = Stop::channel();
    let context = DeliveryContext { fence: keeper.fence(), stop, slot, ..DeliveryContext::none() };
    let destination = rig.open(context).await.unwrap();
    let delivery = destination.deliver(batch([("a".to_owned(), r#"{"external_id":"a"}"#.to_owned())]));
    tokio::pin!(delivery);
    let free = tokio::select! {
        _ = &mut delivery => panic!("the fence is closed"),
        free = timeout(Duration::from_secs(10), slots.acquire()) => free,
    };
    drop(free.expect("the slot is released"));
    stop_sender.send(Some(tokio::time::Instant::now() + Duration::from_secs(60))).unwrap();
    let delivery = timeout(Duration::from_secs(10), delivery).await.expect("it ends at once");
    assert_eq!((delivery.ended, delivery.outcomes), (Ok(()), vec![None]));
    assert!(rig.lines().is_empty());
}
