//! Reads single fields: a value of a type that OpenAPI does not allow is reported and left out.

use serde_json::Number;

use super::files::{At, EntryAt, Unresolved};
use super::reader::Reader;
use crate::document::Version;
use crate::node::{Entry, Node, Value};
use crate::problem::{Problem, ProblemKind};
use crate::span::{Span, Spanned};

impl<'a> Reader<'a> {
    /// Records a problem.
    pub fn problem(&mut self, kind: ProblemKind, message: impl Into<String>, span: Span) -> &mut Problem {
        let index = self.problems.len();
        self.problems.push(Problem { kind, message: message.into(), span, related: None, nearest: None });
        &mut self.problems[index]
    }

    /// Reports an unresolved reference.
    pub fn unresolved(&mut self, unresolved: Unresolved, at: At<'a>) {
        let problem = self.problem(unresolved.kind(), unresolved.reason, at.span());
        problem.nearest = unresolved.nearest;
    }

    /// Reports a value of the wrong type.
    pub fn wrong(&mut self, name: &str, at: At<'a>, wanted: &str) {
        self.problem(ProblemKind::WrongType, format!("`{name}` is {}, not {wanted}", at.node.kind()), at.span());
    }

    /// The text of a key. A number or boolean is accepted as written.
    pub fn text(&mut self, at: At<'a>, key: &str) -> Option<Spanned<String>> {
        let value = at.get(key)?;
        self.text_of(value, key)
    }

    /// The text of a node. A number or boolean is accepted as written.
    pub fn text_of(&mut self, value: At<'a>, name: &str) -> Option<Spanned<String>> {
        if let Some(text) = value.node.as_str() {
            return Some(Spanned::new(text.to_owned(), value.span()));
        }
        self.wrong(name, value, "a string");
        if !matches!(value.node.value, Value::Number(_) | Value::Bool(_)) {
            return None;
        }
        let source = &self.references.files.file(value.file)?.source;
        source.text.get(value.node.range.clone()).map(|text| Spanned::new(text.to_owned(), value.span()))
    }

    /// The boolean of a key.
    pub fn flag(&mut self, at: At<'a>, key: &str) -> Option<Spanned<bool>> {
        let value = at.get(key)?;
        self.flag_of(value, key)
    }

    /// The boolean of a node.
    pub fn flag_of(&mut self, value: At<'a>, name: &str) -> Option<Spanned<bool>> {
        if let Some(flag) = value.node.as_bool() {
            return Some(Spanned::new(flag, value.span()));
        }
        self.wrong(name, value, "`true` or `false`");
        None
    }

    /// The place of a boolean that is true.
    pub fn set(&mut self, at: At<'a>, key: &str) -> Option<Span> {
        self.flag(at, key).filter(|flag| flag.value).map(|flag| flag.span)
    }

    /// The number of a node.
    pub fn number_of(&mut self, value: At<'a>, name: &str) -> Option<Spanned<Number>> {
        if let Value::Number(number) = &value.node.value {
            return Some(Spanned::new(number.clone(), value.span()));
        }
        self.wrong(name, value, "a number");
        None
    }

    /// The count in a node: a non-negative integer, in any notation.
    pub fn count_of(&mut self, value: At<'a>, name: &str) -> Option<Spanned<u64>> {
        if let Value::Number(number) = &value.node.value {
            let whole = number.as_f64().filter(|number| number.fract() == 0.0 && (0.0..1e15).contains(number));
            let count = number.as_u64().or(whole.map(|number| number as u64));
            if let Some(count) = count {
                return Some(Spanned::new(count, value.span()));
            }
            let message = format!("`{name}` is {number}, not a whole number of 0 or more");
            self.problem(ProblemKind::WrongType, message, value.span());
            return None;
        }
        self.wrong(name, value, "a whole number");
        None
    }

    /// The mapping of a key.
    pub fn mapping(&mut self, at: At<'a>, key: &str) -> Option<EntryAt<'a>> {
        let entry = at.entry(key)?;
        if !entry.value.is_mapping() {
            self.wrong(key, entry.value, "a mapping");
            return None;
        }
        Some(entry)
    }

    /// The entries of the mapping of a key.
    pub fn named(&mut self, at: At<'a>, key: &str) -> Vec<EntryAt<'a>> {
        self.mapping(at, key).map(|mapping| mapping.value.entries().collect()).unwrap_or_default()
    }

    /// The items of the list of a key.
    pub fn list(&mut self, at: At<'a>, key: &str) -> Vec<At<'a>> {
        let Some(value) = at.get(key) else { return Vec::new() };
        self.list_of(value, key)
    }

    /// The items of a node that is a list.
    pub fn list_of(&mut self, value: At<'a>, name: &str) -> Vec<At<'a>> {
        if !matches!(value.node.value, Value::Array(_)) {
            self.wrong(name, value, "a list");
        }
        value.items().collect()
    }

    /// The texts of a node that is a list.
    pub fn texts_of(&mut self, value: At<'a>, name: &str) -> Vec<Spanned<String>> {
        let items = self.list_of(value, name);
        items.into_iter().filter_map(|item| self.text_of(item, name)).collect()
    }

    /// The node itself, or the target of the references there; otherwise why they do not resolve, which is also
    /// reported as a problem.
    pub fn follow(&mut self, at: At<'a>, name: &str) -> Result<At<'a>, String> {
        let mut here = at;
        let mut passed: Vec<usize> = Vec::new();
        while let Some(reference) = here.get("$ref") {
            let (kind, reason, nearest) = match reference.node.as_str() {
                None => {
                    let message = format!("a `$ref` is {}, not a string", reference.node.kind());
                    (ProblemKind::WrongType, message, None)
                }
                Some(text) if passed.contains(&here.address()) => {
                    let message = format!("`{text}` is a circular reference");
                    (ProblemKind::CircularReference, message, None)
                }
                Some(_) if passed.len() > MAX_CHAIN => {
                    let message = format!("{MAX_CHAIN} references follow one another without an end");
                    (ProblemKind::TooLarge, message, None)
                }
                Some(text) => match self.references.find(reference.file, text) {
                    Ok(target) => {
                        if name != PATH_ITEM {
                            self.beside(here);
                        }
                        passed.push(here.address());
                        here = target;
                        continue;
                    }
                    Err(unresolved) => (unresolved.kind(), unresolved.reason, unresolved.nearest),
                },
            };
            let problem = self.problem(kind, reason.clone(), reference.span());
            problem.nearest = nearest;
            return Err(reason);
        }
        if !here.is_mapping() {
            self.wrong(name, here, "a mapping");
            return Err(format!("`{name}` is {}, not a mapping", here.node.kind()));
        }
        Ok(here)
    }

    /// Reports keys beside a reference, which are ignored.
    pub fn beside(&mut self, at: At<'a>) {
        for entry in at.entries() {
            let key = entry.key();
            if !matches!(key, "$ref" | "description" | "summary") && !key.starts_with("x-") {
                let message = format!("`{key}` beside a `$ref` is ignored");
                let reference = at.entry("$ref").map(|entry| (entry.key_span(), "the reference".to_owned()));
                self.problem(ProblemKind::BesideReference, message, entry.key_span()).related = reference;
            }
        }
    }

    /// The `description` or `summary` beside a `$ref`, which overrides the target's in 3.1.
    pub fn beside_text(&mut self, at: At<'a>, key: &str) -> Option<Spanned<String>> {
        if self.version == Version::V3_0 || at.get("$ref").is_none() {
            return None;
        }
        self.text(at, key)
    }
}

/// The only kind of part in which keys beside a reference are read too.
pub const PATH_ITEM: &str = "path item";

/// The maximum length of a chain of references.
const MAX_CHAIN: usize = 100;

/// The entries whose keys begin with `x-`.
pub fn extensions(at: At<'_>) -> Vec<Entry> {
    at.node.entries().iter().filter(|entry| entry.key.starts_with("x-")).cloned().collect()
}

/// The same value with another range: nodes from another file have no place in this one.
pub fn moved(node: &Node, range: &std::ops::Range<usize>) -> Node {
    let value = match &node.value {
        Value::Array(items) => Value::Array(items.iter().map(|item| moved(item, range)).collect()),
        Value::Object(entries) => Value::Object(
            entries
                .iter()
                .map(|entry| Entry {
                    key: entry.key.clone(),
                    key_range: range.clone(),
                    value: moved(&entry.value, range),
                })
                .collect(),
        ),
        other => other.clone(),
    };
    Node { range: range.clone(), value }
}
