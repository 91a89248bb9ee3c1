//! Changes whose effect depends on other parts of the contract.

use super::*;

fn contract_of(parts: &str, responses: &str) -> String {
    format!(
        "openapi: 3.1.0\ninfo: {{title: T, version: '1'}}\n{parts}      responses: {responses}\ncomponents:\n  securitySchemes:\n    key: {{type: apiKey, in: header, name: X-Key}}\n"
    )
}

fn operation(parts: &str) -> String {
    let parts: String = parts.lines().map(|line| format!("      {line}\n")).collect();
    contract_of(&format!("paths:\n  /s:\n    post:\n      operationId: act\n{parts}"), "{'200': {description: Done}}")
}

fn of_operation(then: &str, now: &str) -> Vec<String> {
    said(&operation(then), &operation(now))
}

fn of_answer(then: &str, now: &str) -> Vec<String> {
    let text = |answer: &str| {
        contract_of(
            "paths:\n  /s:\n    post:\n      operationId: act\n",
            &format!("{{'200': {{description: Done, {answer}}}}}"),
        )
    };
    said(&text(then), &text(now))
}

fn parameter(then: &str, now: &str) -> Vec<String> {
    let text = |schema: &str| format!("parameters: [{{name: p, in: query, schema: {schema}}}]");
    of_operation(&text(then), &text(now))
}

fn is_harmless(said: &[String]) -> bool {
    let notes = ["added", "widened", "there", "value-removed", "looser"];
    said.iter().all(|line| line.split(": ").next().is_some_and(|rule| notes.iter().any(|note| rule.ends_with(note))))
        && !rules(said).contains(&"compat/alternative-added")
        && !rules(said).contains(&"compat/value-added")
}

const PET: &str = "S: {$ref: '#/components/schemas/Pet'}
Pet: {type: object, required: [k], discriminator: {propertyName: k}, properties: {k: {type: string}}}
Cat: {allOf: [{$ref: '#/components/schemas/Pet'}, {type: object, properties: {m: {type: string}}}]}
";

#[test]
fn components_derived_from_a_schema_are_kinds_of_it() {
    let integer = PET.replace("m: {type: string}", "m: {type: integer}");
    assert_eq!(sent(PET, PET), Vec::<String>::new());
    assert_eq!(
        sent(PET, &integer),
        ["compat/field-type: in the response `200` of `act`: `/m` is integer now, not string"]
    );
    let required = PET.replace("properties: {m:", "required: [m], properties: {m:");
    assert_eq!(rules(&taken(PET, &required)), ["compat/body-field-required"]);
    let more = format!("{PET}Dog: {{allOf: [{{$ref: '#/components/schemas/Cat'}}, {{required: [b]}}]}}\n");
    assert_eq!(rules(&sent(PET, &more)), ["compat/alternative-added"]);
    assert_eq!(taken(PET, &more), Vec::<String>::new());
    assert_eq!(rules(&taken(&more, PET)), ["compat/discriminator"]);
    // A mapping adds names to the existing ones.
    let mapped = PET.replace("propertyName: k", "propertyName: k, mapping: {cat: '#/components/schemas/Cat'}");
    assert_eq!(taken(PET, &mapped), Vec::<String>::new());
    assert_eq!(rules(&sent(PET, &mapped)), ["compat/alternative-added"]);
    // Clients that receive only one kind are not affected.
    let only = |schemas: &str| {
        schemas.replace("S: {$ref: '#/components/schemas/Pet'}", "S: {$ref: '#/components/schemas/Cat'}")
    };
    assert_eq!(
        sent(
            &only(PET),
            &only(&format!("{PET}Cow: {{allOf: [{{$ref: '#/components/schemas/Pet'}}, {{required: [b]}}]}}\n"))
        ),
        Vec::<String>::new()
    );
}

#[test]
fn a_mapping_adds_values_to_named_alternatives() {
    let text = |mapping: &str| {
        format!(
            "S: {{oneOf: [{{$ref: '#/components/schemas/A'}}, {{$ref: '#/components/schemas/B'}}], discriminator: {{propertyName: k, mapping: {{{mapping}}}}}}}
A: {{type: object, required: [k, a], properties: {{k: {{type: string}}, a: {{type: string}}}}}}
B: {{type: object, required: [k, b], properties: {{k: {{type: string}}, b: {{type: string}}}}}}
"
        )
    };
    let (one, two) = ("a: '#/components/schemas/A'", "a: '#/components/schemas/A', b: '#/components/schemas/B'");
    assert_eq!(taken(&text(one), &text(two)), Vec::<String>::new());
    assert_eq!(rules(&taken(&text(two), &text(one))), ["compat/discriminator"]);
    assert_eq!(rules(&sent(&text(one), &text(two))), ["compat/discriminator"]);
}

#[test]
fn media_types_with_different_parameters_differ() {
    let body = |name: &str| format!("requestBody: {{content: {{'{name}': {{schema: {{type: object}}}}}}}}");
    let answer = |name: &str| format!("content: {{'{name}': {{schema: {{type: object}}}}}}");
    let (one, two) = ("application/vnd.x+json;version=1", "application/vnd.x+json;version=2");
    for found in [of_operation(&body(one), &body(two)), of_answer(&answer(one), &answer(two))] {
        assert_eq!(rules(&found), ["compat/media-type-removed", "compat/media-type-added"]);
    }
    assert_eq!(of_answer(&answer("text/plain"), &answer("text/plain; charset=utf-8")), Vec::<String>::new());
    for range in ["*/*", "application/*"] {
        let found = of_answer(&answer("application/json"), &answer(range));
        assert_eq!(rules(&found), ["compat/media-type-removed"]);
        assert_eq!(of_operation(&body("application/json"), &body(range)), Vec::<String>::new());
        assert_eq!(of_answer(&answer(range), &answer(range)), Vec::<String>::new());
    }
}

#[test]
fn one_of_rejects_values_that_fit_two_alternatives_unlike_any_of() {
    let object = |field: &str, more: &str| {
        format!("{{type: object, required: [{field}], properties: {{{field}: {{type: string}}}}{more}}}")
    };
    let list = |key: &str, more: &str| format!("S: {{{key}: [{}, {}]}}", object("a", more), object("b", more));
    let found = taken(&list("anyOf", ""), &list("oneOf", ""));
    assert_eq!(rules(&found), ["compat/body-narrowed"]);
    assert_eq!(taken(&list("oneOf", ""), &list("anyOf", "")), Vec::<String>::new());
    assert_eq!(sent(&list("anyOf", ""), &list("oneOf", "")), Vec::<String>::new());
    let closed = ", additionalProperties: false";
    assert_eq!(taken(&list("anyOf", closed), &list("oneOf", closed)), Vec::<String>::new());
    let kinds = |key: &str| {
        format!(
            "S: {{{key}: [{{type: object, required: [k], properties: {{k: {{const: a}}}}}}, {{type: object, properties: {{k: {{enum: [b, c]}}}}}}, {{type: string}}]}}"
        )
    };
    assert_eq!(taken(&kinds("anyOf"), &kinds("oneOf")), Vec::<String>::new());
}

#[test]
fn servers_of_operations_are_compared() {
    let text = |document: &str, path: &str, own: &str| {
        let list = |servers: &str, indent: &str| {
            if servers.is_empty() { String::new() } else { format!("{indent}servers: [{servers}]\n") }
        };
        contract_of(
            &format!(
                "{}paths:\n  /s:\n{}    post:\n      operationId: act\n{}",
                list(document, ""),
                list(path, "    "),
                list(own, "      ")
            ),
            "{'200': {description: Done}}",
        )
    };
    let (a, b) = ("{url: 'https://a'}", "{url: 'https://b'}");
    for (then, now) in [
        (text(a, "", ""), text(a, "", b)),
        (text(a, b, ""), text(a, "", "")),
        (text("", "", ""), text("", a, "")),
        (text(a, "", b), text(a, "", a)),
    ] {
        assert_eq!(rules(&said(&then, &now)), ["compat/server-removed"], "{then}\n{now}");
    }
    for (then, now) in [
        (text(a, "", ""), text(a, a, "")),
        (text(a, b, ""), text(a, "", b)),
        (text(a, "", ""), text("{url: 'https://a/'}", "", "")),
    ] {
        assert_eq!(said(&then, &now), Vec::<String>::new(), "{then}\n{now}");
    }
    let variable = |how: &str| text(&format!("{{url: 'https://{{v}}.a', variables: {{v: {{{how}}}}}}}"), "", "");
    for (then, now) in [
        ("default: x, enum: [x, y]", "default: x, enum: [x]"),
        ("default: x", "default: y"),
        ("default: x, enum: [x, y]", "default: y, enum: [x, y]"),
    ] {
        assert_eq!(rules(&said(&variable(then), &variable(now))), ["compat/server-removed"], "{then} {now}");
    }
    for (then, now) in
        [("default: x, enum: [x, y]", "default: x"), ("default: x, enum: [x]", "default: x, enum: [y, x]")]
    {
        assert_eq!(said(&variable(then), &variable(now)), Vec::<String>::new(), "{then} {now}");
    }
}

#[test]
fn encodings_of_form_parts_and_headers_must_not_change() {
    let form = |headers: &str| {
        format!(
            "requestBody: {{content: {{multipart/form-data: {{schema: {{type: object, properties: {{a: {{type: string}}}}}}, encoding: {{a: {{headers: {{{headers}}}}}}}}}}}}}"
        )
    };
    let optional = "X-Sum: {schema: {type: string}}";
    let required = "X-Sum: {required: true, schema: {type: string}}";
    assert_eq!(rules(&of_operation(&form(""), &form(required))), ["compat/encoding"]);
    assert_eq!(rules(&of_operation(&form(optional), &form(required))), ["compat/encoding"]);
    assert_eq!(of_operation(&form(required), &form(optional)), Vec::<String>::new());
    let header =
        |kind: &str, explode: bool| format!("headers: {{X-H: {{explode: {explode}, schema: {{type: {kind}}}}}}}");
    assert_eq!(rules(&of_answer(&header("object", false), &header("object", true))), ["compat/encoding"]);
    assert_eq!(of_answer(&header("string", false), &header("string", true)), Vec::<String>::new());
}

#[test]
fn a_field_with_an_unsatisfiable_schema_is_refused() {
    let (then, now) =
        ("S: {type: object, properties: {a: {type: string}}}", "S: {type: object, properties: {a: false}}");
    assert_eq!(taken(then, now), ["compat/body-narrowed: in the body of `act`: `/a` is refused now"]);
    assert_eq!(rules(&sent(then, now)), ["compat/field-removed"]);
}

#[test]
fn alternatives_of_enumerations_are_one_enumeration() {
    for one_of in ["oneOf", "anyOf"] {
        let list = format!("S: {{{one_of}: [{{const: x, title: X}}, {{const: y}}]}}");
        for other in ["S: {enum: [x, y]}", "S: {type: string, enum: [y, x]}"] {
            for (then, now) in [(&*list, other), (other, &*list)] {
                assert_eq!(sent(then, now), Vec::<String>::new());
                assert_eq!(taken(then, now), Vec::<String>::new());
            }
        }
        assert_eq!(rules(&sent("S: {enum: [x]}", &list)), ["compat/value-added"]);
        assert_eq!(rules(&taken(&list, "S: {enum: [x]}")), ["compat/body-narrowed"]);
    }
}

#[test]
fn numbers_in_plain_text_are_strings() {
    for (then, now) in [
        ("{type: integer}", "{type: string}"),
        ("{type: boolean}", "{type: string}"),
        ("{type: boolean}", "{type: string, enum: ['true', 'false', both]}"),
        ("{type: integer, enum: [1, 2]}", "{type: string, enum: ['2', '1']}"),
        ("{type: integer, default: 1}", "{type: string, default: '1'}"),
        ("{type: [string, 'null']}", "{type: string}"),
        ("{type: array, items: {type: integer}}", "{type: array, items: {type: string}}"),
    ] {
        let found = parameter(then, now);
        assert!(is_harmless(&found), "{then} {now} {found:?}");
    }
    for (then, now) in [
        ("{type: string}", "{type: integer}"),
        ("{type: integer}", "{type: string, pattern: '^a'}"),
        ("{type: integer, enum: [1, 2]}", "{type: string, enum: ['1']}"),
        ("{type: boolean}", "{type: string, enum: ['true']}"),
    ] {
        assert_eq!(rules(&parameter(then, now)), ["compat/parameter-narrowed"], "{then} {now}");
    }
    assert_eq!(rules(&parameter("{type: integer, default: 1}", "{type: string, default: '2'}")).len(), 2);
    let json = |schema: &str| {
        format!("parameters: [{{name: p, in: query, content: {{application/json: {{schema: {schema}}}}}}}]")
    };
    assert_eq!(rules(&of_operation(&json("{type: integer}"), &json("{type: string}"))), ["compat/parameter-narrowed"]);
}

#[test]
fn headers_that_openapi_describes_elsewhere_are_not_parameters() {
    for name in ["Authorization", "accept", "Content-Type"] {
        let now = format!("parameters: [{{name: {name}, in: header, required: true, schema: {{type: string}}}}]");
        assert_eq!(of_operation("", &now), Vec::<String>::new());
        assert_eq!(of_operation(&now, ""), Vec::<String>::new());
        assert_eq!(rules(&of_operation("", &now.replace("in: header", "in: query"))), ["compat/parameter-required"]);
    }
}

#[test]
fn api_key_header_names_are_case_insensitive() {
    let before = operation("security: [{key: []}]");
    assert_eq!(said(&before, &before.replace("X-Key", "x-KEY")), Vec::<String>::new());
    assert_eq!(rules(&said(&before, &before.replace("X-Key", "Y-Key"))), ["compat/security"]);
    let in_query = before.replace("in: header", "in: query");
    assert_eq!(rules(&said(&in_query, &in_query.replace("X-Key", "x-key"))), ["compat/security"]);
}

#[test]
fn limits_implied_by_a_format_are_not_changes() {
    for (then, now) in [
        ("{type: integer, format: int32}", "{type: integer, format: int32, minimum: -2147483648, maximum: 2147483647}"),
        ("{type: integer, format: uint32}", "{type: integer, format: uint32, minimum: 0}"),
        ("{type: string}", "{type: string, format: password}"),
        ("{type: string, format: slug}", "{type: string, format: our-slug}"),
    ] {
        for (then, now) in [(then, now), (now, then)] {
            let (then, now) = (format!("S: {then}"), format!("S: {now}"));
            assert_eq!(sent(&then, &now), Vec::<String>::new());
            assert_eq!(taken(&then, &now), Vec::<String>::new());
        }
    }
    for now in ["{type: integer, format: int32, minimum: 0}", "{type: integer, format: int32, maximum: 7}"] {
        assert_eq!(rules(&taken("S: {type: integer, format: int32}", &format!("S: {now}"))), ["compat/body-narrowed"]);
    }
    assert_eq!(
        rules(&taken("S: {type: string, format: slug}", "S: {type: string, format: uuid}")),
        ["compat/body-narrowed"]
    );
}

#[test]
fn a_callback_is_identified_by_its_expression() {
    let callback = |name: &str, at: &str, kind: &str| {
        format!(
            "callbacks: {{{name}: {{'{at}': {{post: {{requestBody: {{content: {{application/json: {{schema: {{type: {kind}}}}}}}}}, responses: {{'200': {{description: Heard}}}}}}}}}}}}"
        )
    };
    let at = "{$request.query.url}";
    let before = callback("moved", at, "string");
    assert_eq!(of_operation(&before, &callback("was_moved", at, "string")), Vec::<String>::new());
    assert_eq!(rules(&of_operation(&before, &callback("was_moved", at, "integer"))), ["compat/field-type"]);
    let found = of_operation(&before, &callback("moved", "{$request.query.at}", "string"));
    assert_eq!(rules(&found), ["compat/operation-removed", "compat/operation-added"]);
}

#[test]
fn a_removed_field_may_become_an_additional_one() {
    let named = "S: {type: object, properties: {a: {type: string}}, additionalProperties: {type: string}}";
    let required =
        "S: {type: object, required: [a], properties: {a: {type: string}}, additionalProperties: {type: string}}";
    assert_eq!(sent(named, "S: {type: object, additionalProperties: {type: string}}"), Vec::<String>::new());
    assert_eq!(
        rules(&sent(required, "S: {type: object, additionalProperties: {type: string}}")),
        ["compat/field-optional"]
    );
    assert!(
        rules(&sent(named, "S: {type: object, additionalProperties: {type: integer}}"))
            .contains(&"compat/field-removed")
    );
}

#[test]
fn narrowing_keywords_are_compared() {
    for more in ["dependentRequired: {a: [b]}", "contains: {type: string}", "unevaluatedProperties: false"] {
        let kind = if more.starts_with("contains") { "array" } else { "object" };
        let (then, now) = (format!("S: {{type: {kind}}}"), format!("S: {{type: {kind}, {more}}}"));
        assert_eq!(rules(&taken(&then, &now)), ["compat/body-narrowed"]);
        assert_eq!(rules(&taken(&now, &then)), ["compat/body-widened"]);
        assert!(is_harmless(&sent(&then, &now)));
    }
}

#[test]
fn removed_parts_are_reported_as_removed() {
    let found = taken("S: {type: string, maxLength: 5}", "S: {type: string}");
    assert_eq!(found, ["compat/body-widened: in the body of `act`: it no longer has a `maxLength` (it was 5)"]);
    let found = parameter("{type: string, default: a}", "{type: string}");
    assert_eq!(found, ["compat/parameter-default: the parameter `p` of `act` no longer has a default (it was \"a\")"]);
}
