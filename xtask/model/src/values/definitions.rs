//! Schemas as one self-contained set of JSON Schemas (2020-12), for programs that validate values without this crate.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value as Json};

use super::convert::Converter;
use super::direction::Direction;
use crate::document::Document;
use crate::schema::SchemaId;

/// JSON Schemas that refer to each other as `#/$defs/NAME`.
#[derive(Debug)]
pub struct Definitions {
    /// The requested schemas, in the order of the request.
    pub roots: Vec<Json>,
    /// The schemas that others refer to. Components keep their names, of which each odd letter becomes an underscore, with a
    /// number for each further meaning; other schemas are inside those that contain them.
    pub named: BTreeMap<String, Json>,
}

/// The schemas, and everything that they refer to, for values that are sent in one direction.
pub fn definitions(document: &Document, direction: Direction, roots: &[SchemaId]) -> Definitions {
    let mut converter = Converter::new(document, direction);
    roots.iter().for_each(|root| converter.reach(*root));
    let (whole, _) = converter.finish();
    let Json::Object(mut whole) = whole else { return Definitions { roots: Vec::new(), named: BTreeMap::new() } };
    let by_number = |value: Option<Json>| match value {
        Some(Json::Object(map)) => map,
        _ => Map::new(),
    };
    let definitions = by_number(whole.remove("$defs"));
    let properties = by_number(whole.remove("properties"));
    let mut names: HashMap<String, String> = HashMap::new();
    let mut taken: HashSet<String> = HashSet::new();
    for key in converter.keys() {
        if let Some(component) = document.schema(key.schema).name.as_ref() {
            // Names are parts of references, in which not every letter may stand.
            let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
            let plain: String = component.chars().map(|letter| if is_plain(letter) { letter } else { '_' }).collect();
            let numbered = (2..).map(|number| format!("{plain}-{number}"));
            let free = std::iter::once(plain.clone()).chain(numbered).find(|name| !taken.contains(name));
            let name = free.unwrap_or(plain);
            taken.insert(name.clone());
            names.insert(key.name(), name);
        }
    }
    let mut writing = Writing { definitions: &definitions, names, open: HashSet::new() };
    let written = roots.iter().map(|root| properties.get(&root.index().to_string()).map(|root| writing.inline(root)));
    let roots = written.map(|root| root.unwrap_or(Json::Bool(true))).collect();
    let mut named = BTreeMap::new();
    // Schemas that turn out to contain themselves get names while others are written.
    loop {
        let missing: Vec<(String, String)> = writing
            .names
            .iter()
            .filter(|(_, name)| !named.contains_key(*name))
            .map(|(key, name)| (key.clone(), name.clone()))
            .collect();
        if missing.is_empty() {
            return Definitions { roots, named };
        }
        for (key, name) in missing {
            let definition = definitions.get(&key).cloned().unwrap_or(Json::Bool(true));
            writing.open.insert(key.clone());
            let written = writing.parts(&definition);
            writing.open.remove(&key);
            named.insert(name, written);
        }
    }
}

struct Writing<'a> {
    definitions: &'a Map<String, Json>,
    names: HashMap<String, String>,
    /// The schemas that are being written.
    open: HashSet<String>,
}

impl Writing<'_> {
    /// A schema, in place of a reference to it where it has no name.
    fn inline(&mut self, schema: &Json) -> Json {
        let target = schema.get("$ref").and_then(Json::as_str).and_then(|text| text.strip_prefix("#/$defs/"));
        let Some(key) = target else { return self.parts(schema) };
        if let Some(name) = self.names.get(key) {
            return reference(name);
        }
        let key = key.to_owned();
        if !self.open.insert(key.clone()) {
            let name = format!("schema--{key}");
            self.names.insert(key, name.clone());
            return reference(&name);
        }
        let definition = self.definitions.get(&key).cloned().unwrap_or(Json::Bool(true));
        let written = self.parts(&definition);
        self.open.remove(&key);
        written
    }

    fn parts(&mut self, schema: &Json) -> Json {
        match schema {
            Json::Object(map) => {
                let each = map.iter().map(|(key, value)| {
                    let value = match (key.as_str(), value) {
                        // Data, not schemas.
                        ("enum" | "const" | "required" | "dependentRequired", data) => data.clone(),
                        // The keys in here are names, not keywords.
                        ("properties" | "patternProperties" | "dependentSchemas", Json::Object(named)) => {
                            named.iter().map(|(name, schema)| (name.clone(), self.inline(schema))).collect()
                        }
                        (_, value) => self.inline(value),
                    };
                    (key.clone(), value)
                });
                Json::Object(each.collect())
            }
            Json::Array(items) => items.iter().map(|item| self.inline(item)).collect(),
            other => other.clone(),
        }
    }
}

fn reference(name: &str) -> Json {
    serde_json::json!({ "$ref": format!("#/$defs/{name}") })
}
