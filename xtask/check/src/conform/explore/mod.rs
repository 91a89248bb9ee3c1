//! Generated requests, and the requirements that every response must meet.
//!
//! The form of a request is determined by the contract, and the rest is random, identical for the same seed. A request
//! with a wrong response is shrunk before it is reported. Methods and headers that the gate does not permit are not
//! generated.

mod attempt;
mod counterexample;
mod existence_leak;
mod implied;
mod pipeline;
mod strategies;
mod unusual_values;
mod verdict;

use super::operation::Operation;
use super::provocations;
use super::session::{Session, Stop};
use super::target::Exploration;
use super::wire::NoAnswer;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use attempt::Attempt;
use counterexample::{Counterexample, find_counterexample};

/// Generates requests for all operations.
pub(super) fn explore<'a>(session: &mut Session<'a>, exploration: &Exploration) -> Result<(), Stop> {
    let plan = session.plan;
    let operations: Vec<&Operation> = plan.operations.iter().filter(|operation| session.concerns(operation)).collect();
    reach(session, &operations)?;
    for operation in &operations {
        (session.report_step)(&format!("{}: generated requests", operation.id.value));
        let Some(base) = strategies::base(session, operation) else {
            let remark = "no requests generated: values that it requires are not known".to_owned();
            session.of(operation).remarks.push(remark);
            continue;
        };
        let each = strategies::each(operation, session, &base);
        let what = format!("{} by anybody", operation.id.value);
        let attempts = strategies::attempts(operation, session, &base, strategies::any_credentials(session, operation));
        find_counterexample(session, exploration, &what, &each, &attempts, |session, attempt| {
            ask(session, operation, attempt)
        })?;
        let what = format!("{} by nobody", operation.id.value);
        let attempts =
            strategies::attempts(operation, session, &base, strategies::invalid_credentials(session, operation));
        find_counterexample(session, exploration, &what, &[], &attempts, |session, attempt| {
            ask(session, operation, attempt)
        })?;
        let compared = existence_leak::compare(session, operation, &base, exploration)?;
        let statuses = std::mem::take(&mut session.of(operation).generated_statuses);
        let statuses: Vec<String> = statuses.iter().map(|(status, times)| format!("{status} ({times})")).collect();
        let remark = format!("generated {} from the seed {}; {compared}", statuses.join(", "), exploration.seed);
        session.of(operation).remarks.push(remark);
    }
    pipeline::explore(session, &operations, exploration)
}

/// Checks that the server accepts the key: without that nothing could be tested.
fn reach(session: &mut Session<'_>, operations: &[&Operation]) -> Result<(), Stop> {
    let untestable = |reason: String| Err(Stop::Untestable(reason));
    let Some(operation) = operations.first() else { return Ok(()) };
    let unknown = provocations::unknown_values(operation);
    let values: Vec<(&str, &str)> = unknown.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let Some(request) = session.request(operation, &values) else { return Ok(()) };
    match session.send(operation, &request)? {
        Err(NoAnswer::Unreachable(reason)) => untestable(format!("the server cannot be reached: {reason}")),
        Ok(answer) if answer.status == 401 && !operation.security.is_open() => {
            untestable(format!("the key is refused: `{}` is answered with 401", session.wire.curl(&request)))
        }
        Ok(_) | Err(NoAnswer::Broken(_) | NoAnswer::NotPermitted(_)) => Ok(()),
    }
}

/// Sends a generated request, and returns what is wrong with the response, if anything.
fn ask<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    attempt: &Attempt,
) -> Result<Option<Counterexample>, Stop> {
    let request = attempt.request(operation);
    let mut answer = session.send(operation, &request)?;
    if matches!(answer, Err(NoAnswer::NotPermitted(_))) {
        return Ok(None);
    }
    if answer.is_err() {
        // An idle connection may have been closed.
        answer = session.send(operation, &request)?;
    }
    let reason = match answer {
        Ok(answer) => {
            let fault = verdict::fault(session, operation, &answer);
            return Ok(fault.map(|fault| Counterexample::answer(session, fault.finding, &answer, &fault.expected)));
        }
        Err(NoAnswer::NotPermitted(_)) => return Ok(None),
        Err(NoAnswer::Broken(reason) | NoAnswer::Unreachable(reason)) => reason,
    };
    if session.wire.sent(&request).is_none_or(|sent| sent.is_long()) {
        return Ok(None);
    }
    let place = session.contract.place(operation.id.span, "this operation");
    let message = format!("a request near `{}` got no response, or an incomplete one", operation.id.value);
    let finding = Finding::at(Rule::LiveNoAnswer, place, message)
        .help("answer every request, also an invalid one")
        .note(format!("request: {}", session.wire.curl(&request)))
        .note(format!("what happened: {reason}"));
    Ok(Some(Counterexample(finding)))
}
