//! A profile for a contract that has none: the conventions that the contract already follows.

use std::collections::{HashMap, HashSet};

use openapi_model::document::{Document, Example, Operation, Status};
use openapi_model::shape::Additional;

use super::errors::{errors, identity};
use super::media::json;
use super::operation::{permission, rate_limit};
use crate::profile::{Profile, Requirement, SCOPES};

/// Pointers to values that may distinguish errors with the same status, best first.
const IDENTITIES: [&str; 10] = [
    "/code",
    "/error/code",
    "/errors/0/code",
    "/error_code",
    "/type",
    "/error/type",
    "/error",
    "/message",
    "/error/message",
    "/title",
];

/// The conventions that a contract and its `pages` already follow. Nothing is required that the contract does not do
/// everywhere, so the check reports nothing today and reports a new operation that deviates.
pub fn propose(document: &Document, pages: &[String]) -> Profile {
    let operations: Vec<&Operation> = document.operations.iter().map(AsRef::as_ref).collect();
    let error_identity = error_identity(&operations, pages);
    let mut profile = Profile {
        error_schema: error_schema(document, &operations, error_identity.as_deref()),
        error_identity,
        permission: permission_source(&operations),
        rate_limit: rate_limit_extension(&operations),
        require: Vec::new(),
    };
    let requirements = Requirement::ALL.into_iter();
    profile.require = requirements.filter(|wanted| keeps(*wanted, &profile, &operations)).collect();
    profile
}

fn keeps(requirement: Requirement, profile: &Profile, operations: &[&Operation]) -> bool {
    let all = |has: &dyn Fn(&Operation) -> bool| !operations.is_empty() && operations.iter().all(|it| has(it));
    match requirement {
        Requirement::OperationId => all(&|operation| operation.id.is_some()),
        Requirement::Security => all(&|operation| !operation.security.is_open()),
        Requirement::Permission => all(&|operation| permission(profile, operation).is_some()),
        Requirement::RateLimit => all(&|operation| rate_limit(profile, operation).is_some()),
        // Whether pages are complete cannot be known without comparing them.
        Requirement::CompletePages => false,
        Requirement::ErrorExamples => {
            let has_errors = operations.iter().any(|operation| !errors(profile, operation).is_empty());
            let is_named = |operation: &Operation| {
                let errors = errors(profile, operation);
                let names: HashSet<&str> = errors.iter().map(|error| error.name.as_str()).collect();
                let all_are_whole = errors.iter().all(|error| error.identity.is_some() && error.summary.is_some());
                all_are_whole && names.len() == errors.len()
            };
            has_errors && all(&is_named)
        }
    }
}

/// The pointer that exists in nearly every error example and whose values differ among all examples of one status. If
/// several qualify, the one whose values occur most often on the pages, otherwise the first. `None` if no status has
/// several examples: then the status alone identifies an error.
fn error_identity(operations: &[&Operation], pages: &[String]) -> Option<String> {
    let responses = operations.iter().flat_map(|operation| &operation.responses);
    let errors = responses.filter(|response| matches!(*response.status, Status::Code(400..=599)));
    let statuses: Vec<&[Example]> =
        errors.filter_map(|response| Some(json(&response.content)?.examples.as_slice())).collect();
    let tell: Vec<(&str, Vec<String>)> =
        IDENTITIES.into_iter().filter_map(|pointer| Some((pointer, identities(pointer, &statuses)?))).collect();
    let on_pages = |identities: &[String]| {
        identities.iter().filter(|identity| pages.iter().any(|page| page.contains(identity.as_str()))).count()
    };
    // Among equal counts, the first wins.
    let best = tell.iter().rev().max_by_key(|(_, identities)| on_pages(identities))?;
    Some(best.0.to_owned())
}

/// The values that a pointer leads to, if they distinguish the errors.
fn identities(pointer: &str, statuses: &[&[Example]]) -> Option<Vec<String>> {
    let examples: usize = statuses.iter().map(|examples| examples.len()).sum();
    let mut found = Vec::new();
    let mut several = false;
    for examples in statuses {
        let mut known: Vec<String> =
            examples.iter().filter_map(|example| Some(identity(pointer, example.value.as_ref()?)?.0)).collect();
        known.sort();
        if known.windows(2).any(|pair| pair[0] == pair[1]) {
            return None;
        }
        several |= known.len() > 1;
        found.extend(known);
    }
    (several && found.len() * 10 >= examples * 9).then_some(found)
}

/// The component that is the schema of every error with a JSON body, if it is open to more fields.
fn error_schema(document: &Document, operations: &[&Operation], identity: Option<&str>) -> Option<String> {
    let mut known: Option<String> = None;
    for response in operations.iter().flat_map(|operation| &operation.responses) {
        if !matches!(*response.status, Status::Code(400..=599) | Status::Range(4 | 5) | Status::Default) {
            continue;
        }
        let name = document.shape_of(json(&response.content)?.schema?).name.as_ref()?.value.clone();
        if known.get_or_insert_with(|| name.clone()) != &name {
            return None;
        }
    }
    let shape = document.shape_of(document.component(known.as_ref()?)?);
    let field = identity.and_then(|pointer| pointer.split('/').nth(1));
    let is_open = !matches!(shape.additional, Additional::Nothing(_))
        && field.is_none_or(|field| shape.required.keys().all(|required| required == field));
    known.filter(|_| is_open)
}

/// The extension that names permissions in most operations, or `scopes` if most operations have scopes.
fn permission_source(operations: &[&Operation]) -> Option<String> {
    let names = |name: &str, value: &openapi_model::node::Node| name.contains("permission") && value.as_str().is_some();
    let by_extension = most(operations, names);
    let by_scopes = || {
        let profile = Profile { permission: Some(SCOPES.to_owned()), ..Profile::default() };
        let known = operations.iter().filter(|operation| permission(&profile, operation).is_some()).count();
        (known * 2 > operations.len()).then(|| SCOPES.to_owned())
    };
    by_extension.or_else(by_scopes)
}

/// The extension that gives a rate limit in most operations.
fn rate_limit_extension(operations: &[&Operation]) -> Option<String> {
    most(operations, |_, value| value.get("requests").is_some() && value.get("window_seconds").is_some())
}

/// The extension that more than half of the operations have with a value that satisfies `wanted`.
fn most(operations: &[&Operation], wanted: impl Fn(&str, &openapi_model::node::Node) -> bool) -> Option<String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for operation in operations {
        for extension in operation.extensions.iter().filter(|entry| wanted(&entry.key, &entry.value)) {
            *counts.entry(&extension.key).or_default() += 1;
        }
    }
    let best = counts.into_iter().max_by_key(|(name, count)| (*count, std::cmp::Reverse(*name)))?;
    (best.1 * 2 > operations.len()).then(|| best.0.to_owned())
}
