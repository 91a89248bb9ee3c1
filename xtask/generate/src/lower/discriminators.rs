//! The values of discriminators.
//!
//! progenitor ignores `discriminator` and tries the variants of a union one after the other. So the property that tells
//! them apart becomes an enum with only those values that select the variant: then no other variant can be read by mistake,
//! and the variant is sent with the right value.
//!
//! A discriminator without alternatives belongs to a base: the schemas that have it in their `allOf` are its alternatives.

use std::collections::{BTreeSet, HashMap, HashSet};

use openapi_model::document::Document;
use openapi_model::schema::{Discriminator, SchemaId};

/// The property and its values by which schemas are selected.
#[derive(Debug, Default)]
pub struct Discriminators {
    selected: HashMap<SchemaId, (String, BTreeSet<String>)>,
    /// The schemas that are derived from a base.
    derived: HashMap<SchemaId, Vec<SchemaId>>,
}

impl Discriminators {
    /// The discriminators of all unions of a document. A schema that different properties select is left out.
    pub fn of(document: &Document) -> Discriminators {
        let mut selected: HashMap<SchemaId, (String, BTreeSet<String>)> = HashMap::new();
        let mut contradictory = HashSet::new();
        let mut derived = HashMap::new();
        for (id, schema) in document.schemas() {
            let Some(discriminator) = &schema.discriminator else { continue };
            let lists = [&schema.one_of, &schema.any_of];
            let mut members: Vec<SchemaId> =
                lists.into_iter().flatten().flat_map(|list| &list.value).copied().collect();
            if members.is_empty() {
                members = derived_from(document, id);
                derived.insert(id, members.clone());
            }
            for member in members {
                let target = document.target(member);
                let values = values(document, discriminator, target);
                if values.is_empty() {
                    continue;
                }
                let property = &discriminator.property.value;
                let known = selected.entry(target).or_insert_with(|| (property.clone(), BTreeSet::new()));
                if known.0 != *property {
                    contradictory.insert(target);
                }
                known.1.extend(values);
            }
        }
        selected.retain(|id, _| !contradictory.contains(id));
        Discriminators { selected, derived }
    }

    /// The schemas that are derived from a schema and told apart by its discriminator.
    pub fn derived(&self, id: SchemaId) -> &[SchemaId] {
        self.derived.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The property that selects a schema, with the values that do.
    pub fn selecting(&self, id: SchemaId) -> Option<(&str, &BTreeSet<String>)> {
        self.selected.get(&id).map(|(property, values)| (property.as_str(), values))
    }
}

/// The components that have a schema in their `allOf`, at any depth.
fn derived_from(document: &Document, base: SchemaId) -> Vec<SchemaId> {
    let is_derived = |id: SchemaId| {
        let mut open = vec![id];
        let mut seen = HashSet::new();
        while let Some(id) = open.pop() {
            let schema = document.schema(id);
            let members = schema.all_of.iter().flat_map(|members| &members.value);
            for member in members.copied().chain(schema.reference.as_ref().and_then(|reference| reference.target)) {
                if member == base {
                    return true;
                }
                if seen.insert(member) {
                    open.push(member);
                }
            }
        }
        false
    };
    let components = document.components.iter().map(|(_, id)| *id);
    components.filter(|id| *id != base && document.target(*id) == *id && is_derived(*id)).collect()
}

/// The values that select a schema: those of the mapping, or else its name.
fn values(document: &Document, discriminator: &Discriminator, target: SchemaId) -> Vec<String> {
    let selects =
        |reference: &openapi_model::schema::Reference| reference.target.map(|id| document.target(id)) == Some(target);
    let mapping = discriminator.mapping.iter();
    let mapped: Vec<String> =
        mapping.filter(|(_, reference)| selects(reference)).map(|(value, _)| value.value.clone()).collect();
    if mapped.is_empty() {
        return document.schema(target).name.iter().map(|name| name.value.clone()).collect();
    }
    mapped
}
