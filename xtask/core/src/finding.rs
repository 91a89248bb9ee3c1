//! A finding: what is wrong, where, what disagrees with it, what to do, and sometimes an edit that fixes it.
//!
//! A finding is plain data; other modules format it and apply its edits.

use std::ops::Range;
use std::sync::Arc;

use crate::rules::{Rule, Severity};
use openapi_model::source::{Place, Source};

/// A single finding.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule that reports it.
    pub rule: Rule,
    /// What is wrong, in one sentence.
    pub message: String,
    /// The place in a file; `None` if the finding is about something that is missing.
    pub primary: Option<Place>,
    /// Places that disagree with the primary one.
    pub related: Vec<Place>,
    /// What to do about it.
    pub help: Option<String>,
    /// Additional information, such as a server's response.
    pub notes: Vec<String>,
    /// Edits that fix it, if that is safe.
    pub fix: Vec<Edit>,
}

/// A change of a file.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Replaces these bytes with another text.
    Replace {
        /// The file.
        source: Arc<Source>,
        /// The bytes.
        range: Range<usize>,
        /// The new text.
        with: String,
    },
    /// Writes the whole file, which may not exist yet.
    Write {
        /// Its path below the repository.
        path: String,
        /// Its text.
        text: String,
    },
}

impl Finding {
    /// A finding at a place.
    pub fn at(rule: Rule, primary: Place, message: impl Into<String>) -> Finding {
        Finding { primary: Some(primary), ..Finding::nowhere(rule, message) }
    }

    /// A finding that has no place in a file.
    pub fn nowhere(rule: Rule, message: impl Into<String>) -> Finding {
        let message = message.into();
        Finding { rule, message, primary: None, related: Vec::new(), help: None, notes: Vec::new(), fix: Vec::new() }
    }

    /// Adds a related place that disagrees.
    pub fn with(mut self, place: Place) -> Finding {
        self.related.push(place);
        self
    }

    /// Adds advice on what to do.
    pub fn help(mut self, help: impl Into<String>) -> Finding {
        self.help = Some(help.into());
        self
    }

    /// Adds a note.
    pub fn note(mut self, note: impl Into<String>) -> Finding {
        self.notes.push(note.into());
        self
    }

    /// Adds the edit that fixes it.
    pub fn fix(mut self, edit: Edit) -> Finding {
        self.fix.push(edit);
        self
    }

    /// Adds an edit that replaces the text at the finding's primary place.
    pub fn fix_with(self, text: impl Into<String>) -> Finding {
        let Some(place) = &self.primary else { return self };
        let edit = Edit::Replace { source: place.source.clone(), range: place.range.clone(), with: text.into() };
        self.fix(edit)
    }

    /// Its rule's severity.
    pub fn severity(&self) -> Severity {
        self.rule.info().severity
    }
}
