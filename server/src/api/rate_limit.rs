//! Rate limits: fixed windows, counted in the store so that all replicas share them.

use std::time::Duration;

use super::generated::{OperationInfo, RateLimit, Usage};
use crate::store::{self, RateDecision, Store, StoreError};

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

    /// A workspace's usage of an operation, without counting a request.
    pub async fn usage(
        &self,
        workspace: &str,
        operation: &OperationInfo,
        limit: RateLimit,
    ) -> Result<Usage, StoreError> {
        let decision = self.store.rate_usage(self.window(workspace, operation, limit)).await?;
        Ok(usage(limit, decision))
    }

    /// Counts a request. The inner result is an error if the limit is reached, with the seconds until the window ends.
    pub async fn count(
        &self,
        workspace: &str,
        operation: &OperationInfo,
        limit: RateLimit,
    ) -> Result<(Usage, Result<(), u64>), StoreError> {
        let decision = self.store.take_request(self.window(workspace, operation, limit)).await?;
        let allowed = if decision.allowed { Ok(()) } else { Err(decision.seconds_left) };
        Ok((usage(limit, decision), allowed))
    }

    /// The length of a window in seconds.
    pub fn seconds(&self, limit: RateLimit) -> u64 {
        self.window.map_or(limit.window_seconds, |window| window.as_secs())
    }

    fn window(&self, workspace: &str, operation: &OperationInfo, limit: RateLimit) -> store::RateLimit {
        store::RateLimit {
            workspace: workspace.to_owned(),
            operation: operation.id.to_owned(),
            requests: limit.requests,
            seconds: self.seconds(limit),
        }
    }
}

fn usage(limit: RateLimit, decision: RateDecision) -> Usage {
    let remaining = limit.requests.saturating_sub(decision.used);
    Usage { limit: limit.requests, remaining, reset: decision.ends_at }
}
