//! Tests whether responses reveal that another tenant's resource exists: the same request is sent for it, and for
//! two IDs that do not exist. A difference between those two responses, such as in the request's ID, is ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::credentials::CallerRole;
use super::super::operation::Operation;
use super::super::session::{Session, Stop};
use super::super::style::text;
use super::super::target::Exploration;
use super::super::wire::Answer;
use super::attempt::Attempt;
use super::counterexample::{Counterexample, find_counterexample};
use super::strategies;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// The number of times a difference must be seen: a clock may tick between two requests.
const TIMES: usize = 3;
/// The number of timed requests of each kind.
const TIMED: usize = 15;
/// Smaller time differences, or smaller factors, cannot be observed from outside.
const GROSS: Duration = Duration::from_millis(20);
const MULTIPLE: u32 = 3;
/// A difference that reveals nothing about a request.
const CLOCK: &str = "header date";
/// The basis of IDs that do not exist.
const NOTHING: u128 = 0x6d0f_9a51_37c2_4e08_b1d4_52e7_9a3c_80f6;

/// Compares the responses for every path parameter; returns a summary.
pub(super) fn compare<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    base: &Attempt,
    exploration: &Exploration,
) -> Result<String, Stop> {
    let names: Vec<&str> = operation.path_parameters().map(|parameter| parameter.name.as_str()).collect();
    let mut compared = Vec::new();
    for name in &names {
        let Some(foreign) = session.facts.foreign.get(*name).map(text) else { continue };
        let known = session.facts.value(operation, name).map(text);
        let who = prop_oneof![
            3 => Just(base.authorization.clone()),
            1 => strategies::any_credentials(session, operation),
            1 => strategies::invalid_credentials(session, operation),
        ];
        let attempts = strategies::existence_pairs(operation, session, base, name, who.boxed());
        let pairs = (attempts, any::<u128>().no_shrink(), any::<u128>().no_shrink());
        compared.push(format!("`{name}` of another tenant compared with one that does not exist"));
        let what = format!("{} twins of {name}", operation.id.value);
        find_counterexample(session, exploration, &what, &[], &pairs, |session, (attempt, one, other)| {
            let nothing = [strategies::alike(&foreign, *one), strategies::alike(&foreign, *other)];
            // A caller without access must not learn what exists with their own tenant either.
            let own = match attempt.authorization.role {
                CallerRole::NoKey | CallerRole::NoPermission => known.as_deref(),
                CallerRole::Authorized | CallerRole::Uncertain => None,
            };
            for there in [Some(foreign.as_str()), own].into_iter().flatten() {
                if let Some(counterexample) = difference(session, operation, attempt, &nothing, there)? {
                    return Ok(Some(counterexample));
                }
            }
            Ok(None)
        })?;
        times(session, operation, name, &foreign)?;
    }
    if names.is_empty() {
        compared.push("no parameter that could name another tenant's resource".to_owned());
    }
    Ok(if compared.is_empty() {
        "other tenants not compared: no ID from another tenant was given".to_owned()
    } else {
        compared.join(", ")
    })
}

/// A persistent difference between the responses for an existing resource and a missing one.
fn difference<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    attempt: &Attempt,
    nothing: &[String; 2],
    there: &str,
) -> Result<Option<Counterexample>, Stop> {
    let mut lasting: Option<BTreeSet<String>> = None;
    for time in 1..=TIMES {
        let mut seen = Vec::new();
        for value in [nothing[0].as_str(), there, nothing[1].as_str()] {
            let request = attempt.with_tested_value(value).request(operation);
            match session.send(operation, &request)? {
                Ok(answer) => seen.push((view(&answer, value), answer)),
                // A missing response is reported elsewhere.
                Err(_) => return Ok(None),
            }
        }
        let [(one, answer), (found, other), (another, _)] = &seen[..] else { return Ok(None) };
        let changing: BTreeSet<String> = differing(one, another);
        let mut differences = differing(one, found);
        differences.retain(|part| part != CLOCK && !changing.contains(part));
        if let Some(before) = &lasting {
            differences.retain(|part| before.contains(part));
        }
        if differences.is_empty() {
            return Ok(None);
        }
        if time == TIMES {
            let parts: Vec<&str> = differences.iter().map(String::as_str).collect();
            let message = format!(
                "`{}` answers differently for a resource that is not the caller's and for one that does not exist: the difference is {}",
                operation.id.value,
                parts.join(", ")
            );
            let expected = session.wire.show(answer);
            return Ok(Some(leak(session, operation, message, other, &expected)));
        }
        lasting = Some(differences);
    }
    Ok(None)
}

fn leak(
    session: &Session<'_>,
    operation: &Operation,
    message: String,
    answer: &Answer,
    expected: &str,
) -> Counterexample {
    let error = operation.errors.iter().find(|error| *error.status == 404);
    let identity = error.and_then(|error| error.identity.as_ref().map(|identity| identity.span));
    let span = identity.or(error.map(|error| error.status.span)).unwrap_or(operation.id.span);
    let place = session.contract.place(span, "the response that the contract documents for both");
    let finding = Finding::at(Rule::LiveLeak, place, message).help("answer both identically, headers included");
    Counterexample::answer(
        session,
        finding,
        answer,
        &format!("the same as for a resource that does not exist:\n{expected}"),
    )
}

/// A response split into parts for comparison, without the requested value.
fn view(answer: &Answer, value: &str) -> BTreeMap<String, String> {
    let hidden = |text: &str| text.replace(value, "…").replace(&value.to_uppercase(), "…");
    let mut parts = BTreeMap::from([("status".to_owned(), answer.status.to_string())]);
    for name in answer.headers.keys() {
        parts.insert(format!("header {name}"), hidden(&answer.header(name.as_str()).unwrap_or_default()));
    }
    match &answer.json {
        Ok(serde_json::Value::Object(fields)) => {
            let fields = fields.iter().map(|(name, value)| (format!("field {name}"), hidden(&value.to_string())));
            parts.extend(fields);
        }
        _ => {
            parts.insert("body".to_owned(), hidden(&String::from_utf8_lossy(&answer.body)));
        }
    }
    parts
}

fn differing(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) -> BTreeSet<String> {
    let names = one.keys().chain(other.keys());
    names.filter(|name| one.get(*name) != other.get(*name)).cloned().collect()
}

/// Whether the response time, measured twice, reveals that a resource belongs to another tenant.
fn times<'a>(session: &mut Session<'a>, operation: &'a Operation, name: &str, foreign: &str) -> Result<(), Stop> {
    let mut found = None;
    for _ in 0..2 {
        found = slower(session, operation, name, foreign)?;
        if found.is_none() {
            return Ok(());
        }
    }
    if let Some(Counterexample(finding)) = found {
        session.report(finding);
    }
    Ok(())
}

/// A large difference between the median times.
fn slower<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    name: &str,
    foreign: &str,
) -> Result<Option<Counterexample>, Stop> {
    let nothing = strategies::alike(foreign, NOTHING);
    let mut taken: [Vec<Duration>; 2] = Default::default();
    let mut last = None;
    for _ in 0..TIMED {
        for (value, taken) in [nothing.as_str(), foreign].into_iter().zip(&mut taken) {
            let Some(request) = session.request(operation, &[(name, value)]) else { return Ok(None) };
            let begin = Instant::now();
            let Ok(answer) = session.send(operation, &request)? else { return Ok(None) };
            taken.push(begin.elapsed());
            last = Some(answer);
        }
    }
    let [nothing, foreign] = taken.map(middle);
    let Some(answer) = last.filter(|_| is_gross(nothing, foreign)) else { return Ok(None) };
    let message = format!(
        "`{}` takes {foreign:?} for another tenant's resource, and {nothing:?} for one that does not exist",
        operation.id.value
    );
    Ok(Some(leak(session, operation, message, &answer, "a response after the same time")))
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn is_gross(one: Duration, other: Duration) -> bool {
    let (short, long) = (one.min(other), one.max(other));
    long - short > GROSS && long > short * MULTIPLE
}
