//! A finding: what is wrong, where, what disagrees with it, what to do, and sometimes the edit that does it.
//!
//! It is data; showing it and applying it is for others.

use std::ops::Range;
use std::sync::Arc;

use crate::rules::{Rule, Severity};
use openapi_model::source::{Place, Source};

/// One thing that is wrong.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule that names it.
    pub rule: Rule,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Where; nothing where it concerns something that is not there.
    pub primary: Option<Place>,
    /// What disagrees with it.
    pub related: Vec<Place>,
    /// What to do about it.
    pub help: Option<String>,
    /// What else there is to know, such as what a server has answered.
    pub notes: Vec<String>,
    /// Edits that put it right, where that is safe.
    pub fix: Vec<Edit>,
}

/// A change of a file.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Other text in the place of these bytes.
    Replace {
        /// The file.
        source: Arc<Source>,
        /// The bytes.
        range: Range<usize>,
        /// The other text.
        with: String,
    },
    /// The whole file, which may not be there yet.
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

    /// Adds a place that disagrees.
    pub fn with(mut self, place: Place) -> Finding {
        self.related.push(place);
        self
    }

    /// Adds what to do.
    pub fn help(mut self, help: impl Into<String>) -> Finding {
        self.help = Some(help.into());
        self
    }

    /// Adds something else to know.
    pub fn note(mut self, note: impl Into<String>) -> Finding {
        self.notes.push(note.into());
        self
    }

    /// Adds the edit that puts it right.
    pub fn fix(mut self, edit: Edit) -> Finding {
        self.fix.push(edit);
        self
    }

    /// Adds the edit that writes other text in the finding's place.
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
