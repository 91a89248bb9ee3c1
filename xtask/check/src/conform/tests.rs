//! Tests various contracts against a server that records its requests.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use apidrift_core::contract::Contract;
use apidrift_core::profile::Profile;
use apidrift_core::settings::Conform;
use openapi_model::source::Source;

use super::{Limits, Secret, Target, made_up, run};
use crate::conform::Exploration;
use crate::outcome::Outcome;

/// A server that answers every request that has a key with 200 and the same JSON, and others with 401.
struct Server {
    url: String,
    /// The methods and paths of the requests.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(body: &'static str) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let here = asked.clone();
        // The thread ends with the test process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let here = here.clone();
                std::thread::spawn(move || answer(stream, body, &here));
            }
        });
        Server { url, asked }
    }

    fn target(&self) -> Target {
        Target { url: self.url.clone(), key: Some(Secret::new("the-right-key")), ..Target::default() }
    }

    /// Whether it received a request with this method and path and with the key.
    fn was_asked(&self, call: &str) -> bool {
        self.asked.lock().unwrap().iter().any(|asked| asked.starts_with(call))
    }
}

fn answer(stream: TcpStream, body: &str, asked: &Mutex<Vec<String>>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    loop {
        let first = lines.next()?.ok()?;
        let (mut is_keyed, mut is_last) = (false, false);
        for line in lines.by_ref() {
            let line = line.ok()?;
            is_keyed |= line.eq_ignore_ascii_case("authorization: Bearer the-right-key");
            is_last |= line.eq_ignore_ascii_case("connection: close");
            if line.is_empty() {
                break;
            }
        }
        let (status, body) = match is_keyed {
            true => ("200 OK", body),
            false => ("401 Unauthorized", "{\"message\": \"Unauthorized\"}"),
        };
        if is_keyed {
            asked.lock().unwrap().push(first.rsplit_once(' ')?.0.to_owned());
        }
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}", body.len());
        (&stream).write_all(format!("{head}\r\n\r\n{body}").as_bytes()).ok()?;
        if is_last {
            return None;
        }
    }
}

/// A contract with these paths and component schemas, whose errors are distinguished by message.
fn contract(paths: &str, schemas: &str) -> Contract {
    let text = format!(
        "openapi: 3.0.3\ninfo: {{title: T, version: '1'}}\nsecurity: [{{key: []}}]\npaths:\n{paths}\ncomponents:\n  \
         securitySchemes: {{key: {{type: http, scheme: bearer}}}}\n  schemas:\n{schemas}\n"
    );
    let profile = Profile { error_identity: Some("/message".to_owned()), ..Profile::default() };
    Contract::read(&Source::new("c.yaml", text), None, Some(&profile)).unwrap()
}

/// The findings for a server that responds with this body; `A` is the contract's schema of the response.
fn found(schemas: &str, body: &'static str) -> Outcome {
    let paths = "  /a:\n    get:\n      operationId: a\n      responses:\n        '200':\n          description: d\n          \
                 content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}";
    let server = Server::start(body);
    run(&contract(paths, schemas), &Conform::default(), &server.target(), &Limits::default(), &|_| {})
}

fn messages(outcome: &Outcome) -> Vec<&str> {
    outcome.findings.iter().map(|finding| finding.message.as_str()).collect()
}

/// Why a response was not seen.
fn reason<'a>(outcome: &'a Outcome, id: &str, label: &str) -> &'a str {
    let operations = &outcome.live.as_ref().unwrap().operations;
    let operation = operations.iter().find(|operation| operation.id == id).unwrap();
    &operation.not_seen.iter().find(|(known, _)| known == label).unwrap().1
}

const CHANGES: &str = "
  /things:
    get: {operationId: list, responses: {'200': {description: d}}}
  /payments:
    post:
      operationId: pay
      parameters: [{name: amount, in: query, schema: {type: integer, minimum: 1}}]
      responses:
        '200': {description: d}
        '400':
          description: d
          content: {application/json: {examples: {invalid_amount: {summary: s, value: {message: Invalid amount}}}}}
        '401':
          description: d
          content: {application/json: {examples: {unauthorized: {summary: s, value: {message: Unauthorized}}}}}
  /sessions:
    delete: {operationId: log_out, responses: {'200': {description: d}}}
  /things/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    delete: {operationId: remove, responses: {'200': {description: d}}}";

#[test]
fn operations_with_effects_run_only_if_named() {
    let contract = contract(CHANGES, "    A: {type: object}");
    let server = Server::start("");
    let mut target = server.target();
    target.known.insert("id".to_owned(), "7".into());
    let limits = Limits { exhaust: true, ..Limits::default() };
    let outcome = run(&contract, &Conform::default(), &target, &limits, &|_| {});
    assert_eq!(*server.asked.lock().unwrap(), ["GET /things"]);
    for (id, label) in [("pay", "200"), ("pay", "400 Invalid amount"), ("log_out", "200"), ("remove", "200")] {
        let wanted =
            format!("not tried: needs --send {id}: only GET, HEAD and OPTIONS are sent unless an operation is named");
        assert_eq!(reason(&outcome, id, label), wanted);
    }
    run(
        &contract,
        &Conform::default(),
        &target,
        &Limits { send: vec!["remove".to_owned()], ..limits.clone() },
        &|_| {},
    );
    assert!(server.was_asked("DELETE /things/7") && !server.was_asked("POST") && !server.was_asked("DELETE /sessions"));
    run(&contract, &Conform::default(), &target, &Limits { everything: true, ..limits }, &|_| {});
    assert!(server.was_asked("POST /payments") && server.was_asked("DELETE /sessions"));
}

#[test]
fn every_member_of_an_all_of_applies() {
    let schemas = "    A: {allOf: [{$ref: '#/components/schemas/B'}, {type: object, properties: {c: {type: integer}}}]}
    B: {type: object, required: [b], properties: {b: {type: string}}}";
    assert_eq!(messages(&found(schemas, r#"{"b": "x", "c": 1}"#)), Vec::<&str>::new());
    let outcome = found(schemas, r#"{"c": "x", "d": 1}"#);
    let wanted = [
        "`200` of `a` has `/d`, which `A` does not describe",
        "`200` of `a` does not fit `A` at `/c`: \"x\" is not of type \"integer\"",
        "`200` of `a` does not fit `A` at `/b`: \"b\" is a required property",
    ];
    let mut found = messages(&outcome);
    found.sort();
    let mut wanted = wanted.to_vec();
    wanted.sort();
    assert_eq!(found, wanted);
    let at = |message: &str| {
        let finding = outcome.findings.iter().find(|finding| finding.message.contains(message)).unwrap();
        let place = finding.primary.as_ref().unwrap();
        place.source.text[place.range.clone()].to_owned()
    };
    assert_eq!((at("/c"), at("/b")), ("c".to_owned(), "b".to_owned()), "inside the members");
}

#[test]
fn recursive_schemas_are_followed_only_as_deep_as_values() {
    let schemas = "    A: {allOf: [{$ref: '#/components/schemas/A'}], type: object, properties: {a: {$ref: '#/components/schemas/A'}}}";
    let outcome = found(schemas, r#"{"a": {"a": {"b": 1}}}"#);
    assert_eq!(messages(&outcome), ["`200` of `a` has `/a/a/b`, which `A` does not describe"]);
}

#[test]
fn a_field_of_any_alternative_is_documented() {
    let schemas = "    A: {oneOf: [{$ref: '#/components/schemas/B'}, {$ref: '#/components/schemas/C'}]}
    B: {type: object, required: [b], properties: {b: {type: string}}}
    C: {type: object, required: [c], properties: {c: {type: object, properties: {d: {type: string}}}}}";
    assert_eq!(messages(&found(schemas, r#"{"c": {"d": "x"}}"#)), Vec::<&str>::new());
    assert_eq!(
        messages(&found(schemas, r#"{"c": {"e": 1}}"#)),
        ["`200` of `a` has `/c/e`, which `A` does not describe"]
    );
    assert_eq!(
        messages(&found(schemas, r#"{"c": {}, "f": 1}"#)),
        ["`200` of `a` has `/f`, which `A` does not describe"]
    );
}

#[test]
fn additional_properties_are_respected() {
    let open = "    A: {type: object, properties: {a: {type: string}}, additionalProperties: true}";
    assert_eq!(messages(&found(open, r#"{"b": 1}"#)), Vec::<&str>::new());
    let map = "    A: {type: object, additionalProperties: {type: object, properties: {a: {type: string}}}}";
    assert_eq!(
        messages(&found(map, r#"{"x": {"a": "1"}, "y": {"b": 1}}"#)),
        ["`200` of `a` has `/y/b`, which `A` does not describe"]
    );
    assert_eq!(messages(&found("    A: {type: object}", r#"{"b": 1}"#)), Vec::<&str>::new());
}

#[test]
fn write_only_fields_are_not_required_in_responses() {
    let schemas = "    A: {type: object, required: [password, id], properties: {password: {type: string, writeOnly: true}, id: {type: string, readOnly: true}}}";
    assert_eq!(messages(&found(schemas, r#"{"id": "x"}"#)), Vec::<&str>::new());
    assert_eq!(messages(&found(schemas, "{}")).len(), 1);
}

#[test]
fn a_property_may_be_named_like_a_keyword() {
    let schemas = "    A: {type: object, properties: {nullable: {type: integer}, default: {type: string, nullable: true}, \
                   example: {type: number, minimum: 0, exclusiveMinimum: true}}}";
    assert_eq!(messages(&found(schemas, r#"{"nullable": 1, "default": null, "example": 1}"#)), Vec::<&str>::new());
    assert_eq!(messages(&found(schemas, r#"{"nullable": "x", "example": 0}"#)).len(), 2);
}

#[test]
fn an_unusable_schema_is_reported_once_and_is_not_a_misfit() {
    let outcome = found("    A: {type: object, properties: {a: {type: string, pattern: '('}}}", r#"{"a": "x"}"#);
    assert_eq!(outcome.not_compared.len(), 1);
    assert_eq!(messages(&outcome).len(), 1);
    assert!(messages(&outcome)[0].starts_with("GET /a was not compared (live): `A` cannot be used: "), "{outcome:?}");
}

#[test]
fn any_documented_status_is_expected() {
    let paths = "
  /two: {get: {responses: {'200': {description: d}, '201': {description: d}}}}
  /default: {get: {responses: {'200': {description: d}, default: {description: d}}}}
  /only-default: {get: {responses: {default: {description: d}}}}
  /range: {get: {responses: {2XX: {description: d}, 4XX: {description: d}}}}
  /moved: {get: {responses: {'302': {description: d}, '200': {description: d}}}}
  /other: {get: {responses: {'204': {description: d}}}}
  /text: {get: {responses: {'200': {description: d, content: {text/plain: {}}}}}}
  /any: {get: {responses: {'200': {description: d, content: {'application/*': {}}}}}}
  /none: {get: {responses: {'404': {description: d}}}}
  /nothing: {get: {responses: {}}}
  /{x}: {get: {responses: {'200': {description: d}}}}
  /broken: {get: {parameters: [{in: query}], responses: {'200': {description: d}}}}";
    let contract = contract(paths, "    A: {type: object}");
    let server = Server::start("");
    let outcome = run(&contract, &Conform::default(), &server.target(), &Limits::default(), &|_| {});
    let wanted = [
        "`get_other` answers `200`, which it does not document",
        "`200` of `get_text` comes as `application/json`, not as `text/plain`",
        "the body of `200` of `get_any` is not JSON: EOF while parsing a value at line 1 column 0",
    ];
    assert_eq!(messages(&outcome), wanted);
    let seen = |id: &str| {
        let operations = &outcome.live.as_ref().unwrap().operations;
        let operation = operations.iter().find(|operation| operation.id == id).unwrap();
        operation.seen.iter().map(|(label, _)| label.clone()).collect::<Vec<_>>()
    };
    assert_eq!(seen("get_two"), ["200"]);
    assert_eq!(reason(&outcome, "get_two", "201"), "the server answered another success");
    assert_eq!(seen("get_default"), ["200", "default"], "without a key");
    assert_eq!(seen("get_only_default"), ["default"]);
    assert_eq!(seen("get_range"), ["2XX", "4XX"]);
    assert_eq!(seen("get_moved"), ["200"]);
    assert_eq!((seen("get_text"), seen("get_any")), (vec!["200".to_owned()], vec!["200".to_owned()]));
    let untried = |id: &str, label: &str| reason(&outcome, id, label).trim_start_matches("not tried: ").to_owned();
    assert_eq!(untried("get_none", "404"), "it documents no success");
    assert_eq!(untried("get_nothing", "any response"), "it documents no success");
    assert_eq!(untried("get_x", "200"), "its path has a variable `x` that no path parameter describes");
    assert!(untried("get_broken", "200").starts_with("it could not be read whole: "), "{outcome:?}");
    let ids: Vec<&str> = outcome.live.iter().flat_map(|live| &live.operations).map(|it| it.id.as_str()).collect();
    assert_eq!((ids.len(), ids[0], ids[11]), (12, "get_two", "get_broken"), "in the order of the contract");
}

#[test]
fn a_default_response_is_a_success_only_below_400() {
    let server = Server::start("");
    let paths = "  /a: {get: {operationId: a, security: [], responses: {default: {description: d}}}}";
    let contract = contract(paths, "    A: {type: object}");
    let target = Target { key: None, ..server.target() };
    let outcome = run(&contract, &Conform::default(), &target, &Limits::default(), &|_| {});
    assert_eq!(messages(&outcome), ["`a` answers `401` where the contract has `default`"], "401 to a right request");
}

#[test]
fn requests_close_to_an_operation_that_cannot_be_tested_may_get_any_response() {
    let paths = "
  /broken: {get: {parameters: [{in: query}], responses: {'200': {description: d}}}}
  /fine: {get: {responses: {'200': {description: d}}}}";
    let contract = contract(paths, "    A: {type: object}");
    let server = Server::start("");
    let limits = Limits { explore: Some(Exploration { seed: 1, cases: 5 }), ..Limits::default() };
    let outcome = made_up(&contract, &Conform::default(), &server.target(), &limits, &|_| {});
    assert_eq!(outcome.unchecked, Vec::<String>::new());
}

#[test]
fn errors_identified_by_status_are_tested_and_indistinguishable_ones_are_listed() {
    let paths = "
  /a:
    get:
      operationId: a
      responses:
        '200': {description: d}
        '401': {description: d}
        '404':
          description: d
          content:
            application/json:
              examples: {one: {value: {message: Gone}}, other: {value: {message: Gone}}}";
    let server = Server::start("");
    let outcome = run(
        &contract(paths, "    A: {type: object}"),
        &Conform::default(),
        &server.target(),
        &Limits::default(),
        &|_| {},
    );
    assert_eq!(messages(&outcome), Vec::<&str>::new());
    let seen = &outcome.live.as_ref().unwrap().operations[0].seen;
    assert!(seen.iter().any(|(label, _)| label == "401"), "{seen:?}");
    let not_seen = &outcome.live.as_ref().unwrap().operations[0].not_seen;
    assert_eq!(not_seen.last().unwrap().1, "not tried: `other` and `one` cannot be told apart");
}

#[test]
fn any_of_several_errors_with_one_cause_is_accepted() {
    let paths = "
  /a:
    get:
      operationId: a
      responses:
        '200': {description: d}
        '401':
          description: d
          content:
            application/json:
              examples: {expired: {value: {message: Expired}}, unknown: {value: {message: Unauthorized}}}";
    let server = Server::start("");
    let outcome = run(
        &contract(paths, "    A: {type: object}"),
        &Conform::default(),
        &server.target(),
        &Limits::default(),
        &|_| {},
    );
    assert_eq!(messages(&outcome), Vec::<&str>::new());
    assert_eq!(
        reason(&outcome, "a", "401 Expired"),
        "not tried: there is no known way to provoke it rather than `unknown`; describe one in a [[conform.provocation]]"
    );
}
