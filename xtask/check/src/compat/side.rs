//! One side of a comparison: a document, and what a project knows about its operations beyond OpenAPI.

use std::sync::Arc;

use apidrift_core::contract::{Contract, RateLimit};
use apidrift_core::profile::SCOPES;
use openapi_model::document::{Document, Operation};
use openapi_model::span::Spanned;

/// A document with a project's knowledge about its operations.
#[derive(Debug)]
pub struct Side<'a> {
    /// The document.
    pub document: &'a Document,
    /// The knowledge about each of its operations, in order; operations past the end have none.
    pub known: Vec<Known>,
}

impl<'a> Side<'a> {
    /// A contract as interpreted by its profile.
    pub fn of(contract: &'a Contract) -> Side<'a> {
        let scopes_are_permissions = contract.profile.permission.as_deref() == Some(SCOPES);
        let known = contract.operations.iter().map(|operation| Known {
            errors: operation
                .errors
                .iter()
                .filter_map(|error| {
                    let (status, name) = (error.status.value, Some(error.name.value.clone()));
                    Some(KnownError { status, name, identity: error.identity.clone()? })
                })
                .collect(),
            // Scopes are compared as part of the security requirements.
            permission: operation.permission.clone().filter(|_| !scopes_are_permissions),
            rate_limit: operation.rate_limit.clone(),
        });
        Side { document: &contract.document, known: known.collect() }
    }
}

/// What is known about an operation beyond OpenAPI.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Its errors, if an identity distinguishes those with the same status.
    pub errors: Vec<KnownError>,
    /// The permission that it requires.
    pub permission: Option<Spanned<String>>,
    /// Its rate limit.
    pub rate_limit: Option<Spanned<RateLimit>>,
}

/// An error of an operation.
#[derive(Debug, Clone)]
pub struct KnownError {
    /// The status.
    pub status: u16,
    /// Its name in the contract, if the name does not depend on the identity.
    pub name: Option<String>,
    /// The value that distinguishes it from others with this status, such as its message.
    pub identity: Spanned<String>,
}

/// The operations of a document with what is known about them.
pub(super) fn known<'a>(side: &'a Side<'_>) -> impl Iterator<Item = (&'a Arc<Operation>, Known)> {
    let known = side.known.iter().cloned().chain(std::iter::repeat_with(Known::default));
    side.document.operations.iter().zip(known)
}
