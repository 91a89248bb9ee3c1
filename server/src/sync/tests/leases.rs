//! What happens when a worker ends in the middle, loses its job, or is told to stop.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::rig::{LEASE, Rig, until};
use crate::connectors::fake_braze::Answer;
use crate::store::{JobStatus, StoreError};
use crate::sync::Workers;
use crate::sync::batch::Batch;
use crate::sync::destination::DeliveryContext;
use crate::sync::lease_keeper::{Clock, LeaseKeeper};
use crate::sync::row::Row;
use crate::sync::run_tuning::RunTuning;
use tokio::time::Instant;

#[tokio::test]
async fn a_file_has_every_line_once_wherever_its_writer_died() {
    let mut rig = Rig::into_file().await;
    rig.insert_many(12_000);
    // All of one time: it must be possible to go on among them.
    rig.source.execute("UPDATE users SET UPDATED_AT = '2026-01-01T00:00:00Z' WHERE rowid > 3000", ()).unwrap();
    rig.tuning = RunTuning { checkpoint: Duration::from_millis(1), batch: 500, ..rig.tuning };
    rig.trigger().await;
    let mut crashes = 0;
    loop {
        assert!(crashes < 1000, "it never came to an end");
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
async fn a_resumed_run_takes_what_was_not_acknowledged_however_rows_of_one_time_have_changed() {
    let rig = Rig::into_service().await;
    for row in 0..2000 {
        rig.insert(1, &format!("user-{row:04}"), "{}");
    }
    // Some of it arrives, the rest only after the worker has died.
    let requests = AtomicUsize::new(0);
    rig.stand_in.rule(move |_| (requests.fetch_add(1, Ordering::Relaxed) >= 10).then(|| Answer::new(503, "")));
    rig.trigger().await;
    let claimed = rig.claim(LEASE).await;
    let recorded = async || rig.store.record_size(rig.integration.id).await.unwrap().versions;
    tokio::select! {
        _ = rig.run(claimed, LEASE) => panic!("it ended before it could be cut short"),
        () = until(async || recorded().await > 100) => {}
    }
    let before = recorded().await;
    let accepted = rig.stand_in.accepted();
    assert!(before < 2000);
    rig.let_leases_run_out().await;
    rig.sql("UPDATE {t} SET EXTERNAL_ID = 'another' WHERE EXTERNAL_ID = 'user-0000'").await;
    rig.insert(1, "a late one", "{}");
    rig.stand_in.behave();
    let claimed = rig.claim(LEASE).await;
    rig.run(claimed, LEASE).await.unwrap();
    let sent_again = rig.stand_in.accepted() - accepted - (2001 - before as usize);
    assert!(sent_again <= 1, "{sent_again} of {before} were sent again");
    assert_eq!(rig.job().await.rows_synced, before + rig.stand_in.accepted() as u64 - accepted as u64);
    for user in ["another", "a late one"] {
        assert!(rig.stand_in.objects().iter().any(|object| object["external_id"] == user), "{user}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_has_lost_its_job_delivers_nothing_more() {
    let rig = Rig::into_service().await;
    rig.insert_many(3000);
    rig.stand_in.delay(Duration::from_millis(40));
    rig.trigger().await;
    let lease = Duration::from_secs(1);
    let claimed = rig.claim(lease).await;
    let steal = async {
        until(async || rig.stand_in.accepted() > 100).await;
        rig.steal(LEASE).await
    };
    let (first, second) = tokio::join!(rig.run(claimed, lease), steal);
    assert!(matches!(first, Err(StoreError::LeaseLost)), "{first:?}");
    let accepted = rig.stand_in.accepted();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(rig.stand_in.accepted() <= accepted + 600, "what was on its way may arrive");
    assert!(accepted < 3000, "it went on to the end");
    rig.run(second, LEASE).await.unwrap();
    assert_eq!(rig.job().await.status, JobStatus::Success);
}

#[tokio::test]
async fn a_fence_lets_nothing_pass_once_the_lease_may_be_over() {
    let rig = Rig::into_file().await;
    rig.trigger().await;
    let claimed = rig.claim(LEASE).await;
    let clock = Clock::SYSTEM;
    let keeper = |ago: u64| {
        let claimed_at = clock.now().checked_sub(Duration::from_secs(ago)).unwrap();
        LeaseKeeper::new(&rig.store, &claimed.lease, LEASE, claimed_at, clock)
    };
    assert!(keeper(0).fence().is_open() && keeper(23).fence().is_open());
    assert!(!keeper(24).fence().is_open(), "a fifth of it is left for what is on its way");
    let into_service = Rig::into_service().await;
    let keeper = keeper(24);
    for rig in [&rig, &into_service] {
        let context = DeliveryContext { fence: keeper.fence(), ..DeliveryContext::none() };
        let open = rig.open(context).await.unwrap();
        let batch = Batch::of([(Row::unkeyed(0, None, None, None), "{}")], b',');
        let sent = tokio::time::timeout(Duration::from_millis(300), open.deliver(batch)).await;
        assert!(sent.is_err(), "it waits");
        assert_eq!((rig.stand_in.requests(), rig.lines().len()), (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_renewed_for_as_long_as_the_run_takes() {
    let rig = Rig::into_service().await;
    rig.insert_many(600);
    rig.stand_in.delay(Duration::from_millis(2500));
    rig.trigger().await;
    let lease = Duration::from_secs(1);
    let claimed = rig.claim(lease).await;
    rig.run(claimed, lease).await.unwrap();
    assert_eq!((rig.job().await.status, rig.stand_in.accepted()), (JobStatus::Success, 600));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_told_to_stop_ends_what_is_under_way_and_gives_the_job_back() {
    let rig = Rig::into_service().await;
    rig.insert_many(5000);
    rig.stand_in.delay(Duration::from_millis(50));
    rig.trigger().await;
    let claimed = rig.claim(LEASE).await;
    let stop = async {
        until(async || rig.stand_in.accepted() > 0).await;
        rig.stop.send(Some(Instant::now() + Duration::from_secs(20))).unwrap();
    };
    let begun = Instant::now();
    let (ended, ()) = tokio::join!(rig.run(claimed, LEASE), stop);
    ended.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10));
    let job = rig.job().await;
    assert_eq!(job.status, JobStatus::Running);
    assert!(job.rows_synced < 5000);
    assert_eq!(rig.stand_in.accepted() as u64, job.rows_synced, "all that was sent is counted");
    rig.stop.send(None).unwrap();
    // Nobody waits for a lease to run out, and the worker that gave it back is none that was lost.
    let claimed = rig.claim(LEASE).await;
    assert_eq!(claimed.attempts, 1);
    rig.stand_in.delay(Duration::ZERO);
    rig.run(claimed, LEASE).await.unwrap();
    assert_eq!((rig.job().await.rows_synced, rig.stand_in.accepted()), (5000, 5000), "nothing is sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_does_not_end_by_the_deadline_is_given_back_as_it_is() {
    let rig = Rig::into_service().await;
    rig.insert_many(10);
    rig.stand_in.delay(Duration::from_secs(30));
    rig.trigger().await;
    let claimed = rig.claim(LEASE).await;
    let begun = Instant::now();
    let stop = async {
        until(async || rig.stand_in.most_at_once() > 0).await;
        rig.stop.send(Some(Instant::now() + Duration::from_millis(300))).unwrap();
    };
    let (ended, ()) = tokio::join!(rig.run(claimed, LEASE), stop);
    ended.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(rig.job().await.rows_synced, 0);
    rig.claim(LEASE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_take_jobs_and_stop() {
    let rig = Rig::into_file().await;
    rig.insert_many(10);
    let config =
        crate::sync::WorkerConfig { concurrency: 2, lease: LEASE, poll: Duration::from_secs(3600), max_attempts: 3 };
    let workers = Workers::start(rig.store.clone(), vec![rig.integration.clone().into()], config.clone());
    rig.trigger().await;
    until(async || rig.job().await.status == JobStatus::Success).await;
    workers.stop(Duration::from_secs(1)).await;
    rig.insert(100, "more", "{}");
    rig.trigger().await;
    assert_eq!(rig.job().await.status, JobStatus::Running, "nobody takes it");
    // A job that has lost its workers too often is given up.
    for _ in 0..3 {
        rig.claim(LEASE).await;
        rig.let_leases_run_out().await;
    }
    let workers = Workers::start(rig.store.clone(), vec![rig.integration.clone().into()], config);
    until(async || rig.job().await.status != JobStatus::Running).await;
    let job = rig.job().await;
    assert_eq!((job.status, job.rows_synced), (JobStatus::Error, 0));
    assert_eq!(job.cause.unwrap(), "3 workers in a row ended while they had this job");
    workers.stop(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn an_attempt_that_only_opens_its_file_is_an_attempt() {
    let rig = Rig::into_file().await;
    rig.insert_many(10);
    rig.trigger().await;
    for attempt in 1..=3 {
        let claimed = rig.claim(LEASE).await;
        assert_eq!(claimed.attempts, attempt);
        let lease = claimed.lease.clone();
        let opened = crate::store::Checkpoint { position: Some("1:0".into()), ..Default::default() };
        rig.store.checkpoint(&lease, rig.integration.id, &opened).await.unwrap();
        rig.let_leases_run_out().await;
    }
}
