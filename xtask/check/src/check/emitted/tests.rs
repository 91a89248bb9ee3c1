//! Claims that only the contract or only the server makes are reported.

use apidrift_core::contract::Contract;
use apidrift_core::profile::Profile;
use openapi_model::source::Source;

use super::check;

const DOCUMENT: &str = "\
openapi: 3.0.3
info: {title: t, version: '1'}
security: [{oauth: [read, write]}]
paths:
  /things:
    post:
      operationId: add_thing
      requestBody:
        required: true
        content:
          application/json: {schema: {$ref: '#/components/schemas/Thing'}}
      parameters:
        - {name: X-Trace, in: header, schema: {type: string}}
        - {name: tags, in: query, schema: {type: array, items: {type: string}}}
      responses:
        '200': {description: ok, content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Thing'}}}}}
        '204': {description: none}
        '404': {description: not found}
        default: {description: other, content: {application/json: {schema: {$ref: '#/components/schemas/Failure'}}}}
components:
  securitySchemes:
    oauth: {type: oauth2, flows: {clientCredentials: {tokenUrl: /token, scopes: {read: r, write: w}}}}
  schemas:
    Thing: {type: object, required: [name], properties: {name: {type: string}, parent: {allOf: [{$ref: '#/components/schemas/Thing'}], nullable: true}}}
    Failure: {type: object, properties: {code: {type: string}}}
";

fn found(contract: &str, server: &str) -> Vec<String> {
    let read = |text: &str| Contract::read(&Source::new("a.yaml", text), None, Some(&Profile::default())).unwrap();
    let contract = read(contract);
    let outcome = check(&contract, &Source::new("emitted", server), None, &|_| false, &[]);
    assert!(outcome.unchecked.is_empty(), "{:?}", outcome.unchecked);
    outcome.findings.iter().map(|finding| format!("{} {}", finding.rule.info().name, finding.message)).collect()
}

/// Asserts that an edit of one document is reported by a rule with a part of the message, and that the reverse edit is
/// too.
#[track_caller]
fn assert_found(find: &str, with: &str, rule: &str, missing: &str, more: &str) {
    assert!(DOCUMENT.contains(find), "{find}");
    let edited = DOCUMENT.replacen(find, with, 1);
    for (contract, server, message) in [(DOCUMENT, edited.as_str(), missing), (edited.as_str(), DOCUMENT, more)] {
        let found = found(contract, server);
        let is_named = found.iter().any(|finding| finding.starts_with(rule) && finding.contains(message));
        assert!(is_named && found.len() == 1, "{message}: {found:#?}");
    }
}

#[test]
fn a_document_agrees_with_itself_and_with_an_equivalent_one() {
    assert!(found(DOCUMENT, DOCUMENT).is_empty());
    let other = DOCUMENT
        .replace("[read, write]", "[write, read]")
        .replace("required: [name], properties: {name: {type: string}, ", "properties: {name: {type: string}, ")
        .replace("nullable: true}}}", "nullable: true}}, required: [name]}")
        .replace("application/json: {schema: {$ref", "'Application/JSON': {schema: {$ref")
        .replace("in: query, schema", "in: query, style: form, explode: true, schema");
    assert_eq!(found(DOCUMENT, &other), Vec::<String>::new());
}

#[test]
fn a_request_body_in_only_one_document_is_reported() {
    let body = "      requestBody:\n        required: true\n        content:\n          application/json: {schema: {$ref: '#/components/schemas/Thing'}}\n";
    let (missing, more) =
        ("the server does not state `requestBody`", "the server states `requestBody` of `add_thing`, but");
    assert_found(body, "", "server/parameter", missing, more);
    let differs = "`requestBody` of `add_thing` is";
    assert_found("        required: true\n        content", "        content", "server/parameter", differs, differs);
    let (json, form) = ("          application/json: {schema: {$ref", "          text/csv: {schema: {$ref");
    assert_found(json, form, "server/parameter", differs, differs);
}

#[test]
fn security_and_scopes_are_compared_if_the_server_emits_any() {
    let differs = "`security` of `add_thing` is";
    assert_found("[read, write]", "[read]", "server/security", differs, differs);
    assert_found("security: [{oauth: [read, write]}]", "security: []", "server/security", differs, differs);
    let optional = "security: [{oauth: [read, write]}, {}]";
    assert_found("security: [{oauth: [read, write]}]", optional, "server/security", differs, differs);
    let silent = &DOCUMENT.replace("security: [{oauth: [read, write]}]\n", "");
    let start = silent.find("  securitySchemes").unwrap();
    let silent = format!("{}{}", &silent[..start], &silent[silent.find("  schemas:").unwrap()..]);
    assert!(found(DOCUMENT, &silent).is_empty());
    let other = DOCUMENT.replace("type: oauth2", "type: http, scheme: basic");
    assert!(found(DOCUMENT, &other)[0].starts_with("server/security the server's security scheme `oauth` differs"));
}

#[test]
fn other_claims_in_only_one_document_are_reported() {
    let deprecated = "operationId: add_thing\n      deprecated: true\n";
    let (missing, more) = ("the server does not state `deprecated`", "the server states `deprecated`");
    assert_found("operationId: add_thing\n", deprecated, "server/text", more, missing);
    let (missing, more) =
        ("the server does not state the header parameter `x-trace`", "the server states the header parameter");
    assert_found(
        "        - {name: X-Trace, in: header, schema: {type: string}}\n",
        "",
        "server/parameter",
        missing,
        more,
    );
    let style = "in: query, explode: false, schema";
    let (missing, more) =
        ("the server states the style of the query parameter `tags`", "the server does not state the style");
    assert_found("in: query, schema", style, "server/parameter", missing, more);
    let differs = "the success of `add_thing` has the status";
    assert_found("        '204': {description: none}\n", "", "server/success", differs, differs);
    let (missing, more) =
        ("the server does not state the response `default`", "the server states the response `default`");
    let default = &DOCUMENT[DOCUMENT.find("        default").unwrap()..DOCUMENT.find("components:").unwrap()];
    assert_found(default, "", "server/success", missing, more);
    let differs = "the schema of the 200 of `add_thing` is";
    assert_found(
        "{type: array, items: {$ref",
        "{type: array, maxItems: 3, items: {$ref",
        "server/success",
        differs,
        differs,
    );
    let differs = "the server's schema `Failure` differs";
    assert_found("{code: {type: string}}", "{code: {type: integer}}", "server/schema", differs, differs);
}

#[test]
fn keys_beside_a_reference_in_3_0_cause_no_unfixable_finding() {
    let beside = DOCUMENT.replace(
        "parent: {allOf: [{$ref: '#/components/schemas/Thing'}], nullable: true}",
        "parent: {$ref: '#/components/schemas/Thing', nullable: true}",
    );
    let emitted = beside.replace("', nullable: true}", "'}");
    assert_ne!(beside, emitted);
    assert!(found(&beside, &emitted).is_empty());
}

#[test]
fn an_unreadable_response_of_the_server_is_reported() {
    let unread = DOCUMENT.replace("'404': {description: not found}", "'404': {$ref: '#/components/responses/No'}");
    let found = found(DOCUMENT, &unread);
    assert!(found.iter().any(|finding| finding.contains("cannot be read")), "{found:#?}");
}
