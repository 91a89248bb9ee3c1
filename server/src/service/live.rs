//! The part of a service's configuration that can be replaced while it runs.

use std::sync::Arc;

use tokio::sync::watch;

use crate::admin::{Shown, Status};
use crate::api::Settings;
use crate::config::{Config, Integration, IntegrationId};
use crate::notify::Notifications;
use crate::schedule::Scheduled;
use crate::sync::Integrations;

/// The part of a service's configuration that can be replaced while it runs. Clones are the same.
#[derive(Debug, Clone)]
pub struct Live {
    pub(super) settings: watch::Sender<Arc<Settings>>,
    pub(super) integrations: watch::Sender<Integrations>,
    pub(super) schedules: watch::Sender<Arc<[Scheduled]>>,
    pub(super) notifications: watch::Sender<Arc<Notifications>>,
    /// What the operator's address shows.
    status: Arc<Status>,
}

impl Live {
    pub(super) fn new(config: &Config, status: Arc<Status>) -> Live {
        Live {
            settings: watch::Sender::new(Settings::new(config)),
            integrations: watch::Sender::new(config.by_id()),
            schedules: watch::Sender::new(scheduled(&config.integrations)),
            notifications: watch::Sender::new(Arc::new(config.notifications())),
            status,
        }
    }

    /// Uses the keys, workspaces, integrations, schedules and `[[notify]]` of another configuration from now on. Syncs in progress end as they began.
    pub fn apply(&self, config: &Config) {
        self.settings.send_replace(Settings::new(config));
        self.integrations.send_replace(config.by_id());
        self.schedules.send_replace(scheduled(&config.integrations));
        self.notifications.send_replace(Arc::new(config.notifications()));
        self.status.set_integrations(shown(config));
    }

    /// Records which sections of the configuration have changed without being used. Returns what to do about them.
    pub fn needs_restart_for(&self, sections: Vec<&'static str>) -> Option<String> {
        self.status.set_restart_needed(sections);
        self.status.restart_needed()
    }

    /// Records why the last reload has failed, or that it has not.
    pub fn failed(&self, why: Option<String>) {
        self.status.set_configuration_problem(why);
    }
}

/// The integrations that have schedules.
fn scheduled(integrations: &[Arc<Integration>]) -> Arc<[Scheduled]> {
    let scheduled = |integration: &Arc<Integration>| {
        let schedule = integration.schedule.clone()?;
        Some(Scheduled { integration: integration.id, schedule, paused: integration.paused })
    };
    integrations.iter().filter_map(scheduled).collect()
}

/// What the operator's address shows of all integrations.
pub(super) fn shown(config: &Config) -> impl Iterator<Item = (IntegrationId, Shown)> {
    config.integrations.iter().map(|integration| {
        let Integration { id, name, paused, .. } = &**integration;
        (*id, Shown { name: name.clone(), paused: *paused })
    })
}
