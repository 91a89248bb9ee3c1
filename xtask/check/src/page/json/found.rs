//! What a block turns out to be while it is read, and which of its oddities are mistakes because of it.

use std::ops::Range;

use openapi_model::node::Duplicate;

use super::{Mistake, Shown, ShownValue};

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
    /// The first comment that does not stand for what is left out.
    pub comment: Option<Range<usize>>,
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
    /// The first word without quotes that may be meant as it stands there.
    word: Option<Range<usize>>,
    /// Whether it is another language.
    pub is_foreign: bool,
    /// Whether there is a member, or a list of several items.
    pub has_evidence: bool,
    /// Whether a name stands there as JavaScript has it: bare or in single quotes.
    pub has_other_names: bool,
    /// Whether a name is in double quotes that JavaScript would not need.
    pub has_quoted_names: bool,
    /// Whether a text stands in single quotes.
    pub has_other_strings: bool,
    /// Whether a string is in double quotes.
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

    /// Notes a word without quotes. In a text that is sent it is no description.
    pub fn word(&mut self, range: &Range<usize>) {
        self.word.get_or_insert_with(|| range.clone());
        self.partial();
    }

    pub fn placeholder(&mut self, range: &Range<usize>) {
        self.placeholders.push(range.clone());
    }

    /// Takes back that a value which was read last stands for another.
    pub fn forget(&mut self, range: &Range<usize>) {
        if self.placeholders.last() == Some(range) {
            self.placeholders.pop();
        }
    }

    /// Whether something without quotes describes a value so far, or may do so.
    pub fn is_described(&self) -> bool {
        self.is_prose || self.word.is_some()
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

    /// What the values of a block are, once all of it is read. A text that is sent is no example of how to write it.
    pub fn judge(mut self, mut values: Vec<ShownValue>, is_sent: bool) -> Shown {
        let is_javascript = self.is_javascript() && !is_sent;
        self.is_prose |= self.word.is_some() && !is_sent;
        let mistake = self.mistake(is_javascript, is_sent);
        let is_code = self.is_foreign || (!self.has_evidence && (mistake.is_some() || self.is_prose));
        if is_code || values.is_empty() {
            return Shown::default();
        }
        if is_javascript {
            values.iter_mut().for_each(|value| value.is_partial = true);
        }
        let is_json = mistake.is_none() && !self.has_notation && values.len() == 1 && !is_javascript;
        Shown { values, mistake, duplicates: self.duplicates, is_json }
    }

    /// The first mistake that nothing explains.
    fn mistake(&mut self, is_javascript: bool, is_sent: bool) -> Option<Mistake> {
        if self.is_prose {
            return None;
        }
        let [trailing, manner, other] = std::mem::take(&mut self.mistakes);
        if is_javascript {
            return other;
        }
        let only_sent =
            [(self.comment.take(), "JSON has no comments"), (self.word.take(), "a string must be in double quotes")];
        let only_sent = only_sent
            .into_iter()
            .filter(|_| is_sent)
            .filter_map(|(range, message)| Some(Mistake { message: message.to_owned(), range: range? }));
        [trailing, manner, other].into_iter().flatten().chain(only_sent).min_by_key(|mistake| mistake.range.start)
    }
}
