//! Answers of a destination, or of whatever stands in its place.

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use proptest::prelude::*;

use super::retry_after::asked;
use super::track_response::{Meaning, read};
use crate::fuzz::{bytes, cases};
use crate::sync::SyncError;

const BODIES: &[&str] = &[
    r#"{"message":"success","attributes_processed":2}"#,
    r#"{"message":"success","errors":[{"index":1,"input_array":"attributes","type":"bad"},{"index":1,"type":"worse"}]}"#,
    r#"{"message":"Invalid API key: hunter2","errors":[{"index":0},{"index":"0","type":7},null]}"#,
    "<!DOCTYPE html><title>Sign in</title>",
    "",
];
const BODY_TOKENS: &[&str] = &[
    "\u{feff}",
    "\"index\":0,",
    "\"index\":18446744073709551615,",
    "\"index\":-1",
    "\"index\":1e3",
    "\"errors\":",
    "[",
    "]",
    "{",
    "}",
    "\"\\ud800\"",
    "null",
    ",",
    ":",
    "\"",
    "<html>",
];
const WAITS: &[&str] =
    &["7", "0.5", "1795466592", "1795466592000", "Mon, 23 Nov 2026 20:43:09 GMT", "Monday, 23-Nov-26 20:43:09 GMT", ""];
const WAIT_TOKENS: &[&str] = &[
    "-",
    "+",
    ".",
    "e",
    "e308",
    "e999",
    "inf",
    "NaN",
    "0x",
    "9999999999999999999",
    " ",
    "GMT",
    "+2400",
    "60",
    "31",
    "Feb",
];
const NAMES: &[&str] =
    &["retry-after", "x-ratelimit-retry-after", "x-ratelimit-reset", "date", "content-type", "location"];
const LONGEST: u64 = 3600;

fn now() -> DateTime<Utc> {
    "2026-11-23T20:43:04Z".parse().unwrap()
}

fn headers() -> impl Strategy<Value = HeaderMap> {
    let header = (prop::sample::select(NAMES), bytes(WAITS, WAIT_TOKENS)).prop_map(|(name, value)| {
        let is_allowed = |byte: &u8| *byte >= b' ' && *byte != 127;
        let value: Vec<u8> = value.into_iter().filter(is_allowed).collect();
        (HeaderName::from_static(name), HeaderValue::from_bytes(&value).unwrap())
    });
    prop::collection::vec(header, 0..4).prop_map(HeaderMap::from_iter)
}

proptest! {
    #![proptest_config(cases(800))]

    #[test]
    fn no_destination_is_waited_for_longer_than_an_hour(headers in headers()) {
        prop_assert!(asked(&headers, now()).is_none_or(|wait| wait.as_secs() <= LONGEST));
    }

    #[test]
    fn every_answer_has_one_meaning(
        status in prop_oneof![Just(200_u16), Just(201), Just(400), Just(401), 100..600_u16],
        headers in headers(), body in bytes(BODIES, BODY_TOKENS), count in 0..5_usize,
    ) {
        let meaning = read(StatusCode::from_u16(status).unwrap(), &headers, &body, count, now());
        let longest = body.len() * 2 + 500 + headers.values().map(|value| value.len() * 6).sum::<usize>();
        match &meaning {
            Ok(Meaning::Processed(processed)) => {
                prop_assert!(matches!(status, 200..=299 | 400 | 413));
                prop_assert!(processed.refused.is_sorted_by(|one, next| one.0 < next.0), "each object once");
                prop_assert!(processed.refused.iter().all(|(index, _)| *index < count));
                prop_assert!(processed.refused.iter().map(|(_, reason)| reason.len()).sum::<usize>() <= longest + 50 * body.len());
            }
            Ok(Meaning::RefusedTogether(message)) => {
                prop_assert!(matches!(status, 400 | 413) && message.len() <= longest);
            }
            Ok(Meaning::RateLimited(wait)) => {
                prop_assert!(status == 429 && wait.is_none_or(|wait| wait.as_secs() <= LONGEST));
            }
            Ok(Meaning::ServerError(_, wait)) => {
                prop_assert!(status >= 500 && wait.is_none_or(|wait| wait.as_secs() <= LONGEST));
            }
            Ok(Meaning::Transient(reason, wait)) => {
                prop_assert!(matches!(status, 200..=299 | 408 | 425) && reason.len() <= longest);
                prop_assert!(wait.is_none_or(|wait| wait.as_secs() <= LONGEST));
                let is_object = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&body).is_ok();
                prop_assert!(status >= 300 || !is_object, "objects that have arrived are sent again");
            }
            Err(SyncError::Config(cause)) => {
                prop_assert!(cause.len() <= longest && !cause.contains("hunter2"), "{}", cause);
            }
            Err(other) => prop_assert!(false, "{other:?}"),
        }
    }
}
