//! Resolves references: JSON pointers, in this file or another.

use std::collections::HashMap;

use super::files::{At, Files, Unresolved};
use super::nearest::nearest;
use crate::node::{Node, Value, unescaped};
use crate::span::FileId;

/// The maximum number of references that a pointer may lead through.
const MAX_HOPS: usize = 32;
/// Mappings with more keys than this get an index.
const INDEXED: usize = 16;

/// Resolves references. Each is looked up once.
pub struct References<'a> {
    pub files: &'a Files,
    found: HashMap<(FileId, &'a str), Result<At<'a>, Unresolved>>,
    /// Indexes of large mappings, by the address of the mapping.
    indexes: HashMap<usize, HashMap<&'a str, &'a Node>>,
    /// The nodes with an `$anchor`, by file, for files in which an anchor is referred to.
    anchors: HashMap<FileId, HashMap<&'a str, &'a Node>>,
    /// The number of nested lookups.
    depth: usize,
}

impl<'a> References<'a> {
    pub fn new(files: &'a Files) -> References<'a> {
        References { files, found: HashMap::new(), indexes: HashMap::new(), anchors: HashMap::new(), depth: 0 }
    }

    /// The target of a reference, which may be a reference itself.
    pub fn find(&mut self, from: FileId, text: &'a str) -> Result<At<'a>, Unresolved> {
        if let Some(found) = self.found.get(&(from, text)) {
            return found.clone();
        }
        let circle = || Unresolved { circular: true, ..Unresolved::new(format!("`{text}` is a circular reference")) };
        if self.depth > MAX_HOPS {
            return Err(Unresolved::new(format!("`{text}` goes through more than {MAX_HOPS} references")));
        }
        // If resolving this one needs itself, it is circular.
        self.found.insert((from, text), Err(circle()));
        self.depth += 1;
        let found = self.look_up(from, text);
        self.depth -= 1;
        self.found.insert((from, text), found.clone());
        found
    }

    fn look_up(&mut self, from: FileId, text: &'a str) -> Result<At<'a>, Unresolved> {
        let (path, pointer) = text.split_once('#').unwrap_or((text, ""));
        let file = if path.is_empty() { from } else { self.files.open(from, &decoded(path))? };
        let root = self.files.root(file).ok_or_else(|| Unresolved::new("its file is not known"))?;
        if pointer.is_empty() {
            return if text.is_empty() { Err(Unresolved::new("a `$ref` is empty")) } else { Ok(root) };
        }
        let missing = |nearest: Option<String>| {
            let reason = match path {
                "" => format!("there is no `{text}`"),
                _ => format!("there is no `#{pointer}` in `{path}`"),
            };
            Unresolved { nearest, ..Unresolved::new(reason) }
        };
        let Some(parts) = pointer.strip_prefix('/') else {
            let anchors = self.anchors.entry(file).or_insert_with(|| {
                let mut anchors = HashMap::new();
                anchored(root.node, &mut anchors);
                anchors
            });
            return anchors.get(pointer).map(|node| root.with(node)).ok_or_else(|| missing(None));
        };
        let mut here = root;
        for part in parts.split('/') {
            let key = unescaped(&decoded(part));
            let mut passed = 0;
            here = loop {
                if let Some(next) = self.step(here, &key).or_else(|| self.step(here, part)) {
                    break next;
                }
                let Some(reference) = here.node.get("$ref").and_then(Node::as_str) else {
                    let known = here.node.entries().iter().map(|entry| entry.key.as_str());
                    return Err(missing(nearest(known, &key)));
                };
                passed += 1;
                if passed > MAX_HOPS {
                    return Err(Unresolved { circular: true, ..missing(None) });
                }
                here = self.find(here.file, reference)?;
            };
        }
        Ok(here)
    }

    fn step(&mut self, here: At<'a>, key: &str) -> Option<At<'a>> {
        let next = match &here.node.value {
            Value::Array(items) => items.get(key.parse::<usize>().ok()?),
            Value::Object(entries) if entries.len() > INDEXED => {
                let index = self
                    .indexes
                    .entry(here.address())
                    .or_insert_with(|| entries.iter().map(|entry| (entry.key.as_str(), &entry.value)).collect());
                index.get(key).copied()
            }
            _ => here.node.get(key),
        };
        next.map(|node| here.with(node))
    }
}

/// Collects the nodes with an `$anchor` of 3.1, the first of each name.
fn anchored<'a>(node: &'a Node, found: &mut HashMap<&'a str, &'a Node>) {
    for key in ["$anchor", "$dynamicAnchor"] {
        if let Some(name) = node.get(key).and_then(Node::as_str) {
            found.entry(name).or_insert(node);
        }
    }
    node.entries().iter().for_each(|entry| anchored(&entry.value, found));
    node.items().iter().for_each(|item| anchored(item, found));
}

/// A text with percent escapes decoded; invalid escapes are kept.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let digit = |at: usize| {
            behind.get(at).and_then(|byte| char::from(*byte).to_digit(16)).and_then(|digit| u8::try_from(digit).ok())
        };
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(high * 16 + low);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_escapes_are_decoded_and_invalid_ones_are_kept() {
        assert_eq!(decoded("a%20b%c3%A9%zz%"), "a bé%zz%");
        assert_eq!(decoded("%ff"), "%ff");
    }
}
