//! Row → the object that is delivered, or why the row is refused before anything is sent.
//!
//! The payload is looked over, not parsed and printed again: numbers keep their digits, and it is several times faster.

use std::borrow::Cow;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::row::{Identifier, Row};

/// The longest payload, in bytes.
const LONGEST_PAYLOAD: usize = 1_000_000;
/// The most keys a payload may have at its top.
const MOST_KEYS: usize = 250;
/// Keys that say whose object it is; the columns do that.
const IDENTIFIERS: [&str; 3] = ["external_id", "user_alias", "braze_id"];

/// Appends the attributes object of a row. On refusal nothing is appended, and the reason is for people.
pub fn write_attributes(row: &Row, out: &mut Vec<u8>) -> Result<(), String> {
    if let Some(flaw) = &row.flaw {
        return Err(flaw.clone());
    }
    let identifier = identifier(row)?;
    let payload = row.payload.as_deref().ok_or("PAYLOAD is null; it must be a JSON object")?;
    look_over(payload, identifier)?;
    // What was looked over begins with `{` and ends with `}`.
    let payload = payload.trim_ascii();
    let fields = payload[1..payload.len() - 1].trim_ascii();
    write_identifier(identifier, out);
    if !fields.is_empty() {
        out.push(b',');
        // Line breaks stand between values only, where a blank means the same: the object stays on one line.
        let start = out.len();
        out.extend_from_slice(fields.as_bytes());
        if fields.contains(['\n', '\r']) {
            out[start..].iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
        }
    }
    out.push(b'}');
    Ok(())
}

fn identifier(row: &Row) -> Result<&Identifier, String> {
    let identifier = row.identifier.as_ref().ok_or("the row has no identifier: all identifier columns are null")?;
    if identifier.texts().any(|text| text.trim().is_empty()) {
        return Err("the row's identifier is empty".into());
    }
    Ok(identifier)
}

/// An identifier by itself, as the object that it would be sent in.
pub fn identifier_object(identifier: &Identifier) -> String {
    let mut out = Vec::new();
    write_identifier(identifier, &mut out);
    out.push(b'}');
    String::from_utf8_lossy(&out).into_owned()
}

/// `{"external_id":"…"`, to be followed by fields or `}`.
fn write_identifier(identifier: &Identifier, out: &mut Vec<u8>) {
    let (name, value) = match identifier {
        Identifier::ExternalId(text) => ("external_id", text),
        Identifier::BrazeId(text) => ("braze_id", text),
        Identifier::Email(text) => ("email", text),
        Identifier::Phone(text) => ("phone", text),
        Identifier::Alias { name, label } => {
            out.extend_from_slice(b"{\"user_alias\":{\"alias_name\":");
            write_text(name, out);
            out.extend_from_slice(b",\"alias_label\":");
            write_text(label, out);
            out.push(b'}');
            return;
        }
    };
    out.extend_from_slice(b"{\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    write_text(value, out);
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    #[allow(clippy::expect_used)] // A text is JSON, and a vector takes every byte.
    serde_json::to_writer(out, text).expect("a text can be written as JSON");
}

/// Checks that a payload is an object that may be sent for this identifier.
fn look_over(payload: &str, identifier: &Identifier) -> Result<(), String> {
    if payload.len() > LONGEST_PAYLOAD {
        return Err(format!("PAYLOAD has {} bytes; {LONGEST_PAYLOAD} are allowed", payload.len()));
    }
    let keys = Keys {
        own: match identifier {
            Identifier::Email(_) => Some("email"),
            Identifier::Phone(_) => Some("phone"),
            _ => None,
        },
    };
    let mut reader = serde_json::Deserializer::from_str(payload);
    let refused = reader.deserialize_any(keys).map_err(|error| not_an_object(&error))?;
    reader.end().map_err(|error| not_an_object(&error))?;
    refused.map_or(Ok(()), Err)
}

fn not_an_object(error: &serde_json::Error) -> String {
    format!("PAYLOAD is not a JSON object: {error}")
}

/// Goes over the keys of an object; the result is why it is refused.
struct Keys {
    /// The key that the row's own identifier is sent under, where it is one that payloads have too.
    own: Option<&'static str>,
}

impl<'de> Visitor<'de> for Keys {
    type Value = Option<String>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Option<String>, M::Error> {
        let mut refused = None;
        let mut count = 0;
        while let Some(key) = map.next_key::<Key<'de>>()? {
            let _: &RawValue = map.next_value()?;
            count += 1;
            let key = key.0.as_ref();
            if IDENTIFIERS.contains(&key) || self.own == Some(key) {
                let message =
                    || format!("PAYLOAD contains the identifier `{key}`; identifiers belong into their columns");
                refused.get_or_insert_with(message);
            }
        }
        if count > MOST_KEYS {
            let message = || format!("PAYLOAD has {count} keys; {MOST_KEYS} are allowed");
            refused.get_or_insert_with(message);
        }
        Ok(refused)
    }
}

/// A key, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn row(identifier: Option<Identifier>, payload: Option<&str>) -> Row {
        Row { updated_at: 0, identifier, payload: payload.map(str::to_owned), flaw: None }
    }

    fn user() -> Option<Identifier> {
        Some(Identifier::ExternalId("u\"1".into()))
    }

    fn object(row: &Row) -> Result<String, String> {
        let mut out = b"before ".to_vec();
        let result = write_attributes(row, &mut out);
        let text = String::from_utf8(out).unwrap();
        let text = text.strip_prefix("before ").unwrap().to_owned();
        match result {
            Ok(()) => {
                serde_json::from_str::<serde_json::Value>(&text).unwrap();
                Ok(text)
            }
            Err(reason) => {
                assert_eq!(text, "", "nothing is appended on refusal");
                Err(reason)
            }
        }
    }

    #[test]
    fn the_identifier_stands_before_the_payload_whose_digits_are_kept() {
        let payload = " {\"n\":1.10, \"big\":12345678901234567890123,\n\"a\":null} ";
        assert_eq!(
            object(&row(user(), Some(payload))).unwrap(),
            r#"{"external_id":"u\"1","n":1.10, "big":12345678901234567890123, "a":null}"#
        );
        assert_eq!(object(&row(user(), Some("{ }"))).unwrap(), r#"{"external_id":"u\"1"}"#);
    }

    #[test]
    fn every_identifier_has_its_place() {
        for (identifier, expected) in [
            (Identifier::BrazeId("b".into()), r#"{"braze_id":"b","x":1}"#),
            (Identifier::Email("e@x".into()), r#"{"email":"e@x","x":1}"#),
            (Identifier::Phone("+1".into()), r#"{"phone":"+1","x":1}"#),
            (
                Identifier::Alias { name: "n".into(), label: "l".into() },
                r#"{"user_alias":{"alias_name":"n","alias_label":"l"},"x":1}"#,
            ),
        ] {
            assert_eq!(identifier_object(&identifier), expected.replace(r#","x":1"#, ""));
            assert_eq!(object(&row(Some(identifier), Some(r#"{"x":1}"#))).unwrap(), expected);
        }
    }

    #[test]
    fn rows_that_cannot_be_sent_are_refused_with_the_reason() {
        let many: Vec<String> = (0..251).map(|number| format!("\"k{number}\":1")).collect();
        let many = format!("{{{}}}", many.join(","));
        let long = format!("{{\"k\":\"{}\"}}", "x".repeat(LONGEST_PAYLOAD));
        for (payload, expected) in [
            (None, "PAYLOAD is null"),
            (Some(""), "not a JSON object"),
            (Some("[1]"), "not a JSON object"),
            (Some("7"), "not a JSON object"),
            (Some("{\"a\":1}{"), "not a JSON object"),
            (Some("{\"a\":}"), "not a JSON object"),
            (Some(r#"{"external_id":"x"}"#), "identifier `external_id`"),
            (Some(r#"{"\u0062raze_id":"x"}"#), "identifier `braze_id`"),
            (Some(r#"{"user_alias":{}}"#), "identifier `user_alias`"),
            (Some(many.as_str()), "251 keys"),
            (Some(long.as_str()), "1000008 bytes"),
        ] {
            let reason = object(&row(user(), payload)).unwrap_err();
            assert!(reason.contains(expected), "{reason}");
        }
        assert!(object(&row(None, Some("{}"))).unwrap_err().contains("no identifier"));
        let empty = Some(Identifier::ExternalId(" ".into()));
        assert!(object(&row(empty, Some("{}"))).unwrap_err().contains("empty"));
    }

    #[test]
    fn an_email_is_an_attribute_unless_it_is_the_identifier() {
        let payload = Some(r#"{"email":"new@example.com"}"#);
        assert!(object(&row(user(), payload)).is_ok());
        let by_email = Some(Identifier::Email("old@example.com".into()));
        assert!(object(&row(by_email, payload)).unwrap_err().contains("identifier `email`"));
    }
}
