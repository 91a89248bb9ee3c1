use std::path::Path;

use apidrift_core::rules::{Edit, Rule};
use openapi_model::document::Document;
use openapi_model::source::Source;

use super::*;

mod meanings;

fn read(text: &str) -> Document {
    openapi_model::read(&Source::new("openapi.yaml", text), None).unwrap()
}

fn side(document: &Document) -> Side<'_> {
    Side { document, known: Vec::new() }
}

fn compared(then: &str, now: &str) -> Compared {
    let (then, now) = (read(then), read(now));
    check(&side(&then), &side(&now), true)
}

/// Rules and messages, one per line.
fn said(then: &str, now: &str) -> Vec<String> {
    let findings = compared(then, now).findings;
    findings.iter().map(|finding| format!("{}: {}", finding.rule.info().name, finding.message)).collect()
}

/// A contract with one operation, which accepts or returns a schema `S`.
fn contract(version: &str, is_taken: bool, schemas: &str) -> String {
    let content = "{application/json: {schema: {$ref: '#/components/schemas/S'}}}";
    let (body, answer) = match is_taken {
        true => (format!("      requestBody: {{content: {content}}}\n"), "{description: Done}".to_owned()),
        false => (String::new(), format!("{{description: Done, content: {content}}}")),
    };
    let schemas: String = schemas.lines().map(|line| format!("    {line}\n")).collect();
    format!(
        "openapi: {version}\ninfo: {{title: T, version: '1'}}\npaths:\n  /s:\n    post:\n      operationId: act\n{body}      responses:\n        '200': {answer}\ncomponents:\n  schemas:\n{schemas}"
    )
}

/// The findings about schemas in responses of the old and the new version.
fn sent(then: &str, now: &str) -> Vec<String> {
    said(&contract("3.1.0", false, then), &contract("3.1.0", false, now))
}

fn taken(then: &str, now: &str) -> Vec<String> {
    said(&contract("3.1.0", true, then), &contract("3.1.0", true, now))
}

/// Only the names of the rules.
fn rules(said: &[String]) -> Vec<&str> {
    said.iter().filter_map(|line| line.split(": ").next()).collect()
}

#[test]
fn rules_about_orders_fire_on_their_edits_and_are_silent_on_the_similar_ones() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/orders/orders.yaml");
    let before = std::fs::read_to_string(file).unwrap();
    assert_eq!(said(&before, &before), Vec::<String>::new());
    for rule in Rule::ALL {
        let (Edit::Replace("fixtures/orders/orders.yaml", text, with), Edit::Replace(_, silent, silent_with)) =
            (rule.info().fires, rule.info().silent)
        else {
            continue;
        };
        let found = said(&before, &before.replacen(text, with, 1));
        assert_eq!(rules(&found), [rule.info().name], "{found:?}");
        assert_eq!(said(&before, &before.replacen(silent, silent_with, 1)), Vec::<String>::new());
    }
}

#[test]
fn equivalent_contracts_have_no_findings() {
    let object = "S: {type: object, required: [a], properties: {a: {type: string}, b: {type: integer, minimum: 1}}}";
    let same = [
        (
            object,
            "S: {allOf: [{type: object, properties: {a: {type: string}}, required: [a]}, {properties: {b: {type: integer, exclusiveMinimum: 0}}}]}",
        ),
        (
            object,
            "S: {anyOf: [{$ref: '#/components/schemas/T'}]}\nT: {type: object, required: [a], properties: {b: {type: integer, minimum: 1.0}, a: {$ref: '#/components/schemas/U'}}}\nU: {type: string}",
        ),
        ("S: {type: [string, 'null']}", "S: {oneOf: [{type: 'null'}, {type: string}]}"),
        ("S: {enum: [a]}", "S: {const: a}"),
        ("S: {type: [string, integer]}", "S: {anyOf: [{type: integer}, {type: string}]}"),
        (
            "S: {type: object, properties: {k: {type: string}}, oneOf: [{required: [a], properties: {a: {type: string}}}, {required: [b], properties: {b: {type: string}}}]}",
            "S: {oneOf: [{type: object, required: [b], properties: {k: {type: string}, b: {type: string}}}, {type: object, required: [a], properties: {k: {type: string}, a: {type: string}}}]}",
        ),
        (
            "S: {type: object, properties: {s: {$ref: '#/components/schemas/S'}}}",
            "S: {$ref: '#/components/schemas/T'}\nT: {type: object, properties: {s: {type: object, properties: {s: {$ref: '#/components/schemas/T'}}}}}",
        ),
        ("S: {type: boolean}", "S: {type: boolean, enum: [false, true]}"),
        (
            "S: {oneOf: [{type: string}, {oneOf: [{type: integer}, {type: boolean}]}]}",
            "S: {oneOf: [{type: boolean}, {type: integer}, {type: string}]}",
        ),
    ];
    for (one, other) in same {
        for (then, now) in [(one, other), (other, one)] {
            assert_eq!(sent(then, now), Vec::<String>::new(), "{then}\n{now}");
            assert_eq!(taken(then, now), Vec::<String>::new(), "{then}\n{now}");
        }
    }
}

#[test]
fn equivalent_3_0_and_3_1_contracts_have_no_findings() {
    let old = "S: {type: object, properties: {a: {type: string, nullable: true, enum: [x, null]}, b: {type: integer, minimum: 0, exclusiveMinimum: true}}}";
    let new = "S: {type: object, properties: {a: {enum: [null, x]}, b: {type: integer, exclusiveMinimum: 0}}}";
    let (old, new) = (contract("3.0.3", false, old), contract("3.1.0", false, new));
    assert_eq!(said(&old, &new), Vec::<String>::new());
    assert_eq!(said(&new, &old), Vec::<String>::new());
}

#[test]
fn sending_more_or_accepting_less_breaks_clients() {
    let pairs = [
        ("S: {type: string}", "S: {type: [string, integer]}", "compat/field-type"),
        ("S: {type: string}", "S: {type: [string, 'null']}", "compat/field-optional"),
        ("S: {oneOf: [{type: string}]}", "S: {oneOf: [{type: string}, {type: boolean}]}", "compat/alternative-added"),
        ("S: {type: array, uniqueItems: true}", "S: {type: array}", "compat/field-type"),
        ("S: {type: number, multipleOf: 4}", "S: {type: number, multipleOf: 2}", "compat/field-type"),
        (
            "S: {type: object, additionalProperties: {type: string}}",
            "S: {type: object, additionalProperties: {}}",
            "compat/field-type",
        ),
        ("S: {not: {type: string}}", "S: {}", "compat/field-type"),
        ("S: {type: string, pattern: a}", "S: {type: string}", "compat/field-type"),
    ];
    for (narrow, wide, rule) in pairs {
        assert_eq!(rules(&sent(narrow, wide)), [rule], "{narrow} {wide}");
        assert!(
            rules(&sent(wide, narrow)).iter().all(|rule| ["compat/field-there", "compat/value-removed"].contains(rule))
        );
        assert_eq!(rules(&taken(wide, narrow)), ["compat/body-narrowed"], "{wide} {narrow}: {:?}", taken(wide, narrow));
        assert_eq!(rules(&taken(narrow, wide)), ["compat/body-widened"]);
    }
}

#[test]
fn a_component_change_is_reported_once_with_its_operations() {
    let text = |kind: &str| {
        let operation = |name: &str| {
            format!(
                "  /{name}:\n    get:\n      operationId: {name}\n      responses:\n        '200': {{description: Done, content: {{application/json: {{schema: {{type: array, items: {{$ref: '#/components/schemas/S'}}}}}}}}}}\n"
            )
        };
        let operations: String = ["one", "two", "three"].map(operation).concat();
        format!(
            "openapi: 3.0.3\ninfo: {{title: T, version: '1'}}\npaths:\n{operations}components:\n  schemas:\n    S: {{type: object, properties: {{a: {{type: {kind}}}}}}}\n"
        )
    };
    let found = said(&text("string"), &text("integer"));
    assert_eq!(
        found,
        ["compat/field-type: in the response `200` of `one` and 2 other operations: `/*/a` is integer now, not string"]
    );
}

#[test]
fn unresolved_references_are_not_compared_and_the_rest_is() {
    let schemas = |kind: &str| {
        format!("S: {{type: object, properties: {{a: {{$ref: '#/components/schemas/Gone'}}, b: {{type: {kind}}}}}}}")
    };
    let text = contract("3.0.3", false, &schemas("string"));
    let itself = compared(&text, &text);
    assert!(itself.findings.is_empty());
    let [part] = &itself.not_compared[..] else { panic!("{:?}", itself.not_compared) };
    assert!(part.operation == "POST /s" && part.reason.contains("Gone"), "{part:?}");
    let found = said(&text, &contract("3.0.3", false, &schemas("integer")));
    assert_eq!(rules(&found), ["compat/field-type"]);
}

#[test]
fn unsupported_keywords_are_not_compared() {
    let compared = compared(
        &contract("3.1.0", false, "S: {type: object, if: {required: [a]}, then: {required: [b]}}"),
        &contract("3.1.0", false, "S: {type: object, if: {required: [a]}, then: {required: [c]}}"),
    );
    assert!(compared.findings.is_empty());
    assert!(compared.not_compared[0].reason.starts_with("`then` changed"));
}

#[test]
fn credentials_that_were_sufficient_must_stay_sufficient() {
    let text = |security: &str| {
        format!(
            "openapi: 3.0.3\ninfo: {{title: T, version: '1'}}\npaths:\n  /s:\n    get:\n      operationId: act\n      security: {security}\n      responses: {{'200': {{description: Done}}}}\ncomponents:\n  securitySchemes:\n    a: {{type: http, scheme: basic}}\n    b: {{type: apiKey, in: header, name: X-Key}}\n    o: {{type: oauth2, flows: {{implicit: {{authorizationUrl: 'https://e.example', scopes: {{r: R, w: W}}}}}}}}\n"
        )
    };
    let rules_of = |then: &str, now: &str| {
        let found = said(&text(then), &text(now));
        rules(&found).iter().map(|rule| (*rule).to_owned()).collect::<Vec<_>>()
    };
    for (then, now) in [
        ("[{a: []}, {b: []}]", "[{b: []}, {a: []}]"),
        ("[{a: [], b: []}]", "[{a: []}]"),
        ("[{a: []}]", "[{a: []}, {b: []}]"),
        ("[{o: [r, w]}]", "[{o: [r]}]"),
        ("[{a: []}]", "[]"),
        ("[{a: []}]", "[{a: []}, {}]"),
        ("[]", "[{}]"),
    ] {
        assert_eq!(rules_of(then, now), [""; 0], "{then} {now}");
    }
    for (then, now) in [("[{a: []}, {b: []}]", "[{a: [], b: []}]"), ("[]", "[{a: []}]"), ("[{a: []}, {}]", "[{a: []}]")]
    {
        assert_eq!(rules_of(then, now), ["compat/security"], "{then} {now}");
    }
    assert_eq!(rules_of("[{o: [r]}]", "[{o: [r, w]}]"), ["compat/scopes"]);
    assert_eq!(rules_of("[{o: [r]}]", "[{o: [w]}]"), ["compat/scopes"]);
}

#[test]
fn webhooks_and_callbacks_reverse_the_directions() {
    let text = |sent: &str, taken: &str| {
        format!(
            "openapi: 3.1.0\ninfo: {{title: T, version: '1'}}\npaths: {{}}\nwebhooks:\n  moved:\n    post:\n      requestBody: {{content: {{application/json: {{schema: {{type: {sent}}}}}}}}}\n      responses:\n        '200': {{description: Heard, content: {{application/json: {{schema: {{type: {taken}}}}}}}}}\n"
        )
    };
    assert_eq!(rules(&said(&text("integer", "number"), &text("number", "number"))), ["compat/field-type"]);
    assert_eq!(rules(&said(&text("integer", "number"), &text("integer", "integer"))), ["compat/body-narrowed"]);
    let gone = "openapi: 3.1.0\ninfo: {title: T, version: '1'}\npaths: {}\n";
    assert_eq!(rules(&said(&text("integer", "number"), gone)), ["compat/operation-removed"]);
}

#[test]
fn statuses_may_be_written_as_ranges() {
    let text = |responses: &str| {
        format!(
            "openapi: 3.0.3\ninfo: {{title: T, version: '1'}}\npaths:\n  /s:\n    get:\n      operationId: act\n      responses: {responses}\n"
        )
    };
    let error = "{description: No}";
    let explicit = text(&format!("{{'200': {error}, '404': {error}, '500': {error}}}"));
    for same in
        [format!("{{'200': {error}, '4XX': {error}, '5XX': {error}}}"), format!("{{'200': {error}, default: {error}}}")]
    {
        assert_eq!(said(&explicit, &text(&same)), Vec::<String>::new());
    }
    let wider = text(&format!("{{'2XX': {error}, '404': {error}, default: {error}}}"));
    assert_eq!(rules(&said(&explicit, &wider)), ["compat/success-added"]);
    assert_eq!(said(&wider, &explicit), Vec::<String>::new());
    let two = text(&format!("{{'200': {error}, '201': {error}, '404': {error}, '500': {error}}}"));
    assert_eq!(rules(&said(&two, &wider)), ["compat/success-added"]);
    let fewer = text(&format!("{{'201': {error}, '404': {error}}}"));
    assert_eq!(rules(&said(&explicit, &fewer)), ["compat/success-status", "compat/error-removed"]);
}

#[test]
fn unread_responses_do_not_prevent_comparing_the_others() {
    let text = |success: &str, error: &str| {
        format!(
            "openapi: 3.0.3\ninfo: {{title: T, version: '1'}}\npaths:\n  /s:\n    get:\n      operationId: act\n      responses:\n        '{success}': {{description: Done}}\n        '404': {{$ref: '#/components/responses/{error}'}}\n"
        )
    };
    assert_eq!(rules(&said(&text("200", "Gone"), &text("201", "Gone"))), ["compat/success-status"]);
    let is_elsewhere = compared(&text("200", "Gone"), &text("201", "Lost"));
    assert!(is_elsewhere.findings.is_empty() && !is_elsewhere.not_compared.is_empty());
}
