//! The pages that people read agree with the contract, and their editions with each other.

mod about;
mod body;
mod editions;
mod endpoint;
mod errors;
mod fields;
mod headers;
mod limits;
mod parameter_text;
mod parameters;
mod read;
mod request;
mod shapes;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::outcome::Outcome;
use crate::page::{ErrorRow, Language, Page, Table};
use about::{About, Basis, falls_under};
use apidrift_core::contract::{Contract, DocumentedError, Operation};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use editions::Edition;
use endpoint::Subject;
use openapi_model::source::Source;
pub use read::{Pages, names_of_pages, read};

/// Compares the pages of every language with the contract and with each other. Of the operations in `set_aside`, by how they
/// are called, not everything is known: nothing is compared with them.
pub fn check(contract: &Contract, set_aside: &HashSet<String>, pages: &[Pages]) -> Outcome {
    let editions: Vec<Edition> = pages
        .iter()
        .map(|Pages { language, sources, are_complete }| Edition {
            language: *language,
            pages: sources.iter().map(|source| Page::read(source, *language)).collect(),
            is_complete: *are_complete,
        })
        .collect();
    let basis = Basis::new(contract, set_aside);
    let mut outcome = Outcome::default();
    for edition in &editions {
        outcome.add(edition.check(&basis));
    }
    let differing = editions::check(&basis, &editions, &outcome.findings);
    outcome.findings.extend(differing);
    outcome
}

/// Compares one page from somewhere else with the contract. Its common errors stand on another page.
pub fn check_foreign(contract: &Contract, set_aside: &HashSet<String>, source: &Arc<Source>) -> Outcome {
    let page = Page::read(source, Language::of(&source.text));
    let basis = Basis::new(contract, set_aside);
    let path = &source.path;
    let not_compared =
        || Outcome::unchecked(format!("{path} was not compared: what the contract says has to be put right first"));
    let shared = common(&basis);
    if is_common(&basis, &page, &shared) {
        if !basis.is_whole() {
            return not_compared();
        }
        let mut findings = errors::common(&basis, &[&page], &shared, &|_| false);
        findings.extend(body::common(&basis, &page));
        return Outcome { findings, ..Outcome::default() };
    }
    if page.endpoint.is_none() {
        return Outcome::unchecked(format!(
            "{path} was not compared: it names no endpoint in a code span such as `GET /things`, and has no table of common errors"
        ));
    }
    let mut outcome = Outcome::default();
    match endpoint::subjects(&basis, &[&page], &mut outcome.findings)[..] {
        [Subject::Operation(operation)] => {
            let about = About { basis: &basis, operation, page: &page };
            outcome.findings.extend(about.check(&shared));
            outcome.findings.extend(headers::check(&headers::names(&basis), &page));
            if !page.links.iter().any(|link| link.value.to_lowercase().contains("error")) {
                outcome.findings.push(about.no_link("another page"));
            }
        }
        [Subject::SetAside] => outcome.add(not_compared()),
        _ => {}
    }
    outcome
}

/// The errors that all operations share, with the same status and what tells them apart: they may stand on one page for all.
/// As long as some operations are not known, these are those that may be shared. An operation with a `default` shares what
/// most others have.
fn common<'a>(basis: &Basis<'a>) -> Vec<&'a DocumentedError> {
    let operations: Vec<&Operation> = basis.operations().collect();
    if operations.len() == 1 && basis.is_whole() {
        return Vec::new();
    }
    let mut counts: BTreeMap<errors::Key<'_>, (usize, &DocumentedError)> = BTreeMap::new();
    for operation in &operations {
        let own: BTreeMap<_, _> = operation.errors.iter().map(|error| (errors::key(error), error)).collect();
        for (key, error) in own {
            counts.entry(key).or_insert((0, error)).0 += 1;
        }
    }
    let is_shared = |(count, error): &(usize, &DocumentedError)| {
        let mut without = operations.iter().filter(|operation| !has(operation, error));
        count * 2 > operations.len() && without.all(|operation| falls_under(operation, *error.status))
    };
    let mut shared: Vec<&DocumentedError> = counts.into_values().filter(is_shared).map(|(_, error)| error).collect();
    shared.sort_by(|one, other| (*one.status, &*one.name).cmp(&(*other.status, &*other.name)));
    shared
}

fn has(operation: &Operation, error: &DocumentedError) -> bool {
    operation.errors.iter().any(|other| errors::is_same(other, error))
}

/// Whether a page is one for the common errors: it has no endpoint, and an error table that is not simply the one of some
/// operation's page.
fn is_common(basis: &Basis<'_>, page: &Page, shared: &[&DocumentedError]) -> bool {
    let own = |row: &ErrorRow| {
        let mut errors = basis.operations().flat_map(|operation| &operation.errors);
        errors.any(|error| errors::is(row, error)) && !shared.iter().any(|error| errors::is(row, error))
    };
    page.endpoint.is_none() && !page.errors.is_empty() && !page.errors.iter().all(own)
}

impl Edition {
    fn check<'a>(&'a self, basis: &'a Basis<'_>) -> Outcome {
        let shared = common(basis);
        let (common_pages, others): (Vec<&Page>, Vec<&Page>) =
            self.pages.iter().partition(|page| is_common(basis, page, &shared));
        let (others, without): (Vec<&Page>, Vec<&Page>) = others.iter().partition(|page| page.endpoint.is_some());
        let mut findings: Vec<Finding> = without.into_iter().map(unknown).collect();
        let seen = by_operation(basis, &others, &mut findings);
        for (operation, page) in seen.values() {
            let about = About { basis, operation, page };
            findings.extend(about.check(&shared));
            if let Some(common) = common_pages.first()
                && !page.links.iter().any(|link| leads_to(&link.value, common))
            {
                findings.push(about.no_link(&common.source.path));
            }
        }
        if self.is_complete {
            findings.extend(self.missing(basis, &seen));
        }
        if basis.is_whole() {
            let names = headers::names(basis);
            findings.extend(self.pages.iter().flat_map(|page| headers::check(&names, page)));
        }
        let mut outcome = Outcome { findings, ..Outcome::default() };
        if !basis.is_whole() {
            // Which errors all operations share is known once all operations are.
            outcome.unchecked.extend(common_pages.iter().map(|page| {
                format!("{} was not compared: what the contract says has to be put right first", page.source.path)
            }));
        } else if common_pages.is_empty() {
            outcome.findings.extend(self.no_common_page(basis, &shared, &seen).filter(|_| self.is_complete));
        } else {
            // What every page has for itself need not stand on theirs.
            let is_elsewhere = |error: &DocumentedError| {
                !seen.is_empty() && seen.values().all(|(_, page)| errors::documents(page, error))
            };
            outcome.findings.extend(errors::common(basis, &common_pages, &shared, &is_elsewhere));
            outcome.findings.extend(common_pages.iter().flat_map(|page| body::common(basis, page)));
        }
        outcome
    }

    fn missing(&self, basis: &Basis<'_>, seen: &ByOperation<'_>) -> Vec<Finding> {
        let missing = basis.operations().filter(|operation| !seen.contains_key(&operation.call()));
        missing
            .map(|operation| {
                let place = basis.place(operation.id.span, "this operation");
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
        basis: &Basis<'_>,
        shared: &[&DocumentedError],
        seen: &ByOperation<'_>,
    ) -> Option<Finding> {
        let lacks = |error: &DocumentedError| {
            seen.values().any(|(operation, page)| has(operation, error) && !errors::documents(page, error))
        };
        let absent = shared.iter().find(|error| lacks(error))?;
        let place = basis.place(errors::span(absent), "every operation documents this");
        let message = format!("the errors that all operations share have no page in {}", self.language.name());
        let help = "write a page without an endpoint that has them in its error table, and link to it from the others";
        Some(Finding::at(Rule::PageCommonErrors, place, message).help(help))
    }
}

/// The page of each operation that has one, by how the operation is called.
type ByOperation<'a> = BTreeMap<String, (&'a Operation, &'a Page)>;

/// Which page is about which operation. Of several about one, it is the one that names its permission, or the first.
fn by_operation<'a>(basis: &'a Basis<'_>, pages: &[&'a Page], findings: &mut Vec<Finding>) -> ByOperation<'a> {
    let mut about: BTreeMap<String, (&Operation, Vec<&Page>)> = BTreeMap::new();
    for (page, subject) in pages.iter().zip(endpoint::subjects(basis, pages, findings)) {
        if let Subject::Operation(operation) = subject {
            about.entry(operation.call()).or_insert((operation, Vec::new())).1.push(page);
        }
    }
    let mut chosen = BTreeMap::new();
    for (call, (operation, pages)) in about {
        let permission = operation.permission.as_ref().map(|permission| &permission.value);
        let names_permission = |page: &&&Page| page.spans.iter().any(|span| Some(&span.value) == permission);
        let Some(first) = pages.iter().find(names_permission).or(pages.first()).copied() else { continue };
        for other in pages.into_iter().filter(|page| !std::ptr::eq(*page, first)) {
            let message = format!("two pages are about `{}`", operation.id.value);
            let finding = Finding::at(Rule::PageDuplicate, other.top("this page"), message);
            findings.push(finding.with(first.top("and this one")).help("make one page of them"));
        }
        chosen.insert(call, (operation, first));
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

impl About<'_, '_> {
    fn check(&self, common: &[&DocumentedError]) -> Vec<Finding> {
        let mut findings = Vec::new();
        findings.extend(self.permission());
        findings.extend(self.rate_limit());
        let listings = fields::of_operation(self.basis, self.operation);
        let is_listed = |name: &str| listings.lists(name);
        let (parameters, others): (Vec<&Table>, Vec<&Table>) = self
            .page
            .tables
            .iter()
            .partition(|table| parameters::is_one(table, self.page.language, self.operation, &is_listed));
        findings.extend(self.parameters(&parameters));
        findings.extend(self.request());
        findings.extend(self.success());
        findings.extend(fields::compare(self.basis, self.page, &others, &listings));
        findings.extend(self.errors(common));
        findings
    }

    fn no_link(&self, to: &str) -> Finding {
        let message = format!("the page does not lead to the errors that all operations share ({to})");
        let finding = Finding::at(Rule::PageCommonErrorsLink, self.page.top("this page"), message);
        finding.help("link to it below the error table")
    }
}
