//! The errors, as the profile requires them: one schema, and named examples that can be told apart.

use openapi_model::document::{Response, Status};
use openapi_model::schema::SchemaId;
use openapi_model::shape::Additional;

use super::report::report;
use apidrift_core::contract::{Contract, DocumentedError, Operation, json};
use apidrift_core::finding::Finding;
use apidrift_core::profile::Requirement;
use apidrift_core::rules::Rule;

pub(super) fn check(contract: &Contract, findings: &mut Vec<Finding>) {
    for operation in &contract.operations {
        for (index, response) in operation.responses.iter().enumerate() {
            if !matches!(*response.status, Status::Code(400..=599)) {
                continue;
            }
            schema(contract, operation, response, findings);
            if contract.profile.requires(Requirement::ErrorExamples) {
                named(contract, operation, index, response, findings);
            }
        }
        ambiguous(contract, operation, findings);
    }
    if let Some(id) = contract.error_schema() {
        stays_open(contract, id, findings);
    }
}

/// Every error must have the profile's error schema, if there is one.
fn schema(contract: &Contract, operation: &Operation, response: &Response, findings: &mut Vec<Finding>) {
    let Some(wanted) = &contract.profile.error_schema else { return };
    let schema = json(&response.content).and_then(|media| media.schema);
    let name = schema.and_then(|id| contract.document.shape_of(id).name.clone());
    if name.is_some_and(|name| name.value == *wanted) {
        return;
    }
    let written = schema.map(|id| contract.document.schema(id));
    let span = written.map_or(response.status.span, |schema| {
        schema.reference.as_ref().map_or(schema.span, |reference| reference.text.span)
    });
    let status = response.status.value;
    let message = format!("the {status} of {} does not have the schema `{wanted}`", operation.endpoint());
    let help = format!("write `$ref: '#/components/schemas/{wanted}'`: every error has the same body");
    report(findings, contract, Rule::ContractErrorSchema, (span, "this response"), message, &help);
}

/// Every error must be a named example with a summary and an identity.
fn named(contract: &Contract, operation: &Operation, index: usize, response: &Response, findings: &mut Vec<Finding>) {
    let pointer = contract.profile.error_identity.as_deref().unwrap_or("/message");
    let field = pointer.rsplit('/').next().unwrap_or_default();
    let examples = json(&response.content).map(|media| media.examples.as_slice()).unwrap_or_default();
    let status = response.status.value;
    if examples.is_empty() {
        let message = format!("the {status} of {} has no named error", operation.endpoint());
        let help = format!("name each error under `examples`, with a `summary` and `value: {{{field}: …}}`");
        let at = (response.status.span, "this status");
        report(findings, contract, Rule::ContractErrorUnnamed, at, message, &help);
    }
    for example in examples {
        let known =
            operation.errors.iter().find(|error| error.response == index && error.name.span == example.name.span);
        let is_whole = known.is_some_and(|error| {
            error.identity.is_some() && error.summary.as_ref().is_some_and(|summary| !summary.trim().is_empty())
        });
        if !is_whole {
            let message =
                format!("the error `{}` of {} lacks a {field} or a summary", example.name.value, operation.endpoint());
            let help = format!("write `summary: what to do about it` and `value: {{{field}: what is wrong}}`");
            let at = (example.name.span, "this error");
            report(findings, contract, Rule::ContractErrorText, at, message, &help);
        }
    }
}

/// No two errors of an operation may look the same to a client. If generated code uses their names, those must differ
/// too.
fn ambiguous(contract: &Contract, operation: &Operation, findings: &mut Vec<Finding>) {
    let names_count = contract.profile.requires(Requirement::ErrorExamples);
    let named: Vec<&DocumentedError> = operation.errors.iter().filter(|error| error.identity.is_some()).collect();
    let identity = |error: &DocumentedError| error.identity.as_ref().map(|identity| identity.value.clone());
    for (index, error) in named.iter().enumerate() {
        let is_same = |other: &&&DocumentedError| {
            (names_count && *other.name == *error.name)
                || (*other.status == *error.status && identity(other) == identity(error))
        };
        let Some(other) = named[..index].iter().find(is_same) else { continue };
        let text = |error: &DocumentedError| format!("{} {}", error.status.value, identity(error).unwrap_or_default());
        // They are sorted by status and name; people read from top to bottom.
        let (first, second) =
            if other.name.span.start <= error.name.span.start { (other, error) } else { (error, other) };
        let message = format!(
            "{} documents two errors that a client cannot tell apart: `{}` and `{}`",
            operation.endpoint(),
            text(first),
            text(second)
        );
        let place = contract.place(second.name.span, "cannot be told apart");
        let finding = Finding::at(Rule::ContractErrorAmbiguous, place, message)
            .with(contract.place(first.name.span, "from this one"))
            .help(
                "clients distinguish errors by status and the profile's `error_identity`, generated code by name: make both unique",
            );
        findings.push(finding);
    }
}

/// Servers may add fields to errors, so the schema must permit more fields.
fn stays_open(contract: &Contract, id: SchemaId, findings: &mut Vec<Finding>) {
    let schema = contract.document.schema(id);
    let name = contract.profile.error_schema.as_deref().unwrap_or_default();
    if let Additional::Nothing(span) = contract.document.shape_of(id).additional {
        let message = format!("the schema `{name}` is closed: clients could not parse a body with an additional field");
        let help = "remove `additionalProperties`";
        report(findings, contract, Rule::ContractErrorSchema, (span, "closes the schema"), message, help);
    }
    let pointer = contract.profile.error_identity.as_deref().unwrap_or_default();
    let Some(field) = pointer.split('/').nth(1) else { return };
    for required in schema.required.iter().filter(|required| required.value != field) {
        let message =
            format!("the schema `{name}` requires `{}`; every error has a `{field}` and may have more", required.value);
        let help = format!("require `{field}` only");
        report(findings, contract, Rule::ContractErrorSchema, (required.span, "required"), message, &help);
    }
}
