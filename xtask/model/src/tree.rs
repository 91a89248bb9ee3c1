//! Values as a tree with the place of each.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Deeper nesting than this is refused.
pub const MAX_DEPTH: usize = 128;

/// A value and the bytes it was written in.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// The byte range of the value.
    pub range: Range<usize>,
    /// The value.
    pub value: Value,
}

/// What a node holds.
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// `null`, `~` or an empty value.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// Any other scalar.
    String(String),
    /// A sequence.
    Array(Vec<Node>),
    /// A mapping, in document order.
    Object(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The bytes of the key.
    pub key_range: Range<usize>,
    /// The value.
    pub value: Node,
}

impl Entry {
    /// An entry without a source range.
    pub fn new(key: &str, value: Node) -> Entry {
        Entry { key: key.to_owned(), key_range: 0..0, value }
    }
}

/// A document that was read, with its irregularities.
#[derive(Debug)]
pub struct Parsed {
    /// The content.
    pub node: Node,
    /// The duplicate keys of mappings, in order of places. The last value counts.
    pub duplicates: Vec<Duplicate>,
    /// The place of a second YAML document, which is not read.
    pub second_document: Option<Range<usize>>,
}

/// A duplicate key in a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The key.
    pub key: String,
    /// The place of the first occurrence.
    pub first: Range<usize>,
    /// The place of the second occurrence.
    pub second: Range<usize>,
}

/// Why a document could not be read, and where.
#[derive(Debug)]
pub struct Malformed {
    /// The error message.
    pub message: String,
    /// The invalid bytes.
    pub range: Range<usize>,
}

/// The keys of a JSON pointer, in order.
pub fn pointer_keys(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(unescaped)
}

/// A key as a part of a JSON pointer.
pub fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The key that a part of a JSON pointer encodes.
pub fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

impl Node {
    /// The value of a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// A key with its place and value.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of a key in a mapping, or the item at an index of a sequence.
    pub fn child(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Array(items) => items.get(key.parse::<usize>().ok()?),
            _ => self.get(key),
        }
    }

    /// All entries of a mapping; empty for other values.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Object(entries) => entries,
            _ => &[],
        }
    }

    /// All items of a sequence; empty for other values.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::Array(items) => items,
            _ => &[],
        }
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match &self.value {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The number, if it is a non-negative integer.
    pub fn as_u64(&self) -> Option<u64> {
        match &self.value {
            Value::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    /// A string without a source range.
    pub fn text(text: &str) -> Node {
        Node { range: 0..0, value: Value::String(text.to_owned()) }
    }

    /// The same value as a node without source ranges.
    pub fn from_json(json: &serde_json::Value) -> Node {
        let value = match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(flag) => Value::Bool(*flag),
            serde_json::Value::Number(number) => Value::Number(number.clone()),
            serde_json::Value::String(text) => Value::String(text.clone()),
            serde_json::Value::Array(items) => Value::Array(items.iter().map(Node::from_json).collect()),
            serde_json::Value::Object(map) => {
                Value::Object(map.iter().map(|(key, value)| Entry::new(key, Node::from_json(value))).collect())
            }
        };
        Node { range: 0..0, value }
    }

    /// Moves all ranges by an offset.
    pub fn shift(&mut self, by: usize) {
        self.range = self.range.start + by..self.range.end + by;
        match &mut self.value {
            Value::Array(items) => items.iter_mut().for_each(|item| item.shift(by)),
            Value::Object(entries) => entries.iter_mut().for_each(|entry| {
                entry.key_range = entry.key_range.start + by..entry.key_range.end + by;
                entry.value.shift(by);
            }),
            _ => {}
        }
    }

    /// The kind of value, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "a mapping",
        }
    }

    /// The same value as JSON, keys in document order.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(flag) => (*flag).into(),
            Value::Number(number) => number.clone().into(),
            Value::String(text) => text.clone().into(),
            Value::Array(items) => items.iter().map(Node::to_json).collect(),
            Value::Object(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.value.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

/// The entries of a mapping without duplicates: of each key, the last.
pub fn last_of_each(entries: Vec<Entry>, duplicates: &mut Vec<Duplicate>) -> Vec<Entry> {
    let is_clean = if entries.len() < 8 {
        entries.iter().enumerate().all(|(index, entry)| entries[..index].iter().all(|other| other.key != entry.key))
    } else {
        let mut seen = HashSet::with_capacity(entries.len());
        entries.iter().all(|entry| seen.insert(entry.key.as_str()))
    };
    if is_clean {
        return entries;
    }
    let mut kept: Vec<Entry> = Vec::with_capacity(entries.len());
    let mut indexes: HashMap<String, usize> = HashMap::with_capacity(entries.len());
    for entry in entries {
        match indexes.get(&entry.key) {
            Some(index) => {
                let place = &mut kept[*index];
                let (first, second) = (place.key_range.clone(), entry.key_range.clone());
                duplicates.push(Duplicate { key: entry.key.clone(), first, second });
                *place = entry;
            }
            None => {
                indexes.insert(entry.key.clone(), kept.len());
                kept.push(entry);
            }
        }
    }
    kept
}
