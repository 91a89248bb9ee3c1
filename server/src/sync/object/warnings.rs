//! What a preview warns of in an object that is sent: the service may refuse it, or may read it in another way than it was
//! meant. A sync does not look for it, because that takes time and the service decides.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::missing_value::missing_value;
use super::{ObjectEncoder, event_time, fields};
use crate::sync::row::{Identifier, Row};
use crate::types::IntegrationKind;

/// The longest user ID that Braze's SDKs take, in bytes.
const LONGEST_ID: usize = 997;
/// The longest text among the properties of an event or a purchase, in characters.
const LONGEST_PROPERTY: usize = 255;

/// A warning about a row that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What it is about.
    pub kind: WarningKind,
    /// Its text.
    pub text: String,
}

/// What a warning is about. `cdi-server check` shows one of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarningKind {
    /// An `UPDATED_AT` that is probably no time.
    UpdatedAt,
    /// An identifier that is a missing value in writing.
    MissingIdentifier,
    /// An identifier of a form that the service may refuse.
    Identifier,
    /// Characters that the service may refuse.
    Characters,
    /// A key that an object has more than once.
    RepeatedKey,
    /// A payload of another type of integration.
    OtherType,
    /// A key that events or purchases do not have.
    UnknownField,
    /// The `time` of an event or a purchase.
    Time,
    /// The `quantity` of a purchase.
    Quantity,
    /// A property of an event or a purchase.
    Property,
}

impl WarningKind {
    /// A warning of this kind.
    pub fn says(self, text: impl Into<String>) -> Warning {
        Warning { kind: self, text: text.into() }
    }
}

/// The warnings for a row that the encoder takes.
pub fn warnings(encoder: ObjectEncoder, row: &Row) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = row.identifier.as_ref().map(of_identifier).unwrap_or_default();
    let Some(payload) = row.payload.as_deref().filter(|_| encoder.kind != IntegrationKind::UserDeletes) else {
        return warnings;
    };
    let mut repeated = Vec::new();
    let walk = Walk { path: "", repeated: &mut repeated };
    // What is not JSON was refused before; only what JSON itself allows is left.
    if let Err(error) = walk.deserialize(&mut serde_json::Deserializer::from_str(payload)) {
        warnings.push(WarningKind::Characters.says(match error.to_string() {
            text if text.contains("surrogate") || text.contains("end of hex escape") => format!(
                "PAYLOAD has half of a character, such as \\ud83d without \\ude00, at line {} column {}; Braze may refuse it",
                error.line(),
                error.column()
            ),
            text => format!("PAYLOAD may not be understood: {text}"),
        }));
    }
    if has_null_character(payload) {
        warnings.push(WarningKind::Characters.says("PAYLOAD has the null character \\u0000; Braze may refuse it"));
    }
    warnings.extend(repeated.into_iter().map(|key| {
        WarningKind::RepeatedKey
            .says(format!("PAYLOAD has the key `{key}` more than once; most readers keep only the last"))
    }));
    if let Ok(object) = serde_json::from_str::<Map<String, Value>>(payload) {
        match encoder.kind {
            IntegrationKind::Attributes | IntegrationKind::UserDeletes => {
                warnings.extend(fields::of_another_type(&object).map(|text| WarningKind::OtherType.says(text)));
            }
            kind @ (IntegrationKind::Events | IntegrationKind::Purchases) => {
                warnings.extend(fields::unknown(kind, &object).map(|text| WarningKind::UnknownField.says(text)));
                warnings.extend(happenings(&object));
            }
        }
    }
    warnings
}

/// The warnings for an identifier.
fn of_identifier(identifier: &Identifier) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if let Some((column, text)) = missing_value(identifier) {
        warnings.push(WarningKind::MissingIdentifier.says(format!(
            "{column} is the text {text:?}; a missing value was probably exported as text, and a view with `nullif({column}, '{text}')` \
             makes it null again"
        )));
        return warnings;
    }
    if let Identifier::ExternalId(id) = identifier
        && id.len() > LONGEST_ID
    {
        warnings.push(WarningKind::Identifier.says(format!(
            "EXTERNAL_ID has {} bytes; Braze's SDKs take at most {LONGEST_ID}, so Braze may refuse it",
            id.len()
        )));
    }
    if let Identifier::ExternalId(id) | Identifier::BrazeId(id) = identifier
        && id.trim() != id
    {
        warnings.push(WarningKind::Identifier.says("the identifier begins or ends with a space"));
    }
    if let Identifier::Email(email) = identifier
        && !email.contains('@')
    {
        warnings.push(WarningKind::Identifier.says("EMAIL does not look like an e-mail address"));
    }
    warnings
}

/// Whether a JSON text has the escape `\u0000`. In `\\u0000` the backslash itself is escaped.
fn has_null_character(payload: &str) -> bool {
    payload.match_indices("\\u0000").any(|(at, _)| {
        let backslashes = payload[..at].bytes().rev().take_while(|byte| *byte == b'\\').count();
        backslashes.is_multiple_of(2)
    })
}

/// The warnings for the values of an event or a purchase.
fn happenings(object: &Map<String, Value>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if let Some(time) = object.get("time").and_then(Value::as_str)
        && !event_time::is_common(time)
    {
        warnings.push(WarningKind::Time.says("`time` may not be understood; write it like \"2026-11-01T12:00:00Z\""));
    }
    if object.get("quantity").and_then(Value::as_f64).is_some_and(|quantity| quantity < 1.0) {
        warnings.push(
            WarningKind::Quantity
                .says("`quantity` is less than 1; Braze counts a quantity of 3 as 3 purchases, so this may be none"),
        );
    }
    for (name, value) in object.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let length = value.as_str().map_or(0, |text| text.chars().count());
        if length > LONGEST_PROPERTY {
            warnings.push(WarningKind::Property.says(format!(
                "the property `{name}` has {length} characters; Braze documents at most {LONGEST_PROPERTY}"
            )));
        }
    }
    warnings
}

/// Finds keys that an object has more than once, at any depth.
struct Walk<'a> {
    path: &'a str,
    repeated: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<(), S::Error> {
        while seq.next_element_seed(Walk { path: self.path, repeated: &mut *self.repeated })?.is_some() {}
        Ok(())
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let path = if self.path.is_empty() { key.clone() } else { format!("{}.{key}", self.path) };
            map.next_value_seed(Walk { path: &path, repeated: &mut *self.repeated })?;
            if !seen.insert(key) && !self.repeated.contains(&path) {
                self.repeated.push(path);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(kind: IntegrationKind, id: &str, payload: &str) -> Vec<String> {
        let row = Row::unkeyed(0, Some(Identifier::ExternalId(id.into())), Some(payload.into()), None);
        let encoder = ObjectEncoder { kind, update_existing_only: None, bare_deletes: false };
        encoder.write(&row, &mut Vec::new()).unwrap();
        warnings(encoder, &row).into_iter().map(|warning| warning.text).collect()
    }

    #[test]
    fn an_identifier_that_is_a_written_missing_value_is_warned_of() {
        assert_eq!(
            found(IntegrationKind::Attributes, "NULL", "{}"),
            [
                "EXTERNAL_ID is the text \"NULL\"; a missing value was probably exported as text, and a view with `nullif(EXTERNAL_ID, 'NULL')` makes it null again"
            ]
        );
    }

    #[test]
    fn properties_outside_of_properties_are_warned_of() {
        assert_eq!(
            found(IntegrationKind::Events, "a", r#"{"name":"login","plan":"pro"}"#),
            ["`plan` is not a field of an event; put it in `properties`"]
        );
        assert_eq!(
            found(
                IntegrationKind::Purchases,
                "a",
                r#"{"product_id":"p","currency":"EUR","price":1,"name":"n","size":2}"#
            ),
            ["`name`, `size` are not fields of a purchase; put them in `properties`"]
        );
        assert_eq!(
            found(IntegrationKind::Events, "a", r#"{"name":"e","a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1}"#),
            ["`a`, `b`, `c`, `d`, `e` and 2 more are not fields of an event; put them in `properties`"]
        );
        for all in [
            r#"{"name":"e","time":"2026-11-01T12:00:00Z","properties":{},"app_id":"x","_update_existing_only":true}"#,
            r#"{"name":"e","email":"a@example.com","phone":"+1"}"#,
        ] {
            assert_eq!(found(IntegrationKind::Events, "a", all), [""; 0]);
        }
    }

    #[test]
    fn events_and_purchases_among_attributes_are_warned_of() {
        let found = |payload: &str| found(IntegrationKind::Attributes, "a", payload);
        let says = |what: &str, kind: &str| {
            format!(
                "PAYLOAD looks like {what}, but the `type` of the integration is `attributes`; should it be `{kind}`?"
            )
        };
        for (payload, fields) in [
            (
                r#"{"name":"e","time":"2026-11-01T12:00:00Z","properties":{},"plan":"pro"}"#,
                "(`name`, `time`, `properties`)",
            ),
            (r#"{"name":"e","time":"2026-11-01T12:00:00Z"}"#, "(`name`, `time`)"),
            (r#"{"name":"e","properties":{"a":1}}"#, "(`name`, `properties`)"),
        ] {
            assert_eq!(found(payload), [says(&format!("an event {fields}"), "events")]);
        }
        assert_eq!(
            found(r#"{"product_id":"p","currency":"EUR","price":1}"#),
            [says("a purchase (`product_id`, `currency`, `price`)", "purchases")]
        );
        for attributes in [
            r#"{"name":"Ann"}"#,
            r#"{"name":"Ann","time":"late"}"#,
            r#"{"name":"Ann","time":"2026-11-01T12:00:00Z","plan":"pro"}"#,
            r#"{"name":"Ann","properties":3}"#,
            r#"{"currency":"EUR","price":1}"#,
        ] {
            assert_eq!(found(attributes), [""; 0], "{attributes}");
        }
    }

    #[test]
    fn what_the_service_may_refuse_is_warned_of() {
        let (long_id, long_text) = ("x".repeat(1100), "y".repeat(300));
        assert_eq!(
            found(IntegrationKind::Attributes, &long_id, r#"{"a":{"b":1,"b":[{"c":1,"c":2}]},"d":1,"d":2,"d":3}"#),
            [
                "EXTERNAL_ID has 1100 bytes; Braze's SDKs take at most 997, so Braze may refuse it",
                "PAYLOAD has the key `a.b.c` more than once; most readers keep only the last",
                "PAYLOAD has the key `a.b` more than once; most readers keep only the last",
                "PAYLOAD has the key `d` more than once; most readers keep only the last",
            ]
        );
        assert_eq!(found(IntegrationKind::Attributes, " a", "{}"), ["the identifier begins or ends with a space"]);
        let event = format!(r#"{{"name":"e","time":"2026-11-01 12:00 UTC","properties":{{"p":"{long_text}"}}}}"#);
        assert_eq!(
            found(IntegrationKind::Events, "a", &event),
            [
                "`time` may not be understood; write it like \"2026-11-01T12:00:00Z\"",
                "the property `p` has 300 characters; Braze documents at most 255",
            ]
        );
        assert_eq!(
            found(IntegrationKind::Purchases, "a", r#"{"product_id":"p","currency":"EUR","price":1,"quantity":0}"#),
            ["`quantity` is less than 1; Braze counts a quantity of 3 as 3 purchases, so this may be none"]
        );
    }

    #[test]
    fn escapes_that_are_no_characters_are_warned_of() {
        for payload in [r#"{"a":"\ud800"}"#, r#"{"a":"\ud800x"}"#, r#"{"a":"\udc00"}"#, r#"{"a":"\ud800\n"}"#] {
            let [warning] = &found(IntegrationKind::Attributes, "a", payload)[..] else { panic!("{payload}") };
            assert!(warning.starts_with("PAYLOAD has half of a character"), "{payload}: {warning}");
        }
        let null = "PAYLOAD has the null character \\u0000; Braze may refuse it";
        assert_eq!(found(IntegrationKind::Attributes, "a", r#"{"a":"\u0000"}"#), [null]);
        assert_eq!(found(IntegrationKind::Attributes, "a", r#"{"a":"\\u0000 \ud83d\ude00"}"#), [""; 0]);
    }

    #[test]
    fn what_is_as_documented_is_not_warned_of() {
        let event =
            r#"{"name":"e","time":"2026-11-01T12:00:00Z","properties":{"p":"text","q":[1,{"p":null}],"r":-1.5}}"#;
        assert_eq!(found(IntegrationKind::Events, &"x".repeat(997), event), [""; 0]);
        assert_eq!(found(IntegrationKind::Attributes, "a", r#"{"time":"tomorrow","quantity":0}"#), [""; 0]);
    }
}
