//! The part of the configuration that requests use. A reload replaces it as a whole.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::watch;

use super::auth::Keys;
use super::generated::{OperationInfo, RateLimit};
use crate::config::{Config, Integration, IntegrationId};

/// The settings that are in use now. Clones are the same.
pub type LiveSettings = watch::Receiver<Arc<Settings>>;

/// Keys, rate limits and integrations.
#[derive(Debug)]
pub struct Settings {
    pub(super) keys: Keys,
    /// Requests per window by workspace and operation, where they differ from the contract.
    limits: HashMap<String, BTreeMap<String, u64>>,
    /// The integrations of each workspace, in the order of their IDs.
    integrations: HashMap<String, Vec<Arc<Integration>>>,
}

impl Settings {
    /// The settings of a configuration.
    pub fn new(config: &Config) -> Arc<Settings> {
        let mut integrations: HashMap<String, Vec<Arc<Integration>>> = HashMap::new();
        // They are in the order of their IDs.
        for integration in &config.integrations {
            integrations.entry(integration.workspace.clone()).or_default().push(integration.clone());
        }
        let limits =
            config.workspaces.iter().map(|workspace| (workspace.id.clone(), workspace.rate_limits.clone())).collect();
        Arc::new(Settings { keys: Keys::new(&config.keys), limits, integrations })
    }

    /// A workspace's limit for an operation: the configured number of requests, or else the documented one.
    pub(super) fn limit(&self, workspace: &str, operation: &OperationInfo, documented: RateLimit) -> RateLimit {
        let configured = self.limits.get(workspace).and_then(|limits| limits.get(operation.id)).copied();
        RateLimit { requests: configured.unwrap_or(documented.requests), ..documented }
    }

    /// The integrations of a workspace, in the order of their IDs.
    pub(super) fn integrations(&self, workspace: &str) -> &[Arc<Integration>] {
        self.integrations.get(workspace).map_or(&[], Vec::as_slice)
    }

    /// An integration of a workspace.
    pub(super) fn integration(&self, workspace: &str, id: IntegrationId) -> Option<&Arc<Integration>> {
        let integrations = self.integrations(workspace);
        let place = integrations.binary_search_by_key(&id, |integration| integration.id).ok()?;
        integrations.get(place)
    }
}
