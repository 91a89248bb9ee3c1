//! What editions of one page say beside the contract: the same examples and the same headers in every language.

use std::collections::{BTreeMap, BTreeSet};

use super::Edition;
use crate::contract::Contract;
use crate::finding::Finding;
use crate::page::{self, CodeBlock, Page};
use crate::rules::Rule;

/// Compares each page with the one of the contract's language. A block that another finding is about is left to that.
pub fn check(contract: &Contract, editions: &[Edition], known: &[Finding]) -> Vec<Finding> {
    let Some((first, others)) = editions.split_first() else {
        return Vec::new();
    };
    let mut originals: BTreeMap<String, &Page> = BTreeMap::new();
    for page in &first.pages {
        // Of two pages about one operation, the first is compared; that there are two is another finding.
        originals.entry(subject(page)).or_insert(page);
    }
    let mut findings = Vec::new();
    for edition in others {
        let mut seen = BTreeSet::new();
        for page in &edition.pages {
            let Some(original) = originals.get(&subject(page)).filter(|_| seen.insert(subject(page))) else { continue };
            findings.extend(blocks(original, page, known));
            findings.extend(headers(contract, original, page));
        }
    }
    findings
}

/// What a page is about, for finding its other editions.
fn subject(page: &Page) -> String {
    match &page.endpoint {
        Some(endpoint) => format!("{} {}", endpoint.method.value, endpoint.path.value),
        // The common errors, or something else under the same name.
        None => page.source.path.rsplit('/').next().unwrap_or_default().to_owned(),
    }
}

fn is_known(page: &Page, block: &CodeBlock, known: &[Finding]) -> bool {
    let touches =
        |range: &std::ops::Range<usize>| range.start <= block.text.range.end && block.text.range.start <= range.end;
    let places = known.iter().filter_map(|finding| finding.primary.as_ref());
    places.filter(|place| place.source.path == page.source.path).any(|place| touches(&place.range))
}

fn blocks(original: &Page, page: &Page, known: &[Finding]) -> Vec<Finding> {
    if original.blocks.len() != page.blocks.len() {
        let message = format!(
            "the page has {} code blocks; in {} it has {}",
            page.blocks.len(),
            original.language.name(),
            original.blocks.len()
        );
        let finding = Finding::at(Rule::PageEditions, page.top("this edition"), message);
        return vec![finding.with(original.top("the other edition")).help("show the same code in every language")];
    }
    let pairs = original.blocks.iter().zip(&page.blocks);
    pairs
        .filter(|(one, other)| {
            let lacks_a_request =
                asks(one).is_some() != asks(other).is_some() && (lacks(original, known) || lacks(page, known));
            !is_same(one, other) && !lacks_a_request && !is_known(original, one, known) && !is_known(page, other, known)
        })
        .map(|(one, other)| {
            let here = page.place(&first_line(other), "this edition says this");
            let there = original.place(&first_line(one), "the other edition says this");
            let finding = Finding::at(
                Rule::PageEditions,
                here,
                format!("the code differs from the page in {}", original.language.name()),
            );
            finding.with(there).help("show the same code in every language")
        })
        .collect()
}

/// Whether two blocks show the same: requests by what they ask for, JSON by its value, anything else by its words.
fn is_same(one: &CodeBlock, other: &CodeBlock) -> bool {
    let words = |block: &CodeBlock| block.text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    if words(one) == words(other) {
        return true;
    }
    let json = |block: &CodeBlock| serde_json::from_str::<serde_json::Value>(&block.text).ok();
    if let (Some(one), Some(other)) = (json(one), json(other)) {
        return one == other;
    }
    asks(one).is_some() && asks(one) == asks(other)
}

/// What a block asks for, if it holds a request: method, URL, headers, data.
fn asks(block: &CodeBlock) -> Option<(String, String, BTreeSet<(String, String)>, Option<String>)> {
    let request = page::request(&block.text, 0).ok()??;
    let headers = request.headers.iter().map(|header| header.value.clone()).collect();
    Some((request.method.value, request.url.value, headers, request.data.map(|data| data.value)))
}

/// Whether another finding says that a page shows no request.
fn lacks(page: &Page, known: &[Finding]) -> bool {
    let mut missing = known.iter().filter(|finding| finding.rule == Rule::PageRequestMissing);
    missing.any(|finding| finding.primary.as_ref().is_some_and(|place| place.source.path == page.source.path))
}

fn first_line(block: &CodeBlock) -> std::ops::Range<usize> {
    let start = block.text.range.start;
    let length = block.text.find('\n').unwrap_or(block.text.len());
    start..start + length
}

/// The headers of the contract that a page speaks of.
fn headers(contract: &Contract, original: &Page, page: &Page) -> Vec<Finding> {
    let names: BTreeSet<String> = contract
        .operations
        .iter()
        .flat_map(|operation| {
            operation.success.headers.iter().chain(operation.errors.iter().flat_map(|error| &error.headers))
        })
        .map(|header| header.name.value.clone())
        .collect();
    let spans = |page: &Page| -> BTreeMap<String, std::ops::Range<usize>> {
        let all = page.spans.iter().chain(&page.cell_spans).filter(|span| names.contains(&span.value));
        all.map(|span| (span.value.clone(), span.range.clone())).collect()
    };
    let (there, here) = (spans(original), spans(page));
    let mut findings = Vec::new();
    for (name, range) in &there {
        if !here.contains_key(name) {
            let message =
                format!("the page does not speak of the header `{name}`; in {} it does", original.language.name());
            let finding = Finding::at(Rule::PageEditions, page.top("this edition"), message);
            findings.push(
                finding.with(original.place(range, "the other edition does")).help(format!("say the same of `{name}`")),
            );
        }
    }
    for (name, range) in &here {
        if !there.contains_key(name) {
            let message =
                format!("the page speaks of the header `{name}`; in {} it does not", original.language.name());
            let finding = Finding::at(Rule::PageEditions, page.place(range, "this edition does"), message);
            findings.push(finding.with(original.top("the other edition")).help(format!("say the same of `{name}`")));
        }
    }
    findings
}
