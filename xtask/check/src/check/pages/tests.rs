//! Pages of various contracts: valid pages have no findings, and invalid ones are reported.

use std::collections::HashSet;
use std::sync::Arc;

use apidrift_core::contract::Contract;
use apidrift_core::profile::{Profile, Requirement};
use openapi_model::source::Source;

use super::{Outcome, check_foreign};

/// A contract with one operation, `GET /things/{id}`, followed by `components`.
fn contract(operation: &str, components: &str) -> Contract {
    let indented = |text: &str, by: &str| text.trim().lines().map(|line| format!("{by}{line}\n")).collect::<String>();
    let text = format!(
        "openapi: 3.0.3\ninfo: {{title: T, version: '1'}}\nservers: [{{url: 'https://x.org'}}]\npaths:\n  /things/{{id}}:\n    get:\n      operationId: get_thing\n{}components:\n{}",
        indented(operation, "      "),
        indented(components, "  "),
    );
    let profile = Profile {
        error_identity: Some("/message".to_owned()),
        require: vec![Requirement::CompletePages],
        ..Profile::default()
    };
    let source = Source::new("c.yaml", text);
    let contract = Contract::read(&source, None, Some(&profile)).unwrap();
    assert!(contract.document.problems.is_empty(), "{:?}", contract.document.problems);
    contract
}

fn page(body: &str) -> Arc<Source> {
    Source::new(
        "get-thing.md",
        format!(
            "# Thing\n\n`GET /things/{{id}}`\n\n[Errors](errors.md)\n\n## Path\n\n| Parameter | Required |\n| --- | --- |\n| `id` | Required |\n\n## Rest\n\n{body}\n"
        ),
    )
}

/// The findings for a page: rule and message.
fn found(contract: &Contract, body: &str) -> Vec<String> {
    let Outcome { findings, unchecked, .. } = check_foreign(contract, &HashSet::new(), &page(body));
    assert!(unchecked.is_empty(), "{unchecked:?}");
    findings.iter().map(|finding| format!("{}: {}", finding.rule.info().name, finding.message)).collect()
}

/// The findings for a page that is valid apart from an example request.
fn asked(contract: &Contract, request: &str) -> Vec<String> {
    found(contract, &format!("It answers with `200`.\n\n```bash\n{request}\n```"))
}

const ID: &str = "{name: id, in: path, required: true, schema: {type: string}}";
const REQUEST: &str = "```bash\ncurl https://x.org/things/1\n```";

#[test]
fn a_body_may_fit_any_of_several_successes() {
    let contract = contract(
        &format!(
            "parameters: [{ID}]\nresponses:\n  '200':\n    description: D\n    content: {{application/json: {{schema: {{$ref: '#/components/schemas/Thing'}}}}}}\n  '202':\n    description: D\n    content: {{application/json: {{schema: {{$ref: '#/components/schemas/Job'}}}}}}"
        ),
        "schemas:\n  Thing: {type: object, required: [id], properties: {id: {type: string}}}\n  Job: {type: object, required: [job, since], properties: {job: {type: string}, since: {type: string}}}",
    );
    for status in ["200", "202 Accepted"] {
        for body in [r#"{"id": "7"}"#, r#"{"job": "7", "since": "now"}"#] {
            assert_eq!(
                found(&contract, &format!("`{status}`\n\n{REQUEST}\n\n```json\n{body}\n```")),
                [""; 0],
                "{body}"
            );
        }
    }
    assert_eq!(
        found(&contract, &format!("`201`\n\n{REQUEST}\n\n```json\n{{\"id\": \"7\", \"nam\": 1}}\n```")),
        [
            "page/success-status: the page gives the success status 201, but the contract says 200 or 202",
            "page/body: the body does not fit `Thing`: there is no field `nam`",
        ]
    );
    let silent = found(&contract, &format!("`200`\n\n{REQUEST}"));
    assert_eq!(silent, ["page/body: the page shows no body of the 200 (a code block of the language `json`)"]);
}

#[test]
fn a_page_without_a_success_has_no_finding_about_it() {
    let contract = contract(&format!("parameters: [{ID}]\nresponses: {{'404': {{description: D}}}}"), "schemas: {}");
    let body =
        format!("{REQUEST}\n\n```json\n{{\"a\": 1}}\n```\n\n| Error | Then |\n| --- | --- |\n| `404 Not here` | x |");
    assert_eq!(found(&contract, &body), [""; 0]);
}

#[test]
fn an_error_without_an_identity_is_identified_by_its_status() {
    let contract = contract(
        &format!("parameters: [{ID}]\nresponses:\n  '200': {{description: D}}\n  '404': {{description: D}}"),
        "schemas: {}",
    );
    let with = |table: &str| found(&contract, &format!("`200`\n\n{REQUEST}\n\n{table}"));
    for row in ["| `404 Whatever` | Look again. |", "| 404 | Not found |", "| `404` | `Not found` |"] {
        assert_eq!(with(&format!("| Error | Then |\n| --- | --- |\n{row}")), [""; 0], "{row}");
    }
    assert_eq!(with(""), ["page/error-missing: the page does not document `404`"]);
    assert_eq!(
        with("| Error | Then |\n| --- | --- |\n| `404 Gone` | x |\n| `409 Busy` | x |"),
        ["page/error-extra: the contract does not document `409 Busy` here"]
    );
}

#[test]
fn a_status_that_falls_under_a_range_or_the_default_is_documented() {
    let with = |responses: &str| {
        let contract = contract(
            &format!("parameters: [{ID}]\nresponses:\n  '200': {{description: D}}\n{responses}"),
            "schemas: {}",
        );
        found(&contract, &format!("`200`\n\n{REQUEST}\n\n| Error | Then |\n| --- | --- |\n| `409 Busy` | x |"))
    };
    assert_eq!(with("  4XX: {description: D}"), [""; 0]);
    assert_eq!(with("  default: {description: D}"), [""; 0]);
    assert_eq!(with("  5XX: {description: D}"), ["page/error-extra: the contract does not document `409 Busy` here"]);
}

#[test]
fn fields_come_from_every_member_of_an_all_of() {
    let contract = contract(
        &format!(
            "parameters: [{ID}]\nresponses:\n  '200':\n    description: D\n    content: {{application/json: {{schema: {{$ref: '#/components/schemas/Thing'}}}}}}"
        ),
        "schemas:\n  Base: {type: object, required: [id], properties: {id: {type: string}, kind: {$ref: '#/components/schemas/Kind'}}}\n  Kind: {type: string, enum: [small, large]}\n  Thing:\n    allOf:\n      - $ref: '#/components/schemas/Base'\n      - {type: object, required: [name], properties: {name: {type: string, nullable: true}}}",
    );
    let with =
        |json: &str, table: &str| found(&contract, &format!("`200`\n\n{REQUEST}\n\n```json\n{json}\n```\n\n{table}"));
    let right = r#"{"id": "7", "kind": "small", "name": null}"#;
    let rows = "| Field | Type |\n| --- | --- |\n| `id` | String |\n| `kind` | String |\n";
    assert_eq!(with(right, &format!("{rows}| `name` | String or null |")), [""; 0]);
    assert_eq!(
        with(r#"{"id": "7", "kind": "small", "name": null, "more": 1}"#, ""),
        ["page/body: the body does not fit `Thing`: there is no field `more`"]
    );
    assert_eq!(with(right, rows), ["page/field-missing: the table does not list the field `name` of `Thing`"]);
    assert_eq!(
        with(right, &format!("{rows}| `name` | String |\n| `colour` | String |")),
        ["page/field-type: `name` may be null", "page/field-extra: `Thing` has no field `colour`"]
    );
    assert_eq!(
        with(right, "The `kind` is one of these:\n\n| Value | What |\n| --- | --- |\n| `small` | x |\n| `huge` | x |"),
        [
            "page/enum-extra: `Kind` has no value `huge`",
            "page/enum-missing: the table does not list the value `large` of `Kind`"
        ]
    );
}

#[test]
fn a_map_has_any_field_and_alternatives_combine_their_fields() {
    let contract = contract(
        &format!(
            "parameters: [{ID}]\nresponses:\n  '200':\n    description: D\n    content: {{application/json: {{schema: {{$ref: '#/components/schemas/Thing'}}}}}}"
        ),
        "schemas:\n  Thing:\n    type: object\n    properties:\n      counts: {type: object, additionalProperties: {$ref: '#/components/schemas/Count'}}\n      free: {type: object, properties: {a: {type: string}}, additionalProperties: true}\n      one:\n        anyOf:\n          - {type: object, properties: {a: {type: string}}}\n          - {type: object, required: [b], properties: {b: {type: string}}}\n  Count: {type: object, properties: {count: {type: integer}}}",
    );
    let with = |json: &str| found(&contract, &format!("`200`\n\n{REQUEST}\n\n```json\n{json}\n```"));
    assert_eq!(with(r#"{"counts": {"x": {"count": 1}, "y": {}}, "free": {"b": 1}, "one": {"b": "x"}}"#), [""; 0]);
    assert_eq!(
        with(r#"{"counts": {"x": {"cuont": 1}}}"#),
        ["page/body: the body does not fit `Thing`: there is no field `cuont`"]
    );
    assert_eq!(with(r#"{"one": {"c": "x"}}"#), ["page/body: the body does not fit `Thing`: there is no field `c`"]);
}

#[test]
fn request_bodies_may_be_shown_too() {
    let contract = contract(
        &format!(
            "parameters: [{ID}]\nrequestBody: {{content: {{application/json: {{schema: {{$ref: '#/components/schemas/Ask'}}}}}}}}\nresponses:\n  '200':\n    description: D\n    content: {{application/json: {{schema: {{type: object, required: [id], properties: {{id: {{type: string}}}}}}}}}}"
        ),
        "schemas:\n  Ask: {type: object, required: [name], properties: {name: {type: string}, limit: {type: integer}}}",
    );
    let table = "| Field | Required | Type |\n| --- | --- | --- |\n| `name` | Required | String |\n| `limit` | Optional | Integer |";
    let body = format!(
        "The body:\n\n{table}\n\n`200`\n\n{REQUEST}\n\n```json\n{{\"name\": \"x\"}}\n```\n\n```json\n{{\"id\": \"7\"}}\n```"
    );
    assert_eq!(found(&contract, &body), [""; 0]);
}

#[test]
fn a_request_includes_the_credentials_of_its_scheme() {
    let asked = |security: &str, request: &str| {
        let contract = contract(
            &format!("parameters: [{ID}]\nsecurity: {security}\nresponses: {{'200': {{description: D}}}}"),
            "securitySchemes:\n  bearer: {type: http, scheme: bearer}\n  basic: {type: http, scheme: basic}\n  header: {type: apiKey, in: header, name: X-API-Key}\n  query: {type: apiKey, in: query, name: api_key}\n  cookie: {type: apiKey, in: cookie, name: session}\n  oauth: {type: oauth2, flows: {}}\n  tls: {type: http, scheme: digest}",
        );
        asked(&contract, &request.replace("URL", "https://x.org/things/1"))
    };
    for (security, request) in [
        ("[{bearer: []}]", "curl URL -H 'Authorization: Bearer K'"),
        ("[{oauth: []}]", "curl URL --oauth2-bearer K"),
        ("[{basic: []}]", "curl URL -u name:password"),
        ("[{basic: []}]", "curl URL -H 'Authorization: Basic abc'"),
        ("[{header: []}]", "curl URL -H 'x-api-key: K'"),
        ("[{query: []}]", "curl 'URL?api_key=K'"),
        ("[{query: []}]", "curl -G URL -d api_key=K"),
        ("[{cookie: []}]", "curl URL -b 'session=1'"),
        ("[{header: []}, {bearer: []}]", "curl URL -H 'Authorization: Bearer K'"),
        ("[{bearer: []}, {}]", "curl URL"),
        ("[]", "curl URL"),
    ] {
        assert_eq!(asked(security, request), [""; 0], "{security}: {request}");
    }
    let lacks = |what: &str| [format!("page/request-authorization: the request sends no {what}")];
    for (security, request, what) in [
        ("[{bearer: []}]", "curl URL", "API key (`Authorization: Bearer …`)"),
        ("[{bearer: []}]", "curl URL -u a:b", "API key (`Authorization: Bearer …`)"),
        ("[{basic: []}]", "curl URL -H 'Authorization: Bearer K'", "user and password (`Authorization: Basic …`)"),
        ("[{header: []}]", "curl URL -H 'Authorization: Bearer K'", "API key (`X-API-Key: …`)"),
        ("[{query: []}]", "curl URL", "API key (`?api_key=…`)"),
        ("[{cookie: []}]", "curl URL -b 'other=1'", "API key (`Cookie: session=…`)"),
        ("[{header: [], bearer: []}]", "curl URL -H 'X-API-Key: K'", "API key (`Authorization: Bearer …`)"),
    ] {
        assert_eq!(asked(security, request), lacks(what), "{security}: {request}");
    }
}

#[test]
fn lists_and_numbers_in_urls_are_parsed() {
    let asked = |parameter: &str, query: &str| {
        let contract = contract(
            &format!(
                "parameters: [{ID}, {{name: p, in: query, {parameter}}}]\nresponses: {{'200': {{description: D}}}}"
            ),
            "schemas: {}",
        );
        let found = found(
            &contract,
            &format!(
                "`200`\n\n```bash\ncurl {}\n```\n\n| Parameter | Required |\n| --- | --- |\n| `p` | Optional |",
                if query.starts_with('-') {
                    format!("-G https://x.org/things/1 {query}")
                } else {
                    format!("'https://x.org/things/1?{query}'")
                }
            ),
        );
        match found.as_slice() {
            [] => None,
            [one] => one.strip_prefix("page/request-query: ").map(str::to_owned),
            more => panic!("{more:?}"),
        }
    };
    let numbers = "schema: {type: array, items: {type: integer}}";
    for (parameter, query) in [
        ("explode: false, schema: {type: array, items: {type: integer}}", "p=1,2"),
        ("explode: false, schema: {type: array, items: {type: string, enum: ['a,b', c]}}", "p=a%2Cb,c"),
        (numbers, "p=1&p=2"),
        (numbers, "p=$ID"),
        ("style: pipeDelimited, explode: false, schema: {type: array, items: {type: integer}}", "p=1%7C2"),
        ("style: spaceDelimited, explode: false, schema: {type: array, items: {type: integer}}", "p=1%202"),
        ("style: deepObject, schema: {type: object, properties: {a: {type: string}}}", "p[a]=1"),
        ("schema: {type: object, additionalProperties: {type: string}}", "x=1&y=2"),
        ("schema: {type: string, enum: ['a b']}", "p=a%20b"),
        ("schema: {type: string, enum: ['a b']}", "p=a+b"),
        ("schema: {type: string, enum: ['a+b']}", "--data-urlencode 'p=a+b'"),
        ("schema: {type: number, maximum: 2}", "p=1.5"),
        ("schema: {oneOf: [{type: integer}, {type: string, enum: [all]}]}", "p=all"),
        ("schema: {type: boolean}", "p=true"),
        ("schema: {type: string}", "p=true"),
    ] {
        assert_eq!(asked(parameter, query), None, "{parameter}: {query}");
    }
    for (parameter, query, why) in [
        ("explode: false, schema: {type: array, items: {type: integer}}", "p=1,x", "\"x\" is not of type \"integer\""),
        ("schema: {type: array, maxItems: 1, items: {type: integer}}", "p=1&p=2", "[1,2] has more than 1 item"),
        ("schema: {type: integer, maximum: 2}", "p=3", "3 is greater than the maximum of 2"),
        ("schema: {type: boolean}", "p=1", "\"1\" is not of type \"boolean\""),
    ] {
        let said = asked(parameter, query);
        assert_eq!(said, Some(format!("`p` does not fit its schema: {why}")), "{parameter}: {query}");
    }
    assert_eq!(asked(numbers, "q=1"), Some("the operation has no query parameter `q`".to_owned()));
}

#[test]
fn operations_that_are_set_aside_are_not_compared() {
    let contract = contract(&format!("parameters: [{ID}]\nresponses: {{'200': {{description: D}}}}"), "schemas: {}");
    let aside = HashSet::from(["GET /things/{}".to_owned()]);
    let outcome = check_foreign(&contract, &aside, &page("Nothing."));
    assert!(outcome.findings.is_empty(), "{:?}", outcome.findings);
    assert_eq!(outcome.unchecked.len(), 1);
}

#[test]
fn error_texts_are_normalised_equally_on_pages_and_in_contracts() {
    let contract = contract(
        &format!(
            "parameters: [{ID}]\nresponses:\n  '200': {{description: D}}\n  '404':\n    description: D\n    content:\n      application/json:\n        schema: {{type: object, properties: {{message: {{type: string}}}}}}\n        examples: {{gone: {{summary: S, value: {{message: 'Gone '}}}}}}"
        ),
        "{}",
    );
    let shown = |message: &str| {
        let body = format!("```json\n{{\"message\": \"{message}\"}}\n```");
        found(
            &contract,
            &format!("`200`\n\n{REQUEST}\n\n{body}\n\n| Error | What to do |\n| --- | --- |\n| `404 Gone` | S |"),
        )
    };
    assert_eq!(shown("Gone "), [""; 0]);
    assert_eq!(shown("Gone"), [""; 0]);
    assert_eq!(shown("Late"), ["page/body: the operation answers without a body"]);
}
