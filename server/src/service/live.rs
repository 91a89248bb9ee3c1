//! The part of a service's configuration that can be replaced while it runs.

use std::sync::Arc;

use tokio::sync::watch;

use crate::admin::Status;
use crate::api::Settings;
use crate::config::{Config, Integration, IntegrationId};
use crate::schedule::Scheduled;
use crate::sync::Integrations;

/// The part of a service's configuration that can be replaced while it runs. Clones are the same.
#[derive(Debug, Clone)]
pub struct Live {
    pub(super) settings: watch::Sender<Arc<Settings>>,
    pub(super) integrations: watch::Sender<Integrations>,
    pub(super) schedules: watch::Sender<Arc<[Scheduled]>>,
    /// What the operator's address shows.
    status: Arc<Status>,
}

impl Live {
    pub(super) fn new(config: &Config, status: Arc<Status>) -> Live {
        Live {
            settings: watch::Sender::new(Settings::new(config)),
            integrations: watch::Sender::new(config.by_id()),
            schedules: watch::Sender::new(scheduled(&config.integrations)),
            status,
        }
    }

    /// Uses the keys, workspaces, integrations and schedules of another configuration from now on. Syncs in progress end as they began.
    pub fn apply(&self, config: &Config) {
        self.settings.send_replace(Settings::new(config));
        self.integrations.send_replace(config.by_id());
        self.schedules.send_replace(scheduled(&config.integrations));
        self.status.set_integrations(names(config));
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

/// The names of all integrations.
pub(super) fn names(config: &Config) -> impl Iterator<Item = (IntegrationId, String)> {
    config.integrations.iter().map(|integration| (integration.id, integration.name.clone()))
}
