//! Schemas together, as far as one of their alternatives is looked at.

use std::sync::Arc;

use openapi_model::document::Document;
use openapi_model::schema::{SchemaId, Types};
use openapi_model::shape::{AllOf, Shape};
use openapi_model::span::Span;

/// Schemas that have to fit together. Where one alternative of theirs is looked at, it is among them, and the list that it
/// is from is left out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(in crate::compat) struct View {
    all: AllOf,
    without: Vec<Span>,
    only: Option<Types>,
}

impl View {
    /// A schema; one that is only a reference is what it leads to.
    pub(in crate::compat) fn of(document: &Document, id: SchemaId) -> View {
        View::all(document, &id.into())
    }

    /// The schema, or anything.
    pub(in crate::compat) fn of_some(document: &Document, id: Option<SchemaId>) -> View {
        id.map(|id| View::of(document, id)).unwrap_or_default()
    }

    /// Schemas together.
    pub(in crate::compat) fn all(document: &Document, all: &AllOf) -> View {
        let all = AllOf::new(all.ids().iter().map(|id| document.target(*id)).collect());
        View { all, without: Vec::new(), only: None }
    }

    /// What they mean.
    pub(super) fn shape(&self, document: &Document) -> Arc<Shape> {
        let shape = document.shape(&self.all);
        if self.without.is_empty() && self.only.is_none() {
            return shape;
        }
        let mut shape = Shape::clone(&shape);
        shape.alternatives.retain(|list| !self.without.contains(&list.span));
        if let Some(only) = self.only {
            shape.types = shape.types.common(only);
        }
        Arc::new(shape)
    }

    /// One of the alternatives of a list together with everything else.
    pub(super) fn with(&self, document: &Document, alternative: &AllOf, list: Span) -> View {
        let ids = self.all.ids().iter().chain(alternative.ids()).map(|id| document.target(*id)).collect();
        let mut without = self.without.clone();
        without.push(list);
        without.sort_unstable();
        View { all: AllOf::new(ids), without, only: self.only }
    }

    /// The values of some types only.
    pub(super) fn only(&self, types: Types) -> View {
        View { only: Some(types), ..self.clone() }
    }

    /// Where `nullable` is written.
    pub(super) fn null_span(&self, document: &Document) -> Option<Span> {
        let schemas = self.all.ids().iter().map(|id| document.schema(*id));
        schemas.flat_map(|schema| [schema.nullable]).flatten().next()
    }
}
