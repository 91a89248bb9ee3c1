//! Parses YAML into a tree with the place of each value: from the parser's events to nodes.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use crate::tree::{Duplicate, Entry, MAX_DEPTH, Malformed, Node, Parsed, Value, last_of_each};

/// The maximum number of values that aliases expand to, counted at each use. Without aliases a document has at most as
/// many values as bytes.
const MAX_ALIASED: usize = 1_000_000;

/// Reads the first document of a text.
pub fn read(text: &str) -> Result<Parsed, Malformed> {
    let offsets = Offsets::new(text);
    let mut reader =
        Reader { stack: Vec::new(), anchors: HashMap::new(), root: None, aliased: 0, duplicates: Vec::new() };
    let mut documents = 0;
    let mut second_document = None;
    for event in Parser::new_from_str(text) {
        match event {
            Ok((Event::DocumentStart(_), span)) => {
                documents += 1;
                if documents > 1 {
                    second_document = Some(offsets.range(span));
                    break;
                }
            }
            Ok((event, span)) => reader.event(event, offsets.range(span))?,
            Err(error) => {
                let at = offsets.byte(error.marker().index());
                return Err(Malformed { message: format!("this is not YAML: {}", error.info()), range: at..at });
            }
        }
    }
    let node = reader.root.ok_or_else(|| Malformed { message: "the document is empty".into(), range: 0..0 })?;
    Ok(Parsed { node, duplicates: reader.duplicates, second_document })
}

/// The parser counts characters; this crate counts bytes.
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

    fn range(&self, span: Span) -> Range<usize> {
        self.byte(span.start.index())..self.byte(span.end.index())
    }
}

/// A list or mapping that is not yet closed.
enum Open {
    Array { start: usize, anchor: usize, items: Vec<Node> },
    Object { start: usize, anchor: usize, entries: Vec<Entry>, key: Option<Key>, merges: bool },
}

struct Key {
    text: String,
    range: Range<usize>,
    /// Whether the key is `<<` without quotes.
    is_merge: bool,
}

struct Reader {
    stack: Vec<Open>,
    /// The anchored nodes, with the number of values in each.
    anchors: HashMap<usize, (Node, usize)>,
    root: Option<Node>,
    aliased: usize,
    duplicates: Vec<Duplicate>,
}

impl Reader {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) -> Result<(), Malformed> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                if anchor == 0
                    && let Some(Open::Object { key: key @ None, .. }) = self.stack.last_mut()
                {
                    *key = Some(Key::new(&text, style, range));
                    return Ok(());
                }
                let value = scalar(&text, style, tag.as_deref());
                self.push(Node { range, value }, anchor)?;
            }
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor) else {
                    let message = "this alias is inside the value that it refers to".into();
                    return Err(Malformed { message, range });
                };
                self.aliased += size;
                if self.aliased > MAX_ALIASED {
                    let message = format!("aliases expand to more than {MAX_ALIASED} values");
                    return Err(Malformed { message, range });
                }
                // An alias has the place of its use; its content keeps the place where it was written.
                let node = node.clone();
                self.push(node, 0)?;
            }
            Event::SequenceStart(anchor, _) => {
                self.deeper(&range)?;
                self.stack.push(Open::Array { start: range.start, anchor, items: Vec::new() });
            }
            Event::MappingStart(anchor, _) => {
                self.deeper(&range)?;
                let entries = Vec::new();
                self.stack.push(Open::Object { start: range.start, anchor, entries, key: None, merges: false });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(&range)?,
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn close(&mut self, range: &Range<usize>) -> Result<(), Malformed> {
        let (start, anchor, value, inner) = match self.stack.pop() {
            Some(Open::Array { start, anchor, items }) => {
                let inner = items.last().map(|node| node.range.end);
                (start, anchor, Value::Array(items), inner)
            }
            Some(Open::Object { start, anchor, entries, merges, .. }) => {
                let inner = entries.last().map(|entry| entry.value.range.end);
                let entries = if merges { merged(entries, &mut self.duplicates) } else { entries };
                (start, anchor, Value::Object(last_of_each(entries, &mut self.duplicates)), inner)
            }
            None => return Ok(()),
        };
        // A block ends with its last value, not at the indentation of what follows.
        let end = if range.is_empty() { inner.unwrap_or(range.end) } else { range.end };
        self.push(Node { range: start..end.max(start), value }, anchor)
    }

    fn deeper(&self, range: &Range<usize>) -> Result<(), Malformed> {
        if self.stack.len() >= MAX_DEPTH {
            let message = format!("values are nested more than {MAX_DEPTH} deep");
            return Err(Malformed { message, range: range.clone() });
        }
        Ok(())
    }

    fn push(&mut self, node: Node, anchor: usize) -> Result<(), Malformed> {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), count(&node)));
        }
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Open::Array { items, .. }) => items.push(node),
            Some(Open::Object { entries, key, merges, .. }) => match key.take() {
                None => *key = Some(Key::of(node)?),
                Some(Key { text, range, is_merge }) => {
                    *merges |= is_merge;
                    // Marked, to distinguish it from a quoted `<<` until the mapping ends.
                    let key = if is_merge { MERGE.to_owned() } else { text };
                    entries.push(Entry { key, key_range: range, value: node });
                }
            },
        }
        Ok(())
    }
}

/// The internal name of a merge key until it is resolved; no YAML text can contain it.
const MERGE: &str = "<<\0";

impl Key {
    /// A key as written: `007`, `1.10` and `Null` are ordinary names.
    fn new(text: &str, style: ScalarStyle, range: Range<usize>) -> Key {
        Key { is_merge: style == ScalarStyle::Plain && text == "<<", text: text.to_owned(), range }
    }

    fn of(node: Node) -> Result<Key, Malformed> {
        let text = match &node.value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Null => "null".into(),
            Value::Array(_) | Value::Object(_) => {
                let message = format!("a key must be a string, not {}", node.kind());
                return Err(Malformed { message, range: node.range });
            }
        };
        Ok(Key { text, range: node.range, is_merge: false })
    }
}

/// The entries of a mapping with merge keys, as YAML 1.1 resolves them: explicit entries win, then the first merged
/// mapping that has a key.
fn merged(entries: Vec<Entry>, duplicates: &mut Vec<Duplicate>) -> Vec<Entry> {
    let (merges, written): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| entry.key == MERGE);
    let written = last_of_each(written, duplicates);
    let mut known: HashSet<String> = written.iter().map(|entry| entry.key.clone()).collect();
    let mut all = Vec::with_capacity(written.len());
    for merge in merges {
        let mappings = match merge.value.value {
            Value::Array(items) => items,
            value => vec![Node { range: merge.value.range, value }],
        };
        for mapping in mappings {
            if let Value::Object(entries) = mapping.value {
                all.extend(entries.into_iter().filter(|entry| known.insert(entry.key.clone())));
            }
        }
    }
    all.extend(written);
    all
}

fn count(node: &Node) -> usize {
    1 + node.items().iter().map(count).sum::<usize>()
        + node.entries().iter().map(|entry| count(&entry.value)).sum::<usize>()
}

/// Interprets a scalar by the YAML 1.2 core schema. Other tags, and tags that do not match their value, are ignored.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let tag = tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.as_str());
    match (tag, style) {
        (Some("int" | "float" | "bool" | "null"), _) => plain(text),
        (Some("str" | "binary" | "timestamp"), _) => Value::String(text.into()),
        (_, ScalarStyle::Plain) => plain(text),
        _ => Value::String(text.into()),
    }
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
    // YAML 1.1 reads `044925` as a string and 1.2 as a number: the author means the digits.
    let is_padded = unsigned.len() > 1 && unsigned.starts_with('0') && unsigned.as_bytes()[1].is_ascii_digit();
    if is_padded {
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
    use serde_json::json;

    fn json_of(text: &str) -> serde_json::Value {
        read(text).unwrap().node.to_json()
    }

    #[test]
    fn digits_with_leading_zeros_are_a_string() {
        assert_eq!(json_of("[044925, 0, 0.5, -0, 00, 10]"), json!(["044925", 0, 0.5, 0, "00", 10]));
    }

    #[test]
    fn merge_keys_are_resolved_and_explicit_entries_win() {
        let text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  z: 3\n  <<: [*a, *b]\nd: {<<: *b, y: 4}\n";
        let read = json_of(text);
        assert_eq!(read["c"], json!({"x": 1, "y": 1, "z": 3}));
        assert_eq!(read["d"], json!({"y": 4, "z": 2}));
        // In quotes it is an ordinary key; and a merge key without a mapping to merge is not an error.
        assert_eq!(json_of("{'<<': {x: 1}, a: {<<: 7, b: 1}}"), json!({"<<": {"x": 1}, "a": {"b": 1}}));
    }

    #[test]
    fn unknown_tags_are_ignored() {
        let text = "a: !Sub 'x'\nb: !!timestamp 2026-01-01\nc: !Map {d: !!float 1}\ne: !!str 5\nf: 2026-13-45T99:99\n";
        let expected = json!({"a": "x", "b": "2026-01-01", "c": {"d": 1}, "e": "5", "f": "2026-13-45T99:99"});
        assert_eq!(json_of(text), expected);
    }

    #[test]
    fn the_first_of_several_documents_is_read() {
        let text = "a: 1\n---\nb: 2\n";
        let parsed = read(text).unwrap();
        assert_eq!(parsed.node.to_json(), json!({"a": 1}));
        assert_eq!(&text[parsed.second_document.unwrap()], "---");
        assert_eq!(read("---\na: 1\n...\n").unwrap().second_document, None);
    }

    #[test]
    fn keys_that_are_not_strings_are_kept_as_written() {
        let read = json_of("200: a\n1.10: b\nTrue: c\n~: d\n007: e\n&k k: *k\n");
        assert_eq!(read, json!({"200": "a", "1.10": "b", "True": "c", "~": "d", "007": "e", "k": "k"}));
    }

    #[test]
    fn the_last_value_of_a_duplicate_key_counts() {
        let text = "a: 1\nb: 2\na: 3\n";
        let parsed = read(text).unwrap();
        assert_eq!(parsed.node.to_json(), json!({"a": 3, "b": 2}));
        assert_eq!((parsed.duplicates[0].first.clone(), parsed.duplicates[0].second.clone()), (0..1, 10..11));
    }
}
