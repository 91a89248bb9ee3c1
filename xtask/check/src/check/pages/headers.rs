//! Header names on a page.

use std::collections::BTreeSet;

use super::basis::Basis;
use crate::page::Page;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// Names with a lower similarity to every header of the contract belong to another API.
const ALIKE: f64 = 0.7;

/// The names of all headers of the contract.
pub fn names<'a>(basis: &Basis<'a>) -> BTreeSet<&'a str> {
    let responses = basis.operations().flat_map(|operation| &operation.spec.responses);
    responses.flat_map(|response| &response.headers).map(|header| header.name.as_str()).collect()
}

/// Names that are similar to a header but are not one.
pub fn check(names: &BTreeSet<&str>, page: &Page) -> Vec<Finding> {
    let is_name = |text: &str| {
        text.split('-').count() > 1
            && text.split('-').all(|part| part.starts_with(|first: char| first.is_ascii_uppercase()))
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let spans = page.spans.iter().chain(&page.cell_spans).filter(|span| is_name(span));
    let unknown = spans.filter(|span| !names.iter().any(|name| name.eq_ignore_ascii_case(span)));
    unknown
        .filter_map(|span| {
            let likeness = |name: &&str| strsim::normalized_levenshtein(&name.to_lowercase(), &span.to_lowercase());
            let nearest = names.iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
            let message = format!("no operation answers with the header `{}`", span.value);
            let finding = Finding::at(Rule::PageHeader, page.place(&span.range, "the page says this"), message);
            (likeness(nearest) > ALIKE).then(|| finding.help(format!("write `{nearest}`, if that is what you mean")))
        })
        .collect()
}
