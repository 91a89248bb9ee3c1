//! Compares the documentation pages with the contract, and their language editions with each other.

mod about;
mod answer_tables;
mod basis;
mod bodies;
mod body;
mod context;
mod descriptions;
mod editions;
mod endpoint;
mod errors;
mod examples;
mod fields;
mod headers;
mod limits;
mod matching;
mod objects;
mod parameter_text;
mod read;
mod request;
mod request_tables;
mod sections;
mod shapes;
mod shown_requests;
mod stated_values;
mod statuses;
#[cfg(test)]
mod tests;
mod urls;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use crate::outcome::Outcome;
use crate::page::{ErrorRow, Language, Page};
use about::About;
use apidrift_core::contract::{Contract, DocumentedError, Operation};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use basis::{Basis, falls_under};
use bodies::Reported;
use editions::Edition;
use endpoint::{Section, Subjects};
use examples::Conventions;
use openapi_model::source::Source;
pub use read::{Pages, names_of_pages, read};

/// Compares the pages of all languages with the contract and with each other. The operations whose calls are in
/// `set_aside` are only partly known and left out.
pub fn check(contract: &Contract, set_aside: &HashSet<String>, pages: &[Pages]) -> Outcome {
    let editions: Vec<Edition> = pages
        .iter()
        .enumerate()
        .map(|(index, Pages { language, sources, are_complete })| Edition {
            language: *language,
            is_original: index == 0,
            is_alone: pages.len() == 1,
            pages: sources.iter().map(|source| Page::read(source, *language)).collect(),
            is_complete: *are_complete,
        })
        .collect();
    let basis = Basis::new(contract, set_aside);
    let mut outcome = Outcome::default();
    let mut described = BTreeSet::new();
    let mut keys = Vec::new();
    for edition in &editions {
        let mut subjects = endpoint::subjects(&basis, &edition.pages);
        outcome.add(edition.check(&basis, &mut subjects));
        keys.push(editions::keys(edition, &subjects));
        described.extend(subjects.described);
    }
    let differing = editions::check(&basis, &editions, &keys, &outcome.findings);
    outcome.findings.extend(differing);
    outcome.coverage.pages = pages.iter().map(|pages| pages.sources.len()).sum();
    outcome.coverage.described = described.len();
    outcome.coverage.claims = basis.claims();
    if described.is_empty() && outcome.coverage.pages > 0 && !basis.is_complete() {
        let reason = "no page was compared: none names an endpoint of the contract, for example in a code span such as `GET /things`";
        outcome.unchecked.push(reason.to_owned());
    }
    outcome
}

/// Compares one page from outside the project with the contract. Its common errors may be on another page.
pub fn check_foreign(contract: &Contract, set_aside: &HashSet<String>, source: &Arc<Source>) -> Outcome {
    let basis = Basis::new(contract, set_aside);
    let path = &source.path;
    let pages = [Page::read(source, Language::of(&source.text))];
    let [page] = &pages;
    let subjects = endpoint::subjects(&basis, &pages);
    let shared = common(&basis);
    let mut outcome = Outcome::default();
    if is_common(&basis, page, &shared) && basis.is_complete() {
        if !basis.is_whole() {
            return not_compared(page);
        }
        outcome.findings.extend(errors::common(&basis, &[page], &shared, &|_| false));
        outcome.findings.extend(body::common(&basis, page));
        return outcome;
    }
    let sections: Vec<&Section> = subjects.sections.iter().flatten().collect();
    let mut reported = Reported::new();
    let conventions = conventions(&basis, &subjects);
    for section in &sections {
        let about = About::new(&basis, &subjects, section);
        outcome.findings.extend(about.check(section, &shared, conventions, &mut reported));
        if basis.is_complete() && !page.links.iter().any(|link| link.value.to_lowercase().contains("error")) {
            outcome.findings.push(about.no_link("another page"));
        }
    }
    if !sections.is_empty() {
        let names = headers::names(&basis);
        outcome.findings.extend(headers::check(&names, page).into_iter().filter(|_| basis.is_whole()));
    } else if !subjects.aside.is_empty() {
        outcome.add(not_compared(page));
    } else if page.declarations.is_empty() {
        outcome.unchecked.push(format!(
            "{path} was not compared: it names no endpoint, for example in a code span such as `GET /things`, and has no table of common errors"
        ));
    }
    outcome.findings.extend(subjects.findings);
    outcome.coverage.pages = 1;
    outcome.coverage.described = subjects.described.len();
    outcome.coverage.claims = basis.claims();
    outcome
}

/// The conventions of the example requests in one language.
fn conventions<'b>(basis: &Basis<'b>, subjects: &Subjects<'b>) -> Conventions {
    let sections = subjects.sections.iter().flatten();
    Conventions::of(sections.map(|section| (About::new(basis, subjects, section), section)))
}

fn not_compared(page: &Page) -> Outcome {
    let path = &page.source.path;
    Outcome::unchecked(format!("{path} was not compared: fix the errors in the contract first"))
}

/// The errors that all operations share, by status and identity: they may be listed on one common page. While some
/// operations are unknown, these are the errors that may be shared. An operation with a `default` response is taken to
/// share the errors of most others.
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

/// Whether a page lists the common errors: it declares no endpoint, and has an error table that is not simply that of
/// an operation's page.
fn is_common(basis: &Basis<'_>, page: &Page, shared: &[&DocumentedError]) -> bool {
    let own = |row: &ErrorRow| {
        let mut errors = basis.operations().flat_map(|operation| &operation.errors);
        errors.any(|error| errors::is(row, error)) && !shared.iter().any(|error| errors::is(row, error))
    };
    let declares = page
        .declarations
        .iter()
        .any(|one| one.range.start < page.errors.first().map_or(usize::MAX, |row| row.range.start));
    !declares && !page.errors.is_empty() && !page.errors.iter().all(own)
}

impl Edition {
    fn check<'b>(&self, basis: &Basis<'b>, subjects: &mut Subjects<'b>) -> Outcome {
        let found = std::mem::take(&mut subjects.findings);
        let subjects = &*subjects;
        let shared = common(basis);
        let mut outcome = Outcome::default();
        let mut sections: Vec<&Section> = subjects.sections.iter().flatten().collect();
        if basis.is_complete() {
            outcome.findings.extend(duplicates(&mut sections));
        }
        let mut reported = Reported::new();
        let conventions = conventions(basis, subjects);
        basis.expect(sections.iter().map(|section| section.operation));
        for section in &sections {
            outcome.findings.extend(About::new(basis, subjects, section).check(
                section,
                &shared,
                conventions,
                &mut reported,
            ));
        }
        if basis.is_whole() {
            let names = headers::names(basis);
            outcome.findings.extend(self.pages.iter().flat_map(|page| headers::check(&names, page)));
        }
        outcome.findings.extend(self.pages.iter().enumerate().filter_map(|(index, page)| {
            let is_known = !subjects.sections[index].is_empty() || subjects.aside.contains(&index);
            let is_nothing = !is_known && !is_common(basis, page, &shared) && page.declarations.is_empty();
            (is_nothing && basis.is_complete()).then(|| unknown(page))
        }));
        if self.is_complete && (self.is_original || basis.is_complete()) {
            outcome.findings.extend(self.missing(basis, subjects));
        }
        if basis.is_complete() {
            outcome.add(self.complete(basis, subjects, &sections, &shared));
        }
        outcome.findings.extend(found);
        outcome
    }

    /// The findings for pages that must be complete: each operation has a page, and the common errors have a page to
    /// which the others link.
    fn complete<'b>(
        &self,
        basis: &Basis<'b>,
        subjects: &Subjects<'b>,
        seen: &[&Section<'b>],
        shared: &[&DocumentedError],
    ) -> Outcome {
        let mut outcome = Outcome::default();
        let common_pages: Vec<&Page> = self.pages.iter().filter(|page| is_common(basis, page, shared)).collect();
        if let Some(common) = common_pages.first() {
            let lacking =
                seen.iter().filter(|section| !section.page.links.iter().any(|link| leads_to(&link.value, common)));
            outcome
                .findings
                .extend(lacking.map(|section| About::new(basis, subjects, section).no_link(&common.source.path)));
        }
        if !basis.is_whole() {
            // Which errors are common is known only if all operations are known.
            common_pages.iter().for_each(|page| outcome.add(not_compared(page)));
        } else if common_pages.is_empty() {
            outcome.findings.extend(self.no_common_page(basis, shared, seen).filter(|_| self.is_complete));
        } else {
            // Errors that every page lists itself need not be on the common page.
            let is_elsewhere = |error: &DocumentedError| {
                !seen.is_empty() && seen.iter().all(|section| errors::documents(&section.page, error))
            };
            outcome.findings.extend(errors::common(basis, &common_pages, shared, &is_elsewhere));
            outcome.findings.extend(common_pages.iter().flat_map(|page| body::common(basis, page)));
        }
        outcome
    }

    /// Operations without a page, if pages are or should be nearly complete. Otherwise they are only counted.
    fn missing(&self, basis: &Basis<'_>, subjects: &Subjects<'_>) -> Vec<Finding> {
        let all: Vec<&Operation> = basis.operations().collect();
        let missing: Vec<&Operation> =
            all.iter().copied().filter(|operation| !subjects.described.contains(&operation.call())).collect();
        let described = all.len() - missing.len();
        // An operation whose path occurs anywhere counts as mentioned.
        let ends = |rest: &str| !rest.starts_with(|next: char| next.is_alphanumeric() || "/{-_".contains(next));
        let stands = |operation: &Operation| {
            let path = operation.path.as_str();
            let mut pages = self.pages.iter().map(|page| page.source.text.as_str());
            pages.any(|text| text.match_indices(path).any(|(at, _)| ends(&text[at + path.len()..])))
        };
        if !basis.is_complete() && described * 5 < all.len() * 4 {
            return Vec::new();
        }
        missing
            .into_iter()
            .filter(|operation| basis.is_complete() || !stands(operation))
            .map(|operation| {
                let place = basis.place(operation.id.span, "this operation");
                let language = if self.is_alone { String::new() } else { format!(" in {}", self.language.name()) };
                let name = operation.spec.id.as_ref().map_or_else(|| operation.endpoint(), |id| id.value.clone());
                let message = format!("`{name}` has no page{language}");
                let line = format!("`{} {}`", operation.method.value, operation.path.value);
                Finding::at(Rule::PageMissing, place, message)
                    .help(format!("write a page that names its endpoint as {line}"))
            })
            .collect()
    }

    /// Without a page for common errors, every operation's page must list them.
    fn no_common_page(&self, basis: &Basis<'_>, shared: &[&DocumentedError], seen: &[&Section<'_>]) -> Option<Finding> {
        let lacks = |error: &DocumentedError| {
            seen.iter().any(|section| has(section.operation, error) && !errors::documents(&section.page, error))
        };
        let absent = shared.iter().find(|error| lacks(error))?;
        let place = basis.place(errors::span(absent), "every operation documents this");
        let message = format!("the errors that all operations share have no page in {}", self.language.name());
        let help = "write a page without an endpoint that has them in its error table, and link to it from the others";
        Some(Finding::at(Rule::PageCommonErrors, place, message).help(help))
    }
}

/// Removes sections that describe an operation a second time. The section that names the operation's permission is
/// kept, or else the first.
fn duplicates(sections: &mut Vec<&Section<'_>>) -> Vec<Finding> {
    let names_permission = |section: &Section| {
        let permission = section.operation.permission.as_ref().map(|permission| &permission.value);
        section.page.spans.iter().any(|span| Some(&span.value) == permission)
    };
    let mut kept: BTreeMap<String, &Section> = BTreeMap::new();
    for section in sections.iter().copied() {
        let known = kept.entry(section.operation.call()).or_insert(section);
        if names_permission(section) && !names_permission(known) {
            *known = section;
        }
    }
    let is_kept = |section: &Section| kept.values().any(|kept| std::ptr::eq(*kept, section));
    let (first, others): (Vec<&Section>, Vec<&Section>) = sections.iter().partition(|section| is_kept(section));
    *sections = first;
    let finding = |other: &Section| {
        let first = kept.get(&other.operation.call())?;
        let message = format!("two pages are about `{}`", other.operation.id.value);
        let finding = Finding::at(Rule::PageDuplicate, other.page.top("this page"), message);
        Some(finding.with(first.page.top("and this one")).help("merge them into one page"))
    };
    others.into_iter().filter_map(finding).collect()
}

fn unknown(page: &Page) -> Finding {
    let message = "the page was not compared: it names no endpoint and is not a page of common errors";
    let finding = Finding::at(Rule::PageUnknown, page.top("this page"), message);
    finding.help("name the endpoint in a code span such as `GET /things`")
}

/// Whether a link leads to a page in the same folder.
fn leads_to(link: &str, page: &Page) -> bool {
    let name = |path: &str| {
        let file = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        file.trim_end_matches(".md").trim_end_matches(".html").to_owned()
    };
    let target = link.split(['#', '?']).next().unwrap_or_default();
    !target.is_empty() && name(target) == name(&page.source.path)
}

impl<'a, 'b> About<'a, 'b> {
    fn new(basis: &'a Basis<'b>, subjects: &'a Subjects<'b>, section: &'a Section<'b>) -> About<'a, 'b> {
        let Section { operation, page, names, is_only, .. } = section;
        About { basis, subjects, operation, page, names, is_only: *is_only }
    }

    fn check(
        &self,
        section: &Section<'_>,
        common: &[&DocumentedError],
        conventions: Conventions,
        reported: &mut Reported,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.basis.count(self.page.declarations.len());
        findings.extend(self.permission());
        findings.extend(self.rate_limit());
        // Computed lazily, because most pages do not need it.
        let listings = std::cell::LazyCell::new(|| fields::of_operation(self.basis, self.operation));
        let request_tables::RequestTables { findings: described, others, unknown } =
            self.request_tables(&|name| listings.lists(name));
        findings.extend(described);
        if self.basis.is_complete() {
            let rows: usize = others.iter().map(|table| table.rows.len()).sum();
            self.basis.count(self.page.errors.len() + self.page.blocks.len() + rows);
            findings.extend(self.request(section));
            findings.extend(self.success());
        } else {
            findings.extend(self.examples(section, conventions, unknown, reported));
            findings.extend(self.bodies(reported));
            findings.extend(self.statuses());
        }
        if self.basis.is_complete() {
            findings.extend(fields::compare(self.basis, self.page, &others, &listings));
            findings.extend(self.errors(common));
        } else {
            findings.extend(self.answer_tables(&others));
            findings.extend(self.description());
        }
        findings
    }

    fn no_link(&self, to: &str) -> Finding {
        let message = format!("the page does not link to the errors that all operations share ({to})");
        let finding = Finding::at(Rule::PageCommonErrorsLink, self.page.top("this page"), message);
        finding.help("link to it below the error table")
    }
}
