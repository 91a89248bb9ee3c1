//! Lowers schemas to types that progenitor expresses without exception: structs, enums of texts, unions, lists, maps and
//! plain values.
//!
//! progenitor (typify) panics on some schemas and makes up names that clash for others. So every struct, enum and union
//! becomes a component with a name of ours, and refers to others by `$ref` only:
//!
//! - `allOf` is merged, because typify merges only some and panics on others.
//! - Lists, maps and plain values are written where they are used, so that they get no type of their own.
//! - Null belongs to the use of a type, not to the type: a nullable component would be a struct around an `Option`.
//! - `title`, `default`, bounds, `pattern` and unknown formats are left out. Titles would name types, and defaults would be
//!   sent where the caller sets nothing. What a value must satisfy is judged by the server.

use std::collections::{BTreeMap, HashMap};

use openapi_model::document::Document;
use openapi_model::schema::{Schema, Types as Kinds};
use openapi_model::shape::{Additional, AllOf, Shape};
use openapi_model::span::Span;
use serde_json::{Value, json};

use super::directions::Directions;
use super::discriminators::Discriminators;
use super::names::{Names, type_name};
use super::plain::{integer, text};
use super::record::{Loss, NamedType, Record};
use super::wire_names::WireNames;

/// Lowers the schemas of a document. Each is lowered once.
pub struct Types<'a> {
    pub(super) document: &'a Document,
    /// The named types so far.
    pub named: BTreeMap<String, NamedType>,
    /// Names of fields and values that differ from what is sent.
    pub wire_names: WireNames,
    pub(super) discriminators: Discriminators,
    pub(super) directions: Directions,
    names: Names,
    /// The names of schemas that have, or may have, a named type.
    known: HashMap<AllOf, String>,
    /// Lists and maps that are being lowered, each inside the one before.
    open: Vec<AllOf>,
    /// The records of what is being lowered, the innermost last.
    records: Vec<Record>,
}

/// What progenitor writes beside the types, without a path.
const RESERVED: [&str; 1] = ["Default"];

impl<'a> Types<'a> {
    /// Names for all components of the document are reserved first, so that they do not depend on what is used.
    pub fn new(document: &'a Document) -> Types<'a> {
        let mut names = Names::beside(&RESERVED);
        let components = document.components.iter();
        let known = components.map(|(name, id)| (AllOf::from(*id), names.unique(&type_name(name)))).collect();
        Types {
            document,
            named: BTreeMap::new(),
            wire_names: WireNames::default(),
            discriminators: Discriminators::of(document),
            directions: Directions::of(document),
            names,
            known,
            open: Vec::new(),
            records: Vec::new(),
        }
    }

    /// Begins a record; what is lowered until [`Types::recorded`] is noted in it.
    pub fn record(&mut self) {
        self.records.push(Record::default());
    }

    /// Ends the record.
    pub fn recorded(&mut self) -> Record {
        self.records.pop().unwrap_or_default()
    }

    pub(super) fn lose(&mut self, span: Span, what: impl Into<String>) {
        if let Some(record) = self.records.last_mut() {
            record.losses.push(Loss { what: what.into(), span });
        }
    }

    pub(super) fn lose_sent(&mut self, span: Span, what: impl Into<String>) {
        if let Some(record) = self.records.last_mut() {
            record.losses_sent.push(Loss { what: what.into(), span });
        }
    }

    /// A schema as it is used, including null. `hint` names its type, if it needs a name and has none.
    pub fn lower(&mut self, schemas: &AllOf, hint: &str) -> Value {
        let nullable = self.document.shape(schemas).nullable;
        let bare = self.without_null(schemas, hint);
        if nullable { with_null(bare) } else { bare }
    }

    /// A schema without null.
    pub fn without_null(&mut self, schemas: &AllOf, hint: &str) -> Value {
        let (target, hint) = self.target(schemas, hint);
        let shape = self.document.shape(&target);
        for missing in &shape.unresolved {
            self.lose(missing.span, format!("`{}` does not resolve; its values are read as any JSON", missing.value));
        }
        self.by_shape(&target, &shape, &hint)
    }

    fn by_shape(&mut self, schemas: &AllOf, shape: &Shape, hint: &str) -> Value {
        if !self.are_conditions(schemas, shape) {
            return self.reference(schemas, hint, |types, name| types.union(schemas, shape, name));
        }
        let kinds = shape.types.names();
        let single = |kind: &str| kinds.len() == 1 && kinds[0] == kind;
        if let Some(values) = &shape.enumeration
            && single("string")
            && !values.is_empty()
            && values.iter().all(|value| value.value.is_string())
        {
            return self.reference(schemas, hint, |types, name| types.enumeration(schemas, shape, name));
        }
        if shape.types == Kinds::ANY.without(Kinds::NULL) {
            return json!({});
        }
        match kinds[..] {
            [] => json!({}),
            [kind] => self.of_kind(kind, schemas, shape, hint),
            _ => self.reference(schemas, hint, |types, name| {
                let variant = |kind: &&str| {
                    let hint = format!("{name}{}", type_name(kind));
                    // The name of the schemas is that of the union.
                    match *kind {
                        "object" if is_struct(shape) => {
                            types.add(&hint, |types, name| types.structure(schemas, &[shape], name))
                        }
                        kind => types.of_kind(kind, schemas, shape, &hint),
                    }
                };
                let variants: Vec<Value> = kinds.iter().map(variant).collect();
                NamedType { schema: json!({ "oneOf": variants }), ..NamedType::default() }
            }),
        }
    }

    fn of_kind(&mut self, kind: &str, schemas: &AllOf, shape: &Shape, hint: &str) -> Value {
        match kind {
            "object" if is_struct(shape) => {
                if let [id] = schemas.ids()
                    && !self.discriminators.derived(*id).is_empty()
                {
                    return self.reference(schemas, hint, |types, name| types.family(*id, shape, name));
                }
                self.reference(schemas, hint, |types, name| types.structure(schemas, &[shape], name))
            }
            "object" => self.map(schemas, shape, hint),
            "array" => self.list(schemas, shape, hint),
            "string" => text(shape),
            "integer" => integer(shape),
            "number" => match shape.format.as_ref().map(|format| format.value.as_str()) {
                Some("float") => json!({"type": "number", "format": "float"}),
                _ => json!({"type": "number", "format": "double"}),
            },
            _ => json!({ "type": kind }),
        }
    }

    fn list(&mut self, schemas: &AllOf, shape: &Shape, hint: &str) -> Value {
        let items = match &shape.items {
            Some(items) if shape.prefix_items.is_empty() => self.inside(schemas, items, &format!("{hint}Item")),
            _ => json!({}),
        };
        json!({"type": "array", "items": items})
    }

    fn map(&mut self, schemas: &AllOf, shape: &Shape, hint: &str) -> Value {
        let values = match (&shape.additional, shape.pattern_properties.values().next()) {
            (Additional::Schema(values), _) | (_, Some(values)) => values.clone(),
            _ => return json!({"type": "object"}),
        };
        match self.inside(schemas, &values, &format!("{hint}Value")) {
            any if any == json!({}) => json!({"type": "object"}),
            values => json!({"type": "object", "additionalProperties": values}),
        }
    }

    /// The content of a list or a map. One that contains itself without a struct between would have no finite type.
    fn inside(&mut self, schemas: &AllOf, content: &AllOf, hint: &str) -> Value {
        if self.open.contains(schemas) {
            let span = self.document.shape(schemas).span;
            self.lose(span, "a list or map that contains itself is read as any JSON");
            return json!({});
        }
        self.open.push(schemas.clone());
        let lowered = self.lower(content, hint);
        self.open.pop();
        lowered
    }

    /// A `$ref` to the named type of a schema. It is lowered by `build` when it is first needed.
    fn reference(
        &mut self,
        schemas: &AllOf,
        hint: &str,
        build: impl FnOnce(&mut Types<'a>, &str) -> NamedType,
    ) -> Value {
        let name = match self.known.get(schemas) {
            Some(name) => name.clone(),
            None => {
                let name = self.names.unique(&type_name(hint));
                self.known.insert(schemas.clone(), name.clone());
                name
            }
        };
        if let Some(record) = self.records.last_mut() {
            record.refers.insert(name.clone());
        }
        if !self.named.contains_key(&name) {
            // Types that contain themselves find it here.
            self.named.insert(name.clone(), NamedType::default());
            let open = std::mem::take(&mut self.open);
            self.record();
            let mut named = build(self, &name);
            named.record = self.recorded();
            self.open = open;
            if named.docs.is_empty() {
                named.docs = self.docs(schemas);
            }
            self.named.insert(name.clone(), named);
        }
        reference_to(&name)
    }

    /// A name for a type that no schema stands for alone, such as the variant of a union.
    pub(super) fn add(&mut self, hint: &str, build: impl FnOnce(&mut Types<'a>, &str) -> NamedType) -> Value {
        let name = self.names.unique(&type_name(hint));
        if let Some(record) = self.records.last_mut() {
            record.refers.insert(name.clone());
        }
        self.record();
        let mut named = build(self, &name);
        named.record = self.recorded();
        self.named.insert(name.clone(), named);
        reference_to(&name)
    }

    /// The documentation of schemas: the description or else the title of the first that has one.
    pub fn docs(&self, schemas: &AllOf) -> String {
        let schemas = schemas.ids().iter().map(|id| self.document.schema(*id));
        let text =
            |schema: &Schema| schema.description.as_ref().or(schema.title.as_ref()).map(|text| text.value.clone());
        schemas.filter_map(text).find(|text| !text.trim().is_empty()).unwrap_or_default()
    }
}

/// Whether an object has properties with names.
fn is_struct(shape: &Shape) -> bool {
    !shape.properties.is_empty() || !shape.required.is_empty()
}

/// A reference to a named type.
pub fn reference_to(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// A lowered schema that null fits as well.
pub fn with_null(mut schema: Value) -> Value {
    let Some(map) = schema.as_object_mut() else { return schema };
    if map.contains_key("$ref") {
        return json!({"allOf": [schema], "nullable": true});
    }
    if !map.is_empty() {
        map.insert("nullable".into(), true.into());
    }
    schema
}
