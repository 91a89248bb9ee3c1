//! A finding: what is wrong, where, what disagrees with it, and what to do. It is data; showing it is another matter.

use crate::rules::Rule;
use crate::source::Place;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; does not fail the check.
    Note,
    /// Fails the check.
    Error,
}

/// One thing that is wrong.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule that names it.
    pub rule: Rule,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Where.
    pub primary: Option<Place>,
    /// What disagrees with it.
    pub related: Vec<Place>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Finding {
    /// A finding at a place.
    pub fn at(rule: Rule, primary: Place, message: impl Into<String>) -> Finding {
        Finding {
            rule,
            message: message.into(),
            primary: Some(primary),
            related: Vec::new(),
            help: None,
        }
    }

    /// A finding that has no place in a file.
    pub fn nowhere(rule: Rule, message: impl Into<String>) -> Finding {
        Finding {
            rule,
            message: message.into(),
            primary: None,
            related: Vec::new(),
            help: None,
        }
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

    /// Its rule's severity.
    pub fn severity(&self) -> Severity {
        self.rule.info().severity
    }
}
