//! Tests a live server against the contract, over HTTP.
//!
//! Every documented response is provoked and compared with the contract; undocumented responses are findings. The
//! report lists what could not be provoked separately from what was seen.

mod errors;
mod explore;
mod fields;
mod judge;
mod limits;
mod operation;
mod outcome;
mod pages;
mod percent;
mod provocations;
mod requests;
mod secret;
mod session;
mod target;
mod testbed;
#[cfg(test)]
mod tests;
mod usage;
mod wire;

use std::time::{Duration, Instant};

use apidrift_core::contract::Contract;
use apidrift_core::rules::Rule;
use apidrift_core::settings::Project;

use crate::allow::Allowances;
use crate::check::{self, Claims};
use crate::outcome::Outcome;
use operation::{Operation, Plan};
use outcome::broken;
pub use secret::Secret;
use session::{Session, Stop};
pub use target::{Exploration, Limits, Target};
use testbed::Testbed;
pub use wire::{KEY, KEY_WITHOUT_PERMISSION};

/// The server to test.
#[derive(Debug)]
pub enum Wanted {
    /// A server that is already running.
    There(Target),
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
    let (profile, folder) = (project.profile.clone(), project.contract_folder());
    // Only errors in the contract itself are found here, because it is compared with nothing.
    let (of_contract, contract) = check::compare(&source, &Claims { profile, folder, ..Claims::default() }, None);
    let Some(contract) = contract else {
        let unchecked = vec!["no request was sent: fix the errors in the contract first".to_owned()];
        return Outcome { findings: of_contract.findings, unchecked, ..Outcome::default() };
    };
    let mut outcome = match wanted {
        Wanted::There(target) => {
            let began = Instant::now();
            let outcome = run(&contract, &target, limits, progress);
            let left = Limits { time: limits.time.saturating_sub(began.elapsed()), ..limits.clone() };
            // If no response was received, further requests would not help.
            match outcome.live.is_some() {
                true => joined(outcome, made_up(&contract, &target, &left, progress)),
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
            let outcome = match Testbed::start(&project.root, command) {
                Ok(testbed) => hold(&contract, &testbed.target, limits, progress, true),
                Err(reason) => return untestable(reason),
            };
            match project.layout.testbed_without_limits.as_ref().map(|command| Testbed::start(&project.root, command)) {
                Some(Ok(testbed)) => joined(outcome, made_up(&contract, &testbed.target, limits, progress)),
                Some(Err(reason)) => joined(outcome, untestable(reason)),
                None => outcome,
            }
        }
    };
    // The run may be incomplete, so unused allowances are not reported.
    let mut allowances = Allowances::new(&project.allowances);
    outcome.findings = allowances.apply(outcome.findings);
    outcome.allowed = allowances.allowed;
    outcome
}

/// Tests a server against the contract. `progress` is called with each next step.
pub fn run(contract: &Contract, target: &Target, limits: &Limits, progress: &dyn Fn(&str)) -> Outcome {
    hold(contract, target, limits, progress, false)
}

/// Tests a server against the contract. The flag says whether all requests may take effect there without being
/// requested one by one.
fn hold(
    contract: &Contract,
    target: &Target,
    limits: &Limits,
    progress: &dyn Fn(&str),
    may_change_anything: bool,
) -> Outcome {
    let plan = Plan::of(contract);
    match Session::start(contract, &plan, target, limits, progress) {
        Ok(mut session) => {
            session.may_change_anything = may_change_anything;
            let stopped = everything(&mut session).err();
            session.finish(stopped)
        }
        Err(reason) => Outcome { unchecked: vec![reason], ..Outcome::default() },
    }
}

/// Sends generated requests to a server, if requested. `progress` is called with each next step.
pub fn made_up(contract: &Contract, target: &Target, limits: &Limits, progress: &dyn Fn(&str)) -> Outcome {
    let Some(exploration) = &limits.explore else { return Outcome::default() };
    // Documented responses are provoked one by one elsewhere.
    let limits = Limits { complete: false, ..limits.clone() };
    let plan = Plan::of(contract);
    match Session::start(contract, &plan, target, &limits, progress) {
        Ok(mut session) => {
            let stopped = explore::explore(&mut session, exploration).err();
            session.finish(stopped)
        }
        Err(reason) => Outcome { unchecked: vec![reason], ..Outcome::default() },
    }
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
    // Lists come first: they return values that other operations need.
    operations.sort_by_key(|operation| (operation.path.contains('{'), *operation.method != *"GET"));
    if operations.is_empty() {
        return Err(Stop::Untestable(
            "nothing to test: the contract has none of the operations given with --operation".into(),
        ));
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

/// Provokes the documented success. An operation that changes something is called only if the user gave its parameters.
fn success<'a>(session: &mut Session<'a>, operation: &'a Operation) -> Result<(), Stop> {
    if operation.needs_body() {
        session.not_tried(operation, None, "needs a request body, which this command does not generate".to_owned());
        return Ok(());
    }
    if !session.may_really_happen(operation) {
        let needed = match operation.path_parameters().next() {
            Some(_) => provocations::flags(operation),
            None => "a server of the project's own (`testbed` in the settings)".to_owned(),
        };
        session.not_tried(operation, None, format!("needs {needed}: the request really takes effect"));
        return Ok(());
    }
    if pages::is_list(operation) {
        return pages::walk(session, operation);
    }
    let Some(request) = session.request(operation, &[]) else {
        let flags = provocations::flags(operation);
        session.not_tried(operation, None, format!("needs {flags}"));
        return Ok(());
    };
    // A busy resource may become free in a moment.
    for _ in 0..10 {
        let Some(answer) = session.ask(operation, &request)? else { return Ok(()) };
        let busy = session
            .documented(operation, &answer)
            .is_some_and(|documented| documented.error().is_some_and(provocations::is_busy));
        if !busy {
            session.judge(operation, &answer, None, Rule::LiveAnswer);
            return Ok(());
        }
        session.judge(operation, &answer, session::error_of(operation, &answer), Rule::LiveAnswer);
        session.sleep(Duration::from_millis(500))?;
    }
    session.not_tried(operation, None, "needs one that is not busy".to_owned());
    Ok(())
}
