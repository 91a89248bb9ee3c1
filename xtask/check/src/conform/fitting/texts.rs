//! Texts that fit a format or a pattern.

use proptest::prelude::*;
use proptest::string::string_regex;
use serde_json::Value as Json;

/// Texts of a format, if it is a common one.
pub(super) fn of_format(format: &str) -> Option<BoxedStrategy<Json>> {
    let pattern = match format {
        "uuid" => return Some(any::<u128>().prop_map(|number| Json::from(uuid(number))).boxed()),
        "date" => return Some(date().prop_map(Json::from).boxed()),
        "date-time" => {
            let times = (date(), 0..24_u8, 0..60_u8, 0..60_u8);
            let shown = |(date, hour, minute, second)| format!("{date}T{hour:02}:{minute:02}:{second:02}Z").into();
            return Some(times.prop_map(shown).boxed());
        }
        "time" => "(0[0-9]|1[0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z",
        "duration" => "P[1-9]D",
        "email" | "idn-email" => "[a-z]{1,8}@example\\.com",
        "uri" | "url" | "iri" => "https://example\\.com/[a-z]{1,8}",
        "uri-reference" | "iri-reference" => "/[a-z]{1,8}",
        "hostname" | "idn-hostname" => "[a-z]{1,8}\\.example\\.com",
        "ipv4" | "ip" => "192\\.0\\.2\\.(1[0-9]{2}|[1-9][0-9])",
        "ipv6" => "2001:db8::[1-9a-f][0-9a-f]{0,3}",
        "byte" => "([A-Za-z0-9+/]{4}){1,4}",
        _ => return None,
    };
    Some(string_regex(pattern).ok()?.prop_map(Json::from).boxed())
}

fn date() -> impl Strategy<Value = String> {
    (1970..2100_u16, 1..=12_u8, 1..=28_u8).prop_map(|(year, month, day)| format!("{year}-{month:02}-{day:02}"))
}

/// Texts that match a pattern, if the generator supports it.
pub(super) fn of_pattern(pattern: &str) -> Option<BoxedStrategy<Json>> {
    // In JSON Schema these match only ASCII.
    let pattern = pattern.replace("\\d", "[0-9]").replace("\\w", "[A-Za-z0-9_]");
    let pattern = pattern.strip_prefix('^').unwrap_or(&pattern);
    let pattern = pattern.strip_suffix('$').filter(|rest| !rest.ends_with('\\')).unwrap_or(pattern);
    Some(string_regex(pattern).ok()?.prop_map(Json::from).boxed())
}

/// A UUID in hyphenated form.
pub(in super::super) fn uuid(number: u128) -> String {
    let digits = format!("{number:032x}");
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}
