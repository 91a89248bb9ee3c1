//! Differences between the language editions of a page: all must have the same examples and the same headers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use super::basis::Basis;
use super::endpoint::{Section, Subjects};
use super::headers;
use super::read::without_language;
use crate::page::{self, CodeBlock, Language, Page, Written};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// The pages of one language.
pub struct Edition {
    pub language: Language,
    pub pages: Vec<Page>,
    pub is_complete: bool,
    /// Whether the other editions are translations of this one.
    pub is_original: bool,
    /// Whether there is no other edition.
    pub is_alone: bool,
}

/// Compares each page with that of the contract's language. Blocks with another finding are skipped. `keys` are those
/// of [`keys`], by edition and page.
pub fn check(basis: &Basis<'_>, editions: &[Edition], keys: &[Vec<String>], known: &[Finding]) -> Vec<Finding> {
    let (Some((first, others)), Some((first_keys, other_keys))) = (editions.split_first(), keys.split_first()) else {
        return Vec::new();
    };
    let mut originals: BTreeMap<&str, &Page> = BTreeMap::new();
    for (page, key) in first.pages.iter().zip(first_keys) {
        // Of two pages about one operation, the first is compared; another rule reports the duplicate.
        originals.entry(key).or_insert(page);
    }
    let known = Known::new(known);
    let names = headers::names(basis);
    let mut findings = Vec::new();
    for (edition, keys) in others.iter().zip(other_keys) {
        let mut seen = BTreeSet::new();
        for (page, key) in edition.pages.iter().zip(keys) {
            let Some(original) = originals.get(key.as_str()).filter(|_| seen.insert(key)) else { continue };
            findings.extend(blocks(original, page, &known));
            findings.extend(header_names(&names, original, page, &known));
        }
    }
    findings
}

/// Keys that match the editions of a page: its operation, or else its file name.
pub fn keys(edition: &Edition, subjects: &Subjects<'_>) -> Vec<String> {
    let pages = edition.pages.iter().zip(&subjects.sections);
    let key = |(page, sections): (&Page, &Vec<Section<'_>>)| match sections.as_slice() {
        [only] => only.operation.call(),
        _ => without_language(&page.source.path),
    };
    pages.map(key).collect()
}

/// Existing findings, by file.
struct Known<'a> {
    places: HashMap<&'a str, Vec<(Rule, &'a Range<usize>)>>,
}

impl<'a> Known<'a> {
    fn new(findings: &'a [Finding]) -> Known<'a> {
        let mut places: HashMap<&str, Vec<_>> = HashMap::new();
        for finding in findings {
            if let Some(place) = &finding.primary {
                places.entry(&place.source.path).or_default().push((finding.rule, &place.range));
            }
        }
        Known { places }
    }

    fn of(&self, page: &Page) -> &[(Rule, &'a Range<usize>)] {
        self.places.get(page.source.path.as_str()).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a block has another finding.
    fn touches(&self, page: &Page, block: &CodeBlock) -> bool {
        let block = &block.text.range;
        self.of(page).iter().any(|(_, range)| range.start <= block.end && block.start <= range.end)
    }

    /// Whether a page has a finding of a rule.
    fn has(&self, page: &Page, rule: Rule) -> bool {
        self.of(page).iter().any(|(known, _)| *known == rule)
    }
}

fn blocks(original: &Page, page: &Page, known: &Known<'_>) -> Vec<Finding> {
    if original.blocks.len() != page.blocks.len() {
        let message = format!(
            "the page has {} code blocks; in {} it has {}",
            page.blocks.len(),
            original.language.name(),
            original.blocks.len()
        );
        let finding = Finding::at(Rule::PageEditions, page.top("this language"), message);
        return vec![finding.with(original.top("the other language")).help("show the same code in every language")];
    }
    let pairs = original.blocks.iter().zip(&page.blocks);
    pairs
        .filter(|(one, other)| {
            let lacks_a_request = asks(one).is_some() != asks(other).is_some()
                && (known.has(original, Rule::PageRequestMissing) || known.has(page, Rule::PageRequestMissing));
            !is_same(one, other) && !lacks_a_request && !known.touches(original, one) && !known.touches(page, other)
        })
        .map(|(one, other)| {
            let here = page.place(&first_line(other), "this language has this");
            let there = original.place(&first_line(one), "the other language has this");
            let finding = Finding::at(
                Rule::PageEditions,
                here,
                format!("the code differs from the page in {}", original.language.name()),
            );
            finding.with(there).help("show the same code in every language")
        })
        .collect()
}

/// Whether two blocks are equivalent: requests by what they ask for, JSON by its value, other text by its words.
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

/// The essential parts of a request, regardless of notation.
#[derive(PartialEq)]
struct Asked {
    method: String,
    url: String,
    query: Vec<String>,
    headers: BTreeSet<(String, String)>,
    body: Vec<String>,
}

/// The requests in a block, if it contains any.
fn asks(block: &CodeBlock) -> Option<Vec<Asked>> {
    let texts = |texts: Vec<Written<String>>| texts.into_iter().map(|text| text.value).collect();
    let requests = page::requests(&block.text, 0).ok().filter(|requests| !requests.is_empty())?;
    let asked = requests.into_iter().map(|request| Asked {
        method: request.method.value,
        url: request.url.value,
        query: texts(request.query),
        headers: request.headers.into_iter().map(|header| header.value).collect(),
        body: request.body.texts().map(str::to_owned).collect(),
    });
    Some(asked.collect())
}

fn first_line(block: &CodeBlock) -> Range<usize> {
    let start = block.text.range.start;
    let length = block.text.find('\n').unwrap_or(block.text.len());
    start..start + length
}

/// Headers of the contract that only one edition mentions.
fn header_names(names: &BTreeSet<&str>, original: &Page, page: &Page, known: &Known<'_>) -> Vec<Finding> {
    // A misspelt header counts as missing; it has a finding already.
    let (in_original, in_page) = (known.has(original, Rule::PageHeader), known.has(page, Rule::PageHeader));
    let spans = |page: &Page| -> BTreeMap<String, Range<usize>> {
        let all = page.spans.iter().chain(&page.cell_spans).filter(|span| names.contains(span.as_str()));
        all.map(|span| (span.value.clone(), span.range.clone())).collect()
    };
    let (there, here) = (spans(original), spans(page));
    let mut findings = Vec::new();
    for (name, range) in &there {
        if !here.contains_key(name) && !in_page {
            let message =
                format!("the page does not mention the header `{name}`; in {} it does", original.language.name());
            let finding = Finding::at(Rule::PageEditions, page.top("this language"), message);
            findings.push(
                finding
                    .with(original.place(range, "the other language mentions it"))
                    .help(format!("mention `{name}` in both languages or in neither")),
            );
        }
    }
    for (name, range) in &here {
        if !there.contains_key(name) && !in_original {
            let message = format!("the page mentions the header `{name}`; in {} it does not", original.language.name());
            let finding = Finding::at(Rule::PageEditions, page.place(range, "this language mentions it"), message);
            findings.push(
                finding
                    .with(original.top("the other language"))
                    .help(format!("mention `{name}` in both languages or in neither")),
            );
        }
    }
    findings
}
