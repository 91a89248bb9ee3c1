//! The values of discriminators.
//!
//! progenitor ignores `discriminator` and tries the variants of a union one after the other. So the property that tells
//! them apart becomes an enum with only those values that select the variant: then no other variant can be read by mistake,
//! and the variant is sent with the right value.

use std::collections::{BTreeSet, HashMap, HashSet};

use openapi_model::document::Document;
use openapi_model::schema::{Discriminator, SchemaId};

/// The property and its values by which schemas are selected.
#[derive(Debug, Default)]
pub struct Discriminators {
    selected: HashMap<SchemaId, (String, BTreeSet<String>)>,
}

impl Discriminators {
    /// The discriminators of all unions of a document. A schema that different properties select is left out.
    pub fn of(document: &Document) -> Discriminators {
        let mut selected: HashMap<SchemaId, (String, BTreeSet<String>)> = HashMap::new();
        let mut contradictory = HashSet::new();
        for (_, schema) in document.schemas() {
            let Some(discriminator) = &schema.discriminator else { continue };
            for member in [&schema.one_of, &schema.any_of].into_iter().flatten().flat_map(|members| &members.value) {
                let target = document.target(*member);
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
        Discriminators { selected }
    }

    /// The property that selects a schema, with the values that do.
    pub fn selecting(&self, id: SchemaId) -> Option<(&str, &BTreeSet<String>)> {
        self.selected.get(&id).map(|(property, values)| (property.as_str(), values))
    }
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
