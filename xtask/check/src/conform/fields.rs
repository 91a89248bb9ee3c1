//! Matches the fields of a value with the contract: the place of each, and the undocumented ones.
//!
//! A value may fit a schema in several ways. A field that any of them describes is documented.

use std::collections::HashSet;
use std::sync::Arc;

use openapi_model::document::Document;
use openapi_model::node::pointer_keys;
use openapi_model::schema::{SchemaId, Types};
use openapi_model::shape::{Additional, AllOf, Shape};
use openapi_model::span::Span;
use regex::Regex;
use serde_json::Value as Json;

/// The place of the innermost documented property on a JSON pointer.
pub(super) fn place(document: &Document, schema: SchemaId, pointer: &str) -> Option<Span> {
    let mut here = vec![AllOf::from(schema)];
    let mut place = None;
    for name in pointer_keys(pointer) {
        let ways = Ways::of(document, &here);
        let property = ways.shapes.iter().find_map(|shape| shape.properties.get(&name));
        place = property.map(|property| property.span).or(place);
        here = ways.field(&name);
        if here.is_empty() && name.parse::<usize>().is_ok() {
            here = ways.items();
        }
        if here.is_empty() {
            break;
        }
    }
    place
}

/// The array property of a list response: its name and shape. The first one, if there are several.
pub(super) fn array(document: &Document, schema: SchemaId) -> Option<(String, Arc<Shape>)> {
    let shape = document.shape_of(schema);
    let arrays = shape.properties.iter().filter_map(|(name, property)| {
        let array = document.shape(&property.schema);
        (array.types == Types::ARRAY).then_some((property.span, name, array))
    });
    arrays.min_by_key(|(span, ..)| *span).map(|(_, name, array)| (name.clone(), array))
}

/// Undocumented fields, as pointers; the items of a list count as one.
pub(super) fn undocumented(document: &Document, schema: SchemaId, json: &Json) -> Vec<String> {
    let mut found = Vec::new();
    walk(document, &[schema.into()], json, "", &mut found);
    found.sort();
    found.dedup();
    found
}

fn walk(document: &Document, schemas: &[AllOf], json: &Json, path: &str, found: &mut Vec<String>) {
    match json {
        Json::Array(items) => {
            let schemas = Ways::of(document, schemas).items();
            if !schemas.is_empty() {
                items.iter().for_each(|item| walk(document, &schemas, item, &format!("{path}/*"), found));
            }
        }
        Json::Object(fields) => {
            let ways = Ways::of(document, schemas);
            for (name, value) in fields {
                let path = format!("{path}/{name}");
                match ways.field(name) {
                    schemas if !schemas.is_empty() => walk(document, &schemas, value, &path, found),
                    _ if ways.are_open => {}
                    _ => found.push(path),
                }
            }
        }
        _ => {}
    }
}

/// The schemas that a value may fit.
struct Ways {
    shapes: Vec<Arc<Shape>>,
    /// Whether one of them permits other fields, or describes none.
    are_open: bool,
}

impl Ways {
    /// The schemas of a value that must fit one of these.
    fn of(document: &Document, schemas: &[AllOf]) -> Ways {
        let mut ways = Ways { shapes: Vec::new(), are_open: false };
        let mut seen = HashSet::new();
        schemas.iter().for_each(|schema| ways.add(document, schema, false, &mut seen));
        ways
    }

    /// `is_described`: whether another schema that applies to the value describes fields.
    fn add(&mut self, document: &Document, schema: &AllOf, is_described: bool, seen: &mut HashSet<AllOf>) {
        if !seen.insert(schema.clone()) {
            return;
        }
        let shape = document.shape(schema);
        let is_described = is_described || !shape.properties.is_empty();
        let may_be_anything = !is_described && shape.alternatives.is_empty() && shape.types.meets(Types::OBJECT);
        self.are_open |= may_be_anything || says_what_others_are(document, schema, &shape);
        for member in shape.alternatives.iter().flat_map(|alternatives| &alternatives.members) {
            self.add(document, member, is_described, seen);
        }
        self.shapes.push(shape);
    }

    /// The schemas of a field.
    fn field(&self, name: &str) -> Vec<AllOf> {
        let mut found = Vec::new();
        for shape in &self.shapes {
            let before = found.len();
            found.extend(shape.properties.get(name).map(|property| property.schema.clone()));
            let fitting = shape.pattern_properties.iter().filter(|(pattern, _)| matches(pattern, name));
            found.extend(fitting.map(|(_, schema)| schema.clone()));
            if let (true, Additional::Schema(schema)) = (found.len() == before, &shape.additional) {
                found.push(schema.clone());
            }
        }
        found
    }

    /// The schemas of items.
    fn items(&self) -> Vec<AllOf> {
        let said = self.shapes.iter().flat_map(|shape| shape.prefix_items.iter().chain(&shape.items));
        said.cloned().collect()
    }
}

/// Whether a name matches a pattern.
fn matches(pattern: &str, name: &str) -> bool {
    Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(name))
}

/// Whether schemas that apply together explicitly permit or forbid other fields.
fn says_what_others_are(document: &Document, schemas: &AllOf, shape: &Shape) -> bool {
    if shape.others.contains_key("unevaluatedProperties") || !shape.unresolved.is_empty() {
        return true;
    }
    let unreadable = |pattern: &String| Regex::new(pattern).is_err();
    if shape.pattern_properties.keys().any(unreadable) {
        return true;
    }
    let mut open = schemas.ids().to_vec();
    let mut seen = HashSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let schema = document.schema(id);
        if schema.additional_properties.is_some() {
            return true;
        }
        open.extend(schema.reference.iter().filter_map(|reference| reference.target));
        let composed = [&schema.all_of, &schema.any_of, &schema.one_of];
        open.extend(composed.into_iter().flatten().flat_map(|members| &members.value));
    }
    false
}
