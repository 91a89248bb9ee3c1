//! One run against one server: its requests, responses and findings.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::time::{Duration, Instant};

use apidrift_core::contract::{Contract, DocumentedError};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use openapi_model::node::Node;
use openapi_model::schema::SchemaId;
use openapi_model::values::{Direction, Misfit, Values};

use super::operation::{Operation, Plan, label_of};
use super::provocations;
use super::target::{Limits, Target};
use super::usage::{Counts, SLACK, Usage, window};
use super::wire::{Answer, Authorization, NoAnswer, Request, Wire};
use crate::outcome::NotCompared;

/// A rule and the place at which it was broken, as file and bytes.
pub(super) type Broken = (Rule, Option<(String, Range<usize>)>);

/// Why a run ends early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// The time limit has been reached.
    OutOfTime,
    /// The server cannot be tested, with the reason.
    Untestable(String),
}

/// One of the documented responses of an operation.
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

/// The results for an operation so far.
#[derive(Default)]
pub(super) struct Progress {
    pub seen: BTreeMap<String, usize>,
    pub reasons: HashMap<String, String>,
    pub remarks: Vec<String>,
    pub usage: Option<Usage>,
    pub counts: Counts,
    /// How often generated requests got each status.
    pub generated_statuses: BTreeMap<u16, usize>,
}

pub(super) struct Session<'a> {
    pub contract: &'a Contract,
    pub plan: &'a Plan,
    pub target: &'a Target,
    pub limits: &'a Limits,
    /// Whether all requests may take effect, because the server is a testbed.
    pub may_change_anything: bool,
    values: Values<'a>,
    /// Schemas that could not be used.
    unusable: HashSet<SchemaId>,
    pub not_compared: Vec<NotCompared>,
    pub wire: Wire,
    /// Values of parameters found in responses.
    pub discovered_values: BTreeMap<String, String>,
    /// Called with each next step.
    pub report_step: &'a dyn Fn(&str),
    pub findings: Vec<Finding>,
    /// How often each finding was made.
    pub known: HashMap<Broken, usize>,
    /// By the index of the operation in the contract.
    pub progress: HashMap<usize, Progress>,
    pub requests: usize,
    was_reached: bool,
    key_was_taken: bool,
    pub began: Instant,
}

/// The documented error that matches a response.
pub(super) fn error_of<'a>(operation: &'a Operation, answer: &Answer) -> Option<&'a DocumentedError> {
    let says = |error: &&DocumentedError| match &error.identity {
        Some(identity) => answer.identity() == Some(identity.as_str()),
        None => true,
    };
    operation.errors.iter().find(|error| *error.status == answer.status && says(error))
}

/// The label of a documented response in the report.
pub(super) fn label(operation: &Operation, error: Option<&DocumentedError>) -> String {
    match error {
        None => operation.success.status.value.to_string(),
        Some(error) => label_of(error),
    }
}

impl<'a> Session<'a> {
    pub fn start(
        contract: &'a Contract,
        plan: &'a Plan,
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
            plan,
            target,
            limits,
            may_change_anything: false,
            values: Values::new(&contract.document),
            unusable: HashSet::new(),
            not_compared: Vec::new(),
            wire: Wire::new(target, limits, contract.profile.error_identity.as_deref())?,
            discovered_values: BTreeMap::new(),
            report_step: progress,
            findings: Vec::new(),
            known: HashMap::new(),
            progress: HashMap::new(),
            requests: 0,
            was_reached: false,
            key_was_taken: false,
            began: Instant::now(),
        })
    }

    /// Whether an operation is tested.
    pub fn concerns(&self, operation: &Operation) -> bool {
        (!self.limits.read_only || *operation.method == *"GET") && self.is_wanted(&operation.id)
    }

    /// Whether the user selected an operation, or selected none.
    pub fn is_wanted(&self, id: &str) -> bool {
        self.limits.operations.is_empty() || self.limits.operations.iter().any(|wanted| wanted == id)
    }

    /// Whether requests of an operation may succeed: they change nothing, or the user asked for it.
    pub fn may_really_happen(&self, operation: &Operation) -> bool {
        operation.is_safe() || self.may_change_anything || self.target.knows_parameters_of(operation)
    }

    pub fn of(&mut self, operation: &Operation) -> &mut Progress {
        self.progress.entry(operation.index).or_default()
    }

    /// The name, in messages, of the value that distinguishes errors with the same status.
    pub fn identity_name(&self) -> String {
        let pointer = self.contract.profile.error_identity.as_deref().unwrap_or_default();
        pointer.trim_start_matches('/').replace('/', ".")
    }

    /// The violations of a schema by a value; `None` if the schema cannot be used, which is reported once.
    pub fn misfits(
        &mut self,
        operation: &Operation,
        schema: SchemaId,
        direction: Direction,
        value: &Node,
    ) -> Option<Vec<Misfit>> {
        match self.values.misfits(schema, direction, value) {
            Ok(misfits) => Some(misfits),
            Err(reason) => {
                self.cannot_use(operation, schema, reason);
                None
            }
        }
    }

    fn cannot_use(&mut self, operation: &Operation, schema: SchemaId, reason: String) {
        let document = &self.contract.document;
        let schema = document.target(schema);
        if !self.unusable.insert(schema) {
            return;
        }
        let name = document.schema(schema).name.as_ref().map(|name| format!("`{}`", name.value));
        self.not_compared.push(NotCompared {
            operation: format!("{} {}", operation.method.value, operation.path.value),
            comparison: "live",
            reason: format!("{} cannot be used: {reason}", name.unwrap_or("a schema".to_owned())),
            place: Some(document.place(document.schema(schema).span, "this schema")),
        });
    }

    /// Sends a request when the rate limit allows it. A missing response is a finding.
    pub fn ask(&mut self, operation: &Operation, request: &Request) -> Result<Option<Answer>, Stop> {
        let is_counted = matches!(request.authorization, Authorization::Key);
        if is_counted {
            self.wait_for_room(operation)?;
        }
        let answer = self.ask_at_once(operation, request)?;
        // Another client may have used up the limit.
        let refused = answer
            .as_ref()
            .filter(|answer| is_counted && error_of(operation, answer).is_some_and(provocations::is_over_the_limit));
        let Some(refused) = refused else { return Ok(answer) };
        let wait = refused.number("retry-after").and_then(|wait| u64::try_from(wait).ok()).unwrap_or(1);
        self.sleep(Duration::from_secs(wait.min(window(operation))))?;
        self.ask_at_once(operation, request)
    }

    /// Sends a request, regardless of the rate limit.
    pub fn ask_at_once(&mut self, operation: &Operation, request: &Request) -> Result<Option<Answer>, Stop> {
        let patience = self.left()?.min(self.limits.patience);
        self.requests += 1;
        let reason = match self.wire.send(request, patience) {
            Ok(answer) => {
                self.check_key_is_accepted(request, &answer)?;
                self.look_for_keys(operation, &answer);
                self.note_limits(operation, &answer);
                return Ok(Some(answer));
            }
            Err(NoAnswer::Unreachable(reason)) if !self.was_reached => {
                return Err(Stop::Untestable(format!("the server cannot be reached: {reason}")));
            }
            // A response that is late because the run's time limit was reached is not the server's fault.
            Err(_) if self.left().is_err() => return Err(Stop::OutOfTime),
            Err(NoAnswer::Broken(reason) | NoAnswer::Unreachable(reason)) => reason,
        };
        let place = self.contract.place(operation.id.span, "this operation");
        let finding = Finding::at(
            Rule::LiveNoAnswer,
            place,
            format!("a request of `{}` got no response, or an incomplete one", operation.id.value),
        )
        .help("answer every request, if need be with a documented error")
        .note(format!("request: {}", self.wire.curl(request)))
        .note(format!("what happened: {reason}"));
        self.report(finding);
        Ok(None)
    }

    /// Stops the run if the key was never accepted.
    fn check_key_is_accepted(&mut self, request: &Request, answer: &Answer) -> Result<(), Stop> {
        self.was_reached = true;
        if matches!(request.authorization, Authorization::Key) {
            if answer.status == 401 && !self.key_was_taken {
                return Err(Stop::Untestable(format!(
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
            let place = self.contract.place(operation.id.span, "this operation");
            let message = format!("a response of `{}` has the API key in it", operation.id.value);
            let finding = Finding::at(Rule::LiveKeyEchoed, place, message)
                .help("never repeat the API key: responses are logged and shown");
            self.report_answer(finding, answer, "a response without the key");
        }
    }

    /// Sends a generated request, within the rate limit.
    pub fn send(&mut self, operation: &Operation, request: &Request) -> Result<Result<Answer, NoAnswer>, Stop> {
        if matches!(request.authorization, Authorization::Key | Authorization::Spelled(..)) {
            self.wait_for_room(operation)?;
        }
        let patience = self.left()?.min(self.limits.patience);
        self.requests += 1;
        let answer = self.wire.send(request, patience);
        if answer.is_err() {
            // A response that is missing because time is up is not a fault.
            self.left()?;
        }
        if let Ok(answer) = &answer {
            *self.of(operation).generated_statuses.entry(answer.status).or_default() += 1;
            self.keep_usage(operation, answer);
        }
        Ok(answer)
    }

    fn wait_for_room(&mut self, operation: &Operation) -> Result<(), Stop> {
        let longest = window(operation);
        let Some(usage) = self.of(operation).usage.filter(|usage| usage.remaining <= 0) else { return Ok(()) };
        let left = u64::try_from(usage.reset.saturating_sub(usage.now)).unwrap_or(0).min(longest);
        let until = usage.at + Duration::from_secs(left) + SLACK;
        self.of(operation).usage = None;
        self.sleep(until.saturating_duration_since(Instant::now()))
    }

    /// Waits, if there is enough time left.
    pub fn sleep(&mut self, duration: Duration) -> Result<(), Stop> {
        if self.left()? < duration {
            return Err(Stop::OutOfTime);
        }
        if duration > Duration::from_secs(2) {
            (self.report_step)(&format!("waiting {} s for the rate limit", duration.as_secs()));
        }
        std::thread::sleep(duration);
        Ok(())
    }

    /// The remaining time.
    pub fn left(&self) -> Result<Duration, Stop> {
        self.limits.time.checked_sub(self.began.elapsed()).ok_or(Stop::OutOfTime)
    }

    /// The documented response that matches by status and message alone.
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

    /// Records why a documented error was not seen, unless a reason is recorded already.
    pub fn not_tried_yet(&mut self, operation: &Operation, error: &DocumentedError, reason: String) {
        let label = label(operation, Some(error));
        self.of(operation).reasons.entry(label).or_insert(reason);
    }

    /// Records why a documented response was not tested.
    pub fn not_tried(&mut self, operation: &Operation, error: Option<&DocumentedError>, reason: String) {
        let label = label(operation, error);
        self.of(operation).reasons.insert(label, reason);
    }
}
