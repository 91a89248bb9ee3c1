//! Requests that are made up from the contract, and what no answer to any of them may be.
//!
//! Nobody has written them down: the contract says what a request looks like, and the rest is chance, the same for the same
//! seed. One that is answered wrongly is made as small as it can be before it is shown. Methods and values are tried that
//! the contract does not have: this is no way to treat a server that others need.

mod aim;
mod attempt;
mod fitting;
mod hunt;
mod odd;
mod parameters;
mod pipeline;
mod strategies;
mod twins;
mod verdict;

use super::operation::Operation;
use super::provocations;
use super::session::{Session, Stop};
use super::target::Exploration;
use super::wire::NoAnswer;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use attempt::Attempt;
use hunt::{Caught, hunt};

/// Makes requests up for all operations.
pub(super) fn explore<'a>(session: &mut Session<'a>, exploration: &Exploration) -> Result<(), Stop> {
    let plan = session.plan;
    let operations: Vec<&Operation> = plan.operations.iter().filter(|operation| session.concerns(operation)).collect();
    reach(session, &operations)?;
    for operation in &operations {
        (session.tell)(&format!("{}: requests that are made up", operation.id.value));
        let each = strategies::each(operation, session);
        let what = format!("{} by anybody", operation.id.value);
        let attempts = strategies::attempts(operation, session, strategies::anybody(session));
        hunt(session, exploration, &what, &each, &attempts, |session, attempt| ask(session, operation, attempt))?;
        let what = format!("{} by nobody", operation.id.value);
        let attempts = strategies::attempts(operation, session, strategies::nobody());
        hunt(session, exploration, &what, &[], &attempts, |session, attempt| ask(session, operation, attempt))?;
        let compared = twins::compare(session, operation, exploration)?;
        let statuses = std::mem::take(&mut session.of(operation).made_up);
        let statuses: Vec<String> = statuses.iter().map(|(status, times)| format!("{status} ({times})")).collect();
        let remark = format!("made up   {} from the seed {}; {compared}", statuses.join(", "), exploration.seed);
        session.of(operation).remarks.push(remark);
    }
    pipeline::explore(session, &operations, exploration)
}

/// Whether there is a server that takes the key: nothing could be seen without.
fn reach(session: &mut Session<'_>, operations: &[&Operation]) -> Result<(), Stop> {
    let useless = |reason: String| Err(Stop::Useless(reason));
    let Some(operation) = operations.first() else {
        return useless("nothing can be tried: the contract has no operation that was asked for".into());
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

/// Sends what was made up; what is wrong with the answer, if anything is.
fn ask<'a>(session: &mut Session<'a>, operation: &'a Operation, attempt: &Attempt) -> Result<Option<Caught>, Stop> {
    let request = attempt.request(operation);
    let mut answer = session.send(operation, &request)?;
    if answer.is_err() {
        // A connection may have been closed because nobody had used it for long.
        answer = session.send(operation, &request)?;
    }
    let reason = match answer {
        Ok(answer) => {
            let fault = verdict::fault(session, operation, &answer);
            return Ok(fault.map(|fault| Caught::answer(session, fault.finding, &answer, &fault.expected)));
        }
        Err(NoAnswer::Broken(reason) | NoAnswer::Unreachable(reason)) => reason,
    };
    if session.wire.sent(&request).is_none_or(|sent| sent.is_long()) {
        return Ok(None);
    }
    let place = session.contract.place(operation.id.span, "this operation");
    let message = format!("a request near `{}` is not answered, or not to the end", operation.id.value);
    let finding = Finding::at(Rule::LiveNoAnswer, place, message)
        .help("whatever is sent, answer what is wrong with it")
        .note(format!("request: {}", session.wire.curl(&request)))
        .note(format!("what happened: {reason}"));
    Ok(Some(Caught(finding)))
}
