//! What a schema stands for if it only refers to another one, and what that one is called.

use openapi_model::document::Document;
use openapi_model::schema::{Schema, SchemaId, Types as Kinds};
use openapi_model::shape::{AllOf, is_bare};

use super::names::type_name;
use super::types::Types;

impl Types<'_> {
    /// The schema that is meant by a schema that only refers to it, perhaps with null. The hint changes if the schema is no
    /// component and has a name where it is.
    pub(super) fn target(&self, schemas: &AllOf, hint: &str) -> (AllOf, String) {
        let &[mut id] = schemas.ids() else { return (schemas.clone(), hint.to_owned()) };
        let mut hint = hint.to_owned();
        for _ in 0..64 {
            let Some((next, text)) = next_target(self.document, id) else { break };
            if let Some(name) = text.and_then(|text| reference_name(&text)) {
                hint = name;
            }
            id = next;
        }
        (id.into(), hint)
    }
}

/// The schema that a schema stands for if it is nothing but a reference, an `allOf` of one, or alternatives of one besides
/// null, with the text of the reference.
fn next_target(document: &Document, id: SchemaId) -> Option<(SchemaId, Option<String>)> {
    let schema = document.schema(id);
    let only_refers = match &schema.nullable {
        None => is_bare(schema),
        Some(_) => is_bare(&Schema { nullable: None, ..schema.clone() }),
    };
    if !only_refers {
        return None;
    }
    let lists: Vec<&Vec<SchemaId>> =
        [&schema.all_of, &schema.any_of, &schema.one_of].into_iter().flatten().map(|list| &list.value).collect();
    match (&schema.reference, &lists[..]) {
        (Some(reference), []) => reference.target.map(|target| (target, Some(reference.text.value.clone()))),
        (None, [members]) => {
            let is_null =
                |id: &&SchemaId| document.schema(**id).types.as_ref().is_some_and(|types| types.value == Kinds::NULL);
            let mut others = members.iter().filter(|id| !is_null(id));
            match (others.next(), others.next()) {
                (Some(only), None) => Some((*only, None)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The name in a reference that is not to a component: that of the last part of the pointer that says something, or the
/// file's.
fn reference_name(text: &str) -> Option<String> {
    let (file, pointer) = text.split_once('#').unwrap_or((text, ""));
    let says_something = |part: &&str| {
        !matches!(*part, "" | "schema" | "items" | "properties" | "allOf" | "oneOf" | "anyOf" | "additionalProperties")
            && !part.starts_with(|first: char| first.is_ascii_digit())
            && !part.contains(['~', '%', '{'])
    };
    let file = file.rsplit('/').next().and_then(|file| file.split('.').next()).filter(|file| !file.is_empty());
    pointer.rsplit('/').find(says_something).or(file).map(type_name)
}
