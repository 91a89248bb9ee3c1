//! The objects in the bodies of an operation, and the fields of each.

use std::collections::{BTreeMap, BTreeSet};

use openapi_model::document::Document;
use openapi_model::schema::SchemaId;
use openapi_model::shape::AllOf;

use super::basis::Basis;
use super::shapes::{self, Field, Fields, Others, Variants};
use crate::page::Kind;
use crate::page::columns::Entry;
use crate::page::columns::parts;
use apidrift_core::contract::{Operation, json};

/// The maximum nesting of objects.
const DEPTH: usize = 6;

/// An object in a body.
pub struct Object {
    /// The names of the enclosing fields, from the outside in.
    pub path: Vec<String>,
    pub fields: BTreeMap<String, Field>,
    /// The fields that are required in some variant, and whether they are required in all.
    required: BTreeMap<String, bool>,
    /// Whether it may have fields that the contract does not name.
    pub is_open: bool,
    /// The schemas of the object.
    schemas: Vec<AllOf>,
}

/// The objects of an operation's request, the outermost first. A body with several media types has the fields of all.
pub fn of_request(document: &Document, operation: &Operation) -> Vec<Object> {
    let media = operation.body.iter().flat_map(|body| &body.content);
    let mut schemas: Vec<SchemaId> = Vec::new();
    for schema in media.filter_map(|media| media.schema) {
        if !schemas.iter().any(|known| document.target(*known) == document.target(schema)) {
            schemas.push(schema);
        }
    }
    // A file or a text beside it has no fields.
    let is_text = |schema: &SchemaId| {
        let kind = Variants::of(document, &[AllOf::from(*schema)]).common_kind();
        kind.is_some_and(|kind| !matches!(kind, Kind::Object | Kind::Array))
    };
    schemas.retain(|schema| !is_text(schema));
    below(document, schemas.into_iter().map(AllOf::from).collect())
}

/// The objects of each of an operation's responses.
pub fn of_answers(document: &Document, operation: &Operation) -> Vec<Vec<Object>> {
    let media = operation.responses.iter().filter_map(|response| json(&response.content)?.schema);
    media.map(|schema| below(document, vec![AllOf::from(schema)])).collect()
}

/// The objects in values of some schemas, the outermost first.
fn below(document: &Document, schemas: Vec<AllOf>) -> Vec<Object> {
    let mut objects = Vec::new();
    let mut seen = BTreeSet::new();
    let mut open = std::collections::VecDeque::from([(Vec::new(), schemas)]);
    while let Some((path, schemas)) = open.pop_front() {
        let schemas = items(document, schemas);
        if path.len() > DEPTH || !seen.insert(schemas.clone()) {
            continue;
        }
        let variants = Variants::of(document, &schemas);
        let Fields { named, others } = variants.fields();
        if let Others::Some(others) = &others {
            open.push_back((path.clone(), others.clone()));
        }
        if named.is_empty() {
            continue;
        }
        for field in named.values() {
            let mut path = path.clone();
            path.push(field.name.value.clone());
            open.push_back((path, field.schemas.clone()));
        }
        objects.push(Object {
            required: required(document, &schemas, 0),
            is_open: !matches!(others, Others::None)
                || schemas.iter().any(|schemas| shapes::takes_any_field(document, schemas)),
            fields: named,
            path,
            schemas,
        });
    }
    objects
}

/// The fields that are required by some of the schemas, and whether they are required by all.
fn required(document: &Document, schemas: &[AllOf], depth: usize) -> BTreeMap<String, bool> {
    let mut found: BTreeMap<String, bool> = BTreeMap::new();
    for (index, schemas) in schemas.iter().enumerate() {
        let shape = document.shape(schemas);
        let mut own: BTreeMap<String, bool> = shape.required.keys().map(|name| (name.clone(), true)).collect();
        for alternatives in shape.alternatives.iter().filter(|_| depth < DEPTH) {
            for (name, always) in required(document, &alternatives.members, depth + 1) {
                *own.entry(name).or_default() |= always;
            }
        }
        found.iter_mut().for_each(|(name, always)| *always &= own.get(name) == Some(&true));
        for (name, always) in own {
            found.entry(name).or_insert(always && index == 0);
        }
    }
    found
}

/// The item schemas of arrays, and all other schemas unchanged.
fn items(document: &Document, schemas: Vec<AllOf>) -> Vec<AllOf> {
    let mut found = Vec::new();
    let mut open = schemas;
    open.reverse();
    for _ in 0..DEPTH * 8 {
        let Some(schemas) = open.pop() else { break };
        let variants = Variants::of(document, std::slice::from_ref(&schemas));
        match variants.kind() {
            Some(Kind::Array) => open.extend(variants.items(0).unwrap_or_default()),
            _ => found.push(schemas),
        }
    }
    found
}

/// Whether a field is an object without named fields, which some pages call a list.
pub fn is_map(document: &Document, field: &Field, entry: &Entry<'_>) -> bool {
    let variants = Variants::of(document, &field.schemas);
    entry.kind.is_some_and(|(_, said)| said == Kind::Array)
        && variants.common_kind() == Some(Kind::Object)
        && variants.fields().named.is_empty()
}

impl Object {
    /// Whether a field is required; `None` if that depends on the variant of the object, or if no field is required:
    /// then `required` is presumably not maintained.
    pub fn is_required(&self, name: &str) -> Option<bool> {
        match self.required.get(name) {
            Some(true) => Some(true),
            Some(false) => None,
            None => (!self.required.is_empty()).then_some(false),
        }
    }

    /// The field with a name, which may contain dots, or be a path through nested objects.
    pub fn named<'a>(&'a self, objects: &'a [Object], name: &str) -> Option<&'a Field> {
        self.fields.get(name).or_else(|| self.field(objects, &parts(name)))
    }

    /// The field at a path through nested objects, starting here.
    pub fn field<'a>(&'a self, objects: &'a [Object], parts: &[&str]) -> Option<&'a Field> {
        let (last, before) = parts.split_last()?;
        let mut path = self.path.clone();
        path.extend(before.iter().map(|part| (*part).to_owned()));
        let object = if before.is_empty() { self } else { objects.iter().find(|object| object.path == path)? };
        object.fields.get(*last)
    }

    /// Whether several operations take it: then a field that one page omits may be on another.
    pub fn is_shared(&self, basis: &Basis<'_>) -> bool {
        let own = self.targets(basis.document());
        let takers = own.iter().filter_map(|schema| basis.takers().get(schema)).flatten();
        takers.collect::<BTreeSet<&usize>>().len() > 1
    }

    /// Whether a response contains it too: pages do not describe fields that the server fills in as sent.
    pub fn is_answered(&self, document: &Document, operation: &Operation) -> bool {
        let own = self.targets(document);
        let answers = of_answers(document, operation);
        answers.iter().flatten().any(|object| object.targets(document).intersection(&own).next().is_some())
    }

    fn targets(&self, document: &Document) -> BTreeSet<SchemaId> {
        self.schemas.iter().flat_map(|schemas| schemas.ids()).map(|id| document.target(*id)).collect()
    }
}
