//! Conversion of times to and from stored microseconds.

use std::time::Duration;

use chrono::{DateTime, Timelike, Utc};

use super::StoreError;

/// Microseconds since 1970, rounded up, because clients compare start times with their own clocks.
pub(super) fn micros_up(time: DateTime<Utc>) -> i64 {
    let rest = time.nanosecond() % 1000;
    time.timestamp_micros() + i64::from(rest > 0)
}

/// A duration as it is stored: microseconds.
pub(super) fn span(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}

/// A stored time.
pub(super) fn from_micros(micros: i64) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp_micros(micros)
        .ok_or_else(|| StoreError::Unreadable { what: "time", value: micros.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_time_is_never_rounded_down() {
        let time: DateTime<Utc> = "2026-11-23T20:43:04.000123001Z".parse().unwrap();
        assert_eq!(from_micros(micros_up(time)).unwrap().to_rfc3339(), "2026-11-23T20:43:04.000124+00:00");
        let whole: DateTime<Utc> = "2026-11-23T20:43:04.000123Z".parse().unwrap();
        assert_eq!(from_micros(micros_up(whole)).unwrap(), whole);
        let early: DateTime<Utc> = "1969-12-31T23:59:59.999999001Z".parse().unwrap();
        assert_eq!(micros_up(early), 0);
    }
}
