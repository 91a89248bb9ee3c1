//! Ticks of schedules.

use super::*;
use crate::store::TakenTick;

on_both! {
    a_tick_that_many_replicas_take_starts_one_job
    a_tick_that_is_not_due_by_the_stores_clock_is_not_taken
    a_tick_that_finds_a_job_in_progress_starts_none
    while_an_integration_is_paused_its_ticks_pass
    a_new_schedule_begins_now
    a_schedule_whose_last_tick_is_in_the_future_begins_anew
    the_start_of_a_scheduled_job_is_the_stores_time
}

/// Long ago, in whole minutes.
fn tick(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_600_000_020 + minutes * 60, 0).unwrap()
}

/// Ends the job in progress.
async fn end(store: &Store, integration: IntegrationId) {
    assert!(matches!(store.cancel_job(integration, "ended").await.unwrap(), Cancelled::Ended(_)));
}

async fn jobs(store: &Store, integration: IntegrationId) -> Vec<crate::store::Job> {
    store.jobs(integration, &Page::First, 100).await.unwrap().items
}

async fn a_tick_that_many_replicas_take_starts_one_job(location: StoreLocation) {
    let integration = id();
    let replicas = join_all((0..3).map(|_| open(location.clone()))).await;
    let store = &replicas[0];
    store.last_ticks(&[integration]).await.unwrap();
    tamper(&location, "UPDATE schedules SET ticked_at = 0".into()).await;
    for minute in 0..20 {
        let takes = (0..24).map(|number| replicas[number % 3].take_tick(integration, tick(minute), false));
        let taken: Vec<TakenTick> = join_all(takes).await.into_iter().map(Result::unwrap).collect();
        let started = taken.iter().filter(|taken| matches!(taken, TakenTick::Started(_))).count();
        let late = taken.iter().filter(|taken| **taken == TakenTick::NotTaken { ticked_at: tick(minute) }).count();
        assert_eq!((started, late), (1, 23), "{taken:?}");
        end(store, integration).await;
        // The job has ended, and a replica that comes late does not start another.
        let late = replicas[1].take_tick(integration, tick(minute), false).await.unwrap();
        assert_eq!(late, TakenTick::NotTaken { ticked_at: tick(minute) });
    }
    let times: Vec<_> = jobs(store, integration).await.iter().map(|job| job.scheduled_for.unwrap()).collect();
    assert_eq!(times, (0..20).rev().map(tick).collect::<Vec<_>>());
}

async fn a_tick_that_is_not_due_by_the_stores_clock_is_not_taken(location: StoreLocation) {
    let store = open(location.clone()).await;
    let (integration, unknown) = (id(), id());
    store.last_ticks(&[integration]).await.unwrap();
    tamper(&location, "UPDATE schedules SET ticked_at = 0".into()).await;
    let soon = store.now().await.unwrap() + TimeDelta::minutes(3);
    // The clock of this replica is ahead.
    let taken = store.take_tick(integration, soon, false).await.unwrap();
    assert_eq!(taken, TakenTick::NotTaken { ticked_at: time(0) });
    let taken = store.take_tick(unknown, soon, false).await.unwrap();
    assert!(matches!(taken, TakenTick::NotTaken { ticked_at } if ticked_at < soon), "{taken:?}");
    assert_eq!(jobs(&store, integration).await, []);
    assert!(matches!(store.take_tick(unknown, tick(0), false).await.unwrap(), TakenTick::Started(_)));
}

async fn a_tick_that_finds_a_job_in_progress_starts_none(location: StoreLocation) {
    let store = open(location).await;
    let (integration, other) = (id(), id());
    assert!(matches!(store.take_tick(integration, tick(0), false).await.unwrap(), TakenTick::Started(_)));
    for minute in [1, 2] {
        assert_eq!(store.take_tick(integration, tick(minute), false).await.unwrap(), TakenTick::InProgress);
        let again = store.take_tick(integration, tick(minute), false).await.unwrap();
        assert_eq!(again, TakenTick::NotTaken { ticked_at: tick(minute) }, "it is taken once");
    }
    assert!(matches!(store.take_tick(other, tick(0), false).await.unwrap(), TakenTick::Started(_)));
    assert_eq!(jobs(&store, integration).await.len(), 1);
}

async fn while_an_integration_is_paused_its_ticks_pass(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    assert_eq!(store.take_tick(integration, tick(0), true).await.unwrap(), TakenTick::Paused);
    assert_eq!(jobs(&store, integration).await, []);
    let unpaused = store.take_tick(integration, tick(0), false).await.unwrap();
    assert_eq!(unpaused, TakenTick::NotTaken { ticked_at: tick(0) });
    assert!(matches!(store.take_tick(integration, tick(1), false).await.unwrap(), TakenTick::Started(_)));
}

async fn a_new_schedule_begins_now(location: StoreLocation) {
    let store = open(location).await;
    let integrations: Vec<IntegrationId> = (0..1_234).map(|_| id()).collect();
    let before = store.now().await.unwrap();
    let ticks = store.last_ticks(&integrations).await.unwrap();
    let now = store.now().await.unwrap();
    assert!(integrations.iter().all(|id| ticks[id] >= before && ticks[id] <= now));
    let more = [integrations, vec![id()]].concat();
    let again = store.last_ticks(&more).await.unwrap();
    assert_eq!(again.len(), 1_235);
    assert!(ticks.iter().all(|(id, tick)| again[id] == *tick), "others are left as they are");
}

async fn a_schedule_whose_last_tick_is_in_the_future_begins_anew(location: StoreLocation) {
    let store = open(location.clone()).await;
    let (wrong, right) = (id(), id());
    store.last_ticks(&[wrong]).await.unwrap();
    tamper(&location, "UPDATE schedules SET ticked_at = ticked_at + 86400000000".into()).await;
    let before = store.last_ticks(&[wrong, right]).await.unwrap();
    assert_eq!(store.restart_future_schedules().await.unwrap(), 1);
    let after = store.last_ticks(&[wrong, right]).await.unwrap();
    assert!(after[&wrong] <= store.now().await.unwrap());
    assert_eq!(after[&right], before[&right]);
}

async fn the_start_of_a_scheduled_job_is_the_stores_time(location: StoreLocation) {
    let store = open(location).await;
    let integration = id();
    let before = store.now().await.unwrap();
    assert!(matches!(store.take_tick(integration, tick(0), false).await.unwrap(), TakenTick::Started(_)));
    end(&store, integration).await;
    assert!(matches!(store.take_tick(integration, tick(1), false).await.unwrap(), TakenTick::Started(_)));
    let (jobs, now) = (jobs(&store, integration).await, store.now().await.unwrap());
    assert!(
        jobs.iter().all(|job| job.sync_start_time >= before && job.sync_start_time <= now + TimeDelta::microseconds(1))
    );
    assert!(jobs[0].sync_start_time > jobs[1].sync_start_time);
    // One that a request starts has no tick.
    end(&store, integration).await;
    assert!(started(&store, integration, Utc::now()).await);
    assert_eq!(self::jobs(&store, integration).await[0].scheduled_for, None);
}
