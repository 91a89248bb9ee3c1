//! Findings as SARIF 2.1.0, which code scanning services read.

use serde_json::{Value, json};

use crate::outcome::Outcome;
use apidrift_core::finding::{Edit, Finding};
use apidrift_core::rules::Rule;
use openapi_model::source::{Place, Source};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub fn render(outcome: &Outcome) -> String {
    let rules: Vec<Value> = Rule::ALL.iter().map(|rule| self::rule(*rule)).collect();
    let results: Vec<Value> = outcome.findings.iter().map(result).collect();
    let notification = |level: &str, text: &str| json!({"level": level, "message": {"text": text}});
    let mut notifications: Vec<Value> = outcome.unchecked.iter().map(|reason| notification("error", reason)).collect();
    for operation in outcome.live.iter().flat_map(|live| &live.operations) {
        notifications.extend(
            operation
                .not_seen
                .iter()
                .map(|(label, reason)| notification("note", &format!("`{label}` of `{}`: {reason}", operation.id))),
        );
    }
    notifications.extend(outcome.not_compared.iter().map(|part| {
        notification("note", &format!("not compared: {} with {}: {}", part.operation, part.comparison, part.reason))
    }));
    if !outcome.coverage.is_empty() {
        notifications.push(notification("note", &format!("compared: {}", outcome.coverage.text())));
    }
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "apidrift",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": outcome.unchecked.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    });
    format!("{document:#}\n")
}

fn rule(rule: Rule) -> Value {
    let info = rule.info();
    json!({
        "id": info.name,
        "shortDescription": {"text": info.summary},
        "fullDescription": {"text": info.explanation},
        "defaultConfiguration": {"level": info.severity.name()},
    })
}

fn result(finding: &Finding) -> Value {
    let index = Rule::ALL.iter().position(|rule| *rule == finding.rule).unwrap_or_default();
    let parts = std::iter::once(&finding.message).chain(&finding.help).chain(&finding.notes);
    let text = parts.map(String::as_str).collect::<Vec<_>>().join("\n");
    // A missing part is shown at the place that requires it.
    let primary = finding.primary.as_ref().or(finding.related.first());
    let mut result = json!({
        "ruleId": finding.rule.info().name,
        "ruleIndex": index,
        "level": finding.severity().name(),
        "message": {"text": text},
        "locations": primary.map(location).into_iter().collect::<Vec<_>>(),
        "relatedLocations": finding.related.iter().enumerate().map(|(id, place)| {
            let mut location = location(place);
            location["id"] = id.into();
            location["message"] = json!({"text": place.label});
            location
        }).collect::<Vec<_>>(),
    });
    let edits: Vec<Value> = finding.fix.iter().filter_map(change).collect();
    if !edits.is_empty() {
        result["fixes"] =
            json!([{"description": {"text": finding.help.clone().unwrap_or_default()}, "artifactChanges": edits}]);
    }
    result
}

fn location(place: &Place) -> Value {
    json!({"physicalLocation": {"artifactLocation": artifact(&place.source.path), "region": region(&place.source, &place.range)}})
}

/// A path as a relative URI, percent-encoded.
fn artifact(path: &str) -> Value {
    let mut uri = String::new();
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => uri.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    json!({ "uri": uri })
}

fn region(source: &Source, range: &std::ops::Range<usize>) -> Value {
    let (line, column) = source.line_column(range.start);
    let (end_line, end_column) = source.line_column(range.end);
    json!({"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column})
}

/// A replacement; whole generated files are left out because they are too long for a report.
fn change(edit: &Edit) -> Option<Value> {
    match edit {
        Edit::Replace { source, range, with } => Some(json!({
            "artifactLocation": artifact(&source.path),
            "replacements": [{"deletedRegion": region(source, range), "insertedContent": {"text": with}}],
        })),
        Edit::Write { .. } => None,
    }
}
