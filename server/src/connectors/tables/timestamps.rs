//! The formats of `UPDATED_AT` in databases that have no type for timestamps, or where the column has another type.

use std::ops::Range;

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::Dialect;
use crate::types::quoted;

/// Numbers from this value on are milliseconds (1973), smaller ones seconds (up to the year 5138).
pub const FIRST_MILLISECONDS: u64 = 100_000_000_000;
/// The year 10000 in microseconds. Larger numbers are refused: they count microseconds or nanoseconds.
const FIRST_NO_TIME: u64 = 253_402_300_800_000_000;

/// The format of a column's times. All times of a column have the same format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampFormat {
    /// RFC 3339, or the same without a zone, read as UTC.
    Text,
    /// Seconds since 1970.
    Seconds,
    /// Milliseconds since 1970.
    Milliseconds,
}

impl TimestampFormat {
    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            TimestampFormat::Text => "text",
            TimestampFormat::Seconds => "Unix seconds",
            TimestampFormat::Milliseconds => "Unix milliseconds",
        }
    }

    /// The format of a number.
    pub fn of_number(number: i64) -> TimestampFormat {
        if number.unsigned_abs() >= FIRST_MILLISECONDS {
            TimestampFormat::Milliseconds
        } else {
            TimestampFormat::Seconds
        }
    }
}

/// Converts a number to microseconds; `None` if it is out of range.
pub fn micros_of_number(number: i64) -> Option<i64> {
    let scale = if TimestampFormat::of_number(number) == TimestampFormat::Milliseconds { 1000 } else { 1_000_000 };
    number.checked_mul(scale).filter(|micros| micros.unsigned_abs() < FIRST_NO_TIME)
}

/// Converts a fractional number to microseconds.
pub fn micros_of_fraction(number: f64) -> Option<i64> {
    let scale = if number.abs() >= FIRST_MILLISECONDS as f64 { 1e3 } else { 1e6 };
    let micros = (number * scale).round();
    (micros.abs() < FIRST_NO_TIME as f64).then_some(micros as i64)
}

/// Converts a text to microseconds, rounded down; `None` if it is not a timestamp.
pub fn micros_of_text(text: &str) -> Option<i64> {
    micros_of_common_text(text.as_bytes()).or_else(|| micros_of_general_text(text))
}

/// Parses the common form `2026-11-23T20:43:04.000123Z`. The general parser is much slower.
fn micros_of_common_text(text: &[u8]) -> Option<i64> {
    let number = |digits: &[u8]| {
        digits
            .iter()
            .try_fold(0_u32, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
    };
    let (time, fraction) = text.strip_suffix(b"Z").unwrap_or(text).split_at_checked(19)?;
    let &[y3, y2, y1, y0, b'-', m1, m0, b'-', d1, d0, b'T' | b' ', h1, h0, b':', n1, n0, b':', s1, s0] = time else {
        return None;
    };
    // Fractions finer than microseconds are rare: leave them to the general parser.
    let micros = match fraction {
        [] => 0,
        [b'.', digits @ ..] if (1..=6).contains(&digits.len()) => number(digits)? * 10_u32.pow(6 - digits.len() as u32),
        _ => return None,
    };
    let year = i32::try_from(number(&[y3, y2, y1, y0])?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(&[m1, m0])?, number(&[d1, d0])?)?;
    let time = date.and_hms_micro_opt(number(&[h1, h0])?, number(&[n1, n0])?, number(&[s1, s0])?, micros)?;
    Some(time.and_utc().timestamp_micros())
}

fn micros_of_general_text(text: &str) -> Option<i64> {
    // The parser also accepts `2026-1-1`, blanks, other signs and seconds of one digit, which do not sort chronologically.
    if !text.is_ascii()
        || text.len() < SHAPE.len()
        || !SHAPE.iter().zip(text.bytes()).all(|(shape, byte)| is_in_shape(*shape, byte))
    {
        return None;
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    // Without a zone, with either separator.
    let separator = text.as_bytes().get(10)?;
    let format = if *separator == b' ' { "%Y-%m-%d %H:%M:%S%.f" } else { "%Y-%m-%dT%H:%M:%S%.f" };
    NaiveDateTime::parse_from_str(text, format).ok().map(|time| time.and_utc().timestamp_micros())
}

/// The required start of every text: `0` is a digit, `_` a separator.
const SHAPE: &[u8] = b"0000-00-00_00:00:00";

fn is_in_shape(shape: u8, byte: u8) -> bool {
    match shape {
        b'0' => byte.is_ascii_digit(),
        b'_' => matches!(byte, b'T' | b't' | b' '),
        other => byte == other,
    }
}

/// A fractional number for a message; very large ones are shortened.
pub fn example_of_fraction(number: f64) -> String {
    if number.abs() < 1e16 { number.to_string() } else { format!("{number:e}") }
}

/// Numbers that are too large for milliseconds, and are times from 1978 to 2100 in microseconds and nanoseconds.
const MICROSECONDS: Range<f64> = 253_402_300_800_000.0..4_102_444_800_000_000.0;
const NANOSECONDS: Range<f64> = 253_402_300_800_000_000.0..4_102_444_800_000_000_000.0;

/// Whether a text lacks only minutes or a colon in its zone, as in `2026-11-01 12:00:00+00` or `…+0000`.
fn has_short_zone(text: &str) -> bool {
    let Some((time, hours)) = text.rfind(['+', '-']).and_then(|sign| text.split_at_checked(sign + 3)) else {
        return false;
    };
    let minutes = if hours.is_empty() { "00" } else { hours };
    micros_of_text(&format!("{time}:{minutes}")).is_some()
}

/// What to do with such texts.
fn short_zone_advice(dialect: Dialect, column: &str) -> String {
    let column = quoted(column);
    match dialect {
        Dialect::Postgres => {
            format!("this is Postgres's own text form of a time; a view with `{column}::timestamptz` reads it")
        }
        Dialect::Sqlite => {
            format!(
                "its zone must have the form +01:00; where it is only +01, a view with `{column} || ':00'` adds the minutes"
            )
        }
    }
}

/// The message for a value of `UPDATED_AT` that is not a timestamp. Texts are in quotes; `row` names the row, such as
/// `EXTERNAL_ID "a"`.
pub fn not_a_timestamp(dialect: Dialect, table: &str, column: &str, value: &str, row: Option<&str>) -> String {
    let row = in_row(row);
    let text = value.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let number = value.parse::<f64>().unwrap_or(f64::NAN);
    let zone = text.filter(|text| has_short_zone(text)).map(|_| short_zone_advice(dialect, column));
    let advice = if let Some(zone) = &zone {
        zone
    } else if value == "-infinity" {
        "a row with it would be before every watermark and never be synced. Give it a time, or null to leave it out"
    } else if MICROSECONDS.contains(&number) {
        "this looks like microseconds, and only seconds and milliseconds are read. Divide by 1,000, for example in a view"
    } else if NANOSECONDS.contains(&number) {
        "this looks like nanoseconds, and only seconds and milliseconds are read. Divide by 1,000,000, for example in a view"
    } else if text.is_some_and(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()) {
        "this is a date without a time. Use RFC 3339 or `YYYY-MM-DD HH:MM:SS`"
    } else if text.is_some_and(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())) {
        "this is text, and Unix seconds or milliseconds are read from numeric columns only. Make the column numeric, or use \
         RFC 3339 or `YYYY-MM-DD HH:MM:SS`"
    } else {
        "use RFC 3339, `YYYY-MM-DD HH:MM:SS`, or a numeric column with Unix seconds or milliseconds"
    };
    format!("the column `{column}` of the table `{table}` holds {value}{row}, which is not a timestamp; {advice}")
}

/// The message for a column with two formats: for each a value, its format and its row.
pub fn mixed_formats(table: &str, column: &str, found: [(&str, TimestampFormat, Option<&str>); 2]) -> String {
    let [one, other] = found.map(|(value, format, row)| format!("{value} is {}{}", format.name(), in_row(row)));
    format!("the column `{column}` of the table `{table}` mixes formats: {one}, {other}; use one for the whole column")
}

fn in_row(row: Option<&str>) -> String {
    row.map_or(String::new(), |row| format!(" (row with {row})"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_with_and_without_a_zone_are_read() {
        let expected = 1_795_466_584_000_123;
        for text in [
            "2026-11-23T20:43:04.000123Z",
            "2026-11-23t20:43:04.000123z",
            "2026-11-23T22:43:04.000123+02:00",
            "2026-11-23T20:43:04.000123",
            "2026-11-23 20:43:04.000123",
            "2026-11-23 20:43:04.000123456",
        ] {
            assert_eq!(micros_of_text(text), Some(expected), "{text}");
        }
        assert_eq!(micros_of_text("2026-11-23 20:43:04"), Some(1_795_466_584_000_000));
        assert_eq!(micros_of_text("1969-12-31T23:59:59.9999999Z"), Some(-1));
        assert_eq!(micros_of_text("1970-01-01T00:00:60.5Z"), Some(60_500_000), "a leap second");
        for text in [
            "",
            "yesterday",
            "2026-11-23",
            "23.11.2026 20:43:04",
            "2026-13-01T00:00:00Z",
            "1795466584",
            "2026-11-2é",
            "2026-11-23T20:43",
            "2026-11-23T20:43:04+01",
            // Forms that do not sort chronologically.
            "2026-2-10T00:00:00",
            "2026-01-01T9:00:00.12",
            "2026-01-01T09:00:5",
            "2026-01-01 9:00:00",
            " 2026-01-01T00:00:00",
            "2026-01-01T00:00:00\u{2212}01:00",
            "+12026-01-01T00:00:00",
        ] {
            assert_eq!(micros_of_text(text), None, "{text}");
        }
    }

    #[test]
    fn the_fast_parser_agrees_with_the_general_one() {
        proptest!(|(text in "(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,7})?Z?")| {
            if let Some(micros) = micros_of_common_text(text.as_bytes()) {
                // A zone after a blank is the only form that the general parser refuses.
                let text = if text.ends_with('Z') { text.replace(' ', "T") } else { text };
                prop_assert_eq!(micros_of_general_text(&text), Some(micros));
            }
        });
    }

    #[test]
    fn numbers_are_seconds_or_milliseconds_by_their_size() {
        assert_eq!(micros_of_number(1_795_466_584), Some(1_795_466_584_000_000));
        assert_eq!(micros_of_number(1_795_466_584_001), Some(1_795_466_584_001_000));
        assert_eq!(micros_of_number(-5), Some(-5_000_000));
        for (number, is_time) in [
            (253_402_300_799_999, true),
            (253_402_300_800_000, false),
            (-253_402_300_800_000, false),
            (1_795_466_584_000_000, false),
            (i64::MAX, false),
            (i64::MIN, false),
        ] {
            assert_eq!(micros_of_number(number).is_some(), is_time, "{number}");
            assert_eq!(micros_of_fraction(number as f64).is_some(), is_time, "{number}");
        }
        assert_eq!(micros_of_fraction(1_795_466_584.25), Some(1_795_466_584_250_000));
        assert_eq!(micros_of_fraction(f64::NAN), None);
        assert_eq!(micros_of_fraction(1e300), None);
        assert_eq!(TimestampFormat::of_number(i64::MIN), TimestampFormat::Milliseconds);
        assert_eq!([1.5e9, -1e300, f64::NAN].map(example_of_fraction), ["1500000000", "-1e300", "NaN"]);
    }

    #[test]
    fn a_value_that_is_not_a_timestamp_is_refused_with_what_to_use() {
        let said =
            |value: &str| not_a_timestamp(Dialect::Sqlite, "users", "UPDATED_AT", value, Some("EXTERNAL_ID \"a\""));
        for (dialect, advice) in [
            (
                Dialect::Postgres,
                "this is Postgres's own text form of a time; a view with `\"updated_at\"::timestamptz` reads it",
            ),
            (
                Dialect::Sqlite,
                "its zone must have the form +01:00; where it is only +01, a view with `\"updated_at\" || ':00'` adds the minutes",
            ),
        ] {
            for value in ["\"2026-11-29 21:21:24.115094+00\"", "\"2026-11-29T21:21:24-0330\""] {
                let said = not_a_timestamp(dialect, "users", "updated_at", value, None);
                assert!(said.ends_with(&format!("{value}, which is not a timestamp; {advice}")), "{said}");
            }
        }
        assert!(micros_of_text("2026-11-29 21:21:24.115094+00:00").is_some(), "the advice is right");
        assert_eq!(
            said("\"1790000000\""),
            "the column `UPDATED_AT` of the table `users` holds \"1790000000\" (row with EXTERNAL_ID \"a\"), which is not a \
             timestamp; this is text, and Unix seconds or milliseconds are read from numeric columns only. Make the column \
             numeric, or use RFC 3339 or `YYYY-MM-DD HH:MM:SS`"
        );
        for (value, advice) in [
            (
                "1795466584000000",
                "this looks like microseconds, and only seconds and milliseconds are read. Divide by 1,000, for example in a view",
            ),
            (
                "1.795466584e18",
                "this looks like nanoseconds, and only seconds and milliseconds are read. Divide by 1,000,000, for example in a view",
            ),
            ("\"2026-11-01\"", "this is a date without a time. Use RFC 3339 or `YYYY-MM-DD HH:MM:SS`"),
            (
                "-infinity",
                "a row with it would be before every watermark and never be synced. Give it a time, or null to leave it out",
            ),
        ] {
            assert!(said(value).ends_with(&format!(", which is not a timestamp; {advice}")), "{}", said(value));
        }
        for (number, scale) in [(1_795_466_584_000_000_i64, 1_000), (1_795_466_584_000_000_000, 1_000_000)] {
            assert_eq!(micros_of_number(number / scale), Some(1_795_466_584_000_000), "the advice is right");
        }
        for other in ["\"01/11/2026\"", "\"2026-11-01 12+00\"", "20261101120000000", "NaN", "\"\""] {
            assert!(said(other).ends_with(
                "use RFC 3339, `YYYY-MM-DD HH:MM:SS`, or a numeric column with Unix seconds or milliseconds"
            ));
        }
    }
}
