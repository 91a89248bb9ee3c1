//! Pauses that a destination asks for, and what the log says of these and of outages.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::metrics::METRICS;

/// While requests fail now and then, the log has one pair of lines in this time.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Pauses that apply to all requests.
#[derive(Debug, Default)]
pub struct Pauses(Mutex<Until>);

#[derive(Debug, Default)]
struct Until {
    /// No request is sent before this moment.
    limited: Option<Instant>,
    /// Since when requests have been failing, if no later one has been processed.
    failing: Option<Failing>,
    /// When a failure was last logged, and a lower rate.
    logged: Option<Instant>,
    slowed: Option<Instant>,
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

    /// Pauses all requests. Answers to many may ask for it at almost the same time; it is logged once.
    pub fn limit(&self, pause: Duration) {
        if self.extend(pause) {
            tracing::warn!(?pause, "the destination's rate limit is reached (429); pausing");
        }
    }

    /// Pauses all requests for a moment, without a line in the log.
    pub fn hold(&self, pause: Duration) {
        self.extend(pause);
    }

    /// Pauses all requests. Returns whether that is news: it begins a pause or makes one much longer.
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

    /// Records that the rate was lowered to this. It is logged now and then.
    pub fn slowed(&self, rate: f64) {
        let now = Instant::now();
        let is_news = {
            let mut pauses = self.lock();
            let is_news = pauses.slowed.is_none_or(|slowed| now - slowed >= LOG_INTERVAL);
            pauses.slowed = if is_news { Some(now) } else { pauses.slowed };
            is_news
        };
        if is_news {
            tracing::warn!(
                "the destination's rate limit is reached (429); slowing down to {rate:.0} requests a second"
            );
        }
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
    async fn a_pause_that_many_answers_ask_for_is_news_once() {
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
}
