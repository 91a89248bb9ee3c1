//! How documents are read.

mod documents;
mod operations;
mod references;
mod schemas;

use std::sync::Arc;

use crate::document::{Document, Operation};
use crate::problem::ProblemKind;
use crate::source::Source;
use crate::span::Span;

/// A document with these lines after `openapi` and `info`.
fn document(version: &str, rest: &str) -> Document {
    let text = format!("openapi: {version}\ninfo: {{title: T, version: '1'}}\n{rest}");
    super::read(&Source::new("t.yaml", text), None).unwrap()
}

/// The text of a place.
fn text(document: &Document, span: Span) -> &str {
    &document.files[usize::from(span.file.0)].text[span.range()]
}

/// The kinds of the problems, with the texts of their places.
fn problems(document: &Document) -> Vec<(ProblemKind, &str)> {
    document.problems.iter().map(|problem| (problem.kind, text(document, problem.span))).collect()
}

fn only(document: &Document) -> &Arc<Operation> {
    assert_eq!(document.operations.len(), 1);
    &document.operations[0]
}
