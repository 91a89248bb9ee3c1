//! Words of command lines, with the places of their letters.

use std::ops::Range;

use crate::page::model::Written;

/// A word as a command receives it.
#[derive(Debug, Clone)]
pub struct Word {
    /// The word, and its place including all quotes.
    pub written: Written<String>,
    /// Offsets in the word and their places on the page. Each applies to consecutive bytes up to the next entry.
    places: Vec<(usize, usize)>,
}

impl std::ops::Deref for Word {
    type Target = Written<String>;
    fn deref(&self) -> &Written<String> {
        &self.written
    }
}

impl Word {
    pub(super) fn new(written: Written<String>, places: Vec<(usize, usize)>) -> Word {
        Word { written, places }
    }

    /// A text that is unquoted on the page.
    pub fn verbatim(text: &str, start: usize) -> Word {
        let written = Written { value: text.to_owned(), range: start..start + text.len() };
        Word { written, places: vec![(0, start)] }
    }

    /// The place of a range of the word on the page.
    pub fn place(&self, range: &Range<usize>) -> Range<usize> {
        let Some(last) = range.end.checked_sub(1).filter(|last| *last >= range.start) else {
            let at = self.byte(range.start);
            return at..at;
        };
        self.byte(range.start)..self.byte(last) + 1
    }

    fn byte(&self, at: usize) -> usize {
        let index = self.places.partition_point(|(known, _)| *known <= at);
        let place = index.checked_sub(1).and_then(|index| self.places.get(index));
        place.map_or(self.range.start, |(known, place)| (place + at - known).min(self.range.end))
    }

    /// The rest of the word from a byte.
    pub fn from(&self, at: usize) -> Word {
        let value = self.value.get(at..).unwrap_or_default().to_owned();
        let mut places = vec![(0, self.byte(at))];
        places.extend(self.places.iter().filter(|(known, _)| *known > at).map(|(known, place)| (known - at, *place)));
        Word { written: Written { value, range: self.range.clone() }, places }
    }
}
