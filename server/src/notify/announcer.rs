//! The task that writes messages into the store.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::{Event, Notifications, body};
use crate::store::{Store, StoreError};
use crate::types::IntegrationId;

/// How often to look for jobs that have ended, on any replica.
const INTERVAL: Duration = Duration::from_secs(1);
/// How often to look for overdue integrations.
const OVERDUE_INTERVAL: Duration = Duration::from_secs(30);
/// How often to delete old messages, and their age.
const DELETE_INTERVAL: Duration = Duration::from_secs(3600);
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// Writes messages until it is dropped. `written` says when there are new ones.
pub(super) async fn run(
    store: Store,
    mut notifications: watch::Receiver<Arc<Notifications>>,
    written: watch::Sender<()>,
) {
    let mut times = Times::new();
    loop {
        let current = notifications.borrow_and_update().clone();
        match round(&store, &current, &mut times).await {
            Ok(false) => {}
            Ok(true) => {
                written.send_replace(());
            }
            Err(error) if error.is_unavailable() => {}
            Err(error) => tracing::warn!(%error, "messages could not be written; retrying"),
        }
        tokio::select! {
            Ok(()) = notifications.changed() => times = Times::new(),
            () = sleep(INTERVAL) => {}
        }
    }
}

/// When to do what is not done in each round.
struct Times {
    /// Whether the watches for overdue integrations exist.
    watches: bool,
    overdue: Instant,
    delete: Instant,
}

impl Times {
    fn new() -> Times {
        let now = Instant::now();
        Times { watches: false, overdue: now, delete: now + INTERVAL }
    }
}

/// Writes all messages that are to be written. Returns whether there may be some.
async fn round(store: &Store, notifications: &Notifications, times: &mut Times) -> Result<bool, StoreError> {
    let mut any = ended_jobs(store, notifications).await?;
    if !times.watches {
        watch_integrations(store, notifications).await?;
        times.watches = true;
    }
    let now = Instant::now();
    if times.overdue <= now {
        any |= overdue_integrations(store, notifications).await?;
        times.overdue = now + OVERDUE_INTERVAL;
    }
    if times.delete <= now {
        while store.delete_old_messages(KEPT_FOR).await? > 0 {}
        times.delete = now + DELETE_INTERVAL;
    }
    Ok(any)
}

/// Writes the messages of all jobs that have ended. Without entries there are none, and the jobs count as announced.
pub(super) async fn ended_jobs(store: &Store, notifications: &Notifications) -> Result<bool, StoreError> {
    let mut any = false;
    loop {
        let jobs = store.announce_jobs(|ended| {
            let Some(about) = notifications.integrations.get(&ended.integration) else { return Vec::new() };
            let entries = notifications
                .entries
                .iter()
                .filter(|entry| entry.covers(&ended.integration) && entry.channel.reaches_somebody(about));
            entries.filter_map(|entry| body::of_ended(entry, about, ended)).collect()
        });
        if jobs.await? == 0 {
            return Ok(any);
        }
        any = true;
    }
}

/// Begins to watch all integrations of entries with `overdue`.
pub(super) async fn watch_integrations(store: &Store, notifications: &Notifications) -> Result<(), StoreError> {
    for entry in notifications.entries.iter().filter(|entry| entry.on.contains(&Event::Overdue)) {
        let covered = notifications.integrations.keys().filter(|id| entry.covers(id));
        let mut covered: Vec<IntegrationId> = covered.copied().collect();
        // In order, so that statements of two replicas cannot wait for each other.
        covered.sort_unstable();
        store.watch_for_overdue(&entry.name, &covered).await?;
    }
    Ok(())
}

/// Writes the messages of integrations that are overdue. One that is paused, or not in the configuration any more, is not.
pub(super) async fn overdue_integrations(store: &Store, notifications: &Notifications) -> Result<bool, StoreError> {
    let mut any = false;
    for entry in &notifications.entries {
        let Some(after) = entry.overdue_after else { continue };
        loop {
            let found = store.announce_overdue(&entry.name, after, |overdue| {
                let about = notifications.integrations.get(&overdue.integration)?;
                let is_told =
                    !about.paused && entry.covers(&overdue.integration) && entry.channel.reaches_somebody(about);
                is_told.then(|| body::of_overdue(entry, about, overdue))
            });
            if found.await? == 0 {
                break;
            }
            any = true;
        }
    }
    Ok(any)
}
