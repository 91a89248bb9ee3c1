//! The schemas that a schema consists of.

use std::collections::HashSet;

use crate::document::{Document, Version};
use crate::schema::{Schema, SchemaId, Subschemas};

/// The maximum number of schemas that are searched for properties that are not required.
const MAX_PARTS: usize = 64;

/// Why a schema itself cannot be used, apart from other schemas.
pub fn unusable(schema: &Schema) -> Option<String> {
    if let Some(reference) = schema.reference.as_ref().filter(|reference| reference.target.is_none()) {
        return Some(format!("`{}` leads to nothing", reference.text.value));
    }
    let dynamic = schema.others.iter().find(|other| matches!(other.key.as_str(), "$dynamicRef" | "$recursiveRef"));
    dynamic.map(|other| format!("`{}` is not followed", other.key))
}

/// The schemas that a schema contains or refers to.
pub struct Parts {
    /// Those that apply to the same value.
    pub applied: Vec<SchemaId>,
    /// Those that apply to values inside it.
    pub inner: Vec<SchemaId>,
}

pub fn parts(version: Version, schema: &Schema) -> Parts {
    let mut parts = Parts { applied: Vec::new(), inner: Vec::new() };
    if let Some(reference) = &schema.reference {
        parts.applied.extend(reference.target);
        if version == Version::V3_0 {
            return parts;
        }
    }
    for list in [&schema.all_of, &schema.any_of, &schema.one_of].into_iter().flatten() {
        parts.applied.extend(&list.value);
    }
    parts.applied.extend(schema.not);
    let properties = schema.properties.iter().chain(&schema.pattern_properties);
    parts.inner.extend(properties.map(|property| property.schema));
    parts.inner.extend(&schema.prefix_items);
    parts.inner.extend([schema.items, schema.additional_properties, schema.property_names].into_iter().flatten());
    for (key, subschemas) in &schema.subschemas {
        match (key.as_str(), subschemas) {
            ("if" | "then" | "else", Subschemas::One(part)) => parts.applied.push(*part),
            ("contains" | "unevaluatedItems" | "unevaluatedProperties", Subschemas::One(part)) => {
                parts.inner.push(*part)
            }
            ("dependentSchemas", Subschemas::Named(named)) => {
                parts.applied.extend(named.iter().map(|property| property.schema));
            }
            _ => {}
        }
    }
    parts
}

/// A schema, the targets of its references, and the members of its `allOf`s.
pub fn together(document: &Document, schema: SchemaId) -> Vec<SchemaId> {
    let mut found = vec![schema];
    let mut known = HashSet::from([schema]);
    let mut next = 0;
    while let Some(here) = found.get(next).copied().filter(|_| found.len() < MAX_PARTS) {
        next += 1;
        let schema = document.schema(here);
        let target = schema.reference.as_ref().and_then(|reference| reference.target);
        let members = schema.all_of.iter().flat_map(|list| list.value.iter().copied());
        found.extend(target.into_iter().chain(members).filter(|part| known.insert(*part)));
    }
    found
}
