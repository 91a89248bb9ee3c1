//! How long a source is tried again.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

use super::error::SyncError;
use super::run_tuning::RunTuning;

/// Pauses get longer as long as a source cannot be read, but not longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Trouble with reading that passes, for as long as there is patience.
pub struct SourceTrouble {
    /// When it began.
    since: Option<Instant>,
    patience: Duration,
    pauses: ExponentialBackoff,
}

impl SourceTrouble {
    /// Before there is any.
    pub fn new(tuning: &RunTuning) -> SourceTrouble {
        let pauses = ExponentialBuilder::new().with_min_delay(tuning.first_pause).with_max_delay(LONGEST_PAUSE);
        let pauses = pauses.with_jitter().without_max_times().build();
        SourceTrouble { since: None, patience: tuning.source_patience, pauses }
    }

    /// How long to wait before the next try.
    pub fn next_pause(&mut self, reason: &str) -> Result<Duration, SyncError> {
        // Whole milliseconds are easier to read in the log.
        let pause = self.pauses.next().map_or(LONGEST_PAUSE, |pause| Duration::from_millis(pause.as_millis() as u64));
        let waited = self.since.get_or_insert_with(Instant::now).elapsed();
        if waited + pause > self.patience {
            return Err(SyncError::Failed(format!("{reason}; it was tried again for {:.1} s", waited.as_secs_f64())));
        }
        Ok(pause)
    }
}
