//! The retry policy for sources.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

use super::error::SyncError;
use super::run_tuning::RunTuning;

/// The longest pause between two retries.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// Retries with exponential backoff until a time limit, counted from the first error.
pub struct SourceRetry {
    /// When the first error occurred.
    since: Option<Instant>,
    give_up_after: Duration,
    pauses: ExponentialBackoff,
}

impl SourceRetry {
    /// The state before any error.
    pub fn new(tuning: &RunTuning) -> SourceRetry {
        let pauses = ExponentialBuilder::new().with_min_delay(tuning.first_pause).with_max_delay(MAX_PAUSE);
        let pauses = pauses.with_jitter().without_max_times().build();
        SourceRetry { since: None, give_up_after: tuning.source_give_up_after, pauses }
    }

    /// The pause before the next retry, or the error that ends the run if the time limit would be exceeded.
    pub fn next_pause(&mut self, reason: &str) -> Result<Duration, SyncError> {
        // Whole milliseconds are easier to read in the log.
        let pause = self.pauses.next().map_or(MAX_PAUSE, |pause| Duration::from_millis(pause.as_millis() as u64));
        let waited = self.since.get_or_insert_with(Instant::now).elapsed();
        if waited + pause > self.give_up_after {
            return Err(SyncError::Failed(format!(
                "{reason}; gave up after retrying for {:.1} s",
                waited.as_secs_f64()
            )));
        }
        Ok(pause)
    }
}
