//! The fields of a body and what its schema promises of each.

use openapi_model::document::Document;
use openapi_model::node::escaped;
use openapi_model::schema::{SchemaId, Types};
use openapi_model::shape::{Additional, AllOf};
use serde_json::Value as Json;

/// A field that a body has or could have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The JSON pointer of the object.
    pub parent: String,
    /// The name of the field.
    pub name: String,
    /// Whether the body has it.
    pub is_present: bool,
    /// Whether the schema requires it.
    pub is_required: bool,
    /// Whether the schema forbids it: the object is closed.
    pub is_forbidden: bool,
    /// Whether it is a text of which the schema lists all values.
    pub is_listed: bool,
    /// The types that its schema permits; `None` if that is not certain.
    pub types: Option<Types>,
}

/// The name of a field that no schema has.
const SURPLUS: &str = "surplus_of_the_server";
/// How deep bodies are looked at.
const DEEPEST: usize = 6;

/// The fields of a body. What could fit one of several schemas is left out, because little is certain of it.
pub fn places(document: &Document, schema: SchemaId, body: &Json) -> Vec<Place> {
    let mut found = Vec::new();
    walk(document, &schema.into(), body, "", 0, &mut found);
    found
}

fn walk(document: &Document, schemas: &AllOf, value: &Json, pointer: &str, depth: usize, found: &mut Vec<Place>) {
    let shape = document.shape(schemas);
    let is_certain = shape.alternatives.is_empty() && shape.not.is_empty() && shape.unresolved.is_empty();
    if depth > DEEPEST || !is_certain || !shape.others.is_empty() {
        return;
    }
    match value {
        Json::Object(fields) if shape.types == Types::OBJECT => {
            for (name, property) in &shape.properties {
                let inner = document.shape(&property.schema);
                let is_certain = inner.alternatives.is_empty() && inner.unresolved.is_empty();
                let types = if inner.nullable { inner.types.with(Types::NULL) } else { inner.types };
                found.push(Place {
                    parent: pointer.to_owned(),
                    name: name.clone(),
                    is_present: fields.contains_key(name),
                    is_required: shape.required.contains_key(name) && inner.write_only.is_none(),
                    is_forbidden: false,
                    is_listed: inner.enumeration.is_some() && fields.get(name).is_some_and(Json::is_string),
                    types: is_certain.then_some(types),
                });
                if let Some(value) = fields.get(name) {
                    let pointer = format!("{pointer}/{}", escaped(name));
                    walk(document, &property.schema, value, &pointer, depth + 1, found);
                }
            }
            if matches!(shape.additional, Additional::Nothing(_)) && shape.pattern_properties.is_empty() {
                found.push(Place {
                    parent: pointer.to_owned(),
                    name: SURPLUS.to_owned(),
                    is_present: false,
                    is_required: false,
                    is_forbidden: true,
                    is_listed: false,
                    types: None,
                });
            }
        }
        Json::Array(items) if shape.types == Types::ARRAY && shape.prefix_items.is_empty() => {
            if let (Some(first), Some(schemas)) = (items.first(), &shape.items) {
                walk(document, schemas, first, &format!("{pointer}/0"), depth + 1, found);
            }
        }
        _ => {}
    }
}
