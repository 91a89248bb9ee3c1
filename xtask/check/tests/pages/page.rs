//! A page under way: its text, and where in it which fact stands.

use std::ops::Range;

use serde_json::Value;

use super::api::Location;
pub use super::example::Name;
use super::example::Way;

/// Whom a table's row is about.
#[derive(Debug, Clone)]
pub struct Target {
    /// The table, by number.
    pub table: usize,
    pub kind: TargetKind,
    pub name: String,
    /// The parameter, or the schema that has the field in its `properties`.
    pub owner: Option<String>,
    pub schema: String,
    /// What the contract says.
    pub required: bool,
    /// What the page says in words, if it says it.
    pub stated: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetKind {
    Parameter(Location),
    /// A field of the request's own object, and whether other fields are unknown to that object.
    Field {
        is_closed: bool,
    },
    /// A field further down.
    Nested,
    /// A field of an answer.
    Answered,
}

/// Something that a page says.
#[derive(Debug, Clone)]
pub enum What {
    /// All of an operation.
    Section,
    Method,
    /// The last literal segment of the declared path, if it is not the first.
    Segment,
    Row(Target),
    Name(Target),
    Required(Target, &'static str),
    Type(Target),
    Default(Target),
    /// One of the values that a sentence lists.
    Listed(Target, Value),
    Status(u16),
    Permission,
    RateLimit,
    Key(Name, Way),
    Literal {
        kinds: Vec<String>,
        at: String,
        value: Value,
        way: Way,
    },
    /// The end of an object's last value in a block that is plain JSON.
    Last,
    /// The closing quote of a string in such a block.
    StringEnd,
    CallMethod,
    CallSegment,
    CallQuery,
    /// The closing quote of a command.
    Quote,
}

#[derive(Debug, Clone)]
pub struct Fact {
    pub operation: usize,
    pub what: What,
    pub range: Range<usize>,
}

#[derive(Debug, Clone)]
pub struct Page {
    pub path: String,
    pub language: &'static str,
    pub text: String,
    pub facts: Vec<Fact>,
    /// The operation that is being written about.
    pub operation: usize,
    pub tables: usize,
}

impl Page {
    pub fn new(path: String, language: &'static str) -> Page {
        Page { path, language, text: String::new(), facts: Vec::new(), operation: 0, tables: 0 }
    }

    pub fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub fn line(&mut self, text: &str) {
        self.put(text);
        self.put("\n");
    }

    /// A block of text with an empty line after it.
    pub fn block(&mut self, text: &str) {
        self.put(text);
        self.put("\n\n");
    }

    pub fn heading(&mut self, level: usize, text: &str) {
        self.block(&format!("{} {text}", "#".repeat(level)));
    }

    /// A text that says something.
    pub fn fact(&mut self, what: What, text: &str) {
        let start = self.text.len();
        self.put(text);
        self.mark(what, start);
    }

    /// What was written since says something.
    pub fn mark(&mut self, what: What, start: usize) {
        self.facts.push(Fact { operation: self.operation, what, range: start..self.text.len() });
    }

    pub fn line_of(&self, offset: usize) -> usize {
        self.text[..offset].matches('\n').count() + 1
    }
}
