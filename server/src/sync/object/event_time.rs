//! The `time` of an event or a purchase: ISO 8601.
//!
//! A sync refuses only what cannot be ISO 8601. Its many forms are not all told apart; a preview warns of the rare ones.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// Whether a text is certainly no date and time in ISO 8601: it does not begin with a year, or its date does not exist.
pub fn is_wrong(text: &str) -> bool {
    let text = text.trim();
    let bytes = text.as_bytes();
    let is_number =
        |range: std::ops::Range<usize>| bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    if !is_number(0..4) {
        return true;
    }
    // `2026-11-01`, or another form of ISO 8601 such as `2026-W44-7` and `2026-305`.
    if bytes.get(4) == Some(&b'-') {
        let is_calendar_date = is_number(5..7) && bytes.get(7) == Some(&b'-') && is_number(8..10);
        return is_calendar_date && NaiveDate::parse_from_str(&text[..10], "%Y-%m-%d").is_err();
    }
    // `20261101T120000Z`; a longer number is not a date.
    !is_number(4..7) && bytes.get(4) != Some(&b'W') || is_number(0..9)
}

/// Whether a text has a common form: RFC 3339, or the same without a zone.
pub fn is_common(text: &str) -> bool {
    DateTime::parse_from_rfc3339(text).is_ok()
        || ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%dT%H:%M:%S:%3f%z"].iter().any(|form| {
            NaiveDateTime::parse_from_str(text, form).is_ok() || DateTime::parse_from_str(text, form).is_ok()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_date_is_wrong_and_every_form_of_iso_8601_is_not() {
        for wrong in [
            "tomorrow",
            "",
            "01/11/2026",
            "Nov 1, 2026",
            "1790000000",
            "2026-13-01T00:00:00Z",
            "2026-02-30",
            "2026",
            "2026é",
        ] {
            assert!(is_wrong(wrong), "{wrong}");
        }
        for right in [
            "2026-11-01T12:00:00Z",
            " 2026-11-01T12:00:00Z ",
            "2026-11-01T12:00:00.123+01:00",
            "2026-11-01T12:00:00:123+0100",
            "2026-11-01T12:00:00",
            "2026-11-01",
            "20261101T120000Z",
            "2026-W44-7T12:00Z",
            "2026W447",
            "2026-305T12:00Z",
        ] {
            assert!(!is_wrong(right), "{right}");
        }
    }

    #[test]
    fn common_forms_are_told_from_rare_ones() {
        for common in [
            "2026-11-01T12:00:00Z",
            "2026-11-01T12:00:00+0100",
            "2026-11-01T12:00:00:123+0100",
            "2026-11-01T12:00:00.5",
        ] {
            assert!(is_common(common), "{common}");
        }
        for rare in ["2026-11-01T25:00:00Z", "2026-11-01 12:00 UTC", "2026-11-01", "2026-W44-7T12:00Z"] {
            assert!(!is_common(rare), "{rare}");
        }
    }
}
