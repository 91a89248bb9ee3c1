//! JSON on pages: values with their places, placeholders, and mistakes that make it invalid when copied.
//!
//! Pages omit parts (`...`), describe values instead of showing them (`(required, string) the name`), put comments,
//! headers or a status line before them, and show members without their object. All that is accepted as notation. A
//! trailing comma is not: a copy of it would be refused.

mod block;
mod containers;
mod found;
mod placeholder;
mod reader;
mod strings;
#[cfg(test)]
mod tests;
mod value;

use std::ops::Range;

use openapi_model::node::{Duplicate, Node, Value};

use super::model::Written;
use reader::Reader;

/// The JSON in a code block.
#[derive(Debug, Default)]
pub struct Shown {
    /// The values, in order. Empty if the block contains no JSON.
    pub values: Vec<ShownValue>,
    /// The first invalid part that is not a common notation. Parsing continues after it.
    pub mistake: Option<Mistake>,
    /// Names that occur more than once in an object. The last value counts.
    pub duplicates: Vec<Duplicate>,
    /// Whether the whole block is one JSON value that every parser accepts.
    pub is_json: bool,
}

/// A value in a block.
#[derive(Debug)]
pub struct ShownValue {
    /// The value, with places on the page. Omitted or described parts are strings or null, and are placeholders.
    pub node: Node,
    /// Whether something in it is omitted, described in words or repaired: then nothing can be reported as missing.
    pub is_partial: bool,
    /// Whether it is a fragment of a larger value: members without braces, or items of a list.
    pub is_fragment: bool,
    /// The bytes of placeholder values and names, in order.
    placeholders: Vec<Range<usize>>,
    /// The bytes of objects and lists with omissions, in order.
    abridged: Vec<Range<usize>>,
    /// The last comment or line of text above it, without comment marks.
    pub caption: Option<Written<String>>,
    /// A request or status line above it, such as `POST /things` or `HTTP/1.1 201 Created`.
    pub start_line: Option<Written<String>>,
    /// Header lines above it: name in lower case, value.
    pub headers: Vec<Written<(String, String)>>,
}

/// The reason why a block cannot be copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The reason, as the end of a sentence that says that this is not JSON.
    pub message: String,
    /// Where.
    pub range: Range<usize>,
}

impl ShownValue {
    /// The bytes of all placeholder values and names, in order.
    pub fn placeholders(&self) -> &[Range<usize>] {
        &self.placeholders
    }

    /// Whether the value or name with these bytes is a placeholder, which proves only that something is there.
    pub fn is_placeholder(&self, range: &Range<usize>) -> bool {
        holds(&self.placeholders, range)
    }

    /// Whether something is omitted from the object or list with these bytes.
    pub fn is_abridged(&self, range: &Range<usize>) -> bool {
        holds(&self.abridged, range)
    }
}

/// Whether a range is among the ranges, which are in order of their starts.
fn holds(ranges: &[Range<usize>], range: &Range<usize>) -> bool {
    let at = ranges.partition_point(|known| known.start < range.start);
    ranges[at..].iter().take_while(|known| known.start == range.start).any(|known| known == range)
}

/// Parses a code block. Places count from `offset`.
pub fn read(text: &str, offset: usize) -> Shown {
    let mut reader = Reader::new(text);
    let values = reader.block();
    let mut shown = reader.found.judge(values, false);
    if offset > 0 {
        shown.move_to(&|range| range.start + offset..range.end + offset);
    }
    shown
}

/// Parses text that is sent as it is: comments, and JavaScript or Python notation, are mistakes. Omissions and
/// descriptions are not, because they are never sent literally. `None` if the text is not JSON at all.
pub fn sent(text: &str) -> Option<Shown> {
    let mut reader = Reader::new(text);
    let values = reader.block();
    let shown = reader.found.judge(values, true);
    (!shown.values.is_empty()).then_some(shown)
}

impl Shown {
    fn move_to(&mut self, place: &dyn Fn(&Range<usize>) -> Range<usize>) {
        self.values.iter_mut().for_each(|value| value.move_to(place));
        self.mistake.iter_mut().for_each(|mistake| mistake.range = place(&mistake.range));
        for duplicate in &mut self.duplicates {
            (duplicate.first, duplicate.second) = (place(&duplicate.first), place(&duplicate.second));
        }
    }
}

impl ShownValue {
    /// Maps all places to another text, in which they have the same order.
    pub fn move_to(&mut self, place: &dyn Fn(&Range<usize>) -> Range<usize>) {
        move_node(&mut self.node, place);
        let texts = self.caption.iter_mut().chain(&mut self.start_line).map(|text| &mut text.range);
        let texts = texts.chain(self.headers.iter_mut().map(|header| &mut header.range));
        let ranges = texts.chain(&mut self.placeholders).chain(&mut self.abridged);
        ranges.for_each(|range| *range = place(range));
    }
}

fn move_node(node: &mut Node, place: &dyn Fn(&Range<usize>) -> Range<usize>) {
    node.range = place(&node.range);
    match &mut node.value {
        Value::Array(items) => items.iter_mut().for_each(|item| move_node(item, place)),
        Value::Object(entries) => entries.iter_mut().for_each(|entry| {
            entry.key_range = place(&entry.key_range);
            move_node(&mut entry.value, place);
        }),
        _ => {}
    }
}
