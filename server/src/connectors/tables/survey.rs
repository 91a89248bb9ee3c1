//! What there is among the `UPDATED_AT`s that may be new, and how to select those that are.
//!
//! A database sorts numbers as the times that they are. It does so with texts only when all are written alike: with as many
//! digits, and with the same separator and zone.

use chrono::{DateTime, TimeDelta};

use super::timestamps::TimestampFormat;

/// A time as a database keeps it.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub enum StoredTime<'a> {
    /// A number of seconds or milliseconds.
    Number(f64),
    /// A text.
    Text(&'a str),
}

/// A [`StoredTime`] that is kept: a bound of those that are read.
#[derive(Debug, Clone, PartialEq)]
pub enum TimeBound {
    /// A number of seconds or milliseconds.
    Number(f64),
    /// A text.
    Text(String),
}

impl TimeBound {
    fn stored(&self) -> StoredTime<'_> {
        match self {
            TimeBound::Number(number) => StoredTime::Number(*number),
            TimeBound::Text(text) => StoredTime::Text(text),
        }
    }
}

impl From<StoredTime<'_>> for TimeBound {
    fn from(stored: StoredTime<'_>) -> TimeBound {
        match stored {
            StoredTime::Number(number) => TimeBound::Number(number),
            StoredTime::Text(text) => TimeBound::Text(text.to_owned()),
        }
    }
}

/// Which rows a run takes, and in which order.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    /// As the database compares them.
    Stored {
        /// The first.
        from: TimeBound,
        /// The last.
        to: TimeBound,
    },
    /// As times compare, in microseconds.
    Computed {
        /// The first.
        from: i64,
        /// The last.
        to: i64,
    },
}

/// A survey of the `UPDATED_AT`s that may be new.
#[derive(Debug)]
pub struct Survey {
    /// The time of the first rows that are read, in microseconds; `None` for all rows.
    from: Option<i64>,
    now: i64,
    /// Rows dated in the future.
    pub future: u64,
    /// The times from there to now.
    times: Option<Stretch>,
    /// The layout of the first text, and whether all others have it.
    layout: Option<TextLayout>,
    alike: bool,
    /// The last place in the database and the time there, while later times stand at later places.
    in_order: Option<(i64, i64)>,
}

/// The first and the last of some times.
#[derive(Debug, Clone)]
struct Stretch {
    first: (i64, TimeBound),
    last: (i64, TimeBound),
}

/// What makes texts sort as the times that they are.
#[derive(Debug, Clone, PartialEq, Eq)]
struct TextLayout {
    length: usize,
    separator: Option<u8>,
    zone: String,
}

impl Survey {
    /// Before anything was seen.
    pub fn new(from: Option<i64>, now: i64) -> Survey {
        Survey { from, now, future: 0, times: None, layout: None, alike: true, in_order: Some((i64::MIN, i64::MIN)) }
    }

    /// What a database has found by itself among timestamps: so many rows in the future.
    pub fn counted(from: Option<i64>, earliest: i64, now: i64, future: u64) -> Survey {
        let first = from.unwrap_or(earliest);
        let bound = |micros| (micros, TimeBound::Number(micros as f64));
        let times = (first <= now).then(|| Stretch { first: bound(first), last: bound(now) });
        Survey { times, alike: false, future, ..Survey::new(from, now) }
    }

    /// A value that is not above any that is to be read, however those are written.
    pub fn lowest(&self, format: TimestampFormat) -> TimeBound {
        match (format, self.from) {
            (TimestampFormat::Text, None) => TimeBound::Text(String::new()),
            (TimestampFormat::Text, Some(from)) => {
                // A zone moves what is written by less than a day.
                let date =
                    DateTime::from_timestamp_micros(from).and_then(|time| time.checked_sub_signed(TimeDelta::days(1)));
                TimeBound::Text(date.map_or(String::new(), |date| date.format("%Y-%m-%d").to_string()))
            }
            (_, None) => TimeBound::Number(f64::NEG_INFINITY),
            // A fraction that is just below may be rounded up to it.
            (TimestampFormat::Seconds, Some(from)) => TimeBound::Number((from.div_euclid(1_000_000) - 1) as f64),
            (TimestampFormat::Milliseconds, Some(from)) => TimeBound::Number((from.div_euclid(1000) - 1) as f64),
        }
    }

    /// Adds a value with its time, and its place in the database, if it has one.
    pub fn take(&mut self, micros: i64, value: StoredTime<'_>, place: Option<i64>) {
        self.in_order = self
            .in_order
            .zip(place)
            .filter(|((last_place, last), place)| place > last_place && micros >= *last)
            .map(|(_, place)| (place, micros));
        if let StoredTime::Text(text) = value {
            self.alike &= self.layout.get_or_insert_with(|| TextLayout::of(text)).is_of(text);
        }
        if micros > self.now {
            self.future += 1;
        } else if self.from.is_none_or(|from| micros >= from) {
            add(&mut self.times, micros, value);
        }
    }

    /// Whether later times stand at later places in the database.
    pub fn is_in_order(&self) -> bool {
        self.in_order.is_some()
    }

    /// The rows to read; `None` if there are none.
    pub fn selection(&self) -> Option<Selection> {
        let Stretch { first, last } = self.times.as_ref()?;
        Some(if self.alike {
            Selection::Stored { from: first.1.clone(), to: last.1.clone() }
        } else {
            Selection::Computed { from: first.0, to: last.0 }
        })
    }
}

fn add(stretch: &mut Option<Stretch>, micros: i64, value: StoredTime<'_>) {
    let new = || (micros, value.into());
    match stretch {
        None => *stretch = Some(Stretch { first: new(), last: new() }),
        Some(stretch) => {
            // Those of one microsecond may still differ.
            if (micros, value) < (stretch.first.0, stretch.first.1.stored()) {
                stretch.first = new();
            }
            if (micros, value) > (stretch.last.0, stretch.last.1.stored()) {
                stretch.last = new();
            }
        }
    }
}

impl TextLayout {
    fn of(text: &str) -> TextLayout {
        TextLayout { length: text.len(), separator: text.as_bytes().get(10).copied(), zone: zone(text).to_owned() }
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

    fn survey(from: Option<i64>, texts: &[&str]) -> Survey {
        let mut survey = Survey::new(from, 100_000_000);
        for text in texts {
            survey.take(super::super::timestamps::micros_of_text(text).unwrap(), StoredTime::Text(text), None);
        }
        survey
    }

    #[test]
    fn texts_that_are_written_alike_are_selected_as_texts() {
        let texts = ["1970-01-01T00:00:03Z", "1970-01-01T00:00:01Z", "1970-01-01T00:00:05Z", "1971-01-01T00:00:00Z"];
        let text = |text: &str| TimeBound::Text(text.to_owned());
        let stored = |from, to| Some(Selection::Stored { from: text(from), to: text(to) });
        assert_eq!(survey(Some(1_000_001), &texts).selection(), stored("1970-01-01T00:00:03Z", "1970-01-01T00:00:05Z"));
        let from_its_first = survey(Some(1_000_000), &texts);
        assert_eq!(from_its_first.selection(), stored("1970-01-01T00:00:01Z", "1970-01-01T00:00:05Z"));
        assert_eq!(from_its_first.future, 1);
    }

    #[test]
    fn texts_that_are_written_differently_are_selected_as_times() {
        let from_1_to = |seconds: i64| Some(Selection::Computed { from: 1_000_000, to: seconds * 1_000_000 });
        for other in
            ["1970-01-01T01:00:04+01:00", "1970-01-01 00:00:04Z", "1970-01-01T00:00:04", "1970-01-01T00:00:04.0Z"]
        {
            assert_eq!(survey(None, &["1970-01-01T00:00:01Z", other]).selection(), from_1_to(4), "{other}");
        }
        let leap = ["1970-01-01T00:00:60Z", "1970-01-01T00:00:01Z"];
        assert_eq!(survey(None, &leap).selection(), from_1_to(60));
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
                survey.take(*micros, StoredTime::Number(0.0), Some(*place));
            }
            assert_eq!(survey.is_in_order(), in_order, "{rows:?}");
        }
        assert!(!survey(None, &["1970-01-01T00:00:01Z"]).is_in_order(), "nobody knows");
    }

    #[test]
    fn where_nothing_is_new_nothing_is_selected() {
        assert_eq!(survey(None, &[]).selection(), None);
        let survey = survey(Some(1_000_001), &["1970-01-01T00:00:01Z", "1971-01-01T00:00:00Z"]);
        assert_eq!(survey.selection(), None);
    }
}
