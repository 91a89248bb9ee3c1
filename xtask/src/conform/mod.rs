//! `cargo xtask conform`: a live server is held to the contract, over HTTP.
//!
//! Every documented answer is provoked and compared with what the contract says of it; nothing undocumented may be
//! answered. What could not be provoked is told apart from what was seen: the report never claims more than that.

mod errors;
mod judge;
mod limits;
mod pages;
mod provocations;
mod report;
mod session;
mod target;
mod testbed;
mod wire;

use std::time::Duration;

use crate::check::{self, Outcome, Project, SETTINGS};
use crate::contract::{Contract, Operation};
pub use report::{Live, OperationReport};
use session::{Session, Stop};
pub use target::{Limits, Target};
use testbed::Testbed;
pub use wire::{KEY, KEY_WITHOUT_PERMISSION, Secret};

/// Which server is meant.
#[derive(Debug)]
pub enum Wanted {
    /// One that runs already.
    There(Target),
    /// The project's own, which `testbed` in `openapi/check.toml` runs.
    Testbed,
}

/// Holds a server to the contract of a project. `progress` is told what comes next.
pub fn project(project: &Project, wanted: Wanted, limits: &Limits, progress: &dyn Fn(&str)) -> Outcome {
    let useless = |reason: String| Outcome { unchecked: vec![reason], ..Outcome::default() };
    let source = match project.read(&project.layout.contract) {
        Ok(source) => source,
        Err(reason) => return useless(reason),
    };
    let (contract, findings) = Contract::load(&source);
    let contract = match contract {
        Some(contract) if findings.is_empty() => contract,
        _ => {
            let unchecked = vec!["no server was asked: the contract has to be put right first".to_owned()];
            return Outcome { findings, unchecked, ..Outcome::default() };
        }
    };
    let mut outcome = match wanted {
        Wanted::There(target) => run(&contract, &target, limits, progress),
        Wanted::Testbed => {
            let Some(command) = &project.layout.testbed else {
                return useless(format!("give --url: no `testbed` in {SETTINGS} runs a server of this project"));
            };
            progress("building and starting a server of this project");
            match Testbed::start(&project.root, command) {
                Ok(testbed) => run(&contract, &testbed.target, limits, progress),
                Err(reason) => return useless(reason),
            }
        }
    };
    // Not everything need have been seen: no allowance is known to allow nothing.
    (outcome.findings, outcome.allowed) = check::allow(project, outcome.findings, &|_| false);
    outcome
}

/// Holds a server to the contract. `progress` is told what comes next.
pub fn run(contract: &Contract, target: &Target, limits: &Limits, progress: &dyn Fn(&str)) -> Outcome {
    match Session::start(contract, target, limits, progress) {
        Ok(mut session) => {
            let stopped = everything(&mut session).err();
            session.finish(stopped)
        }
        Err(reason) => Outcome { unchecked: vec![reason], ..Outcome::default() },
    }
}

fn everything(session: &mut Session<'_>) -> Result<(), Stop> {
    let contract = session.contract;
    let mut operations: Vec<&Operation> =
        contract.operations.iter().filter(|operation| session.concerns(operation)).collect();
    // Lists come first: they tell the values that others need.
    operations.sort_by_key(|operation| (operation.path.contains('{'), *operation.method != *"GET"));
    if operations.is_empty() {
        return Err(Stop::Useless("nothing can be tried: the contract has no operation that was asked for".into()));
    }
    for operation in operations {
        (session.tell)(&format!("{}: successes", operation.id.value));
        success(session, operation)?;
        (session.tell)(&format!("{}: errors", operation.id.value));
        errors::provoke(session, operation)?;
        limits::judge_counts(session, operation);
        if session.limits.exhaust {
            (session.tell)(&format!("{}: the rate limit", operation.id.value));
        }
        limits::exhaust(session, operation)?;
    }
    Ok(())
}

/// The documented success. One that changes something is asked for only where its parameters were given by somebody.
fn success<'a>(session: &mut Session<'a>, operation: &'a Operation) -> Result<(), Stop> {
    if pages::is_list(operation) {
        return pages::walk(session, operation);
    }
    if *operation.method != *"GET" && !session.target.knows_parameters_of(operation) {
        let flags = provocations::flags(operation);
        session.not_tried(operation, None, format!("needs {flags}: it really happens"));
        return Ok(());
    }
    let Some(request) = session.request(operation, &[]) else {
        let flags = provocations::flags(operation);
        session.not_tried(operation, None, format!("needs {flags}"));
        return Ok(());
    };
    // What is busy now may be free in a moment.
    for _ in 0..10 {
        let Some(answer) = session.ask(operation, &request)? else { return Ok(()) };
        let busy = session
            .documented(operation, &answer)
            .is_some_and(|documented| documented.error().is_some_and(provocations::is_busy));
        if !busy {
            session.judge(operation, &answer, None, crate::rules::Rule::LiveAnswer);
            return Ok(());
        }
        session.judge(operation, &answer, session::error_of(operation, &answer), crate::rules::Rule::LiveAnswer);
        session.sleep(Duration::from_millis(500))?;
    }
    session.not_tried(operation, None, "needs one that is not busy".to_owned());
    Ok(())
}
