//! The contract in the form from which code is generated: operations with one success, named errors, a permission and a
//! rate limit.
//!
//! An operation that does not have this form is a problem and is left out. Problems that one of the contract's own
//! rules already reports are marked, so that the check reports them only once.

use std::collections::HashSet;

use apidrift_core::contract::{self, Contract, Extent, RateLimit};
use apidrift_core::profile::{Requirement, SCOPES};
use openapi_model::document::{self, Document, Location, MediaType, Response, Status, Version};
use openapi_model::paths;
use openapi_model::problem::{self, ProblemKind};
use openapi_model::schema::{Schema, SchemaId};
use openapi_model::span::{Span, Spanned};

use super::problem::Problem;

/// The extension in which the generated server states the permission of an operation.
const PERMISSION: &str = "x-required-permission";
/// The extension in which it states the rate limit.
const RATE_LIMIT: &str = "x-rate-limit";
/// The JSON pointer to the property that distinguishes generated errors with the same status.
const IDENTITY: &str = "/message";
const JSON: &str = "application/json";

/// Everything that code is generated from.
#[derive(Debug)]
pub struct Api<'a> {
    /// The document, for its schemas.
    pub document: &'a Document,
    /// The component with the schema of all errors.
    pub error_schema: &'a str,
    /// The operations that have the required form, in the order of the document.
    pub operations: Vec<Operation<'a>>,
}

/// An operation.
#[derive(Debug)]
pub struct Operation<'a> {
    /// `operationId`.
    pub id: &'a Spanned<String>,
    /// `GET`, `POST`, ….
    pub method: &'a Spanned<String>,
    /// The path.
    pub path: &'a Spanned<String>,
    /// Its tags.
    pub tags: Vec<&'a str>,
    /// `summary`; empty if there is none.
    pub summary: &'a str,
    /// `description`; empty if there is none.
    pub description: &'a str,
    /// Whether it is deprecated.
    pub is_deprecated: bool,
    /// The place of its request body, if it has one.
    pub body: Option<Span>,
    /// Its parameters, in order.
    pub parameters: Vec<Parameter<'a>>,
    /// Its success.
    pub success: Success<'a>,
    /// Its errors, by status and name.
    pub errors: Vec<DocumentedError<'a>>,
    /// The permission that a key needs.
    pub permission: &'a str,
    /// Its rate limit.
    pub rate_limit: RateLimit,
}

/// A parameter.
#[derive(Debug)]
pub struct Parameter<'a> {
    /// Its name.
    pub name: &'a Spanned<String>,
    /// Its location.
    pub location: Location,
    /// Whether it is required.
    pub required: bool,
    /// Its description; empty if there is none.
    pub description: &'a str,
    /// Its schema.
    pub schema: SchemaId,
}

/// The answer to a successful request.
#[derive(Debug)]
pub struct Success<'a> {
    /// Its status.
    pub status: Spanned<u16>,
    /// Its description.
    pub description: &'a str,
    /// Its headers.
    pub headers: Vec<Header<'a>>,
    /// The component of its body; `None` if it has no body.
    pub schema: Option<&'a str>,
    /// Its examples, by name.
    pub examples: Vec<serde_json::Value>,
}

/// A header of an answer.
#[derive(Debug, Clone)]
pub struct Header<'a> {
    /// Its name.
    pub name: &'a Spanned<String>,
    /// Whether every such answer has it.
    pub required: bool,
    /// Its description; empty if there is none.
    pub description: &'a str,
    /// Its schema.
    pub schema: SchemaId,
    /// Its value, if it has only one.
    pub constant: Option<&'a str>,
}

/// An error.
#[derive(Debug)]
pub struct DocumentedError<'a> {
    /// Its name in code.
    pub name: &'a Spanned<String>,
    /// Its status.
    pub status: u16,
    /// Its message.
    pub message: &'a str,
    /// What to do about it.
    pub summary: &'a str,
    /// The headers of its response.
    pub headers: Vec<Header<'a>>,
}

/// The schema that an ID refers to, after following `$ref`s.
pub fn resolved(document: &Document, id: SchemaId) -> &Schema {
    document.schema(resolved_id(document, id))
}

/// The ID of the schema that an ID refers to, after following `$ref`s.
pub fn resolved_id(document: &Document, id: SchemaId) -> SchemaId {
    let mut seen = HashSet::new();
    let mut here = id;
    while let Some(target) = document.schema(here).reference.as_ref().and_then(|reference| reference.target) {
        if !seen.insert(here) {
            break;
        }
        here = target;
    }
    here
}

impl<'a> Api<'a> {
    /// Converts the contract as far as it has the required form; everything else becomes a problem.
    pub fn new(contract: &'a Contract) -> (Api<'a>, Vec<Problem>) {
        let document = &contract.document;
        let mut lowering = Lowering { contract, problems: Vec::new() };
        lowering.document();
        let mut ids = HashSet::new();
        let operations = contract.operations.iter().filter_map(|operation| lowering.operation(operation, &mut ids));
        let operations = operations.collect();
        let error_schema = contract.profile.error_schema.as_deref().unwrap_or_default();
        (Api { document, error_schema, operations }, lowering.problems)
    }
}

struct Lowering<'a> {
    contract: &'a Contract,
    problems: Vec<Problem>,
}

impl<'a> Lowering<'a> {
    fn problem(&mut self, span: Span, message: impl Into<String>) {
        self.problems.push(Problem::new(span, message.into()));
    }

    /// Adds a problem. `is_covered`: a rule about the contract reports it already.
    fn report_unless_covered(&mut self, is_covered: bool, span: Span, message: impl Into<String>) {
        self.problems.push(Problem { is_covered, ..Problem::new(span, message.into()) });
    }

    fn document(&mut self) {
        let contract = self.contract;
        let (document, profile) = (&contract.document, &contract.profile);
        let here = document.openapi.span;
        if document.version != Version::V3_0 {
            self.problem(
                here,
                format!("the document is OpenAPI {}; the generator supports only 3.0", document.openapi.value),
            );
        }
        if document.files.len() > 1 {
            let span = external_reference(document).unwrap_or(here);
            self.problem(span, "the document refers to other files; the generator supports only a single file");
        }
        for problem in misread(document) {
            self.report_unless_covered(true, problem.span, problem.message.clone());
        }
        if profile.error_schema.is_none() {
            let why = "the profile does not name the schema of all errors (`error_schema`)";
            self.problem(here, why);
        }
        if let Some(identity) = profile.error_identity.as_deref().filter(|identity| *identity != IDENTITY) {
            self.problem(here, format!("`error_identity` is `{identity}`; the generator supports only `{IDENTITY}`"));
        }
        for (known, place, what) in [
            (PERMISSION, &profile.permission, "the permission of an operation"),
            (RATE_LIMIT, &profile.rate_limit, "the rate limit of an operation"),
        ] {
            if let Some(place) = place.as_deref().filter(|place| *place != known) {
                let place = if place == SCOPES { "its scopes".to_owned() } else { format!("`{place}`") };
                self.problem(here, format!("the profile has {what} in {place}; the generator supports only `{known}`"));
            }
        }
    }

    fn operation(&mut self, operation: &'a contract::Operation, ids: &mut HashSet<&'a str>) -> Option<Operation<'a>> {
        let profile = &self.contract.profile;
        let before = self.problems.len();
        let what = operation.endpoint();
        if operation.spec.id.is_none() {
            let message = format!("{what} has no `operationId`");
            self.report_unless_covered(profile.requires(Requirement::OperationId), operation.method.span, message);
        } else if !ids.insert(&operation.id.value) {
            self.report_unless_covered(
                true,
                operation.id.span,
                format!("two operations have the id `{}`", operation.id.value),
            );
        }
        for unread in &operation.unread {
            self.report_unless_covered(true, unread.span, format!("part of {what} cannot be read: {}", unread.reason));
        }
        let parameters = self.parameters(operation);
        let success = self.responses(&what, operation);
        let errors = self.errors(&what, operation);
        let misread: Vec<&problem::Problem> = misread(&self.contract.document).collect();
        let is_misread = || Extent::of(&self.contract.document, &operation.spec).find(&misread, |problem| problem.span);
        if !misread.is_empty() && is_misread().is_some() {
            return None;
        }
        if self.problems.len() > before {
            return None;
        }
        self.gate(&what, operation);
        let text = |text: &'a Option<Spanned<String>>| text.as_ref().map_or("", |text| text.trim_end());
        Some(Operation {
            id: &operation.id,
            method: &operation.method,
            path: &operation.path,
            tags: operation.tags.iter().map(|tag| tag.value.as_str()).collect(),
            summary: text(&operation.summary),
            description: text(&operation.description),
            is_deprecated: operation.deprecated.is_some(),
            body: operation.body.as_ref().map(|body| body.key),
            parameters,
            success: success?,
            errors,
            permission: operation.permission.as_ref().map_or("", |permission| &permission.value),
            // Without a permission or a rate limit there is a problem, so no code is generated.
            rate_limit: operation
                .rate_limit
                .as_ref()
                .map_or(RateLimit { requests: 0, window_seconds: 0 }, |it| it.value),
        })
    }

    /// Checks what the server needs to know before it calls the operation: permission and rate limit.
    fn gate(&mut self, what: &str, operation: &contract::Operation) {
        let profile = &self.contract.profile;
        let span = operation.id.span;
        if operation.permission.as_ref().is_none_or(|permission| permission.trim().is_empty()) {
            let message =
                format!("{what} has no permission (`{PERMISSION}`); the server requires one for every operation");
            self.report_unless_covered(profile.requires(Requirement::Permission), span, message);
        }
        if operation.rate_limit.is_none() {
            let message =
                format!("{what} has no valid rate limit (`{RATE_LIMIT}`); the server requires one for every operation");
            self.report_unless_covered(profile.requires(Requirement::RateLimit), span, message);
        }
        if operation.security.is_open() {
            let message = format!("{what} requires no security scheme; the server always requires a key");
            self.report_unless_covered(profile.requires(Requirement::Security), span, message);
        }
    }

    fn parameters(&mut self, operation: &'a contract::Operation) -> Vec<Parameter<'a>> {
        let path = &operation.path;
        let variables = paths::variables(path);
        let of_path: Vec<&document::Parameter> =
            operation.parameters.iter().filter(|parameter| parameter.location == Location::Path).collect();
        for name in variables.iter().filter(|name| !of_path.iter().any(|known| *known.name == ***name)) {
            self.report_unless_covered(
                true,
                path.span,
                format!("no path parameter describes the variable `{name}` of `{}`", path.value),
            );
        }
        for parameter in of_path.iter().filter(|parameter| !variables.contains(&parameter.name.as_str())) {
            let message = format!("the path `{}` has no variable `{}`", path.value, parameter.name.value);
            self.report_unless_covered(true, parameter.name.span, message);
        }
        let mut parameters = Vec::new();
        for parameter in &operation.parameters {
            let name = &parameter.name;
            let default =
                if matches!(parameter.location, Location::Path | Location::Header) { "simple" } else { "form" };
            if *parameter.style != *default {
                let message =
                    format!("the `style` of the parameter `{}`; the generator supports only `{default}`", name.value);
                self.problem(parameter.style.span, message);
            }
            // The model assumes this default; progenitor does not.
            if parameter.location == Location::Path && !self.is_written_true(parameter.required.span) {
                self.problem(name.span, format!("the path parameter `{}` is not `required: true`", name.value));
            }
            match parameter.schema {
                Some(schema) => parameters.push(Parameter {
                    name,
                    location: parameter.location,
                    required: parameter.required.value,
                    description: parameter.description.as_ref().map_or("", |text| text.trim_end()),
                    schema,
                }),
                None => self.problem(name.span, format!("the parameter `{}` has no `schema`", name.value)),
            }
        }
        parameters
    }

    /// Whether the document has `true` at a place.
    fn is_written_true(&self, span: Span) -> bool {
        let file = self.contract.document.files.get(usize::from(span.file.0));
        let text = file.and_then(|file| file.text.get(span.range()));
        text.is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// The one success. Reports every status that is neither that nor an error.
    fn responses(&mut self, what: &str, operation: &'a contract::Operation) -> Option<Success<'a>> {
        let mut successes = Vec::new();
        for response in &operation.responses {
            let span = response.status.span;
            match *response.status {
                Status::Code(code @ 200..=299) => successes.push((Spanned::new(code, span), response)),
                Status::Code(400..=599) => {}
                Status::Code(code) => {
                    self.problem(span, format!("{what} documents {code}, which is neither a success nor an error"));
                }
                status => {
                    self.problem(span, format!("{what} documents `{status}`; write each status separately"));
                }
            }
        }
        let count = successes.len();
        let Ok([(status, response)]) = <[_; 1]>::try_from(successes) else {
            self.problem(operation.id.span, format!("{what} documents {count} successes; exactly one is needed"));
            return None;
        };
        let content = self.content(what, response);
        let schema = content.and_then(|content| component(&self.contract.document, content));
        if !response.content.is_empty() && schema.is_none() {
            let message = format!("the {} of {what} has no JSON body whose schema is a `$ref`", status.value);
            let reference =
                content.and_then(|content| self.contract.document.schema(content.schema?).reference.as_ref());
            self.report_unless_covered(
                reference.is_some_and(|reference| reference.target.is_none()),
                status.span,
                message,
            );
        }
        let mut examples: Vec<_> = content.map(|content| content.examples.iter().collect()).unwrap_or_default();
        examples.sort_by(|one, other| one.name.value.cmp(&other.name.value));
        let examples = examples.iter().filter_map(|example| example.value.as_ref());
        Some(Success {
            status,
            description: response.description.trim_end(),
            headers: self.headers(response),
            schema,
            examples: examples.map(|value| value.to_json()).collect(),
        })
    }

    fn errors(&mut self, what: &str, operation: &'a contract::Operation) -> Vec<DocumentedError<'a>> {
        let profile = &self.contract.profile;
        let mut headers = Vec::new();
        for response in &operation.responses {
            let own = if matches!(*response.status, Status::Code(400..=599)) {
                self.error_response(what, response, &operation.errors);
                self.headers(response)
            } else {
                Vec::new()
            };
            headers.push(own);
        }
        let mut errors: Vec<DocumentedError<'a>> = Vec::new();
        for error in &operation.errors {
            let summary = error.summary.as_ref().map(|summary| summary.trim()).filter(|summary| !summary.is_empty());
            let (Some(message), Some(summary)) = (error.identity.as_ref(), summary) else {
                let message = format!("the error `{}` of {what} lacks a message or a summary", error.name.value);
                self.report_unless_covered(profile.requires(Requirement::ErrorExamples), error.name.span, message);
                continue;
            };
            let is_same = |other: &DocumentedError| {
                *other.name.value == *error.name.value
                    || (other.status == error.status.value && *other.message == *message.value)
            };
            if errors.iter().any(is_same) {
                let status = error.status.value;
                let message = format!("{what} documents `{status} {}` twice, as two different errors", message.value);
                self.report_unless_covered(true, error.name.span, message);
                continue;
            }
            errors.push(DocumentedError {
                name: &error.name,
                status: error.status.value,
                message,
                summary,
                headers: headers.get(error.response).cloned().unwrap_or_default(),
            });
        }
        errors
    }

    /// Checks an error's response: JSON of the one schema, with only named examples.
    fn error_response(&mut self, what: &str, response: &'a Response, errors: &[contract::DocumentedError]) {
        let status = &response.status;
        let content = self.content(what, response);
        let schema = content.and_then(|content| component(&self.contract.document, content));
        let wanted = self.contract.profile.error_schema.as_deref();
        if let Some(wanted) = wanted
            && schema != Some(wanted)
        {
            // The same condition as in the rule about the schema of errors.
            let schema = contract::json(&response.content).and_then(|media| media.schema);
            let name = schema.and_then(|schema| self.contract.document.shape_of(schema).name.clone());
            let is_covered = name.is_none_or(|name| name.value != wanted);
            let message = format!("the {} of {what} is not a `$ref` to the schema `{wanted}`", status.value);
            self.report_unless_covered(is_covered, status.span, message);
        }
        let examples = content.map(|content| content.examples.as_slice()).unwrap_or_default();
        let is_error = |example: &document::Example| errors.iter().any(|error| error.name.span == example.name.span);
        for example in examples.iter().filter(|example| !is_error(example)) {
            let message = format!("the error `{}` of {what} lacks a message", example.name.value);
            self.report_unless_covered(
                self.contract.profile.requires(Requirement::ErrorExamples),
                example.name.span,
                message,
            );
        }
    }

    /// The JSON content of an answer, which must be its only content.
    fn content(&mut self, what: &str, response: &'a Response) -> Option<&'a MediaType> {
        let is_json = |media: &&MediaType| media.name.value == JSON;
        let json = response.content.iter().find(is_json);
        if let Some(other) = response.content.iter().find(|media| json.is_some() && !is_json(media)) {
            let status = response.status.value;
            let message = format!(
                "the {status} of {what} is `{}` as well as JSON; generated code sends only JSON",
                other.name.value
            );
            self.problem(other.name.span, message);
        }
        json
    }

    fn headers(&mut self, response: &'a Response) -> Vec<Header<'a>> {
        let mut headers = Vec::new();
        for header in &response.headers {
            let Some(schema) = header.schema else {
                self.problem(header.name.span, format!("the header `{}` has no `schema`", header.name.value));
                continue;
            };
            let values = resolved(&self.contract.document, schema).enumeration.as_ref();
            let constant = match values.map(|values| values.value.as_slice()) {
                Some([only]) => only.as_str(),
                _ => None,
            };
            headers.push(Header {
                name: &header.name,
                required: header.required.value,
                description: header.description.as_ref().map_or("", |text| text.trim_end()),
                schema,
                constant,
            });
        }
        headers
    }
}

/// Defects of the document that make its meaning unclear.
fn misread(document: &Document) -> impl Iterator<Item = &problem::Problem> {
    document.problems.iter().filter(|problem| problem.kind != ProblemKind::BesideReference)
}

/// The component that the schema of a body refers to.
fn component<'a>(document: &'a Document, content: &MediaType) -> Option<&'a str> {
    let reference = document.schema(content.schema?).reference.as_ref()?;
    document.component(local(&reference.text)?)?;
    local(&reference.text)
}

/// The name in a reference to a component of the same document.
pub fn local(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/components/schemas/")
}

/// The place of a reference from a schema to another file.
fn external_reference(document: &Document) -> Option<Span> {
    let references = document.schemas().filter_map(|(_, schema)| schema.reference.as_ref());
    references.map(|reference| &reference.text).find(|text| !text.starts_with('#')).map(|text| text.span)
}
