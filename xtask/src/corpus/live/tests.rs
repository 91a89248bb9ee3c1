#![allow(clippy::unwrap_used)]

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::alter::alter;
use super::faults::{Change, Class, Seen, plan};
use super::odd::{Kind, Odd};
use super::{SECRET, routes};
use crate::proxy::{Answered, Asked};
use apidrift_core::contract::Contract;
use openapi_model::document::Location;
use openapi_model::source::Source;
use serde_json::{Value as Json, json};

const CONTRACT: &str = "
openapi: 3.0.3
info: {title: Boats, version: '1'}
paths:
  /boats/{id}:
    get:
      operationId: getBoat
      security: [{key: []}]
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses:
        '200':
          description: It
          headers: {X-Berth: {required: true, schema: {type: integer}}, X-Note: {schema: {type: string}}}
          content: {application/json: {schema: {$ref: '#/components/schemas/Boat'}}}
        '401': {description: No, content: {application/json: {schema: {$ref: '#/components/schemas/Error'}}}}
  /open:
    get:
      operationId: getOpen
      responses: {default: {description: Anything}}
components:
  securitySchemes: {key: {type: apiKey, in: query, name: key}}
  schemas:
    Boat:
      type: object
      required: [name]
      additionalProperties: false
      properties: {name: {type: string}, length: {type: number, nullable: true}, any: {}}
    Error: {type: object, required: [code], properties: {code: {type: string, enum: [no_key, old_key]}}}
";

fn contract() -> Contract {
    Contract::read(&Source::new("boats.yaml", CONTRACT), None, None).unwrap()
}

fn answered(status: u16, body: &Json) -> Answered {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("x-berth", HeaderValue::from_static("7"));
    let status = StatusCode::from_u16(status).unwrap();
    Answered { status, headers, body: body.to_string().into(), delay: Duration::ZERO, cut: false }
}

fn asked(path: &str, body: &str) -> Asked {
    let body = body.to_owned().into();
    Asked { method: Method::GET, path: path.to_owned(), headers: HeaderMap::new(), body, earlier: None }
}

fn seen() -> Seen {
    let boat = answered(200, &json!({ "name": "Ida", "length": 4.5, "any": 1 }));
    Seen::from([
        ((0, 200), boat),
        ((0, 401), answered(401, &json!({ "code": "no_key" }))),
        ((1, 200), answered(200, &json!(1))),
    ])
}

/// The changes of many plans, each once.
fn changes(class: Class) -> Vec<Change> {
    let mut all = Vec::new();
    for seed in 0..60 {
        for fault in plan(&contract(), &seen(), class, seed, 5, SECRET) {
            if fault.operation == 0 && !all.contains(&fault.change) {
                all.push(fault.change);
            }
        }
    }
    all
}

fn field(status: u16, name: &str, value: Option<Json>) -> Change {
    Change::Field { status, parent: String::new(), name: name.to_owned(), value }
}

#[test]
fn faults_are_what_the_contract_forbids() {
    let header = |value: Option<&str>| Change::Header {
        status: 200,
        name: "x-berth".to_owned(),
        value: value.map(str::to_owned),
    };
    let has_all = |class, wanted: &[Change]| {
        let found = changes(class);
        assert!(wanted.iter().all(|change| found.contains(change)), "{}: {found:?}", class.name());
        assert_eq!(found.len(), wanted.len(), "{}: {found:?}", class.name());
    };
    has_all(Class::Header, &[header(None), header(Some("not-such-a-value"))]);
    has_all(Class::Missing, &[field(200, "name", None), field(401, "code", None)]);
    has_all(Class::Message, &[field(401, "code", Some("something else".into()))]);
    has_all(Class::Unknown, &[field(200, "surplus_of_the_server", Some("surplus".into()))]);
    let types = [("name", json!(12_345)), ("length", json!("wrong"))];
    let types = types.map(|(name, value)| field(200, name, Some(value)));
    has_all(Class::Type, &[&types[..], &[field(401, "code", Some(json!(12_345)))]].concat());
    has_all(Class::NoBody, &[Change::NoBody { status: 200 }, Change::NoBody { status: 401 }]);
    assert!(
        changes(Class::Status)
            .iter()
            .all(|change| matches!(change, Change::Status { from: 200 | 401, to } if *to != 200))
    );
    // Also what is usual: a contract that documents it elsewhere does not document it here.
    for (from, to) in [(200, 400), (200, 404), (401, 422)] {
        assert!(changes(Class::Status).contains(&Change::Status { from, to }), "{from} {to}");
    }
    assert!(changes(Class::ServerError).iter().all(|change| matches!(change, Change::Fails(_))));
    assert_eq!(changes(Class::Open).len(), 1);
}

#[test]
fn a_plan_has_one_fault_of_an_operation_and_is_the_same_for_a_seed() {
    for class in Class::ALL {
        let of = |seed, most| plan(&contract(), &seen(), class, seed, most, SECRET);
        assert_eq!(format!("{:?}", of(3, 5)), format!("{:?}", of(3, 5)));
        assert!(of(3, 1).len() <= 1);
        let mut operations: Vec<usize> = of(3, 5).iter().map(|fault| fault.operation).collect();
        operations.dedup();
        assert_eq!(operations.len(), of(3, 5).len());
    }
    // What documents any response cannot have an undocumented status, and what needs no credentials cannot be open.
    for class in [Class::Status, Class::Open] {
        assert!(plan(&contract(), &seen(), class, 3, 5, SECRET).iter().all(|fault| fault.operation == 0));
    }
}

#[test]
fn a_fault_changes_only_the_answers_that_it_is_about() {
    let mut boat = answered(200, &json!({ "name": "Ida" }));
    assert!(!alter(&field(401, "name", None), &asked("/boats/1", ""), &mut boat));
    assert!(alter(&field(200, "name", None), &asked("/boats/1", ""), &mut boat));
    assert_eq!(&boat.body[..], b"{}");
    assert!(alter(&Change::Status { from: 200, to: 418 }, &asked("/boats/1", ""), &mut boat));
    assert_eq!(boat.status, 418);
}

#[test]
fn odd_requests_are_recognised() {
    let odd = |parameter: Option<(Location, &str)>, kind| Odd {
        parameter: parameter.map(|(location, name)| (location, name.to_owned())),
        template: "/boats/{id}".to_owned(),
        kind,
    };
    let in_path = |kind| odd(Some((Location::Path, "id")), kind);
    let in_query = |kind| odd(Some((Location::Query, "q")), kind);
    for (odd, path, body, wanted) in [
        (in_path(Kind::NotAscii), "/boats/%C3%A9", "", true),
        (in_path(Kind::NotAscii), "/boats/e?q=%C3%A9", "", false),
        (in_path(Kind::Zero), "/boats/0", "", true),
        (in_query(Kind::Empty), "/boats/1?q=", "", true),
        (in_query(Kind::Empty), "/boats/1", "", false),
        (in_query(Kind::Large), "/boats/1?q=9223372036854775808", "", true),
        (in_query(Kind::Negative), "/boats/1?q=1", "", false),
        (odd(None, Kind::Broken), "/boats/1", "{", true),
        (odd(None, Kind::Broken), "/boats/1", "", false),
        (odd(None, Kind::Null), "/boats/1", "{\"a\": [null]}", true),
        (odd(None, Kind::Nothing), "/boats/1", "{}", true),
    ] {
        assert_eq!(odd.is(&asked(path, body)), wanted, "{odd}: {path} {body}");
    }
}

#[test]
fn requests_belong_to_the_operation_with_the_fewest_variables() {
    assert_eq!(routes::operation(&contract(), "GET", "/boats/1?a=b"), Some(0));
    assert_eq!(routes::operation(&contract(), "POST", "/boats/1"), None);
    assert_eq!(routes::values("/a/{id}.json", "/a/7%20.json"), Some(vec![("id".to_owned(), "7 ".to_owned())]));
}
