//! Determines the subjects of the pages of one language: the operation that each part describes, and declared endpoints
//! that do not exist.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;

use openapi_model::paths::{call, variables};

use super::basis::{Basis, fix_written};
use super::matching::{Matcher, Prefix, Target, stated_bases};
use super::sections::{self, Declared};
use super::shown_requests;
use super::urls;
use crate::page::{Declaration, Endpoint, Malformed, Manner, Page, Request};
use apidrift_core::contract::Operation;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// Endpoints with a lower similarity are unrelated.
const ALIKE: f64 = 0.7;
/// A difference this small is a typo, not another name.
const TYPO: f64 = 0.9;

/// The part of a page that describes an operation.
pub struct Section<'a> {
    pub operation: &'a Operation,
    pub page: Page,
    /// The endpoint as written on the page.
    pub endpoint: Endpoint,
    /// The contract's names of path parameters by the page's names, where they differ.
    pub names: HashMap<String, String>,
    /// Whether nothing else in this language describes the operation.
    pub is_only: bool,
    /// The example requests.
    pub requests: Vec<Request>,
    /// Commands that a shell would reject, or that the parser does not understand.
    pub malformed: Vec<Malformed>,
}

impl<'a> Section<'a> {
    fn new(
        operation: &'a Operation,
        page: Page,
        endpoint: Endpoint,
        names: HashMap<String, String>,
        is_only: bool,
    ) -> Section<'a> {
        let (requests, malformed) = shown_requests::requests(&page);
        Section { operation, page, endpoint, names, is_only, requests, malformed }
    }
}

/// The subjects of the pages of one language.
pub struct Subjects<'a> {
    pub matcher: Matcher<'a>,
    /// The prefix that pages add to the contract's paths, or omit.
    pub prefix: Option<Prefix>,
    /// The sections of each page.
    pub sections: Vec<Vec<Section<'a>>>,
    /// The indexes of pages about operations that are left out of the comparison.
    pub aside: HashSet<usize>,
    /// Operations that are described, including those with a misspelt endpoint.
    pub described: BTreeSet<String>,
    pub findings: Vec<Finding>,
}

/// Determines the subjects of pages.
pub fn subjects<'a>(basis: &Basis<'a>, pages: &[Page]) -> Subjects<'a> {
    let matcher = Matcher::new(basis);
    let declared = pages.iter().flat_map(|page| &page.declarations).filter(|one| one.manner != Manner::Mention);
    let prefix = matcher.vote(&declared.map(|one| &one.endpoint).collect::<Vec<_>>());
    let mut reader = Reader { basis, matcher, prefix, described: BTreeSet::new(), aside: HashSet::new() };
    let targets: Vec<Vec<(&Declaration, Target<'a>)>> = pages.iter().map(|page| reader.targets(page)).collect();
    let mut sections: Vec<Vec<Section>> = Vec::new();
    for (index, (page, targets)) in pages.iter().zip(&targets).enumerate() {
        sections.push(reader.sections(index, page, targets));
    }
    // A page that only mentions an operation does not count as its description if another page declares it.
    for (page, sections) in pages.iter().zip(&mut sections) {
        if sections.is_empty() {
            sections.extend(reader.spoken_of(page));
        }
    }
    let mut counts: HashMap<String, usize> = HashMap::new();
    for section in sections.iter().flatten() {
        *counts.entry(section.operation.call()).or_default() += 1;
    }
    for section in sections.iter_mut().flatten() {
        section.is_only &= counts.get(&section.operation.call()) == Some(&1);
    }
    let findings = reader.unknown(pages, &targets);
    let Reader { matcher, prefix, described, aside, .. } = reader;
    Subjects { matcher, prefix, sections, aside, described, findings }
}

struct Reader<'a, 'b> {
    basis: &'b Basis<'a>,
    matcher: Matcher<'a>,
    prefix: Option<Prefix>,
    described: BTreeSet<String>,
    aside: HashSet<usize>,
}

impl<'a> Reader<'a, '_> {
    /// The operation of each declaration on a page. A block that shows a request with values in its path counts only if
    /// nothing else declares an endpoint, and a table row only for operations that are not declared elsewhere on the
    /// page.
    fn targets<'p>(&self, page: &'p Page) -> Vec<(&'p Declaration, Target<'a>)> {
        let declared: Vec<&Declaration> =
            page.declarations.iter().filter(|declaration| declaration.manner != Manner::Mention).collect();
        let endpoints: Vec<&Endpoint> = declared.iter().map(|one| &one.endpoint).collect();
        let prefix = self.matcher.vote(&endpoints).or_else(|| self.prefix.clone());
        let bases = stated_bases(page);
        let target = |declaration: &Declaration| {
            let before = bases.iter().take_while(|(at, _)| *at <= declaration.range.start).last();
            self.matcher.target(&declaration.endpoint, before.map(|(_, base)| base.as_str()), prefix.as_ref())
        };
        let mut found: Vec<(&Declaration, Target)> = declared.into_iter().map(|one| (one, target(one))).collect();
        let key = |one: &Declaration, target: &Target| {
            target.operation().map_or_else(|| one.endpoint.call(), |operation| operation.call())
        };
        let is_sure = |(one, target): &(&Declaration, Target)| {
            one.manner == Manner::Declared
                || (one.manner == Manner::Block && matches!(target, Target::Operation(_) | Target::SetAside))
        };
        let sure: HashSet<String> =
            found.iter().filter(|found| is_sure(found)).map(|(one, target)| key(one, target)).collect();
        found.retain(|(one, target)| match one.manner {
            Manner::Block if !matches!(target, Target::Operation(_) | Target::SetAside) => {
                self.matcher.asked(&one.endpoint.method, &one.endpoint.path, prefix.as_ref()).is_none()
            }
            Manner::Index => !sure.contains(&key(one, target)),
            _ => true,
        });
        found
    }

    /// The operation of a page without declarations: the only one mentioned in its first part, or else the only one in
    /// its example requests.
    fn spoken_of(&mut self, page: &Page) -> Option<Section<'a>> {
        if page.declarations.iter().any(|one| one.manner != Manner::Mention) {
            return None;
        }
        // A mention is not a declaration, unless every operation must have a page.
        if self.basis.is_complete() { self.mentioned(page) } else { self.asked_for(page) }
    }

    fn mentioned(&mut self, page: &Page) -> Option<Section<'a>> {
        let second = page.headings.get(1).map_or(usize::MAX, |heading| heading.range.start);
        let errors = page.errors.first().map_or(usize::MAX, |row| row.range.start);
        let mut first = page.declarations.iter().filter(|one| one.range.start < second.min(errors));
        let one = first.next()?;
        let is_only = first.all(|other| other.endpoint.call() == one.endpoint.call());
        let target = self.matcher.target(&one.endpoint, None, self.prefix.as_ref());
        let operation = target.operation().filter(|_| is_only)?;
        let is_new = self.described.insert(operation.call());
        let names = names(&one.endpoint, operation);
        is_new.then(|| Section::new(operation, whole(page), one.endpoint.clone(), names, true))
    }

    fn sections(&mut self, index: usize, page: &Page, targets: &[(&Declaration, Target<'a>)]) -> Vec<Section<'a>> {
        let mut subjects: BTreeMap<String, usize> = BTreeMap::new();
        let mut subject = |one: &Declaration, target: &Target| {
            let call = target.operation().map_or_else(|| format!("? {}", one.endpoint.call()), Operation::call);
            let next = subjects.len();
            *subjects.entry(call).or_insert(next)
        };
        let declared: Vec<Declared> = targets
            .iter()
            .map(|(one, target)| Declared { subject: subject(one, target), range: one.range.clone() })
            .collect();
        let ranges = sections::cover(page, &declared);
        let mut by_operation: BTreeMap<usize, (&Operation, &Declaration, Vec<Range<usize>>)> = BTreeMap::new();
        for (((one, target), declared), range) in targets.iter().zip(&declared).zip(ranges) {
            match target {
                Target::Operation(operation) => {
                    self.described.insert(operation.call());
                    let range =
                        if one.manner == Manner::Index && targets.len() > 1 { one.range.clone() } else { range };
                    by_operation.entry(declared.subject).or_insert((*operation, *one, Vec::new())).2.push(range);
                }
                Target::SetAside => {
                    self.described.insert(call(&one.endpoint.method, &one.endpoint.path));
                    self.aside.insert(index);
                }
                Target::Nothing | Target::Elsewhere | Target::OtherBase => {}
            }
        }
        let section = |(operation, one, ranges): (&'a Operation, &Declaration, Vec<Range<usize>>)| {
            let own = targets.iter().filter(|(other, target)| {
                other.manner != Manner::Index && target.operation().is_some_and(|other| std::ptr::eq(other, operation))
            });
            let is_only = are_nested(&sections::innermost(page, own.map(|(one, _)| one.range.start)));
            let part = page.part(&sections::united(ranges));
            Section::new(operation, part, one.endpoint.clone(), names(&one.endpoint, operation), is_only)
        };
        let mut found: Vec<Section> = by_operation.into_values().map(section).collect();
        found.sort_by_key(|section| section.endpoint.path.range.start);
        found
    }

    /// A page without declarations is about the operation that all its example requests call.
    fn asked_for(&mut self, page: &Page) -> Option<Section<'a>> {
        let requests: Vec<_> = shown_requests::requests(page).0;
        let asked = |request: &Request| {
            let (_, path) = urls::split(urls::divide(&request.url).0);
            self.matcher.asked(&request.method, path, self.prefix.as_ref())
        };
        let mut operations = requests.iter().map(asked);
        let first = operations.next()??;
        if !operations.all(|other| other.is_some_and(|other| std::ptr::eq(other, first)))
            || !self.basis.is_compared(first)
        {
            return None;
        }
        if !self.described.insert(first.call()) {
            return None;
        }
        let request = requests.first()?;
        let endpoint = Endpoint::new(request.method.clone(), request.url.clone());
        // The page may only mention the operation: omissions are not reported.
        Some(Section::new(first, whole(page), endpoint, HashMap::new(), false))
    }

    /// Declared endpoints that do not exist. They are reported if most endpoints that the page declares exist, or it
    /// declares no others; and if the contract has similar paths at all.
    fn unknown(&mut self, pages: &[Page], targets: &[Vec<(&Declaration, Target<'a>)>]) -> Vec<Finding> {
        let known = |targets: &[(&Declaration, Target)]| {
            let is_known =
                |(_, target): &&(&Declaration, Target)| matches!(target, Target::Operation(_) | Target::SetAside);
            targets.iter().filter(is_known).count()
        };
        let all: usize = targets.iter().map(Vec::len).sum();
        let all_known: usize = targets.iter().map(|targets| known(targets)).sum();
        let is_about_it = all_known * 2 >= all || all == 1;
        // If the pages are only about this API, all declared endpoints should exist.
        let knows_most = all >= 5 && all_known * 5 >= all * 4;
        let mut findings = Vec::new();
        for (page, targets) in pages.iter().zip(targets) {
            let distinct: HashSet<String> = targets.iter().map(|(one, _)| one.endpoint.call()).collect();
            let is_sure = (known(targets) * 2 >= targets.len() || distinct.len() == 1) && is_about_it;
            let mut seen = HashSet::new();
            let mut foreign: Vec<&Declaration> = Vec::new();
            for (one, target) in targets {
                if !seen.insert(one.endpoint.call()) {
                    continue;
                }
                match target {
                    Target::Nothing if is_sure => findings.push(self.wrong(page, one)),
                    Target::Elsewhere if is_sure && knows_most => findings.push(self.wrong(page, one)),
                    Target::Nothing | Target::Elsewhere | Target::OtherBase if self.basis.is_complete() => {
                        findings.push(self.wrong(page, one))
                    }
                    Target::Nothing | Target::Elsewhere | Target::OtherBase => foreign.push(one),
                    Target::Operation(operation)
                        if self.basis.is_complete() && !is_exact(one, operation, &self.matcher) =>
                    {
                        findings.push(misnamed(self.basis, page, one, operation, true, false));
                    }
                    _ => {}
                }
            }
            findings.extend(elsewhere(page, &foreign));
        }
        findings
    }

    fn wrong(&mut self, page: &Page, one: &Declaration) -> Finding {
        let endpoint = &one.endpoint;
        let here = self.matcher.methods_at(&endpoint.path, self.prefix.as_ref());
        let free: Vec<&Operation> = here.iter().copied().filter(|one| !self.described.contains(&one.call())).collect();
        if let [only] = free.as_slice() {
            self.described.insert(only.call());
            return misnamed(self.basis, page, one, only, here.len() == 1, true);
        }
        let has_method = here.iter().any(|operation| *operation.method == *endpoint.method);
        if let Some(first) = here.first().filter(|_| !has_method) {
            let methods: Vec<&str> = here.iter().map(|operation| operation.method.as_str()).collect();
            let message = {
                let (said, path) = (&endpoint.method.value, &endpoint.path.value);
                format!("the page says {said} for `{path}`, but the contract has {}", methods.join(" and "))
            };
            let finding =
                Finding::at(Rule::PageMethod, page.place(&endpoint.method.range, "the page says this"), message);
            return finding
                .with(self.basis.place(first.path.span, "the contract has this path"))
                .help("correct the method, or remove the endpoint from the page");
        }
        let written = call(&endpoint.method, &endpoint.path);
        let left = self.basis.operations().filter(|operation| !self.described.contains(&operation.call()));
        let closeness = |operation: &Operation| strsim::normalized_levenshtein(&written, &operation.call());
        let nearest =
            left.map(|operation| (closeness(operation), operation)).max_by(|(one, _), (other, _)| one.total_cmp(other));
        if let Some((closeness, operation)) =
            nearest.filter(|(closeness, operation)| *closeness >= ALIKE && *operation.method == *endpoint.method)
        {
            self.described.insert(operation.call());
            return misnamed(self.basis, page, one, operation, closeness >= TYPO, false);
        }
        let place = page.place(&endpoint.path.range, "no operation");
        let message = format!("the contract has no operation `{} {}`", endpoint.method.value, endpoint.path.value);
        Finding::at(Rule::PageUnknownOperation, place, message).help("correct the endpoint, or remove it from the page")
    }
}

/// One note for the endpoints of a page that belong to another API, and so cannot be compared.
fn elsewhere(page: &Page, foreign: &[&Declaration]) -> Option<Finding> {
    let first = foreign.first()?;
    let endpoint = format!("`{} {}`", first.endpoint.method.value, first.endpoint.path.value);
    let message = match foreign.len() {
        1 => format!("the contract has no operation {endpoint} or a similar one, so this section was not compared"),
        many => format!(
            "{many} endpoints on this page, such as {endpoint}, are not in the contract or similar to any that are, so their sections were not compared"
        ),
    };
    Some(Finding::at(Rule::PageUnknown, page.place(&first.range, "this endpoint"), message))
}

/// Whether an endpoint is written as in the contract, with or without the path of a server.
fn is_exact(one: &Declaration, operation: &Operation, matcher: &Matcher<'_>) -> bool {
    let path = one.endpoint.path.as_str();
    *operation.path == *path || matcher.is_below_server(path, &operation.path)
}

/// A section that is the whole page.
fn whole(page: &Page) -> Page {
    page.part(std::slice::from_ref(&(0..page.source.text.len().max(1))))
}

/// Whether the ranges are equal or nested.
fn are_nested(ranges: &[Range<usize>]) -> bool {
    let mut ranges: Vec<&Range<usize>> = ranges.iter().collect();
    ranges.sort_by_key(|range| range.len());
    ranges.windows(2).all(|pair| pair[0].start >= pair[1].start && pair[0].end <= pair[1].end)
}

/// The page's names of path variables, where they differ from the contract's.
fn names(endpoint: &Endpoint, operation: &Operation) -> HashMap<String, String> {
    let of_page = written_variables(&endpoint.path);
    let of_contract = variables(&operation.path);
    // The page's path may have a longer or shorter prefix than the contract's.
    let pairs = of_page.into_iter().rev().zip(of_contract.into_iter().rev());
    pairs.filter(|(one, other)| one != other).map(|(one, other)| (one, other.to_owned())).collect()
}

/// The names of the variables of a path, in any notation.
fn written_variables(path: &str) -> Vec<String> {
    let parts = path.split('/');
    let name = |part: &str| {
        let colon = part.strip_prefix(':').map(|name| vec![name.to_owned()]);
        let angle = part.strip_prefix('<').and_then(|part| part.strip_suffix('>')).map(|name| vec![name.to_owned()]);
        colon.or(angle).unwrap_or_else(|| variables(part).into_iter().map(str::to_owned).collect())
    };
    parts.flat_map(name).collect()
}

/// The operation that a wrong endpoint was probably meant to be: with another method, or another path.
fn misnamed(
    basis: &Basis<'_>,
    page: &Page,
    one: &Declaration,
    operation: &Operation,
    is_sure: bool,
    is_method: bool,
) -> Finding {
    let endpoint = &one.endpoint;
    let (rule, here, there, right) = if is_method {
        (Rule::PageMethod, &endpoint.method.range, operation.method.span, &operation.method.value)
    } else {
        (Rule::PagePath, &endpoint.path.range, operation.path.span, &operation.path.value)
    };
    let message = format!("the contract has no operation `{} {}`", endpoint.method.value, endpoint.path.value);
    let finding = Finding::at(rule, page.place(here, "the page says this"), message);
    let finding = finding.with(basis.place(there, "the contract says this"));
    let written = if is_method { &endpoint.method } else { &endpoint.path };
    if is_sure {
        fix_written(finding.help(format!("write `{right}`")), page, written, right)
    } else {
        finding.help(format!("write `{right}`, if that is what you mean"))
    }
}
