//! How long a destination asks to be left alone.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderMap;

/// Larger numbers in `X-RateLimit-Reset` are a date in Unix seconds, smaller ones seconds to go: ten years.
const FIRST_DATE: u64 = 315_360_000;

/// What the headers of a refusal say, if they say something.
pub fn asked(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    // The destination counts by its own clock.
    let now = text("date").and_then(date).unwrap_or(now);
    let until = |then: DateTime<Utc>| (then - now).to_std().unwrap_or_default();
    let retry_after = text("retry-after").and_then(|text| seconds(text).or_else(|| date(text).map(until)));
    let limited = || text("x-ratelimit-retry-after").and_then(seconds);
    let reset = || {
        let number: u64 = text("x-ratelimit-reset")?.parse().ok()?;
        if number < FIRST_DATE {
            return Some(Duration::from_secs(number));
        }
        DateTime::from_timestamp(i64::try_from(number).ok()?, 0).map(until)
    };
    retry_after.or_else(limited).or_else(reset)
}

/// Seconds, fractions included.
fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}

/// The form of HTTP dates that servers still send.
fn date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text).ok().map(|date| date.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(headers: &[(&'static str, &str)]) -> Option<u64> {
        let headers = headers.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect();
        let now = "2026-11-23T20:43:00Z".parse().unwrap();
        asked(&headers, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn every_form_is_read() {
        assert_eq!(wait(&[("retry-after", "7")]), Some(7));
        assert_eq!(wait(&[("retry-after", "Mon, 23 Nov 2026 20:43:09 GMT")]), Some(9));
        assert_eq!(wait(&[("x-ratelimit-retry-after", "3")]), Some(3));
        assert_eq!(wait(&[("x-ratelimit-reset", "1795466592")]), Some(12), "a date");
        assert_eq!(wait(&[("x-ratelimit-reset", "12")]), Some(12), "seconds to go");
        assert_eq!(wait(&[("x-ratelimit-reset", "12"), ("retry-after", "5")]), Some(5));
        let clock = ("date", "Mon, 23 Nov 2026 20:43:04 GMT");
        assert_eq!(wait(&[clock, ("x-ratelimit-reset", "1795466592")]), Some(8), "by the destination's clock");
    }

    #[test]
    fn what_makes_no_sense_is_as_good_as_nothing() {
        for value in ["soon", "-1", "", "1e999", "NaN", "99999999999999999999"] {
            assert_eq!(wait(&[("retry-after", value)]), None, "{value}");
            assert_eq!(wait(&[("x-ratelimit-reset", value)]), None, "{value}");
        }
        assert_eq!(wait(&[("retry-after", "Mon, 23 Nov 2020 20:43:09 GMT")]), Some(0), "long past");
        assert_eq!(wait(&[]), None);
    }
}
