//! The rate limit usage that the responses of one operation have shown so far.

use std::time::{Duration, Instant};

use super::operation::Operation;
use super::wire::Answer;

/// Additional waiting time after the end of a window.
pub(super) const SLACK: Duration = Duration::from_millis(100);

/// The rate limit in the last response that was counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    pub remaining: i64,
    pub reset: i64,
    /// The server's clock then, and the local one.
    pub now: i64,
    pub at: Instant,
}

/// The steps of the counter.
#[derive(Default)]
pub(super) struct Counts {
    /// The counter and the end of its window, after the last counted request.
    pub last: Option<(i64, i64)>,
    /// The decrements, with the responses that showed them.
    pub steps: Vec<(i64, Answer)>,
    /// The first limit seen.
    pub limit: Option<i64>,
}

/// The maximum length of a window, in seconds.
pub(super) fn window(operation: &Operation) -> u64 {
    operation.rate_limit.as_ref().map_or(60, |limit| limit.window_seconds)
}
