//! Whether a value may fit two alternatives.

use openapi_model::document::Document;
use openapi_model::schema::Types;
use openapi_model::shape::{Additional, Shape, same_value};

use super::alternative::Alternative;

/// Longer lists of alternatives are not compared pairwise.
const MAX_ALTERNATIVES: usize = 100;

/// Whether a value may fit two of some alternatives.
pub(super) fn any_two_meet(document: &Document, some: &[Alternative]) -> bool {
    if some.len() > MAX_ALTERNATIVES {
        return false;
    }
    let shapes: Vec<_> = some.iter().map(|one| one.view.shape(document)).collect();
    shapes.iter().enumerate().any(|(at, one)| shapes[..at].iter().any(|other| meets(document, one, other)))
}

fn meets(document: &Document, one: &Shape, other: &Shape) -> bool {
    let types = one.types.common(other.types);
    if !may_be_equal(one, other) {
        return false;
    }
    types != Types::OBJECT || !are_told_apart(document, one, other) && !are_told_apart(document, other, one)
}

/// Whether the two schemas may share a value, judging by types and enumerations.
fn may_be_equal(one: &Shape, other: &Shape) -> bool {
    if !one.unresolved.is_empty() || !other.unresolved.is_empty() {
        return true;
    }
    match (&one.enumeration, &other.enumeration) {
        (Some(values), Some(others)) => {
            values.iter().any(|value| others.iter().any(|other| same_value(&value.value, &other.value)))
        }
        _ => one.types.meets(other.types),
    }
}

/// Whether one of two objects requires a field that the other cannot have.
fn are_told_apart(document: &Document, one: &Shape, other: &Shape) -> bool {
    one.required.keys().any(|name| {
        let Some(known) = other.properties.get(name) else {
            return matches!(other.additional, Additional::Nothing(_)) && other.pattern_properties.is_empty();
        };
        let Some(own) = one.properties.get(name) else { return false };
        let (own, known) = (document.shape(&own.schema), document.shape(&known.schema));
        !(may_be_equal(&own, &known) || own.nullable && known.nullable)
    })
}
