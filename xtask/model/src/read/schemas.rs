//! Schemas: each place in the document is one schema, however many references lead to it.

use super::bounds::Bounds;
use super::files::{At, EntryAt, Unresolved};
use super::keys::Part;
use super::nearest::nearest;
use super::reader::Reader;
use crate::document::Version;
use crate::node::Value;
use crate::problem::ProblemKind;
use crate::schema::{Discriminator, Property, Reference, Schema, SchemaId, Subschemas, Types};
use crate::span::Spanned;

impl<'a> Reader<'a> {
    /// The schema at a place. It is queued and read later, so that reading does not recurse.
    pub fn schema(&mut self, at: At<'a>) -> SchemaId {
        if let Some(id) = self.ids.get(&at.address()) {
            return *id;
        }
        let id = SchemaId::at(self.schemas.len());
        self.schemas.push(Schema { span: at.span(), ..Schema::default() });
        self.ids.insert(at.address(), id);
        self.queue.push_back((id, at));
        id
    }

    /// The schema of a key.
    pub fn schema_in(&mut self, at: At<'a>, key: &str) -> Option<SchemaId> {
        at.get(key).map(|schema| self.schema(schema))
    }

    /// Reads all queued schemas, and those that they contain or refer to.
    pub fn read_schemas(&mut self) {
        while let Some((id, at)) = self.queue.pop_front() {
            let read = self.read_schema(at);
            let name = self.schemas[id.index()].name.take();
            self.schemas[id.index()] = Schema { name, ..read };
        }
    }

    fn read_schema(&mut self, at: At<'a>) -> Schema {
        let mut schema = Schema { span: at.span(), ..Schema::default() };
        match &at.node.value {
            Value::Object(_) => {}
            Value::Bool(always) => {
                schema.always = Some(*always);
                return schema;
            }
            _ => {
                self.wrong("schema", at, "a schema");
                return schema;
            }
        }
        if let Some(reference) = at.get("$ref") {
            schema.reference = self.reference(reference);
            if self.version == Version::V3_0 {
                self.beside(at);
                return schema;
            }
        }
        self.keys(at, Part::Schema);
        let mut bounds = Bounds::default();
        for entry in at.entries() {
            // Only these values in a schema may be null.
            if entry.value.is_null()
                && !matches!(entry.key(), "default" | "example" | "const")
                && !entry.key().starts_with("x-")
            {
                continue;
            }
            self.keyword(entry, &mut schema, &mut bounds);
        }
        schema.minimum = bounds.lower();
        schema.maximum = bounds.upper();
        if let (Some(_), Some(types)) = (schema.nullable, schema.types.as_mut()) {
            types.value = types.value.with(Types::NULL);
        }
        self.only_null(&mut schema);
        schema
    }

    /// OpenAPI 3.0 has no type for null: frameworks write `type: string, enum: [null]`.
    fn only_null(&self, schema: &mut Schema) {
        let is_null = schema
            .enumeration
            .as_ref()
            .is_some_and(|values| !values.value.is_empty() && values.value.iter().all(|value| value.value.is_null()));
        if self.version == Version::V3_0 && is_null {
            schema.nullable = None;
            if let Some(types) = schema.types.as_mut() {
                types.value = Types::NULL;
            }
        }
    }

    fn keyword(&mut self, entry: EntryAt<'a>, schema: &mut Schema, bounds: &mut Bounds) {
        let (key, value) = (entry.key(), entry.value);
        match key {
            "type" => schema.types = self.types(value),
            "nullable" => schema.nullable = self.set_of(value, key),
            "format" => schema.format = self.text_of(value, key),
            "enum" => {
                let items = self.list_of(value, key);
                let values = items.iter().map(|item| Spanned::new(item.node.to_json(), item.span())).collect();
                if matches!(value.node.value, Value::Array(_)) && schema.enumeration.is_none() {
                    schema.enumeration = Some(Spanned::new(values, value.span()));
                }
            }
            "const" => {
                let only = Spanned::new(value.node.to_json(), value.span());
                schema.enumeration = Some(Spanned::new(vec![only], value.span()));
            }
            "minimum" => bounds.minimum = self.number_of(value, key),
            "maximum" => bounds.maximum = self.number_of(value, key),
            "exclusiveMinimum" => match &value.node.value {
                Value::Bool(flag) => bounds.lower_is_exclusive = *flag,
                _ => bounds.exclusive_minimum = self.number_of(value, key),
            },
            "exclusiveMaximum" => match &value.node.value {
                Value::Bool(flag) => bounds.upper_is_exclusive = *flag,
                _ => bounds.exclusive_maximum = self.number_of(value, key),
            },
            "multipleOf" => schema.multiple_of = self.number_of(value, key),
            "minLength" => schema.min_length = self.count_of(value, key),
            "maxLength" => schema.max_length = self.count_of(value, key),
            "pattern" => schema.pattern = self.text_of(value, key),
            "minItems" => schema.min_items = self.count_of(value, key),
            "maxItems" => schema.max_items = self.count_of(value, key),
            "uniqueItems" => schema.unique_items = self.set_of(value, key),
            "minProperties" => schema.min_properties = self.count_of(value, key),
            "maxProperties" => schema.max_properties = self.count_of(value, key),
            "items" => schema.items = Some(self.schema(value)),
            "prefixItems" => schema.prefix_items = self.schemas_of(value, key),
            "properties" => schema.properties = self.properties(value, key),
            "required" => schema.required = self.texts_of(value, key),
            "additionalProperties" => schema.additional_properties = Some(self.schema(value)),
            "patternProperties" => schema.pattern_properties = self.properties(value, key),
            "propertyNames" => schema.property_names = Some(self.schema(value)),
            "allOf" => schema.all_of = Some(Spanned::new(self.schemas_of(value, key), entry.key_span())),
            "anyOf" => schema.any_of = Some(Spanned::new(self.schemas_of(value, key), entry.key_span())),
            "oneOf" => schema.one_of = Some(Spanned::new(self.schemas_of(value, key), entry.key_span())),
            "not" => schema.not = Some(self.schema(value)),
            "discriminator" => schema.discriminator = self.discriminator(value),
            "readOnly" => schema.read_only = self.set_of(value, key),
            "writeOnly" => schema.write_only = self.set_of(value, key),
            "deprecated" => schema.deprecated = self.set_of(value, key),
            "title" => schema.title = self.text_of(value, key),
            "description" => schema.description = self.text_of(value, key),
            "default" => schema.default = Some(value.node.clone()),
            "example" => schema.examples.push(value.node.clone()),
            "examples" => schema.examples.extend(self.list_of(value, key).iter().map(|item| item.node.clone())),
            _ if key.starts_with("x-") => schema.extensions.push(entry.entry.clone()),
            _ => self.other_keyword(entry, schema),
        }
    }

    /// Keywords of 3.1 that have no field.
    fn other_keyword(&mut self, entry: EntryAt<'a>, schema: &mut Schema) {
        let (key, value) = (entry.key(), entry.value);
        let schemas = match key {
            "if"
            | "then"
            | "else"
            | "contains"
            | "unevaluatedItems"
            | "unevaluatedProperties"
            | "additionalItems"
            | "contentSchema" => Some(Subschemas::One(self.schema(value))),
            "dependentSchemas" => Some(Subschemas::Named(self.properties(value, key))),
            "minContains" | "maxContains" | "dependentRequired" | "contentEncoding" | "contentMediaType"
            | "$dynamicRef" | "$recursiveRef" => None,
            // They contain schemas to refer to, and do not constrain values.
            "$defs" | "definitions" => {
                self.properties(value, key);
                return;
            }
            _ => return,
        };
        schema.others.push(entry.entry.clone());
        if let Some(schemas) = schemas {
            schema.subschemas.push((key.to_owned(), schemas));
        }
    }

    fn set_of(&mut self, value: At<'a>, key: &str) -> Option<crate::span::Span> {
        self.flag_of(value, key).filter(|flag| flag.value).map(|flag| flag.span)
    }

    fn schemas_of(&mut self, value: At<'a>, key: &str) -> Vec<SchemaId> {
        let items = self.list_of(value, key);
        items.into_iter().map(|item| self.schema(item)).collect()
    }

    /// Schemas by name: a name may be any text, even that of a keyword.
    fn properties(&mut self, value: At<'a>, key: &str) -> Vec<Property> {
        // Some documents have one reference in place of all names. OpenAPI does not define that, but the meaning is
        // clear.
        let value = match value.get("$ref").and_then(|reference| reference.node.as_str()) {
            Some(_) => {
                self.problem(ProblemKind::WrongType, format!("`{key}` is a reference, not a mapping"), value.span());
                match self.follow(value, key) {
                    Ok(target) => target,
                    Err(_) => return Vec::new(),
                }
            }
            None => value,
        };
        if !value.is_mapping() {
            self.wrong(key, value, "a mapping");
        }
        let entries = value.entries();
        entries
            .map(|entry| Property {
                name: Spanned::new(entry.key().to_owned(), entry.key_span()),
                schema: self.schema(entry.value),
            })
            .collect()
    }

    fn types(&mut self, value: At<'a>) -> Option<Spanned<Types>> {
        let names = match &value.node.value {
            Value::Array(items) => items.iter().map(|item| value.with(item)).collect(),
            _ => vec![value],
        };
        let mut types = Types::NONE;
        for name in names {
            // `type: null` and `type: [string, null]` without quotes mean the type name.
            let text = if name.is_null() { Some("null") } else { name.node.as_str() };
            match text.and_then(Types::named) {
                Some(named) => types = types.with(named),
                None => {
                    let shown = text.map_or(name.node.kind().to_owned(), |text| format!("`{text}`"));
                    let message = format!("`type` is {shown}, which is not a type");
                    let known = ["null", "boolean", "integer", "number", "string", "array", "object"];
                    let nearest = text.and_then(|text| nearest(known.into_iter(), text));
                    self.problem(ProblemKind::WrongType, message, name.span()).nearest = nearest;
                }
            }
        }
        (!types.is_empty()).then(|| Spanned::new(types, value.span()))
    }

    fn reference(&mut self, value: At<'a>) -> Option<Reference> {
        let Some(text) = value.node.as_str() else {
            let message = format!("a `$ref` is {}, not a string", value.node.kind());
            self.problem(ProblemKind::WrongType, message, value.span());
            return Some(Reference { text: Spanned::new(String::new(), value.span()), target: None });
        };
        let target = self.target(value, text);
        Some(Reference { text: Spanned::new(text.to_owned(), value.span()), target })
    }

    fn discriminator(&mut self, value: At<'a>) -> Option<Discriminator> {
        if !value.is_mapping() {
            self.wrong("discriminator", value, "a mapping");
            return None;
        }
        self.keys(value, Part::Discriminator);
        let mapping = self.named(value, "mapping");
        let mapping = mapping.into_iter().filter_map(|entry| {
            let text = self.text_of(entry.value, entry.key())?;
            let target = self.mapped(entry.value);
            Some((Spanned::new(entry.key().to_owned(), entry.key_span()), Reference { text, target }))
        });
        let mapping = mapping.collect();
        let Some(property) = self.text(value, "propertyName") else {
            self.problem(ProblemKind::Incomplete, "a discriminator has no `propertyName`", value.span());
            return None;
        };
        Some(Discriminator { property, mapping })
    }

    /// The schema that a discriminator value selects: a component by name, or else a reference.
    fn mapped(&mut self, value: At<'a>) -> Option<SchemaId> {
        let text = value.node.as_str()?;
        let components = self.references.files.root(value.file).and_then(|root| root.get("components")?.get("schemas"));
        if let Some(named) = components.and_then(|schemas| schemas.get(text)) {
            return Some(self.schema(named));
        }
        if !text.contains(['#', '/', '.']) {
            let known = components.map(|schemas| schemas.node.entries()).unwrap_or_default();
            let nearest = nearest(known.iter().map(|entry| entry.key.as_str()), text);
            let unresolved = Unresolved { nearest, ..Unresolved::new(format!("there is no schema `{text}`")) };
            self.unresolved(unresolved, value);
            return None;
        }
        self.target(value, text)
    }

    fn target(&mut self, value: At<'a>, text: &'a str) -> Option<SchemaId> {
        match self.references.find(value.file, text) {
            Ok(target) => Some(self.schema(target)),
            Err(unresolved) => {
                self.unresolved(unresolved, value);
                None
            }
        }
    }

    /// Reports schemas that are circular references: they have no meaning.
    pub fn report_circular_references(&mut self) {
        let target = |schema: &Schema| schema.reference.as_ref().and_then(|reference| reference.target);
        let mut walks = vec![0; self.schemas.len()];
        for start in 0..self.schemas.len() {
            let (walk, mut here) = (start + 1, SchemaId::at(start));
            while walks[here.index()] == 0 {
                walks[here.index()] = walk;
                match target(&self.schemas[here.index()]) {
                    Some(next) => here = next,
                    None => break,
                }
            }
            let schema = &self.schemas[here.index()];
            if let Some(reference) =
                schema.reference.as_ref().filter(|_| walks[here.index()] == walk && target(schema).is_some())
            {
                let message = format!("`{}` is a circular reference", reference.text.value);
                let span = reference.text.span;
                self.problem(ProblemKind::CircularReference, message, span);
            }
        }
    }
}
