//! Findings as annotations of a GitHub workflow: one line each.

use crate::outcome::Outcome;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Severity;

pub fn render(outcome: &Outcome) -> String {
    let mut text: String = outcome.findings.iter().map(finding).collect();
    for reason in &outcome.unchecked {
        text.push_str(&format!("::error title=not checked::{}\n", data(reason)));
    }
    if !outcome.coverage.is_empty() {
        text.push_str(&format!("::notice title=compared::{}\n", data(&outcome.coverage.text())));
    }
    for operation in outcome.live.iter().flat_map(|live| &live.operations) {
        for (label, reason) in &operation.not_seen {
            text.push_str(&format!(
                "::notice title=not seen::{}\n",
                data(&format!("`{label}` of `{}`: {reason}", operation.id))
            ));
        }
    }
    text
}

fn finding(finding: &Finding) -> String {
    let command = match finding.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = Vec::new();
    if let Some(place) = finding.primary.as_ref().or(finding.related.first()) {
        let (line, column) = place.source.line_column(place.range.start);
        let (end_line, end_column) = place.source.line_column(place.range.end);
        properties.push(format!("file={}", property(&place.source.path)));
        properties.push(format!("line={line},endLine={end_line}"));
        // Columns are supported only for a single line.
        if line == end_line {
            properties.push(format!("col={column},endColumn={end_column}"));
        }
    }
    properties.push(format!("title={}", property(finding.rule.info().name)));
    let mut message = finding.message.clone();
    for place in &finding.related {
        let (line, column) = place.source.line_column(place.range.start);
        message.push_str(&format!("\n{}: {}:{line}:{column}", place.label, place.source.path));
    }
    for note in &finding.notes {
        message.push_str(&format!("\n{note}"));
    }
    if let Some(help) = &finding.help {
        message.push_str(&format!("\nhelp: {help}"));
    }
    format!("::{command} {}::{}\n", properties.join(","), data(&message))
}

/// A message, escaped for workflow commands.
fn data(text: &str) -> String {
    super::plain(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property value, in which more characters are escaped.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
