//! Schemas as they are written.

use super::*;
use crate::schema::{Schema, Types};

fn schema(version: &str, written: &str) -> (Document, Schema) {
    let read = document(version, &format!("components:\n  schemas:\n    A: {written}\n"));
    let schema = read.schema(read.component("A").unwrap()).clone();
    (read, schema)
}

#[test]
fn names_are_distinguished_from_keywords_by_position() {
    let (read, a) = schema(
        "3.0.3",
        "{properties: {nullable: {type: string}, $ref: {type: string}, example: {type: string}, enum: {type: string}, properties: {properties: {type: {type: integer}}}, required: {type: boolean}}, example: {$ref: '#/nowhere'}, default: {nullable: true}}",
    );
    let names: Vec<&str> = a.properties.iter().map(|property| property.name.value.as_str()).collect();
    assert_eq!(names, ["nullable", "$ref", "example", "enum", "properties", "required"]);
    assert!(a.nullable.is_none() && a.reference.is_none() && a.enumeration.is_none() && a.default.is_some());
    assert!(read.problems.is_empty(), "{:?}", read.problems);
    let inner = read.schema(a.properties[4].schema);
    assert_eq!(read.schema(inner.properties[0].schema).types.as_ref().unwrap().value, Types::INTEGER);
}

#[test]
fn null_among_the_types_has_two_notations() {
    let types = |version, written| schema(version, written).1.types.unwrap().value;
    assert_eq!(types("3.0.3", "{type: string, nullable: true}"), Types::STRING.with(Types::NULL));
    assert_eq!(types("3.1.0", "{type: [string, 'null']}"), Types::STRING.with(Types::NULL));
    assert_eq!(types("3.0.3", "{type: [string, null]}"), Types::STRING.with(Types::NULL));
    assert_eq!(types("3.0.3", "{type: string, nullable: false}"), Types::STRING);
    let (_, untyped) = schema("3.0.3", "{nullable: true}");
    assert!(untyped.types.is_none() && untyped.nullable.is_some());
    let (read, unknown) = schema("3.0.3", "{type: strin}");
    assert!(unknown.types.is_none() && read.problems[0].nearest.as_deref() == Some("string"));
}

#[test]
fn bounds_of_both_versions_are_unified() {
    let bounds = |written| {
        let (_, schema) = schema("3.0.3", written);
        let shown = |bound: Option<crate::schema::Bound>| {
            bound.map(|bound| (bound.value.value.as_f64().unwrap(), bound.exclusive))
        };
        (shown(schema.minimum), shown(schema.maximum))
    };
    assert_eq!(
        bounds("{minimum: 1, exclusiveMinimum: true, maximum: 9, exclusiveMaximum: false}"),
        (Some((1.0, true)), Some((9.0, false)))
    );
    assert_eq!(bounds("{exclusiveMinimum: 1, exclusiveMaximum: 9.5}"), (Some((1.0, true)), Some((9.5, true))));
    assert_eq!(
        bounds("{minimum: 2, exclusiveMinimum: 1, maximum: 9, exclusiveMaximum: 9}"),
        (Some((2.0, false)), Some((9.0, true)))
    );
    assert_eq!(bounds("{exclusiveMinimum: true}"), (None, None));
    let (read, wrong) = schema("3.0.3", "{minimum: a, maxLength: -1, minItems: 1.5, maxItems: 2.0}");
    assert!(wrong.minimum.is_none() && wrong.max_length.is_none() && wrong.min_items.is_none());
    assert_eq!((wrong.max_items.unwrap().value, read.problems.len()), (2, 3));
}

#[test]
fn keywords_of_3_1_are_read() {
    let (read, a) = schema(
        "3.1.0",
        "{const: 1, examples: [1, 2], prefixItems: [{type: string}], items: false, patternProperties: {a: {}}, propertyNames: {maxLength: 2}, if: {$ref: '#/components/schemas/A'}, dependentRequired: {a: [b]}, unevaluatedProperties: false, $defs: {d: {$ref: '#/nope'}}, $comment: c, anything: 1}",
    );
    assert_eq!((a.enumeration.unwrap().value.len(), a.examples.len(), a.prefix_items.len()), (1, 2, 1));
    assert_eq!(read.schema(a.items.unwrap()).always, Some(false));
    assert!(a.pattern_properties.len() == 1 && a.property_names.is_some());
    let others: Vec<&str> = a.others.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(others, ["if", "dependentRequired", "unevaluatedProperties"]);
    assert_eq!(a.subschemas.len(), 2);
    assert_eq!(problems(&read), [(ProblemKind::UnresolvedReference, "'#/nope'")]);
}

#[test]
fn each_place_is_one_schema_and_only_components_have_names() {
    let read = document(
        "3.0.3",
        "components:\n  schemas: {A: {type: string}, B: {items: {$ref: '#/components/schemas/A'}, not: {$ref: '#/components/schemas/A'}}}\n",
    );
    assert_eq!(read.schemas().count(), 4);
    let names: Vec<&str> =
        read.schemas().filter_map(|(_, schema)| schema.name.as_ref()).map(|name| name.value.as_str()).collect();
    assert_eq!(names, ["A", "B"]);
    let discriminated = document(
        "3.0.3",
        "components:\n  schemas: {A: {discriminator: {propertyName: kind, mapping: {a: A, b: '#/components/schemas/A'}}}}\n",
    );
    let a = discriminated.component("A").unwrap();
    let discriminator = discriminated.schema(a).discriminator.as_ref().unwrap();
    assert!(discriminator.mapping.iter().all(|(_, reference)| reference.target == Some(a)));
}

#[test]
fn a_reference_instead_of_properties_is_reported_and_followed() {
    let read = document(
        "3.0.3",
        "components:\n  schemas: {A: {properties: {x: {type: string}}}, B: {properties: {$ref: '#/components/schemas/A/properties'}}}\n",
    );
    let b = read.schema(read.component("B").unwrap());
    assert_eq!((b.properties.len(), b.properties[0].name.value.as_str()), (1, "x"));
    assert_eq!(read.problems[0].kind, ProblemKind::WrongType);
}
