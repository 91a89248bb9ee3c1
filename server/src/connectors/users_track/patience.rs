//! How long a request is retried.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use humantime::format_duration;
use tokio::time::Instant;

use crate::sync::SyncError;

/// The longest pause between two attempts, unless the destination asks for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long some objects have been retried. Failures and rate limits are timed independently.
#[derive(Debug, Clone, Copy, Default)]
pub struct Patience {
    /// When a request with them first failed.
    pub failing_since: Option<Instant>,
    /// When a request with them first reached the rate limit.
    limited_since: Option<Instant>,
    /// Number of pauses so far.
    pauses: usize,
}

impl Patience {
    /// The next pause, if the destination does not ask for one.
    pub fn next_pause(&mut self, first: Duration) -> Duration {
        /// Maximum number of times that the pause is doubled.
        const MOST: usize = 32;
        let pauses = ExponentialBuilder::new().with_min_delay(first).with_max_delay(LONGEST_PAUSE).with_jitter();
        let pause = pauses.without_max_times().build().nth(self.pauses.min(MOST));
        self.pauses += 1;
        // Whole milliseconds are easier to read in the log.
        pause.map_or(LONGEST_PAUSE, |pause| Duration::from_millis(pause.as_millis() as u64))
    }

    /// Records a failure. Fails if the pause would end more than `longest` after the first one.
    pub fn failed(&mut self, reason: &str, pause: Duration, longest: Duration) -> Result<(), SyncError> {
        let waited = self.failing_since.get_or_insert_with(Instant::now).elapsed();
        if waited + pause <= longest {
            return Ok(());
        }
        let waited = match waited.as_secs_f64() {
            seconds if seconds < 0.05 => "at once".to_owned(),
            seconds => format!("after {seconds:.1} s"),
        };
        let (pause, longest) = (pause.as_secs_f64(), format_duration(longest));
        Err(SyncError::Failed(format!(
            "gave up {waited}, because the next attempt, {pause:.1} s later, would exceed `give_up_after` ({longest}): {reason}"
        )))
    }

    /// Records a rate limit answer (429). Fails if the pause would end more than `longest` after the destination last
    /// accepted or refused any object.
    pub fn limited(
        &mut self,
        last_processed: Option<Instant>,
        pause: Duration,
        longest: Duration,
    ) -> Result<(), SyncError> {
        let since = *self.limited_since.get_or_insert_with(Instant::now);
        let waited = last_processed.map_or(since, |processed| processed.max(since)).elapsed();
        if waited + pause <= longest {
            return Ok(());
        }
        let (waited, pause, longest) = (waited.as_secs_f64(), pause.as_secs_f64(), format_duration(longest));
        Err(SyncError::Failed(format!(
            "the destination accepted nothing for {waited:.1} s because of its rate limit (429 Too Many Requests) and asked for \
             {pause:.1} s more; `give_up_when_limited_after` allows {longest}"
        )))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn failures_and_rate_limits_are_timed_independently() {
        let (mut patience, longest) = (Patience::default(), 10 * SECOND);
        for _ in 0..5 {
            assert_eq!(patience.failed("503", SECOND, longest), Ok(()));
            assert_eq!(patience.limited(None, SECOND, longest), Ok(()));
            advance(2 * SECOND).await;
        }
        let Err(SyncError::Failed(cause)) = patience.failed("503", SECOND, longest) else { panic!("for ever") };
        assert_eq!(
            cause,
            "gave up after 10.0 s, because the next attempt, 1.0 s later, would exceed `give_up_after` (10s): 503"
        );
        let Err(SyncError::Failed(cause)) = patience.limited(None, SECOND, longest) else { panic!("for ever") };
        assert!(cause.contains("for 10.0 s") && cause.contains("`give_up_when_limited_after`"), "{cause}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_limit_does_not_end_the_run_while_other_objects_are_processed() {
        let (mut patience, longest) = (Patience::default(), 10 * SECOND);
        for _ in 0..50 {
            assert_eq!(patience.limited(Some(Instant::now()), 5 * SECOND, longest), Ok(()));
            advance(5 * SECOND).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_beyond_the_time_limit_fails_at_once() {
        assert!(Patience::default().limited(None, 11 * SECOND, 10 * SECOND).is_err());
        let Err(SyncError::Failed(cause)) = Patience::default().failed("503", 301 * SECOND, 300 * SECOND) else {
            panic!("it waits")
        };
        assert_eq!(
            cause,
            "gave up at once, because the next attempt, 301.0 s later, would exceed `give_up_after` (5m): 503"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_get_longer() {
        let mut patience = Patience::default();
        let pauses: Vec<Duration> = (0..40).map(|_| patience.next_pause(SECOND)).collect();
        assert!(pauses[0] >= SECOND && pauses[0] <= 3 * SECOND, "{pauses:?}");
        assert!(pauses[3] >= 8 * SECOND && pauses[39] >= LONGEST_PAUSE && pauses[39] < 3 * LONGEST_PAUSE, "{pauses:?}");
    }
}
