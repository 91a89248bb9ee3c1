//! The pages that people read agree with the contract, and their editions with each other.

mod about;
mod body;
mod editions;
mod endpoint;
mod errors;
mod fields;
mod headers;
mod limits;
mod parameters;
mod read;
mod request;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::outcome::Outcome;
use crate::page::{ErrorRow, Language, Page, Table};
use about::About;
use apidrift_core::contract::validate::Schemas;
use apidrift_core::contract::{Contract, DocumentedError, Operation};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use editions::Edition;
use endpoint::Subject;
use openapi_model::source::Source;
pub use read::{Pages, read};

/// Compares the pages of every language with the contract and with each other.
pub fn check(contract: &Contract, pages: &[Pages]) -> Outcome {
    let editions: Vec<Edition> = pages
        .iter()
        .map(|Pages { language, sources, are_complete }| Edition {
            language: *language,
            pages: sources.iter().map(|source| Page::read(source, *language)).collect(),
            is_complete: *are_complete,
        })
        .collect();
    let schemas = RefCell::new(Schemas::new(contract));
    let mut outcome = Outcome::default();
    for edition in &editions {
        outcome.add(edition.check(contract, &schemas));
    }
    let differing = editions::check(contract, &editions, &outcome.findings);
    outcome.findings.extend(differing);
    outcome
}

/// Compares one page from somewhere else with the contract. Its common errors stand on another page.
pub fn check_foreign(contract: &Contract, source: &Arc<Source>) -> Outcome {
    let page = Page::read(source, Language::of(&source.text));
    let schemas = RefCell::new(Schemas::new(contract));
    let path = &source.path;
    let troubled =
        || Outcome::unchecked(format!("{path} was not compared: what the contract says has to be put right first"));
    let shared = common(contract);
    if is_common(contract, &page, &shared) {
        if !contract.troubled.is_empty() {
            return troubled();
        }
        let mut findings = errors::common(contract, &[&page], &shared, &|_| false);
        findings.extend(body::common(contract, &page, &schemas));
        return Outcome { findings, ..Outcome::default() };
    }
    if page.endpoint.is_none() {
        return Outcome::unchecked(format!(
            "{path} was not compared: it names no endpoint in a code span such as `GET /things`, and has no table of common errors"
        ));
    }
    let mut outcome = Outcome::default();
    match endpoint::subjects(contract, &[&page], &mut outcome.findings)[..] {
        [Subject::Operation(operation)] => {
            let about = About { contract, operation, page: &page, schemas: &schemas };
            outcome.findings.extend(about.check(&shared));
            outcome.findings.extend(headers::check(&headers::names(contract), &page));
            if !page.links.iter().any(|link| link.value.to_lowercase().contains("error")) {
                outcome.findings.push(about.no_link("another page"));
            }
        }
        [Subject::Troubled] => outcome.add(troubled()),
        _ => {}
    }
    outcome
}

/// The errors that all operations share, with the same status and message: they may stand on one page for all. As long as
/// some operations are in trouble, these are those that may be shared.
fn common(contract: &Contract) -> Vec<&DocumentedError> {
    let Some((first, others)) = contract.operations.split_first() else { return Vec::new() };
    if others.is_empty() && contract.troubled.is_empty() {
        return Vec::new();
    }
    let has = |operation: &Operation, error: &DocumentedError| {
        operation.errors.iter().any(|other| errors::is_same(other, error))
    };
    first.errors.iter().filter(|error| others.iter().all(|operation| has(operation, error))).collect()
}

/// Whether a page is one for the common errors: it has no endpoint, and an error table that is not simply the one of some
/// operation's page.
fn is_common(contract: &Contract, page: &Page, shared: &[&DocumentedError]) -> bool {
    let is = |row: &ErrorRow, error: &DocumentedError| *row.status == *error.status && *row.message == *error.message;
    let own = |row: &ErrorRow| {
        let mut errors = contract.operations.iter().flat_map(|operation| &operation.errors);
        errors.any(|error| is(row, error)) && !shared.iter().any(|error| is(row, error))
    };
    page.endpoint.is_none() && !page.errors.is_empty() && !page.errors.iter().all(own)
}

impl Edition {
    fn check(&self, contract: &Contract, schemas: &RefCell<Schemas>) -> Outcome {
        let shared = common(contract);
        let (common_pages, others): (Vec<&Page>, Vec<&Page>) =
            self.pages.iter().partition(|page| is_common(contract, page, &shared));
        let (others, without): (Vec<&Page>, Vec<&Page>) = others.iter().partition(|page| page.endpoint.is_some());
        let mut findings: Vec<Finding> = without.into_iter().map(unknown).collect();
        let seen = by_operation(contract, &others, &mut findings);
        for (operation, page) in seen.values() {
            let about = About { contract, operation, page, schemas };
            findings.extend(about.check(&shared));
            if let Some(common) = common_pages.first()
                && !page.links.iter().any(|link| leads_to(&link.value, common))
            {
                findings.push(about.no_link(&common.source.path));
            }
        }
        if self.is_complete {
            findings.extend(self.missing(contract, &seen));
        }
        if contract.troubled.is_empty() {
            let names = headers::names(contract);
            findings.extend(self.pages.iter().flat_map(|page| headers::check(&names, page)));
        }
        let mut outcome = Outcome { findings, ..Outcome::default() };
        if !contract.troubled.is_empty() {
            // Which errors all operations share is known once all operations are.
            outcome.unchecked.extend(common_pages.iter().map(|page| {
                format!("{} was not compared: what the contract says has to be put right first", page.source.path)
            }));
        } else if common_pages.is_empty() {
            outcome.findings.extend(self.no_common_page(contract, &shared, &seen).filter(|_| self.is_complete));
        } else {
            // What every page has for itself need not stand on theirs.
            let is_elsewhere = |error: &DocumentedError| {
                !seen.is_empty() && seen.values().all(|(_, page)| errors::documents(page, error))
            };
            outcome.findings.extend(errors::common(contract, &common_pages, &shared, &is_elsewhere));
            outcome.findings.extend(common_pages.iter().flat_map(|page| body::common(contract, page, schemas)));
        }
        outcome
    }

    fn missing(&self, contract: &Contract, seen: &ByOperation<'_>) -> Vec<Finding> {
        let missing = contract.operations.iter().filter(|operation| !seen.contains_key(operation.id.as_str()));
        missing
            .map(|operation| {
                let place = contract.place(&operation.id.range, "this operation");
                let message = format!("`{}` has no page in {}", operation.id.value, self.language.name());
                let line = format!("`{} {}`", operation.method.value, operation.path.value);
                Finding::at(Rule::PageMissing, place, message)
                    .help(format!("write one that names its endpoint as {line}"))
            })
            .collect()
    }

    /// Without a page for the common errors they have to stand on every page of an operation.
    fn no_common_page(
        &self,
        contract: &Contract,
        shared: &[&DocumentedError],
        seen: &ByOperation<'_>,
    ) -> Option<Finding> {
        let absent = shared.iter().find(|error| seen.values().any(|(_, page)| !errors::documents(page, error)))?;
        let place = contract.place(&absent.message.range, "every operation documents this");
        let message = format!("the errors that all operations share have no page in {}", self.language.name());
        let help = "write a page without an endpoint that has them in its error table, and link to it from the others";
        Some(Finding::at(Rule::PageCommonErrors, place, message).help(help))
    }
}

/// The page of each operation that has one, by the operation's id.
type ByOperation<'a> = BTreeMap<&'a str, (&'a Operation, &'a Page)>;

/// Which page is about which operation. Of several about one, it is the one that names its permission, or the first.
fn by_operation<'a>(contract: &'a Contract, pages: &[&'a Page], findings: &mut Vec<Finding>) -> ByOperation<'a> {
    let mut about: BTreeMap<&str, (&Operation, Vec<&Page>)> = BTreeMap::new();
    for (page, subject) in pages.iter().zip(endpoint::subjects(contract, pages, findings)) {
        if let Subject::Operation(operation) = subject {
            about.entry(&operation.id).or_insert((operation, Vec::new())).1.push(page);
        }
    }
    let mut chosen = BTreeMap::new();
    for (id, (operation, pages)) in about {
        let permission = operation.permission.as_ref().map(|permission| &permission.value);
        let names_permission = |page: &&&Page| page.spans.iter().any(|span| Some(&span.value) == permission);
        let Some(first) = pages.iter().find(names_permission).or(pages.first()).copied() else { continue };
        for other in pages.into_iter().filter(|page| !std::ptr::eq(*page, first)) {
            let message = format!("two pages are about `{id}`");
            let finding = Finding::at(Rule::PageDuplicate, other.top("this page"), message);
            findings.push(finding.with(first.top("and this one")).help("make one page of them"));
        }
        chosen.insert(id, (operation, first));
    }
    chosen
}

fn unknown(page: &Page) -> Finding {
    let message = "the page names no endpoint and is none of common errors: nothing of it was compared";
    let finding = Finding::at(Rule::PageUnknown, page.top("this page"), message);
    finding.help("name the endpoint in a code span such as `GET /things`")
}

/// Whether a link leads to a page of the same folder.
fn leads_to(link: &str, page: &Page) -> bool {
    let name = |path: &str| {
        let file = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        file.trim_end_matches(".md").trim_end_matches(".html").to_owned()
    };
    let target = link.split(['#', '?']).next().unwrap_or_default();
    !target.is_empty() && name(target) == name(&page.source.path)
}

impl About<'_> {
    fn check(&self, common: &[&DocumentedError]) -> Vec<Finding> {
        let mut findings = Vec::new();
        findings.extend(self.permission());
        findings.extend(self.rate_limit());
        let answered = fields::answered(self.contract, self.operation);
        let is_listed = |name: &str| fields::is_listed(self.contract, &answered, name);
        let (parameters, others): (Vec<&Table>, Vec<&Table>) = self
            .page
            .tables
            .iter()
            .partition(|table| parameters::is_one(table, self.page.language, self.operation, &is_listed));
        findings.extend(self.parameters(&parameters));
        findings.extend(self.request());
        findings.extend(self.success());
        findings.extend(fields::compare(self.contract, self.page, &others, &answered));
        findings.extend(self.errors(common));
        findings
    }

    fn no_link(&self, to: &str) -> Finding {
        let message = format!("the page does not lead to the errors that all operations share ({to})");
        let finding = Finding::at(Rule::PageCommonErrorsLink, self.page.top("this page"), message);
        finding.help("link to it below the error table")
    }
}
