//! Collects findings: each change once, with the operations that it affects.

use std::collections::{BTreeSet, HashMap};

use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use openapi_model::document::{Document, Operation};
use openapi_model::source::Place;
use openapi_model::span::Span;

use super::schema::{Area, Change, ChangeKind, Unread};
use crate::outcome::NotCompared;

/// The result of a comparison.
#[derive(Debug, Default)]
pub struct Compared {
    /// The changes.
    pub findings: Vec<Finding>,
    /// What could not be compared.
    pub not_compared: Vec<NotCompared>,
}

/// The part of an operation that a schema describes.
#[derive(Debug, Clone)]
pub(super) enum Context {
    /// A parameter of this name.
    Parameter(String),
    /// The request body.
    Body,
    /// The answer of this status.
    Answer(String),
    /// A header of this name, of the answer of this status.
    Header(String, String),
}

/// A place in one of the two documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum At {
    /// In the document.
    Now(Span),
    /// In its earlier version.
    Then(Span),
}

/// A change, as it is reported.
pub(super) struct ReportedChange {
    pub rule: Rule,
    pub here: At,
    pub other: Option<At>,
    /// The message before and after the name of the operation.
    pub message: (String, String),
    pub help: &'static str,
}

struct Entry {
    said: ReportedChange,
    operations: BTreeSet<usize>,
    first: Option<usize>,
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    rule: Rule,
    here: At,
    other: Option<At>,
    text: String,
}

pub(super) struct Report<'a> {
    base: &'a Document,
    new: &'a Document,
    /// The label of each operation in messages, and its method and path.
    names: Vec<(String, String)>,
    entries: Vec<Entry>,
    known: HashMap<Key, usize>,
    not_compared: Vec<NotCompared>,
    unread: BTreeSet<(usize, String)>,
}

impl<'a> Report<'a> {
    pub(super) fn new(base: &'a Document, new: &'a Document) -> Report<'a> {
        Report {
            base,
            new,
            names: Vec::new(),
            entries: Vec::new(),
            known: HashMap::new(),
            not_compared: Vec::new(),
            unread: BTreeSet::new(),
        }
    }

    /// Adds an operation and returns its index.
    pub(super) fn operation(&mut self, operation: &Operation) -> usize {
        let call = operation.endpoint();
        self.names.push((operation.label(), call));
        self.names.len() - 1
    }

    /// Reports a change of an operation; a change with the same places as an earlier one is the same change.
    pub(super) fn add_to_operation(&mut self, operation: usize, said: ReportedChange) {
        let text = format!("{}…{}", said.message.0, said.message.1);
        self.add(said, text, &[operation]);
    }

    /// Reports a change that concerns no single operation.
    pub(super) fn add_to_document(&mut self, said: ReportedChange) {
        let text = said.message.0.clone();
        self.add(said, text, &[]);
    }

    fn add(&mut self, said: ReportedChange, text: String, operations: &[usize]) {
        // A removed part is one change, even if it is missing in several places.
        let other = said.other.filter(|other| !matches!((said.here, other), (At::Then(_), At::Now(_))));
        let key = Key { rule: said.rule, here: said.here, other, text };
        let at = *self.known.entry(key).or_insert(self.entries.len());
        if at == self.entries.len() {
            self.entries.push(Entry { said, operations: BTreeSet::new(), first: operations.first().copied() });
        }
        self.entries[at].operations.extend(operations);
    }

    /// Reports a change of a schema.
    pub(super) fn change(&mut self, area: Area, context: &Context, path: &str, change: &Change, operations: &[usize]) {
        let (rule, help) = change.rule(area);
        let (now, then) = (At::Now(change.now), At::Then(change.then));
        let (here, other) = if change.is_gone() { (then, now) } else { (now, then) };
        let path = format!("{path}{}", change.at);
        let subject = if path.is_empty() { "it".to_owned() } else { format!("`{path}`") };
        let text = format!("{subject} {}", change.text);
        let message = match context {
            Context::Parameter(name) if matches!(area, Area::Parameter | Area::Text) => {
                let whose = format!("the parameter `{name}` of ");
                let how = match change.what {
                    ChangeKind::Default if path.is_empty() => format!(" {}", change.text),
                    ChangeKind::Default => format!(": {text}"),
                    _ if change.breaks => format!(" accepts fewer values than before: {text}"),
                    _ => format!(" accepts more values than before: {text}"),
                };
                (whose, how)
            }
            Context::Parameter(name) => (format!("in the parameter `{name}` of "), format!(": {text}")),
            Context::Body => ("in the body of ".to_owned(), format!(": {text}")),
            Context::Answer(status) => (format!("in the response `{status}` of "), format!(": {text}")),
            Context::Header(name, status) => {
                (format!("in the header `{name}` of the response `{status}` of "), format!(": {text}"))
            }
        };
        let key = format!("{}{}", change.at, change.text);
        self.add(ReportedChange { rule, here, other: Some(other), message, help }, key, operations);
    }

    /// Reports a schema that could not be compared, for all operations that have it.
    pub(super) fn unread(&mut self, unread: &Unread, operations: &[usize]) {
        let at = if unread.is_now { At::Now(unread.span) } else { At::Then(unread.span) };
        for operation in operations {
            self.not_compared(*operation, unread.reason.clone(), at);
        }
    }

    /// Reports a part of an operation that could not be compared.
    pub(super) fn not_compared(&mut self, operation: usize, reason: String, at: At) {
        if self.unread.insert((operation, reason.clone())) {
            let (operation, place) = (self.names[operation].1.clone(), Some(self.place(at)));
            self.not_compared.push(NotCompared { operation, comparison: "compat", reason, place });
        }
    }

    fn place(&self, at: At) -> Place {
        match at {
            At::Now(span) => self.new.place(span, "now"),
            At::Then(span) => self.base.place(span, "before"),
        }
    }

    pub(super) fn finish(mut self) -> Compared {
        let entries = std::mem::take(&mut self.entries);
        let findings = entries.into_iter().map(|entry| {
            let ReportedChange { rule, here, other, message: (before, after), help } = entry.said;
            let others = entry.operations.len().saturating_sub(1);
            let whose = match (entry.first, others) {
                (None, _) => String::new(),
                (Some(first), 0) => format!("`{}`", self.names[first].0),
                (Some(first), 1) => format!("`{}` and 1 other operation", self.names[first].0),
                (Some(first), others) => format!("`{}` and {others} other operations", self.names[first].0),
            };
            let finding = Finding::at(rule, self.place(here), format!("{before}{whose}{after}")).help(help);
            match other {
                Some(other) => finding.with(self.place(other)),
                None => finding,
            }
        });
        Compared { findings: findings.collect(), not_compared: self.not_compared }
    }
}
