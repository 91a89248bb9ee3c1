//! The contract as a model: an OpenAPI 3.0 document with the place of everything in it.
//!
//! Loading finds as much as it can: what is wrong becomes findings, and the operations that could be read are still
//! there to be compared. Code is generated only from contracts without findings.

mod keys;
mod load;
pub use openapi_model::node;
mod operation;
pub mod references;
mod resolve;
mod responses;
pub mod validate;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use crate::finding::Finding;
use node::{Entry, Node};
use openapi_model::source::{Place, Source};
pub use responses::ERROR;

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
    /// The URLs of `servers`, with their variables in braces.
    pub servers: Vec<Spanned<String>>,
    /// `components.securitySchemes`.
    pub security_schemes: Vec<SecurityScheme>,
    /// The operations that could be read whole, in the order in which they stand.
    pub operations: Vec<Operation>,
    /// The operations that say something other than what could be read of them.
    pub troubled: Vec<Troubled>,
    /// `components.schemas`.
    pub schemas: Vec<Schema>,
    /// Where each stands among them.
    schema_index: HashMap<String, usize>,
}

/// A way to authenticate.
#[derive(Debug)]
pub struct SecurityScheme {
    /// Its name, at the place of the key.
    pub name: Spanned<String>,
    /// What it says.
    pub node: Node,
}

/// A component that is a schema.
#[derive(Debug)]
pub struct Schema {
    /// Its name, at the place of the key.
    pub name: Spanned<String>,
    /// What it says.
    pub node: Node,
    /// Whether every reference in it leads to something.
    pub is_whole: bool,
}

/// An operation with findings of its own. What it says is not known, so nothing is compared with it: what would be
/// found is only what follows from those.
#[derive(Debug)]
pub struct Troubled {
    /// `GET`, `POST`, ….
    pub method: String,
    /// The path.
    pub path: String,
    /// What could be read of it, if that is enough for an operation.
    pub operation: Option<Operation>,
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
    /// All of it.
    pub range: Range<usize>,
    /// Its tags.
    pub tags: Vec<String>,
    /// `summary`.
    pub summary: String,
    /// `description`.
    pub description: String,
    /// Its parameters, in order.
    pub parameters: Vec<Parameter>,
    /// Its `requestBody`: the schema of its JSON, if it has one, at the place of the key.
    pub request_body: Option<Spanned<Option<Node>>>,
    /// The one documented success.
    pub success: Success,
    /// The documented errors, by status and name.
    pub errors: Vec<DocumentedError>,
    /// `x-required-permission`.
    pub permission: Option<Spanned<String>>,
    /// `x-rate-limit`.
    pub rate_limit: Option<Spanned<RateLimit>>,
    /// The names of the security schemes that a request has to satisfy.
    pub security: Vec<Spanned<String>>,
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
    /// In a header.
    Header,
    /// In a cookie.
    Cookie,
}

impl Location {
    /// Its name in the document.
    pub fn name(self) -> &'static str {
        match self {
            Location::Path => "path",
            Location::Query => "query",
            Location::Header => "header",
            Location::Cookie => "cookie",
        }
    }
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
    pub schema: Node,
    /// Its examples.
    pub examples: Vec<Node>,
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
    /// The name of its schema in `components.schemas`; nothing where it has no body.
    pub schema: Option<Spanned<String>>,
    /// Its examples, by name: name and value.
    pub examples: Vec<(Spanned<String>, Node)>,
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
    pub schema: Node,
    /// Its value, where it has only one.
    pub constant: Option<String>,
    /// Its examples.
    pub examples: Vec<Node>,
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
    /// The whole body.
    pub value: Node,
}

impl Contract {
    /// Reads a contract. The findings say what is wrong with it; without a contract nothing could be made of it.
    pub fn load(source: &Arc<Source>) -> (Option<Contract>, Vec<Finding>) {
        load::load(source)
    }

    /// Sets the operations aside that have one of the findings inside them.
    pub fn set_aside(&mut self, findings: &[Finding]) {
        let places: Vec<usize> =
            findings.iter().filter_map(|finding| Some(finding.primary.as_ref()?.range.start)).collect();
        let is_in_trouble = |operation: &Operation| places.iter().any(|place| operation.range.contains(place));
        for operation in self.operations.extract_if(.., |operation| is_in_trouble(operation)) {
            self.troubled.push(Troubled {
                method: operation.method.value.clone(),
                path: operation.path.value.clone(),
                operation: Some(operation),
            });
        }
    }

    /// A labelled place in the contract.
    pub fn place(&self, range: &Range<usize>, label: impl Into<String>) -> Place {
        Place::new(&self.source, range.clone(), label)
    }

    /// Whether an operation of this method and path is there, but could not be read whole.
    pub fn is_troubled(&self, method: &str, path: &str) -> bool {
        let wanted = call(method, path);
        self.troubled.iter().any(|troubled| call(&troubled.method, &troubled.path) == wanted)
    }

    /// A schema by its name.
    pub fn schema(&self, name: &str) -> Option<&Schema> {
        self.schemas.get(*self.schema_index.get(name)?)
    }

    /// A property of a schema, with its place.
    pub fn property(&self, schema: &str, property: &str) -> Option<&Entry> {
        self.root.get("components")?.get("schemas")?.get(schema)?.get("properties")?.entry(property)
    }
}

impl Operation {
    /// How it is called, see [`call`].
    pub fn call(&self) -> String {
        call(&self.method, &self.path)
    }

    /// A parameter by its name.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| *parameter.name == *name)
    }
}

/// A method and a path, in which the names of variables mean nothing: two that are equal are one operation.
pub fn call(method: &str, path: &str) -> String {
    // `:id` is how other frameworks write `{id}`.
    let is_variable = |part: &str| (part.starts_with('{') && part.ends_with('}')) || part.starts_with(':');
    let parts: Vec<&str> = path.split('/').map(|part| if is_variable(part) { "{}" } else { part }).collect();
    format!("{method} {}", parts.join("/"))
}
