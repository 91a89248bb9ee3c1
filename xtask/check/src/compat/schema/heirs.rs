//! Components that build on others: each is a kind of those that its `allOf` refers to.

use std::collections::{HashMap, HashSet};

use openapi_model::document::Document;
use openapi_model::schema::{Discriminator, SchemaId};
use openapi_model::shape::Shape;
use openapi_model::span::Span;

use super::View;

/// A kind of a schema, as its discriminator calls it.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    pub(super) value: String,
    pub(super) schema: Option<SchemaId>,
    pub(super) span: Span,
}

/// The components that build on each schema, in the order of the document.
#[derive(Debug, Default)]
pub(super) struct Heirs(HashMap<SchemaId, Vec<SchemaId>>);

impl Heirs {
    pub(super) fn of(document: &Document) -> Heirs {
        let mut heirs = Heirs::default();
        if !document.schemas().any(|(_, schema)| schema.discriminator.is_some()) {
            return heirs;
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
                            heirs.0.entry(base).or_default().push(*id);
                        }
                    }
                }
            }
        }
        heirs
    }

    /// The kinds of a schema by value: those that are mapped, and those that are called by their names. In what is taken
    /// those that are mapped keep their names too.
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
