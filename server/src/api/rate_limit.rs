//! Rate limits: fixed windows, counted in the store so that all replicas share them.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::generated::{OperationInfo, Usage};
use crate::store::{Store, StoreError};

/// The rate limits of all workspaces.
#[derive(Debug)]
pub struct RateLimits {
    store: Store,
    /// Requests per window by workspace and operation, where they differ from the contract.
    overrides: HashMap<(String, String), u64>,
    /// The length of every window, if it differs from the contract.
    window: Option<Duration>,
}

impl RateLimits {
    pub fn new(store: Store, overrides: HashMap<(String, String), u64>, window: Option<Duration>) -> RateLimits {
        RateLimits { store, overrides, window }
    }

    /// A workspace's usage of an operation, without counting a request.
    pub async fn usage(
        &self,
        workspace: &str,
        operation: &OperationInfo,
        now: DateTime<Utc>,
    ) -> Result<Usage, StoreError> {
        let (limit, window) = (self.limit(workspace, operation), self.window(operation, now));
        let used = self.store.used_requests(workspace, operation.id, window.start).await?;
        Ok(window.usage(limit, used))
    }

    /// Counts a request. The inner result is an error if the limit is reached, with the seconds until the window ends.
    pub async fn count(
        &self,
        workspace: &str,
        operation: &OperationInfo,
        now: DateTime<Utc>,
    ) -> Result<(Usage, Result<(), u64>), StoreError> {
        let (limit, window) = (self.limit(workspace, operation), self.window(operation, now));
        let taken = self.store.take_request(workspace, operation.id, window.start, limit).await?;
        let allowed = if taken.allowed { Ok(()) } else { Err(window.seconds_left(now)) };
        Ok((window.usage(limit, taken.used), allowed))
    }

    fn window(&self, operation: &OperationInfo, now: DateTime<Utc>) -> Window {
        let seconds = self.window.map_or(operation.rate_limit.window_seconds, |window| window.as_secs());
        Window::at(now, i64::try_from(seconds).unwrap_or(i64::MAX).max(1))
    }

    fn limit(&self, workspace: &str, operation: &OperationInfo) -> u64 {
        self.overrides
            .get(&(workspace.to_owned(), operation.id.to_owned()))
            .copied()
            .unwrap_or(operation.rate_limit.requests)
    }
}

/// A window, in Unix seconds.
struct Window {
    start: i64,
    end: i64,
}

impl Window {
    fn at(now: DateTime<Utc>, length: i64) -> Window {
        let start = now.timestamp().div_euclid(length) * length;
        Window { start, end: start.saturating_add(length) }
    }

    fn usage(&self, limit: u64, used: u64) -> Usage {
        Usage { limit, remaining: limit.saturating_sub(used), reset: u64::try_from(self.end).unwrap_or(0) }
    }

    /// Seconds until the window has ended, at least one.
    fn seconds_left(&self, now: DateTime<Utc>) -> u64 {
        u64::try_from(self.end - now.timestamp()).unwrap_or(0).max(1)
    }
}
