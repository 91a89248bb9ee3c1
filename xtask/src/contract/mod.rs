//! The contract as a model: an OpenAPI 3.0 document with the place of everything in it.
//!
//! Loading finds as much as it can: what is wrong becomes findings, and the operations that could be read are still
//! there to be compared. The generator takes only contracts without findings.

mod load;
pub mod node;
mod resolve;

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::finding::Finding;
use crate::source::{Place, Source};
use node::Node;

/// A value and the bytes it was written in.
#[derive(Debug, Clone)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// The bytes.
    pub range: Range<usize>,
}

impl<T> std::ops::Deref for Spanned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// A contract that could be read.
#[derive(Debug)]
pub struct Contract {
    /// The file.
    pub source: Arc<Source>,
    /// The document.
    pub root: Node,
    /// `info.title`.
    pub title: String,
    /// `info.version`.
    pub version: String,
    /// The tags with their descriptions.
    pub tags: Vec<(String, String)>,
    /// The operations, in the order in which they stand.
    pub operations: Vec<Operation>,
    /// `components.schemas`: name and place of the name.
    pub schemas: Vec<(Spanned<String>, Json)>,
}

/// One operation.
#[derive(Debug)]
pub struct Operation {
    /// `operationId`.
    pub id: Spanned<String>,
    /// `GET`, `POST`, …, at the place of the key.
    pub method: Spanned<String>,
    /// The path, at the place of the key.
    pub path: Spanned<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// `summary`.
    pub summary: String,
    /// `description`.
    pub description: String,
    /// Path and query parameters, in order.
    pub parameters: Vec<Parameter>,
    /// The one documented success.
    pub success: Success,
    /// The documented errors, by status, then in the order in which they stand.
    pub errors: Vec<DocumentedError>,
    /// `x-required-permission`.
    pub permission: Option<Spanned<String>>,
    /// `x-rate-limit`.
    pub rate_limit: Option<Spanned<RateLimit>>,
}

/// `requests` in each window of `window_seconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many requests.
    pub requests: u64,
    /// In how many seconds.
    pub window_seconds: u64,
}

/// Where a parameter stands in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// In the path.
    Path,
    /// In the query string.
    Query,
}

/// A parameter of an operation.
#[derive(Debug)]
pub struct Parameter {
    /// Its name.
    pub name: Spanned<String>,
    /// Where it stands.
    pub location: Location,
    /// Whether a request must have it.
    pub required: bool,
    /// What it is.
    pub description: String,
    /// Its schema.
    pub schema: Spanned<Json>,
}

/// The answer to a request that worked.
#[derive(Debug)]
pub struct Success {
    /// Its status.
    pub status: Spanned<u16>,
    /// `description`.
    pub description: String,
    /// The headers it may carry.
    pub headers: Vec<Header>,
    /// The name of its schema in `components.schemas`.
    pub schema: Spanned<String>,
    /// Its examples: name and value.
    pub examples: Vec<(String, Spanned<Json>)>,
}

/// A response header.
#[derive(Debug, Clone)]
pub struct Header {
    /// Its name.
    pub name: Spanned<String>,
    /// Whether every such answer carries it.
    pub required: bool,
    /// What it says.
    pub description: String,
    /// Its schema.
    pub schema: Json,
    /// Its value, where it has only one.
    pub constant: Option<String>,
}

/// An error that an operation documents.
#[derive(Debug, Clone)]
pub struct DocumentedError {
    /// Its name in code: the name of its example.
    pub name: Spanned<String>,
    /// Its status.
    pub status: Spanned<u16>,
    /// Its message.
    pub message: Spanned<String>,
    /// What to do about it.
    pub summary: Spanned<String>,
    /// The headers of its response.
    pub headers: Vec<Header>,
}

impl Contract {
    /// Reads a contract. The findings say what is wrong with it; without a contract nothing could be made of it.
    pub fn load(source: &Arc<Source>) -> (Option<Contract>, Vec<Finding>) {
        load::load(source)
    }

    /// A labelled place in the contract.
    pub fn place(&self, range: &Range<usize>, label: impl Into<String>) -> Place {
        Place::new(&self.source, range.clone(), label)
    }

    /// Whether every operation documents the error of this name.
    pub fn is_common(&self, name: &str) -> bool {
        !self.operations.is_empty()
            && self
                .operations
                .iter()
                .all(|operation| operation.errors.iter().any(|error| error.name.value == name))
    }
}
