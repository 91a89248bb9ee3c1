//! How long a destination asks to wait before the next request.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderMap;

/// `X-RateLimit-Reset`: larger numbers are a date in Unix seconds, smaller ones a number of seconds. Ten years.
const FIRST_DATE: f64 = 315_360_000.0;
/// Larger numbers are a date in Unix milliseconds: the year 5138 in seconds, 1973 in milliseconds.
const FIRST_MILLISECONDS: f64 = 100_000_000_000.0;
/// Never wait longer than an hour, because clocks may be wrong.
const LONGEST: Duration = Duration::from_secs(3600);

/// The wait that the headers of an answer ask for; `None` if they do not ask for one.
pub fn asked(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    // Relative to the destination's clock.
    let now = text("date").and_then(date).unwrap_or(now);
    let until = |then: DateTime<Utc>| (then - now).to_std().unwrap_or_default();
    let retry_after = text("retry-after").and_then(|text| seconds(text).or_else(|| date(text).map(until)));
    let limited = || text("x-ratelimit-retry-after").and_then(seconds);
    let reset = || {
        let number = text("x-ratelimit-reset")?.parse().ok().filter(|number: &f64| number.is_finite())?;
        if number < FIRST_DATE {
            return Duration::try_from_secs_f64(number).ok();
        }
        let number = if number < FIRST_MILLISECONDS { number * 1000.0 } else { number };
        DateTime::from_timestamp_millis(number as i64).map(until)
    };
    retry_after.or_else(limited).or_else(reset).map(|wait| wait.min(LONGEST))
}

/// A number of seconds, which may have a fraction.
fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}

/// An HTTP date in the preferred format.
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
    fn every_header_format_is_read() {
        assert_eq!(wait(&[("retry-after", "7")]), Some(7));
        assert_eq!(wait(&[("retry-after", "Mon, 23 Nov 2026 20:43:09 GMT")]), Some(9));
        assert_eq!(wait(&[("x-ratelimit-retry-after", "3")]), Some(3));
        assert_eq!(wait(&[("x-ratelimit-reset", "1795466592")]), Some(12), "a date");
        assert_eq!(wait(&[("x-ratelimit-reset", "12")]), Some(12), "seconds to go");
        assert_eq!(wait(&[("x-ratelimit-reset", "12"), ("retry-after", "5")]), Some(5));
        assert_eq!(wait(&[("x-ratelimit-reset", "1795466592000")]), Some(12), "a date in milliseconds");
        assert_eq!(wait(&[("retry-after", "999999")]), Some(3600), "nothing is waited for longer");
        let clock = ("date", "Mon, 23 Nov 2026 20:43:04 GMT");
        assert_eq!(wait(&[clock, ("x-ratelimit-reset", "1795466592")]), Some(8), "by the destination's clock");
    }

    #[test]
    fn invalid_headers_are_ignored() {
        for value in ["soon", "-1", "", "1e999", "NaN", "99999999999999999999"] {
            assert_eq!(wait(&[("retry-after", value)]), None, "{value}");
            assert_eq!(wait(&[("x-ratelimit-reset", value)]), None, "{value}");
        }
        assert_eq!(wait(&[("retry-after", "Mon, 23 Nov 2020 20:43:09 GMT")]), Some(0), "long past");
        assert_eq!(wait(&[]), None);
    }
}
