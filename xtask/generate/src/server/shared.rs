//! What the operations of a contract share while they are generated.

use std::cell::RefCell;
use std::collections::BTreeMap;

use openapi_model::document::Document;
use openapi_model::schema::SchemaId;
use openapi_model::shape::AllOf;
use openapi_model::values::{Direction, Values};
use proc_macro2::Ident;
use serde_json::Value as Json;

use super::named::Naming;

/// What the operations of a contract share.
pub struct Shared<'a> {
    /// The document.
    pub document: &'a Document,
    /// The validated schemas as JSON Schema, as planned.
    pub validated: &'a [Json],
    /// How the contract names errors, if it does.
    pub naming: Option<Naming<'a>>,
    /// The statics of security schemes, by their names.
    pub schemes: BTreeMap<&'a str, Ident>,
    /// What checks a caller: `Authenticated` or `WithinLimits`.
    pub admission: Ident,
    /// Whether examples and defaults fit.
    pub values: RefCell<Values<'a>>,
}

impl Shared<'_> {
    /// Whether a value fits a schema.
    pub fn fits(&self, schema: SchemaId, direction: Direction, value: &Json) -> bool {
        self.values.borrow_mut().fits(schema, direction, value).unwrap_or_default()
    }

    /// The default of schemas, if it fits.
    pub fn default_of(&self, schemas: &AllOf) -> Option<Json> {
        let &[id] = schemas.ids() else { return None };
        let default = self.document.shape_of(id).default.clone().filter(|value| !value.is_null())?;
        self.fits(id, Direction::Request, &default).then_some(default)
    }
}
