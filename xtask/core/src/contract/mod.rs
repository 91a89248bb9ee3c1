//! The contract: an OpenAPI document as its profile sees it.
//!
//! The document is kept as it is; what the profile knows beyond OpenAPI stands beside each operation. Nothing is judged:
//! the rules are the check's.

mod errors;
mod extent;
mod propose;

use std::collections::HashMap;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use openapi_model::document::{self, Document, MediaType, Response, Status};
use openapi_model::node::Node;
use openapi_model::paths;
use openapi_model::problem::Unreadable;
use openapi_model::schema::SchemaId;
use openapi_model::source::{Place, Source};
use openapi_model::span::{Span, Spanned};

use crate::profile::{Profile, SCOPES};
pub use extent::Extent;
pub use propose::propose;

/// A contract.
#[derive(Debug)]
pub struct Contract {
    /// The document.
    pub document: Document,
    /// How it is seen.
    pub profile: Profile,
    /// Its operations, in the order in which they stand.
    pub operations: Vec<Operation>,
}

/// An operation with what the profile knows of it.
#[derive(Debug)]
pub struct Operation {
    /// As the document has it.
    pub spec: Arc<document::Operation>,
    /// `operationId`, or a name made of method and path, at the place of the method.
    pub id: Spanned<String>,
    /// The errors that it documents, by status and name.
    pub errors: Vec<DocumentedError>,
    /// The permission that a key needs.
    pub permission: Option<Spanned<String>>,
    /// Its rate limit.
    pub rate_limit: Option<Spanned<RateLimit>>,
}

impl Deref for Operation {
    type Target = document::Operation;
    fn deref(&self) -> &document::Operation {
        &self.spec
    }
}

/// `requests` in each window of `window_seconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many requests.
    pub requests: u64,
    /// In how many seconds.
    pub window_seconds: u64,
}

/// An error that an operation documents: one of its named examples, or a status that names none.
#[derive(Debug, Clone)]
pub struct DocumentedError {
    /// The name of its example; its status where no example says what tells it from others.
    pub name: Spanned<String>,
    /// Its status.
    pub status: Spanned<u16>,
    /// What tells it from other errors of its status, as the profile has it.
    pub identity: Option<Spanned<String>>,
    /// The summary of its example: what to do about it.
    pub summary: Option<Spanned<String>>,
    /// Its whole body. Its ranges are in the file of `span`.
    pub value: Option<Arc<Node>>,
    /// Its example, or its response where it has none.
    pub span: Span,
    /// Which of the operation's responses it belongs to.
    pub response: usize,
}

impl Contract {
    /// Reads a contract that is in memory, as a profile sees it; without one as [`propose`] would. References into other
    /// files are followed from the folder `base`.
    ///
    /// # Errors
    ///
    /// Where nothing can be made of it.
    pub fn read(source: &Arc<Source>, base: Option<&Path>, profile: Option<&Profile>) -> Result<Contract, Unreadable> {
        let document = openapi_model::read(source, base)?;
        let profile = profile.cloned().unwrap_or_else(|| propose(&document, &[]));
        Ok(Contract::new(document, profile))
    }

    /// A document as a profile sees it.
    pub fn new(document: Document, profile: Profile) -> Contract {
        let operations = document.operations.iter().map(|spec| Operation::new(&profile, spec)).collect();
        Contract { document, profile, operations }
    }

    /// The file that was opened.
    pub fn source(&self) -> &Arc<Source> {
        self.document.source()
    }

    /// A labelled place of the contract.
    pub fn place(&self, span: Span, label: impl Into<String>) -> Place {
        self.document.place(span, label)
    }

    /// The operations by [`paths::call`].
    pub fn by_call(&self) -> HashMap<String, &Operation> {
        self.operations.iter().map(|operation| (operation.call(), operation)).collect()
    }

    /// The schema of every error, if the profile names one that there is.
    pub fn error_schema(&self) -> Option<SchemaId> {
        self.document.component(self.profile.error_schema.as_ref()?)
    }
}

impl Operation {
    fn new(profile: &Profile, spec: &Arc<document::Operation>) -> Operation {
        let id = spec.id.clone().unwrap_or_else(|| Spanned::new(derived_id(spec), spec.method.span));
        Operation {
            id,
            errors: errors::errors(profile, spec),
            permission: permission(profile, spec),
            rate_limit: rate_limit(profile, spec),
            spec: spec.clone(),
        }
    }

    /// How it is called, see [`paths::call`].
    pub fn call(&self) -> String {
        paths::call(&self.method, &self.path)
    }

    /// A parameter by its name.
    pub fn parameter(&self, name: &str) -> Option<&document::Parameter> {
        self.parameters.iter().find(|parameter| *parameter.name == *name)
    }

    /// The answers to requests that worked: 2xx, by status.
    pub fn successes(&self) -> impl Iterator<Item = &Response> {
        self.responses.iter().filter(|response| matches!(*response.status, Status::Code(200..=299) | Status::Range(2)))
    }
}

/// The form of a body that is JSON: `application/json`, or else a `+json`, or else whatever takes both.
pub fn json(content: &[MediaType]) -> Option<&MediaType> {
    let essence = |media: &MediaType| media.name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let first = |fits: &dyn Fn(&str) -> bool| content.iter().find(|media| fits(&essence(media)));
    first(&|name| name == "application/json")
        .or_else(|| first(&|name| name.ends_with("+json")))
        .or_else(|| first(&|name| matches!(name, "*/*" | "application/*")))
}

/// A name for an operation that has none: `GET /a/{id}` is `get_a_id`.
fn derived_id(spec: &document::Operation) -> String {
    let words = spec.path.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut id = spec.method.to_ascii_lowercase();
    for word in words {
        id.push('_');
        id.push_str(&word.to_lowercase());
    }
    id
}

fn permission(profile: &Profile, spec: &document::Operation) -> Option<Spanned<String>> {
    let name = profile.permission.as_deref()?;
    if name != SCOPES {
        let node = spec.extension(name)?;
        return Some(Spanned::new(node.as_str()?.to_owned(), Span::new(spec.span.file, &node.range)));
    }
    // Only where there is no choice it is known what a key needs.
    let [alternative] = spec.security.alternatives.as_slice() else { return None };
    let scopes: Vec<&Spanned<String>> = alternative.iter().flat_map(|scheme| &scheme.scopes).collect();
    let names: Vec<&str> = scopes.iter().map(|scope| scope.value.as_str()).collect();
    Some(Spanned::new(names.join(" "), scopes.first()?.span))
}

fn rate_limit(profile: &Profile, spec: &document::Operation) -> Option<Spanned<RateLimit>> {
    let node = spec.extension(profile.rate_limit.as_ref()?)?;
    let positive = |key: &str| node.get(key)?.as_u64().filter(|number| *number > 0);
    let limit = RateLimit { requests: positive("requests")?, window_seconds: positive("window_seconds")? };
    Some(Spanned::new(limit, Span::new(spec.span.file, &node.range)))
}
