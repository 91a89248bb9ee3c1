//! Checks that generated files match the contract.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use regex::Regex;

use apidrift_core::canonical::words;
use apidrift_core::contract::{Contract, Operation};
use apidrift_core::finding::{Edit, Finding};
use apidrift_core::generator::Output;
use apidrift_core::rules::Rule;
use apidrift_core::settings::Project;
use openapi_model::source::{Place, Source};
use openapi_model::span::Span;

use crate::outputs::outputs;
use crate::seal;

const HELP: &str = "run `cargo xtask generate`";

/// Findings about files that differ from what is generated now, or for which no code can be generated.
pub fn check(project: &Project, contract: &Contract) -> Vec<Finding> {
    match outputs(contract, &project.layout) {
        Ok(outputs) => outputs.iter().filter_map(|output| file(project, output, contract)).collect(),
        Err(findings) => findings,
    }
}

/// The rules for a file that is missing, out of date, or edited by hand.
struct Rules {
    missing: Rule,
    stale: Rule,
    edited: Rule,
}

/// The finding about a generated file, if any.
fn file(project: &Project, output: &Output, contract: &Contract) -> Option<Finding> {
    let rules = if output.is_server {
        Rules { missing: Rule::ServerMissing, stale: Rule::ServerStale, edited: Rule::ServerEdited }
    } else {
        Rules { missing: Rule::ClientMissing, stale: Rule::ClientStale, edited: Rule::ClientEdited }
    };
    let write = Edit::Write { path: output.path.clone(), text: output.text.clone() };
    let file = match project.read(&output.path) {
        Ok(file) => file,
        Err(reason) => {
            let finding = Finding::nowhere(rules.missing, reason);
            return Some(finding.with(contract.place(Span::default(), "generated from this")).help(HELP).fix(write));
        }
    };
    if is_same(&file.text, &output.text) {
        return None;
    }
    let difference = first_difference(&file, &output.text);
    let place = Place::new(&file, difference.range.clone(), format!("now it would be: {}", difference.excerpt()));
    let finding = if seal::is_sealed(&file.text) {
        let message =
            format!("{} is out of date: {} now generates something else", output.path, contract.source().path);
        Finding::at(rules.stale, place, message).help(HELP)
    } else {
        let message = format!("{} was edited by hand", output.path);
        let help = format!("{HELP}; it overwrites the edit, so change the contract or the generator instead");
        Finding::at(rules.edited, place, message).help(help)
    };
    Some(finding.with(origin(contract, &difference.expected, &difference.found, &difference.around)).fix(write))
}

struct Difference {
    range: Range<usize>,
    expected: String,
    found: String,
    /// The generated text before this line.
    around: String,
}

impl Difference {
    /// The part of the generated line around the first difference.
    fn excerpt(&self) -> String {
        const BEFORE: usize = 24;
        const LONGEST: usize = 72;
        let letters: Vec<char> = self.expected.chars().collect();
        let same = letters.iter().zip(self.found.chars()).take_while(|(one, other)| **one == *other).count();
        let start = if letters.len() <= LONGEST { 0 } else { same.saturating_sub(BEFORE) };
        let end = letters.len().min(start + LONGEST);
        let middle: String = letters[start..end].iter().collect();
        let (before, after) = (if start > 0 { "…" } else { "" }, if end < letters.len() { "…" } else { "" });
        format!("{before}{middle}{after}")
    }
}

/// Comments, and literals that may contain comment signs.
static COMMENT: LazyLock<Regex> = LazyLock::new(|| {
    #[allow(clippy::expect_used)] // A constant pattern, which the tests compile.
    Regex::new(r##"(?s)r#".*?"#|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)'|//[^\n]*|/\*.*?\*/"##).expect("a pattern of ours")
});

/// Whether two files have the same code and the same comments, regardless of formatting.
fn is_same(one: &str, other: &str) -> bool {
    // Doc comments are part of the code.
    let is_comment = |text: &&str| {
        (text.starts_with("//") && !text.starts_with("///")) || (text.starts_with("/*") && !text.starts_with("/**"))
    };
    let comments = |text: &str| -> Vec<String> {
        let found = COMMENT.find_iter(text).map(|found| found.as_str()).filter(is_comment);
        found.map(|comment| comment.trim().to_owned()).collect()
    };
    let code = |text: &str| syn::parse_file(&text.replace("\r\n", "\n")).map(|file| prettyplease::unparse(&file)).ok();
    one == other || (comments(one) == comments(other) && code(one).is_some_and(|one| Some(one) == code(other)))
}

/// The first differing line. The seal is skipped, because it always differs.
fn first_difference(file: &Arc<Source>, expected: &str) -> Difference {
    let (mut wanted, mut found) = (expected.lines(), file.text.lines());
    let (mut line, mut offset, mut seal) = (0, 0, None);
    loop {
        line += 1;
        let (one, other) = (wanted.next(), found.next());
        if one == other && one.is_some() {
            offset += one.map_or(0, |one| one.len() + 1);
            continue;
        }
        let is_seal = one.is_some_and(seal::is_seal) && other.is_some_and(seal::is_seal);
        if is_seal {
            seal = Some(line);
            offset += one.map_or(0, |one| one.len() + 1);
            continue;
        }
        let line = match (one, other, seal) {
            // Only the seal or a line break differs.
            (None, None, Some(seal)) => seal,
            (None, None, None) => line - 1,
            _ => line,
        };
        let range = file.line(line);
        let text = &file.text[range.clone()];
        let indent = text.len() - text.trim_start().len();
        return Difference {
            range: range.start + indent..range.end,
            expected: one.map_or("nothing", str::trim).to_owned(),
            found: other.unwrap_or_default().trim().to_owned(),
            around: expected.get(..offset).unwrap_or(expected).to_owned(),
        };
    }
}

/// The place in the contract from which a generated line was generated: a text of the line, within its operation or
/// schema.
fn origin(contract: &Contract, expected: &str, found: &str, around: &str) -> Place {
    let label = "the contract says this";
    let by_id: HashMap<&str, &Operation> =
        contract.operations.iter().map(|operation| (operation.id.as_str(), operation)).collect();
    // The operation ID that precedes the line most closely.
    let nearest = around.rsplit('"').find_map(|text| by_id.get(text).copied());
    let Some(operation) = nearest.or(contract.operations.last()) else {
        return contract.place(Span::default(), "generated from this");
    };
    let says = |text: &str| expected.contains(text) && !found.contains(text);
    for error in &operation.errors {
        if let Some(message) = &error.identity
            && (says(message) || says(&format!("{} {}", error.status.value, message.value)))
        {
            return contract.place(message.span, label);
        }
        if let Some(summary) = error.summary.as_ref().filter(|summary| says(&words(summary))) {
            return contract.place(summary.span, label);
        }
    }
    if let Some(permission) = operation.permission.as_ref().filter(|permission| says(permission)) {
        return contract.place(permission.span, label);
    }
    if let Some(limit) = &operation.rate_limit
        && expected.contains("requests:")
    {
        return contract.place(limit.span, label);
    }
    if says(&operation.path) {
        return contract.place(operation.path.span, label);
    }
    // A status: the error whose name or message directly precedes it.
    let nearest = operation
        .errors
        .iter()
        .filter_map(|error| Some((around.rfind(&format!("\"{}\"", error.name.value))?, error)))
        .max_by_key(|(at, _)| *at);
    if let Some((at, error)) = nearest
        && around.len() - at < 400
        && expected.contains(&error.status.value.to_string())
    {
        return contract.place(error.status.span, label);
    }
    let schema = contract.document.components.iter().find(|(name, _)| expected.contains(name.as_str()));
    match schema {
        Some((name, _)) => contract.place(name.span, label),
        None => contract.place(operation.id.span, "generated from this operation"),
    }
}
