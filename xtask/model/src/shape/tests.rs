use std::sync::Arc;

use super::*;
use crate::schema::Types;
use crate::source::Source;

/// A document of these components, in 3.0 or 3.1.
fn document(version: &str, schemas: &str) -> Document {
    let schemas: String = schemas.lines().map(|line| format!("    {line}\n")).collect();
    let text = format!(
        "openapi: {version}\ninfo: {{title: T, version: '1'}}\npaths: {{}}\ncomponents:\n  schemas:\n{schemas}"
    );
    crate::read(&Source::new("t.yaml", text), None).unwrap()
}

fn shape(document: &Document, name: &str) -> Arc<Shape> {
    document.shape_of(document.component(name).unwrap())
}

fn names(shape: &Shape) -> Vec<&str> {
    shape.properties.keys().map(String::as_str).collect()
}

#[test]
fn beside_a_reference_3_0_reads_nothing_and_3_1_everything() {
    let schemas = "A: {type: string, maxLength: 9}\nB: {$ref: '#/components/schemas/A', maxLength: 5}\n";
    let length = |version| shape(&document(version, schemas), "B").max_length.as_ref().map(|length| length.value);
    assert_eq!((length("3.0.3"), length("3.1.0")), (Some(9), Some(5)));
}

#[test]
fn an_all_of_is_the_strictest_of_its_members() {
    let document = document(
        "3.0.3",
        "Base:
  type: object
  required: [id]
  properties: {id: {type: string}, size: {type: number, minimum: 1}}
Child:
  allOf:
    - $ref: '#/components/schemas/Base'
    - {required: [name], additionalProperties: false, properties: {name: {type: string}, size: {type: integer}}}
Amount:
  allOf:
    - {type: number, minimum: 1, maximum: 9, enum: [1, 2, 2.5]}
    - {type: integer, minimum: 1, exclusiveMinimum: true, maximum: 8, enum: [3, 2.0, 1]}
",
    );
    let child = shape(&document, "Child");
    assert_eq!(names(&child), ["id", "name", "size"]);
    assert_eq!(child.required.keys().collect::<Vec<_>>(), ["id", "name"]);
    assert!(matches!(child.additional, Additional::Nothing(_)));
    assert!(!child.nullable && child.types == Types::OBJECT);
    let size = document.shape(&child.properties["size"].schema);
    assert_eq!((size.types, size.minimum.is_some()), (Types::INTEGER, true));
    let amount = shape(&document, "Amount");
    assert!(amount.minimum.as_ref().unwrap().exclusive);
    assert_eq!(amount.maximum.as_ref().unwrap().value.as_f64(), Some(8.0));
    let values: Vec<f64> =
        amount.enumeration.as_ref().unwrap().iter().map(|value| value.value.as_f64().unwrap()).collect();
    assert_eq!(values, [2.0, 1.0]);
}

#[test]
fn cycles_end() {
    let document = document(
        "3.1.0",
        "A: {allOf: [{$ref: '#/components/schemas/A'}, {type: object}]}
B: {$ref: '#/components/schemas/C'}
C: {$ref: '#/components/schemas/B'}
D: {anyOf: [{$ref: '#/components/schemas/D'}, {type: string}]}
E: {anyOf: [{type: string}, {$ref: '#/components/schemas/F'}]}
F: {anyOf: [{type: integer}, {$ref: '#/components/schemas/E'}]}
",
    );
    assert_eq!(shape(&document, "A").types, Types::OBJECT);
    assert!(shape(&document, "B").nullable);
    assert!(shape(&document, "D").types.holds(Types::STRING));
    assert_eq!(shape(&document, "E").alternatives[0].members.len(), 2);
}

#[test]
fn null_is_recognised_in_every_notation() {
    let document = document(
        "3.1.0",
        "X: {type: object, properties: {a: {type: string}}}
List: {type: [string, 'null']}
OneOf: {oneOf: [{$ref: '#/components/schemas/X'}, {type: 'null'}]}
AnyOf: {anyOf: [{type: 'null'}, {$ref: '#/components/schemas/Null'}, {type: string, maxLength: 3}]}
Null: {const: null}
Enum: {enum: [a, null]}
Not: {allOf: [{$ref: '#/components/schemas/OneOf'}, {$ref: '#/components/schemas/X'}]}
Anything: {description: of any kind}
Implied: {properties: {a: {type: string}}}
",
    );
    let nullable = |name| shape(&document, name).nullable;
    for name in ["List", "OneOf", "AnyOf", "Null", "Enum", "Anything"] {
        assert!(nullable(name), "{name}");
    }
    for name in ["X", "Not", "Implied"] {
        assert!(!nullable(name), "{name}");
    }
    assert_eq!(names(&shape(&document, "OneOf")), ["a"]);
    assert!(shape(&document, "AnyOf").alternatives.is_empty());
    assert_eq!(shape(&document, "AnyOf").max_length.as_ref().unwrap().value, 3);
    assert_eq!(shape(&document, "Enum").enumeration.as_ref().unwrap().value.len(), 1);
    assert_eq!(shape(&document, "Implied").types, Types::OBJECT);
}

#[test]
fn nullable_beside_an_all_of_permits_null_regardless_of_its_members() {
    let document = document(
        "3.0.3",
        "X: {type: object}
Outer: {nullable: true, allOf: [{$ref: '#/components/schemas/X'}]}
Inner: {allOf: [{$ref: '#/components/schemas/X'}, {nullable: true, properties: {a: {type: string}}}]}
Values: {type: string, nullable: true, enum: [a, b]}
",
    );
    assert!(shape(&document, "Outer").nullable && shape(&document, "Values").nullable);
    assert!(!shape(&document, "Inner").nullable);
}

#[test]
fn nested_alternatives_of_one_kind_are_flattened() {
    let document = document(
        "3.0.3",
        "A: {oneOf: [{type: string}, {$ref: '#/components/schemas/B'}]}
B: {oneOf: [{type: integer}, {oneOf: [{type: boolean}, {type: array, items: {type: string}}]}]}
C: {anyOf: [{type: string}, {$ref: '#/components/schemas/B'}]}
D: {oneOf: [{$ref: '#/components/schemas/E'}]}
E: {type: object, properties: {a: {type: string}}, readOnly: true}
F: {allOf: [{$ref: '#/components/schemas/E'}], description: as it is}
",
    );
    let count = |name| shape(&document, name).alternatives[0].members.len();
    assert_eq!((count("A"), count("C")), (4, 2));
    assert_eq!(names(&shape(&document, "D")), ["a"]);
    assert!(shape(&document, "D").read_only.is_some());
    let name = |id| document.shape_of(id).name.as_ref().map(|name| name.value.clone());
    let component = |name| document.schema(document.component(name).unwrap());
    assert_eq!(name(component("D").one_of.as_ref().unwrap().value[0]).as_deref(), Some("E"));
    assert_eq!(document.target(document.component("F").unwrap()), document.component("E").unwrap());
}

#[test]
fn unresolved_references_are_recorded_and_the_rest_applies() {
    let document =
        document("3.0.3", "A: {allOf: [{$ref: '#/components/schemas/Gone'}, {type: object, required: [a]}]}\n");
    let shape = shape(&document, "A");
    assert_eq!(shape.unresolved.len(), 1);
    assert_eq!(shape.types, Types::OBJECT);
}

#[test]
fn diamonds_are_read_in_linear_time() {
    let mut schemas = String::from("S0: {type: object, properties: {a: {type: string}}}\n");
    for level in 1..60 {
        let member = format!("{{$ref: '#/components/schemas/S{}'}}", level - 1);
        schemas.push_str(&format!("S{level}: {{allOf: [{member}, {member}]}}\n"));
    }
    let document = document("3.0.3", &schemas);
    assert_eq!(names(&shape(&document, "S59")), ["a"]);
}
