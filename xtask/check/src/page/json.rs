//! JSON as pages show it: values with their places, placeholders in them, and mistakes that break a copy of it.
//!
//! Pages leave things out (`...`), describe values instead of showing them (`(required, string) the name`), put comments,
//! headers or a status line before them, and show members without their object. All that is a manner of writing. A comma
//! too many is none: who copies that is refused.

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

/// What a block of code shows of JSON.
#[derive(Debug, Default)]
pub struct Shown {
    /// The values, in the order in which they stand there. None if the block holds no JSON at all.
    pub values: Vec<ShownValue>,
    /// The first thing that no reader of JSON takes and no manner of documentation explains. The values are read on behind it.
    pub mistake: Option<Mistake>,
    /// Names that stand in one object more than once. The last value counts.
    pub duplicates: Vec<Duplicate>,
    /// Whether the whole block is one JSON value that every reader takes as it stands.
    pub is_json: bool,
}

/// A value that a block shows.
#[derive(Debug)]
pub struct ShownValue {
    /// The value, with places in the page. What is left out of it or described in words is a text or nothing, and a placeholder.
    pub node: Node,
    /// Whether something in it is left out, described in words or repaired: nothing can be said to be missing from it.
    pub is_partial: bool,
    /// Whether it is a part of a bigger value: members without the braces around them, or items of a list.
    pub is_fragment: bool,
    /// The bytes of values and names that stand for others, in order.
    placeholders: Vec<Range<usize>>,
    /// The bytes of objects and lists from which something is left out, in order.
    abridged: Vec<Range<usize>>,
    /// The last comment or line of text above it, without what marks it as such.
    pub caption: Option<Written<String>>,
    /// A request or status line above it, such as `POST /things` or `HTTP/1.1 201 Created`.
    pub start_line: Option<Written<String>>,
    /// Header lines above it: name in lower case, value.
    pub headers: Vec<Written<(String, String)>>,
}

/// What makes a block something that cannot be copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong, as the end of a sentence that says that this is not JSON.
    pub message: String,
    /// Where.
    pub range: Range<usize>,
}

impl ShownValue {
    /// The bytes of all values and names that stand for others, in order.
    pub fn placeholders(&self) -> &[Range<usize>] {
        &self.placeholders
    }

    /// Whether the value or name with these bytes stands for another, so that it proves only that something is there.
    pub fn is_placeholder(&self, range: &Range<usize>) -> bool {
        holds(&self.placeholders, range)
    }

    /// Whether something is left out of the object or list with these bytes.
    pub fn is_abridged(&self, range: &Range<usize>) -> bool {
        holds(&self.abridged, range)
    }
}

/// Whether one of the ranges, which are in order of their starts, is this one.
fn holds(ranges: &[Range<usize>], range: &Range<usize>) -> bool {
    let at = ranges.partition_point(|known| known.start < range.start);
    ranges[at..].iter().take_while(|known| known.start == range.start).any(|known| known == range)
}

/// Reads a block of code. Places count from `offset`.
pub fn read(text: &str, offset: usize) -> Shown {
    let mut reader = Reader::new(text);
    let values = reader.block();
    let mut shown = reader.found.judge(values, false);
    if offset > 0 {
        shown.move_to(&|range| range.start + offset..range.end + offset);
    }
    shown
}

/// Reads a text that is sent as it is: comments, and what JavaScript or Python would take, are mistakes there. What is left
/// out or described in words is none, since nobody sends it like that. Nothing where the text is no JSON at all.
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
    /// Counts all places in another text, in which they have the same order.
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
