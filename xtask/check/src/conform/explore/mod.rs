//! Generated requests, and what no response to any of them may be.
//!
//! The contract determines what a request looks like, and the rest is random, the same for the same seed. A request
//! with a wrong response is shrunk before it is reported. Methods and values that the contract does not have are tried
//! too, so this is only for test servers.

mod attempt;
mod counterexample;
mod existence_leak;
mod fitting;
mod parameters;
mod pipeline;
mod route_match;
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
        (session.tell)(&format!("{}: generated requests", operation.id.value));
        let each = strategies::each(operation, session);
        let what = format!("{} by anybody", operation.id.value);
        let attempts = strategies::attempts(operation, session, strategies::anybody(session));
        find_counterexample(session, exploration, &what, &each, &attempts, |session, attempt| {
            ask(session, operation, attempt)
        })?;
        let what = format!("{} by nobody", operation.id.value);
        let attempts = strategies::attempts(operation, session, strategies::nobody());
        find_counterexample(session, exploration, &what, &[], &attempts, |session, attempt| {
            ask(session, operation, attempt)
        })?;
        let compared = existence_leak::compare(session, operation, exploration)?;
        let statuses = std::mem::take(&mut session.of(operation).made_up);
        let statuses: Vec<String> = statuses.iter().map(|(status, times)| format!("{status} ({times})")).collect();
        let remark = format!("generated {} from the seed {}; {compared}", statuses.join(", "), exploration.seed);
        session.of(operation).remarks.push(remark);
    }
    pipeline::explore(session, &operations, exploration)
}

/// Whether there is a server that takes the key: nothing could be seen without.
fn reach(session: &mut Session<'_>, operations: &[&Operation]) -> Result<(), Stop> {
    let useless = |reason: String| Err(Stop::Useless(reason));
    let Some(operation) = operations.first() else {
        return useless("nothing to test: the contract has none of the operations given with --operation".into());
    };
    let values = provocations::unknown_values(operation);
    let Some(request) = session.request(operation, &values) else { return Ok(()) };
    match session.send(operation, &request)? {
        Err(NoAnswer::Unreachable(reason)) => useless(format!("the server cannot be reached: {reason}")),
        Ok(answer) if answer.status == 401 => {
            useless(format!("the key is refused: `{}` is answered with 401", session.wire.curl(&request)))
        }
        Ok(_) | Err(NoAnswer::Broken(_)) => Ok(()),
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
    if answer.is_err() {
        // An idle connection may have been closed.
        answer = session.send(operation, &request)?;
    }
    let reason = match answer {
        Ok(answer) => {
            let fault = verdict::fault(session, operation, &answer);
            return Ok(fault.map(|fault| Counterexample::answer(session, fault.finding, &answer, &fault.expected)));
        }
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
