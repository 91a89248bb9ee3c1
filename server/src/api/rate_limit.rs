//! Rate limits: fixed windows, counted in the store so that all replicas share them.

use std::time::Duration;

use super::generated::{OperationInfo, Usage};
use crate::store::{RateDecision, RateLimit, Store, StoreError};

/// The counters of all workspaces.
#[derive(Debug)]
pub struct RateLimits {
    store: Store,
    /// The length of every window, if it differs from the contract.
    window: Option<Duration>,
}

impl RateLimits {
    pub fn new(store: Store, window: Option<Duration>) -> RateLimits {
        RateLimits { store, window }
    }

    /// A workspace's usage of an operation, without counting a request. `requests` is the limit.
    pub async fn usage(&self, workspace: &str, operation: &OperationInfo, requests: u64) -> Result<Usage, StoreError> {
        let decision = self.store.rate_usage(self.limit(workspace, operation, requests)).await?;
        Ok(usage(requests, decision))
    }

    /// Counts a request. The inner result is an error if the limit is reached, with the seconds until the window ends.
    pub async fn count(
        &self,
        workspace: &str,
        operation: &OperationInfo,
        requests: u64,
    ) -> Result<(Usage, Result<(), u64>), StoreError> {
        let decision = self.store.take_request(self.limit(workspace, operation, requests)).await?;
        let allowed = if decision.allowed { Ok(()) } else { Err(decision.seconds_left) };
        Ok((usage(requests, decision), allowed))
    }

    /// The length of an operation's window in seconds.
    pub fn seconds(&self, operation: &OperationInfo) -> u64 {
        self.window.map_or(operation.rate_limit.window_seconds, |window| window.as_secs())
    }

    fn limit(&self, workspace: &str, operation: &OperationInfo, requests: u64) -> RateLimit {
        let seconds = self.seconds(operation);
        RateLimit { workspace: workspace.to_owned(), operation: operation.id.to_owned(), requests, seconds }
    }
}

fn usage(limit: u64, decision: RateDecision) -> Usage {
    Usage { limit, remaining: limit.saturating_sub(decision.used), reset: decision.ends_at }
}
