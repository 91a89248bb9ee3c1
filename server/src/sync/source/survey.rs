//! What there is among the `UPDATED_AT`s that may be new, and how to select those that are.
//!
//! A database sorts numbers as the times that they are. It does so with texts only when all are written alike: with as many
//! digits, and with the same separator and zone.

use chrono::{DateTime, TimeDelta};

use super::clock::Form;
use crate::sync::Watermark;

/// A time as a database keeps it.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub enum Native<'a> {
    /// A number of seconds or milliseconds.
    Number(f64),
    /// A text.
    Text(&'a str),
}

/// The same by itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    /// A number of seconds or milliseconds.
    Number(f64),
    /// A text.
    Text(String),
}

impl Bound {
    fn native(&self) -> Native<'_> {
        match self {
            Bound::Number(number) => Native::Number(*number),
            Bound::Text(text) => Native::Text(text),
        }
    }
}

impl From<Native<'_>> for Bound {
    fn from(native: Native<'_>) -> Bound {
        match native {
            Native::Number(number) => Bound::Number(number),
            Native::Text(text) => Bound::Text(text.to_owned()),
        }
    }
}

/// Which rows a run takes, and in which order.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    /// As the database compares them.
    Native {
        /// The first.
        from: Bound,
        /// The last.
        to: Bound,
    },
    /// As times compare, in microseconds.
    Computed {
        /// The first.
        from: i64,
        /// The last.
        to: i64,
    },
}

/// What there is among the `UPDATED_AT`s that may be new.
#[derive(Debug)]
pub struct Survey {
    /// The watermark, in microseconds.
    reached: Option<i64>,
    now: i64,
    /// Rows dated in the future.
    pub future: u64,
    /// Rows at the watermark.
    at: u64,
    times_at: Option<Stretch>,
    /// Rows above it that are not of the future.
    times_above: Option<Stretch>,
    /// How the first text is written, and whether all others are written alike.
    writing: Option<Writing>,
    alike: bool,
    /// The last place in the database and the time there, while later times stand at later places.
    in_order: Option<(i64, i64)>,
}

/// The first and the last of some times.
#[derive(Debug, Clone)]
struct Stretch {
    first: (i64, Bound),
    last: (i64, Bound),
}

/// What makes texts sort as the times that they are.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Writing {
    length: usize,
    separator: Option<u8>,
    zone: String,
}

impl Survey {
    /// Before anything was seen.
    pub fn new(watermark: Option<Watermark>, now: i64) -> Survey {
        Survey {
            reached: watermark.map(|watermark| watermark.updated_at.timestamp_micros()),
            now,
            future: 0,
            at: 0,
            times_at: None,
            times_above: None,
            writing: None,
            alike: true,
            in_order: Some((i64::MIN, i64::MIN)),
        }
    }

    /// What a database has found by itself among timestamps: so many rows at the watermark and in the future.
    pub fn counted(watermark: Option<Watermark>, earliest: i64, now: i64, at: u64, future: u64) -> Survey {
        let stretch = |first: i64, last: i64| {
            let bound = |micros| (micros, Bound::Number(micros as f64));
            Some(Stretch { first: bound(first), last: bound(last) })
        };
        let new = Survey::new(watermark, now);
        let above = new.reached.map_or(earliest, |reached| reached + 1);
        Survey {
            times_at: new.reached.and_then(|reached| stretch(reached, reached)).filter(|_| at > 0),
            times_above: stretch(above, now).filter(|_| above <= now),
            alike: false,
            at,
            future,
            ..new
        }
    }

    /// A value that is not above any that may be at the watermark or above it, however those are written.
    pub fn lowest(&self, form: Form) -> Bound {
        match (form, self.reached) {
            (Form::Text, None) => Bound::Text(String::new()),
            (Form::Text, Some(reached)) => {
                // A zone moves what is written by less than a day.
                let date = DateTime::from_timestamp_micros(reached)
                    .and_then(|time| time.checked_sub_signed(TimeDelta::days(1)));
                Bound::Text(date.map_or(String::new(), |date| date.format("%Y-%m-%d").to_string()))
            }
            (_, None) => Bound::Number(f64::NEG_INFINITY),
            (Form::Seconds, Some(reached)) => Bound::Number(reached.div_euclid(1_000_000) as f64),
            (Form::Milliseconds, Some(reached)) => Bound::Number(reached.div_euclid(1000) as f64),
        }
    }

    /// Takes note of a value, the time that it is, and its place in the database, if that has one.
    pub fn take(&mut self, micros: i64, value: Native<'_>, place: Option<i64>) {
        self.in_order = self
            .in_order
            .zip(place)
            .filter(|((last_place, last), place)| place > last_place && micros >= *last)
            .map(|(_, place)| (place, micros));
        if let Native::Text(text) = value {
            self.alike &= self.writing.get_or_insert_with(|| Writing::of(text)).is_of(text);
        }
        if micros > self.now {
            self.future += 1;
        } else if self.reached.is_none_or(|reached| micros > reached) {
            add(&mut self.times_above, micros, value);
        } else if Some(micros) == self.reached {
            self.at += 1;
            add(&mut self.times_at, micros, value);
        }
    }

    /// Whether later times stand at later places in the database.
    pub fn is_in_order(&self) -> bool {
        self.in_order.is_some()
    }

    /// What a run leaves out. Where more or fewer rows are at the watermark than an earlier run has dealt with, some were
    /// committed late under the same time: then all of them are taken.
    pub fn left_out(&self, watermark: Option<Watermark>) -> Option<Watermark> {
        let all = |watermark| Watermark { rows_at: 0, digest: Some(0), ..watermark };
        watermark.map(|watermark| match watermark.digest {
            None if watermark.rows_at != self.at => all(watermark),
            // Those that are dealt with are gone.
            Some(_) if watermark.rows_at > self.at => all(watermark),
            _ => watermark,
        })
    }

    /// What a run selects with that left out; nothing where there is nothing.
    pub fn selection(&self, left_out: Option<Watermark>) -> Option<Selection> {
        let at = self.times_at.as_ref().filter(|_| left_out.is_some_and(|watermark| watermark.digest.is_some()));
        let above = self.times_above.as_ref();
        let (first, last) = (&at.or(above)?.first, &above.or(at)?.last);
        Some(if self.alike {
            Selection::Native { from: first.1.clone(), to: last.1.clone() }
        } else {
            Selection::Computed { from: first.0, to: last.0 }
        })
    }
}

fn add(stretch: &mut Option<Stretch>, micros: i64, value: Native<'_>) {
    let new = || (micros, value.into());
    match stretch {
        None => *stretch = Some(Stretch { first: new(), last: new() }),
        Some(stretch) => {
            // Those of one microsecond may still differ.
            if (micros, value) < (stretch.first.0, stretch.first.1.native()) {
                stretch.first = new();
            }
            if (micros, value) > (stretch.last.0, stretch.last.1.native()) {
                stretch.last = new();
            }
        }
    }
}

impl Writing {
    fn of(text: &str) -> Writing {
        Writing { length: text.len(), separator: text.as_bytes().get(10).copied(), zone: zone(text).to_owned() }
    }

    fn is_of(&self, text: &str) -> bool {
        // A leap second is the first of the next minute, and sorts as the last of its own.
        let is_leap = text.get(17..19) == Some("60");
        let separator = text.as_bytes().get(10).copied();
        !is_leap && self.length == text.len() && self.separator == separator && self.zone == zone(text)
    }
}

/// `Z`, `+01:00`, or nothing.
fn zone(text: &str) -> &str {
    let length = match text.as_bytes() {
        [.., b'Z' | b'z'] => 1,
        [.., b'+' | b'-', _, _, b':', _, _] => 6,
        _ => 0,
    };
    text.get(text.len() - length..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey(watermark: Option<i64>, texts: &[&str]) -> Survey {
        let watermark = watermark.map(|micros| Watermark {
            updated_at: DateTime::from_timestamp_micros(micros).unwrap(),
            rows_at: 1,
            digest: None,
        });
        let mut survey = Survey::new(watermark, 100_000_000);
        for text in texts {
            survey.take(super::super::clock::micros_of_text(text).unwrap(), Native::Text(text), None);
        }
        survey
    }

    #[test]
    fn texts_that_are_written_alike_are_selected_as_texts() {
        let texts = ["1970-01-01T00:00:03Z", "1970-01-01T00:00:01Z", "1970-01-01T00:00:05Z", "1971-01-01T00:00:00Z"];
        let survey = survey(Some(1_000_000), &texts);
        let text = |text: &str| Bound::Text(text.to_owned());
        let native = |from, to| Some(Selection::Native { from: text(from), to: text(to) });
        assert_eq!(survey.selection(None), native("1970-01-01T00:00:03Z", "1970-01-01T00:00:05Z"));
        assert_eq!(survey.future, 1);
        let again = Watermark { updated_at: DateTime::UNIX_EPOCH, rows_at: 0, digest: Some(0) };
        assert_eq!(survey.selection(Some(again)), native("1970-01-01T00:00:01Z", "1970-01-01T00:00:05Z"));
    }

    #[test]
    fn texts_that_are_written_differently_are_selected_as_times() {
        let from_1_to = |seconds: i64| Some(Selection::Computed { from: 1_000_000, to: seconds * 1_000_000 });
        for other in
            ["1970-01-01T01:00:04+01:00", "1970-01-01 00:00:04Z", "1970-01-01T00:00:04", "1970-01-01T00:00:04.0Z"]
        {
            assert_eq!(survey(None, &["1970-01-01T00:00:01Z", other]).selection(None), from_1_to(4), "{other}");
        }
        let leap = ["1970-01-01T00:00:60Z", "1970-01-01T00:00:01Z"];
        assert_eq!(survey(None, &leap).selection(None), from_1_to(60));
    }

    #[test]
    fn the_order_in_which_rows_are_stored_may_be_that_of_their_times() {
        for (rows, in_order) in [
            (vec![(1, 10), (2, 10), (5, 20)], true),
            (vec![(1, 10), (2, 9)], false),
            (vec![(2, 10), (1, 20)], false),
            (vec![(1, 10), (1, 20)], false),
        ] {
            let mut survey = Survey::new(None, 100);
            for (place, micros) in &rows {
                survey.take(*micros, Native::Number(0.0), Some(*place));
            }
            assert_eq!(survey.is_in_order(), in_order, "{rows:?}");
        }
        assert!(!survey(None, &["1970-01-01T00:00:01Z"]).is_in_order(), "nobody knows");
    }

    #[test]
    fn where_nothing_is_new_nothing_is_selected() {
        assert_eq!(survey(None, &[]).selection(None), None);
        let survey = survey(Some(1_000_000), &["1970-01-01T00:00:01Z", "1971-01-01T00:00:00Z"]);
        assert_eq!(survey.selection(None), None);
    }
}
