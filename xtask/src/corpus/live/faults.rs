//! Plans what a server does wrong. The plan knows what the contract promises and what the right server has answered while it was
//! tested: nothing is wrong with a response that did not come up then.

use std::collections::BTreeMap;

use apidrift_core::contract::{Contract, Operation, identity};
use openapi_model::document::{Header, MediaType, Response, Status, covers};
use openapi_model::node::Node;
use openapi_model::schema::Types;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::odd::Odd;
use super::places::{Place, places};
use super::routes::Credential;
use crate::proxy::Answered;

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A status that the operation does not document.
    Status,
    /// Another message or code than the contract gives an error.
    Message,
    /// A required header is missing, or a declared one is malformed.
    Header,
    /// Another media type.
    MediaType,
    /// A field of another JSON type.
    Type,
    /// A required field is missing.
    Missing,
    /// A field that a closed object does not have.
    Unknown,
    /// A 5xx for an odd request.
    ServerError,
    /// What needs credentials is served without.
    Open,
    /// The documented status without its body.
    NoBody,
}

impl Class {
    /// All of them.
    pub const ALL: [Class; 10] = [
        Class::Status,
        Class::Message,
        Class::Header,
        Class::MediaType,
        Class::Type,
        Class::Missing,
        Class::Unknown,
        Class::ServerError,
        Class::Open,
        Class::NoBody,
    ];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Class::Status => "status",
            Class::Message => "message",
            Class::Header => "header",
            Class::MediaType => "media type",
            Class::Type => "type",
            Class::Missing => "missing field",
            Class::Unknown => "unknown field",
            Class::ServerError => "5xx",
            Class::Open => "no credentials",
            Class::NoBody => "no body",
        }
    }
}

/// One fault of one operation.
#[derive(Debug, Clone)]
pub struct Fault {
    /// The index of the operation in the contract.
    pub operation: usize,
    /// What is done to its answers.
    pub change: Change,
}

/// What is done to the answers of an operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Answers with one status get another.
    Status { from: u16, to: u16 },
    /// A header of answers with this status is replaced, or left out.
    Header { status: u16, name: String, value: Option<String> },
    /// A field of the object at a JSON pointer is replaced, or left out.
    Field { status: u16, parent: String, name: String, value: Option<Json> },
    /// Answers with this status have no body.
    NoBody { status: u16 },
    /// Odd requests are answered with 500.
    Fails(Odd),
    /// Every request counts as one with these credentials.
    Open(Vec<Credential>),
}

/// The answers of the right server, by operation and status.
pub type Seen = BTreeMap<(usize, u16), Answered>;

/// Plans a fault of a class for at most `most` operations, one for each, the same for the same seed.
pub fn plan(contract: &Contract, seen: &Seen, class: Class, seed: u64, most: usize, secret: &str) -> Vec<Fault> {
    let mut operations: Vec<(u64, usize)> = (0..contract.operations.len())
        .filter(|index| seen.keys().any(|(operation, _)| operation == index))
        .filter_map(|index| {
            let operation = contract.operations.get(index)?;
            Some((chance(seed, class, &operation.id, "operation"), index))
        })
        .collect();
    operations.sort_unstable();
    let plan = operations.into_iter().filter_map(|(_, index)| {
        let operation = contract.operations.get(index)?;
        let changes = changes(contract, operation, index, seen, class, secret);
        let chosen = chance(seed, class, &operation.id, "change") % u64::try_from(changes.len().max(1)).ok()?;
        let change = changes.into_iter().nth(usize::try_from(chosen).ok()?)?;
        Some(Fault { operation: index, change })
    });
    plan.take(most).collect()
}

/// A number that looks random and is the same each time.
fn chance(seed: u64, class: Class, id: &str, what: &str) -> u64 {
    let digest = Sha256::digest(format!("{seed} {} {id} {what}", class.name()));
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// All faults of a class that an operation can have.
fn changes(
    contract: &Contract,
    operation: &Operation,
    index: usize,
    seen: &Seen,
    class: Class,
    secret: &str,
) -> Vec<Change> {
    match class {
        Class::ServerError => return Odd::all(contract, operation).into_iter().map(Change::Fails).collect(),
        Class::Open if operation.security.is_open() => return Vec::new(),
        Class::Open => {
            let credentials = super::routes::credentials(&contract.document, &operation.security, secret);
            return credentials.map(Change::Open).into_iter().collect();
        }
        _ => {}
    }
    let of_operation = seen.range((index, 0)..=(index, u16::MAX));
    of_operation
        .filter_map(|((_, status), answered)| Some((*status, documented(operation, *status)?, answered)))
        .flat_map(|(status, response, answered)| of_answer(contract, operation, class, status, response, answered))
        .collect()
}

/// The response that an operation documents for a status.
fn documented(operation: &Operation, status: u16) -> Option<&Response> {
    let digit = u8::try_from(status / 100).ok()?;
    let of = |wanted: Status| operation.responses.iter().find(|response| *response.status == wanted);
    of(Status::Code(status)).or_else(|| of(Status::Range(digit))).or_else(|| of(Status::Default))
}

/// All faults of a class that an answer can have.
fn of_answer(
    contract: &Contract,
    operation: &Operation,
    class: Class,
    status: u16,
    response: &Response,
    answered: &Answered,
) -> Vec<Change> {
    let media = media(response, answered);
    let body = || Some((media?.schema?, serde_json::from_slice::<Json>(&answered.body).ok()?));
    let field =
        |place: &Place, value| Change::Field { status, parent: place.parent.clone(), name: place.name.clone(), value };
    match class {
        Class::Status => {
            // A 401 to everybody would say that the key is wrong.
            let others = [202, 206, 226, 400, 402, 403, 404, 409, 415, 418, 422];
            let others = others.into_iter().filter(|other| documented(operation, *other).is_none());
            others.map(|to| Change::Status { from: status, to }).collect()
        }
        Class::Header => response.headers.iter().flat_map(|header| headers(contract, header, status)).collect(),
        Class::MediaType => {
            let is_other = |name: &&str| response.content.iter().all(|media| !covers(&media.name, name));
            let others = ["text/html", "application/xml", "application/octet-stream"].into_iter().filter(is_other);
            let name = "content-type".to_owned();
            let change = |value: &str| Change::Header { status, name: name.clone(), value: Some(value.to_owned()) };
            others.filter(|_| media.is_some()).map(change).collect()
        }
        Class::NoBody => {
            let is_json = media.is_some_and(|media| media.name.contains("json"));
            (is_json && !answered.body.is_empty()).then_some(Change::NoBody { status }).into_iter().collect()
        }
        Class::Message if status >= 400 => body()
            .map(|(schema, body)| {
                let places = places(&contract.document, schema, &body);
                let listed = places.iter().filter(|place| place.is_listed);
                let other = |place: &Place| field(place, Some("something else".into()));
                listed.map(other).chain(said(contract, operation, status, &body)).collect()
            })
            .unwrap_or_default(),
        Class::Type | Class::Missing | Class::Unknown => body()
            .map(|(schema, body)| {
                let places = places(&contract.document, schema, &body);
                places.iter().filter_map(|place| of_field(class, place).map(|value| field(place, value))).collect()
            })
            .unwrap_or_default(),
        Class::Message | Class::ServerError | Class::Open => Vec::new(),
    }
}

/// What a field becomes; `None` if it cannot have a fault of this class. What becomes nothing is left out.
fn of_field(class: Class, place: &Place) -> Option<Option<Json>> {
    match class {
        Class::Type => {
            let wrong = [Json::from(12_345), "wrong".into(), serde_json::json!({ "wrong": true })];
            let types = place.types.filter(|_| place.is_present)?;
            Some(Some(wrong.into_iter().find(|value| !types.meets(Types::of(value)))?))
        }
        Class::Missing => (place.is_present && place.is_required).then_some(None),
        Class::Unknown => place.is_forbidden.then(|| Some("surplus".into())),
        _ => None,
    }
}

/// The identity of an error, as the examples of the contract give it, replaced by another.
fn said(contract: &Contract, operation: &Operation, status: u16, body: &Json) -> Option<Change> {
    let pointer = contract.profile.error_identity.as_deref()?;
    let (text, _) = identity(pointer, &Node::from_json(body))?;
    let is_documented = operation
        .errors
        .iter()
        .any(|error| *error.status == status && error.identity.as_ref().is_some_and(|identity| identity.value == text));
    let (parent, name) = pointer.rsplit_once('/')?;
    let value = match body.pointer(pointer)? {
        Json::String(_) => Json::from("something else"),
        _ => Json::from(987_654),
    };
    is_documented.then(|| Change::Field {
        status,
        parent: parent.to_owned(),
        name: name.to_owned(),
        value: Some(value),
    })
}

/// The faults of a header.
fn headers(contract: &Contract, header: &Header, status: u16) -> Vec<Change> {
    let change = |value| Change::Header { status, name: header.name.value.to_ascii_lowercase(), value };
    let shape = header.schema.map(|schema| contract.document.shape_of(schema));
    let is_number = shape.as_ref().is_some_and(|shape| !shape.types.meets(Types::STRING.with(Types::OBJECT)));
    let is_listed = shape.as_ref().is_some_and(|shape| shape.enumeration.is_some());
    let is_scalar =
        shape.as_ref().is_some_and(|shape| !shape.types.meets(Types::ARRAY) && shape.alternatives.is_empty());
    let mut changes: Vec<Change> = Vec::new();
    if *header.required {
        changes.push(change(None));
    }
    if is_scalar && (is_number || is_listed) {
        changes.push(change(Some("not-such-a-value".to_owned())));
    }
    changes
}

/// The documented body of the media type that an answer has.
fn media<'a>(response: &'a Response, answered: &Answered) -> Option<&'a MediaType> {
    let name = answered.headers.get(http::header::CONTENT_TYPE)?.to_str().ok()?;
    response.content.iter().find(|media| covers(&media.name, name))
}

/// A fault, for people.
pub fn described(contract: &Contract, fault: &Fault) -> String {
    let id = contract.operations.get(fault.operation).map_or("?", |operation| operation.id.as_str());
    let what = match &fault.change {
        Change::Status { from, to } => format!("{to} instead of {from}"),
        Change::Header { status, name, value: Some(value) } => format!("{status} with `{name}: {value}`"),
        Change::Header { status, name, value: None } => format!("{status} without `{name}`"),
        Change::Field { status, parent, name, value: Some(value) } => {
            format!("{status} with {parent}/{name} = {value}")
        }
        Change::Field { status, parent, name, value: None } => format!("{status} without {parent}/{name}"),
        Change::NoBody { status } => format!("{status} without its body"),
        Change::Fails(odd) => format!("500 for {odd}"),
        Change::Open(_) => "served without credentials".to_owned(),
    };
    format!("{id}: {what}")
}
