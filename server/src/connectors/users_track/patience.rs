//! How long a request is retried, and pauses that apply to all lanes.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use humantime::format_duration;
use tokio::time::Instant;

use crate::metrics::METRICS;
use crate::sync::SyncError;

/// The longest pause between two attempts, unless the destination asks for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// While requests fail now and then, the log has one pair of lines in this time.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

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

/// Pauses that apply to all lanes.
#[derive(Debug, Default)]
pub struct Pauses(Mutex<Until>);

#[derive(Debug, Default)]
struct Until {
    /// No request is sent before this moment.
    limited: Option<Instant>,
    /// Since when requests have been failing, if no later one has been processed.
    failing: Option<Failing>,
    /// When a failure was last logged.
    logged: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Failing {
    since: Instant,
    last: Instant,
    is_logged: bool,
}

impl Pauses {
    /// The moment before which no request may be sent, if it is in the future.
    pub fn until(&self) -> Option<Instant> {
        self.lock().limited.filter(|until| *until > Instant::now())
    }

    /// Pauses all lanes. Their answers arrive almost at the same time; the pause is logged once.
    pub fn limit(&self, pause: Duration) {
        if self.extend(pause) {
            tracing::warn!(?pause, "the destination's rate limit is reached (429); pausing");
        }
    }

    /// Pauses all lanes. Returns whether that is news: it begins a pause or makes one much longer.
    fn extend(&self, pause: Duration) -> bool {
        const MUCH: Duration = Duration::from_secs(1);
        let (now, mut pauses) = (Instant::now(), self.lock());
        let (until, known) = (now + pause, pauses.limited.filter(|known| *known > now));
        let longer = until.saturating_duration_since(known.unwrap_or(now));
        METRICS.destination_rate_limited.inc_by(longer.as_secs_f64());
        pauses.limited = known.max(Some(until));
        known.is_none_or(|known| until > known + MUCH)
    }

    /// Records a failed request. It is logged once for all that fail until one is processed again.
    pub fn failed(&self, reason: &str, pause: Duration) {
        if self.begins_to_fail() {
            let until = "retrying until it is accepted or `give_up_after` has passed";
            tracing::warn!(reason, ?pause, "request to the destination failed; {until}");
        } else {
            tracing::debug!(reason, ?pause, "request to the destination failed");
        }
    }

    /// Whether a failure is to be logged.
    fn begins_to_fail(&self) -> bool {
        let (now, mut pauses) = (Instant::now(), self.lock());
        let mut failing = pauses.failing.unwrap_or(Failing { since: now, last: now, is_logged: false });
        failing.last = now;
        let is_news = !failing.is_logged && pauses.logged.is_none_or(|logged| now - logged >= LOG_INTERVAL);
        if is_news {
            (failing.is_logged, pauses.logged) = (true, Some(now));
        }
        pauses.failing = Some(failing);
        is_news
    }

    /// Records that a request that was sent at this time was processed.
    pub fn processed(&self, sent: Instant) {
        if let Some(after) = self.works_again(sent) {
            tracing::info!(?after, "the destination takes requests again");
        }
    }

    /// How long requests have failed, if that has ended and is to be logged.
    fn works_again(&self, sent: Instant) -> Option<Duration> {
        let mut pauses = self.lock();
        // Requests in flight may be processed although later ones fail.
        let failing = pauses.failing.take_if(|failing| failing.last <= sent)?;
        failing.is_logged.then(|| failing.since.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Until> {
        // The data is consistent after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
    async fn a_pause_of_many_lanes_is_news_once() {
        let pauses = Pauses::default();
        assert_eq!((0..3).map(|_| pauses.extend(5 * SECOND)).collect::<Vec<_>>(), [true, false, false]);
        advance(2 * SECOND).await;
        assert!(!pauses.extend(4 * SECOND) && pauses.extend(6 * SECOND), "it is much longer now");
        advance(3 * SECOND).await;
        assert!(!pauses.extend(SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_news_at_their_beginning_and_at_their_end() {
        let pauses = Pauses::default();
        let in_flight = Instant::now();
        assert_eq!(pauses.works_again(in_flight), None, "nothing has failed");
        advance(SECOND).await;
        assert_eq!([(); 3].map(|()| pauses.begins_to_fail()), [true, false, false]);
        assert_eq!(pauses.works_again(in_flight), None, "it was sent before");
        advance(100 * SECOND).await;
        assert!(!pauses.begins_to_fail());
        assert_eq!(pauses.works_again(Instant::now()), Some(100 * SECOND));
        assert_eq!(pauses.works_again(Instant::now()), None);
        // A service that fails at some requests and takes others.
        let news = |_| (pauses.begins_to_fail(), pauses.works_again(Instant::now()).is_some());
        assert_eq!((0..3).map(news).collect::<Vec<_>>(), [(true, true), (false, false), (false, false)]);
        advance(30 * SECOND).await;
        assert!(!pauses.begins_to_fail());
        advance(30 * SECOND).await;
        assert!(pauses.begins_to_fail(), "it goes on to fail, which the log does not have yet");
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_get_longer() {
        let mut patience = Patience::default();
        let pauses: Vec<Duration> = (0..40).map(|_| patience.next_pause(SECOND)).collect();
        assert!(pauses[0] >= SECOND && pauses[0] <= 3 * SECOND, "{pauses:?}");
        assert!(pauses[3] >= 8 * SECOND && pauses[39] >= LONGEST_PAUSE && pauses[39] < 3 * LONGEST_PAUSE, "{pauses:?}");
    }
}
