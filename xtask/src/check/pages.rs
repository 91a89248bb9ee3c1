//! The pages that people read agree with the contract.

use std::path::{Path, PathBuf};

use super::Outcome;
use crate::contract::{Contract, DocumentedError, Operation};
use crate::finding::Finding;
use crate::page::{ErrorRow, Language, Page};
use crate::rules::Rule;
use crate::source::Source;

/// Compares the pages of every language with the contract.
pub fn check(root: &Path, folder: &Path, contract: &Contract) -> Outcome {
    let mut outcome = Outcome::default();
    for language in Language::ALL {
        let folder = match language {
            Language::English => folder.to_owned(),
            other => folder.join(other.code()),
        };
        match read(root, &folder, *language) {
            Ok((pages, unreadable)) => {
                outcome.unchecked.extend(unreadable);
                outcome.findings.extend(edition(contract, &pages, *language));
            }
            Err(reason) => outcome.unchecked.push(reason),
        }
    }
    outcome
}

/// The pages of a folder, and why some could not be read.
fn read(root: &Path, folder: &Path, language: Language) -> Result<(Vec<Page>, Vec<String>), String> {
    let shown = folder.strip_prefix(root).unwrap_or(folder).display();
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    files.sort();
    let (mut pages, mut unreadable) = (Vec::new(), Vec::new());
    for file in files {
        match Source::read(root, &file) {
            Ok(source) => pages.push(Page::read(&source, language)),
            Err(reason) => unreadable.push(reason),
        }
    }
    Ok((pages, unreadable))
}

/// One language's pages.
fn edition(contract: &Contract, pages: &[Page], language: Language) -> Vec<Finding> {
    let mut findings = Vec::new();
    let common_page = pages
        .iter()
        .find(|page| page.endpoint.is_none() && !page.errors.is_empty());
    let is_common = |error: &DocumentedError| common_page.is_some() && contract.is_common(&error.name);
    let mut documented = Vec::new();
    for page in pages {
        let Some(operation) = about(contract, page, &mut findings) else {
            continue;
        };
        documented.push(operation.id.value.as_str());
        findings.extend(permission(contract, operation, page));
        findings.extend(rate_limit(contract, operation, page));
        let (common, own): (Vec<_>, Vec<_>) = operation.errors.iter().partition(|error| is_common(error));
        findings.extend(errors(contract, page, &own, &common));
    }
    if let (Some(page), Some(operation)) = (common_page, contract.operations.first()) {
        let common: Vec<_> = operation.errors.iter().filter(|error| is_common(error)).collect();
        findings.extend(errors(contract, page, &common, &[]));
    }
    for operation in &contract.operations {
        if !documented.contains(&operation.id.value.as_str()) {
            let finding = Finding::at(
                Rule::PageMissing,
                contract.place(&operation.id.range, "this operation"),
                format!("`{}` has no page in {}", operation.id.value, language.name()),
            );
            let line = format!("`{} {}`", operation.method.value, operation.path.value);
            findings.push(finding.help(format!("write one that names its endpoint as {line}")));
        }
    }
    findings
}

/// The operation that a page is about. One whose endpoint is written wrongly is recognised by what is left of it.
fn about<'a>(contract: &'a Contract, page: &Page, findings: &mut Vec<Finding>) -> Option<&'a Operation> {
    let endpoint = page.endpoint.as_ref()?;
    let whole = |method: &str, path: &str| format!("{method} {path}");
    let named = whole(&endpoint.method, &endpoint.path);
    let closeness = |operation: &&Operation| {
        let similarity = strsim::normalized_levenshtein(&named, &whole(&operation.method, &operation.path));
        (similarity * 1000.0) as u32
    };
    let nearest = contract.operations.iter().max_by_key(closeness)?;
    if *endpoint.method == *nearest.method && *endpoint.path == *nearest.path {
        return Some(nearest);
    }
    let (here, there) = if *endpoint.path == *nearest.path {
        (&endpoint.method.range, &nearest.method.range)
    } else {
        (&endpoint.path.range, &nearest.path.range)
    };
    let finding = Finding::at(
        Rule::PageEndpoint,
        page.place(here, "the page says this"),
        format!("the contract has no operation `{named}`"),
    );
    if closeness(&nearest) < 700 {
        findings.push(finding.help("correct the endpoint, or remove the page"));
        return None;
    }
    let right = whole(&nearest.method, &nearest.path);
    findings.push(
        finding
            .with(contract.place(there, "the contract says this"))
            .help(format!("write `{right}`")),
    );
    Some(nearest)
}

fn permission(contract: &Contract, operation: &Operation, page: &Page) -> Option<Finding> {
    let required = operation.permission.as_ref()?;
    if page.spans.iter().any(|span| span.value == required.value) {
        return None;
    }
    // Something that looks like a permission stands in its place.
    let area = required.value.split('.').next().unwrap_or_default();
    let is_like = |span: &str| {
        span.split_once('.')
            .is_some_and(|(other, rest)| other == area && !rest.is_empty())
    };
    let other = page.spans.iter().find(|span| is_like(span));
    let primary = match other {
        Some(span) => page.place(&span.range, "the page says this"),
        None => page.top("this page"),
    };
    let message = match other {
        Some(span) => format!(
            "the page names the permission `{}`; `{}` is required",
            span.value, required.value
        ),
        None => format!("the page does not name the permission `{}`", required.value),
    };
    let finding = Finding::at(Rule::PagePermission, primary, message);
    let finding = finding.with(contract.place(&required.range, "the contract requires this"));
    Some(finding.help(format!("write `{}` in a code span", required.value)))
}

fn rate_limit(contract: &Contract, operation: &Operation, page: &Page) -> Vec<Finding> {
    let Some(limit) = &operation.rate_limit else {
        return Vec::new();
    };
    let place = || contract.place(&limit.range, "the contract limits it here");
    // A limit of another window is given per minute where that is a whole number.
    let per_minute = limit.requests * 60 / limit.window_seconds;
    let help = format!("write that {per_minute} requests per minute are allowed");
    let elsewhere = page
        .includes
        .iter()
        .find(|include| include.to_lowercase().contains("rate"));
    if let (true, Some(include)) = (page.limits.is_empty(), elsewhere) {
        let finding = Finding::at(
            Rule::PageUnknownRateLimit,
            page.place(&include.range, "from here"),
            "the page takes its rate limit from another file, which was not looked at",
        );
        return vec![finding.with(place())];
    }
    if page.limits.is_empty() {
        let finding = Finding::at(
            Rule::PageRateLimit,
            page.top("this page"),
            format!("the page does not say that {per_minute} requests per minute are allowed"),
        );
        return vec![finding.with(place()).help(help)];
    }
    page.limits
        .iter()
        .filter(|found| found.value != per_minute)
        .map(|found| {
            let finding = Finding::at(
                Rule::PageRateLimit,
                page.place(&found.range, "the page says this"),
                format!(
                    "the page says {} requests per minute; {per_minute} are allowed",
                    found.value
                ),
            );
            finding.with(place()).help(help.clone())
        })
        .collect()
}

/// The rows of a page's error tables against the errors that it has to document, and others that it may.
fn errors(
    contract: &Contract,
    page: &Page,
    documented: &[&DocumentedError],
    allowed: &[&DocumentedError],
) -> Vec<Finding> {
    let is = |row: &ErrorRow, error: &DocumentedError| {
        row.status.value == error.status.value && row.message.value == error.message.value
    };
    let mut findings = Vec::new();
    let mut missing: Vec<&DocumentedError> = Vec::new();
    let mut odd: Vec<&ErrorRow> = Vec::new();
    for error in documented {
        if !page.errors.iter().any(|row| is(row, error)) {
            missing.push(error);
        }
    }
    for (index, row) in page.errors.iter().enumerate() {
        let same = |other: &&ErrorRow| *other.status == *row.status && *other.message == *row.message;
        if let Some(first) = page.errors[..index].iter().find(same) {
            let finding = Finding::at(
                Rule::PageErrorDuplicate,
                page.place(&row.range, "again here"),
                format!(
                    "`{} {}` stands twice in the error table",
                    row.status.value, row.message.value
                ),
            );
            findings.push(
                finding
                    .with(page.place(&first.range, "first here"))
                    .help("keep one of the rows"),
            );
        } else if !documented.iter().chain(allowed).any(|error| is(row, error)) {
            odd.push(row);
        }
    }
    // A row that is not documented is a missing error written wrongly, if there is one that it resembles.
    for row in odd {
        let resembles = |error: &DocumentedError| {
            let similarity = strsim::normalized_levenshtein(&row.message.to_lowercase(), &error.message.to_lowercase());
            let same_status = *row.status == *error.status;
            (similarity > 0.99 || (same_status && similarity > 0.5)).then_some((similarity * 1000.0) as u32)
        };
        let nearest = (0..missing.len())
            .filter_map(|index| Some((resembles(missing[index])?, index)))
            .max();
        let Some((_, index)) = nearest else {
            let finding = Finding::at(
                Rule::PageErrorExtra,
                page.place(&row.range, "not in the contract"),
                format!(
                    "the contract does not document `{} {}` here",
                    row.status.value, row.message.value
                ),
            );
            findings.push(finding.help("remove the row, or document the error in the contract"));
            continue;
        };
        let error = missing.remove(index);
        let (rule, here, there, message) = if row.message.value == error.message.value {
            let message = format!(
                "`{}` has status {}, not {}",
                error.message.value, error.status.value, row.status.value
            );
            (Rule::PageErrorStatus, &row.status.range, &error.status.range, message)
        } else {
            let message = format!("the message is `{}`, not `{}`", error.message.value, row.message.value);
            (
                Rule::PageErrorMessage,
                &row.message.range,
                &error.message.range,
                message,
            )
        };
        let finding = Finding::at(rule, page.place(here, "the page says this"), message);
        let finding = finding.with(contract.place(there, "the contract says this"));
        findings.push(finding.help(format!("write `{} {}`", error.status.value, error.message.value)));
    }
    for error in missing {
        let place = match page.errors.last() {
            Some(row) => page.place(&row.range, "the last row of the table"),
            None => page.top("this page has no error table"),
        };
        let finding = Finding::at(
            Rule::PageErrorMissing,
            place,
            format!(
                "the page does not document `{} {}`",
                error.status.value, error.message.value
            ),
        );
        let finding = finding.with(contract.place(&error.message.range, "the contract documents it here"));
        let row = format!(
            "| `{} {}` | {} |",
            error.status.value, error.message.value, error.summary.value
        );
        findings.push(finding.help(format!("add a row such as {row}")));
    }
    findings
}
