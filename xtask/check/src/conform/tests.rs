//! Tests various contracts against a server that records its requests.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use apidrift_core::contract::Contract;
use apidrift_core::profile::Profile;
use openapi_model::source::Source;

use super::{Limits, Secret, Target, hold, made_up, run};
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
        Target {
            url: self.url.clone(),
            key: Secret::new("the-right-key"),
            key_without_permission: None,
            failing_keys: Default::default(),
            known: Default::default(),
            busy: Default::default(),
            foreign: Default::default(),
            items: Default::default(),
        }
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
    run(&contract(paths, schemas), &server.target(), &Limits::default(), &|_| {})
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
fn operations_with_effects_run_only_if_requested() {
    let contract = contract(CHANGES, "    A: {type: object}");
    let server = Server::start("");
    let outcome = run(&contract, &server.target(), &Limits { exhaust: true, ..Limits::default() }, &|_| {});
    assert_eq!(*server.asked.lock().unwrap(), ["GET /things"]);
    let own =
        "not tried: needs a server of the project's own (`testbed` in the settings): the request really takes effect";
    assert_eq!(reason(&outcome, "pay", "200"), own);
    assert_eq!(reason(&outcome, "log_out", "200"), own);
    assert_eq!(reason(&outcome, "remove", "200"), "not tried: needs a value of `id`: the request really takes effect");
}

#[test]
fn a_given_value_requests_its_operation_and_a_testbed_permits_all() {
    let contract = contract(CHANGES, "    A: {type: object}");
    let server = Server::start("");
    let mut target = server.target();
    target.known.insert("id".to_owned(), "7".to_owned());
    run(&contract, &target, &Limits::default(), &|_| {});
    assert!(server.was_asked("DELETE /things/7") && !server.was_asked("POST") && !server.was_asked("DELETE /sessions"));
    hold(&contract, &target, &Limits::default(), &|_| {}, true);
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
fn operations_with_indistinguishable_responses_are_listed_with_the_reason() {
    let paths = "
  /two: {get: {responses: {'200': {description: d}, '201': {description: d}}}}
  /none: {get: {responses: {'404': {description: d}}}}
  /nothing: {get: {responses: {}}}
  /default: {get: {responses: {'200': {description: d}, default: {description: d}}}}
  /range: {get: {responses: {2XX: {description: d}}}}
  /moved: {get: {responses: {'200': {description: d}, '302': {description: d}}}}
  /text: {get: {responses: {'200': {description: d, content: {text/plain: {}}}}}}
  /{x}: {get: {responses: {'200': {description: d}}}}
  /broken: {get: {parameters: [{in: query}], responses: {'200': {description: d}}}}
  /fine: {get: {responses: {'200': {description: d}}}}";
    let contract = contract(paths, "    A: {type: object}");
    let server = Server::start("");
    let outcome = run(&contract, &server.target(), &Limits::default(), &|_| {});
    assert_eq!(*server.asked.lock().unwrap(), ["GET /fine"]);
    assert_eq!(messages(&outcome), Vec::<&str>::new());
    let untried = |id: &str, label: &str| reason(&outcome, id, label).trim_start_matches("not tried: ").to_owned();
    assert_eq!(untried("get_two", "201"), "it documents 2 successes; exactly one is needed");
    assert_eq!(untried("get_none", "404"), "it documents 0 successes; exactly one is needed");
    assert_eq!(untried("get_nothing", "any response"), "it documents 0 successes; exactly one is needed");
    assert_eq!(untried("get_default", "default"), "it documents `default`; write each status separately");
    assert_eq!(untried("get_range", "2XX"), "it documents `2XX`; write each status separately");
    assert_eq!(untried("get_moved", "200"), "it documents 302, which is neither a success nor an error");
    assert_eq!(untried("get_text", "200"), "its 200 has no JSON body");
    assert_eq!(untried("get_x", "200"), "its path has a variable `x` that no path parameter describes");
    assert!(untried("get_broken", "200").starts_with("it could not be read whole: "), "{outcome:?}");
    let ids: Vec<&str> = outcome.live.iter().flat_map(|live| &live.operations).map(|it| it.id.as_str()).collect();
    assert_eq!((ids.len(), ids[0], ids[9]), (10, "get_two", "get_fine"), "in the order of the contract");
    // Requests that are close to an operation that cannot be tested may get any response.
    let limits = Limits { explore: Some(Exploration { seed: 1, cases: 5 }), ..Limits::default() };
    assert_eq!(made_up(&contract, &server.target(), &limits, &|_| {}).unchecked, Vec::<String>::new());
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
    let outcome = run(&contract(paths, "    A: {type: object}"), &server.target(), &Limits::default(), &|_| {});
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
    let outcome = run(&contract(paths, "    A: {type: object}"), &server.target(), &Limits::default(), &|_| {});
    assert_eq!(messages(&outcome), Vec::<&str>::new());
    assert_eq!(
        reason(&outcome, "a", "401 Expired"),
        "not tried: there is no known way to provoke it rather than `unknown`"
    );
}

#[test]
fn operations_that_need_a_body_are_only_tested_for_refusals() {
    let paths = "
  /a:
    post:
      operationId: a
      requestBody: {required: true, content: {application/json: {schema: {type: object}}}}
      responses:
        '200': {description: d}
        '401':
          description: d
          content: {application/json: {examples: {unauthorized: {value: {message: Unauthorized}}}}}";
    let server = Server::start("");
    let contract = contract(paths, "    A: {type: object}");
    let outcome = hold(
        &contract,
        &server.target(),
        &Limits { time: Duration::from_secs(20), ..Limits::default() },
        &|_| {},
        true,
    );
    assert_eq!(*server.asked.lock().unwrap(), Vec::<String>::new());
    assert_eq!(reason(&outcome, "a", "200"), "not tried: needs a request body, which this command does not generate");
}
