//! What HTTP says of requests that are not as the contract says: a contract that documents no refusal for them says nothing of
//! them, so a server may refuse them in the usual way.

use openapi_model::document::{Location, covers, essence};
use openapi_model::node::Node;
use openapi_model::schema::Types;
use openapi_model::values::Direction;

use super::super::credentials::CallerRole;
use super::super::operation::{Operation, Parameter, is_json_type};
use super::super::parameters;
use super::super::session::Session;
use super::super::wire::{Answer, Request};

/// Whether a response of an operation is a refusal that nobody needs to document: without credentials where they are needed, or
/// of a request that may not fit the contract, which documents no other refusal for it.
pub(super) fn is_implied<'a>(session: &mut Session<'a>, operation: &'a Operation, answer: &Answer) -> bool {
    let documents = |statuses: &[u16]| operation.errors.iter().any(|error| statuses.contains(&error.status));
    match answer.status {
        401 => {
            let is_keyless = answer.request.authorization.role != CallerRole::Authorized;
            is_keyless && !operation.security.is_open() && !documents(&[401])
        }
        400 | 422 => !documents(&[400, 422]) && may_not_fit(session, operation, answer),
        415 => !documents(&[415]) && has_other_media_type(session, operation, &answer.request),
        _ => false,
    }
}

/// Whether something in a request may not fit the contract.
fn may_not_fit<'a>(session: &mut Session<'a>, operation: &'a Operation, answer: &Answer) -> bool {
    let request = &answer.request;
    let Some(sent) = session.wire.sent(request) else { return false };
    let parameters = parameters::of(session, operation, &sent.path, &sent.query);
    let is_text = |text: &str| super::super::percent::decoded(text).is_some();
    parameters.iter().any(|given| given.fits != Some(true) && is_given(given.parameter, request, &sent.query))
        || !is_text(&sent.path)
        || !is_text(&sent.query)
        || has_other_media_type(session, operation, request)
        || is_encoded(request)
        || body_may_not_fit(session, operation, request)
}

/// Whether a parameter may be in a request: one that is optional and left out cannot be wrong.
fn is_given(parameter: &Parameter, request: &Request, query: &str) -> bool {
    let name = parameter.name.as_str();
    let is_left_out = match parameter.location {
        Location::Path => false,
        // The fields of an object have names of their own.
        Location::Query if parameter.shape.types.meets(Types::OBJECT) => query.is_empty(),
        Location::Query => {
            let mut names = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name.into_owned());
            !names.any(|given| given.split('[').next() == Some(name) || given == name)
        }
        Location::Header => !request.extra.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)),
        Location::Cookie => request.extra.cookies.is_empty(),
    };
    *parameter.required || !is_left_out
}

/// Whether a request says that its body is compressed.
fn is_encoded(request: &Request) -> bool {
    request.extra.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-encoding"))
}

fn body_may_not_fit<'a>(session: &mut Session<'a>, operation: &'a Operation, request: &Request) -> bool {
    let (Some(documented), Some(sent)) = (&operation.body, &request.extra.body) else {
        return operation.body.as_ref().is_some_and(|body| *body.required);
    };
    let json = documented.content.iter().find(|media| is_json_type(&media.name));
    let Some(schema) = json.and_then(|media| media.schema) else { return true };
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(sent) else { return true };
    let misfits = session.misfits(operation, schema, Direction::Request, &Node::from_json(&value));
    misfits.is_none_or(|misfits| !misfits.is_empty())
}

/// Whether a request has a body of a media type that the operation does not take, or of several.
fn has_other_media_type(session: &Session<'_>, operation: &Operation, request: &Request) -> bool {
    let given = request.extra.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let given: Vec<String> = given.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect();
    let Some(body) = &operation.body else { return !given.is_empty() || request.extra.body.is_some() };
    let ordinary = session.bodies(operation).and_then(Result::ok);
    match given.as_slice() {
        [one] if ordinary.as_ref().is_some_and(|bodies| bodies.media_type == *one) => false,
        [one] => !body.content.iter().any(|media| covers(&media.name, one)) || essence(one) != *one,
        [] => request.extra.body.is_some(),
        _ => true,
    }
}
