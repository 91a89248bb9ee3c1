//! The task that takes ticks when they are due.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use tokio::sync::watch;
use tokio::time::sleep;

use super::Scheduled;
use super::ticks::{Due, Ticks};
use crate::metrics::METRICS;
use crate::store::{Store, StoreError, TakenTick};

/// The longest time without a look at the store's clock, which may be set.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// The wait after a failure, and before a tick that is due but could not be taken.
const RETRY: Duration = Duration::from_secs(1);
/// How many ticks are taken at the same time: midnight may be the tick of thousands.
const AT_ONCE: usize = 4;
/// How long after a tick to look, so that it is surely due.
const AFTER_TICK: Duration = Duration::from_millis(5);

/// Takes due ticks until it is dropped.
pub(super) async fn run(store: Store, mut scheduled: watch::Receiver<Arc<[Scheduled]>>) {
    let mut ticks = None;
    loop {
        let current = scheduled.borrow_and_update().clone();
        let wait = if current.is_empty() {
            None
        } else {
            Some(look(&store, &current, &mut ticks).await.unwrap_or_else(|error| {
                if !error.is_unavailable() {
                    tracing::warn!(%error, "schedules could not be looked at; retrying");
                }
                RETRY
            }))
        };
        tokio::select! {
            Ok(()) = scheduled.changed() => ticks = None,
            () = sleep(wait.unwrap_or(Duration::MAX)) => {}
        }
    }
}

/// Takes all ticks that are due, and returns how long to wait.
pub(super) async fn look(
    store: &Store,
    scheduled: &[Scheduled],
    ticks: &mut Option<Ticks>,
) -> Result<Duration, StoreError> {
    let now = store.now().await?;
    // Ticks that are ahead were taken while the store's clock was wrong.
    let known = match ticks.take().filter(|known| !known.are_ahead(now)) {
        Some(known) => ticks.insert(known),
        None => ticks.insert(load(store, scheduled, now).await?),
    };
    let mut due = known.due(now);
    // Replicas begin at different ones, so that they share the work.
    let first = getrandom::u32().map_or(0, |number| number as usize % due.len().max(1));
    due.rotate_left(first);
    let take = |due: Due| async move { (due, store.take_tick(due.integration, due.tick, due.paused).await) };
    let mut takes = futures::stream::iter(due.into_iter().map(take)).buffer_unordered(AT_ONCE);
    while let Some((due, taken)) = takes.next().await {
        let taken = taken?;
        report(&due, taken);
        let ticked_at = match taken {
            TakenTick::NotTaken { ticked_at } => ticked_at,
            TakenTick::Started(_) | TakenTick::InProgress | TakenTick::Paused => due.tick,
        };
        known.note(&due, ticked_at);
    }
    tracing::trace!("looked at schedules");
    Ok(wait(known.next(), now))
}

async fn load(store: &Store, scheduled: &[Scheduled], now: DateTime<Utc>) -> Result<Ticks, StoreError> {
    let ids: Vec<_> = scheduled.iter().map(|scheduled| scheduled.integration).collect();
    let ticks = Ticks::new(scheduled, &store.last_ticks(&ids).await?, now);
    if !ticks.are_ahead(now) {
        return Ok(ticks);
    }
    let restarted = store.restart_future_schedules().await?;
    tracing::warn!(
        restarted,
        "the last ticks of some schedules are in the future: the store's clock was wrong; they begin now"
    );
    Ok(Ticks::new(scheduled, &store.last_ticks(&ids).await?, now))
}

fn report(due: &Due, taken: TakenTick) {
    let (integration, tick) = (due.integration, due.tick.to_rfc3339());
    match taken {
        TakenTick::Started(job) => tracing::info!(%integration, %job, tick, "sync triggered by its schedule"),
        TakenTick::InProgress => {
            METRICS.ticks_skipped.inc();
            tracing::info!(%integration, tick, "tick of the schedule skipped: the last job is still in progress");
        }
        TakenTick::Paused | TakenTick::NotTaken { .. } => {}
    }
}

/// How long to wait for the next tick.
fn wait(next: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Duration {
    match next.map(|next| (next - now).to_std()) {
        None => LONGEST_WAIT,
        Some(Ok(rest)) if !rest.is_zero() => (rest + AFTER_TICK).min(LONGEST_WAIT),
        Some(_) => RETRY,
    }
}
