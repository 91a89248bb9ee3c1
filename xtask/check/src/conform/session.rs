//! One run against one server: its requests, responses and findings.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use apidrift_core::contract::Contract;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use apidrift_core::settings::{Conform, Role};
use openapi_model::node::Node;
use openapi_model::schema::SchemaId;
use openapi_model::values::{Direction, Misfit, Values};

use super::bodies::Bodies;
use super::credentials::{Authorization, CallerRole, Secrets};
use super::discovered::Discovered;
use super::facts::{Facts, has_operation};
use super::gate::Gate;
use super::operation::{self, Operation, Plan, PlannedError, label_of};
use super::target::{Limits, Target};
use super::usage::{Counts, Usage};
use super::wire::{Answer, Wire};
use crate::outcome::NotCompared;

/// Request bodies, or what is needed for one.
type Made = Option<Result<Arc<Bodies>, String>>;

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
    Success(&'a operation::Documented),
    Error(&'a PlannedError),
    /// A response for all errors without one of their own.
    Other(&'a operation::Documented),
}

impl<'a> Documented<'a> {
    pub fn error(self) -> Option<&'a PlannedError> {
        match self {
            Documented::Success(_) | Documented::Other(_) => None,
            Documented::Error(error) => Some(error),
        }
    }

    /// Its label in the report.
    pub fn label(self) -> String {
        match self {
            Documented::Success(response) | Documented::Other(response) => response.status.value.to_string(),
            Documented::Error(error) => label_of(error),
        }
    }
}

/// What is needed to send requests of an operation, if they may not be sent.
pub(super) fn not_permitted(operation: &Operation) -> String {
    format!("--send {}: only GET, HEAD and OPTIONS are sent unless an operation is named", operation.id.value)
}

/// The results for an operation so far.
#[derive(Default)]
pub(super) struct Progress {
    pub seen: BTreeMap<String, usize>,
    pub reasons: HashMap<String, String>,
    pub remarks: Vec<String>,
    /// Why a request was not sent.
    pub not_sent: Option<String>,
    pub usage: Option<Usage>,
    pub counts: Counts,
    /// How often generated requests got each status.
    pub generated_statuses: BTreeMap<u16, usize>,
}

pub(super) struct Session<'a> {
    pub contract: &'a Contract,
    pub plan: &'a Plan,
    pub target: &'a Target,
    pub facts: Facts<'a>,
    pub limits: &'a Limits,
    /// What may be sent.
    pub gate: Gate,
    /// The request bodies by the index of their operation, or what is needed for one; made when they are needed.
    bodies: RefCell<HashMap<usize, Made>>,
    values: RefCell<Values<'a>>,
    /// Schemas that could not be used.
    unusable: HashSet<SchemaId>,
    pub not_compared: Vec<NotCompared>,
    pub wire: Wire,
    /// Values of parameters found in responses.
    pub discovered: Discovered,
    /// Called with each next step.
    pub report_step: &'a dyn Fn(&str),
    pub findings: Vec<Finding>,
    /// How often each finding was made.
    pub known: HashMap<Broken, usize>,
    /// By the index of the operation in the contract.
    pub progress: HashMap<usize, Progress>,
    pub requests: usize,
    /// Whether the server has answered.
    pub was_reached: bool,
    /// Whether the key was accepted.
    pub key_was_taken: bool,
    pub began: Instant,
}

/// The documented error that matches a response.
pub(super) fn error_of<'a>(operation: &'a Operation, answer: &Answer) -> Option<&'a PlannedError> {
    let says = |error: &&PlannedError| match &error.identity {
        Some(identity) => answer.identity() == Some(identity.as_str()),
        None => true,
    };
    operation.errors.iter().find(|error| *error.status == answer.status && says(error))
}

/// The label of a documented response in the report.
pub(super) fn label(operation: &Operation, error: Option<&PlannedError>) -> String {
    match error {
        None => operation.success_label(),
        Some(error) => label_of(error),
    }
}

impl<'a> Session<'a> {
    pub fn start(
        contract: &'a Contract,
        settings: &'a Conform,
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
        if let Some(unknown) = limits.send.iter().find(|name| *name != "*" && !has_operation(contract, name)) {
            return Err(format!("--send {unknown}: the contract has no such operation"));
        }
        let facts = Facts::new(contract, settings, target)?;
        let needs_key = |operation: &&Operation| !operation.security.is_open();
        if !facts.has_full_caller() && !plan.operations.is_empty() && plan.operations.iter().all(|it| needs_key(&it)) {
            let needed = facts.needed(Role::Full);
            return Err(format!("an API key is needed: {needed}, or a [[conform.caller]] in the settings"));
        }
        let named: Vec<&str> =
            settings.send.iter().map(|name| name.get_ref()).chain(&limits.send).map(String::as_str).collect();
        let gate = Gate::new(plan, &named, limits.everything, limits.read_only);
        Ok(Session {
            contract,
            plan,
            target,
            limits,
            gate,
            bodies: RefCell::default(),
            wire: Wire::new(&target.url, facts.secrets(), limits, contract.profile.error_identity.as_deref())?,
            facts,
            values: RefCell::new(Values::new(&contract.document)),
            unusable: HashSet::new(),
            not_compared: Vec::new(),
            discovered: Discovered::default(),
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
        self.gate.permits_operation(operation) && self.is_wanted(&operation.id)
    }

    /// Whether the user selected an operation, or selected none.
    pub fn is_wanted(&self, id: &str) -> bool {
        self.limits.operations.is_empty() || self.limits.operations.iter().any(|wanted| wanted == id)
    }

    /// The credentials of the caller who may do everything.
    ///
    /// # Errors
    ///
    /// What is needed for them.
    pub fn full_caller(&self, operation: &Operation) -> Result<Authorization, String> {
        self.facts.caller(Role::Full, &self.contract.document, &operation.security)
    }

    /// The credentials of a caller with another role, if there is one.
    ///
    /// # Errors
    ///
    /// What is needed for them.
    pub fn caller(&self, role: Role, operation: &Operation) -> Result<Authorization, String> {
        self.facts.caller(role, &self.contract.document, &operation.security)
    }

    /// The credentials of a caller whose requests fail.
    pub fn failing_caller(&self, operation: &Operation, secrets: &Secrets) -> Option<Authorization> {
        let parts = secrets.for_security(&self.contract.document, &operation.security).ok()?;
        Some(Authorization { role: CallerRole::Uncertain, parts })
    }

    /// An operation by its ID, or by its method and path.
    pub fn operation(&self, name: &str) -> Option<&'a Operation> {
        self.plan.operations.iter().find(|operation| *operation.id == *name || operation.endpoint() == name)
    }

    /// Whether the settings say that a server checks for one status before it checks for another.
    pub fn is_checked_before(&self, first: u16, then: u16) -> bool {
        let place = |status| self.facts.settings.order.iter().position(|known| *known == status);
        place(first).zip(place(then)).is_some_and(|(first, then)| first < then)
    }

    pub fn of(&mut self, operation: &Operation) -> &mut Progress {
        self.progress.entry(operation.index).or_default()
    }

    /// The request bodies of an operation, or what is needed for one; `None` if it takes none.
    pub fn bodies(&self, operation: &Operation) -> Made {
        let mut bodies = self.bodies.borrow_mut();
        let make = || {
            let mut values = self.values.borrow_mut();
            Bodies::of(&self.contract.document, &mut values, &self.facts, operation).map(Arc::new)
        };
        bodies.entry(operation.index).or_insert_with(|| operation.body.is_some().then(make)).clone()
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
        let misfits = self.values.borrow_mut().misfits(schema, direction, value);
        match misfits {
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

    /// The documented response that matches by status and identity alone.
    pub fn documented(&self, operation: &'a Operation, answer: &Answer) -> Option<Documented<'a>> {
        let success = operation.success(answer.status).map(Documented::Success);
        let error = || error_of(operation, answer).map(Documented::Error);
        success.or_else(error).or_else(|| operation.other(answer.status).map(Documented::Other))
    }

    pub fn saw(&mut self, operation: &Operation, found: Documented<'_>) {
        *self.of(operation).seen.entry(found.label()).or_default() += 1;
    }

    pub fn has_seen(&mut self, operation: &Operation, error: &PlannedError) -> bool {
        self.of(operation).seen.contains_key(&label_of(error))
    }

    /// Records why a documented error was not seen, unless a reason is recorded already.
    pub fn not_tried_yet(&mut self, operation: &Operation, error: &PlannedError, reason: String) {
        let label = label(operation, Some(error));
        self.of(operation).reasons.entry(label).or_insert(reason);
    }

    /// Records why a documented error, or the success, was not tested.
    pub fn not_tried(&mut self, operation: &Operation, error: Option<&PlannedError>, reason: String) {
        let label = label(operation, error);
        self.of(operation).reasons.insert(label, reason);
    }

    /// Records why a response for all other errors was not tested.
    pub fn other_not_tried(&mut self, operation: &Operation, other: &operation::Documented, reason: String) {
        self.of(operation).reasons.insert(other.status.value.to_string(), reason);
    }
}
