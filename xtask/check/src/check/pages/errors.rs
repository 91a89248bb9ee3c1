//! Error tables against the errors that the contract documents.

use super::about::About;
use crate::page::{ErrorRow, Language, Page};
use apidrift_core::contract::{Contract, DocumentedError};
use apidrift_core::finding::{Edit, Finding};
use apidrift_core::rules::Rule;

impl About<'_> {
    /// The page of an operation documents the operation's own errors, and may repeat the common ones.
    pub(super) fn errors(&self, common: &[&DocumentedError]) -> Vec<Finding> {
        let is_common = |error: &DocumentedError| common.iter().any(|other| is_same(other, error));
        let (common, own): (Vec<_>, Vec<_>) = self.operation.errors.iter().partition(|error| is_common(error));
        let mut findings = compare(self.contract, &[self.page], &own, &common, &|_| false);
        findings.extend(prose(self.contract, self.page, &self.operation.errors.iter().collect::<Vec<_>>()));
        findings
    }
}

/// The pages for the errors that all operations share.
pub fn common(
    contract: &Contract,
    pages: &[&Page],
    shared: &[&DocumentedError],
    is_elsewhere: &dyn Fn(&DocumentedError) -> bool,
) -> Vec<Finding> {
    let mut findings = compare(contract, pages, shared, &[], is_elsewhere);
    findings.extend(pages.iter().flat_map(|page| prose(contract, page, shared)));
    findings
}

/// Errors that the text around the tables speaks of. What resembles none of the documented ones is somebody else's.
fn prose(contract: &Contract, page: &Page, documented: &[&DocumentedError]) -> Vec<Finding> {
    let known = |row: &ErrorRow| {
        let mut all = contract.operations.iter().flat_map(|operation| &operation.errors);
        documented.iter().any(|error| is(row, error)) || all.any(|error| is(row, error))
    };
    let odd: Vec<&ErrorRow> = page.mentions.iter().filter(|row| !known(row)).collect();
    odd.into_iter()
        .filter_map(|row| {
            let (_, at) = most_alike(&[(page, row)], documented)?;
            Some(misnamed(contract, page, row, documented[at]))
        })
        .collect()
}

/// Whether an error stands in a page's error tables.
pub fn documents(page: &Page, error: &DocumentedError) -> bool {
    page.errors.iter().any(|row| is(row, error))
}

fn is(row: &ErrorRow, error: &DocumentedError) -> bool {
    *row.status == *error.status && *row.message == *error.message
}

/// The rows of error tables against the errors that they have to document, and others that they may.
fn compare(
    contract: &Contract,
    pages: &[&Page],
    documented: &[&DocumentedError],
    allowed: &[&DocumentedError],
    is_elsewhere: &dyn Fn(&DocumentedError) -> bool,
) -> Vec<Finding> {
    let rows: Vec<(&Page, &ErrorRow)> =
        pages.iter().flat_map(|page| page.errors.iter().map(move |row| (*page, row))).collect();
    let mut missing: Vec<&DocumentedError> =
        documented.iter().copied().filter(|error| !rows.iter().any(|(_, row)| is(row, error))).collect();
    let mut findings = Vec::new();
    let mut odd = Vec::new();
    for (index, (page, row)) in rows.iter().enumerate() {
        let same = |(_, other): &&(&Page, &ErrorRow)| *other.status == *row.status && *other.message == *row.message;
        if let Some((first_page, first)) = rows[..index].iter().find(same) {
            let message = format!("`{} {}` stands twice in the error table", row.status.value, row.message.value);
            let finding = Finding::at(Rule::PageErrorDuplicate, page.place(&row.range, "again here"), message);
            findings.push(finding.with(first_page.place(&first.range, "first here")).help("keep one of the rows"));
        } else if !documented.iter().chain(allowed).any(|error| is(row, error)) {
            odd.push((*page, *row));
        }
    }
    // A row that is not documented is a missing error written wrongly, if there is one that it resembles: the most alike
    // pair first.
    while let Some((row_at, error_at)) = most_alike(&odd, &missing) {
        let (page, row) = odd.remove(row_at);
        let error = missing.remove(error_at);
        findings.push(misnamed(contract, page, row, error));
    }
    for (page, row) in odd {
        let message = format!("the contract does not document `{} {}` here", row.status.value, row.message.value);
        let finding = Finding::at(Rule::PageErrorExtra, page.place(&row.range, "not in the contract"), message);
        findings.push(finding.help("remove the row, or document the error in the contract"));
    }
    let Some(first) = pages.first() else { return findings };
    findings
        .extend(missing.into_iter().filter(|error| !is_elsewhere(error)).map(|error| absent(contract, first, error)));
    findings
}

/// An error that a page writes otherwise than the contract.
fn misnamed(contract: &Contract, page: &Page, row: &ErrorRow, error: &DocumentedError) -> Finding {
    let (rule, here, there, message, right) = if row.message.value == error.message.value {
        let message =
            format!("`{}` has the status {}, not {}", error.message.value, error.status.value, row.status.value);
        (Rule::PageErrorStatus, &row.status.range, &error.status.range, message, error.status.value.to_string())
    } else {
        let message = format!("the message is `{}`, not `{}`", error.message.value, row.message.value);
        (Rule::PageErrorMessage, &row.message.range, &error.message.range, message, error.message.value.clone())
    };
    let finding = Finding::at(rule, page.place(here, "the page says this"), message);
    let finding = finding.with(contract.place(there, "the contract says this"));
    finding.help(format!("write `{} {}`", error.status.value, error.message.value)).fix_with(right)
}

/// The row and the error that are most alike, if any two are alike enough to be meant for each other.
fn most_alike(rows: &[(&Page, &ErrorRow)], errors: &[&DocumentedError]) -> Option<(usize, usize)> {
    let mut best: Option<(u32, usize, usize)> = None;
    for (row_at, (_, row)) in rows.iter().enumerate() {
        for (error_at, error) in errors.iter().enumerate() {
            let similarity = strsim::normalized_levenshtein(&row.message.to_lowercase(), &error.message.to_lowercase());
            let same_status = *row.status == *error.status;
            let enough = if same_status { similarity > 0.5 } else { similarity > 0.99 };
            let score = (similarity * 1000.0) as u32 + u32::from(same_status);
            if enough && best.is_none_or(|(known, ..)| score > known) {
                best = Some((score, row_at, error_at));
            }
        }
    }
    best.map(|(_, row_at, error_at)| (row_at, error_at))
}

fn absent(contract: &Contract, page: &Page, error: &DocumentedError) -> Finding {
    let last = page.errors.last();
    let place = match last {
        Some(row) => page.place(&row.range, "the last row of the table"),
        None => page.top("this page has no error table"),
    };
    let message = format!("the page does not document `{} {}`", error.status.value, error.message.value);
    let finding = Finding::at(Rule::PageErrorMissing, place, message);
    let finding = finding.with(contract.place(&error.message.range, "the contract documents it here"));
    let summary = error.summary.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    let row = format!("| `{} {}` | {summary} |", error.status.value, error.message.value);
    match (page.language, last) {
        (Language::English, Some(last)) if columns(&page.source.text[last.range.clone()]) == 2 => {
            let edit = Edit::Replace {
                source: page.source.clone(),
                range: last.range.end..last.range.end,
                with: format!("{}{row}", page.source.line_break()),
            };
            finding.help(format!("add the row {row}")).fix(edit)
        }
        (Language::English, _) => finding.help(format!("add the row {row}")),
        // A translation is not ours to make up.
        (language, _) => finding.help(format!("put this row into {} and add it: {row}", language.name())),
    }
}

/// How many cells a row has.
fn columns(row: &str) -> usize {
    row.trim().trim_matches('|').replace("\\|", "").split('|').count()
}

/// Whether two errors look the same to whoever gets them.
pub fn is_same(one: &DocumentedError, other: &DocumentedError) -> bool {
    *one.status == *other.status && *one.message == *other.message
}
