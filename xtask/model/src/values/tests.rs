use super::*;
use crate::source::Source;

fn document(version: &str, schemas: &str) -> Document {
    let text = format!(
        "openapi: {version}\ninfo: {{title: T, version: '1'}}\npaths: {{}}\ncomponents:\n  schemas:\n{schemas}"
    );
    crate::read(&Source::new("c.yaml", text), None).unwrap()
}

/// The violations of a component by a value: the text and the message.
fn misfits_in(document: &Document, name: &str, direction: Direction, value: &str) -> Vec<(String, String)> {
    let node = crate::node::parse(value).unwrap();
    let misfits = Values::new(document).misfits(document.component(name).unwrap(), direction, &node).unwrap();
    misfits.into_iter().map(|misfit| (value[misfit.range].to_owned(), misfit.message)).collect()
}

fn fits(document: &Document, name: &str, value: &str) -> bool {
    misfits_in(document, name, Direction::Response, value).is_empty()
}

const PAGE: &str = r#"
    Page:
      type: object
      required: [results]
      properties:
        results: {type: array, maxItems: 2, items: {$ref: '#/components/schemas/Thing'}}
    Thing:
      type: object
      required: [id, kind, size]
      properties:
        id: {type: string, format: uuid}
        kind: {allOf: [{$ref: '#/components/schemas/Kind'}], nullable: true}
        size: {type: integer, minimum: 0, exclusiveMinimum: true}
        since: {type: string, format: date-time, nullable: true}
    Kind: {type: string, enum: [small, large]}
"#;

fn misfits(value: &str) -> Vec<(String, String)> {
    misfits_in(&document("3.0.3", PAGE), "Page", Direction::Response, value)
}

#[test]
fn a_valid_value_has_no_misfits() {
    for thing in [
        r#"{"id": "00000000-0000-0000-0000-000000000000", "kind": "small", "size": 1, "since": null, "more": 7}"#,
        r#"{"id": "00000000-0000-0000-0000-000000000000", "kind": null, "size": 1, "since": "2026-11-23T20:43:04.000123Z"}"#,
    ] {
        assert_eq!(misfits(&format!("{{\"results\": [{thing}]}}")), []);
    }
}

#[test]
fn every_misfit_is_reported_with_its_place() {
    let thing = r#"{"id": "7", "kind": "medium", "size": 0, "since": "yesterday"}"#;
    let found = misfits(&format!("{{\"results\": [{thing}]}}"));
    let places: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(places, ["\"7\"", "\"medium\"", "0", "\"yesterday\""], "{found:?}");
    assert!(
        misfits("{\"results\": [{}]}").iter().all(|(place, message)| place == "{}" && message.contains("required"))
    );
    assert_eq!(misfits("{}")[0].0, "{}");
    assert!(misfits("{\"results\": [1, 2, 3]}")[0].1.contains("more than 2"));
}

#[test]
fn properties_named_like_keywords_are_properties() {
    let schemas = "    A:\n      type: object\n      properties:\n        nullable: {type: boolean}\n        default: {type: string, nullable: true}\n        example: {type: number, minimum: 1, exclusiveMinimum: true}\n        enum: {type: string}\n        $ref: {type: integer}\n";
    let document = document("3.0.3", schemas);
    assert!(fits(&document, "A", "{nullable: true, default: null, example: 2, enum: a, $ref: 1}"));
    for wrong in ["{nullable: 7}", "{default: 7}", "{example: 1}", "{enum: 1}", "{$ref: a}"] {
        assert!(!fits(&document, "A", wrong), "{wrong}");
    }
}

#[test]
fn null_fits_nullable_schemas_regardless_of_other_keywords() {
    let schemas = "    K: {type: string, enum: [a]}\n    A: {nullable: true, allOf: [{$ref: '#/components/schemas/K'}]}\n    B: {type: string, nullable: true, enum: [a]}\n    C: {$ref: '#/components/schemas/K', nullable: true}\n    D: {type: object, nullable: true, properties: {a: {type: string}}}\n";
    let document = document("3.0.3", schemas);
    assert!(fits(&document, "A", "null") && fits(&document, "B", "null"));
    assert!(!fits(&document, "C", "null"), "keys beside a reference are ignored in 3.0");
    // A violation inside a nullable value is reported at its own place.
    assert_eq!(misfits_in(&document, "D", Direction::Response, "{a: 77}")[0].0, "77");
}

#[test]
fn an_enumeration_of_null_alone_is_null_in_3_0_which_has_no_type_for_it() {
    let unit = "    Unit: {title: 'Null', type: string, enum: [null]}\n";
    let old = document("3.0.3", unit);
    assert!(fits(&old, "Unit", "null") && !fits(&old, "Unit", "a"));
    assert!(!fits(&document("3.1.0", unit), "Unit", "null"), "3.1 has a type for it, and this is another");
}

#[test]
fn read_only_properties_are_not_required_in_requests() {
    let schemas = "    Id: {type: string, readOnly: true}\n    Base:\n      type: object\n      properties:\n        id: {$ref: '#/components/schemas/Id'}\n        secret: {type: string, writeOnly: true}\n        self: {allOf: [{type: string}], readOnly: true}\n    Thing:\n      required: [name]\n      properties: {name: {type: string}}\n      allOf:\n        - {$ref: '#/components/schemas/Base'}\n        - {type: object, required: [id, secret, self]}\n    Other: {type: object, required: [id], properties: {id: {type: string}}}\n";
    let document = document("3.0.3", schemas);
    let of = |direction, value| misfits_in(&document, "Thing", direction, value).len();
    assert_eq!(of(Direction::Request, "{name: a, secret: b}"), 0);
    assert_eq!(of(Direction::Request, "{name: a}"), 1);
    assert_eq!(of(Direction::Response, "{name: a, id: b, self: c}"), 0);
    assert_eq!(of(Direction::Response, "{name: a}"), 2);
    assert_eq!(misfits_in(&document, "Other", Direction::Request, "{}").len(), 1);
}

#[test]
fn keywords_of_3_1_are_validated() {
    let schemas = "    A:\n      type: [object, 'null']\n      properties:\n        a: {const: 1}\n        b: {type: array, prefixItems: [{type: string}], items: false}\n        c: {$ref: '#/components/schemas/S', maxLength: 2}\n        d: {exclusiveMinimum: 3}\n        e: {contains: {$ref: '#/components/schemas/S'}, minContains: 2}\n      dependentRequired: {a: [d]}\n      if: {required: [b]}\n      then: {required: [c]}\n      unevaluatedProperties: false\n    S: {type: string}\n";
    let document = document("3.1.0", schemas);
    for right in ["null", "{a: 1, d: 4}", "{b: [x], c: yy}", "{e: [x, 1, y]}"] {
        assert!(fits(&document, "A", right), "{right}");
    }
    for wrong in [
        "7",
        "{a: 2, d: 4}",
        "{a: 1}",
        "{b: [1], c: x}",
        "{b: [x, 1], c: x}",
        "{b: [x]}",
        "{c: xyz}",
        "{c: 1}",
        "{d: 3}",
        "{e: [x]}",
        "{z: 1}",
    ] {
        assert!(!fits(&document, "A", wrong), "{wrong}");
    }
}

#[test]
fn cycles_end() {
    let schemas = "    Tree: {type: object, properties: {left: {$ref: '#/components/schemas/Tree'}}}\n    Self: {type: object, allOf: [{$ref: '#/components/schemas/Self'}]}\n    One: {$ref: '#/components/schemas/Two'}\n    Two: {$ref: '#/components/schemas/One'}\n    Pet: {type: object, oneOf: [{$ref: '#/components/schemas/Cat'}, {$ref: '#/components/schemas/Dog'}]}\n    Cat: {allOf: [{$ref: '#/components/schemas/Pet'}, {required: [cat]}]}\n    Dog: {allOf: [{$ref: '#/components/schemas/Pet'}, {required: [dog]}]}\n";
    let document = document("3.0.3", schemas);
    assert!(fits(&document, "Tree", "{left: {left: {}}}") && !fits(&document, "Tree", "{left: {left: 1}}"));
    assert!(fits(&document, "Self", "{}") && !fits(&document, "Self", "1"));
    assert!(fits(&document, "One", "1"));
    assert!(fits(&document, "Pet", "{cat: 1}") && !fits(&document, "Pet", "{}"));
    assert!(fits(&document, "Cat", "{cat: 1, dog: 1}") && !fits(&document, "Cat", "{dog: 1}"));
}

#[test]
fn an_unusable_schema_has_a_reason_and_others_still_work() {
    let many: String =
        (0..500).map(|number| format!("    N{number}: {{type: string, maxLength: {number}}}\n")).collect();
    let schemas = "    A: {type: string, pattern: '('}\n    B: {type: object, properties: {a: {$ref: '#/components/schemas/A'}}}\n    C: {$ref: '#/components/schemas/Nope'}\n    D: {type: string, pattern: '^(?=a)\\d*', format: strange}\n";
    let document = document("3.0.3", &format!("{schemas}{many}"));
    let mut values = Values::new(&document);
    let node = crate::node::parse("abc").unwrap();
    // At first schemas are compiled one by one, then all together.
    for number in 0..500 {
        let misfits = values.misfits(document.component(&format!("N{number}")).unwrap(), Direction::Request, &node);
        assert_eq!(misfits.unwrap().is_empty(), number >= 3);
    }
    for name in ["A", "B", "C"] {
        let reason = values.misfits(document.component(name).unwrap(), Direction::Request, &node).unwrap_err();
        assert!(reason.contains(if name == "C" { "Nope" } else { "(" }), "{reason}");
    }
    assert_eq!(values.misfits(document.component("D").unwrap(), Direction::Request, &node), Ok(vec![]));
}

#[test]
fn chains_of_any_length_are_compiled() {
    let link = |number: usize| {
        format!(
            "    N{number}: {{type: object, properties: {{next: {{$ref: '#/components/schemas/N{}'}}}}}}\n",
            number + 1
        )
    };
    let chain: String = (0..1000).map(link).collect();
    let same: String = (0..1000)
        .map(|number| format!("    S{number}: {{allOf: [{{$ref: '#/components/schemas/S{}'}}]}}\n", number + 1))
        .collect();
    let document =
        document("3.0.3", &format!("{chain}    N1000: {{type: string}}\n{same}    S1000: {{type: string}}\n"));
    assert!(fits(&document, "N0", "{next: {next: {}}}") && !fits(&document, "N0", "{next: {next: 1}}"));
    assert!(fits(&document, "S0", "a") && !fits(&document, "S0", "1"));
}

#[test]
fn schemas_that_apply_more_often_with_each_level_are_decided_at_once() {
    let level = |number: usize| {
        let next = format!("{{$ref: '#/components/schemas/A{}'}}", number + 1);
        format!("    A{number}: {{allOf: [{next}, {next}]}}\n")
    };
    let schemas = (0..30).map(level).collect::<String>() + "    A30: {type: object}\n";
    let document = document("3.0.3", &schemas);
    let mut values = Values::new(&document);
    let mut fits = |text: &str| {
        values.fits(document.component("A0").unwrap(), Direction::Request, &crate::node::parse(text).unwrap().to_json())
    };
    assert_eq!(fits("null"), Ok(false), "listing 1,000,000,000 violations would not end");
}
