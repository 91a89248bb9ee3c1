//! Compares error tables with the errors that the contract documents.

use openapi_model::span::Span;

use super::about::About;
use super::basis::{Basis, falls_under};
use crate::page::{ErrorRow, Language, Page};
use apidrift_core::contract::DocumentedError;
use apidrift_core::finding::{Edit, Finding};
use apidrift_core::rules::Rule;

impl About<'_, '_> {
    /// An operation's page must list the operation's own errors, and may repeat the common ones.
    pub(super) fn errors(&self, common: &[&DocumentedError]) -> Vec<Finding> {
        let is_common = |error: &DocumentedError| common.iter().any(|other| is_same(other, error));
        let (common, own): (Vec<_>, Vec<_>) = self.operation.errors.iter().partition(|error| is_common(error));
        let is_covered = |row: &ErrorRow| falls_under(self.operation, *row.status);
        let mut findings = compare(self.basis, &[self.page], &own, &common, &is_covered, &|_| false);
        let all: Vec<&DocumentedError> = self.operation.errors.iter().collect();
        findings.extend(prose(self.basis, self.page, &all, &is_covered));
        findings
    }
}

/// The pages for the errors that all operations share.
pub fn common(
    basis: &Basis<'_>,
    pages: &[&Page],
    shared: &[&DocumentedError],
    is_elsewhere: &dyn Fn(&DocumentedError) -> bool,
) -> Vec<Finding> {
    // Whether every operation documents the error, perhaps as a common one.
    let is_covered = |row: &ErrorRow| {
        let mut operations = basis.operations();
        let documents = |error: &DocumentedError| is(row, error);
        operations.all(|operation| falls_under(operation, *row.status) || operation.errors.iter().any(documents))
    };
    let mut findings = compare(basis, pages, shared, &[], &is_covered, is_elsewhere);
    findings.extend(pages.iter().flat_map(|page| prose(basis, page, shared, &is_covered)));
    findings
}

/// Errors mentioned in the text around the tables. An error that resembles none of the documented ones belongs to
/// another API.
fn prose(
    basis: &Basis<'_>,
    page: &Page,
    documented: &[&DocumentedError],
    is_covered: &dyn Fn(&ErrorRow) -> bool,
) -> Vec<Finding> {
    let known = |row: &ErrorRow| {
        let mut all = basis.operations().flat_map(|operation| &operation.errors);
        documented.iter().any(|error| is(row, error)) || is_covered(row) || all.any(|error| is(row, error))
    };
    let undocumented: Vec<&ErrorRow> = page.mentions.iter().filter(|row| !known(row)).collect();
    undocumented
        .into_iter()
        .filter_map(|row| {
            let (_, error) = alike(&[row], documented).pop()?;
            misnamed(basis, page, row, documented[error])
        })
        .collect()
}

/// Whether a page's tables contain an error.
pub fn documents(page: &Page, error: &DocumentedError) -> bool {
    page.errors.iter().any(|row| is(row, error)) || (error.identity.is_none() && names_status(page, *error.status))
}

/// Whether a row is about an error. If errors have no identity, the status decides.
pub fn is(row: &ErrorRow, error: &DocumentedError) -> bool {
    *row.status == *error.status && error.identity.as_ref().is_none_or(|identity| **identity == *row.message)
}

/// Whether any cell of a table begins with a status.
fn names_status(page: &Page, status: u16) -> bool {
    let cells = page.tables.iter().flat_map(|table| &table.rows).flat_map(|row| &row.cells);
    let status = status.to_string();
    let begins = |text: &str| {
        text.trim_start().strip_prefix(&status).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    };
    cells.into_iter().any(|cell| begins(&cell.text))
}

/// The label of an error on pages: its status and its identity.
pub fn label(error: &DocumentedError) -> String {
    match &error.identity {
        Some(identity) => format!("{} {}", error.status.value, identity.value),
        None => error.status.value.to_string(),
    }
}

/// The place of an error in the contract.
pub fn span(error: &DocumentedError) -> Span {
    error.identity.as_ref().map_or(error.status.span, |identity| identity.span)
}

/// Compares the rows of error tables with the errors that must be in them, and those that may be.
fn compare(
    basis: &Basis<'_>,
    pages: &[&Page],
    documented: &[&DocumentedError],
    allowed: &[&DocumentedError],
    is_covered: &dyn Fn(&ErrorRow) -> bool,
    is_elsewhere: &dyn Fn(&DocumentedError) -> bool,
) -> Vec<Finding> {
    let rows: Vec<(&Page, &ErrorRow)> =
        pages.iter().flat_map(|page| page.errors.iter().map(move |row| (*page, row))).collect();
    let missing: Vec<&DocumentedError> =
        documented.iter().copied().filter(|error| !pages.iter().any(|page| documents(page, error))).collect();
    let mut findings = Vec::new();
    let mut undocumented = Vec::new();
    for (index, (page, row)) in rows.iter().enumerate() {
        let same = |(_, other): &&(&Page, &ErrorRow)| *other.status == *row.status && *other.message == *row.message;
        if let Some((first_page, first)) = rows[..index].iter().find(same) {
            let message = format!("`{} {}` is listed twice in the error table", row.status.value, row.message.value);
            let finding = Finding::at(Rule::PageErrorDuplicate, page.place(&row.range, "again here"), message);
            findings.push(finding.with(first_page.place(&first.range, "first here")).help("keep one of the rows"));
        } else if !documented.iter().chain(allowed).any(|error| is(row, error)) {
            undocumented.push((*page, *row));
        }
    }
    // An undocumented row is a misspelt error if it resembles one of the missing errors.
    let undocumented_rows: Vec<&ErrorRow> = undocumented.iter().map(|(_, row)| *row).collect();
    let pairs = alike(&undocumented_rows, &missing);
    findings.extend(
        pairs
            .iter()
            .filter_map(|(row, error)| misnamed(basis, undocumented[*row].0, undocumented[*row].1, missing[*error])),
    );
    let is_left = |row: usize| pairs.iter().all(|(paired, _)| *paired != row);
    for (_, (page, row)) in
        undocumented.into_iter().enumerate().filter(|(at, (_, row))| is_left(*at) && !is_covered(row))
    {
        let message = format!("the contract does not document `{} {}` here", row.status.value, row.message.value);
        let finding = Finding::at(Rule::PageErrorExtra, page.place(&row.range, "not in the contract"), message);
        findings.push(finding.help("remove the row, or document the error in the contract"));
    }
    let Some(first) = pages.first().filter(|_| basis.is_complete()) else { return findings };
    let is_left = |error: usize| pairs.iter().all(|(_, paired)| *paired != error);
    let missing = missing.into_iter().enumerate().filter(|(at, error)| is_left(*at) && !is_elsewhere(error));
    findings.extend(missing.map(|(_, error)| absent(basis, first, error)));
    findings
}

/// The finding for an error that the page spells differently from the contract.
fn misnamed(basis: &Basis<'_>, page: &Page, row: &ErrorRow, error: &DocumentedError) -> Option<Finding> {
    let identity = error.identity.as_ref()?;
    let (rule, here, there, message, right) = if row.message.value == identity.value {
        let message = {
            let (name, said, right) = (&identity.value, row.status.value, error.status.value);
            format!("the page gives `{name}` the status {said}, but the contract says {right}")
        };
        (Rule::PageErrorStatus, &row.status.range, error.status.span, message, error.status.value.to_string())
    } else {
        let word = basis.error_word();
        let message =
            format!("the page gives the {word} `{}`, but the contract says `{}`", row.message.value, identity.value);
        (Rule::PageErrorMessage, &row.message.range, identity.span, message, identity.value.clone())
    };
    let finding = Finding::at(rule, page.place(here, "the page says this"), message);
    let finding = finding.with(basis.place(there, "the contract says this"));
    Some(finding.help(format!("write `{}`", label(error))).fix_with(right))
}

/// Pairs of similar rows and errors, the most similar first. Each occurs in at most one pair.
fn alike(rows: &[&ErrorRow], errors: &[&DocumentedError]) -> Vec<(usize, usize)> {
    let texts: Vec<Option<String>> =
        errors.iter().map(|error| error.identity.as_ref().map(|identity| identity.to_lowercase())).collect();
    let mut scores: Vec<(u32, usize, usize)> = Vec::new();
    for (row_at, row) in rows.iter().enumerate() {
        let message = row.message.to_lowercase();
        for (error_at, (error, text)) in errors.iter().zip(&texts).enumerate() {
            let Some(text) = text else { continue };
            let similarity = strsim::normalized_levenshtein(&message, text);
            let same_status = *row.status == *error.status;
            let enough = if same_status { similarity > 0.5 } else { similarity > 0.99 };
            if enough {
                scores.push(((similarity * 1000.0) as u32 + u32::from(same_status), row_at, error_at));
            }
        }
    }
    scores.sort_by_key(|(score, row, error)| (std::cmp::Reverse(*score), *row, *error));
    let (mut free_rows, mut free_errors) = (vec![true; rows.len()], vec![true; errors.len()]);
    let mut pairs = Vec::new();
    for (_, row, error) in scores {
        if free_rows[row] && free_errors[error] {
            (free_rows[row], free_errors[error]) = (false, false);
            pairs.push((row, error));
        }
    }
    pairs
}

fn absent(basis: &Basis<'_>, page: &Page, error: &DocumentedError) -> Finding {
    let last = page.errors.last();
    let place = match last {
        Some(row) => page.place(&row.range, "the last row of the table"),
        None => page.top("this page has no error table"),
    };
    let label = label(error);
    let finding = Finding::at(Rule::PageErrorMissing, place, format!("the page does not document `{label}`"));
    let finding = finding.with(basis.place(span(error), "the contract documents it here"));
    let Some(summary) = &error.summary else {
        return finding.help(format!("add a row for `{label}` that says what to do about it"));
    };
    let summary = summary.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    let row = format!("| `{label}` | {summary} |");
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
        // Translations are not generated.
        (language, _) => finding.help(format!("put this row into {} and add it: {row}", language.name())),
    }
}

/// The number of cells in a row.
fn columns(row: &str) -> usize {
    row.trim().trim_matches('|').replace("\\|", "").split('|').count()
}

/// The parts of an error by which clients distinguish it: its status and its identity.
pub type Key<'a> = (u16, Option<&'a str>);

/// The key of an error.
pub fn key(error: &DocumentedError) -> Key<'_> {
    (*error.status, error.identity.as_ref().map(|identity| identity.as_str()))
}

/// Whether clients cannot distinguish two errors.
pub fn is_same(one: &DocumentedError, other: &DocumentedError) -> bool {
    key(one) == key(other)
}
