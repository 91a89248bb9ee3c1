//! A survey of the `UPDATED_AT` values that may be new, and how to select the new ones.
//!
//! A database sorts numbers chronologically. Texts sort chronologically only if all have the same number of digits, the
//! same separator and the same zone.

use chrono::{DateTime, TimeDelta};

use super::timestamps::TimestampFormat;

/// A time as the database stores it.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub enum StoredTime<'a> {
    /// A number of seconds or milliseconds.
    Number(f64),
    /// A text.
    Text(&'a str),
}

/// An owned [`StoredTime`], used as a bound in queries.
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

/// Which rows a run reads.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    /// The stored values are compared.
    Stored {
        /// The lowest value.
        from: TimeBound,
        /// The highest value.
        to: TimeBound,
    },
    /// The values are converted to microseconds and compared.
    Computed {
        /// The earliest time.
        from: i64,
        /// The latest time.
        to: i64,
    },
}

impl Selection {
    /// Whether all rows have the same time, so that they are in order however they are read.
    pub fn is_one_time(&self) -> bool {
        match self {
            Selection::Stored { from, to } => from == to,
            Selection::Computed { from, to } => from == to,
        }
    }
}

/// A survey of the `UPDATED_AT` values that may be new.
#[derive(Debug)]
pub struct Survey {
    /// The earliest time that is read, in microseconds; `None` for all rows.
    from: Option<i64>,
    now: i64,
    /// Rows dated in the future.
    pub future: u64,
    /// The times between `from` and `now`.
    times: Option<TimeRange>,
    /// The layout of the first text, and whether all others share it.
    layout: Option<TextLayout>,
    alike: bool,
    /// The number of rows between `from` and `now`.
    pub new: u64,
    /// All rows, and those with an earlier time than the row before them.
    rows: u64,
    earlier: u64,
    /// The last storage position and its time; `None` once a position is not after the one before it.
    place: Option<(i64, i64)>,
}

/// The earliest and the latest of some times.
#[derive(Debug, Clone)]
struct TimeRange {
    first: (i64, TimeBound),
    last: (i64, TimeBound),
}

/// The properties of a text that must be equal for texts to sort chronologically.
#[derive(Debug, Clone, PartialEq, Eq)]
struct TextLayout {
    length: usize,
    separator: Option<u8>,
    zone: String,
}

impl Survey {
    /// An empty survey.
    pub fn new(from: Option<i64>, now: i64) -> Survey {
        Survey {
            from,
            now,
            future: 0,
            times: None,
            layout: None,
            alike: true,
            new: 0,
            rows: 0,
            earlier: 0,
            place: Some((i64::MIN, i64::MIN)),
        }
    }

    /// A survey of a timestamp column by the database itself: the rows dated in the future, and the first and the last of
    /// the times that are read.
    pub fn counted(from: Option<i64>, now: i64, future: u64, times: Option<(i64, i64)>) -> Survey {
        let bound = |micros| (micros, TimeBound::Number(micros as f64));
        let times = times.map(|(first, last)| TimeRange { first: bound(first), last: bound(last) });
        Survey { times, alike: false, future, ..Survey::new(from, now) }
    }

    /// A bound below every value that is to be read, however it is written.
    pub fn lowest(&self, format: TimestampFormat) -> TimeBound {
        match (format, self.from) {
            (TimestampFormat::Text, None) => TimeBound::Text(String::new()),
            (TimestampFormat::Text, Some(from)) => {
                // A zone offset shifts the written time by less than a day.
                let date =
                    DateTime::from_timestamp_micros(from).and_then(|time| time.checked_sub_signed(TimeDelta::days(1)));
                TimeBound::Text(date.map_or(String::new(), |date| date.format("%Y-%m-%d").to_string()))
            }
            (_, None) => TimeBound::Number(f64::NEG_INFINITY),
            // A fraction just below `from` may be rounded up to it.
            (TimestampFormat::Seconds, Some(from)) => TimeBound::Number((from.div_euclid(1_000_000) - 1) as f64),
            (TimestampFormat::Milliseconds, Some(from)) => TimeBound::Number((from.div_euclid(1000) - 1) as f64),
        }
    }

    /// Adds a value with its time, and its storage position if it has one.
    pub fn take(&mut self, micros: i64, value: StoredTime<'_>, place: Option<i64>) {
        self.rows += 1;
        self.place = self.place.zip(place).filter(|((before, _), place)| place > before).map(|((_, time), place)| {
            self.earlier += u64::from(micros < time);
            (place, micros)
        });
        if let StoredTime::Text(text) = value {
            self.alike &= self.layout.get_or_insert_with(|| TextLayout::of(text)).is_of(text);
        }
        if micros > self.now {
            self.future += 1;
        } else if self.from.is_none_or(|from| micros >= from) {
            self.new += 1;
            add(&mut self.times, micros, value);
        }
    }

    /// Whether rows stored later have later times.
    pub fn is_in_order(&self) -> bool {
        self.place.is_some() && self.earlier == 0
    }

    /// The same for most rows.
    pub fn is_nearly_in_order(&self) -> bool {
        self.place.is_some() && self.earlier <= self.rows / 10
    }

    /// The rows to read; `None` if there are none.
    pub fn selection(&self) -> Option<Selection> {
        let TimeRange { first, last } = self.times.as_ref()?;
        Some(if self.alike {
            Selection::Stored { from: first.1.clone(), to: last.1.clone() }
        } else {
            Selection::Computed { from: first.0, to: last.0 }
        })
    }
}

fn add(range: &mut Option<TimeRange>, micros: i64, value: StoredTime<'_>) {
    let new = || (micros, value.into());
    match range {
        None => *range = Some(TimeRange { first: new(), last: new() }),
        Some(range) => {
            // Values of the same microsecond may still differ.
            if (micros, value) < (range.first.0, range.first.1.stored()) {
                range.first = new();
            }
            if (micros, value) > (range.last.0, range.last.1.stored()) {
                range.last = new();
            }
        }
    }
}

impl TextLayout {
    fn of(text: &str) -> TextLayout {
        TextLayout { length: text.len(), separator: text.as_bytes().get(10).copied(), zone: zone(text).to_owned() }
    }

    fn is_of(&self, text: &str) -> bool {
        // A leap second has the same time as the start of the next minute, but sorts before it.
        let is_leap = text.get(17..19) == Some("60");
        let separator = text.as_bytes().get(10).copied();
        !is_leap && self.length == text.len() && self.separator == separator && self.zone == zone(text)
    }
}

/// The zone of a text: `Z`, `+01:00`, or empty.
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
    fn texts_with_one_layout_are_compared_as_texts() {
        let texts = ["1970-01-01T00:00:03Z", "1970-01-01T00:00:01Z", "1970-01-01T00:00:05Z", "1971-01-01T00:00:00Z"];
        let text = |text: &str| TimeBound::Text(text.to_owned());
        let stored = |from, to| Some(Selection::Stored { from: text(from), to: text(to) });
        assert_eq!(survey(Some(1_000_001), &texts).selection(), stored("1970-01-01T00:00:03Z", "1970-01-01T00:00:05Z"));
        let from_its_first = survey(Some(1_000_000), &texts);
        assert_eq!(from_its_first.selection(), stored("1970-01-01T00:00:01Z", "1970-01-01T00:00:05Z"));
        assert_eq!(from_its_first.future, 1);
    }

    #[test]
    fn texts_with_different_layouts_are_compared_as_times() {
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
    fn chronological_storage_order_is_recognised() {
        let survey_of = |rows: &[(i64, i64)]| {
            let mut survey = Survey::new(None, 100);
            for (place, micros) in rows {
                survey.take(*micros, StoredTime::Number(0.0), Some(*place));
            }
            survey
        };
        for (rows, in_order) in [
            (vec![(1, 10), (2, 10), (5, 20)], true),
            (vec![(1, 10), (2, 9)], false),
            (vec![(2, 10), (1, 20)], false),
            (vec![(1, 10), (1, 20)], false),
        ] {
            let survey = survey_of(&rows);
            assert_eq!((survey.is_in_order(), survey.is_nearly_in_order()), (in_order, in_order), "{rows:?}");
        }
        assert!(!survey(None, &["1970-01-01T00:00:01Z"]).is_in_order(), "nobody knows");
        let mut rows: Vec<(i64, i64)> = (1..=10).map(|place| (place, place)).collect();
        rows[4].1 = 50;
        let survey = survey_of(&rows);
        assert!(survey.is_nearly_in_order() && !survey.is_in_order() && survey.new == 10);
        rows[7].1 = 0;
        assert!(!survey_of(&rows).is_nearly_in_order());
        (rows[4], rows[7]) = ((5, 5), (7, 8));
        assert!(!survey_of(&rows).is_nearly_in_order(), "a place that is there twice is none");
    }

    #[test]
    fn without_new_rows_nothing_is_selected() {
        assert_eq!(survey(None, &[]).selection(), None);
        let survey = survey(Some(1_000_001), &["1970-01-01T00:00:01Z", "1971-01-01T00:00:00Z"]);
        assert_eq!(survey.selection(), None);
    }
}
