//! When a call is repeated, and after how long.
//!
//! A read may be repeated whenever the failure may be temporary. A trigger is repeated only where the server has certainly not
//! acted on it: it was refused because of the rate limit, or never reached the server. The server's own wait
//! (`Retry-After`, `X-RateLimit-Reset`) is obeyed; without one the pauses double, with jitter.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::call_error::CallError;
use crate::errors::DocumentedError;

/// When failed calls are repeated, how often, and after how long.
///
/// ```
/// use std::time::Duration;
/// use cdi_client::{Client, RetryPolicy};
///
/// let retry = RetryPolicy::default().max_retries(2).max_wait(Duration::from_secs(10));
/// let client = Client::builder().instance("iad-03").api_key("YOUR-REST-API-KEY").retry(retry).build()?;
/// # Ok::<(), cdi_client::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    max_retries: u32,
    max_wait: Duration,
    first_wait: Duration,
}

impl Default for RetryPolicy {
    /// Up to 4 repetitions; the first pause is half a second; no pause is longer than 65 seconds, a little more than the
    /// one-minute windows of the rate limits.
    fn default() -> RetryPolicy {
        RetryPolicy { max_retries: 4, max_wait: Duration::from_secs(65), first_wait: Duration::from_millis(500) }
    }
}

/// What repeating an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Nothing: the operation only reads.
    Harmless,
    /// The operation acts each time the server receives it.
    Acts,
}

impl RetryPolicy {
    /// Never repeats a call.
    pub fn never() -> RetryPolicy {
        RetryPolicy::default().max_retries(0)
    }

    /// The largest number of repetitions of one call; 0 never repeats. Default: 4.
    pub fn max_retries(mut self, times: u32) -> RetryPolicy {
        self.max_retries = times;
        self
    }

    /// The longest single pause. If the server asks for a longer one, the error is returned at once. Default: 65 seconds.
    pub fn max_wait(mut self, wait: Duration) -> RetryPolicy {
        self.max_wait = wait;
        self
    }

    /// The first pause where the server does not say how long to wait; each further one is twice as long, up to
    /// [`max_wait`](RetryPolicy::max_wait). Default: half a second.
    pub fn first_wait(mut self, wait: Duration) -> RetryPolicy {
        self.first_wait = wait;
        self
    }

    /// The pause before the next repetition, after `done` of them; `None` to give up.
    pub(crate) fn pause<E: DocumentedError>(
        &self,
        repeat: Repeat,
        done: u32,
        error: &CallError<E>,
    ) -> Option<Duration> {
        let safe = match repeat {
            Repeat::Harmless => error.is_transient(),
            Repeat::Acts => {
                error.is_rate_limited() || (matches!(error, CallError::Connection(_)) && error.is_transient())
            }
        };
        if !safe || done >= self.max_retries {
            return None;
        }
        match asked(error) {
            Some(wait) if wait > self.max_wait => None,
            // Never earlier than asked, and not all clients at the same moment.
            Some(wait) => Some(wait.saturating_add(jitter(Duration::from_millis(250)))),
            None => {
                let longest = self.first_wait.saturating_mul(1 << done.min(16)).min(self.max_wait);
                Some(longest / 2 + jitter(longest / 2))
            }
        }
    }
}

/// How long the server asks to wait.
pub(crate) fn asked<E: DocumentedError>(error: &CallError<E>) -> Option<Duration> {
    let response = error.response()?;
    response.retry_after().or_else(|| {
        let reset = response.reset().filter(|_| error.is_rate_limited())?;
        Some(response.until(reset))
    })
}

/// A random time up to the given one.
fn jitter(longest: Duration) -> Duration {
    // The standard library seeds its hashers at random, which is random enough to spread clients.
    let parts = (RandomState::new().hash_one(0) % 1000) as u32;
    longest / 1000 * parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::TriggerIntegrationSyncError as Trigger;
    use crate::response::Response;
    use http::{HeaderMap, StatusCode};

    fn error(status: u16, headers: &[(&'static str, &str)], message: &str) -> CallError<Trigger> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let body = format!(r#"{{"message":"{message}"}}"#);
        let response = Response::new(StatusCode::from_u16(status).unwrap(), map, body.into());
        CallError::from_exchange(progenitor_client::Error::<()>::Custom(String::new()), Some(response))
    }

    fn seconds(pause: Option<Duration>) -> Option<u64> {
        pause.map(|pause| pause.as_secs())
    }

    #[test]
    fn a_trigger_is_repeated_only_where_it_has_had_no_effect() {
        let policy = RetryPolicy::default();
        let pause = |error: &CallError<Trigger>| policy.pause(Repeat::Acts, 0, error);
        assert!(pause(&error(429, &[("retry-after", "1")], "Rate Limited")).is_some());
        assert_eq!(pause(&error(429, &[], "Another job is in progress")), None);
        for status in [400, 401, 403, 404, 500, 502, 503, 504] {
            assert_eq!(pause(&error(status, &[("retry-after", "1")], "?")), None, "{status}");
        }
    }

    #[test]
    fn a_read_is_repeated_while_the_trouble_may_pass() {
        let policy = RetryPolicy::default();
        let pause = |status, done| policy.pause(Repeat::Harmless, done, &error(status, &[], "?"));
        for status in [429, 500, 502, 503, 504] {
            assert!(pause(status, 0).is_some(), "{status}");
            assert!(pause(status, 4).is_none(), "{status}");
        }
        for status in [400, 401, 403, 404] {
            assert!(pause(status, 0).is_none(), "{status}");
        }
    }

    #[test]
    fn what_the_server_asks_for_is_obeyed() {
        let policy = RetryPolicy::default();
        let pause = |headers: &[(&'static str, &str)]| {
            seconds(policy.pause(Repeat::Acts, 0, &error(429, headers, "Rate Limited")))
        };
        assert_eq!(pause(&[("retry-after", "7")]), Some(7));
        let window = [
            ("x-ratelimit-limit", "20"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1795466590"),
            ("date", "Mon, 23 Nov 2026 20:43:00 GMT"),
        ];
        assert_eq!(pause(&window), Some(10));
        assert_eq!(pause(&[("x-ratelimit-reset", "10"), window[3]]), Some(10), "seconds to go");
        assert_eq!(pause(&[("retry-after", "3600")]), None);
    }

    #[test]
    fn a_bare_429_that_is_not_documented_starts_nothing_again() {
        let policy = RetryPolicy::default();
        let bare = error(429, &[], "Slow down");
        assert_eq!(policy.pause(Repeat::Acts, 0, &bare), None);
        assert!(policy.pause(Repeat::Harmless, 0, &bare).is_some());
        let window = |left| {
            error(
                429,
                &[("x-ratelimit-limit", "20"), ("x-ratelimit-remaining", left), ("x-ratelimit-reset", "0")],
                "No",
            )
        };
        assert!(policy.pause(Repeat::Acts, 0, &window("0")).is_some());
        assert_eq!(policy.pause(Repeat::Acts, 0, &window("3")), None, "it is not the rate limit");
    }

    #[test]
    fn absurd_settings_and_answers_do_not_panic() {
        let policy = RetryPolicy { max_retries: u32::MAX, max_wait: Duration::MAX, first_wait: Duration::MAX };
        for done in [0, 31, 32, u32::MAX - 1] {
            assert!(policy.pause(Repeat::Harmless, done, &error(500, &[], "?")).is_some());
        }
        let endless = error(429, &[("retry-after", "18446744073709551615")], "Rate Limited");
        assert!(policy.pause(Repeat::Acts, 0, &endless).is_some());
        let never = RetryPolicy { first_wait: Duration::ZERO, ..policy };
        assert_eq!(never.pause(Repeat::Harmless, 3, &error(500, &[], "?")), Some(Duration::ZERO));
    }

    #[test]
    fn pauses_double_where_the_server_says_nothing() {
        let policy = RetryPolicy { max_retries: 40, ..RetryPolicy::default() };
        for (done, longest) in [(0, 500), (1, 1000), (2, 2000), (39, 65_000)] {
            let pause = policy.pause(Repeat::Harmless, done, &error(500, &[], "?")).unwrap();
            let longest = Duration::from_millis(longest);
            assert!(pause >= longest / 2 && pause <= longest, "{done}: {pause:?}");
        }
    }
}
