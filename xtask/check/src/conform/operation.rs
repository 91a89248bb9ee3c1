//! The operations that can be tested: one success, and distinguishable errors.
//!
//! Any contract can be tested. An operation whose responses cannot be told apart, or could not be read, is not tried;
//! the report lists it with the reason.

use std::ops::Deref;
use std::sync::Arc;

use apidrift_core::contract::{self, Contract, DocumentedError, RateLimit};
use openapi_model::document::{self, Document, Header, Location, MediaType, Status};
use openapi_model::paths;
use openapi_model::shape::{AllOf, Shape};
use openapi_model::span::Spanned;

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
    pub success: Success,
    /// The documented errors, by status and name, without those that cannot be distinguished from others.
    pub errors: Vec<DocumentedError>,
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

/// The response to a successful request.
pub(super) struct Success {
    pub status: Spanned<u16>,
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

impl Deref for Parameter {
    type Target = document::Parameter;
    fn deref(&self) -> &document::Parameter {
        &self.spec
    }
}

impl Plan {
    pub fn of(contract: &Contract) -> Plan {
        let mut plan = Plan { operations: Vec::new(), untried: Vec::new() };
        for (index, operation) in contract.operations.iter().enumerate() {
            match Operation::new(&contract.document, index, operation) {
                Ok(operation) => plan.operations.push(operation),
                Err(reason) => plan.untried.push(Untried::new(index, operation, reason)),
            }
        }
        plan
    }
}

impl Operation {
    /// The operation, or why it cannot be tested.
    fn new(document: &Document, index: usize, operation: &contract::Operation) -> Result<Operation, String> {
        let success = success(operation)?;
        let described = |name: &str| {
            let mut parameters = operation.parameters.iter();
            parameters.any(|parameter| parameter.location == Location::Path && *parameter.name == *name)
        };
        if let Some(name) = paths::variables(&operation.path).into_iter().find(|name| !described(name)) {
            return Err(format!("its path has a variable `{name}` that no path parameter describes"));
        }
        let mut errors: Vec<DocumentedError> = Vec::new();
        let mut indistinct = Vec::new();
        for error in &operation.errors {
            match errors.iter().find(|other| answers_alike(other, error)) {
                Some(first) => {
                    let reason = format!("`{}` and `{}` cannot be told apart", error.name.value, first.name.value);
                    indistinct.push((label_of(error), reason));
                }
                None => errors.push(error.clone()),
            }
        }
        if *operation.method == *"HEAD" && errors.iter().any(|error| error.identity.is_some()) {
            return Err("its errors are told apart by their bodies, and responses to HEAD have none".to_owned());
        }
        let parameter = |spec: &document::Parameter| {
            let schema = spec.schema.map(AllOf::from).unwrap_or_default();
            Parameter { spec: spec.clone(), shape: document.shape(&schema) }
        };
        Ok(Operation {
            index,
            id: operation.id.clone(),
            parameters: operation.parameters.iter().map(parameter).collect(),
            success,
            errors,
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
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS")
    }

    /// Whether a request is malformed without a body. Bodies are not generated.
    pub fn needs_body(&self) -> bool {
        self.spec.body.as_ref().is_some_and(|body| *body.required)
    }

    /// The headers of a documented response: of an error, or of the success.
    pub fn headers(&self, error: Option<&DocumentedError>) -> &[Header] {
        self.response(error).map(|response| response.headers.as_slice()).unwrap_or_default()
    }

    /// A header of the success.
    pub fn success_header(&self, name: &str) -> Option<&Header> {
        self.headers(None).iter().find(|header| header.name.eq_ignore_ascii_case(name))
    }

    /// The body of a documented response: of an error, or of the success.
    pub fn body(&self, error: Option<&DocumentedError>) -> Body<'_> {
        let content = self.response(error).map(|response| response.content.as_slice()).unwrap_or_default();
        match contract::json(content) {
            Some(media) => Body::Json(media),
            // An error without a documented body may still have one.
            None if content.is_empty() && error.is_none() => Body::None,
            None => Body::Undocumented,
        }
    }

    fn response(&self, error: Option<&DocumentedError>) -> Option<&document::Response> {
        self.spec.responses.get(error.map_or(self.success.response, |error| error.response))
    }
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

/// The one success of an operation, or why its responses cannot be distinguished.
fn success(operation: &contract::Operation) -> Result<Success, String> {
    if let Some(unread) = operation.unread.first() {
        return Err(format!("it could not be read whole: {}", unread.reason));
    }
    let mut successes = Vec::new();
    for (response, answer) in operation.responses.iter().enumerate() {
        match answer.status.value {
            Status::Code(code @ 200..=299) => {
                successes.push(Success { status: Spanned::new(code, answer.status.span), response });
            }
            Status::Code(400..=599) => {}
            Status::Code(code) => {
                return Err(format!("it documents {code}, which is neither a success nor an error"));
            }
            status => return Err(format!("it documents `{status}`; write each status separately")),
        }
    }
    let count = successes.len();
    let success = successes.pop().filter(|_| count == 1);
    let success = success.ok_or_else(|| format!("it documents {count} successes; exactly one is needed"))?;
    let content = operation.responses.get(success.response).map(|answer| answer.content.as_slice()).unwrap_or_default();
    if !content.is_empty() && contract::json(content).is_none() {
        return Err(format!("its {} has no JSON body", success.status.value));
    }
    Ok(success)
}

/// Whether two errors are the same one.
pub(super) fn is_same(one: &DocumentedError, other: &DocumentedError) -> bool {
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
