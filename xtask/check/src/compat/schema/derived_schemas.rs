//! Components derived from others: each is a kind of the components that its `allOf` refers to.

use std::collections::{HashMap, HashSet};

use openapi_model::document::Document;
use openapi_model::schema::{Discriminator, SchemaId};
use openapi_model::shape::Shape;
use openapi_model::span::Span;

use super::View;

/// A derived schema with its discriminator value.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    pub(super) value: String,
    pub(super) schema: Option<SchemaId>,
    pub(super) span: Span,
}

/// The components derived from each schema, in document order.
#[derive(Debug, Default)]
pub(super) struct DerivedSchemas(HashMap<SchemaId, Vec<SchemaId>>);

impl DerivedSchemas {
    pub(super) fn of(document: &Document) -> DerivedSchemas {
        let mut derived_schemas = DerivedSchemas::default();
        if !document.schemas().any(|(_, schema)| schema.discriminator.is_some()) {
            return derived_schemas;
        }
        for (_, id) in &document.components {
            let schema = document.schema(*id);
            let is_more = schema.all_of.as_ref().is_some_and(|members| members.value.len() > 1)
                || !schema.properties.is_empty()
                || !schema.required.is_empty();
            if schema.all_of.is_none() || !is_more {
                continue;
            }
            let (mut seen, mut open) = (HashSet::from([*id]), vec![*id]);
            while let Some(next) = open.pop() {
                let schema = document.schema(next);
                let referred = schema.reference.as_ref().and_then(|reference| reference.target);
                let members = schema.all_of.iter().flat_map(|members| members.value.iter().copied());
                for base in members.chain(referred) {
                    if seen.insert(base) {
                        open.push(base);
                        if document.schema(base).name.is_some() {
                            derived_schemas.0.entry(base).or_default().push(*id);
                        }
                    }
                }
            }
        }
        derived_schemas
    }

    /// The derived schemas by discriminator value: mapped ones, and those that use their names. In accepted values,
    /// mapped schemas keep their names as values too.
    pub(super) fn kinds(&self, document: &Document, view: &View, shape: &Shape, is_taken: bool) -> Vec<Kind> {
        let Some(discriminator) = &shape.discriminator else { return Vec::new() };
        let mut kinds = mapped(discriminator);
        for id in view.ids().iter().flat_map(|id| self.0.get(id)).flatten() {
            let Some(name) = &document.schema(*id).name else { continue };
            let is_it = |kind: &Kind| kind.schema.is_some_and(|known| document.target(known) == document.target(*id));
            let is_known = kinds.iter().any(|kind| kind.value == name.value || !is_taken && is_it(kind));
            if !is_known {
                kinds.push(Kind { value: name.value.clone(), schema: Some(*id), span: name.span });
            }
        }
        kinds
    }
}

fn mapped(discriminator: &Discriminator) -> Vec<Kind> {
    let mapping = discriminator.mapping.iter();
    mapping
        .map(|(value, reference)| Kind { value: value.value.clone(), schema: reference.target, span: value.span })
        .collect()
}
