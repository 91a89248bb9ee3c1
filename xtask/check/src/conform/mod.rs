//! Tests a live server against the contract, over HTTP.
//!
//! Every documented response is provoked and compared with the contract; undocumented responses are findings. The
//! report lists what could not be provoked separately from what was seen.

mod bodies;
mod changes;
mod configured;
mod credentials;
mod discovered;
mod errors;
mod explore;
mod facts;
mod fields;
mod fitting;
mod gate;
mod judge;
mod limits;
mod operation;
mod outcome;
mod pages;
mod parameters;
mod percent;
mod provocations;
mod raw;
mod requests;
mod route;
mod secret;
mod sending;
mod session;
mod shown;
mod style;
mod target;
mod testbed;
#[cfg(test)]
mod tests;
mod usage;
mod wire;

use std::time::{Duration, Instant};

use apidrift_core::contract::Contract;
use apidrift_core::rules::Rule;
use apidrift_core::settings::{Conform, Project};

use crate::allow::Allowances;
use crate::outcome::Outcome;
pub use fitting::sample;
use operation::{Operation, Plan};
use outcome::broken;
use requests::With;
pub use secret::Secret;
use session::{Session, Stop};
pub use target::{Exploration, Limits, Target};
use testbed::Testbed;
use wire::Request;

/// The server to test.
#[derive(Debug)]
pub enum Wanted {
    /// A server that is already running.
    There(Box<Target>),
    /// The project's own server, which `testbed` in the settings starts.
    Testbed,
}

/// Tests a server against the contract of a project. `progress` is called with each next step.
pub fn project(project: &Project, wanted: Wanted, limits: &Limits, progress: &dyn Fn(&str)) -> Outcome {
    let untestable = |reason: String| Outcome { unchecked: vec![reason], ..Outcome::default() };
    let source = match project.read(&project.layout.contract) {
        Ok(source) => source,
        Err(reason) => return untestable(reason),
    };
    // Errors in the contract are the business of the check: what they concern is not tried, and the report says why.
    let contract = match Contract::read(&source, project.contract_folder().as_deref(), project.profile.as_ref()) {
        Ok(contract) => contract,
        Err(error) => return Outcome::unreadable(&source, error),
    };
    let settings = &project.conform;
    let mut outcome = match wanted {
        Wanted::There(target) => {
            let began = Instant::now();
            let outcome = run(&contract, settings, &target, limits, progress);
            let left = Limits { time: limits.time.saturating_sub(began.elapsed()), ..limits.clone() };
            // If no response was received, further requests would not help.
            match outcome.live.is_some() {
                true => joined(outcome, made_up(&contract, settings, &target, &left, progress)),
                false => outcome,
            }
        }
        Wanted::Testbed => {
            let Some(command) = &project.layout.testbed else {
                return untestable(format!(
                    "give --url, or set `testbed` in {} to the command that starts a server of this project",
                    project.source.path
                ));
            };
            progress("building and starting a server of this project");
            let deadline = match settings.deadline() {
                Ok(deadline) => deadline,
                Err(reason) => return untestable(reason),
            };
            // A server of the project's own is there to be tested.
            let limits = &Limits { everything: true, ..limits.clone() };
            let start = |command: &Vec<String>| Testbed::start(&project.root, command, deadline);
            let outcome = match start(command) {
                Ok(testbed) => run(&contract, settings, &testbed.target, limits, progress),
                Err(reason) => return untestable(reason),
            };
            match project.layout.testbed_without_limits.as_ref().map(start) {
                Some(Ok(testbed)) => joined(outcome, made_up(&contract, settings, &testbed.target, limits, progress)),
                Some(Err(reason)) => joined(outcome, untestable(reason)),
                None => outcome,
            }
        }
    };
    outcome.unchecked.extend(seen_too_little(&outcome, settings, limits));
    // The run may be incomplete, so unused allowances are not reported.
    let mut allowances = Allowances::new(&project.allowances);
    outcome.findings = allowances.apply(outcome.findings);
    outcome.allowed = allowances.allowed;
    outcome
}

/// Tests a server against the contract, with what the settings know of it. `progress` is called with each next step.
pub fn run(
    contract: &Contract,
    settings: &Conform,
    target: &Target,
    limits: &Limits,
    progress: &dyn Fn(&str),
) -> Outcome {
    let plan = Plan::of(contract, settings);
    match Session::start(contract, settings, &plan, target, limits, progress) {
        Ok(mut session) => {
            progress(&session.gate.description());
            let stopped = everything(&mut session).err();
            session.finish(stopped)
        }
        Err(reason) => Outcome { unchecked: vec![reason], ..Outcome::default() },
    }
}

/// Sends generated requests to a server, if requested. `progress` is called with each next step.
pub fn made_up(
    contract: &Contract,
    settings: &Conform,
    target: &Target,
    limits: &Limits,
    progress: &dyn Fn(&str),
) -> Outcome {
    let Some(exploration) = &limits.explore else { return Outcome::default() };
    // Documented responses are provoked one by one elsewhere.
    let limits = Limits { complete: false, ..limits.clone() };
    let plan = Plan::of(contract, settings);
    match Session::start(contract, settings, &plan, target, &limits, progress) {
        Ok(mut session) => {
            let stopped = explore::explore(&mut session, exploration).err();
            session.finish(stopped)
        }
        Err(reason) => Outcome { unchecked: vec![reason], ..Outcome::default() },
    }
}

/// Why too little was seen to say anything, if that is so.
fn seen_too_little(outcome: &Outcome, settings: &Conform, limits: &Limits) -> Option<String> {
    let live = outcome.live.as_ref().filter(|_| outcome.unchecked.is_empty())?;
    let is_wanted = |id: &String| limits.operations.is_empty() || limits.operations.contains(id);
    let (seen, all) = live.score_of(|operation| is_wanted(&operation.id));
    if seen == 0 && outcome.findings.is_empty() {
        return Some("no documented response was seen, so nothing was compared".to_owned());
    }
    let wanted = limits.require_seen.or(settings.require_seen)?;
    let is_enough = seen * 100 >= all * usize::from(wanted);
    (!is_enough).then(|| {
        let percent = seen * 100 / all.max(1);
        format!("only {seen} of {all} documented responses ({percent} %) were seen, and {wanted} % are required")
    })
}

/// The combined outcome of both runs; duplicate findings count once.
fn joined(mut outcome: Outcome, made_up: Outcome) -> Outcome {
    for finding in made_up.findings {
        if !outcome.findings.iter().any(|known| broken(known) == broken(&finding)) {
            outcome.findings.push(finding);
        }
    }
    for reason in made_up.unchecked {
        if !outcome.unchecked.contains(&reason) {
            outcome.unchecked.push(reason);
        }
    }
    outcome.not_compared.extend(made_up.not_compared);
    if let (Some(live), Some(more)) = (&mut outcome.live, made_up.live) {
        for (operation, more) in live.operations.iter_mut().zip(more.operations) {
            operation.remarks.extend(more.remarks);
        }
        live.requests += more.requests;
        live.seconds += more.seconds;
    }
    outcome
}

fn everything(session: &mut Session<'_>) -> Result<(), Stop> {
    let plan = session.plan;
    let mut operations: Vec<&Operation> =
        plan.operations.iter().filter(|operation| session.concerns(operation)).collect();
    // Lists come first: they return values that other operations need. What is deleted is not there any more.
    let order = |operation: &&Operation| {
        (*operation.method == *"DELETE", operation.path.contains('{'), *operation.method != *"GET")
    };
    operations.sort_by_key(order);
    if operations.is_empty() {
        return Err(Stop::Untestable(nothing_to_test(session)));
    }
    for operation in operations {
        (session.report_step)(&format!("{}: successes", operation.id.value));
        success(session, operation)?;
        (session.report_step)(&format!("{}: errors", operation.id.value));
        errors::provoke(session, operation)?;
        limits::judge_counts(session, operation);
        if session.limits.exhaust {
            (session.report_step)(&format!("{}: the rate limit", operation.id.value));
        }
        limits::exhaust(session, operation)?;
    }
    Ok(())
}

/// Why there is no operation to test.
fn nothing_to_test(session: &Session<'_>) -> String {
    let mut wanted = session.plan.operations.iter().filter(|operation| session.is_wanted(&operation.id));
    match wanted.next() {
        Some(_) if session.limits.read_only => "nothing to test: --read-only permits none of the operations".to_owned(),
        Some(operation) => format!("nothing to test: needs {}", session::not_permitted(operation)),
        None => "nothing to test: the contract has no operation that can be tried".to_owned(),
    }
}

/// Provokes the documented success: with what is required, and once more with optional parameters if some are known.
fn success<'a>(session: &mut Session<'a>, operation: &'a Operation) -> Result<(), Stop> {
    if pages::is_list(operation) {
        pages::walk(session, operation)?;
    } else {
        match session.request_with(operation, With::default()) {
            Ok(request) => succeed(session, operation, &request)?,
            Err(needed) => {
                session.not_tried(operation, None, format!("needs {needed}"));
                return Ok(());
            }
        }
    }
    let with_optional = session.request_with(operation, With { optional: true, ..With::default() });
    let request = session.request_with(operation, With::default());
    let (Ok(request), Ok(with_optional)) = (request, with_optional) else { return Ok(()) };
    // What changes something is done once.
    if operation.is_safe() && (with_optional.path != request.path || with_optional.extra != request.extra) {
        let seen = session.progress.get(&operation.index).map(|progress| progress.seen.len());
        let Some(answer) = session.ask(operation, &with_optional)? else { return Ok(()) };
        let is_made_up_only = seen.is_some_and(|seen| seen > 0) && !with_optional.made_up.is_empty();
        let is_documented = session.documented(operation, &answer).is_some();
        let is_refused = (400..500).contains(&answer.status);
        if !(is_made_up_only && is_documented && is_refused) {
            session.judge_success(operation, &answer);
        }
    }
    Ok(())
}

/// Sends a request that should succeed. An error that passes by itself is waited for a moment.
fn succeed<'a>(session: &mut Session<'a>, operation: &'a Operation, request: &Request) -> Result<(), Stop> {
    for _ in 0..10 {
        let Some(answer) = session.ask(operation, request)? else { return Ok(()) };
        let error = session::error_of(operation, &answer).filter(|error| provocations::passes(error));
        let Some(error) = error else {
            if session.judge_success(operation, &answer) {
                discovered::store(session, operation, &answer);
            }
            return Ok(());
        };
        session.judge(operation, &answer, Some(error), Rule::LiveAnswer);
        session.sleep(Duration::from_millis(500))?;
    }
    session.not_tried(operation, None, "the error that passes by itself has not passed".to_owned());
    Ok(())
}
