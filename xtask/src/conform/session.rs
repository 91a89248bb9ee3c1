//! One run against one server: what was sent, what came back, and what that adds up to.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::time::{Duration, Instant};

use super::report::{Live, OperationReport};
use super::target::{Limits, Target};
use super::wire::{Answer, Authorization, NoAnswer, Request, Wire};
use super::{limits, provocations};
use crate::check::Outcome;
use crate::contract::validate::Schemas;
use crate::contract::{Contract, DocumentedError, Location, Operation};
use crate::finding::Finding;
use crate::rules::Rule;

/// Why a run ends early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// Its time is up.
    OutOfTime,
    /// Nothing can be found out from this server.
    Useless(String),
}

/// One of the documented answers of an operation.
#[derive(Clone, Copy)]
pub(super) enum Documented<'a> {
    Success,
    Error(&'a DocumentedError),
}

impl<'a> Documented<'a> {
    pub fn error(self) -> Option<&'a DocumentedError> {
        match self {
            Documented::Success => None,
            Documented::Error(error) => Some(error),
        }
    }
}

/// What is known of a rate limit from the last answer that was counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    pub remaining: i64,
    pub reset: i64,
    /// The server's clock then, and ours.
    pub now: i64,
    pub at: Instant,
}

/// What an operation has come to so far.
#[derive(Default)]
pub(super) struct Progress {
    seen: BTreeMap<String, usize>,
    reasons: HashMap<String, String>,
    pub remarks: Vec<String>,
    pub usage: Option<Usage>,
    pub counts: limits::Counts,
}

pub(super) struct Session<'a> {
    pub contract: &'a Contract,
    pub target: &'a Target,
    pub limits: &'a Limits,
    pub schemas: Schemas,
    pub wire: Wire,
    /// Values of parameters that answers have told.
    pub told: BTreeMap<String, String>,
    /// Is told what comes next.
    pub tell: &'a dyn Fn(&str),
    findings: Vec<Finding>,
    known: HashMap<(Rule, Range<usize>), usize>,
    progress: HashMap<String, Progress>,
    requests: usize,
    was_reached: bool,
    key_was_taken: bool,
    began: Instant,
}

/// The documented error that an answer is.
pub(super) fn error_of<'a>(operation: &'a Operation, answer: &Answer) -> Option<&'a DocumentedError> {
    operation.errors.iter().find(|error| *error.status == answer.status && answer.message() == Some(&*error.message))
}

/// How a documented answer is called in the report.
pub(super) fn label(operation: &Operation, error: Option<&DocumentedError>) -> String {
    match error {
        None => operation.success.status.value.to_string(),
        Some(error) => format!("{} {}", error.status.value, error.message.value),
    }
}

/// A value as it stands in an address: it stays one segment of a path, whatever a server has told.
fn encoded(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        match byte {
            b'-' | b'_' | b'~' | b'.' if value != "." && value != ".." => text.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

impl<'a> Session<'a> {
    pub fn start(
        contract: &'a Contract,
        target: &'a Target,
        limits: &'a Limits,
        progress: &'a dyn Fn(&str),
    ) -> Result<Session<'a>, String> {
        if let Some(unknown) =
            limits.operations.iter().find(|id| !contract.operations.iter().any(|operation| *operation.id == **id))
        {
            let known: Vec<&str> = contract.operations.iter().map(|operation| operation.id.as_str()).collect();
            return Err(format!("the contract has no operation `{unknown}`; it has `{}`", known.join("`, `")));
        }
        Ok(Session {
            contract,
            target,
            limits,
            schemas: Schemas::new(contract),
            wire: Wire::new(target, limits)?,
            told: BTreeMap::new(),
            tell: progress,
            findings: Vec::new(),
            known: HashMap::new(),
            progress: HashMap::new(),
            requests: 0,
            was_reached: false,
            key_was_taken: false,
            began: Instant::now(),
        })
    }

    /// Whether an operation is looked at.
    pub fn concerns(&self, operation: &Operation) -> bool {
        (!self.limits.read_only || *operation.method == *"GET")
            && (self.limits.operations.is_empty() || self.limits.operations.contains(&operation.id.value))
    }

    pub fn of(&mut self, operation: &Operation) -> &mut Progress {
        self.progress.entry(operation.id.value.clone()).or_default()
    }

    /// A request of an operation with these values in the place of what is known; nothing where a value is missing.
    /// Values are given as they stand in an address.
    pub fn request(&self, operation: &Operation, values: &[(&str, &str)]) -> Option<Request> {
        let given = |name: &str| values.iter().find(|(given, _)| *given == name).map(|(_, value)| (*value).to_owned());
        let mut path = operation.path.value.clone();
        let mut query = Vec::new();
        for parameter in &operation.parameters {
            let name = parameter.name.as_str();
            match parameter.location {
                Location::Path => {
                    let known =
                        || self.target.known.get(name).or_else(|| self.told.get(name)).map(|value| encoded(value));
                    path = path.replace(&format!("{{{name}}}"), &given(name).or_else(known)?);
                }
                Location::Query => {
                    let known = || self.target.known.get(name).map(|value| encoded(value));
                    let value = given(name).or_else(|| if parameter.required { known() } else { None });
                    match value {
                        Some(value) => query.push(format!("{name}={value}")),
                        None if parameter.required => return None,
                        None => {}
                    }
                }
                Location::Header | Location::Cookie => {}
            }
        }
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        Some(Request { method: operation.method.value.clone(), path, authorization: Authorization::Key })
    }

    /// Sends a request when the rate limit allows it. No answer is a finding.
    pub fn ask(&mut self, operation: &Operation, request: &Request) -> Result<Option<Answer>, Stop> {
        let is_counted = matches!(request.authorization, Authorization::Key);
        if is_counted {
            self.wait_for_room(operation)?;
        }
        let answer = self.ask_at_once(operation, request)?;
        // Somebody else may have used the limit up.
        let refused = answer
            .as_ref()
            .filter(|answer| is_counted && error_of(operation, answer).is_some_and(provocations::is_over_the_limit));
        let Some(refused) = refused else { return Ok(answer) };
        let wait = refused.number("retry-after").and_then(|wait| u64::try_from(wait).ok()).unwrap_or(1);
        self.sleep(Duration::from_secs(wait.min(limits::window(operation))))?;
        self.ask_at_once(operation, request)
    }

    /// Sends a request, whatever the rate limit says.
    pub fn ask_at_once(&mut self, operation: &Operation, request: &Request) -> Result<Option<Answer>, Stop> {
        let patience = self.left()?.min(self.limits.patience);
        self.requests += 1;
        let reason = match self.wire.send(request, patience) {
            Ok(answer) => {
                self.look_whether_useful(request, &answer)?;
                self.look_for_keys(operation, &answer);
                limits::note(self, operation, &answer);
                return Ok(Some(answer));
            }
            Err(NoAnswer::Unreachable(reason)) if !self.was_reached => {
                return Err(Stop::Useless(format!("the server cannot be reached: {reason}")));
            }
            // That it has not answered by the end of our time says nothing of the server.
            Err(_) if self.left().is_err() => return Err(Stop::OutOfTime),
            Err(NoAnswer::Broken(reason) | NoAnswer::Unreachable(reason)) => reason,
        };
        let place = self.contract.place(&operation.id.range, "this operation");
        let finding = Finding::at(
            Rule::LiveNoAnswer,
            place,
            format!("a request of `{}` is not answered, or not to the end", operation.id.value),
        )
        .help("whatever happens, answer with one of the documented errors")
        .note(format!("request: {}", self.wire.curl(request)))
        .note(format!("what happened: {reason}"));
        self.report(finding);
        Ok(None)
    }

    /// A key that was never taken is of no use.
    fn look_whether_useful(&mut self, request: &Request, answer: &Answer) -> Result<(), Stop> {
        self.was_reached = true;
        if matches!(request.authorization, Authorization::Key) {
            if answer.status == 401 && !self.key_was_taken {
                return Err(Stop::Useless(format!(
                    "the key is refused: `{}` is answered with 401, so nothing but refusals could be seen",
                    self.wire.curl(request)
                )));
            }
            self.key_was_taken = true;
        }
        Ok(())
    }

    fn look_for_keys(&mut self, operation: &Operation, answer: &Answer) {
        if self.wire.has_key(answer) {
            let place = self.contract.place(&operation.id.range, "this operation");
            let message = format!("an answer of `{}` has the API key in it", operation.id.value);
            let finding = Finding::at(Rule::LiveKeyEchoed, place, message)
                .help("never repeat what was sent as a key: answers are logged and shown");
            self.report_answer(finding, answer, "an answer without the key");
        }
    }

    fn wait_for_room(&mut self, operation: &Operation) -> Result<(), Stop> {
        let longest = limits::window(operation);
        let Some(usage) = self.of(operation).usage.filter(|usage| usage.remaining <= 0) else { return Ok(()) };
        let left = u64::try_from(usage.reset - usage.now).unwrap_or(0).min(longest);
        let until = usage.at + Duration::from_secs(left) + limits::SLACK;
        self.of(operation).usage = None;
        self.sleep(until.saturating_duration_since(Instant::now()))
    }

    /// Waits, if there is so much time.
    pub fn sleep(&mut self, duration: Duration) -> Result<(), Stop> {
        if self.left()? < duration {
            return Err(Stop::OutOfTime);
        }
        if duration > Duration::from_secs(2) {
            (self.tell)(&format!("waiting {} s for the rate limit", duration.as_secs()));
        }
        std::thread::sleep(duration);
        Ok(())
    }

    /// The time that is left.
    pub fn left(&self) -> Result<Duration, Stop> {
        self.limits.time.checked_sub(self.began.elapsed()).ok_or(Stop::OutOfTime)
    }

    /// The documented answer that this is, by status and message alone.
    pub fn documented(&self, operation: &'a Operation, answer: &Answer) -> Option<Documented<'a>> {
        if answer.status == *operation.success.status {
            return Some(Documented::Success);
        }
        error_of(operation, answer).map(Documented::Error)
    }

    pub fn saw(&mut self, operation: &Operation, error: Option<&DocumentedError>) {
        *self.of(operation).seen.entry(label(operation, error)).or_default() += 1;
    }

    pub fn has_seen(&mut self, operation: &Operation, error: Option<&DocumentedError>) -> bool {
        let label = label(operation, error);
        self.of(operation).seen.contains_key(&label)
    }

    /// Says why a documented answer was not tried.
    pub fn not_tried(&mut self, operation: &Operation, error: Option<&DocumentedError>, reason: String) {
        let label = label(operation, error);
        self.of(operation).reasons.insert(label, reason);
    }

    /// Keeps a finding with the request and the answer that it speaks of.
    pub fn report_answer(&mut self, finding: Finding, answer: &Answer, expected: &str) {
        let finding = finding
            .note(format!("request: {}", self.wire.curl(&answer.request)))
            .note(format!("expected: {expected}"))
            .note(format!("answered: {}", self.wire.show(answer)));
        self.report(finding);
    }

    /// Keeps a finding, once for each rule and place.
    pub fn report(&mut self, mut finding: Finding) {
        // It may repeat what the server has said.
        finding.message = self.wire.shown(&finding.message);
        let range = finding.primary.as_ref().map(|place| place.range.clone()).unwrap_or_default();
        *self.known.entry((finding.rule, range)).or_insert_with(|| {
            self.findings.push(finding);
            0
        }) += 1;
    }

    /// What the run has come to.
    pub fn finish(mut self, stopped: Option<Stop>) -> Outcome {
        let contract = self.contract;
        let operations: Vec<OperationReport> =
            contract.operations.iter().map(|operation| self.operation_report(operation, stopped.as_ref())).collect();
        let mut unchecked = Vec::new();
        match &stopped {
            Some(Stop::Useless(reason)) => unchecked.push(reason.clone()),
            Some(Stop::OutOfTime) => {
                unchecked.push("the time was up before everything was tried; --timeout gives more".to_owned());
            }
            None => {}
        }
        if self.limits.complete && unchecked.is_empty() {
            unchecked.extend(operations.iter().flat_map(|operation| {
                let missing = operation.not_seen.iter();
                missing.map(|(label, reason)| format!("`{}` was not seen to answer `{label}`: {reason}", operation.id))
            }));
        }
        for finding in &mut self.findings {
            let range = finding.primary.as_ref().map(|place| place.range.clone()).unwrap_or_default();
            let times = self.known.get(&(finding.rule, range)).copied().unwrap_or(1);
            if times > 1 {
                finding.notes.push(format!("seen {times} times"));
            }
        }
        self.findings
            .sort_by_cached_key(|finding| (finding.primary.as_ref().map(|place| place.range.start), finding.rule));
        let live = Live {
            url: self.target.url.clone(),
            operations,
            requests: self.requests,
            seconds: self.began.elapsed().as_secs_f64(),
        };
        let was_of_use = !matches!(stopped, Some(Stop::Useless(_)));
        Outcome { findings: self.findings, unchecked, allowed: 0, live: was_of_use.then_some(live) }
    }

    fn operation_report(&mut self, operation: &Operation, stopped: Option<&Stop>) -> OperationReport {
        let concerns = self.concerns(operation);
        let read_only = self.limits.read_only && *operation.method != *"GET";
        let mut progress = self.progress.remove(&operation.id.value).unwrap_or_default();
        let documented = std::iter::once(None).chain(operation.errors.iter().map(Some));
        let labels = documented.map(|error| label(operation, error));
        let (mut seen, mut not_seen) = (Vec::new(), Vec::new());
        for label in labels {
            if let Some(times) = progress.seen.remove(&label) {
                seen.push((label, times));
                continue;
            }
            let reason = match progress.reasons.remove(&label) {
                _ if read_only => "not tried: --read-only".to_owned(),
                _ if !concerns => "not tried: another operation was asked for".to_owned(),
                Some(reason) => format!("not tried: {reason}"),
                None if stopped == Some(&Stop::OutOfTime) => "not tried: the time was up".to_owned(),
                None if stopped.is_some() => "not tried".to_owned(),
                None => "something else was answered, see the findings".to_owned(),
            };
            not_seen.push((label, reason));
        }
        OperationReport {
            id: operation.id.value.clone(),
            call: format!("{} {}", operation.method.value, operation.path.value),
            seen,
            not_seen,
            remarks: progress.remarks,
        }
    }
}
