//! Whether a value fits a schema, and where it does not.

use std::ops::Range;

use crate::document::Document;
use crate::node::Node;
use crate::schema::SchemaId;

/// Which way a value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// To the server: what is `readOnly` is not sent, and not required.
    Request,
    /// From the server: what is `writeOnly` is not sent, and not required.
    Response,
}

/// One way in which a value does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// What is wrong.
    pub message: String,
    /// The bytes of the value that is wrong.
    pub range: Range<usize>,
    /// The JSON pointer of the value that is wrong, or missing.
    pub pointer: String,
}

/// Validates values against the schemas of one document. Each schema is compiled once, when it is first needed.
pub struct Values<'a> {
    document: &'a Document,
}

impl<'a> Values<'a> {
    /// The schemas of a document.
    pub fn new(document: &'a Document) -> Values<'a> {
        Values { document }
    }

    /// How a value does not fit a schema.
    ///
    /// # Errors
    ///
    /// Why the schema cannot be used at all: a pattern that is no regular expression, a reference that leads nowhere.
    pub fn misfits(&mut self, schema: SchemaId, direction: Direction, value: &Node) -> Result<Vec<Misfit>, String> {
        todo!("{:?} {schema:?} {direction:?} {value:?}", self.document.version)
    }
}
