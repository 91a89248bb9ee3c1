//! The state of reading one document, and its bounds.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::files::{At, Files};
use super::references::References;
use crate::document::Version;
use crate::node::Node;
use crate::problem::{Problem, ProblemKind};
use crate::schema::{Schema, SchemaId};
use crate::span::Span;

/// The maximum number of parts in a document: a few lines of nested references could expand without bound.
const MAX_PARTS: usize = 1_000_000;
/// The maximum nesting of headers within headers and callbacks within callbacks.
const MAX_WITHIN: usize = 16;

/// Reads one document.
pub struct Reader<'a> {
    pub references: References<'a>,
    pub version: Version,
    pub problems: Vec<Problem>,
    pub schemas: Vec<Schema>,
    /// The schemas by the address of their nodes.
    pub ids: HashMap<usize, SchemaId>,
    /// The schemas that have an ID and are yet to be read.
    pub queue: VecDeque<(SchemaId, At<'a>)>,
    /// The values of examples by the address of their nodes.
    pub values: HashMap<usize, Arc<Node>>,
    /// The names of `components.securitySchemes`.
    pub scheme_names: Vec<&'a str>,
    /// How many parts were read; a part that is referred to twice counts twice.
    pub parts: usize,
    /// The addresses of the headers and path items that are being read, each nested in the one before.
    pub within: Vec<usize>,
    /// The headers of the current operation that could not be read, with the reasons.
    pub lost_headers: Vec<(String, Span)>,
}

impl<'a> Reader<'a> {
    pub fn new(files: &'a Files, version: Version) -> Reader<'a> {
        Reader {
            references: References::new(files),
            version,
            problems: Vec::new(),
            schemas: Vec::new(),
            ids: HashMap::new(),
            queue: VecDeque::new(),
            values: HashMap::new(),
            scheme_names: Vec::new(),
            parts: 0,
            within: Vec::new(),
            lost_headers: Vec::new(),
        }
    }

    /// Counts a part, or returns an error if there are too many.
    pub fn spend(&mut self, span: Span) -> Result<(), String> {
        self.parts += 1;
        if self.parts <= MAX_PARTS {
            return Ok(());
        }
        let reason = format!("the document has more than {MAX_PARTS} parts once its references are followed");
        if self.parts == MAX_PARTS + 1 {
            self.problem(ProblemKind::TooLarge, reason.clone(), span);
        }
        Err(reason)
    }

    /// Reads the target of a reference, unless it is already being read.
    pub fn within<T>(&mut self, at: At<'a>, from: At<'a>, read: impl FnOnce(&mut Self) -> T) -> Result<T, String> {
        let (kind, reason) = if self.within.contains(&at.address()) {
            (ProblemKind::CircularReference, "this refers back to something that contains it".to_owned())
        } else if self.within.len() >= MAX_WITHIN {
            (ProblemKind::TooLarge, format!("references are nested more than {MAX_WITHIN} deep"))
        } else {
            self.within.push(at.address());
            let read = read(self);
            self.within.pop();
            return Ok(read);
        };
        let span = from.get("$ref").unwrap_or(from).span();
        self.problem(kind, reason.clone(), span);
        Err(reason)
    }
}
