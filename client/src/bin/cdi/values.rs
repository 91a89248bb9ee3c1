//! The values of options: times and counts. What is wrong with one is said together with how it is written.

use std::time::Duration;

use humantime::DurationError;

/// A time that is longer than zero, such as 90s, 30m or 1h30m.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    const EXAMPLES: &str = "such as 90s, 30m or 2h";
    let zero = || format!("must be longer than 0 s, {EXAMPLES}");
    let after_minus = text.strip_prefix('-').unwrap_or_default();
    if after_minus.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(zero());
    }
    let with_unit = |unit: &str| format!("{text}{unit}");
    // humantime takes a 0 without a unit.
    let lacks_unit = text.ends_with(|last: char| last.is_ascii_digit());
    if lacks_unit && humantime::parse_duration(&with_unit("s")).is_ok_and(|time| !time.is_zero()) {
        return Err(format!("the unit is missing, such as {} or {}", with_unit("s"), with_unit("m")));
    }
    match humantime::parse_duration(text) {
        Ok(time) if time.is_zero() => Err(zero()),
        Ok(time) => Ok(time),
        Err(DurationError::UnknownUnit { unit, .. }) if !unit.is_empty() => {
            Err(format!("`{unit}` is not a unit of time; write a time {EXAMPLES}"))
        }
        Err(DurationError::NumberOverflow) => Err(format!("this is too large or too exact; write a time {EXAMPLES}")),
        Err(_) => Err(format!("write a time with its unit, {EXAMPLES}")),
    }
}

/// The largest count: as many syncs are 10,000 requests, which the rate limit spreads over more than an hour and a half.
const LARGEST_COUNT: u32 = 100_000;

/// A whole number from 1 to `LARGEST_COUNT`.
pub(crate) fn count(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(count) if (1..=LARGEST_COUNT).contains(&count) => Ok(count),
        _ => Err(format!("write a whole number from 1 to {LARGEST_COUNT}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_time_is_answered_with_what_is_wrong_about_it() {
        assert_eq!(duration("30m"), Ok(Duration::from_secs(1800)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        for (text, expected) in [
            ("10", "the unit is missing, such as 10s or 10m"),
            ("1h30", "the unit is missing, such as 1h30s or 1h30m"),
            ("0", "must be longer than 0 s, such as 90s, 30m or 2h"),
            ("0s", "must be longer than 0 s, such as 90s, 30m or 2h"),
            ("-1s", "must be longer than 0 s, such as 90s, 30m or 2h"),
            ("-1", "must be longer than 0 s, such as 90s, 30m or 2h"),
            ("5x", "`x` is not a unit of time; write a time such as 90s, 30m or 2h"),
            ("99999999999999999999s", "this is too large or too exact; write a time such as 90s, 30m or 2h"),
            ("soon", "write a time with its unit, such as 90s, 30m or 2h"),
            ("soon5", "write a time with its unit, such as 90s, 30m or 2h"),
            ("--wait", "write a time with its unit, such as 90s, 30m or 2h"),
            ("", "write a time with its unit, such as 90s, 30m or 2h"),
        ] {
            assert_eq!(duration(text), Err(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_wrong_count_is_answered_with_the_range() {
        assert_eq!(count("3"), Ok(3));
        assert_eq!(count("100000"), Ok(100_000));
        for text in ["0", "-1", "abc", "1.5", "", "100001", "4294967296"] {
            assert_eq!(count(text), Err("write a whole number from 1 to 100000".to_owned()), "{text}");
        }
    }
}
