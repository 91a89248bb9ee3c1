//! The attributes of a payload, with digests by which they are compared with those that the destination has.
//!
//! Values are compared by meaning: white space, the order of keys, escapes in strings and the notation of a number make no
//! difference, the order of an array does. A digest is of the name and the value, so that equal digests under one name are
//! equal attributes. Values that change what is there, such as `{"inc": 1}`, have no digest: they are never the same.

use std::ops::Range;

use highway::{HighwayHash as _, HighwayHasher};
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::text::Text;

/// Values that are nested deeper are never the same.
const MAX_DEPTH: usize = 32;
/// Keys that say how to read an object, and are no attributes.
const DIRECTIVES: [&str; 3] = ["_merge_objects", UPDATE_EXISTING_ONLY, "push_token_import"];
/// Whether users that the destination does not know are left out.
pub const UPDATE_EXISTING_ONLY: &str = "_update_existing_only";
/// Attributes that are addresses, and those that services set anew when an address changes: whoever has unsubscribed may be
/// subscribed again. So these are sent with each new address.
const ADDRESSES: [&str; 2] = ["email", "phone"];
const SUBSCRIPTIONS: [&str; 2] = ["email_subscribe", "subscription_groups"];
/// Keys of objects that say how to change an attribute.
const OPERATIONS: [&str; 5] = ["inc", "add", "remove", "update", "dec"];
/// The only key with a `$` that says how to read a value, and not how to change it.
const TYPE_OF_VALUE: &str = "$time";

/// An attribute of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// A number for its name, not 0. Different names may have the same: then neither has a digest.
    pub name: u32,
    /// The digest of its name and value; `None` if it is never the same as before.
    pub digest: Option<u64>,
    /// Where its name and value are in the payload.
    pub text: Range<usize>,
}

/// The attributes of a payload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// The attributes, by name.
    pub attributes: Vec<Attribute>,
    /// Where the keys are that say how to read the others. They are part of every object.
    pub directives: Vec<Range<usize>>,
    /// Whether `_update_existing_only` is among them.
    pub has_update_existing_only: bool,
}

impl Attributes {
    /// About how many bytes they take.
    pub fn size(&self) -> usize {
        self.attributes.len() * size_of::<Attribute>() + self.directives.len() * size_of::<Range<usize>>()
    }
}

/// Makes digests. They are kept in stores: the same attribute and key must give the same in every build.
#[derive(Debug, Clone)]
pub struct AttributeHasher(highway::Key);

impl AttributeHasher {
    /// With the key of a store.
    pub fn new(key: highway::Key) -> AttributeHasher {
        AttributeHasher(key)
    }

    fn digest(&self, parts: &[&[u8]]) -> u64 {
        let mut hasher = HighwayHasher::new(self.0);
        for part in parts {
            hasher.append(&(part.len() as u64).to_le_bytes());
            hasher.append(part);
        }
        hasher.finalize64()
    }

    /// The digest of a value with this name; `None` if it says how to change an attribute.
    fn of(&self, name: &str, value: &str, depth: usize) -> Option<u64> {
        let name = name.as_bytes();
        let as_text = |value: &str| Some(self.digest(&[name, b"text", value.as_bytes()]));
        match value.as_bytes() {
            [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => Some(self.digest(&[name, b"string", inner])),
            [b'"', ..] => match serde_json::from_str::<Text<'_>>(value) {
                Ok(Text(text)) => Some(self.digest(&[name, b"string", text.as_bytes()])),
                Err(_) => as_text(value),
            },
            [b'-' | b'0'..=b'9', ..] => Some(self.digest(&[name, b"number", canonical_number(value).as_bytes()])),
            [b'[', ..] if depth < MAX_DEPTH => {
                let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(value) else { return as_text(value) };
                let digests: Option<Vec<[u8; 8]>> =
                    elements.iter().map(|value| Some(self.of("", value.get(), depth + 1)?.to_le_bytes())).collect();
                Some(self.digest(&[name, b"array", digests?.as_flattened()]))
            }
            [b'{', ..] if depth < MAX_DEPTH => match Members::read(value) {
                Ok(members) => self.of_object(name, value, members, depth),
                Err(_) => as_text(value),
            },
            // Nested too deeply.
            [b'[' | b'{', ..] => None,
            // `true`, `false` or `null`.
            _ => as_text(value),
        }
    }

    fn of_object(&self, name: &[u8], value: &str, members: Members<'_>, depth: usize) -> Option<u64> {
        let is_operation = |key: &str| OPERATIONS.contains(&key) || key.starts_with('$') && key != TYPE_OF_VALUE;
        if members.0.iter().any(|(key, _)| is_operation(&key.0)) {
            return None;
        }
        let mut digests = Vec::with_capacity(members.0.len());
        for (key, value) in &members.0 {
            let name = self.digest(&[key.0.as_bytes()]);
            digests.push([name.to_le_bytes(), self.of(&key.0, value.get(), depth + 1)?.to_le_bytes()]);
        }
        digests.sort_unstable();
        // Of equal keys one wins, which depends on their order.
        if digests.windows(2).any(|pair| pair[0][0] == pair[1][0]) {
            return Some(self.digest(&[name, b"text", value.as_bytes()]));
        }
        Some(self.digest(&[name, b"object", digests.as_flattened().as_flattened()]))
    }
}

/// The members of an object, in their order.
struct Members<'a>(Vec<(Text<'a>, &'a RawValue)>);

impl<'a> Members<'a> {
    fn read(object: &'a str) -> Result<Members<'a>, serde_json::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members<'de>, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        serde_json::Deserializer::from_str(object).deserialize_map(All)
    }
}

/// A number without the freedom of its notation: digits without zeros at either end, and the power of ten they are multiplied
/// with.
fn canonical_number(text: &str) -> String {
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |text| ("-", text));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    // Numbers that are too large or too small for this are refused or sent as they are.
    let Ok(exponent) = exponent.parse::<i32>() else { return format!("{sign}{text}") };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let stripped = digits.trim_end_matches('0');
    let zeros = digits.len() - stripped.len();
    let exponent = i64::from(exponent) - fraction.len() as i64 + zeros as i64;
    match stripped.trim_start_matches('0') {
        // There is one zero, without a sign.
        "" => "0".to_owned(),
        digits => format!("{sign}{digits}e{exponent}"),
    }
}

/// Collects the attributes of a payload while it is validated.
#[derive(Debug)]
pub struct Collector<'h, 'p> {
    hasher: &'h AttributeHasher,
    payload: &'p str,
    /// Where the last value ended.
    end: usize,
    found: Attributes,
    /// Digests of the directives, and of the addresses.
    directives: Vec<[u8; 8]>,
    addresses: Vec<[u8; 8]>,
    /// The numbers of the names of subscriptions.
    subscriptions: Vec<u32>,
    /// Whether the destination may leave the object out without saying so.
    may_be_ignored: bool,
}

impl<'h, 'p> Collector<'h, 'p> {
    /// Before the first key of a payload.
    pub fn new(hasher: &'h AttributeHasher, payload: &'p str) -> Collector<'h, 'p> {
        Collector {
            hasher,
            payload,
            end: 0,
            found: Attributes::default(),
            directives: Vec::new(),
            addresses: Vec::new(),
            subscriptions: Vec::new(),
            may_be_ignored: false,
        }
    }

    /// Adds the next key and its value, which must be a part of the payload.
    pub fn add(&mut self, key: &str, value: &RawValue) {
        let value = value.get();
        let end = (value.as_ptr() as usize).wrapping_sub(self.payload.as_ptr() as usize) + value.len();
        // What stands between the last value and this one ends with the key and a colon.
        let between = &self.payload[self.end..end];
        let start = end
            - between.trim_start_matches(|char: char| matches!(char, '{' | ',') || char.is_ascii_whitespace()).len();
        self.end = end;
        if DIRECTIVES.contains(&key) {
            if key == UPDATE_EXISTING_ONLY {
                self.found.has_update_existing_only = true;
                self.may_be_ignored |= value != "false";
            }
            self.directives.push(self.hasher.of(key, value, 0).unwrap_or_default().to_le_bytes());
            self.found.directives.push(start..end);
        } else {
            let name = (self.hasher.digest(&[b"name", key.as_bytes()]) as u32).max(1);
            let digest = self.hasher.of(key, value, 0);
            if ADDRESSES.contains(&key) {
                self.addresses.push(digest.unwrap_or_default().to_le_bytes());
            } else if SUBSCRIPTIONS.contains(&key) {
                self.subscriptions.push(name);
            }
            self.found.attributes.push(Attribute { name, digest, text: start..end });
        }
    }

    /// The attributes.
    pub fn end(mut self) -> Attributes {
        let attributes = &mut self.found.attributes;
        attributes.sort_by_key(|attribute| attribute.name);
        for place in 1..attributes.len() {
            if attributes[place - 1].name == attributes[place].name {
                (attributes[place - 1].digest, attributes[place].digest) = (None, None);
            }
        }
        if !self.addresses.is_empty() {
            self.addresses.sort_unstable();
            let is_subscription = |attribute: &&mut Attribute| self.subscriptions.contains(&attribute.name);
            let subscriptions = attributes.iter_mut().filter(is_subscription);
            add_to_digests(self.hasher, subscriptions, b"addresses", self.addresses.as_flattened());
        }
        if self.may_be_ignored {
            attributes.iter_mut().for_each(|attribute| attribute.digest = None);
        } else if !self.directives.is_empty() {
            self.directives.sort_unstable();
            add_to_digests(self.hasher, attributes.iter_mut(), b"directives", self.directives.as_flattened());
        }
        self.found
    }
}

/// Makes attributes differ if something else does that they depend on.
fn add_to_digests<'a>(
    hasher: &AttributeHasher,
    attributes: impl Iterator<Item = &'a mut Attribute>,
    kind: &[u8],
    digests: &[u8],
) {
    let added = hasher.digest(&[kind, digests]).to_le_bytes();
    for digest in attributes.filter_map(|attribute| attribute.digest.as_mut()) {
        *digest = hasher.digest(&[&digest.to_le_bytes(), &added]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::ObjectEncoder;
    use super::*;
    use crate::sync::row::{Identifier, Row};
    use crate::types::IntegrationKind;

    const ENCODER: ObjectEncoder =
        ObjectEncoder { kind: IntegrationKind::Attributes, update_existing_only: Some(false), bare_deletes: true };

    fn row(payload: &str) -> Row {
        Row::unkeyed(0, Some(Identifier::ExternalId("u".into())), Some(payload.into()), None)
    }

    fn attributes(payload: &str) -> Attributes {
        ENCODER.attributes(&row(payload), &AttributeHasher::new(highway::Key([1, 2, 3, 4]))).unwrap()
    }

    /// The digest of the only attribute.
    fn digest(payload: &str) -> Option<u64> {
        let [only] = &attributes(payload).attributes[..] else { panic!("{payload}") };
        only.digest
    }

    fn of(value: &str) -> Option<u64> {
        digest(&format!("{{\"a\": {value} }}"))
    }

    #[test]
    fn values_of_one_meaning_have_one_digest() {
        for same in [
            vec!["1", "1.0", "1e0", "1.00E+0", "10e-1", "0.1e1"],
            vec!["0", "-0", "0.0", "0e7", "-0.00"],
            vec!["-12.5", "-1.25e1", "-125E-1"],
            vec!["100", "1e2", "100.0"],
            vec![r#""é\n""#, r#""\u00e9\u000a""#],
            vec![r#"{"x":1,"y":[1,{"z":null}]}"#, r#" { "y" : [ 1.0 , {"z":null} ] , "x" : 1 } "#],
            vec!["[1,2]", "[ 1,\n2.0 ]"],
            vec![r#"{"$time":"2026-01-01"}"#, r#"{ "\u0024time":"2026-01-01"}"#],
        ] {
            let digests: Vec<Option<u64>> = same.iter().map(|value| of(value)).collect();
            assert!(digests[0].is_some() && digests.iter().all(|digest| *digest == digests[0]), "{same:?}");
        }
    }

    #[test]
    fn values_of_different_meanings_have_different_digests() {
        let different = [
            "0",
            "1",
            "-1",
            "10",
            "0.1",
            "1.5",
            "9007199254740992",
            "9007199254740993",
            "18446744073709551616",
            "18446744073709551617",
            "true",
            "false",
            "null",
            r#""1""#,
            r#""""#,
            r#""true""#,
            r#""null""#,
            "[]",
            "{}",
            "[1,2]",
            "[2,1]",
            "[[1],2]",
            "[1,[2]]",
            r#"["1",2]"#,
            r#"{"x":1}"#,
            r#"{"x":2}"#,
            r#"{"y":1}"#,
            r#"{"x":{"y":1}}"#,
            r#"{"x":1,"y":2}"#,
            r#"{"x":2,"y":1}"#,
            r#"{"x":1,"x":2}"#,
            r#"{"x":2,"x":1}"#,
            "[null]",
            r#"[{"x":1}]"#,
        ];
        let digests: std::collections::HashSet<u64> = different.iter().map(|value| of(value).unwrap()).collect();
        assert_eq!(digests.len(), different.len());
        assert_ne!(digest(r#"{"a":1}"#), digest(r#"{"b":1}"#), "the name is part of it");
        // Kept in stores: it must not change from build to build.
        assert_eq!(of(r#"{"x":[1.5,"é"]}"#), Some(DIGEST));
    }

    const DIGEST: u64 = 6_047_761_185_323_799_343;

    #[test]
    fn values_that_change_what_is_there_are_never_the_same() {
        for value in [
            r#"{"inc":1}"#,
            r#"{"add":["x"]}"#,
            r#"{"remove":["x"]}"#,
            r#"{"$add":[{"x":1}]}"#,
            r#"{"$update":[]}"#,
            r#"{"x":{"y":[{"$remove":[1]}]}}"#,
            r#"{"\u0069nc":1}"#,
        ] {
            assert_eq!(of(value), None, "{value}");
        }
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(of(&deep), None, "nested too deeply to be compared");
        let twice = attributes(r#"{"a":1,"b":2,"a":1}"#).attributes;
        let digests: Vec<bool> = twice.iter().map(|attribute| attribute.digest.is_some()).collect();
        assert_eq!(digests.iter().filter(|is_some| **is_some).count(), 1, "which `a` counts depends on the reader");
    }

    #[test]
    fn directives_are_part_of_every_object_and_of_every_digest() {
        let merged = attributes(r#"{"_merge_objects": true, "a": {"x":1}}"#);
        assert_eq!(merged.directives.len(), 1);
        assert_ne!(merged.attributes[0].digest, digest(r#"{"a":{"x":1}}"#));
        assert_ne!(
            merged.attributes[0].digest,
            attributes(r#"{"a":{"x":1},"_merge_objects":false}"#).attributes[0].digest
        );
        assert_eq!(
            merged.attributes[0].digest,
            attributes(r#"{"a":{"x":1.0},"_merge_objects":true}"#).attributes[0].digest
        );
        let ignored = attributes(r#"{"a":1,"_update_existing_only":true}"#);
        assert_eq!(ignored.attributes[0].digest, None, "nobody knows whether the destination takes it");
        let taken = attributes(r#"{"a":1,"_update_existing_only":false}"#);
        assert!(taken.attributes[0].digest.is_some() && taken.has_update_existing_only);
    }

    /// Whether the attribute of this name has one digest in both payloads.
    fn is_same(name: &str, one: &str, other: &str) -> bool {
        let [one, other] = [one, other].map(|payload| {
            let is_it = |attribute: &&Attribute| payload[attribute.text.clone()].starts_with(&format!("{name:?}"));
            attributes(payload).attributes.iter().find(is_it).unwrap().digest.unwrap()
        });
        one == other
    }

    #[test]
    fn subscriptions_are_sent_again_with_a_new_address() {
        let payload = |email: &str, phone: &str| {
            format!(
                r#"{{"email":"{email}","x":1,"phone":"{phone}","email_subscribe":"unsubscribed","subscription_groups":[]}}"#
            )
        };
        let before = payload("a@example.com", "+1");
        for after in [payload("b@example.com", "+1"), payload("a@example.com", "+2")] {
            assert!(!is_same("email_subscribe", &before, &after) && !is_same("subscription_groups", &before, &after));
            assert!(is_same("x", &before, &after));
        }
        let other_order =
            r#"{"subscription_groups":[],"phone":"+1","email_subscribe":"unsubscribed","email":"a@example.com"}"#;
        assert!(is_same("email_subscribe", &before, other_order));
    }

    #[test]
    fn other_names_with_an_underscore_are_attributes() {
        assert!(attributes(r#"{"_score":5}"#).directives.is_empty());
        assert!(!is_same("_score", r#"{"_score":5,"n":1}"#, r#"{"_score":6,"n":1}"#));
        assert!(is_same("n", r#"{"_score":5,"n":1}"#, r#"{"_score":6,"n":1}"#));
    }

    fn written(payload: &str, names: &[&str]) -> String {
        let all = attributes(payload);
        let is_chosen = |attribute: &&Attribute| {
            names.iter().any(|name| payload[attribute.text.clone()].starts_with(&format!("{name:?}")))
        };
        let mut out = Vec::new();
        ENCODER.write_some(&row(payload), &all, all.attributes.iter().filter(is_chosen), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_object_carries_some_attributes_as_they_were_written() {
        let payload = " {\"a\" : 1.50,\n\"b\":\"x,{\" , \"_merge_objects\":true,\"c\":{\"y\" :\r\n[1]} } ";
        assert_eq!(written(payload, &["a"]), r#"{"external_id":"u","a" : 1.50,"_merge_objects":true}"#);
        assert_eq!(written(payload, &["b"]), r#"{"external_id":"u","b":"x,{","_merge_objects":true}"#);
        assert_eq!(written(payload, &["c"]), r#"{"external_id":"u","c":{"y" :  [1]},"_merge_objects":true}"#);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c]{1,2}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// A value as text with white space, escapes, and the members of objects from last to first.
    fn otherwise(value: &Value) -> String {
        match value {
            Value::String(text) => {
                let escaped = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
                format!("\"{}\"", escaped.collect::<String>())
            }
            Value::Array(elements) => {
                format!("[ {} ]", elements.iter().map(otherwise).collect::<Vec<_>>().join(" ,\t"))
            }
            Value::Object(members) => {
                let members = members.iter().rev().map(|(key, value)| format!("{key:?} : {}", otherwise(value)));
                format!("{{\n{}}}", members.collect::<Vec<_>>().join(","))
            }
            other => format!(" {other} "),
        }
    }

    #[test]
    fn two_values_have_one_digest_if_and_only_if_they_are_equal() {
        proptest!(|(one in value(), other in value())| {
            prop_assert_eq!(of(&one.to_string()), of(&otherwise(&one)));
            prop_assert_eq!(one == other, of(&one.to_string()) == of(&otherwise(&other)));
        });
    }
}
