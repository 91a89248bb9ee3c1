//! Times as sources may have them.

use chrono::{DateTime, SecondsFormat};
use proptest::prelude::*;

use super::Dialect;
use super::timestamps::{example_of_fraction, micros_of_fraction, micros_of_number, micros_of_text, not_a_timestamp};
use crate::fuzz::{cases, text};

const TIMES: &[&str] = &[
    "2026-11-23T20:43:04.000123Z",
    "2026-11-23t22:43:04.000123+02:00",
    "2026-11-23 20:43:04.000123456",
    "2026-11-01 12:00:00+00",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:60.999999999-23:59",
    "1795466584000",
    "2026-11-23",
    "",
];
const TOKENS: &[&str] =
    &["T", "t", "Z", "z", " ", "+00:00", "-24:00", "+", "−", ".", ":60", "-00", "99", "é", "\0", "BC", "infinity"];

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a_time_is_read_as_it_would_be_written(text in text(TIMES, TOKENS)) {
        if let Some(micros) = micros_of_text(&text) {
            let written = DateTime::from_timestamp_micros(micros).unwrap().to_rfc3339_opts(SecondsFormat::Micros, true);
            // The first and the last day may be in the year before and the one after, by another zone.
            let is_out = written.starts_with(['-', '+']);
            prop_assert!(is_out || micros_of_text(&written) == Some(micros), "{} is not {}", text, written);
            prop_assert!(text.len() >= "2026-11-23T20:43:04".len());
        } else {
            for dialect in [Dialect::Postgres, Dialect::Sqlite] {
                let value = format!("{text:?}");
                let message = not_a_timestamp(dialect, "users", "updated_at", &value, None);
                prop_assert!(message.len() < 500 + value.len(), "{}", message);
            }
        }
    }

    #[test]
    fn a_number_keeps_its_order_and_its_range(number: i64, fraction in prop::num::f64::ANY) {
        let years = 11_000 * 366 * 86_400 * 1_000_000_i64;
        prop_assert!(micros_of_number(number).is_none_or(|micros| micros.abs() < years));
        prop_assert!(micros_of_fraction(fraction).is_none_or(|micros| micros.abs() < years));
        prop_assert!(example_of_fraction(fraction).len() < 400);
    }
}
