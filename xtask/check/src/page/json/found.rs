//! What a block turns out to be while it is read, and which of its oddities are mistakes because of it.

use std::ops::Range;

use openapi_model::node::Duplicate;

use super::Mistake;

/// Kinds of mistakes, by what may explain them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A comma where nothing follows: JavaScript takes it.
    TrailingComma,
    /// What JavaScript or Python takes: names and strings in other quotes, other words.
    Manner,
    /// Anything else.
    Other,
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The first mistake of each kind.
    mistakes: [Option<Mistake>; 3],
    pub duplicates: Vec<Duplicate>,
    /// Values and names of the current value that stand for others.
    pub placeholders: Vec<Range<usize>>,
    /// Objects and lists of the current value from which something is left out.
    pub abridged: Vec<Range<usize>>,
    /// Whether something of the current value is left out, described or repaired.
    pub is_partial: bool,
    /// Whether anything in the block is no JSON.
    pub has_notation: bool,
    /// Whether words describe values, so that nobody copies it.
    pub is_prose: bool,
    /// Whether it is another language.
    pub is_foreign: bool,
    /// Whether there is a member, or a list of several items.
    pub has_evidence: bool,
    /// Whether a name stands there as JavaScript has it: bare or in single quotes.
    pub has_other_names: bool,
    /// Whether a name stands in double quotes that JavaScript would not need.
    pub has_quoted_names: bool,
    /// Whether a text stands in single quotes.
    pub has_other_strings: bool,
    /// Whether a text stands in double quotes.
    pub has_quoted_strings: bool,
}

impl Found {
    pub fn wrong(&mut self, kind: Kind, range: Range<usize>, message: impl Into<String>) {
        self.is_partial = true;
        let place = &mut self.mistakes[kind as usize];
        if place.as_ref().is_none_or(|known| range.start < known.range.start) {
            *place = Some(Mistake { message: message.into(), range });
        }
    }

    /// Notes that something is left out, described, or repaired.
    pub fn partial(&mut self) {
        self.is_partial = true;
        self.has_notation = true;
    }

    /// Notes that words stand where a value would.
    pub fn prose(&mut self) {
        self.is_prose = true;
        self.partial();
    }

    pub fn placeholder(&mut self, range: &Range<usize>) {
        self.placeholders.push(range.clone());
    }

    /// Whether names, or texts where there are no names, are written as JavaScript has them throughout.
    pub fn is_javascript(&self) -> bool {
        let has_names = self.has_other_names || self.has_quoted_names;
        if has_names {
            self.has_other_names && !self.has_quoted_names
        } else {
            self.has_other_strings && !self.has_quoted_strings
        }
    }

    /// The first mistake that nothing explains.
    pub fn mistake(&mut self) -> Option<Mistake> {
        if self.is_prose {
            return None;
        }
        let [trailing, manner, other] = std::mem::take(&mut self.mistakes);
        if self.is_javascript() {
            return other;
        }
        [trailing, manner, other].into_iter().flatten().min_by_key(|mistake| mistake.range.start)
    }
}
