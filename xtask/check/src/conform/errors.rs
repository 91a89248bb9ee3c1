//! Provokes every documented error of an operation, and tests the order of checks: a caller without access must learn
//! nothing else.

use apidrift_core::contract::DocumentedError;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

use super::operation::{Operation, is_same};
use super::provocations::{self, Provocation};
use super::requests::with_malformed;
use super::session::{Session, Stop, error_of};
use super::wire::{Answer, Authorization, Request};

/// Values sent instead of a valid key.
const NO_KEYS: &[Authorization] = &[
    Authorization::None,
    Authorization::Bare,
    Authorization::Text("Bearer"),
    Authorization::Text("Basic dXNlcjpwYXNzd29yZA=="),
    Authorization::Text("Bearer an-unknown-key"),
];

/// Provokes all errors except that of the rate limit, which takes the most requests.
pub(super) fn provoke<'a>(session: &mut Session<'a>, operation: &'a Operation) -> Result<(), Stop> {
    for error in &operation.errors {
        let provocation = provocations::provocation(error);
        if operation.needs_body()
            && matches!(
                provocation,
                Provocation::Malformed(_) | Provocation::NotFound | Provocation::Busy | Provocation::Failing
            )
        {
            session.not_tried(
                operation,
                Some(error),
                "needs a request body, which this command does not generate".to_owned(),
            );
            continue;
        }
        match provocation {
            Provocation::WithoutKey => without_key(session, operation, error)?,
            Provocation::WithoutPermission => without_permission(session, operation, error)?,
            Provocation::Malformed(parameter) => malformed(session, operation, error, parameter)?,
            Provocation::NotFound => unknown(session, operation, error)?,
            Provocation::Busy => busy(session, operation, error)?,
            Provocation::Failing => failing(session, operation, error)?,
            Provocation::OverTheLimit => {}
            Provocation::None => session.not_tried(
                operation,
                Some(error),
                "there is no known way to provoke it (see xtask/check/src/conform/provocations.rs)".to_owned(),
            ),
        }
        let answers_alike =
            |other: &&DocumentedError| !is_same(other, error) && provocations::provocation(other) == provocation;
        if let Some(other) = operation.errors.iter().find(answers_alike)
            && !session.has_seen(operation, Some(error))
        {
            let reason = format!("there is no known way to provoke it rather than `{}`", other.name.value);
            session.not_tried_yet(operation, error, reason);
        }
    }
    Ok(())
}

/// The error that is expected: if the response is another error with the same provocation, that one.
fn expected<'a>(operation: &'a Operation, error: &'a DocumentedError, answer: &Answer) -> &'a DocumentedError {
    let found = error_of(operation, answer);
    found.filter(|found| provocations::provocation(found) == provocations::provocation(error)).unwrap_or(error)
}

/// Requests with valid, unknown and malformed parameters. The first succeeds, if that is safe.
fn of_every_kind(session: &Session<'_>, operation: &Operation) -> Vec<Request> {
    let good = if session.may_really_happen(operation) { session.request(operation, &[]) } else { None };
    let unknown = provocations::unknown_values(operation);
    let to_nothing = if unknown.is_empty() { None } else { session.request(operation, &unknown) };
    [good, to_nothing, with_malformed(session, operation)].into_iter().flatten().collect()
}

fn without_key<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    error: &'a DocumentedError,
) -> Result<(), Stop> {
    let requests = of_every_kind(session, operation);
    for (index, request) in requests.iter().enumerate() {
        // All malformed keys with the first request; the other requests test the order of checks.
        let keys = if index == 0 { NO_KEYS } else { &NO_KEYS[..1] };
        let rule = if index == 0 { Rule::LiveAnswer } else { Rule::LiveOrder };
        for key in keys {
            let answer = session.ask(operation, &request.by(key.clone()))?;
            let Some(answer) = answer else { continue };
            if !session.judge(operation, &answer, Some(expected(operation, error, &answer)), rule) {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn without_permission<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    error: &'a DocumentedError,
) -> Result<(), Stop> {
    if session.target.key_without_permission.is_none() {
        session.not_tried(operation, Some(error), "needs --key-without-permission".to_owned());
        return Ok(());
    }
    for (index, request) in of_every_kind(session, operation).iter().enumerate() {
        let rule = if index == 0 { Rule::LiveAnswer } else { Rule::LiveOrder };
        let answer = session.ask(operation, &request.by(Authorization::WithoutPermission))?;
        let Some(answer) = answer else { continue };
        if !session.judge(operation, &answer, Some(expected(operation, error, &answer)), rule) {
            return Ok(());
        }
    }
    Ok(())
}

fn malformed<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    error: &'a DocumentedError,
    name: &str,
) -> Result<(), Stop> {
    let parameter = operation.parameters.iter().find(|parameter| parameter.name.as_str() == name);
    let bad = parameter.map(provocations::malformed).unwrap_or_default();
    if bad.is_empty() {
        let reason = format!("no malformed `{name}` is known (see xtask/check/src/conform/provocations.rs)");
        session.not_tried(operation, Some(error), reason);
        return Ok(());
    }
    let unknown = provocations::unknown_values(operation);
    for (index, value) in bad.iter().enumerate() {
        // With only this parameter malformed, and with an unknown value for another as well.
        let only = [(name, value.as_str())];
        let alone = if operation.is_safe() { session.request(operation, &only) } else { None };
        let others = unknown.iter().filter(|(other, _)| *other != name).copied();
        let with_others: Vec<(&str, &str)> = others.chain(only).collect();
        let both = session.request(operation, &with_others).filter(|_| index == 0 || alone.is_none());
        let requests = [(alone, Rule::LiveAnswer), (both, Rule::LiveOrder)];
        for (request, rule) in requests {
            let Some(request) = request else { continue };
            let answer = session.ask(operation, &request)?;
            if answer.is_some_and(|answer| !session.judge(operation, &answer, Some(error), rule)) {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn unknown<'a>(session: &mut Session<'a>, operation: &'a Operation, error: &'a DocumentedError) -> Result<(), Stop> {
    let unknown = provocations::unknown_values(operation);
    let request = if unknown.is_empty() { None } else { session.request(operation, &unknown) };
    let Some(request) = request else {
        let reason = "no value is known that does not exist (see xtask/check/src/conform/provocations.rs)";
        session.not_tried(operation, Some(error), reason.to_owned());
        return Ok(());
    };
    let Some(answer) = session.ask(operation, &request)? else { return Ok(()) };
    let error = expected(operation, error, &answer);
    session.judge(operation, &answer, Some(error), Rule::LiveAnswer);
    let foreign: Vec<(&str, &str)> =
        session.target.foreign.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let request = if foreign.is_empty() { None } else { session.request(operation, &foreign) };
    let Some(request) = request else { return Ok(()) };
    let Some(other) = session.ask(operation, &request)? else { return Ok(()) };
    let same = other.status == answer.status && other.identity() == answer.identity();
    let names = |answer: &Answer| {
        let mut names: Vec<String> = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
        names.sort();
        names
    };
    if same && names(&other) == names(&answer) {
        session.judge(operation, &other, Some(error), Rule::LiveAnswer);
        return Ok(());
    }
    let place = session.contract.place(
        error.identity.as_ref().map_or(error.status.span, |identity| identity.span),
        "the response that the contract documents for both",
    );
    let id = &operation.id.value;
    let message =
        format!("`{id}` answers differently for another workspace's resource and for one that does not exist");
    let finding = Finding::at(Rule::LiveLeak, place, message).help("answer both identically, headers included");
    let expected = format!(
        "the same as for a resource that does not exist: {} {}",
        answer.status,
        answer.identity().unwrap_or("")
    );
    session.report_answer(finding, &other, &expected);
    Ok(())
}

fn busy<'a>(session: &mut Session<'a>, operation: &'a Operation, error: &'a DocumentedError) -> Result<(), Stop> {
    let busy: Vec<(&str, &str)> =
        session.target.busy.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    if busy.is_empty() {
        if !session.has_seen(operation, Some(error)) {
            session.not_tried(operation, Some(error), format!("needs {}", provocations::busy_flags(operation)));
        }
        return Ok(());
    }
    let Some(request) = session.request(operation, &busy) else { return Ok(()) };
    let Some(answer) = session.ask(operation, &request)? else { return Ok(()) };
    // The resource was no longer busy; the first request has made it busy again.
    let answer =
        if answer.status == *operation.success.status { session.ask(operation, &request)? } else { Some(answer) };
    if let Some(answer) = answer {
        session.judge(operation, &answer, Some(error), Rule::LiveAnswer);
    }
    Ok(())
}

fn failing<'a>(session: &mut Session<'a>, operation: &'a Operation, error: &'a DocumentedError) -> Result<(), Stop> {
    let target = session.target;
    let Some(keys) = target.failing_keys.get(error.name.as_str()) else {
        let reason = "needs a server that can be made to fail (`cargo xtask conform` without --url)";
        session.not_tried(operation, Some(error), reason.to_owned());
        return Ok(());
    };
    let request = session.request(operation, &[]);
    let Some(request) = request.or_else(|| session.request(operation, &provocations::unknown_values(operation))) else {
        return Ok(());
    };
    for key in keys {
        if let Some(answer) = session.ask(operation, &request.by(Authorization::Failing(key.clone())))? {
            session.judge(operation, &answer, Some(error), Rule::LiveAnswer);
        }
    }
    Ok(())
}
