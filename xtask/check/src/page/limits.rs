//! Rate limits in prose, such as `20 requests per minute`.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::model::Limit;
use super::model::Written;
use super::pattern::pattern;
use super::words::Language;

static NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(?:[0-9]{1,3}(?:[,. ][0-9]{3})+|[0-9]+)\b"));
/// For each language: the word before a unit of time, an optional number, and the unit.
static STRETCHES: LazyLock<HashMap<Language, Regex>> = LazyLock::new(|| {
    let stretch = |language: Language| {
        let units: Vec<&str> = language.units().iter().map(|(unit, _)| *unit).collect();
        let (per, units) = (language.per().join("|"), units.join("|"));
        (language, pattern(&format!(r"(?:\b(?:{per}) |/ ?)(?:([0-9]+) )?({units})s?\b")))
    };
    Language::ALL.iter().copied().filter(|language| !language.units().is_empty()).map(stretch).collect()
});

/// The text of a paragraph or a cell, normalised: in lower case, with each run of blanks reduced to one. The place of
/// every byte in the file is known.
#[derive(Debug, Default)]
pub struct Prose {
    text: String,
    places: Vec<usize>,
}

impl Prose {
    /// Adds a text. If it differs from its source, its letters get the place of the whole, and its digits are left out
    /// because they have no exact place.
    pub fn push(&mut self, text: &str, range: &Range<usize>) {
        let is_plain = text.len() == range.len();
        for (at, letter) in text.char_indices() {
            let place = if is_plain { range.start + at } else { range.start };
            if letter.is_whitespace() || (letter.is_ascii_digit() && !is_plain) {
                if !self.text.ends_with(' ') {
                    self.add(' ', place);
                }
            } else {
                letter.to_lowercase().for_each(|letter| self.add(letter, place));
            }
        }
    }

    fn add(&mut self, letter: char, place: usize) {
        self.text.push(letter);
        self.places.resize(self.text.len(), place);
    }

    /// The rate limits in it.
    pub fn limits(&self, language: Language) -> Vec<Limit> {
        let mut limits = Vec::new();
        let Some(stretches) = STRETCHES.get(&language) else { return limits };
        for sentence in sentences(&self.text) {
            let text = &self.text[sentence.clone()];
            if !text.contains(|letter: char| letter.is_ascii_digit()) {
                continue;
            }
            let numbers: Vec<Range<usize>> = NUMBER.find_iter(text).map(|found| found.range()).collect();
            for found in stretches.captures_iter(text) {
                let (Some(whole), Some(unit)) = (found.get(0), found.get(2)) else { continue };
                let Some(seconds) = language.seconds(unit.as_str()) else { continue };
                let many = found.get(1).map_or(Some(1), |many| many.as_str().parse::<u64>().ok());
                let Some(seconds) = many.and_then(|many| seconds.checked_mul(many)) else { continue };
                // The number directly before it, or else the first after it.
                let before = numbers.iter().rfind(|number| number.end <= whole.start());
                let Some(number) = before.or_else(|| numbers.iter().find(|number| number.start >= whole.end())) else {
                    continue;
                };
                let digits: String = text[number.clone()].chars().filter(char::is_ascii_digit).collect();
                let Ok(value) = digits.parse() else { continue };
                limits.push(Limit {
                    number: Written { value, range: self.place(sentence.start, number) },
                    seconds,
                    is_of_requests: language.counts(text),
                });
            }
        }
        limits
    }

    fn place(&self, start: usize, part: &Range<usize>) -> Range<usize> {
        let at = |byte: usize| self.places.get(byte).copied().unwrap_or_default();
        at(start + part.start)..at(start + part.end - 1) + 1
    }
}

/// The sentences of a text. A full stop ends a sentence only before a blank.
fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut start = 0;
    for (at, mark) in text.match_indices(['.', ';', '!', '?']) {
        let after = &text[at + mark.len()..];
        // `i.e. calls` does not end a sentence.
        let is_short = text[start..at].rsplit(' ').next().is_some_and(|word| word.contains('.') || word.len() == 1);
        if mark != "." || (after.starts_with(' ') && !is_short) {
            sentences.push(start..at);
            start = at + mark.len();
        }
    }
    sentences.push(start..text.len());
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(language: Language, text: &str) -> Vec<(u64, u64, bool)> {
        let mut prose = Prose::default();
        prose.push(text, &(100..100 + text.len()));
        let limits = prose.limits(language);
        for limit in &limits {
            let place = &text[limit.number.range.start - 100..limit.number.range.end - 100];
            assert!(place.starts_with(|letter: char| letter.is_ascii_digit()), "{place}");
        }
        limits.into_iter().map(|limit| (limit.number.value, limit.seconds, limit.is_of_requests)).collect()
    }

    #[test]
    fn the_number_of_requests_per_period_is_found() {
        for (text, expected) in [
            ("You get a 429 when you send more than 20 requests\nper minute.", vec![(20, 60, true)]),
            ("So 3 workspaces may send 20 requests, i.e. calls, per minute.", vec![(20, 60, true)]),
            ("1,200 per hour, which is 20 per minute", vec![(1200, 3600, false), (20, 60, false)]),
            ("20 requests/minute and 20/min.", vec![(20, 60, true), (20, 60, true)]),
            ("One sync of 6 per hour.", vec![(6, 3600, false)]),
            ("Per minute you may send 20 requests.", vec![(20, 60, true)]),
            ("20 requests every 60 seconds", vec![(20, 60, true)]),
            ("The limit is 20 triggers each minute.", vec![(20, 60, true)]),
            ("20 triggers per minute. At most 3 syncs run.", vec![(20, 60, false)]),
            ("10,000 rows take about a minute. Requests come later.", vec![(10000, 60, false)]),
            ("It ends in a minute or two. 7 things.", vec![]),
            ("1.000 a day", vec![(1000, 86400, false)]),
            ("5 perminute", vec![]),
        ] {
            assert_eq!(limits(Language::English, text), expected, "{text}");
        }
        let spanish = "Admite 20 solicitudes cada\u{a0}minuto. La programación arranca 4 veces al día.";
        assert_eq!(limits(Language::Spanish, spanish), [(20, 60, true), (4, 86400, false)]);
    }
}
