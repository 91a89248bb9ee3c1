//! Workers that crash, lose their lease or stop.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::rig::{LEASE, Rig};
use crate::connectors::fake_braze::Answer;
use crate::store::{JobStatus, StoreError};
use crate::sync::Workers;
use crate::sync::batch::Batch;
use crate::sync::destination::DeliveryContext;
use crate::sync::lease_keeper::{Clock, LeaseKeeper};
use crate::sync::row::Row;
use crate::sync::run_tuning::RunTuning;
use crate::testing::until;
use tokio::time::Instant;

#[tokio::test]
async fn a_file_has_every_line_once_wherever_its_worker_crashed() {
    let mut rig = Rig::into_file().await;
    rig.insert_many(12_000);
    // Many rows of one time: the job must be resumable in the middle of them.
    rig.source.execute("UPDATE users SET UPDATED_AT = '2026-01-01T00:00:00Z' WHERE rowid > 3000", ()).unwrap();
    rig.tuning = RunTuning { checkpoint: Duration::from_millis(1), batch: 500, ..rig.tuning };
    rig.trigger().await;
    let mut crashes = 0;
    loop {
        assert!(crashes < 1000, "the job did not end");
        let claimed = rig.claim(LEASE).await;
        if rig.crash(claimed, 3 + crashes).await {
            break;
        }
        crashes += 1;
    }
    assert!(crashes > 5, "too few crashes to prove anything");
    let job = rig.job().await;
    assert_eq!((job.status, job.rows_synced), (JobStatus::Success, 12_000));
    let mut users = rig.users();
    assert_eq!(users.len(), 12_000);
    users.sort();
    users.dedup();
    assert_eq!(users.len(), 12_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resumed_run_sends_only_unacknowledged_rows_even_if_rows_of_one_time_have_changed() {
    let rig = Rig::into_service().await;
    for row in 0..2000 {
        rig.insert(1, &format!("user-{row:04}"), "{}");
    }
    // Some rows arrive, the rest only after the worker has crashed.
    let requests = AtomicUsize::new(0);
    rig.fake_braze.rule(move |_| (requests.fetch_add(1, Ordering::Relaxed) >= 10).then(|| Answer::new(503, "")));
    rig.trigger().await;
    let claimed = rig.claim(LEASE).await;
    let recorded = async || rig.store.record_size(rig.integration.id).await.unwrap().versions;
    let accepted_requests = || rig.fake_braze.received().iter().filter(|request| request.accepted > 0).count();
    tokio::select! {
        _ = rig.run(claimed, LEASE) => panic!("the run ended before it could be aborted"),
        // All that this run delivers has arrived.
        () = until(async || accepted_requests() == 10 && recorded().await > 100) => {}
    }
    let before = recorded().await;
    let accepted = rig.fake_braze.accepted();
    assert!(before < 2000);
    rig.expire_leases().await;
    rig.sql("UPDATE {t} SET EXTERNAL_ID = 'another' WHERE EXTERNAL_ID = 'user-0000'").await;
    rig.insert(1, "a late one", "{}");
    rig.fake_braze.behave();
    let claimed = rig.claim(LEASE).await;
    rig.run(claimed, LEASE).await.unwrap();
    let sent_again = rig.fake_braze.accepted() - accepted - (2001 - before as usize);
    assert!(sent_again <= 1, "{sent_again} of {before} were sent again");
    assert_eq!(rig.job().await.rows_synced, before + rig.fake_braze.accepted() as u64 - accepted as u64);
    for user in ["another", "a late one"] {
        assert!(rig.fake_braze.objects().iter().any(|object| object["external_id"] == user), "{user}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_has_lost_its_lease_delivers_nothing_more() {
    let rig = Rig::into_service().await;
    rig.insert_many(3000);
    rig.fake_braze.delay(Duration::from_millis(40));
    rig.trigger().await;
    let lease = Duration::from_secs(1);
    let claimed = rig.claim(lease).await;
    let steal = async {
        until(async || rig.fake_braze.accepted() > 100).await;
        rig.steal(LEASE).await
    };
    let (first, second) = tokio::join!(rig.run(claimed, lease), steal);
    assert!(matches!(first, Err(StoreError::LeaseLost)), "{first:?}");
    let accepted = rig.fake_braze.accepted();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(rig.fake_braze.accepted() <= accepted + 600, "only requests in flight may arrive");
    assert!(accepted < 3000, "the worker did not stop");
    rig.run(second, LEASE).await.unwrap();
    assert_eq!(rig.job().await.status, JobStatus::Success);
}

#[tokio::test]
async fn a_fence_is_closed_once_the_lease_may_have_expired() {
    let rig = Rig::into_file().await;
    rig.trigger().await;
    let claimed = rig.claim(LEASE).await;
    let clock = Clock::SYSTEM;
    let keeper = |ago: u64| {
        let claimed_at = clock.now().checked_sub(Duration::from_secs(ago)).unwrap();
        LeaseKeeper::new(&rig.store, &claimed.lease, LEASE, claimed_at, clock)
    };
    assert!(keeper(0).fence().is_open() && keeper(23).fence().is_open());
    assert!(!keeper(24).fence().is_open(), "the last fifth is left for requests in flight");
    let into_service = Rig::into_service().await;
    let keeper = keeper(24);
    for rig in [&rig, &into_service] {
        let context = DeliveryContext { fence: keeper.fence(), ..DeliveryContext::none() };
        let open = rig.open(context).await.unwrap();
        let batch = Batch::of([(Row::unkeyed(0, None, None, None), "{}")], b',');
        let sent = tokio::time::timeout(Duration::from_millis(300), open.deliver(batch)).await;
        assert!(sent.is_err(), "it waits");
        assert_eq!((rig.fake_braze.requests(), rig.lines().len()), (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_renewed_for_as_long_as_the_run_takes() {
    let rig = Rig::into_service().await;
    rig.insert_many(600);
    rig.fake_braze.delay(Duration::from_millis(2500));
    rig.trigger().await;
    let lease = Duration::from_secs(1);
    let claimed = rig.claim(lease).await;
    rig.run(claimed, lease).await.unwrap();
    assert_eq!((rig.job().await.status, rig.fake_braze.accepted()), (JobStatus::Success, 600));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_finishes_requests_in_flight_and_hands_the_job_back() {
    let rig = Rig::into_service().await;
    rig.insert_many(5000);
    rig.fake_braze.delay(Duration::from_millis(50));
    rig.trigger().await;
    let claimed = rig.claim(LEASE).await;
    let stop = async {
        until(async || rig.fake_braze.accepted() > 0).await;
        rig.stop.send(Some(Instant::now() + Duration::from_secs(20))).unwrap();
    };
    let begun = Instant::now();
    let (ended, ()) = tokio::join!(rig.run(claimed, LEASE), stop);
    ended.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10));
    let job = rig.job().await;
    assert_eq!(job.status, JobStatus::Running);
    assert!(job.rows_synced < 5000);
    assert_eq!(rig.fake_braze.accepted() as u64, job.rows_synced, "all that was sent is counted");
    rig.stop.send(None).unwrap();
    // It can be claimed at once, and a worker that hands a job back does not count as a failed attempt.
    let claimed = rig.claim(LEASE).await;
    assert_eq!(claimed.attempts, 1);
    rig.fake_braze.delay(Duration::ZERO);
    rig.run(claimed, LEASE).await.unwrap();
    assert_eq!((rig.job().await.rows_synced, rig.fake_braze.accepted()), (5000, 5000), "nothing is sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_exceeds_the_deadline_is_handed_back_as_it_is() {
    let rig = Rig::into_service().await;
    rig.insert_many(10);
    rig.fake_braze.delay(Duration::from_secs(30));
    rig.trigger().await;
    let claimed = rig.claim(LEASE).await;
    let begun = Instant::now();
    let stop = async {
        until(async || rig.fake_braze.most_at_once() > 0).await;
        rig.stop.send(Some(Instant::now() + Duration::from_millis(300))).unwrap();
    };
    let (ended, ()) = tokio::join!(rig.run(claimed, LEASE), stop);
    ended.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(rig.job().await.rows_synced, 0);
    rig.claim(LEASE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_run_jobs_and_stop() {
    let rig = Rig::into_file().await;
    rig.insert_many(10);
    let config =
        crate::sync::WorkerConfig { concurrency: 2, lease: LEASE, poll: Duration::from_secs(3600), max_attempts: 3 };
    let workers =
        Workers::start(rig.store.clone(), super::rig::integrations([rig.integration.clone().into()]), config.clone());
    rig.trigger().await;
    until(async || rig.job().await.status == JobStatus::Success).await;
    workers.stop(Duration::from_secs(1)).await;
    rig.insert(100, "more", "{}");
    rig.trigger().await;
    assert_eq!(rig.job().await.status, JobStatus::Running, "no worker claims it");
    // A job whose workers crash too often ends in an error.
    for _ in 0..3 {
        rig.claim(LEASE).await;
        rig.expire_leases().await;
    }
    let workers = Workers::start(rig.store.clone(), super::rig::integrations([rig.integration.clone().into()]), config);
    until(async || rig.job().await.status != JobStatus::Running).await;
    let job = rig.job().await;
    assert_eq!((job.status, job.rows_synced), (JobStatus::Error, 0));
    assert_eq!(job.cause.unwrap(), "3 workers in a row failed while running this job; see their logs for the reason");
    workers.stop(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn opening_the_file_is_no_progress_so_the_attempt_counts() {
    let rig = Rig::into_file().await;
    rig.insert_many(10);
    rig.trigger().await;
    for attempt in 1..=3 {
        let claimed = rig.claim(LEASE).await;
        assert_eq!(claimed.attempts, attempt);
        let lease = claimed.lease.clone();
        let opened = crate::store::Checkpoint { position: Some("1:0".into()), ..Default::default() };
        rig.store.checkpoint(&lease, rig.integration.id, &opened).await.unwrap();
        rig.expire_leases().await;
    }
}
