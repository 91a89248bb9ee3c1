//! Which responses to a generated request are acceptable, and what is wrong with any other.
//!
//! A request for an operation must get one of its documented responses, and without a key the documented 401. A request
//! for no operation must get a 404 or a 405 with `Allow`, and a request that is too long or malformed a 400, 413, 414
//! or 431. No request may get a 5xx.

use apidrift_core::contract;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use openapi_model::node::Node;
use openapi_model::values::Direction;

use super::super::credentials::CallerRole;
use super::super::judge::BodySpec;
use super::super::operation::{Operation, PlannedError, is_json_type};
use super::super::parameters;
use super::super::provocations::{self, Provocation};
use super::super::route::{RouteMatch, route_match};
use super::super::session::{Documented, Session, error_of, label};
use super::super::wire::Answer;
use super::implied::is_implied;

/// Statuses for requests that are too long or malformed HTTP.
const REFUSED: &[u16] = &[400, 413, 414, 431];
/// Statuses for requests that match no operation.
const NOTHING: &[u16] = &[400, 401, 403, 404, 405, 410];
/// Redirects to another spelling of the URL.
const MOVED: &[u16] = &[301, 302, 307, 308];
/// The methods that HTTP defines: only others may get a 501.
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

/// A wrong response, and what was expected instead.
pub(super) struct Fault {
    /// What is wrong.
    pub finding: Finding,
    /// What was expected.
    pub expected: String,
}

/// The fault of a response to a request that is based on an operation, if there is one.
pub(super) fn fault<'a>(session: &mut Session<'a>, operation: &'a Operation, answer: &Answer) -> Option<Fault> {
    let sent = session.wire.sent(&answer.request)?;
    let found = |rule, span, message: String, expected: &str, help: &str| {
        let place = session.contract.place(span, "what the contract says");
        let finding = Finding::at(rule, place, message).help(help);
        Some(Fault { finding, expected: expected.to_owned() })
    };
    let (id, method, status) = (&operation.id, answer.request.method.as_str(), answer.status);
    let route_match = route_match(session.plan, method, &sent.path);
    let caller_role = answer.request.authorization.role;
    if session.wire.has_key(answer) {
        let message = format!("a response near `{}` has the API key in it", id.value);
        let help = "never repeat the API key: responses are logged and shown";
        return found(Rule::LiveKeyEchoed, id.span, message, "a response without the key", help);
    }
    let is_unknown_method = status == 501 && !METHODS.contains(&method);
    if status >= 500 && !is_unknown_method {
        let message = format!("a request near `{}` makes the server answer {status}", id.value);
        let help = "answer an invalid request with a 4xx: a 5xx means that the server is at fault";
        return found(Rule::LiveServerError, id.span, message, "a response below 500", help);
    }
    // Browsers send preflight requests without a key.
    if method == "OPTIONS" && matches!(status, 200 | 204) && !matches!(route_match, RouteMatch::Operation(_)) {
        return None;
    }
    if (200..300).contains(&status) {
        // Without its last segment, a path may be that of another operation, which needs no key.
        let is_open = match &route_match {
            RouteMatch::Operation(found) => found.security.is_open(),
            RouteMatch::Near(found) => found.iter().any(|operation| operation.security.is_open()),
            _ => operation.security.is_open(),
        };
        let broken = match caller_role {
            CallerRole::NoKey if !is_open => Some((Rule::LiveAuthentication, "without a valid key")),
            CallerRole::NoPermission if !is_open => {
                Some((Rule::LivePermission, "with a key that lacks the permission"))
            }
            CallerRole::NoKey | CallerRole::NoPermission | CallerRole::Authorized | CallerRole::Uncertain => None,
        };
        if let Some((rule, who)) = broken {
            let message = format!("a request near `{}` {who} is answered with {status}", id.value);
            return found(rule, id.span, message, "a refusal", "check the key before anything else");
        }
    }
    if sent.is_long() && REFUSED.contains(&status) && error_of(operation, answer).is_none() {
        return None;
    }
    match route_match {
        RouteMatch::Operation(operation) => of_operation(session, operation, answer, caller_role),
        RouteMatch::Near(operations) => {
            let mut faults = Vec::new();
            // Without a key, only what needs none succeeds.
            let needs_open = caller_role == CallerRole::NoKey && (200..300).contains(&status);
            for operation in operations.into_iter().filter(|operation| !needs_open || operation.security.is_open()) {
                let fault = match session.documented(operation, answer) {
                    Some(_) => parts(session, operation, answer),
                    None if is_implied(session, operation, answer) => None,
                    None => continue,
                };
                match fault {
                    // It may be this one.
                    None => return None,
                    fault => faults.extend(fault),
                }
            }
            // Or none of them.
            let other = of_no_operation(session, operation, answer, &[NOTHING, MOVED, &[501]].concat())?;
            Some(faults.into_iter().next().unwrap_or(other))
        }
        RouteMatch::OtherMethod(operations) => {
            // HEAD is GET without a body, if the server supports it.
            let get = operations.iter().find(|operation| method == "HEAD" && *operation.method == *"GET");
            if get.is_some_and(|get| {
                let is_error = get.errors.iter().any(|error| *error.status == status);
                get.is_success(status) || is_error || get.other(status).is_some()
            }) {
                return None;
            }
            let allowed = answer.header("allow").unwrap_or_default();
            let is_allowed =
                |operation: &&Operation| allowed.split(',').any(|method| method.trim() == *operation.method);
            // A path may match several templates, of which a server takes one.
            let is_of_one =
                |one: &&Operation| operations.iter().filter(|other| *other.path == *one.path).all(is_allowed);
            if status == 405 && !operations.iter().any(is_of_one) {
                let first = operations.first().map(|operation| operation.path.as_str());
                let methods = operations.iter().filter(|operation| Some(operation.path.as_str()) == first);
                let methods: Vec<&str> = methods.map(|operation| operation.method.value.as_str()).collect();
                let message =
                    format!("the 405 to {method} allows `{allowed}`, but the path has `{}`", methods.join(", "));
                let expected = format!("allow: {}", methods.join(", "));
                return found(
                    Rule::LiveMethod,
                    id.span,
                    message,
                    &expected,
                    "send `Allow` with the methods that the path has",
                );
            }
            if status < 400 {
                let message =
                    format!("{method} is answered with {status}, and the path of `{}` has no such method", id.value);
                return found(
                    Rule::LiveMethod,
                    id.span,
                    message,
                    "405 with `Allow`",
                    "refuse the method, or document it",
                );
            }
            of_no_operation(session, operation, answer, &[NOTHING, &[501]].concat())
        }
        RouteMatch::NotTested => None,
        RouteMatch::Nothing => of_no_operation(session, operation, answer, &[NOTHING, MOVED].concat()),
    }
}

/// Judges the response to a request of an operation.
fn of_operation<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    answer: &Answer,
    caller_role: CallerRole,
) -> Option<Fault> {
    let refusal = |status: u16| operation.errors.iter().find(|error| *error.status == status);
    let wanted = match caller_role {
        CallerRole::NoKey if !operation.security.is_open() => refusal(401),
        CallerRole::NoPermission => refusal(403),
        CallerRole::NoKey | CallerRole::Authorized | CallerRole::Uncertain => None,
    };
    // Without an order of checks, another error may come first.
    let wanted = wanted.filter(|wanted| {
        session.is_checked_before(*wanted.status, answer.status)
            || answer.status < 400
            || answer.status == *wanted.status
    });
    let found = error_of(operation, answer);
    if let Some(wanted) = wanted
        // If several have this status, any is acceptable.
        && found.is_none_or(|found| *found.status != *wanted.status)
    {
        let said = format!("{} {}", answer.status, answer.identity().unwrap_or_default());
        let expected = label(operation, Some(wanted));
        let message =
            format!("`{}` answers `{}` where the contract has `{expected}`", operation.id.value, said.trim_end());
        let span = wanted.identity.as_ref().map_or(wanted.status.span, |identity| identity.span);
        let place = session.contract.place(span, "the response to this key, whatever else is wrong");
        let finding = Finding::at(Rule::LiveOrder, place, message)
            .help("check the key first: callers without access must learn nothing else");
        return Some(Fault { finding, expected });
    }
    if session.documented(operation, answer).is_none() {
        if is_implied(session, operation, answer) {
            return None;
        }
        let said = answer.identity().unwrap_or_default();
        let shown = format!("{} {said}", answer.status);
        let message = format!("`{}` answers `{}`, which it does not document", operation.id.value, shown.trim_end());
        let place = session.contract.place(operation.id.span, "this operation");
        let finding =
            Finding::at(Rule::LiveUndocumented, place, message).help("answer what is documented, or document it");
        return Some(Fault { finding, expected: "one of its documented responses".to_owned() });
    }
    parts(session, operation, answer)
        .or_else(|| parameter(session, operation, answer, found))
        .or_else(|| body(session, operation, answer))
}

/// Judges the parts of a documented response.
fn parts<'a>(session: &mut Session<'a>, operation: &'a Operation, answer: &Answer) -> Option<Fault> {
    if answer.request.method == "HEAD" {
        return None;
    }
    let found = session.documented(operation, answer)?;
    let finding = session.parts(operation, answer, found).into_iter().next()?;
    let expected = session.expectation(operation, found.error());
    Some(Fault { finding, expected })
}

/// A response to a request that matches no operation.
fn of_no_operation<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    answer: &Answer,
    permitted: &[u16],
) -> Option<Fault> {
    let status = answer.status;
    let what = format!("the {status} to a request that matches no operation");
    if !permitted.contains(&status) {
        let place = session.contract.place(operation.id.span, "the closest operation");
        let finding = Finding::at(Rule::LiveUndocumented, place, format!("{what} is not documented"))
            .help("answer 404 to an unknown path, 405 to an unknown method, 400 to malformed HTTP");
        return Some(Fault { finding, expected: "404, 405 or 400".to_owned() });
    }
    if answer.body.is_empty() || answer.request.method == "HEAD" || MOVED.contains(&status) {
        return None;
    }
    // Without a common error schema, error bodies are not judged. One that only looks common promises nothing here.
    let name = session.contract.profile.error_schema.as_ref().filter(|_| !session.contract.is_profile_concluded)?;
    let schema = Some(session.contract.error_schema()?);
    let spec = BodySpec { media_type: "application/json", schema, place: operation.id.span, is_success: false };
    let finding = session.body(operation, &spec, answer, &what).into_iter().next()?;
    Some(Fault { finding, expected: format!("no body, or an `{name}`") })
}

/// A malformed parameter must be refused, and a well-formed one must not.
fn parameter<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    answer: &Answer,
    found: Option<&'a PlannedError>,
) -> Option<Fault> {
    let sent = session.wire.sent(&answer.request)?;
    let values = parameters::of(session, operation, &sent.path, &sent.query);
    let refused = found.and_then(|error| match &error.provocation {
        Provocation::Malformed(name) => Some(name.as_str()),
        _ => None,
    });
    // Another error is right, unless there is one for this parameter, and the settings say that it comes first.
    let may_come_first = |name: &str| {
        let is_own = |error: &PlannedError| match &error.provocation {
            Provocation::Malformed(parameter) => parameter == name,
            provocation => *provocation == Provocation::AnyMalformed,
        };
        let has_own = operation.errors.iter().any(is_own);
        answer.status >= 400 && !(has_own && session.is_checked_before(400, answer.status))
    };
    let wrong = match refused {
        Some(name) => values.iter().find(|value| *value.parameter.name == *name && value.fits == Some(true)),
        // Errors that come before parameter checks say nothing about parameters.
        None if matches!(answer.status, 401 | 403) => None,
        None if found.is_some_and(provocations::is_over_the_limit) => None,
        None => values.iter().find(|value| value.fits == Some(false) && !may_come_first(&value.parameter.name)),
    }?;
    let name = &wrong.parameter.name;
    let said = session.documented(operation, answer).map_or_else(|| label(operation, found), Documented::label);
    let message = match refused {
        Some(_) => format!("`{}` answers `{said}`, but `{}` fits its schema", operation.id.value, name.value),
        None => format!("`{}` answers `{said}`, but `{}` does not fit its schema", operation.id.value, name.value),
    };
    let place = session.contract.place(name.span, "this parameter");
    let finding = Finding::at(Rule::LiveAnswer, place, message)
        .help("accept exactly what fits the schema, or correct the schema");
    let expected = match refused {
        Some(_) => "a different response".to_owned(),
        None => format!("the error for a malformed `{}`", name.value),
    };
    Some(Fault { finding, expected })
}

/// A JSON body that does not fit its schema must be refused.
fn body<'a>(session: &mut Session<'a>, operation: &'a Operation, answer: &Answer) -> Option<Fault> {
    let request = &answer.request;
    let media = contract::json(&operation.body.as_ref()?.content)?;
    let mut types = request.extra.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let (Some((_, media_type)), None) = (types.next(), types.next()) else { return None };
    let is_json = std::str::from_utf8(media_type).is_ok_and(is_json_type);
    if !is_json || !operation.is_success(answer.status) {
        return None;
    }
    let sent: serde_json::Value = serde_json::from_slice(request.extra.body.as_ref()?).ok()?;
    let misfits = session.misfits(operation, media.schema?, Direction::Request, &Node::from_json(&sent))?;
    let misfit = misfits.into_iter().next()?;
    let place = session.contract.place(media.name.span, "this request body");
    let message = format!(
        "`{}` answers `{}`, but the request body does not fit its schema: {}",
        operation.id.value, answer.status, misfit.message
    );
    let finding = Finding::at(Rule::LiveAnswer, place, message)
        .help("accept exactly what fits the schema, or correct the schema");
    Some(Fault { finding, expected: "an error".to_owned() })
}
