//! Findings for people, formatted like compiler messages: the place, the place that disagrees, and advice.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::outcome::Outcome;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Severity;

pub fn render(outcome: &Outcome, colour: bool) -> String {
    let mut text = String::new();
    for finding in &outcome.findings {
        text.push_str(&self::finding(finding, colour));
        text.push_str("\n\n");
    }
    for reason in &outcome.unchecked {
        text.push_str(&format!("could not check: {reason}\n\n"));
    }
    if let Some(live) = &outcome.live {
        text.push_str(&format!("{}\n", live.text()));
    }
    text.push_str(&closing(outcome));
    text.push('\n');
    text
}

/// One finding.
pub fn finding(finding: &Finding, colour: bool) -> String {
    let level = match finding.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = Group::with_title(level.primary_title(finding.message.as_str()).id(finding.rule.info().name));
    for (index, place) in finding.primary.iter().chain(&finding.related).enumerate() {
        // If something is missing, there is no primary place: the first related place must not look like one.
        let primary = index == 0 && finding.primary.is_some();
        let kind = if primary { AnnotationKind::Primary } else { AnnotationKind::Context };
        // Only the lines around it, so that long files are not scanned for each finding.
        let (first, last) =
            (place.source.line_column(place.range.start).0, place.source.line_column(place.range.end).0);
        let lines = place.source.line(first).start..place.source.line(last).end.max(place.range.end);
        let span = place.range.start - lines.start..place.range.end - lines.start;
        group = group.element(
            Snippet::source(&place.source.text[lines])
                .line_start(first)
                .path(place.source.path.as_str())
                .annotation(kind.span(span).label(place.label.as_str())),
        );
    }
    for note in &finding.notes {
        group = group.element(Level::NOTE.message(super::plain(note)));
    }
    if let Some(help) = &finding.help {
        let fixable = if finding.fix.is_empty() { "" } else { " (`--fix` does it)" };
        group = group.element(Level::HELP.message(format!("{}{fixable}", super::plain(help))));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
}

/// The closing line.
fn closing(outcome: &Outcome) -> String {
    let count = |severity| outcome.findings.iter().filter(|finding| finding.severity() == severity).count();
    let counted = |number: usize, one: &str, several: &str| match number {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{number} {several}")),
    };
    let parts = [
        counted(count(Severity::Error), "finding", "findings"),
        counted(count(Severity::Warning), "warning", "warnings"),
        counted(count(Severity::Note), "note", "notes"),
        counted(outcome.allowed, "allowed for now", "allowed for now"),
        counted(outcome.unchecked.len(), "comparison not made", "comparisons not made"),
    ];
    let text = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let compared = match outcome.coverage.is_empty() {
        true => String::new(),
        false => format!("\ncompared: {}", outcome.coverage.text()),
    };
    match (text.is_empty(), &outcome.live) {
        (true, None) => format!("nothing has drifted{compared}"),
        (true, Some(_)) => "everything that was seen is as documented".to_owned(),
        (false, _) => format!("{text}{compared}"),
    }
}

/// What was compared and what was not.
pub fn coverage(outcome: &Outcome) -> String {
    let mut text = format!("comparisons made: {}\n", outcome.coverage.comparisons.join(", "));
    for part in &outcome.not_compared {
        let place = part.place.as_ref().map_or(String::new(), |place| {
            let (line, column) = place.source.line_column(place.range.start);
            format!(" ({}:{line}:{column})", place.source.path)
        });
        text.push_str(&format!("not compared: {} with {}: {}{place}\n", part.operation, part.comparison, part.reason));
    }
    for reason in &outcome.unchecked {
        text.push_str(&format!("not checked: {reason}\n"));
    }
    if outcome.not_compared.is_empty() && outcome.unchecked.is_empty() {
        text.push_str("every operation was part of all comparisons\n");
    }
    text
}
