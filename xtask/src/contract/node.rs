//! A YAML (or JSON) document as a tree that knows where everything in it stands.
//!
//! Scalars follow the YAML 1.2 core schema. Mapping keys keep their order and their place. Reading never panics and is
//! bounded in depth and size, so a hostile file is an error and not a crash.

use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

/// Deeper nesting than this is refused.
pub const MAX_DEPTH: usize = 128;
/// More values than this (aliases counted as often as they are used) are refused.
const MAX_NODES: usize = 1_000_000;

/// A value and the bytes it was written in.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// The bytes of the value.
    pub range: Range<usize>,
    /// The value.
    pub value: Value,
}

/// What a node holds.
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// `null`, `~` or nothing.
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
    /// A mapping, in the order in which it was written.
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
    /// A key that stands nowhere.
    pub fn new(key: &str, value: Node) -> Entry {
        Entry { key: key.to_owned(), key_range: 0..0, value }
    }
}

/// Why a document could not be read, and where.
#[derive(Debug)]
pub struct Malformed {
    /// What is wrong.
    pub message: String,
    /// The bytes that are wrong.
    pub range: Range<usize>,
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

    /// All entries of a mapping; none of anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Object(entries) => entries,
            _ => &[],
        }
    }

    /// All items of a sequence; none of anything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::Array(items) => items,
            _ => &[],
        }
    }

    /// The text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The flag, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match &self.value {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The whole number, if this is one and not negative.
    pub fn as_u64(&self) -> Option<u64> {
        match &self.value {
            Value::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    /// A text that stands nowhere.
    pub fn text(text: &str) -> Node {
        Node { range: 0..0, value: Value::String(text.to_owned()) }
    }

    /// The same value as a node that stands nowhere.
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

    /// Counts all places from another start.
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

    /// What this is, in words.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "a mapping",
        }
    }

    /// The same value as JSON, keys in the order in which they were written.
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

/// Reads one document.
pub fn parse(text: &str) -> Result<Node, Malformed> {
    if let Some(node) = super::json::parse(text) {
        return Ok(node);
    }
    let offsets = Offsets::new(text);
    let mut reader =
        Reader { offsets: &offsets, stack: Vec::new(), anchors: HashMap::new(), root: None, nodes: 0, documents: 0 };
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => reader.event(event, span)?,
            Err(error) => {
                let at = offsets.byte(error.marker().index());
                return Err(Malformed { message: format!("this is not YAML: {}", error.info()), range: at..at });
            }
        }
    }
    reader.root.ok_or_else(|| Malformed { message: "the document is empty".into(), range: 0..0 })
}

/// The parser counts characters; we count bytes.
enum Offsets {
    Ascii(usize),
    Table(Vec<u32>, usize),
}

impl Offsets {
    fn new(text: &str) -> Offsets {
        if text.is_ascii() {
            Offsets::Ascii(text.len())
        } else {
            Offsets::Table(text.char_indices().map(|(at, _)| at as u32).collect(), text.len())
        }
    }

    fn byte(&self, character: usize) -> usize {
        match self {
            Offsets::Ascii(length) => character.min(*length),
            Offsets::Table(table, length) => table.get(character).map_or(*length, |at| *at as usize),
        }
    }
}

enum Open {
    Array {
        start: usize,
        anchor: usize,
        items: Vec<Node>,
    },
    Object {
        start: usize,
        anchor: usize,
        entries: Vec<Entry>,
        seen: HashMap<String, usize>,
        key: Option<(String, Range<usize>)>,
    },
}

struct Reader<'a> {
    offsets: &'a Offsets,
    stack: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    root: Option<Node>,
    nodes: usize,
    documents: usize,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Malformed> {
        let range = self.offsets.byte(span.start.index())..self.offsets.byte(span.end.index());
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Malformed {
                        message: "a second document begins here; one file holds one".into(),
                        range,
                    });
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref())
                    .map_err(|message| Malformed { message, range: range.clone() })?;
                self.push(Node { range, value }, anchor, 1)?;
            }
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err(Malformed {
                        message: "this alias stands inside the value that it names".into(),
                        range,
                    });
                };
                // An alias stands where it is used; what it holds keeps the place where it was written.
                self.push(node, 0, size)?;
            }
            Event::SequenceStart(anchor, _) => {
                self.deeper(&range)?;
                self.stack.push(Open::Array { start: range.start, anchor, items: Vec::new() });
            }
            Event::MappingStart(anchor, _) => {
                self.deeper(&range)?;
                self.stack.push(Open::Object {
                    start: range.start,
                    anchor,
                    entries: Vec::new(),
                    seen: HashMap::new(),
                    key: None,
                });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (start, anchor, value, inner) = match self.stack.pop() {
                    Some(Open::Array { start, anchor, items }) => {
                        let inner = items.last().map(|node| node.range.end);
                        (start, anchor, Value::Array(items), inner)
                    }
                    Some(Open::Object { start, anchor, entries, .. }) => {
                        let inner = entries.last().map(|entry| entry.value.range.end);
                        (start, anchor, Value::Object(entries), inner)
                    }
                    None => return Ok(()),
                };
                // A block ends where its last value ends, not at the indentation of what follows.
                let end = if range.is_empty() { inner.unwrap_or(range.end) } else { range.end };
                let node = Node { range: start..end.max(start), value };
                let size = if anchor == 0 { 1 } else { count(&node) };
                self.push(node, anchor, size)?;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn deeper(&self, range: &Range<usize>) -> Result<(), Malformed> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(Malformed {
                message: format!("values are nested more than {MAX_DEPTH} deep"),
                range: range.clone(),
            });
        }
        Ok(())
    }

    fn push(&mut self, node: Node, anchor: usize, size: usize) -> Result<(), Malformed> {
        self.nodes += size;
        if self.nodes > MAX_NODES {
            return Err(Malformed {
                message: format!("the document holds more than {MAX_NODES} values"),
                range: node.range,
            });
        }
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Open::Array { items, .. }) => items.push(node),
            Some(Open::Object { entries, seen, key, .. }) => match key.take() {
                None => {
                    let name = match &node.value {
                        Value::String(text) => text.clone(),
                        Value::Number(number) => number.to_string(),
                        Value::Bool(flag) => flag.to_string(),
                        Value::Null => "null".into(),
                        Value::Array(_) | Value::Object(_) => {
                            return Err(Malformed {
                                message: format!("a key must be a text, not {}", node.kind()),
                                range: node.range,
                            });
                        }
                    };
                    *key = Some((name, node.range));
                }
                Some((key, key_range)) => {
                    if key == "<<" {
                        return Err(Malformed {
                            message: "a merge key (`<<`) is no part of YAML 1.2; write the entries out".into(),
                            range: key_range,
                        });
                    }
                    if seen.insert(key.clone(), entries.len()).is_some() {
                        return Err(Malformed {
                            message: format!("the key `{key}` stands here a second time"),
                            range: key_range,
                        });
                    }
                    entries.push(Entry { key, key_range, value: node });
                }
            },
        }
        Ok(())
    }
}

fn count(node: &Node) -> usize {
    1 + node.items().iter().map(count).sum::<usize>()
        + node.entries().iter().map(|entry| count(&entry.value)).sum::<usize>()
}

/// The YAML 1.2 core schema.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    if let Some(tag) = tag {
        return match (tag.is_yaml_core_schema(), tag.suffix.as_str()) {
            (true, "str") => Ok(Value::String(text.into())),
            (true, "int" | "float" | "bool" | "null") => Ok(plain(text)),
            _ => {
                Err(format!("the tag `{tag}` has no meaning here", tag = format_args!("{}{}", tag.handle, tag.suffix)))
            }
        };
    }
    Ok(match style {
        ScalarStyle::Plain => plain(text),
        _ => Value::String(text.into()),
    })
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    number(text).map_or_else(|| Value::String(text.into()), Value::Number)
}

fn number(text: &str) -> Option<serde_json::Number> {
    if let Some(digits) = text.strip_prefix("0x") {
        return i64::from_str_radix(digits, 16).ok().map(Into::into);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return i64::from_str_radix(digits, 8).ok().map(Into::into);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        || !unsigned.bytes().any(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    if unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        let text = text.strip_prefix('+').unwrap_or(text);
        if let Ok(whole) = text.parse::<i64>() {
            return Some(whole.into());
        }
        if let Ok(whole) = text.parse::<u64>() {
            return Some(whole.into());
        }
    }
    if unsigned.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte)) {
        return text.parse::<f64>().ok().and_then(serde_json::Number::from_f64);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_follow_the_core_schema() {
        let node = parse("a: 1\nb: '1'\nc: 1.5\nd: yes\ne: ~\nf: true\ng: 1.0.0\nh: 2026-11-23\ni: 0x1F\n").unwrap();
        assert_eq!(
            node.to_json(),
            serde_json::json!({"a": 1, "b": "1", "c": 1.5, "d": "yes", "e": null, "f": true, "g": "1.0.0", "h": "2026-11-23", "i": 31})
        );
    }

    #[test]
    fn every_value_and_key_knows_its_bytes() {
        let text = "é: ü\nlist:\n  - one\n  - two\nafter: 1\n";
        let node = parse(text).unwrap();
        let list = node.entry("list").unwrap();
        assert_eq!(&text[list.key_range.clone()], "list");
        assert_eq!(&text[list.value.items()[1].range.clone()], "two");
        assert_eq!(&text[node.get("é").unwrap().range.clone()], "ü");
        assert_eq!(&text[list.value.range.clone()], "- one\n  - two");
    }

    #[test]
    fn a_key_given_twice_is_refused_where_it_stands() {
        let text = "a: 1\nb: 2\na: 3\n";
        let error = parse(text).unwrap_err();
        assert_eq!(error.range, 10..11);
        assert!(error.message.contains("second time"));
    }

    #[test]
    fn aliases_are_followed_and_bombs_are_refused() {
        assert_eq!(
            parse("a: &x {k: 1}\nb: *x\n").unwrap().to_json(),
            serde_json::json!({"a": {"k": 1}, "b": {"k": 1}})
        );
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        assert!(parse(&bomb).unwrap_err().message.contains("more than"));
    }

    #[test]
    fn json_and_deep_nesting_are_handled() {
        assert_eq!(parse("{\"a\": [1, {\"b\": null}]}").unwrap().to_json(), serde_json::json!({"a": [1, {"b": null}]}));
        let deep = |levels| "[".repeat(levels) + &"]".repeat(levels);
        assert!(parse(&deep(100)).is_ok());
        assert!(parse(&deep(200)).unwrap_err().message.contains("deep"));
        // The parser itself stops here.
        assert!(parse(&deep(100_000)).unwrap_err().message.contains("recursion limit"));
    }
}
