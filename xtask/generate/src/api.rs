//! The contract in the form of which a client with named errors is generated: operations with one success and errors that
//! are told apart by their messages.
//!
//! An operation that does not have this form is a problem and is left out. Problems that one of the contract's own
//! rules already reports are marked, so that the check reports them only once.

use std::collections::HashSet;

use apidrift_core::contract::{self, Contract, Extent};
use apidrift_core::profile::Requirement;
use openapi_model::document::{self, Document, Location, MediaType, Response, Status, Version};
use openapi_model::paths;
use openapi_model::problem::{self, ProblemKind};
use openapi_model::schema::SchemaId;
use openapi_model::span::{Span, Spanned};

use super::problem::Problem;

/// The JSON pointer to the property that distinguishes generated errors with the same status.
const IDENTITY: &str = "/message";
const JSON: &str = "application/json";

/// Everything that code is generated from.
#[derive(Debug)]
pub struct Api<'a> {
    /// The document, for its schemas.
    pub document: &'a Document,
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
    /// The place of its request body, if it has one.
    pub body: Option<Span>,
    /// Its parameters, in order.
    pub parameters: Vec<Parameter<'a>>,
    /// Its errors, by status and name.
    pub errors: Vec<DocumentedError<'a>>,
}

/// A parameter.
#[derive(Debug)]
pub struct Parameter<'a> {
    /// Its name.
    pub name: &'a Spanned<String>,
    /// Its location.
    pub location: Location,
    /// Its schema.
    pub schema: SchemaId,
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
        (Api { document, operations }, lowering.problems)
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
        self.responses(&what, operation);
        let errors = self.errors(&what, operation);
        let misread: Vec<&problem::Problem> = misread(&self.contract.document).collect();
        let is_misread = || Extent::of(&self.contract.document, &operation.spec).find(&misread, |problem| problem.span);
        if !misread.is_empty() && is_misread().is_some() {
            return None;
        }
        if self.problems.len() > before {
            return None;
        }
        Some(Operation {
            id: &operation.id,
            method: &operation.method,
            path: &operation.path,
            tags: operation.tags.iter().map(|tag| tag.value.as_str()).collect(),
            body: operation.body.as_ref().map(|body| body.key),
            parameters,
            errors,
        })
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
                Some(schema) => parameters.push(Parameter { name, location: parameter.location, schema }),
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

    /// Checks that there is one success. Reports every status that is neither that nor an error.
    fn responses(&mut self, what: &str, operation: &'a contract::Operation) {
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
            return;
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
    }

    fn errors(&mut self, what: &str, operation: &'a contract::Operation) -> Vec<DocumentedError<'a>> {
        let profile = &self.contract.profile;
        for response in operation.responses.iter().filter(|it| matches!(*it.status, Status::Code(400..=599))) {
            self.error_response(what, response, &operation.errors);
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
            errors.push(DocumentedError { name: &error.name, status: error.status.value, message, summary });
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
