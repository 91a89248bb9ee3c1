//! The payload of a row: what it may contain.

use std::borrow::Cow;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::super::row::Identifier;
use super::attributes::{AttributeHasher, Attributes, Collector, UPDATE_EXISTING_ONLY};
use super::text::Text;
use super::{event_time, not_an_object};
use crate::text::{counted, grouped};
use crate::types::IntegrationKind;

/// The longest payload, in bytes.
pub const LONGEST_PAYLOAD: usize = 1_000_000;
/// The most keys a payload may have at its top.
const MOST_KEYS: usize = 250;
/// The largest quantity of a purchase.
const MOST_ITEMS: f64 = 100.0;
/// The longest name of an event, a product or a property, in characters.
const LONGEST_NAME: usize = 255;
/// Identifiers, which must be in columns of their own.
const IDENTIFIERS: [&str; 3] = ["external_id", "user_alias", "braze_id"];

/// A payload that can be sent.
#[derive(Debug, Default)]
pub struct Payload<'a> {
    /// The text between its braces.
    pub fields: &'a str,
    /// Whether it has a `time`.
    pub has_time: bool,
    /// Whether it has `_update_existing_only`.
    pub has_update_existing_only: bool,
}

impl<'a> Payload<'a> {
    /// Checks that a payload is an object that may be sent for this identifier.
    pub fn validate(payload: &'a str, kind: IntegrationKind, identifier: &Identifier) -> Result<Payload<'a>, String> {
        Payload::collect(payload, kind, identifier, None)
    }

    /// The same for attributes, and gives them.
    pub fn attributes(
        payload: &'a str,
        identifier: &Identifier,
        hasher: &AttributeHasher,
    ) -> Result<Attributes, String> {
        let mut collector = Collector::new(hasher, payload);
        Payload::collect(payload, IntegrationKind::Attributes, identifier, Some(&mut collector))?;
        Ok(collector.end())
    }

    fn collect(
        payload: &'a str,
        kind: IntegrationKind,
        identifier: &Identifier,
        attributes: Option<&mut Collector<'_, 'a>>,
    ) -> Result<Payload<'a>, String> {
        if payload.len() > LONGEST_PAYLOAD {
            let (bytes, most) = (counted(payload.len(), "byte"), grouped(LONGEST_PAYLOAD as u64));
            return Err(format!("PAYLOAD has {bytes}; {most} are allowed"));
        }
        let own = match identifier {
            Identifier::Email(_) => Some("email"),
            Identifier::Phone(_) => Some("phone"),
            _ => None,
        };
        if payload.trim_ascii().is_empty() {
            return Err("PAYLOAD is empty; it must be a JSON object".into());
        }
        let mut reader = serde_json::Deserializer::from_str(payload);
        let found = reader
            .deserialize_any(KeyVisitor { kind, own, attributes })
            .map_err(|error| not_an_object::reason(payload, &error))?;
        reader.end().map_err(|error| not_an_object::reason(payload, &error))?;
        found.accepted(kind)?;
        // What is valid begins with `{` and ends with `}`.
        let text = payload.trim_ascii();
        Ok(Payload {
            fields: text[1..text.len() - 1].trim_ascii(),
            has_time: found.time.is_some(),
            has_update_existing_only: found.update_existing_only,
        })
    }
}

/// Goes over the keys of an object.
struct KeyVisitor<'v, 'h, 'p> {
    kind: IntegrationKind,
    /// The key that the row's own identifier is sent under, where it is one that payloads have too.
    own: Option<&'static str>,
    /// Collects the attributes, if they are asked for.
    attributes: Option<&'v mut Collector<'h, 'p>>,
}

/// What was found.
#[derive(Default)]
struct Found<'a> {
    refused: Option<String>,
    update_existing_only: bool,
    name: Option<&'a RawValue>,
    product_id: Option<&'a RawValue>,
    currency: Option<&'a RawValue>,
    price: Option<&'a RawValue>,
    quantity: Option<&'a RawValue>,
    time: Option<&'a RawValue>,
    properties: Option<&'a RawValue>,
}

impl<'de> Visitor<'de> for KeyVisitor<'_, '_, 'de> {
    type Value = Found<'de>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> Result<Found<'de>, M::Error> {
        let mut found = Found::default();
        let mut count = 0;
        while let Some(key) = map.next_key::<Text<'de>>()? {
            let value: &RawValue = map.next_value()?;
            count += 1;
            let key = key.0.as_ref();
            if IDENTIFIERS.contains(&key) || self.own == Some(key) {
                let message =
                    || format!("PAYLOAD contains the identifier `{key}`; put identifiers in their own columns");
                found.refused.get_or_insert_with(message);
            }
            if is_out_of_range(value.get()) {
                let message = || {
                    format!(
                        "`{key}` is or contains a number that is too large, such as 1e400; numbers must be below 1.8e308"
                    )
                };
                found.refused.get_or_insert_with(message);
            }
            if let Some(attributes) = &mut self.attributes {
                attributes.add(key, value);
            }
            found.update_existing_only |= key == UPDATE_EXISTING_ONLY;
            if self.kind != IntegrationKind::Attributes {
                match key {
                    "name" => found.name = Some(value),
                    "product_id" => found.product_id = Some(value),
                    "currency" => found.currency = Some(value),
                    "price" => found.price = Some(value),
                    "quantity" => found.quantity = Some(value),
                    "time" => found.time = Some(value),
                    "properties" => found.properties = Some(value),
                    _ => {}
                }
            }
        }
        if count > MOST_KEYS {
            let message = || format!("PAYLOAD has {count} keys; {MOST_KEYS} are allowed");
            found.refused.get_or_insert_with(message);
        }
        Ok(found)
    }
}

impl Found<'_> {
    /// Whether an object of this kind can be made of it.
    fn accepted(&self, kind: IntegrationKind) -> Result<(), String> {
        if let Some(reason) = &self.refused {
            return Err(reason.clone());
        }
        match kind {
            IntegrationKind::Attributes | IntegrationKind::UserDeletes => return Ok(()),
            IntegrationKind::Events => name("name", self.name)?,
            IntegrationKind::Purchases => {
                name("product_id", self.product_id)?;
                let currency = text("currency", self.currency)?;
                if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_alphabetic()) {
                    return Err("`currency` must be an ISO 4217 code of three letters, such as \"EUR\"".into());
                }
                number("price", self.price.ok_or_else(|| missing("price"))?)?;
                self.quantity.map_or(Ok(()), quantity)?;
            }
        }
        if self.time.is_some() && event_time::is_wrong(&text("time", self.time)?) {
            return Err("`time` must be a date and time in ISO 8601, such as \"2026-11-01T12:00:00Z\"".into());
        }
        self.properties.map_or(Ok(()), properties)
    }
}

/// Whether a JSON value has a number that is infinite to programs that read it as a 64-bit floating-point number.
fn is_out_of_range(value: &str) -> bool {
    /// No number without an exponent and with fewer digits is out of range; any with 309 digits contains such a chunk.
    const DIGITS: usize = 150;
    let bytes = value.as_bytes();
    // Few values pass this test; only those are read completely.
    let has_exponent = memchr::memchr2_iter(b'e', b'E', bytes).any(|at| at > 0 && bytes[at - 1].is_ascii_digit());
    let is_candidate = has_exponent || bytes.chunks_exact(DIGITS).any(|chunk| chunk.iter().all(u8::is_ascii_digit));
    let out_of_range = |error: serde_json::Error| error.to_string().starts_with("number out of range");
    is_candidate && serde_json::from_str::<serde_json::Value>(value).is_err_and(out_of_range)
}

fn missing(key: &str) -> String {
    format!("PAYLOAD has no `{key}`")
}

fn number(key: &str, value: &RawValue) -> Result<(), String> {
    match value.get().as_bytes() {
        [b'0'..=b'9' | b'-', ..] => Ok(()),
        _ => Err(format!("`{key}` must be a number")),
    }
}

/// The service takes whole numbers of at most 100.
fn quantity(value: &RawValue) -> Result<(), String> {
    match value.get().parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && number <= MOST_ITEMS => Ok(()),
        _ => Err(format!("`quantity` must be a whole number of at most {MOST_ITEMS}")),
    }
}

fn text<'a>(key: &str, value: Option<&'a RawValue>) -> Result<Cow<'a, str>, String> {
    let value = value.ok_or_else(|| missing(key))?;
    let text = serde_json::from_str::<Text<'a>>(value.get()).map_err(|_| format!("`{key}` must be a string"))?.0;
    if text.is_empty() { Err(format!("`{key}` is empty")) } else { Ok(text) }
}

fn name(key: &str, value: Option<&RawValue>) -> Result<(), String> {
    let length = text(key, value)?.chars().count();
    if length > LONGEST_NAME {
        return Err(format!("`{key}` has {length} characters; {LONGEST_NAME} are allowed"));
    }
    Ok(())
}

/// Checks the names of an event's or a purchase's properties.
fn properties(value: &RawValue) -> Result<(), String> {
    struct Names;

    impl<'de> Visitor<'de> for Names {
        type Value = Option<String>;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_unit<E>(self) -> Result<Option<String>, E> {
            Ok(None)
        }

        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Option<String>, M::Error> {
            let mut refused = None;
            while let Some((Text(name), _)) = map.next_entry::<Text<'de>, IgnoredAny>()? {
                let wrong = match name.chars().count() {
                    0 => "a property's name is empty".to_owned(),
                    length if length > LONGEST_NAME => {
                        format!("a property's name has {length} characters; {LONGEST_NAME} are allowed")
                    }
                    _ if name.starts_with('$') => format!("the name of the property `{name}` begins with `$`"),
                    _ => continue,
                };
                refused.get_or_insert(wrong);
            }
            Ok(refused)
        }
    }

    let mut reader = serde_json::Deserializer::from_str(value.get());
    match reader.deserialize_any(Names) {
        Ok(None) => Ok(()),
        Ok(Some(reason)) => Err(reason),
        Err(_) => Err("`properties` must be an object".into()),
    }
}
