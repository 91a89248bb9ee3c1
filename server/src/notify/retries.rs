//! When a message that could not be sent is sent again.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// The first pause. Each one is three times the one before.
const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(3600);
/// A message is given up if its next attempt would be later than this after it was written.
const TRIED_FOR: Duration = Duration::from_secs(24 * 3600);

/// The pause after this many attempts; `None` if the message is given up. A receiver may ask for a longer one.
pub(super) fn pause(attempts: u32, age: Duration, asked: Option<Duration>) -> Option<Duration> {
    let factor = 3_u32.saturating_pow(attempts.saturating_sub(1));
    let pause = FIRST.saturating_mul(factor).max(asked.unwrap_or_default()).min(LONGEST);
    (age + pause <= TRIED_FOR).then_some(pause)
}

/// The pause that a `Retry-After` asks for: a number of seconds, or a date.
pub(super) fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => (DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now).to_std().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_hour_and_end_after_a_day() {
        let (mut age, mut pauses) = (Duration::ZERO, Vec::new());
        while let Some(pause) = pause(pauses.len() as u32 + 1, age, None) {
            pauses.push(pause.as_secs());
            age += pause;
        }
        assert_eq!(pauses[..8], [5, 15, 45, 135, 405, 1215, 3600, 3600]);
        assert_eq!(pauses.len(), 29);
        assert!(age > TRIED_FOR - LONGEST);
        assert_eq!(pause(u32::MAX, Duration::ZERO, None), Some(LONGEST));
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_pause() {
        let asked = |seconds| pause(1, Duration::ZERO, Some(Duration::from_secs(seconds)));
        assert_eq!(asked(60), Some(Duration::from_secs(60)));
        assert_eq!(asked(1), Some(FIRST));
        assert_eq!(asked(u64::MAX), Some(LONGEST), "not for ever");
        let now = "2026-11-23T20:43:00Z".parse().unwrap();
        assert_eq!(retry_after(" 7 ", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Mon, 23 Nov 2026 20:43:09 GMT", now), Some(Duration::from_secs(9)));
        for unusable in ["soon", "-1", "", "Mon, 23 Nov 2026 20:42:00 GMT"] {
            assert_eq!(retry_after(unusable, now), None, "{unusable}");
        }
    }
}
