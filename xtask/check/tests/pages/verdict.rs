//! What the comparison says about a contract and pages.

use std::sync::Arc;

use apidrift::check::{Claims, Pages, compare};
use apidrift::page::Language;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Severity;
use openapi_model::source::{Place, Source};
use serde_json::Value;

use super::page::Page;

pub fn contract(root: &Value) -> Arc<Source> {
    Source::new("openapi.json", serde_json::to_string_pretty(root).unwrap())
}

/// One edition for each language.
pub fn claims(pages: &[Page]) -> Claims {
    let mut editions: Vec<(&str, Pages)> = Vec::new();
    for page in pages {
        let source = Source::new(page.path.clone(), page.text.clone());
        match editions.iter_mut().find(|(language, _)| *language == page.language) {
            Some((_, edition)) => edition.sources.push(source),
            None => {
                let code = if page.language.is_empty() { "en" } else { page.language };
                let language = Language::of_code(code);
                editions.push((page.language, Pages { language, sources: vec![source], are_complete: true }));
            }
        }
    }
    Claims { pages: editions.into_iter().map(|(_, pages)| pages).collect(), ..Claims::default() }
}

pub struct Verdict {
    pub findings: Vec<Finding>,
    /// Operations that were not compared with pages.
    pub set_aside: Vec<String>,
}

pub fn of(contract: &Arc<Source>, pages: &[Page]) -> Verdict {
    let (outcome, _) = compare(contract, &claims(pages), None);
    let findings = outcome.findings.into_iter().filter(|finding| finding.rule.info().family() == "page").collect();
    let set_aside = outcome.not_compared.iter().map(|part| part.operation.clone()).collect();
    Verdict { findings, set_aside }
}

impl Verdict {
    pub fn loud(&self, least: Severity) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.severity() >= least)
    }
}

/// Where a place is.
pub fn line(place: &Place) -> (&str, usize) {
    (&place.source.path, place.source.line_column(place.range.start).0)
}

pub fn places(finding: &Finding) -> impl Iterator<Item = (&str, usize)> {
    finding.primary.iter().chain(&finding.related).map(line)
}

pub fn shown(finding: &Finding) -> String {
    let place = finding.primary.as_ref().map(line);
    let place = place.map_or("nowhere".to_owned(), |(path, line)| format!("{path}:{line}"));
    format!("{} {place}: {}", finding.rule.info().name, finding.message)
}
