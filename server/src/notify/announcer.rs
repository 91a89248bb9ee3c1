//! The task that writes messages into the store.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::{Event, Notifications, body};
use crate::store::{EndedJob, NewMessage, Overdue, Store, StoreError};
use crate::types::IntegrationId;

/// How often to look for jobs that have ended, on any replica.
const INTERVAL: Duration = Duration::from_secs(1);
/// How often to look for ended jobs that other replicas have left.
const LEFT_INTERVAL: Duration = Duration::from_secs(10);
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
    left: Instant,
    overdue: Instant,
    delete: Instant,
}

impl Times {
    fn new() -> Times {
        let now = Instant::now();
        Times { watches: false, left: now, overdue: now, delete: now + INTERVAL }
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
    if times.left <= now {
        any |= left_jobs(store, notifications).await?;
        times.left = now + LEFT_INTERVAL;
    }
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
    while store.announce_jobs(|ended| messages(notifications, ended)).await? > 0 {
        any = true;
    }
    Ok(any)
}

/// Does the same for jobs that other replicas have left because they do not have the integrations.
pub(super) async fn left_jobs(store: &Store, notifications: &Notifications) -> Result<bool, StoreError> {
    let is_known = |integration: &IntegrationId| notifications.integrations.contains_key(integration);
    Ok(store.announce_left_jobs(is_known, |ended| messages(notifications, ended)).await? > 0)
}

/// The messages about a job that has ended; `None` if its integration is not in the configuration.
fn messages(notifications: &Notifications, ended: &EndedJob) -> Option<Vec<NewMessage>> {
    let about = notifications.integrations.get(&ended.integration)?;
    let entries = notifications
        .entries
        .iter()
        .filter(|entry| entry.covers(&ended.integration) && entry.channel.reaches_somebody(about));
    Some(entries.filter_map(|entry| body::of_ended(entry, about, ended)).collect())
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

/// Writes the messages of integrations that are overdue. One that is paused is not. One that is not in the configuration, or not
/// in the entry, is left to replicas that have it.
pub(super) async fn overdue_integrations(store: &Store, notifications: &Notifications) -> Result<bool, StoreError> {
    let mut any = false;
    for entry in &notifications.entries {
        let Some(after) = entry.overdue_after else { continue };
        let (mut overdue, mut silent) = (Vec::new(), Vec::new());
        for integration in store.overdue_integrations(&entry.name, after).await? {
            match notifications.integrations.get(&integration).filter(|_| entry.covers(&integration)) {
                Some(about) if !about.paused && entry.channel.reaches_somebody(about) => overdue.push(integration),
                Some(_) => silent.push(integration),
                None => {}
            }
        }
        let message = |overdue: &Overdue| {
            let about = notifications.integrations.get(&overdue.integration)?;
            Some(body::of_overdue(entry, about, overdue))
        };
        any |= store.announce_overdue(&entry.name, after, &overdue, message).await? > 0;
        store.watch_anew(&entry.name, after, &silent).await?;
    }
    Ok(any)
}
