//! One side of a comparison: a document, and what a project knows of its operations beside what OpenAPI says.

use std::sync::Arc;

use apidrift_core::contract::{Contract, RateLimit};
use apidrift_core::profile::SCOPES;
use openapi_model::document::{Document, Operation};
use openapi_model::span::Spanned;

/// A document with what a project knows of its operations.
#[derive(Debug)]
pub struct Side<'a> {
    /// The document.
    pub document: &'a Document,
    /// What is known of each of its operations, in their order; those that are missing have nothing more.
    pub known: Vec<Known>,
}

impl<'a> Side<'a> {
    /// A contract as its profile sees it.
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
            // Scopes are compared with the rest of what a request has to prove.
            permission: operation.permission.clone().filter(|_| !scopes_are_permissions),
            rate_limit: operation.rate_limit.clone(),
        });
        Side { document: &contract.document, known: known.collect() }
    }
}

/// What is known of an operation beside what OpenAPI says.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Its errors, where something tells those of one status apart.
    pub errors: Vec<KnownError>,
    /// The permission that it requires.
    pub permission: Option<Spanned<String>>,
    /// How often it may be called.
    pub rate_limit: Option<Spanned<RateLimit>>,
}

/// An error that an operation answers.
#[derive(Debug, Clone)]
pub struct KnownError {
    /// The status.
    pub status: u16,
    /// What the contract calls it, if it has a name that survives another identity.
    pub name: Option<String>,
    /// What tells it from others of this status, such as its message.
    pub identity: Spanned<String>,
}

/// The operations of a document and what is known of them.
pub(super) fn known<'a>(side: &'a Side<'_>) -> impl Iterator<Item = (&'a Arc<Operation>, Known)> {
    let known = side.known.iter().cloned().chain(std::iter::repeat_with(Known::default));
    side.document.operations.iter().zip(known)
}
