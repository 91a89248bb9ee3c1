//! An operation with the profile's additions: its errors, its permission and its rate limit.

use std::ops::Deref;
use std::sync::Arc;

use openapi_model::document::{self, Response, Status};
use openapi_model::paths;
use openapi_model::span::{Span, Spanned};

use super::errors::{DocumentedError, errors};
use crate::profile::{Profile, SCOPES};

/// An operation with the profile's additions.
#[derive(Debug)]
pub struct Operation {
    /// The operation in the document.
    pub spec: Arc<document::Operation>,
    /// `operationId`; if there is none, a name derived from method and path, placed at the method.
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
    /// The number of requests.
    pub requests: u64,
    /// The length of the window in seconds.
    pub window_seconds: u64,
}

impl Operation {
    pub(super) fn new(profile: &Profile, spec: &Arc<document::Operation>) -> Operation {
        let id = spec.id.clone().unwrap_or_else(|| Spanned::new(derived_id(spec), spec.method.span));
        Operation {
            id,
            errors: errors(profile, spec),
            permission: permission(profile, spec),
            rate_limit: rate_limit(profile, spec),
            spec: spec.clone(),
        }
    }

    /// The operation's key for comparisons, see [`paths::call`].
    pub fn call(&self) -> String {
        paths::call(&self.method, &self.path)
    }

    /// A parameter by its name.
    pub fn parameter(&self, name: &str) -> Option<&document::Parameter> {
        self.parameters.iter().find(|parameter| *parameter.name == *name)
    }

    /// The success responses: 2xx, by status.
    pub fn successes(&self) -> impl Iterator<Item = &Response> {
        self.responses.iter().filter(|response| matches!(*response.status, Status::Code(200..=299) | Status::Range(2)))
    }
}

/// A name derived for an operation that has none: `GET /a/{id}` is `get_a_id`.
fn derived_id(spec: &document::Operation) -> String {
    let words = spec.path.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut id = spec.method.to_ascii_lowercase();
    for word in words {
        id.push('_');
        id.push_str(&word.to_lowercase());
    }
    id
}

/// The permission that an operation requires, from the place that the profile names.
pub(super) fn permission(profile: &Profile, spec: &document::Operation) -> Option<Spanned<String>> {
    let name = profile.permission.as_deref()?;
    if name != SCOPES {
        let node = spec.extension(name)?;
        return Some(Spanned::new(node.as_str()?.to_owned(), Span::new(spec.span.file, &node.range)));
    }
    // With several alternatives, the required permission is ambiguous.
    let [alternative] = spec.security.alternatives.as_slice() else { return None };
    let scopes: Vec<&Spanned<String>> = alternative.iter().flat_map(|scheme| &scheme.scopes).collect();
    let names: Vec<&str> = scopes.iter().map(|scope| scope.value.as_str()).collect();
    Some(Spanned::new(names.join(" "), scopes.first()?.span))
}

/// The rate limit of an operation, from the extension that the profile names.
pub(super) fn rate_limit(profile: &Profile, spec: &document::Operation) -> Option<Spanned<RateLimit>> {
    let node = spec.extension(profile.rate_limit.as_ref()?)?;
    let positive = |key: &str| node.get(key)?.as_u64().filter(|number| *number > 0);
    let limit = RateLimit { requests: positive("requests")?, window_seconds: positive("window_seconds")? };
    Some(Spanned::new(limit, Span::new(spec.span.file, &node.range)))
}
