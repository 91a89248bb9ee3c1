//! Which operation a page is about, and whether it names its method and path.

use std::collections::{BTreeSet, HashMap, HashSet};

use openapi_model::paths::{anonymous, call};

use super::about::Basis;
use super::request;
use crate::page::{Endpoint, Page};
use apidrift_core::contract::Operation;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// Two endpoints that are less alike than this are about different things.
const ALIKE: f64 = 0.7;

/// What a page is about.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// An operation.
    Operation(&'a Operation),
    /// An operation that is not compared.
    SetAside,
    /// No operation that there is.
    Nothing,
}

/// What each of the pages of one language is about. One whose endpoint is written wrongly is recognised by what is left
/// of it, if no other page is about the operation.
pub fn subjects<'a>(basis: &Basis<'a>, pages: &[&Page], findings: &mut Vec<Finding>) -> Vec<Subject<'a>> {
    let by_call: HashMap<String, &Operation> =
        basis.operations().map(|operation| (operation.call(), operation)).collect();
    let of_operations = basis.operations().flat_map(|operation| &operation.spec.servers);
    let servers = basis.document().servers.iter().chain(of_operations);
    let folders: BTreeSet<&str> = servers.map(|server| request::split(&server.url).1.trim_end_matches('/')).collect();
    let named = |page: &Page| {
        let endpoint = page.endpoint.as_ref()?;
        below(endpoint, &folders).find_map(|path| by_call.get(&call(&endpoint.method, path)).copied())
    };
    let taken: HashSet<String> = pages.iter().filter_map(|page| named(page)).map(Operation::call).collect();
    let left: Vec<&Operation> = basis.operations().filter(|operation| !taken.contains(&operation.call())).collect();
    let is_set_aside = |endpoint: &Endpoint| {
        below(endpoint, &folders).any(|path| basis.set_aside.contains(&call(&endpoint.method, path)))
    };
    let mut subject = |page: &Page| {
        let Some(endpoint) = &page.endpoint else { return Subject::Nothing };
        match named(page) {
            Some(operation) => {
                // The names of the variables may still be wrong.
                if !below(endpoint, &folders).any(|path| *operation.path == *path) {
                    findings.push(misnamed(basis, page, endpoint, operation));
                }
                Subject::Operation(operation)
            }
            None if is_set_aside(endpoint) => Subject::SetAside,
            None => nearest(basis, &left, page, endpoint, findings),
        }
    };
    pages.iter().map(|page| subject(page)).collect()
}

/// The path of an endpoint as it is written, and without the folder of a server that it begins with.
fn below<'a>(endpoint: &'a Endpoint, folders: &BTreeSet<&'a str>) -> impl Iterator<Item = &'a str> {
    let path = endpoint.path.as_str();
    let below = folders.iter().filter_map(move |folder| path.strip_prefix(folder));
    std::iter::once(path).chain(below.filter(|rest| rest.starts_with('/')))
}

/// The operation that a page means which names none.
fn nearest<'a>(
    basis: &Basis<'a>,
    left: &[&'a Operation],
    page: &Page,
    endpoint: &Endpoint,
    findings: &mut Vec<Finding>,
) -> Subject<'a> {
    let written = endpoint.call();
    // An operation at the same path is nearer than one whose name happens to be alike.
    let closeness = |method: &str, path: &str| {
        if path == endpoint.path.value { 1.0 } else { strsim::normalized_levenshtein(&written, &call(method, path)) }
    };
    let operations =
        left.iter().map(|operation| (closeness(&operation.method, &operation.path), Subject::Operation(operation)));
    let set_aside = basis.set_aside.iter().map(|call| {
        let is_at_path = call.split_once(' ').is_some_and(|(_, path)| path == anonymous(&endpoint.path));
        let closeness = if is_at_path { 1.0 } else { strsim::normalized_levenshtein(&written, call) };
        (closeness, Subject::SetAside)
    });
    let best = operations.chain(set_aside).max_by(|(one, _), (other, _)| one.total_cmp(other));
    match best.filter(|(closeness, _)| *closeness >= ALIKE) {
        Some((_, subject)) => {
            if let Subject::Operation(operation) = subject {
                findings.push(misnamed(basis, page, endpoint, operation));
            }
            subject
        }
        None => {
            let place = page.place(&endpoint.path.range, "no operation");
            let message = format!("the contract has no operation `{} {}`", endpoint.method.value, endpoint.path.value);
            let finding = Finding::at(Rule::PageUnknownOperation, place, message);
            findings.push(finding.help("correct the endpoint, or remove the page"));
            Subject::Nothing
        }
    }
}

fn misnamed(basis: &Basis<'_>, page: &Page, endpoint: &Endpoint, operation: &Operation) -> Finding {
    let (rule, here, there, right) = if *endpoint.path == *operation.path {
        (Rule::PageMethod, &endpoint.method.range, operation.method.span, &operation.method.value)
    } else {
        (Rule::PagePath, &endpoint.path.range, operation.path.span, &operation.path.value)
    };
    let message = format!("the contract has no operation `{} {}`", endpoint.method.value, endpoint.path.value);
    let finding = Finding::at(rule, page.place(here, "the page says this"), message);
    let finding = finding.with(basis.place(there, "the contract says this"));
    finding.help(format!("write `{right}`")).fix_with(right)
}
