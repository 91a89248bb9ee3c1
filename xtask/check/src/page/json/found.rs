//! The properties of a block that are collected while it is parsed, and which irregularities are mistakes because of
//! them.

use std::ops::Range;

use openapi_model::node::Duplicate;

use super::{Mistake, Shown, ShownValue};

/// Kinds of mistakes, by what may excuse them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A trailing comma, which JavaScript accepts.
    TrailingComma,
    /// JavaScript or Python notation: other quotes, names without quotes, other literals.
    Manner,
    /// Anything else.
    Other,
}

/// The results so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The first mistake of each kind.
    mistakes: [Option<Mistake>; 3],
    pub duplicates: Vec<Duplicate>,
    /// The first comment that does not mark an omission.
    pub comment: Option<Range<usize>>,
    /// Placeholder values and names in the current value.
    pub placeholders: Vec<Range<usize>>,
    /// Objects and lists with omissions in the current value.
    pub abridged: Vec<Range<usize>>,
    /// Whether something in the current value is omitted, described or repaired.
    pub is_partial: bool,
    /// Whether any notation in the block is not JSON.
    pub has_notation: bool,
    /// Whether values are described in words, so that the block is not meant to be copied.
    pub is_prose: bool,
    /// The first unquoted word that may be meant literally.
    word: Option<Range<usize>>,
    /// Whether it is another language.
    pub is_foreign: bool,
    /// Whether there is a member, or a list of several items.
    pub has_evidence: bool,
    /// Whether there is a JavaScript name: unquoted or in single quotes.
    pub has_other_names: bool,
    /// Whether a name is in double quotes that JavaScript would not need.
    pub has_quoted_names: bool,
    /// Whether a string is in single quotes.
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

    /// Records that something is omitted, described, or repaired.
    pub fn partial(&mut self) {
        self.is_partial = true;
        self.has_notation = true;
    }

    /// Records that there are words in place of a value.
    pub fn prose(&mut self) {
        self.is_prose = true;
        self.partial();
    }

    /// Records an unquoted word. In a text that is sent it is not a description.
    pub fn word(&mut self, range: &Range<usize>) {
        self.word.get_or_insert_with(|| range.clone());
        self.partial();
    }

    pub fn placeholder(&mut self, range: &Range<usize>) {
        self.placeholders.push(range.clone());
    }

    /// Removes the placeholder mark of the value that was read last.
    pub fn forget(&mut self, range: &Range<usize>) {
        if self.placeholders.last() == Some(range) {
            self.placeholders.pop();
        }
    }

    /// Whether unquoted text has been, or may be, a description.
    pub fn is_described(&self) -> bool {
        self.is_prose || self.word.is_some()
    }

    /// Whether names, or strings if there are no names, consistently use JavaScript notation.
    pub fn is_javascript(&self) -> bool {
        let has_names = self.has_other_names || self.has_quoted_names;
        if has_names {
            self.has_other_names && !self.has_quoted_names
        } else {
            self.has_other_strings && !self.has_quoted_strings
        }
    }

    /// The result, once all of the block is parsed. In a text that is sent, notation is not excused.
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

    /// The first mistake that is not excused.
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
