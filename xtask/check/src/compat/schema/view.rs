//! Schemas that apply together, possibly restricted to one of their alternatives.

use std::sync::Arc;

use openapi_model::document::Document;
use openapi_model::schema::{SchemaId, Types};
use openapi_model::shape::{AllOf, Alternatives, Shape, same_value};
use openapi_model::span::{Span, Spanned};
use serde_json::Value as Json;

/// Schemas that must fit together. If one alternative is selected, it is included, and its list is left out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(in crate::compat) struct View {
    all: AllOf,
    without: Vec<Span>,
    only: Option<Types>,
}

impl View {
    /// A schema; references are resolved.
    pub(in crate::compat) fn of(document: &Document, id: SchemaId) -> View {
        View::all(document, &id.into())
    }

    /// The schema, or anything if there is none.
    pub(in crate::compat) fn of_some(document: &Document, id: Option<SchemaId>) -> View {
        id.map(|id| View::of(document, id)).unwrap_or_default()
    }

    /// Schemas that apply together.
    pub(in crate::compat) fn all(document: &Document, all: &AllOf) -> View {
        let all = AllOf::new(all.ids().iter().map(|id| document.target(*id)).collect());
        View { all, without: Vec::new(), only: None }
    }

    /// Their shape.
    pub(super) fn shape(&self, document: &Document) -> Arc<Shape> {
        let shape = document.shape(&self.all);
        let listed = shape.alternatives.iter().any(|list| values_of(document, list).is_some());
        if self.without.is_empty() && self.only.is_none() && !listed {
            return shape;
        }
        let mut shape = Shape::clone(&shape);
        shape.alternatives.retain(|list| !self.without.contains(&list.span));
        if listed {
            list_values(document, &mut shape);
        }
        if let Some(only) = self.only {
            shape.types = shape.types.common(only);
        }
        Arc::new(shape)
    }

    /// The schemas.
    pub(super) fn ids(&self) -> &[SchemaId] {
        self.all.ids()
    }

    /// One alternative of a list together with everything else.
    pub(super) fn with(&self, document: &Document, alternative: &AllOf, list: Span) -> View {
        let ids = self.all.ids().iter().chain(alternative.ids()).map(|id| document.target(*id)).collect();
        let mut without = self.without.clone();
        without.push(list);
        without.sort_unstable();
        View { all: AllOf::new(ids), without, only: self.only }
    }

    /// Restricted to values of some types.
    pub(super) fn only(&self, types: Types) -> View {
        View { only: Some(types), ..self.clone() }
    }

    /// The place of `nullable`.
    pub(super) fn null_span(&self, document: &Document) -> Option<Span> {
        let schemas = self.all.ids().iter().map(|id| document.schema(*id));
        schemas.flat_map(|schema| [schema.nullable]).flatten().next()
    }
}

/// The values of alternatives, if each is only an enumeration.
fn values_of(document: &Document, list: &Alternatives) -> Option<Vec<Spanned<Json>>> {
    if list.discriminator.is_some() {
        return None;
    }
    let mut values: Vec<Spanned<Json>> = Vec::new();
    for member in &list.members {
        let shape = document.shape(member);
        let is_more = !shape.alternatives.is_empty() || !shape.unresolved.is_empty() || !shape.not.is_empty();
        let own = shape.enumeration.as_ref().filter(|_| !is_more)?;
        let is_single = |value: &Json| !value.is_object() && !value.is_array();
        if !own.iter().all(|value| is_single(&value.value) && shape.types.holds(Types::of(&value.value))) {
            return None;
        }
        for value in &own.value {
            if !values.iter().any(|known| same_value(&known.value, &value.value)) {
                values.push(value.clone());
            }
        }
    }
    Some(values)
}

/// Merges such alternatives into one enumeration.
fn list_values(document: &Document, shape: &mut Shape) {
    let mut kept = Vec::new();
    for list in std::mem::take(&mut shape.alternatives) {
        let Some(values) = values_of(document, &list) else {
            kept.push(list);
            continue;
        };
        let values = match &shape.enumeration {
            Some(known) => {
                let has = |value: &Json| known.iter().any(|known| same_value(&known.value, value));
                values.into_iter().filter(|value| has(&value.value)).collect()
            }
            None => values,
        };
        shape.enumeration = Some(Spanned::new(values, list.span));
    }
    shape.alternatives = kept;
}
