//! Payloads and identifiers as sources may have them.

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;
use crate::fuzz::{cases, text};

const PAYLOADS: &[&str] = &[
    r#"{"email":"a@example.com","n":1.10,"nested":{"a":[1,null,true,"x\n\u00e9"]},"gone":null}"#,
    r#" {"name":"ordered","time":"2026-11-01T12:00:00Z","properties":{"total":12.5,"items":["a","b"]}} "#,
    "{\n  \"product_id\": \"sku\",\r\n  \"currency\": \"EUR\",\n  \"price\": 1e3, \"quantity\": 2, \"properties\": null\n}",
    r#"{"_update_existing_only":true}"#,
    "{a,b}",
    "{}",
    "",
];
const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    ",",
    ":",
    "\n",
    "\r",
    "\u{feff}",
    "\0",
    "1e400",
    "-0",
    "NaN",
    "None",
    "'",
    "\\ud800",
    "\\u0000",
    "\"external_id\":\"x\",",
    "\"email\":1,",
    "\"_update_existing_only\":1,",
    "\"time\":\"2026-02-30\",",
    "\"name\":\"\",",
    "\u{2028}",
];
const IDS: &[&str] = &["user-1", "a\"b\\c\nd", "", " ", "é\u{0}"];

fn identifier() -> impl Strategy<Value = Identifier> {
    (0..5, text(IDS, TOKENS)).prop_map(|(kind, text)| match kind {
        0 => Identifier::ExternalId(text),
        1 => Identifier::BrazeId(text),
        2 => Identifier::Email(text),
        3 => Identifier::Phone(text),
        _ => Identifier::Alias { name: text, label: "label".into() },
    })
}

proptest! {
    #![proptest_config(cases(1000))]

    /// What is sent is one line of JSON with the row's own identifier and all that the payload has; what is refused leaves no
    /// trace among the objects of its batch.
    #[test]
    fn a_row_becomes_one_object_or_nothing(
        payload in text(PAYLOADS, TOKENS), identifier in identifier(), kind in prop::sample::select(IntegrationKind::ALL),
        update_existing_only in prop::option::of(any::<bool>()), bare_deletes: bool,
    ) {
        let encoder = ObjectEncoder { kind, update_existing_only, bare_deletes };
        let row = Row::unkeyed(1_795_466_584_000_123, Some(identifier.clone()), Some(payload.clone()), None);
        let mut out = b"[".to_vec();
        if let Err(reason) = encoder.write(&row, &mut out) {
            prop_assert_eq!(out, b"[");
            prop_assert!(reason.len() < payload.len() + 300 && !reason.is_empty(), "{}", reason);
            return Ok(());
        }
        let written = std::str::from_utf8(&out[1..]).unwrap();
        prop_assert!(!written.contains(['\n', '\r']), "{}", written);
        serde_json::from_str::<serde::de::IgnoredAny>(written).map_err(|error| TestCaseError::fail(format!("{written}: {error}")))?;
        if kind == IntegrationKind::UserDeletes {
            return Ok(());
        }
        // Deep nesting and halves of surrogate pairs are the destination's to refuse.
        if let Ok(payload) = serde_json::from_str::<Map<String, Value>>(&payload) {
            let object: Map<String, Value> = serde_json::from_str(written).unwrap();
            let own: Map<String, Value> = serde_json::from_str(&identifier_object(&identifier)).unwrap();
            for (key, value) in own.iter().chain(&payload) {
                prop_assert_eq!(object.get(key), Some(value), "{}", written);
            }
            let added = ["time", "_update_existing_only"];
            let is_known = |key: &String| own.contains_key(key) || payload.contains_key(key) || added.contains(&key.as_str());
            prop_assert!(object.keys().all(is_known), "{}", written);
        }
    }

    #[test]
    fn a_time_in_rfc_3339_is_never_refused(time in text(&["2026-11-01T12:00:00Z", "2026-W44-7T12:00Z", "20261101", ""], TOKENS)) {
        let is_rfc_3339 = DateTime::parse_from_rfc3339(&time).is_ok();
        prop_assert!(!(is_rfc_3339 && event_time::is_wrong(&time)), "{} is refused", time);
        event_time::is_common(&time);
    }
}
