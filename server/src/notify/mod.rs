//! Messages about what has happened to integrations, for people and programs that do not watch the log.
//!
//! Ended jobs and overdue integrations become messages in the store, one for each `[[notify]]` entry that asks for it. They are
//! sent from there, and sent again until they arrive, for a day. A message is sent at least once, always with the same ID. No
//! sync and no trigger waits for any of this.
//!
//! While replicas have different configurations, each of them writes messages only about the integrations that it has itself.

mod announcer;
mod body;
mod channel;
mod deliveries;
mod email;
mod events;
mod retries;
mod signature;
#[cfg(test)]
mod tests;
mod trial;
mod webhook;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

pub use channel::Channel;
pub use email::{Email, NotSmtp, SmtpUrl};
pub use events::Event;
pub use signature::{NotASigningKey, SigningKey};
pub use webhook::Webhook;

use crate::process::first_failure;
use crate::store::Store;
use crate::types::IntegrationId;

/// The `[[notify]]` entries of a configuration, and the integrations that they are about.
#[derive(Debug, Default)]
pub struct Notifications {
    /// The entries.
    pub entries: Vec<Arc<Entry>>,
    /// All integrations.
    pub integrations: HashMap<IntegrationId, About>,
}

/// A `[[notify]]` entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name, unique in the configuration.
    pub name: String,
    /// How its messages are sent.
    pub channel: Channel,
    /// What there are messages about.
    pub on: BTreeSet<Event>,
    /// How long an integration may be without a successful sync; set if and only if `on` has [`Event::Overdue`].
    pub overdue_after: Option<Duration>,
    /// Its integrations; `None` for all.
    pub integrations: Option<BTreeSet<IntegrationId>>,
}

impl Entry {
    /// Whether it is about this integration.
    pub fn covers(&self, integration: &IntegrationId) -> bool {
        self.integrations.as_ref().is_none_or(|covered| covered.contains(integration))
    }
}

/// What a message says of an integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its name.
    pub name: String,
    /// Its workspace.
    pub workspace: String,
    /// Its `contact_emails`.
    pub contacts: Vec<String>,
    /// Whether its schedule is off.
    pub paused: bool,
}

/// The tasks of a process that write and send messages. They end when it is dropped.
#[derive(Debug)]
pub struct Notifier {
    tasks: JoinSet<()>,
}

impl Notifier {
    /// Starts the tasks. A new value of `notifications` replaces all entries.
    pub fn start(store: Store, notifications: watch::Receiver<Arc<Notifications>>) -> Notifier {
        let mut tasks = JoinSet::new();
        let written = watch::Sender::new(());
        tasks.spawn(deliveries::run(store.clone(), notifications.clone(), written.subscribe()));
        tasks.spawn(announcer::run(store, notifications, written));
        Notifier { tasks }
    }

    /// Waits until a task fails, and returns the error.
    pub async fn failed(&mut self) -> JoinError {
        first_failure(&mut self.tasks).await
    }
}
