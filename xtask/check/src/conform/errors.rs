//! Provokes every documented error of an operation, and tests the order of checks: where the settings give the order, a
//! caller without access must learn nothing else.

use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use apidrift_core::settings::Role;

use super::configured;
use super::credentials::{Authorization, refused};
use super::operation::{Operation, PlannedError, is_same};
use super::provocations::{self, Provocation};
use super::requests::{With, with_malformed};
use super::session::{Session, Stop, error_of};
use super::wire::{Answer, Request};

/// Provokes all errors except that of the rate limit, which takes the most requests.
pub(super) fn provoke<'a>(session: &mut Session<'a>, operation: &'a Operation) -> Result<(), Stop> {
    for error in &operation.errors {
        match &error.provocation {
            Provocation::WithoutKey => without_key(session, operation, error)?,
            Provocation::WithoutPermission => without_permission(session, operation, error)?,
            Provocation::Malformed(parameter) => malformed(session, operation, error, parameter)?,
            Provocation::AnyMalformed => any_malformed(session, operation, error)?,
            Provocation::OtherMediaType => other_media_type(session, operation, error)?,
            Provocation::NotFound => unknown(session, operation, error)?,
            Provocation::Configured { index, .. } => configured::provoke(session, operation, error, *index)?,
            Provocation::Failing => failing(session, operation, error)?,
            Provocation::OverTheLimit => {}
            Provocation::None => session.not_tried(
                operation,
                Some(error),
                "there is no known way to provoke it; describe one in a [[conform.provocation]] of the settings"
                    .to_owned(),
            ),
        }
        let answers_alike = |other: &&PlannedError| !is_same(other, error) && other.provocation == error.provocation;
        if let Some(other) = operation.errors.iter().find(answers_alike)
            && !session.has_seen(operation, error)
        {
            let reason = format!(
                "there is no known way to provoke it rather than `{}`; describe one in a [[conform.provocation]]",
                other.name.value
            );
            session.not_tried_yet(operation, error, reason);
        }
    }
    others(session, operation)
}

/// The error that is expected: if the response is another error with the same provocation, that one.
fn expected<'a>(operation: &'a Operation, error: &'a PlannedError, answer: &Answer) -> &'a PlannedError {
    let found = error_of(operation, answer);
    found.filter(|found| found.provocation == error.provocation).unwrap_or(error)
}

/// Judges the response to a request that must get an error. Returns whether it gets it.
fn judge<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    answer: &Answer,
    error: &'a PlannedError,
    rule: Rule,
) -> bool {
    session.judge(operation, answer, Some(expected(operation, error, answer)), rule)
}

/// Requests with valid, unknown and malformed parameters, with the status that each gets. The first succeeds.
fn of_every_kind(session: &Session<'_>, operation: &Operation) -> Vec<(Request, Option<u16>)> {
    let good = session.request(operation, &[]);
    let malformed = with_malformed(session, operation);
    let of = |request: Option<Request>, status| request.map(|request| (request, status));
    [of(good, None), of(to_nothing(session, operation), Some(404)), of(malformed, Some(400))]
        .into_iter()
        .flatten()
        .collect()
}

/// A request for something that does not exist.
fn to_nothing(session: &Session<'_>, operation: &Operation) -> Option<Request> {
    let unknown = provocations::unknown_values(operation);
    let values: Vec<(&str, &str)> = unknown.iter().map(|(name, value)| (*name, value.as_str())).collect();
    if values.is_empty() { None } else { session.request(operation, &values) }
}

/// Sends requests of every kind without access. Whether other errors come first is only judged if the settings say so.
fn without_access<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    error: &'a PlannedError,
    callers: &[Authorization],
) -> Result<(), Stop> {
    let mut is_first = true;
    for (request, status) in of_every_kind(session, operation) {
        if status.is_some_and(|status| !session.is_checked_before(*error.status, status)) {
            continue;
        }
        // All callers with the first request; the other requests test the order of checks.
        let callers = if is_first { callers } else { &callers[..1] };
        let rule = if is_first { Rule::LiveAnswer } else { Rule::LiveOrder };
        is_first = false;
        for caller in callers {
            let Some(answer) = session.ask(operation, &request.by(caller.clone()))? else { continue };
            if !judge(session, operation, &answer, error, rule) {
                return Ok(());
            }
        }
    }
    if is_first {
        let needed = session.request_with(operation, With::default()).err().unwrap_or_default();
        session.not_tried(operation, Some(error), format!("needs {needed}"));
    }
    Ok(())
}

fn without_key<'a>(session: &mut Session<'a>, operation: &'a Operation, error: &'a PlannedError) -> Result<(), Stop> {
    if operation.security.is_open() {
        let reason = "the contract says that the operation needs no key".to_owned();
        session.not_tried(operation, Some(error), reason);
        return Ok(());
    }
    let valid = session.full_caller(operation).map(|caller| caller.parts).unwrap_or_default();
    without_access(session, operation, error, &refused(&valid))
}

fn without_permission<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    error: &'a PlannedError,
) -> Result<(), Stop> {
    match session.caller(Role::WithoutPermission, operation) {
        Ok(caller) => without_access(session, operation, error, &[caller]),
        Err(needed) => {
            session.not_tried(operation, Some(error), format!("needs {needed}"));
            Ok(())
        }
    }
}

fn malformed<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    error: &'a PlannedError,
    name: &str,
) -> Result<(), Stop> {
    let parameter = operation.parameters.iter().find(|parameter| parameter.name.as_str() == name);
    let bad = parameter.map(|parameter| provocations::malformed(session.facts.settings, parameter));
    let bad = bad.unwrap_or_default();
    if bad.is_empty() {
        let reason = format!("no malformed `{name}` is known; give one in [conform.malformed] of the settings");
        session.not_tried(operation, Some(error), reason);
        return Ok(());
    }
    let unknown = provocations::unknown_values(operation);
    for (index, value) in bad.iter().enumerate() {
        // With only this parameter malformed, and with an unknown value for another as well.
        let only = [(name, value.as_str())];
        let alone = if operation.is_safe() { session.request(operation, &only) } else { None };
        let others = unknown.iter().filter(|(other, _)| *other != name).map(|(name, value)| (*name, value.as_str()));
        let with_others: Vec<(&str, &str)> = others.chain(only).collect();
        let is_ordered = with_others.len() == 1 || session.is_checked_before(*error.status, 404);
        let both = if is_ordered { session.request(operation, &with_others) } else { None };
        let both = both.filter(|_| index == 0 || alone.is_none());
        let rule = if with_others.len() == 1 { Rule::LiveAnswer } else { Rule::LiveOrder };
        for (request, rule) in [(alone, Rule::LiveAnswer), (both, rule)] {
            let Some(request) = request else { continue };
            let Some(answer) = session.ask(operation, &request)? else { continue };
            if !session.judge(operation, &answer, Some(error), rule) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Requests with one thing malformed: a parameter, or the body.
fn malformed_requests(session: &Session<'_>, operation: &Operation) -> Vec<Request> {
    let mut requests = Vec::new();
    for parameter in &operation.parameters {
        for value in provocations::malformed(session.facts.settings, parameter) {
            requests.extend(session.request(operation, &[(parameter.name.as_str(), value.as_str())]));
        }
    }
    if let (Some(Ok(bodies)), Some(request)) = (session.bodies(operation), session.request(operation, &[])) {
        requests.extend(bodies.unfitting.iter().map(|body| request.with_body(body.clone())));
    }
    requests
}

fn any_malformed<'a>(session: &mut Session<'a>, operation: &'a Operation, error: &'a PlannedError) -> Result<(), Stop> {
    let is_first = operation.errors.iter().find(|other| other.provocation == Provocation::AnyMalformed);
    if is_first.is_some_and(|first| !is_same(first, error)) {
        return Ok(());
    }
    let requests = malformed_requests(session, operation);
    if requests.is_empty() {
        let needed = session.request_with(operation, With::default()).err();
        let reason = needed.map_or_else(
            || "no malformed parameter or body is known; give one in [conform.malformed] of the settings".to_owned(),
            |needed| format!("needs {needed}"),
        );
        session.not_tried(operation, Some(error), reason);
        return Ok(());
    }
    for request in requests {
        let Some(answer) = session.ask(operation, &request)? else { continue };
        if !judge(session, operation, &answer, error, Rule::LiveAnswer) {
            return Ok(());
        }
    }
    Ok(())
}

fn other_media_type<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    error: &'a PlannedError,
) -> Result<(), Stop> {
    let request = session.request(operation, &[]).filter(|request| request.extra.body.is_some());
    let Some(mut request) = request else {
        session.not_tried(operation, Some(error), "needs a request body".to_owned());
        return Ok(());
    };
    for (_, value) in request.extra.headers.iter_mut().filter(|(name, _)| name == "content-type") {
        *value = b"application/x-unknown".to_vec();
    }
    if let Some(answer) = session.ask(operation, &request)? {
        judge(session, operation, &answer, error, Rule::LiveAnswer);
    }
    Ok(())
}

fn unknown<'a>(session: &mut Session<'a>, operation: &'a Operation, error: &'a PlannedError) -> Result<(), Stop> {
    let Some(request) = to_nothing(session, operation) else {
        let reason = "no value is known that does not exist; give one in a [[conform.provocation]] of the settings";
        session.not_tried(operation, Some(error), reason.to_owned());
        return Ok(());
    };
    let Some(answer) = session.ask(operation, &request)? else { return Ok(()) };
    let wanted = expected(operation, error, &answer);
    let is_other = |found: &PlannedError| !is_same(found, wanted) && matches!(*found.status, 400 | 422);
    if !provocations::surely_fit(operation) && error_of(operation, &answer).is_some_and(is_other) {
        let reason = format!(
            "`{}` is malformed for the server; give a value that does not exist in a [[conform.provocation]]",
            request.path
        );
        session.not_tried(operation, Some(error), reason);
        return Ok(());
    }
    session.judge(operation, &answer, Some(wanted), Rule::LiveAnswer);
    let foreign = session.facts.foreign.clone();
    if !foreign.is_empty() {
        let with = With { values: Some(&foreign), ..With::default() };
        let named = operation.path_parameters().any(|parameter| foreign.contains_key(parameter.name.as_str()));
        if let Some(request) = session.request_with(operation, with).ok().filter(|_| named) {
            let Some(other) = session.ask(operation, &request)? else { return Ok(()) };
            as_unknown(session, operation, wanted, &answer, &other);
        }
    }
    let Ok(other_tenant) = session.caller(Role::OtherTenant, operation) else { return Ok(()) };
    // What exists for the first caller must look to another tenant as what does not exist.
    let Some(own) = session.request(operation, &[]) else { return Ok(()) };
    let Some(nothing) = session.ask(operation, &request.by(other_tenant.clone()))? else { return Ok(()) };
    let Some(other) = session.ask(operation, &own.by(other_tenant))? else { return Ok(()) };
    as_unknown(session, operation, wanted, &nothing, &other);
    Ok(())
}

/// Judges whether the response for another tenant's resource is that for one that does not exist.
fn as_unknown<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    error: &'a PlannedError,
    answer: &Answer,
    other: &Answer,
) {
    let same = other.status == answer.status && other.identity() == answer.identity();
    let names = |answer: &Answer| {
        let mut names: Vec<String> = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
        names.sort();
        names
    };
    if same && names(other) == names(answer) {
        session.judge(operation, other, Some(error), Rule::LiveAnswer);
        return;
    }
    let place = session.contract.place(
        error.identity.as_ref().map_or(error.status.span, |identity| identity.span),
        "the response that the contract documents for both",
    );
    let id = &operation.id.value;
    let message = format!("`{id}` answers differently for another tenant's resource and for one that does not exist");
    let finding = Finding::at(Rule::LiveLeak, place, message).help("answer both identically, headers included");
    let expected = format!(
        "the same as for a resource that does not exist: {} {}",
        answer.status,
        answer.identity().unwrap_or("")
    );
    session.report_answer(finding, other, &expected);
}

fn failing<'a>(session: &mut Session<'a>, operation: &'a Operation, error: &'a PlannedError) -> Result<(), Stop> {
    let Some(keys) = session.facts.failing.get(error.name.as_str()).cloned() else {
        let reason =
            "needs a server that can be made to fail: a testbed with `failing_keys`, or a [[conform.provocation]]";
        session.not_tried(operation, Some(error), reason.to_owned());
        return Ok(());
    };
    let Some(request) = session.request(operation, &[]).or_else(|| to_nothing(session, operation)) else {
        return Ok(());
    };
    for key in keys {
        let Some(caller) = session.failing_caller(operation, &key) else { continue };
        if let Some(answer) = session.ask(operation, &request.by(caller))? {
            session.judge(operation, &answer, Some(error), Rule::LiveAnswer);
        }
    }
    Ok(())
}

/// Tries to see the responses for all errors without one of their own, with requests that cannot succeed.
fn others<'a>(session: &mut Session<'a>, operation: &'a Operation) -> Result<(), Stop> {
    if operation.others.is_empty() {
        return Ok(());
    }
    let mut requests = malformed_requests(session, operation);
    requests.truncate(3);
    requests.extend(to_nothing(session, operation));
    if !operation.security.is_open() {
        let any = session.request(operation, &[]).or_else(|| requests.first().cloned());
        requests.extend(any.map(|request| request.by(Authorization::none())));
    }
    for request in requests {
        let Some(answer) = session.ask(operation, &request)? else { continue };
        if !session.judge_other(operation, &answer) && session.documented(operation, &answer).is_none() {
            session.judge(operation, &answer, None, Rule::LiveAnswer);
        }
    }
    for other in &operation.others {
        let reason = "no request that could be made got it; describe one in a [[conform.provocation]]";
        session.other_not_tried(operation, other, reason.to_owned());
    }
    Ok(())
}
