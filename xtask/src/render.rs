//! Findings for people: the place, the place that disagrees, and what to do.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::finding::{Finding, Severity};

/// One finding as text, in the manner of a compiler.
pub fn human(finding: &Finding, colour: bool) -> String {
    let level = match finding.severity() {
        Severity::Error => Level::ERROR,
        Severity::Note => Level::NOTE,
    };
    let mut group = Group::with_title(
        level
            .primary_title(finding.message.as_str())
            .id(finding.rule.info().name),
    );
    for (index, place) in finding.primary.iter().chain(&finding.related).enumerate() {
        let kind = if index == 0 {
            AnnotationKind::Primary
        } else {
            AnnotationKind::Context
        };
        group = group.element(
            Snippet::source(place.source.text.as_str())
                .path(place.source.path.as_str())
                .annotation(kind.span(place.range.clone()).label(place.label.as_str())),
        );
    }
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
}

/// The closing line.
pub fn count(findings: &[Finding]) -> String {
    let notes = findings
        .iter()
        .filter(|finding| finding.severity() == Severity::Note)
        .count();
    let counted = |number: usize, what: &str| match number {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{number} {what}s")),
    };
    let parts = [counted(findings.len() - notes, "finding"), counted(notes, "note")];
    let text = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    if text.is_empty() {
        "nothing has drifted".to_owned()
    } else {
        text
    }
}
