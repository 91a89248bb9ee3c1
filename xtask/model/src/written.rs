//! Converts a schema back to JSON in the form of OpenAPI 3.0: for messages, and for tools that support only that.
//!
//! Everything that the model ignores is left out: keys beside a `$ref` in 3.0, and keywords that do not constrain
//! values.

use std::collections::HashSet;

use serde_json::{Map, Value as Json, json};

use crate::document::Document;
use crate::node::{Node, escaped};
use crate::schema::{Bound, Property, Reference, Schema, SchemaId, Types};
use crate::span::{Span, Spanned};

/// A schema with everything inside it. References stay references, and a component inside it is written as a reference;
/// any other schema that contains itself is written as `true` there.
pub fn schema(document: &Document, id: SchemaId) -> Json {
    Writing { document, open: Vec::new(), written: HashSet::new(), repeats: 0 }.schema(id)
}

/// The number of schemas that may be written repeatedly; further ones become `true`. Without a limit, shared schemas
/// could expand without bound.
const MAX_REPEATS: usize = 10_000;

struct Writing<'a> {
    document: &'a Document,
    /// The schemas that are being written, each nested in the one before.
    open: Vec<SchemaId>,
    written: HashSet<SchemaId>,
    /// How many schemas were written repeatedly.
    repeats: usize,
}

impl Writing<'_> {
    fn schema(&mut self, id: SchemaId) -> Json {
        let schema = self.document.schema(id);
        if let Some(always) = schema.always {
            return always.into();
        }
        // A component occurs inside a schema only if a mapping of `properties` is a reference.
        if let Some(name) = schema.name.as_ref().filter(|_| !self.open.is_empty()) {
            return json!({"$ref": format!("#/components/schemas/{}", escaped(name))});
        }
        self.repeats += usize::from(!self.written.insert(id));
        if self.repeats > MAX_REPEATS || self.open.contains(&id) {
            return true.into();
        }
        self.open.push(id);
        let mut map = Map::new();
        values(schema, &mut map);
        self.parts(schema, &mut map);
        about(schema, &mut map);
        self.open.pop();
        // In 3.0, keys beside a reference would be ignored.
        if let Some(reference) = map.remove("$ref") {
            if map.is_empty() {
                return json!({ "$ref": reference });
            }
            let mut members = vec![json!({ "$ref": reference })];
            members.extend(map.remove("allOf").and_then(|members| members.as_array().cloned()).unwrap_or_default());
            map.insert("allOf".to_owned(), members.into());
        }
        Json::Object(map)
    }

    fn parts(&mut self, written: &Schema, map: &mut Map<String, Json>) {
        put(map, "$ref", written.reference.as_ref().map(|reference| reference.text.value.as_str()));
        put(map, "items", self.one(written.items));
        put(map, "prefixItems", (!written.prefix_items.is_empty()).then(|| self.list(&written.prefix_items)));
        put(map, "properties", self.named(&written.properties));
        let required = written.required.iter().map(|name| Json::from(name.value.as_str())).collect::<Json>();
        put(map, "required", (!written.required.is_empty()).then_some(required));
        put(map, "additionalProperties", self.one(written.additional_properties));
        put(map, "patternProperties", self.named(&written.pattern_properties));
        put(map, "propertyNames", self.one(written.property_names));
        for (key, members) in [("allOf", &written.all_of), ("anyOf", &written.any_of), ("oneOf", &written.one_of)] {
            put(map, key, members.as_ref().map(|members| self.list(members)));
        }
        put(map, "not", self.one(written.not));
        if let Some(discriminator) = &written.discriminator {
            let mut told = json!({"propertyName": discriminator.property.value});
            let mapping = discriminator.mapping.iter();
            let mapping: Map<String, Json> = mapping
                .map(|(value, Reference { text, .. })| (value.value.clone(), text.value.clone().into()))
                .collect();
            if !mapping.is_empty() {
                told["mapping"] = mapping.into();
            }
            put(map, "discriminator", Some(told));
        }
        map.extend(written.others.iter().map(|entry| (entry.key.clone(), entry.value.to_json())));
    }

    fn one(&mut self, id: Option<SchemaId>) -> Option<Json> {
        id.map(|id| self.schema(id))
    }

    fn list(&mut self, ids: &[SchemaId]) -> Json {
        ids.iter().map(|id| self.schema(*id)).collect()
    }

    fn named(&mut self, properties: &[Property]) -> Option<Json> {
        let entries = properties.iter().map(|property| (property.name.value.clone(), self.schema(property.schema)));
        (!properties.is_empty()).then(|| Json::Object(entries.collect()))
    }
}

fn values(schema: &Schema, map: &mut Map<String, Json>) {
    if let Some(types) = &schema.types {
        match types.value.without(Types::NULL).names()[..] {
            [] => {
                put(map, "type", Some("string"));
                put(map, "nullable", Some(true));
                put(map, "enum", Some(vec![Json::Null]));
            }
            [only] => put(map, "type", Some(only)),
            ref several => put(map, "type", Some(several.to_vec())),
        }
    }
    let is_nullable = schema.types.as_ref().is_some_and(|types| types.holds(Types::NULL) && types.value != Types::NULL);
    put(map, "nullable", (schema.nullable.is_some() || is_nullable).then_some(true));
    put(map, "format", text(&schema.format));
    let values = schema.enumeration.as_ref();
    put(map, "enum", values.map(|values| values.iter().map(|value| value.value.clone()).collect::<Json>()));
    bound(map, schema.minimum.as_ref(), "minimum", "exclusiveMinimum");
    bound(map, schema.maximum.as_ref(), "maximum", "exclusiveMaximum");
    put(map, "multipleOf", schema.multiple_of.as_ref().map(|number| Json::Number(number.value.clone())));
    for (key, count) in [
        ("minLength", &schema.min_length),
        ("maxLength", &schema.max_length),
        ("minItems", &schema.min_items),
        ("maxItems", &schema.max_items),
        ("minProperties", &schema.min_properties),
        ("maxProperties", &schema.max_properties),
    ] {
        put(map, key, count.as_ref().map(|count| count.value));
    }
    put(map, "pattern", text(&schema.pattern));
    put(map, "uniqueItems", flag(schema.unique_items));
}

/// Annotations: texts for people, and flags about requests and responses.
fn about(schema: &Schema, map: &mut Map<String, Json>) {
    put(map, "readOnly", flag(schema.read_only));
    put(map, "writeOnly", flag(schema.write_only));
    put(map, "deprecated", flag(schema.deprecated));
    put(map, "title", text(&schema.title));
    put(map, "description", text(&schema.description));
    put(map, "default", schema.default.as_ref().map(Node::to_json));
    match &schema.examples[..] {
        [] => {}
        [only] => put(map, "example", Some(only.to_json())),
        several => put(map, "examples", Some(several.iter().map(Node::to_json).collect::<Json>())),
    }
    map.extend(schema.extensions.iter().map(|entry| (entry.key.clone(), entry.value.to_json())));
}

fn put(map: &mut Map<String, Json>, key: &str, value: Option<impl Into<Json>>) {
    if let Some(value) = value {
        map.insert(key.to_owned(), value.into());
    }
}

fn text(text: &Option<Spanned<String>>) -> Option<&str> {
    text.as_ref().map(|text| text.value.as_str())
}

fn flag(place: Option<Span>) -> Option<bool> {
    place.map(|_| true)
}

fn bound(map: &mut Map<String, Json>, bound: Option<&Bound>, key: &str, exclusive: &str) {
    let Some(bound) = bound else { return };
    put(map, key, Some(Json::Number(bound.value.value.clone())));
    put(map, exclusive, bound.exclusive.then_some(true));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn written(version: &str, text: &str) -> Json {
        let text = format!(
            "openapi: {version}\ninfo: {{title: t, version: '1'}}\npaths: {{}}\ncomponents: {{schemas: {{A: {text}, B: {{}}}}}}\n"
        );
        let document = crate::read(&Source::new("a.yaml", text), None).unwrap();
        schema(&document, document.component("A").unwrap())
    }

    #[test]
    fn a_schema_of_3_0_is_written_unchanged() {
        for text in [
            r##"{"type": "object", "required": ["a"], "properties": {"nullable": {"$ref": "#/components/schemas/B"}, "a": {"type": "integer", "minimum": 1.5, "exclusiveMinimum": true, "nullable": true}}, "additionalProperties": false}"##,
            r##"{"allOf": [{"$ref": "#/components/schemas/B"}], "nullable": true, "description": "d\n", "x-a": [1], "example": {"$ref": "data"}}"##,
            r#"{"type": "string", "enum": ["b", "a"], "default": null, "minLength": 0, "pattern": "^a", "format": "uuid"}"#,
        ] {
            assert_eq!(written("3.0.3", text), serde_json::from_str::<Json>(text).unwrap());
        }
    }

    #[test]
    fn keywords_of_3_1_are_converted_to_3_0() {
        let text = r#"{"type": ["string", "null"], "const": "a", "examples": ["a"]}"#;
        assert_eq!(written("3.1.0", text), json!({"type": "string", "nullable": true, "enum": ["a"], "example": "a"}));
        let text = r#"{"exclusiveMaximum": 3}"#;
        assert_eq!(written("3.1.0", text), json!({"maximum": 3, "exclusiveMaximum": true}));
    }

    #[test]
    fn keys_beside_a_reference_in_3_1_are_kept() {
        let text = r##"{"$ref": "#/components/schemas/B", "description": "d", "allOf": [{"minLength": 1}]}"##;
        let members = json!([{"$ref": "#/components/schemas/B"}, {"minLength": 1}]);
        assert_eq!(written("3.1.0", text), json!({"description": "d", "allOf": members}));
        assert_eq!(
            written("3.1.0", r##"{"$ref": "#/components/schemas/B"}"##),
            json!({"$ref": "#/components/schemas/B"})
        );
    }

    #[test]
    fn null_alone_is_written_as_3_0_can_say_it() {
        let null = json!({"type": "string", "nullable": true, "enum": [null]});
        assert_eq!(written("3.1.0", r#"{"type": "null"}"#), null);
        assert_eq!(written("3.0.3", &null.to_string()), null);
        assert_eq!(written("3.0.3", r#"{"type": "string", "enum": [null]}"#), null);
    }

    #[test]
    fn ignored_keys_beside_a_reference_are_not_written() {
        let text = r##"{"$ref": "#/components/schemas/B", "nullable": true}"##;
        assert_eq!(written("3.0.3", text), json!({"$ref": "#/components/schemas/B"}));
    }

    #[test]
    fn recursive_schemas_end() {
        let whole = |schemas: &str| {
            let text = format!(
                "openapi: 3.0.3\ninfo: {{title: t, version: '1'}}\npaths: {{}}\ncomponents: {{schemas: {{{schemas}}}}}\n"
            );
            let document = crate::read(&Source::new("a.yaml", text), None).unwrap();
            schema(&document, document.component("A").unwrap())
        };
        let component = json!({"$ref": "#/components/schemas/A"});
        assert_eq!(
            whole("A: {type: object, properties: {$ref: '#/components/schemas'}}"),
            json!({"type": "object", "properties": {"A": component}})
        );
        assert_eq!(
            whole("A: {properties: {a: {properties: {$ref: '#/components/schemas/A/properties'}}}}"),
            json!({"properties": {"a": {"properties": {"a": true}}}})
        );
        // Each contains each of the others: without a limit this expands to the factorial of their number.
        let many: Vec<String> = (0..20)
            .map(|number| format!("p{number}: {{properties: {{$ref: '#/components/schemas/A/properties'}}}}"))
            .collect();
        assert!(whole(&format!("A: {{properties: {{{}}}}}", many.join(", "))).is_object());
    }
}
