//! What a client with errors by name does not support is refused, each thing with its reason, also where the rule that asks for
//! it is allowed. The server supports more.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use apidrift_core::contract::Contract;
use apidrift_core::generator::Output;
use apidrift_core::profile::{Profile, Requirement};
use apidrift_core::settings::Layout;
use openapi_model::source::Source;

const CONTRACT: &str = "\
openapi: 3.0.3
info: {title: Things, version: 1.0.0}
tags: [{name: things}]
security: [{key: []}]
paths:
  /things/{thing_id}:
    get:
      operationId: get_thing
      tags: [things]
      x-required-permission: things.read
      x-rate-limit: {requests: 1, window_seconds: 60}
      parameters:
        - {name: thing_id, in: path, required: true, schema: {type: string}}
      responses:
        '200': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}
        '400': {description: bad, content: {application/json: {schema: {$ref: '#/components/schemas/Error'}, examples: {invalid_thing_id: {summary: s, value: {message: bad}}}}}}
        '401': {description: no, content: {application/json: {schema: {$ref: '#/components/schemas/Error'}, examples: {unauthorized: {summary: s, value: {message: a}}}}}}
        '403': {description: no, content: {application/json: {schema: {$ref: '#/components/schemas/Error'}, examples: {forbidden: {summary: s, value: {message: b}}}}}}
        '429': {description: no, content: {application/json: {schema: {$ref: '#/components/schemas/Error'}, examples: {rate_limited: {summary: s, value: {message: c}}}}}}
        '500': {description: no, content: {application/json: {schema: {$ref: '#/components/schemas/Error'}, examples: {failed: {summary: s, value: {message: d}}}}}}
        '503': {description: no, content: {application/json: {schema: {$ref: '#/components/schemas/Error'}, examples: {unavailable: {summary: s, value: {message: e}}}}}}
components:
  securitySchemes: {key: {type: http, scheme: bearer}}
  schemas:
    Error: {type: object, required: [message], properties: {message: {type: string}}}
    Thing: {type: object, required: [name], properties: {name: {type: string}, kind: {$ref: '#/components/schemas/Kind'}}}
    Kind: {type: string, enum: [a, b]}
";

fn house() -> Profile {
    Profile {
        error_identity: Some("/message".into()),
        error_schema: Some("Error".into()),
        permission: Some("x-required-permission".into()),
        rate_limit: Some("x-rate-limit".into()),
        require: Requirement::ALL.to_vec(),
    }
}

fn contract(text: &str, profile: &Profile) -> Contract {
    Contract::read(&Source::new("things.yaml", text), None, Some(profile)).unwrap()
}

fn edited(find: &str, with: &str) -> String {
    assert!(CONTRACT.contains(find), "{find}");
    CONTRACT.replacen(find, with, 1)
}

/// The files, or what is refused.
fn outputs(text: &str, profile: &Profile) -> Result<Vec<Output>, Vec<String>> {
    let layout = Layout {
        contract: "things.yaml".into(),
        pages: None,
        server: Some("server.rs".into()),
        client: Some("client.rs".into()),
        client_errors: Some("errors.rs".into()),
        emits: None,
        testbed: None,
        testbed_without_limits: None,
    };
    openapi_dropshot::outputs(&contract(text, profile), &layout)
        .map_err(|findings| findings.into_iter().map(|finding| finding.message).collect())
}

/// Refuses it for this reason alone; `is_covered` where a rule about the contract says so already.
#[track_caller]
fn assert_refused(text: &str, profile: &Profile, reason: &str, is_covered: bool) {
    let refused = outputs(text, profile).expect_err("it is refused");
    assert!(refused.iter().any(|message| message.contains(reason)), "{refused:#?}");
    let unsupported = openapi_dropshot::unsupported(&contract(text, profile), true);
    let told: Vec<&str> = unsupported.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(told.iter().all(|message| !message.contains(reason)), is_covered, "{told:#?}");
}

#[test]
fn the_contract_itself_becomes_code() {
    assert_eq!(outputs(CONTRACT, &house()).unwrap().len(), 3);
}

#[test]
fn what_the_old_and_the_new_versions_of_openapi_have_is_refused() {
    for (find, with, reason) in [
        ("openapi: 3.0.3", "openapi: 3.1.0", "the document is OpenAPI 3.1.0"),
        ("'503'", "default", "documents `default`; write each status separately"),
        ("'503'", "5XX", "documents `5XX`; write each status separately"),
        ("'503'", "'302'", "documents 302, which is neither a success nor an error"),
        ("'503': {", "'204': {description: none}\n        '503': {", "documents 2 successes; exactly one is needed"),
        (
            ", content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}",
            ", content: {application/json: {schema: {type: string}}}}",
            "has no JSON body whose schema is a `$ref`",
        ),
        (
            "ok, content: {application/json:",
            "ok, content: {text/csv: {schema: {type: string}}, application/json:",
            "is `text/csv` as well as JSON",
        ),
        (
            "      tags: [things]\n",
            "      tags: [things]\n      requestBody: {content: {application/json: {schema: {type: string}}}}\n",
            "has a request body",
        ),
        ("in: path, required: true", "in: path", "the path parameter `thing_id` is not `required: true`"),
        (
            "in: path, required: true",
            "in: path, required: true, style: label",
            "the `style` of the parameter `thing_id`",
        ),
        (
            "required: true, schema: {type: string}}",
            "required: true, content: {text/plain: {schema: {type: string}}}}",
            "the parameter `thing_id` has no `schema`",
        ),
        (
            "        - {name: thing_id",
            "        - {name: X-Kind, in: header, schema: {type: string}}\n        - {name: thing_id",
            "is in a header; the generator supports only `path` and `query`",
        ),
    ] {
        assert_refused(&edited(find, with), &house(), reason, false);
    }
}

#[test]
fn what_a_rule_asks_for_is_refused_without_being_told_twice() {
    assert_refused(&edited("      operationId: get_thing\n", ""), &house(), "has no `operationId`", true);
    let unnamed = edited("unauthorized: {summary: s, ", "unauthorized: {");
    assert_refused(&unnamed, &house(), "the error `unauthorized` of GET /things/{thing_id} lacks", true);
    let schema = edited(
        "no, content: {application/json: {schema: {$ref: '#/components/schemas/Error'}",
        "no, content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}",
    );
    assert_refused(&schema, &house(), "is not a `$ref` to the schema `Error`", true);
    assert_refused(&edited("/things/{thing_id}:", "/things/{id}:"), &house(), "no path parameter describes", true);
    let nowhere = edited("schemas/Kind'", "schemas/Kin'");
    assert_refused(&nowhere, &house(), "there is no `#/components/schemas/Kin`", true);
    // Where no rule asks for them, the generator does.
    let free = Profile { require: Vec::new(), ..house() };
    assert_refused(&edited("      operationId: get_thing\n", ""), &free, "has no `operationId`", false);
    assert_refused(&unnamed, &free, "lacks a message or a summary", false);
}

#[test]
fn profiles_that_do_not_name_errors_by_message_are_refused() {
    let by_code = Profile { error_identity: Some("/code".into()), ..house() };
    assert_refused(CONTRACT, &by_code, "`error_identity` is `/code`", false);
    let any_body = Profile { error_schema: None, ..house() };
    assert_refused(CONTRACT, &any_body, "does not name the schema of all errors", false);
}

#[test]
fn names_that_the_generated_code_has_for_itself_are_refused() {
    let taken = CONTRACT.replace("schemas/Kind'", "schemas/Schema'").replace("    Kind:", "    Schema:");
    assert_refused(&taken, &house(), "`Schema` becomes `Schema` in code, which the generated code already uses", false);
    let both = edited("name: {type: string}, kind", "name: {type: string, maxLength: 5}, kind")
        .replace("    Kind:", "    ThingName: {type: string, enum: [a]}\n    Kind:");
    assert_refused(&both, &house(), "both become `ThingName` in code", false);
}

#[test]
fn what_the_server_supports_beyond_that_is_generated() {
    let layout = Layout {
        contract: "things.yaml".into(),
        pages: None,
        server: Some("server.rs".into()),
        client: None,
        client_errors: None,
        emits: None,
        testbed: None,
        testbed_without_limits: None,
    };
    let server = |text: &str| {
        let outputs = openapi_dropshot::outputs(&contract(text, &house()), &layout);
        outputs.map(|mut outputs| outputs.remove(0).text).map_err(|findings| findings[0].message.clone())
    };
    let code = |text: &str| server(text).unwrap().lines().skip(2).map(str::to_owned).collect::<Vec<_>>();
    let nullable = edited(
        "kind: {$ref: '#/components/schemas/Kind'}",
        "kind: {$ref: '#/components/schemas/Kind', nullable: true}",
    );
    assert_eq!(code(&nullable), code(CONTRACT), "what stands beside a reference is ignored");
    let example = edited(
        "{type: object, required: [name]",
        "{type: object, example: {name: {$ref: '#/components/schemas/Nope'}}, required: [name]",
    );
    assert!(!server(&example).unwrap().contains("types::Nope"), "examples are no schemas");
    let version = server(&edited("version: 1.0.0", "version: '2024-01-01'")).unwrap();
    assert!(version.contains(r#"version: "2024-01-01","#));
    let deprecated = edited("      tags: [things]\n", "      tags: [things]\n      deprecated: true\n");
    assert!(server(&deprecated).unwrap().contains("deprecated: true"));
    let unresolved = server(&edited("schemas/Kind'", "schemas/Kin'")).unwrap_err();
    assert_eq!(unresolved, "GET /things/{thing_id} cannot be generated: there is no `#/components/schemas/Kin`");
}
