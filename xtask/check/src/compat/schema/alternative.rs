//! One alternative of a schema, and its names.

use openapi_model::document::Document;
use openapi_model::schema::{Discriminator, Reference, SchemaId, Types};
use openapi_model::shape::AllOf;
use openapi_model::span::Span;

use super::View;

/// One alternative.
pub(super) struct Alternative {
    pub(super) view: View,
    /// The name of its component, if it is one.
    pub(super) name: Option<String>,
    pub(super) title: Option<String>,
    /// Its discriminator values.
    pub(super) values: Vec<String>,
    pub(super) types: Types,
    pub(super) fields: Vec<String>,
    pub(super) span: Span,
}

impl Alternative {
    pub(super) fn new(document: &Document, view: View, member: &AllOf, span: Span, values: Vec<String>) -> Alternative {
        let shape = view.shape(document);
        let title = member.ids().first().and_then(|id| document.schema(document.target(*id)).title.clone());
        let name = if member.is_anything() { None } else { document.shape(member).name.clone() };
        Alternative {
            name: name.map(|name| name.value),
            title: title.map(|title| title.value),
            values,
            types: shape.types,
            fields: shape.properties.keys().cloned().collect(),
            span,
            view,
        }
    }
}

/// The label of an alternative in messages.
pub(super) fn shown(alternative: &Alternative) -> String {
    match (&alternative.name, &alternative.title) {
        (Some(name), _) => format!("`{name}`"),
        (None, Some(title)) => format!("\"{title}\""),
        (None, None) if alternative.types.is_empty() => "that nothing fits".to_owned(),
        (None, None) if alternative.fields.is_empty() => format!("of type {}", alternative.types),
        (None, None) => format!("with the fields `{}`", alternative.fields.join("`, `")),
    }
}

/// The discriminator values of an alternative: those that are mapped to it, or else its name.
pub(super) fn values(document: &Document, names: &Discriminator, member: &AllOf) -> Vec<String> {
    let targets: Vec<SchemaId> = member.ids().iter().map(|id| document.target(*id)).collect();
    let name = document.shape(member).name.clone();
    let is_it = |reference: &Reference| match reference.target {
        Some(target) => targets.contains(&document.target(target)),
        None => {
            let last = reference.text.rsplit('/').next();
            name.as_ref().is_some_and(|name| last == Some(name.value.as_str()))
        }
    };
    let mapped: Vec<String> =
        names.mapping.iter().filter(|(_, reference)| is_it(reference)).map(|(value, _)| value.value.clone()).collect();
    if mapped.is_empty() { name.into_iter().map(|name| name.value).collect() } else { mapped }
}
