//! Values as plain text, and formats.

use openapi_model::schema::Types;
use openapi_model::shape::Shape;
use serde_json::Value as Json;

/// Formats that JSON Schema and OpenAPI define; others are only annotations.
const FORMATS: &[&str] = &[
    "date-time",
    "date",
    "time",
    "duration",
    "email",
    "idn-email",
    "hostname",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "uri",
    "uri-reference",
    "uri-template",
    "iri",
    "iri-reference",
    "uuid",
    "regex",
    "json-pointer",
    "relative-json-pointer",
    "byte",
    "binary",
    "base64",
    "base64url",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float",
    "double",
    "decimal",
];

/// Whether a format constrains values.
pub(super) fn is_known_format(name: &str) -> bool {
    FORMATS.contains(&name)
}

/// A value serialised as plain text.
pub(super) fn as_text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether every text that was valid still is.
pub(super) fn takes_texts(then: &Shape, now: &Shape) -> bool {
    let single = Types::NUMBER.with(Types::BOOLEAN).with(Types::STRING);
    let is_bound = now.min_length.is_some() || now.max_length.is_some() || !now.patterns.is_empty();
    let is_bound = is_bound || now.format.as_ref().is_some_and(|format| is_known_format(&format.value));
    if !now.types.holds(Types::STRING) || !single.holds(then.types) || then.types.meets(Types::STRING) || is_bound {
        return false;
    }
    let Some(after) = &now.enumeration else { return now.not.is_empty() };
    let has = |text: &str| after.iter().any(|value| as_text(&value.value) == text);
    match &then.enumeration {
        Some(before) => before.iter().all(|value| has(&as_text(&value.value))),
        None => then.types == Types::BOOLEAN && has("true") && has("false"),
    }
}
