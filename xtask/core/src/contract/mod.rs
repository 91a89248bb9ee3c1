//! The contract: an OpenAPI document, interpreted by its profile.
//!
//! The document is kept unchanged; the profile's additions are stored with each operation. This module does not judge
//! anything: that is the task of the check.

mod errors;
mod extent;
mod media;
mod operation;
mod propose;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use openapi_model::document::Document;
use openapi_model::problem::Unreadable;
use openapi_model::schema::SchemaId;
use openapi_model::source::{Place, Source};
use openapi_model::span::Span;

use crate::profile::Profile;
pub use errors::{DocumentedError, identity};
pub use extent::Extent;
pub use media::json;
pub use operation::{Operation, RateLimit};
pub use propose::propose;

/// A contract.
#[derive(Debug)]
pub struct Contract {
    /// The document.
    pub document: Document,
    /// Its conventions.
    pub profile: Profile,
    /// Whether they were concluded from the document, so that nobody has promised them.
    pub is_profile_concluded: bool,
    /// Its operations, in document order.
    pub operations: Vec<Operation>,
}

impl Contract {
    /// Reads a contract that is in memory, with a profile, by default the one that [`propose`] returns. References into
    /// other files are resolved from the folder `base`.
    ///
    /// # Errors
    ///
    /// If it cannot be read at all.
    pub fn read(source: &Arc<Source>, base: Option<&Path>, profile: Option<&Profile>) -> Result<Contract, Unreadable> {
        let document = openapi_model::read(source, base)?;
        let is_profile_concluded = profile.is_none();
        let profile = profile.cloned().unwrap_or_else(|| propose(&document, &[]));
        Ok(Contract { is_profile_concluded, ..Contract::new(document, profile) })
    }

    /// A document, interpreted by a profile.
    pub fn new(document: Document, profile: Profile) -> Contract {
        let operations = document.operations.iter().map(|spec| Operation::new(&profile, spec)).collect();
        Contract { document, profile, is_profile_concluded: false, operations }
    }

    /// The file that was opened.
    pub fn source(&self) -> &Arc<Source> {
        self.document.source()
    }

    /// A labelled place of the contract.
    pub fn place(&self, span: Span, label: impl Into<String>) -> Place {
        self.document.place(span, label)
    }

    /// The operations by [`openapi_model::paths::call`].
    pub fn by_call(&self) -> HashMap<String, &Operation> {
        self.operations.iter().map(|operation| (operation.call(), operation)).collect()
    }

    /// The schema of every error, if the profile names one that exists.
    pub fn error_schema(&self) -> Option<SchemaId> {
        self.document.component(self.profile.error_schema.as_ref()?)
    }
}
