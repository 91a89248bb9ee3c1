//! The operations that can be tested, with their documented responses.
//!
//! Any contract can be tested. An operation that could not be read, or whose success is not documented, is not tried;
//! the report lists it with the reason.

use std::ops::Deref;
use std::sync::Arc;

use apidrift_core::contract::{self, Contract, DocumentedError, RateLimit};
use apidrift_core::settings::Conform;
use openapi_model::document::{self, Header, Location, MediaType, Status, covers, essence};
use openapi_model::paths;
use openapi_model::shape::{AllOf, Shape};
use openapi_model::span::{Span, Spanned};

use super::gate::SAFE_METHODS;
use super::provocations::Provocation;

/// The operations of a contract, sorted by whether they can be tested.
pub(super) struct Plan {
    /// The operations that can be tested, in document order.
    pub operations: Vec<Operation>,
    /// The others, in document order.
    pub untried: Vec<Untried>,
}

/// An operation that can be tested.
pub(super) struct Operation {
    spec: Arc<document::Operation>,
    /// Its index among all operations of the contract.
    pub index: usize,
    pub id: Spanned<String>,
    pub parameters: Vec<Parameter>,
    /// The responses to successful requests, at least one: 2xx, 3xx, ranges of them, and `default` if there are none.
    pub successes: Vec<Documented>,
    /// The documented errors, by status and name, without those that cannot be distinguished from others.
    pub errors: Vec<PlannedError>,
    /// The responses for all other errors: `4XX`, `5XX` and `default`.
    pub others: Vec<Documented>,
    /// The labels of errors that cannot be distinguished from others, with the reasons.
    pub indistinct: Vec<(String, String)>,
    pub rate_limit: Option<Spanned<RateLimit>>,
}

/// A parameter with the shape of its schema.
pub(super) struct Parameter {
    spec: document::Parameter,
    /// Accepts anything if there is no schema.
    pub shape: Arc<Shape>,
}

/// A documented error, and how it is provoked.
#[derive(Debug, Clone)]
pub(super) struct PlannedError {
    error: DocumentedError,
    pub provocation: Provocation,
}

/// A documented response that is told by its status alone.
#[derive(Debug, Clone)]
pub(super) struct Documented {
    pub status: Spanned<Status>,
    /// The index of the response.
    response: usize,
}

/// The documented body of a response.
pub(super) enum Body<'a> {
    /// No body.
    None,
    /// Nothing that can be compared.
    Undocumented,
    /// A JSON body.
    Json(&'a MediaType),
    /// A body of one of these media types, of which only the media type is compared.
    Other(&'a [MediaType]),
}

/// An operation that cannot be tested.
pub(super) struct Untried {
    /// Its index among all operations of the contract.
    pub index: usize,
    pub id: String,
    pub method: String,
    pub path: String,
    /// Its documented responses.
    pub labels: Vec<String>,
    /// Why it is not tested.
    pub reason: String,
}

impl Deref for Operation {
    type Target = document::Operation;
    fn deref(&self) -> &document::Operation {
        &self.spec
    }
}

impl Deref for PlannedError {
    type Target = DocumentedError;
    fn deref(&self) -> &DocumentedError {
        &self.error
    }
}

impl Deref for Parameter {
    type Target = document::Parameter;
    fn deref(&self) -> &document::Parameter {
        &self.spec
    }
}

impl Plan {
    /// `settings` say how errors are provoked.
    pub fn of(contract: &Contract, settings: &Conform) -> Plan {
        let mut plan = Plan { operations: Vec::new(), untried: Vec::new() };
        for (index, operation) in contract.operations.iter().enumerate() {
            match Operation::new(contract, settings, index, operation) {
                Ok(operation) => plan.operations.push(operation),
                Err(reason) => plan.untried.push(Untried::new(index, operation, reason)),
            }
        }
        plan
    }
}

impl Operation {
    /// The operation, or why it cannot be tested.
    fn new(
        contract: &Contract,
        settings: &Conform,
        index: usize,
        operation: &contract::Operation,
    ) -> Result<Operation, String> {
        if let Some(unread) = operation.unread.first() {
            return Err(format!("it could not be read whole: {}", unread.reason));
        }
        // Its requests would go to another server.
        if !operation.path.starts_with('/') {
            return Err("its path does not begin with `/`".to_owned());
        }
        let (successes, others) = told_by_status(operation);
        if successes.is_empty() {
            return Err("it documents no success".to_owned());
        }
        let described = |name: &str| {
            let mut parameters = operation.parameters.iter();
            parameters.any(|parameter| parameter.location == Location::Path && *parameter.name == *name)
        };
        if let Some(name) = paths::variables(&operation.path).into_iter().find(|name| !described(name)) {
            return Err(format!("its path has a variable `{name}` that no path parameter describes"));
        }
        let mut errors: Vec<PlannedError> = Vec::new();
        let mut indistinct = Vec::new();
        for error in &operation.errors {
            match errors.iter().find(|other| answers_alike(other, error)) {
                Some(first) => {
                    let reason = format!("`{}` and `{}` cannot be told apart", error.name.value, first.name.value);
                    indistinct.push((label_of(error), reason));
                }
                None => errors.push(PlannedError {
                    provocation: Provocation::of(settings, operation, error),
                    error: error.clone(),
                }),
            }
        }
        if *operation.method == *"HEAD" && errors.iter().any(|error| error.identity.is_some()) {
            return Err("its errors are told apart by their bodies, and responses to HEAD have none".to_owned());
        }
        let document = &contract.document;
        let parameter = |spec: &document::Parameter| {
            let schema = spec.schema.map(AllOf::from).unwrap_or_default();
            Parameter { spec: spec.clone(), shape: document.shape(&schema) }
        };
        Ok(Operation {
            index,
            id: operation.id.clone(),
            parameters: operation.parameters.iter().map(parameter).collect(),
            successes,
            errors,
            others,
            indistinct,
            rate_limit: operation.rate_limit.clone(),
            spec: operation.spec.clone(),
        })
    }

    /// The parameters of the path.
    pub fn path_parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(|parameter| parameter.location == Location::Path)
    }

    /// Whether its method is safe, as HTTP defines it.
    pub fn is_safe(&self) -> bool {
        SAFE_METHODS.contains(&self.method.as_str())
    }

    /// Whether a status is that of a success.
    pub fn is_success(&self, status: u16) -> bool {
        self.success(status).is_some()
    }

    /// The success with a status.
    pub fn success(&self, status: u16) -> Option<&Documented> {
        let has_error = self.errors.iter().any(|error| *error.status == status);
        let is_failure = |found: &&Documented| *found.status == Status::Default && status >= 400;
        best(&self.successes, status).filter(|found| !has_error && !is_failure(found))
    }

    /// The response for errors with a status that have none of their own.
    pub fn other(&self, status: u16) -> Option<&Documented> {
        let is_documented = self.errors.iter().any(|error| *error.status == status) || self.is_success(status);
        best(&self.others, status).filter(|_| !is_documented)
    }

    /// The place of the first success.
    pub fn success_span(&self) -> Span {
        self.successes.first().map_or(self.id.span, |success| success.status.span)
    }

    /// The label of all successes in messages.
    pub fn success_label(&self) -> String {
        let labels: Vec<String> = self.successes.iter().map(|success| success.status.value.to_string()).collect();
        labels.join(" or ")
    }

    /// A header of a success.
    pub fn success_header(&self, name: &str) -> Option<&Header> {
        let headers = self.successes.iter().filter_map(|success| self.spec.responses.get(success.response));
        headers.flat_map(|response| &response.headers).find(|header| header.name.eq_ignore_ascii_case(name))
    }

    /// The documented response of an error.
    pub fn error_response(&self, error: &PlannedError) -> Option<&document::Response> {
        self.spec.responses.get(error.response)
    }

    /// A documented response that is told by its status.
    pub fn response(&self, documented: &Documented) -> Option<&document::Response> {
        self.spec.responses.get(documented.response)
    }
}

/// The response that is documented for a status most closely: itself, then its range, then `default`.
fn best(documented: &[Documented], status: u16) -> Option<&Documented> {
    let of = |wanted: Status| documented.iter().find(|documented| *documented.status == wanted);
    let digit = u8::try_from(status / 100).unwrap_or(0);
    of(Status::Code(status)).or_else(|| of(Status::Range(digit))).or_else(|| of(Status::Default))
}

/// The documented body of a response to a request that got this media type. `is_success`: errors may have a body that
/// is not documented.
pub(super) fn body<'a>(response: &'a document::Response, media_type: Option<&str>, is_success: bool) -> Body<'a> {
    let content = response.content.as_slice();
    if content.is_empty() {
        return if is_success { Body::None } else { Body::Undocumented };
    }
    let found = media_type.and_then(|found| content.iter().find(|media| covers(&media.name, found)));
    match found.or_else(|| contract::json(content)) {
        Some(media) if is_json_type(&media.name) || media_type.is_some_and(is_json_type) => Body::Json(media),
        _ => Body::Other(content),
    }
}

/// Whether a media type is one of JSON documents.
pub(super) fn is_json_type(media_type: &str) -> bool {
    let name = essence(media_type);
    name == "application/json" || name.ends_with("+json")
}

impl Untried {
    fn new(index: usize, operation: &contract::Operation, reason: String) -> Untried {
        let mut labels: Vec<String> =
            operation.responses.iter().map(|response| response.status.value.to_string()).collect();
        if labels.is_empty() {
            labels.push("any response".to_owned());
        }
        Untried {
            index,
            id: operation.id.value.clone(),
            method: operation.method.value.clone(),
            path: operation.path.value.clone(),
            labels,
            reason,
        }
    }
}

/// The responses of an operation that are told by their status alone: the successes, and those for other errors.
fn told_by_status(operation: &contract::Operation) -> (Vec<Documented>, Vec<Documented>) {
    let (mut successes, mut others) = (Vec::new(), Vec::new());
    for (response, answer) in operation.responses.iter().enumerate() {
        let documented = Documented { status: answer.status.clone(), response };
        match answer.status.value {
            Status::Code(200..=399) | Status::Range(2..=3) => successes.push(documented),
            Status::Range(4..) | Status::Default => others.push(documented),
            Status::Code(_) | Status::Range(_) => {}
        }
    }
    if successes.is_empty() {
        successes = others.iter().filter(|documented| *documented.status == Status::Default).cloned().collect();
    }
    (successes, others)
}

/// Whether two errors are the same one.
pub(super) fn is_same(one: &PlannedError, other: &PlannedError) -> bool {
    *one.status == *other.status && *one.name == *other.name
}

/// Whether a response that matches one of two errors also matches the other.
fn answers_alike(one: &DocumentedError, other: &DocumentedError) -> bool {
    let identity = |error: &DocumentedError| error.identity.as_ref().map(|identity| identity.value.clone());
    *one.status == *other.status && (identity(one) == identity(other) || one.identity.is_none())
}

/// The label of an error in the report.
pub(super) fn label_of(error: &DocumentedError) -> String {
    match &error.identity {
        Some(identity) => format!("{} {}", error.status.value, identity.value),
        None => error.status.value.to_string(),
    }
}
