//! A JSON document as a tree that knows where everything in it stands.
//!
//! YAML takes most of JSON, but not all: pairs of `\u` escapes, keys of any length, and tabs are JSON only.

use std::ops::Range;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::node::{Entry, MAX_DEPTH, Node, Value};

/// Reads a text that is one JSON value. Nothing if it is not, or if a key stands twice or values are nested too deep: that
/// is for the reader of YAML to say.
pub fn parse(text: &str) -> Option<Node> {
    let whole: &RawValue = serde_json::from_str(text).ok()?;
    Reader { text }.node(whole, 0)
}

struct Reader<'a> {
    text: &'a str,
}

impl<'a> Reader<'a> {
    fn node(&self, raw: &'a RawValue, depth: usize) -> Option<Node> {
        if depth > MAX_DEPTH {
            return None;
        }
        let value = match raw.get().as_bytes().first()? {
            b'{' => {
                let Object(raws) = serde_json::from_str(raw.get()).ok()?;
                let mut entries: Vec<Entry> = Vec::with_capacity(raws.len());
                let mut seen = std::collections::HashSet::new();
                for (key, value) in raws {
                    let name: String = serde_json::from_str(key.get()).ok()?;
                    if !seen.insert(name.clone()) {
                        return None;
                    }
                    entries.push(Entry { key: name, key_range: self.range(key), value: self.node(value, depth + 1)? });
                }
                Value::Object(entries)
            }
            b'[' => {
                let items: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
                Value::Array(items.into_iter().map(|item| self.node(item, depth + 1)).collect::<Option<_>>()?)
            }
            b'"' => Value::String(serde_json::from_str(raw.get()).ok()?),
            b't' => Value::Bool(true),
            b'f' => Value::Bool(false),
            b'n' => Value::Null,
            _ => Value::Number(serde_json::from_str(raw.get()).ok()?),
        };
        Some(Node { range: self.range(raw), value })
    }

    /// Raw values are parts of the text itself: where they begin in memory is where they stand.
    fn range(&self, raw: &RawValue) -> Range<usize> {
        let start = (raw.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        start..start + raw.get().len()
    }
}

/// The entries of an object, in the order in which they stand.
struct Object<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Object<'de>;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_and_key_knows_its_bytes() {
        let text = " {\"é\\ud83d\\ude00\":\t[1.5, {\"b\": null}],\n \"c\"\n:\n\"\\/\"} ";
        let node = parse(text).unwrap();
        assert_eq!(&text[node.range.clone()], text.trim());
        let list = node.entry("é😀").unwrap();
        assert_eq!(&text[list.key_range.clone()], "\"é\\ud83d\\ude00\"");
        assert_eq!(&text[list.value.items()[1].entry("b").unwrap().value.range.clone()], "null");
        assert_eq!(node.get("c").unwrap().as_str(), Some("/"));
        assert_eq!(node.to_json(), serde_json::from_str::<serde_json::Value>(text).unwrap());
    }

    #[test]
    fn what_is_no_json_or_has_a_key_twice_is_left_to_the_reader_of_yaml() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        for text in ["", "a: 1", "{\"a\": 1, \"a\": 2}", "{} {}", "[1,]", &deep] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
