//! Converts typed schemas to one JSON Schema (2020-12), with a definition for each schema.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::{Map, Value as Json, json};

use super::direction::Direction;
use super::graph::{Walk, walk};
use super::parts::{parts, together, unusable};
use crate::document::{Document, Version};
use crate::schema::{Property, Schema, SchemaId, Subschemas};

/// A schema in its context: which properties are not required depends on the schemas that it is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    pub schema: SchemaId,
    /// The index of the set of names that are not required.
    exempt: usize,
}

impl Key {
    /// The name of its definition.
    pub fn name(self) -> String {
        name(self)
    }
}

/// The maximum number of distinct sets of names.
const MAX_EXEMPT: usize = 1000;
/// The maximum length of a chain of references that is searched for a cycle.
const MAX_CHAIN: usize = 100;

/// Converts schemas and everything they reach.
pub struct Converter<'a> {
    document: &'a Document,
    direction: Direction,
    keys: Vec<Key>,
    known: HashSet<Key>,
    /// The sets of names that are not required; the first is empty.
    exempt: Vec<BTreeSet<&'a str>>,
    /// For each schema, the properties that are not required because of it.
    unsent: HashMap<SchemaId, BTreeSet<&'a str>>,
    /// The index of the set that applies to the parts of a schema.
    within: HashMap<Key, usize>,
    broken: HashMap<SchemaId, String>,
}

impl<'a> Converter<'a> {
    pub fn new(document: &'a Document, direction: Direction) -> Converter<'a> {
        Converter {
            document,
            direction,
            keys: Vec::new(),
            known: HashSet::new(),
            exempt: vec![BTreeSet::new()],
            unsent: HashMap::new(),
            within: HashMap::new(),
            broken: HashMap::new(),
        }
    }

    /// The schemas that were reached, including the roots.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The schemas that cannot be used, with the reasons.
    pub fn broken(&self) -> &HashMap<SchemaId, String> {
        &self.broken
    }

    /// Adds a schema, and everything it reaches.
    pub fn reach(&mut self, root: SchemaId) {
        let mut open = vec![Key { schema: root, exempt: 0 }];
        while let Some(key) = open.pop() {
            if !self.known.insert(key) {
                continue;
            }
            self.keys.push(key);
            let schema = self.document.schema(key.schema);
            if let Some(reason) = unusable(schema) {
                self.broken.insert(key.schema, reason);
            }
            let exempt = self.exempt_within(key);
            let parts = parts(self.document.version, schema);
            open.extend(parts.applied.iter().map(|part| Key { schema: *part, exempt }));
            open.extend(parts.inner.iter().map(|part| Key { schema: *part, exempt: 0 }));
        }
    }

    /// The set of names that are not required in the parts of a schema: those of the schemas it is a part of, and its
    /// own.
    fn exempt_within(&mut self, key: Key) -> usize {
        if !self.unsent.contains_key(&key.schema) {
            let unsent = self.unsent_of(key.schema);
            self.unsent.insert(key.schema, unsent);
        }
        let own = &self.unsent[&key.schema];
        let outer = &self.exempt[key.exempt];
        let index = if own.is_subset(outer) {
            key.exempt
        } else {
            let all: BTreeSet<&str> = outer.union(own).copied().collect();
            match self.exempt.iter().position(|known| *known == all) {
                Some(index) => index,
                None if self.exempt.len() >= MAX_EXEMPT => key.exempt,
                None => {
                    self.exempt.push(all);
                    self.exempt.len() - 1
                }
            }
        };
        self.within.insert(key, index);
        index
    }

    /// The properties of a schema, and of those that apply together with it, that are not sent.
    fn unsent_of(&self, schema: SchemaId) -> BTreeSet<&'a str> {
        let document = self.document;
        let mut unsent = BTreeSet::new();
        for part in together(document, schema) {
            for property in &document.schema(part).properties {
                if together(document, property.schema).into_iter().any(|schema| self.is_unsent(document.schema(schema)))
                {
                    unsent.insert(property.name.value.as_str());
                }
            }
        }
        unsent
    }

    fn is_unsent(&self, schema: &Schema) -> bool {
        match self.direction {
            Direction::Request => schema.read_only.is_some(),
            Direction::Response => schema.write_only.is_some(),
        }
    }

    /// Compiles each schema alone, and excludes those that cannot be compiled.
    pub fn find_broken(&mut self) {
        let options = jsonschema::draft202012::options();
        for key in self.keys.clone() {
            let alone = self.definition(key, &|_, _| Some(Json::Bool(true)));
            if let Err(error) = options.build(&alone) {
                self.broken.insert(key.schema, error.to_string());
            }
        }
    }

    /// The whole JSON Schema, for objects whose keys are schema numbers, and the length of the longest chain of schemas
    /// that apply to the same value.
    pub fn finish(&self) -> (Json, usize) {
        let Walk { back, longest } = walk(&self.keys, |key| self.applied(key));
        let reference = |from: Key, to: Key| {
            // A schema that refers to itself adds nothing, even through other references.
            let (mut before, mut here) = (from, to);
            for _ in 0..MAX_CHAIN {
                if back.contains(&(before, here)) {
                    return None;
                }
                let next = self.document.schema(here.schema).reference.as_ref().and_then(|reference| reference.target);
                let Some(schema) = next else { break };
                let exempt = self.within.get(&here).copied().unwrap_or_default();
                (before, here) = (here, Key { schema, exempt });
            }
            Some(json!({ "$ref": format!("#/$defs/{}", name(to)) }))
        };
        let mut definitions = Map::with_capacity(self.keys.len());
        let mut roots = Map::new();
        for key in &self.keys {
            let definition = match self.broken.contains_key(&key.schema) {
                true => Json::Bool(true),
                false => self.definition(*key, &reference),
            };
            definitions.insert(name(*key), definition);
            if key.exempt == 0 {
                roots.insert(key.schema.index().to_string(), json!({ "$ref": format!("#/$defs/{}", name(*key)) }));
            }
        }
        (json!({ "properties": roots, "$defs": definitions }), longest)
    }

    fn applied(&self, key: Key) -> Vec<Key> {
        let exempt = self.within.get(&key).copied().unwrap_or_default();
        let parts = parts(self.document.version, self.document.schema(key.schema));
        parts.applied.into_iter().map(|schema| Key { schema, exempt }).collect()
    }

    /// A schema as JSON Schema. Schemas that apply to the same value go through `reference`, which returns `None` for
    /// circular ones.
    fn definition(&self, key: Key, reference: &dyn Fn(Key, Key) -> Option<Json>) -> Json {
        let schema = self.document.schema(key.schema);
        if let Some(always) = schema.always {
            return Json::Bool(always);
        }
        let exempt = self.within.get(&key).copied().unwrap_or_default();
        let applied = |part: SchemaId| reference(key, Key { schema: part, exempt });
        // `true` and `false` are inlined, so that messages name what forbids a property.
        let inner = |part: SchemaId| match self.document.schema(part).always {
            Some(always) => Json::Bool(always),
            None => reference(key, Key { schema: part, exempt: 0 }).unwrap_or(Json::Bool(true)),
        };
        let mut map = Map::new();
        if let Some(target) = schema.reference.as_ref().and_then(|reference| reference.target) {
            map.extend(applied(target).map(|target| ("allOf".to_owned(), json!([target]))));
            if self.document.version == Version::V3_0 {
                return Json::Object(map);
            }
        }
        self.values(schema, &mut map);
        let required = schema.required.iter().map(|name| name.value.as_str());
        let required: BTreeSet<&str> = required.filter(|name| !self.exempt[exempt].contains(name)).collect();
        if !required.is_empty() {
            map.insert("required".to_owned(), json!(required));
        }
        let mut set = |key: &str, value: Option<Json>| map.extend(value.map(|value| (key.to_owned(), value)));
        let named = |properties: &[Property]| {
            let named = properties.iter().map(|property| (property.name.value.clone(), inner(property.schema)));
            (!properties.is_empty()).then(|| Json::Object(named.collect()))
        };
        set("items", schema.items.map(inner));
        set("properties", named(&schema.properties));
        set("patternProperties", named(&schema.pattern_properties));
        set("additionalProperties", schema.additional_properties.map(inner));
        set("propertyNames", schema.property_names.map(inner));
        if !schema.prefix_items.is_empty() {
            set("prefixItems", Some(schema.prefix_items.iter().map(|item| inner(*item)).collect()));
        }
        // If one alternative refers back to this schema, the alternatives cannot be evaluated.
        // A discriminator says which alternative counts, so that another one may fit as well.
        let is_discriminated = schema.discriminator.is_some() && schema.any_of.is_none();
        let one_of = if is_discriminated { "anyOf" } else { "oneOf" };
        for (key, list) in [("anyOf", &schema.any_of), (one_of, &schema.one_of)] {
            let alternatives: Option<Vec<Json>> =
                list.as_ref().and_then(|list| list.value.iter().map(|part| applied(*part)).collect());
            set(key, alternatives.filter(|alternatives| !alternatives.is_empty()).map(Json::Array));
        }
        set("not", schema.not.and_then(applied).map(|not| json!(not)));
        for (key, subschemas) in &schema.subschemas {
            let value = match (key.as_str(), subschemas) {
                ("contains" | "unevaluatedItems" | "unevaluatedProperties", Subschemas::One(part)) => {
                    Some(inner(*part))
                }
                ("if" | "then" | "else", Subschemas::One(part)) => Some(applied(*part).unwrap_or(Json::Bool(true))),
                ("dependentSchemas", Subschemas::Named(properties)) => {
                    let named = properties.iter().map(|property| {
                        (property.name.value.clone(), applied(property.schema).unwrap_or(Json::Bool(true)))
                    });
                    Some(Json::Object(named.collect()))
                }
                _ => None,
            };
            set(key, value);
        }
        if let Some(list) = &schema.all_of {
            let members = list.value.iter().filter_map(|part| applied(*part));
            let before = map.remove("allOf").and_then(|list| list.as_array().cloned()).unwrap_or_default();
            let members: Vec<Json> = before.into_iter().chain(members).collect();
            if !members.is_empty() {
                map.insert("allOf".to_owned(), members.into());
            }
        }
        match schema.nullable {
            // Not `anyOf`: this way errors inside the value are reported at their place.
            Some(_) => json!({ "if": { "type": "null" }, "else": map }),
            None => Json::Object(map),
        }
    }

    /// The constraints of a schema apart from other schemas.
    fn values(&self, schema: &Schema, map: &mut Map<String, Json>) {
        let mut set = |key: &str, value: Option<Json>| map.extend(value.map(|value| (key.to_owned(), value)));
        set("type", schema.types.as_ref().map(|types| json!(types.value.names())));
        set("format", schema.format.as_ref().map(|format| json!(format.value)));
        let values = |values: &[crate::span::Spanned<Json>]| values.iter().map(|value| value.value.clone()).collect();
        set("enum", schema.enumeration.as_ref().map(|list| values(&list.value)));
        for (plain, exclusive, bound) in
            [("minimum", "exclusiveMinimum", &schema.minimum), ("maximum", "exclusiveMaximum", &schema.maximum)]
        {
            if let Some(bound) = bound {
                set(if bound.exclusive { exclusive } else { plain }, Some(json!(bound.value.value)));
            }
        }
        set("multipleOf", schema.multiple_of.as_ref().map(|number| json!(number.value)));
        for (key, count) in [
            ("minLength", &schema.min_length),
            ("maxLength", &schema.max_length),
            ("minItems", &schema.min_items),
            ("maxItems", &schema.max_items),
            ("minProperties", &schema.min_properties),
            ("maxProperties", &schema.max_properties),
        ] {
            set(key, count.as_ref().map(|count| json!(count.value)));
        }
        set("pattern", schema.pattern.as_ref().map(|pattern| json!(pattern.value)));
        set("uniqueItems", schema.unique_items.map(|_| json!(true)));
        for other in &schema.others {
            if matches!(other.key.as_str(), "minContains" | "maxContains" | "dependentRequired") {
                set(&other.key, Some(other.value.to_json()));
            }
        }
    }
}

fn name(key: Key) -> String {
    format!("{}-{}", key.schema.index(), key.exempt)
}
