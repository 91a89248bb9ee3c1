//! What the responses of one operation have shown of its rate limit so far.

use std::time::{Duration, Instant};

use super::operation::Operation;
use super::wire::Answer;

/// What is waited after the end of a window, in addition.
pub(super) const SLACK: Duration = Duration::from_millis(100);

/// What is known of a rate limit from the last answer that was counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    pub remaining: i64,
    pub reset: i64,
    /// The server's clock then, and ours.
    pub now: i64,
    pub at: Instant,
}

/// The steps of the counter.
#[derive(Default)]
pub(super) struct Counts {
    /// The counter and the end of its window, after the last counted request.
    pub last: Option<(i64, i64)>,
    /// By how much it went down, with the responses that showed it.
    pub steps: Vec<(i64, Answer)>,
    /// The limit, as it was said first.
    pub limit: Option<i64>,
}

/// How long a window is at most, in seconds.
pub(super) fn window(operation: &Operation) -> u64 {
    operation.rate_limit.as_ref().map_or(60, |limit| limit.window_seconds)
}
