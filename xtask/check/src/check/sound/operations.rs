//! Requirements on every operation: a unique ID, path parameters, existing security schemes; and the requirements of
//! the profile.

use std::collections::{HashMap, HashSet};

use openapi_model::document::{Location, Version};
use openapi_model::paths;
use openapi_model::span::Span;

use super::report::report;
use apidrift_core::contract::{Contract, Operation};
use apidrift_core::finding::Finding;
use apidrift_core::profile::{Requirement, SCOPES};
use apidrift_core::rules::Rule;

pub(super) fn check(contract: &Contract, findings: &mut Vec<Finding>) {
    let document = &contract.document;
    // In 3.1 a document may consist only of components for others.
    let is_library = document.version == Version::V3_1 && !document.components.is_empty();
    if contract.operations.is_empty() && document.webhooks.is_empty() && !is_library {
        let message = "the contract has no operation: its `paths` are empty or missing".to_owned();
        let help = "describe at least one, such as `paths: {/things: {get: …}}`";
        report(findings, contract, Rule::ContractParses, (contract.document.openapi.span, "here"), message, help);
    }
    let mut ids: HashMap<&str, Span> = HashMap::new();
    let mut reported: HashSet<Span> = HashSet::new();
    let mut paths: HashMap<String, Span> = HashMap::new();
    for operation in &contract.operations {
        id(contract, operation, &mut ids, findings);
        if let Some(first) = paths.insert(operation.call(), operation.path.span) {
            let message = format!("{} is described twice, under two paths", operation.endpoint());
            let place = contract.place(operation.path.span, "again here");
            let finding = Finding::at(Rule::ContractPathParameter, place, message);
            let help = "the paths differ only in the names of variables, so no request can tell them apart";
            findings.push(finding.with(contract.place(first, "first here")).help(help));
        }
        variables(contract, operation, findings);
        security(contract, operation, &mut reported, findings);
        profile_requirements(contract, operation, findings);
    }
}

fn id<'a>(
    contract: &Contract,
    operation: &'a Operation,
    ids: &mut HashMap<&'a str, Span>,
    findings: &mut Vec<Finding>,
) {
    let Some(id) = &operation.spec.id else {
        if contract.profile.requires(Requirement::OperationId) {
            let message = format!("{} has no `operationId`", operation.endpoint());
            let help = "add one in snake_case; it becomes the name of a method";
            let at = (operation.method.span, "this operation");
            report(findings, contract, Rule::ContractOperationId, at, message, help);
        }
        return;
    };
    if let Some(first) = ids.insert(&id.value, id.span) {
        let message = format!("two operations have the id `{}`", id.value);
        let finding = Finding::at(Rule::ContractOperationId, contract.place(id.span, "again here"), message)
            .with(contract.place(first, "first here"))
            .help("give each operation an id of its own");
        findings.push(finding);
    }
}

/// The path parameters must match the variables of the path.
fn variables(contract: &Contract, operation: &Operation, findings: &mut Vec<Finding>) {
    let path = &operation.path;
    let described: Vec<_> =
        operation.parameters.iter().filter(|parameter| parameter.location == Location::Path).collect();
    let variables = paths::variables(path);
    // A parameter that could not be read may describe it.
    let unread = operation.unread.iter().any(|unread| unread.part == openapi_model::document::Part::Parameters);
    for name in variables.iter().filter(|name| !unread && !described.iter().any(|known| *known.name == ***name)) {
        let message = format!("the path `{}` has a variable `{name}` that no path parameter describes", path.value);
        let help = "describe it under `parameters` with `in: path` and `required: true`";
        report(findings, contract, Rule::ContractPathParameter, (path.span, "this path"), message, help);
    }
    for parameter in described.iter().filter(|parameter| !variables.contains(&parameter.name.as_str())) {
        let message = format!("the path `{}` has no variable `{}`", path.value, parameter.name.value);
        let help = "write it into the path in braces, or remove the parameter";
        let at = (parameter.name.span, "this parameter");
        report(findings, contract, Rule::ContractPathParameter, at, message, help);
    }
}

/// The places of undeclared security schemes, which have a rule of their own.
pub(super) fn undeclared(contract: &Contract) -> HashSet<Span> {
    let demanded = contract.operations.iter().flat_map(|operation| operation.security.alternatives.iter().flatten());
    let undeclared = demanded.filter(|scheme| contract.document.security_scheme(&scheme.name).is_none());
    undeclared.map(|scheme| scheme.name.span).collect()
}

fn security(contract: &Contract, operation: &Operation, reported: &mut HashSet<Span>, findings: &mut Vec<Finding>) {
    if contract.profile.requires(Requirement::Security) && operation.security.is_open() {
        let message = format!("{} requires no security scheme, so anyone can call it", operation.endpoint());
        let help = "write `security: [{name_of_a_scheme: []}]` for the document or the operation";
        report(findings, contract, Rule::ContractSecurity, (operation.id.span, "this operation"), message, help);
    }
    for scheme in operation.security.alternatives.iter().flatten() {
        // The document's own requirements apply to many operations, and are reported once.
        if contract.document.security_scheme(&scheme.name).is_none() && reported.insert(scheme.name.span) {
            let message = format!(
                "{} requires the security scheme `{}`, which is not declared",
                operation.endpoint(),
                scheme.name.value
            );
            let help = "declare it under `components.securitySchemes`";
            report(findings, contract, Rule::ContractSecurity, (scheme.name.span, "not declared"), message, help);
        }
    }
}

/// Checks the requirements of the profile.
fn profile_requirements(contract: &Contract, operation: &Operation, findings: &mut Vec<Finding>) {
    let profile = &contract.profile;
    let at = (operation.id.span, "this operation");
    let is_named = operation.permission.as_ref().is_some_and(|permission| !permission.trim().is_empty());
    if profile.requires(Requirement::Permission) && !is_named {
        let help = match profile.permission.as_deref() {
            Some(SCOPES) | None => "name the scopes that it needs under `security`".to_owned(),
            Some(extension) => format!("write `{extension}: area.action`"),
        };
        let message = format!("{} has no permission", operation.endpoint());
        report(findings, contract, Rule::ContractPermission, at, message, &help);
    }
    if profile.requires(Requirement::RateLimit) && operation.rate_limit.is_none() {
        let extension = profile.rate_limit.as_deref().unwrap_or("x-rate-limit");
        let help = format!("write `{extension}: {{requests: 20, window_seconds: 60}}`, both above 0");
        let message = format!("{} has no valid rate limit", operation.endpoint());
        report(findings, contract, Rule::ContractRateLimit, at, message, &help);
    }
}
