//! The tasks that send messages from the store, one for each entry, so that none waits for the receiver of another.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::channel::{NotSent, Sender};
use super::retries::pause;
use super::{About, Entry, Notifications};
use crate::metrics::{METRICS, MessageLabels};
use crate::store::{ClaimedMessage, Store, StoreError};

/// How often to look for messages that are due, beside those that this process has just written.
const INTERVAL: Duration = Duration::from_secs(2);
/// How many messages of an entry are sent at the same time.
const AT_ONCE: usize = 4;
/// How much longer than an attempt the claim of a message lasts.
const MARGIN: Duration = Duration::from_secs(5);
/// The wait before an entry that cannot send at all is prepared again.
const PREPARE_AGAIN: Duration = Duration::from_secs(60);
/// The wait before the end of an attempt is recorded again while the store is away.
const RECORD_AGAIN: Duration = Duration::from_secs(1);

/// Sends messages until it is dropped.
pub(super) async fn run(
    store: Store,
    mut notifications: watch::Receiver<Arc<Notifications>>,
    written: watch::Receiver<()>,
) {
    loop {
        let current = notifications.borrow_and_update().clone();
        let mut tasks = JoinSet::new();
        for entry in &current.entries {
            tasks.spawn(deliver(store.clone(), entry.clone(), notifications.clone(), written.clone()));
        }
        loop {
            tokio::select! {
                Ok(()) = notifications.changed() => {
                    if notifications.borrow().entries != current.entries {
                        break;
                    }
                }
                Some(Err(failed)) = tasks.join_next() => {
                    if failed.is_panic() {
                        std::panic::resume_unwind(failed.into_panic());
                    }
                }
                else => std::future::pending().await,
            }
        }
    }
}

async fn deliver(
    store: Store,
    entry: Arc<Entry>,
    notifications: watch::Receiver<Arc<Notifications>>,
    mut written: watch::Receiver<()>,
) {
    let sender = loop {
        match entry.channel.sender() {
            Ok(sender) => break sender,
            Err(error) => tracing::error!(notify = entry.name, error, "no messages can be sent; retrying"),
        }
        sleep(PREPARE_AGAIN).await;
    };
    loop {
        match round(&store, &entry, &sender, &notifications).await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) if error.is_unavailable() => {}
            Err(error) => tracing::warn!(notify = entry.name, %error, "messages could not be sent; retrying"),
        }
        tokio::select! {
            Ok(()) = written.changed() => {}
            () = sleep(INTERVAL) => {}
        }
    }
}

/// Sends messages that are due. Returns how many there were.
async fn round(
    store: &Store,
    entry: &Entry,
    sender: &Sender,
    notifications: &watch::Receiver<Arc<Notifications>>,
) -> Result<usize, StoreError> {
    let due = store.due_messages(&entry.name, AT_ONCE).await?;
    let current = notifications.borrow().clone();
    let attempts = due.iter().map(async |id| {
        let Some(message) = store.claim_message(id, entry.channel.longest_attempt() + MARGIN).await? else {
            return Ok(());
        };
        attempt(store, entry, sender, &message, current.integrations.get(&message.integration)).await
    });
    join_all(attempts).await.into_iter().collect::<Result<(), StoreError>>()?;
    Ok(due.len())
}

/// Sends a message that was claimed, and records how that ended.
pub(super) async fn attempt(
    store: &Store,
    entry: &Entry,
    sender: &Sender,
    message: &ClaimedMessage,
    about: Option<&About>,
) -> Result<(), StoreError> {
    let sent = sender.send(message, about).await;
    let again = match &sent {
        Ok(()) => None,
        Err(NotSent { is_final: true, .. }) => None,
        Err(NotSent { retry_after, .. }) => pause(message.attempts, message.age, *retry_after),
    };
    report(entry, message, sent.as_ref().err(), again);
    loop {
        let recorded = match &sent {
            Ok(()) => store.message_sent(message).await,
            Err(NotSent { reason, .. }) => store.message_failed(message, reason, again).await,
        };
        match recorded {
            // Otherwise a message that has arrived would be sent again.
            Err(error) if error.is_unavailable() => sleep(RECORD_AGAIN).await,
            recorded => return recorded,
        }
    }
}

fn report(entry: &Entry, message: &ClaimedMessage, not_sent: Option<&NotSent>, again: Option<Duration>) {
    let (notify, id) = (&entry.name, &message.id);
    let result = match (not_sent, again) {
        (None, _) => "sent",
        (Some(_), None) => "given_up",
        (Some(_), Some(_)) => "retried",
    };
    METRICS.messages.get_or_create(&MessageLabels { result }).inc();
    let (integration, event, attempts) = (message.integration, message.event.as_str(), message.attempts);
    let span = tracing::error_span!("message", notify, message_id = id, %integration, event);
    span.in_scope(|| match (not_sent, again) {
        (None, _) => tracing::info!("message sent"),
        (Some(NotSent { reason, .. }), None) => tracing::error!(attempts, reason, "message given up"),
        (Some(NotSent { reason, .. }), Some(pause)) if attempts == 1 => {
            tracing::warn!(reason, ?pause, "message not sent; retrying");
        }
        (Some(NotSent { reason, .. }), Some(pause)) => {
            tracing::info!(attempts, reason, ?pause, "message not sent; retrying");
        }
    });
}
