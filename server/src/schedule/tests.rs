//! Ticks of three replicas with wrong clocks, and what a round of deletion deletes.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::ticks::Ticks;
use super::*;
use crate::metrics::METRICS;
use crate::store::{Page, StoreLocation, TakenTick};

async fn a_store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreLocation::Sqlite(folder.path().join("store.db"))).await.unwrap();
    (folder, store)
}

fn begin() -> DateTime<Utc> {
    "2026-03-29T00:20:00Z".parse().unwrap()
}

fn a_schedule(pattern: &str, paused: bool) -> Scheduled {
    let schedule = Schedule::new(pattern).unwrap().in_zone("Europe/Berlin".parse().unwrap());
    Scheduled { integration: Uuid::new_v4().into(), schedule, paused }
}

/// What a replica does.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// It looks for due ticks, by a clock that is wrong by so many minutes. Due ticks are in the past of the store's clock here.
    Look { replica: usize, wrong_by: i64 },
    /// It finds the due ticks, and takes them after the next steps.
    Hesitate { replica: usize, wrong_by: i64 },
    /// It starts anew and reads the last ticks.
    Restart { replica: usize },
    /// The job in progress ends.
    End,
    /// Time passes.
    Wait { minutes: i64 },
}

fn any_step() -> impl Strategy<Value = Step> {
    let (replica, wrong_by) = (0..3_usize, -200..200_i64);
    prop_oneof![
        4 => (replica.clone(), wrong_by.clone()).prop_map(|(replica, wrong_by)| Step::Look { replica, wrong_by }),
        2 => (replica.clone(), wrong_by).prop_map(|(replica, wrong_by)| Step::Hesitate { replica, wrong_by }),
        1 => replica.prop_map(|replica| Step::Restart { replica }),
        2 => Just(Step::End),
        3 => (1..90_i64).prop_map(|minutes| Step::Wait { minutes }),
    ]
}

/// Runs the steps; returns the ticks with jobs, and the time at the end.
async fn drive(store: &Store, scheduled: &Scheduled, steps: &[Step]) -> (Vec<DateTime<Utc>>, DateTime<Utc>) {
    let id = scheduled.integration;
    let all = [scheduled.clone()];
    let known: std::collections::HashMap<_, _> = [(id, begin())].into();
    let mut replicas: Vec<Ticks> = (0..3).map(|_| Ticks::new(&all, &known, begin())).collect();
    let (mut now, mut hesitating, mut started) = (begin(), Vec::new(), Vec::new());
    let last = Step::Look { replica: 0, wrong_by: 0 };
    // The store's clock is the real one, so what a clock ahead takes as due is limited to what is due by `now`, as the store does.
    for step in steps.iter().chain([&last]) {
        let mut taking = Vec::new();
        match *step {
            Step::Look { replica, wrong_by } | Step::Hesitate { replica, wrong_by } => {
                let due = replicas[replica].due(now + TimeDelta::minutes(wrong_by));
                let due: Vec<_> = due.into_iter().filter(|due| due.tick <= now).map(|due| (replica, due)).collect();
                match step {
                    Step::Look { .. } => taking = due,
                    _ => hesitating.extend(due),
                }
            }
            Step::Restart { replica } => {
                let stored = store.last_ticks(&[]).await.unwrap();
                let stored = if stored.is_empty() { &known } else { &stored };
                replicas[replica] = Ticks::new(&all, stored, now);
            }
            Step::End => {
                store.cancel_job(id, "ended").await.unwrap();
            }
            Step::Wait { minutes } => {
                now += TimeDelta::minutes(minutes);
                taking = std::mem::take(&mut hesitating);
            }
        }
        for (replica, due) in taking {
            let taken = store.take_tick(id, due.tick, due.paused).await.unwrap();
            let ticked_at = match taken {
                TakenTick::NotTaken { ticked_at } => ticked_at,
                _ => due.tick,
            };
            replicas[replica].note(&due, ticked_at);
            if let TakenTick::Started(_) = taken {
                started.push(due.tick);
            }
        }
    }
    (started, now)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn each_tick_starts_at_most_one_job_and_the_last_is_never_lost(
        pattern in prop_oneof![Just("*/5 * * * *"), Just("*/15 * * * *"), Just("30 2,4 * * *"), Just("0 * * * *")],
        steps in prop::collection::vec(any_step(), 1..40),
    ) {
        Runtime::new().unwrap().block_on(async {
            let (_folder, store) = a_store().await;
            let scheduled = a_schedule(pattern, false);
            let (started, now) = drive(&store, &scheduled, &steps).await;
            prop_assert!(started.windows(2).all(|pair| pair[0] < pair[1]), "each once and in order: {:?}", started);
            let jobs = store.jobs(scheduled.integration, &Page::First, 1000).await.unwrap().items;
            let mut of_jobs: Vec<_> = jobs.iter().map(|job| job.scheduled_for.unwrap()).collect();
            of_jobs.reverse();
            prop_assert_eq!(&started, &of_jobs);
            // Whatever happened before, the last look has dealt with the last tick.
            let last = scheduled.schedule.latest_between(begin(), now);
            let dealt_with = store.last_ticks(&[]).await.unwrap().get(&scheduled.integration).copied();
            prop_assert_eq!(dealt_with, last);
            Ok(())
        })?;
    }
}

/// The schedules with these last ticks as the store has them, looked at by one replica.
async fn looked(store: &Store, scheduled: &[Scheduled]) -> (Option<Ticks>, Duration) {
    let mut ticks = None;
    let wait = scheduler::look(store, scheduled, &mut ticks).await.unwrap();
    (ticks, wait)
}

#[tokio::test]
async fn after_an_outage_only_the_latest_tick_starts_a_job() {
    let (_folder, store) = a_store().await;
    let (active, paused) = (a_schedule("* * * * *", false), a_schedule("* * * * *", true));
    let new = a_schedule("* * * * *", false);
    let jobs = async |of: &Scheduled| store.jobs(of.integration, &Page::First, 10).await.unwrap().items;
    for scheduled in [&active, &paused] {
        store.take_tick(scheduled.integration, begin(), true).await.unwrap();
    }
    let all = [active.clone(), paused.clone(), new.clone()];
    let before = store.now().await.unwrap();
    looked(&store, &all).await;
    let started = jobs(&active).await;
    assert_eq!(started.len(), 1, "{started:?}");
    assert!(started[0].scheduled_for.unwrap() > before - TimeDelta::minutes(1));
    assert_eq!(jobs(&paused).await, []);
    assert!(
        store.last_ticks(&[]).await.unwrap()[&paused.integration] > before - TimeDelta::minutes(1),
        "it has passed"
    );
    assert!(jobs(&new).await.is_empty(), "a new schedule starts at its next tick");
}

#[tokio::test]
async fn a_tick_that_finds_a_job_in_progress_is_counted() {
    let (_folder, store) = a_store().await;
    let scheduled = a_schedule("* * * * *", false);
    store.take_tick(scheduled.integration, begin(), false).await.unwrap();
    let before = METRICS.ticks_skipped.get();
    looked(&store, &[scheduled]).await;
    assert!(METRICS.ticks_skipped.get() > before);
}

#[tokio::test]
async fn a_running_replica_forgets_what_it_saw_while_the_stores_clock_was_ahead() {
    let (_folder, store) = a_store().await;
    let scheduled = [a_schedule("* * * * *", false)];
    let now = store.now().await.unwrap();
    let tomorrow = now + TimeDelta::days(1);
    let seen = [(scheduled[0].integration, tomorrow)].into_iter().collect();
    let mut ticks = Some(Ticks::new(&scheduled, &seen, tomorrow));
    scheduler::look(&store, &scheduled, &mut ticks).await.unwrap();
    let next = ticks.unwrap().next().unwrap();
    assert!(next < now + TimeDelta::minutes(2), "{next}");
}

#[tokio::test]
async fn a_look_waits_for_the_next_tick_or_a_few_seconds() {
    let (_folder, store) = a_store().await;
    let (_, wait) = looked(&store, &[a_schedule("* * * * *", false)]).await;
    assert!(wait <= Duration::from_secs(5) && !wait.is_zero(), "{wait:?}");
    let (_, wait) = looked(&store, &[a_schedule("@yearly", false)]).await;
    assert_eq!(wait, Duration::from_secs(5));
}

#[tokio::test]
async fn new_schedules_replace_the_old_ones() {
    let (_folder, store) = a_store().await;
    let (first, second) = (a_schedule("* * * * *", false), a_schedule("* * * * *", false));
    for scheduled in [&first, &second] {
        store.take_tick(scheduled.integration, begin(), true).await.unwrap();
    }
    let (sender, receiver) = watch::channel(Arc::from([]));
    const YEARS: Duration = Duration::from_secs(10 * 365 * 86_400);
    let _timers = Timers::start(store.clone(), receiver, Retention { jobs: YEARS, row_errors: YEARS });
    for scheduled in [first, second] {
        sender.send(Arc::from([scheduled.clone()])).unwrap();
        let begin = std::time::Instant::now();
        while store.jobs(scheduled.integration, &Page::First, 1).await.unwrap().items.is_empty() {
            assert!(begin.elapsed() < Duration::from_secs(30), "the tick has started no job");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn a_round_deletes_what_is_too_old() {
    let (folder, store) = a_store().await;
    let scheduled = a_schedule("@daily", false);
    let id = scheduled.integration;
    for hours in 0..3 {
        store.take_tick(id, begin() + TimeDelta::hours(hours), false).await.unwrap();
        store.cancel_job(id, "ended").await.unwrap();
    }
    let database = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    let job = store.jobs(id, &Page::First, 3).await.unwrap().items[2].id;
    database.execute_batch(&format!(
        "UPDATE jobs SET finished_at = finished_at - 8 * 86400000000; UPDATE jobs SET rows_failed = 1 WHERE id = '{job}';
         INSERT INTO rate_limits (workspace, operation, window_start, used) VALUES ('ours', 'trigger', 60, 1);
         INSERT INTO row_errors (job_id, number, updated_at, reason) VALUES ('{job}', 1, 0, 'bad')"
    )).unwrap();
    let day = Duration::from_secs(86_400);
    let kept =
        housekeeping::round(&store, Retention { jobs: day * 9, row_errors: day * 9 }, Duration::ZERO).await.unwrap();
    assert_eq!(kept, housekeeping::Deleted { jobs: 0, row_errors: 0, windows: 1, users: 0 });
    let deleted =
        housekeeping::round(&store, Retention { jobs: day * 7, row_errors: day }, Duration::ZERO).await.unwrap();
    assert_eq!(deleted, housekeeping::Deleted { jobs: 2, row_errors: 1, windows: 0, users: 0 });
    let left: BTreeMap<_, _> = store
        .jobs(id, &Page::First, 3)
        .await
        .unwrap()
        .items
        .into_iter()
        .map(|job| (job.scheduled_for, job.id))
        .collect();
    assert_eq!(left.len(), 1, "the newest stays");
}
