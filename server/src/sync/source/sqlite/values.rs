//! What SQLite's values and errors mean for a source.

use chrono::{DateTime, TimeDelta};
use rusqlite::ErrorCode;
use rusqlite::types::{Value, ValueRef};

use super::super::clock::{Form, micros_of_fraction, micros_of_number, micros_of_text};
use super::super::columns::Columns;
use super::{Selection, SyncError};
use crate::config::TableName;
use crate::store::Watermark;
use crate::sync::object::LONGEST_PAYLOAD;
use crate::sync::row::Row;

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
}

/// The first and the last of some times.
#[derive(Debug, Clone)]
struct Stretch {
    first: (i64, Value),
    last: (i64, Value),
}

/// What makes texts sort as the times that they are.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Writing {
    length: usize,
    separator: Option<u8>,
    zone: Vec<u8>,
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
        }
    }

    /// A value that is not above any that may be at the watermark or above it, however those are written.
    pub fn lowest(&self, form: Form) -> Value {
        match (form, self.reached) {
            (Form::Text, None) => Value::Text(String::new()),
            (Form::Text, Some(reached)) => {
                // A zone moves what is written by less than a day.
                let date = DateTime::from_timestamp_micros(reached)
                    .and_then(|time| time.checked_sub_signed(TimeDelta::days(1)));
                Value::Text(date.map_or(String::new(), |date| date.format("%Y-%m-%d").to_string()))
            }
            (_, None) => Value::Integer(i64::MIN),
            (Form::Seconds, Some(reached)) => Value::Integer(reached.div_euclid(1_000_000)),
            (Form::Milliseconds, Some(reached)) => Value::Integer(reached.div_euclid(1000)),
        }
    }

    /// Takes note of a value and the time that it is.
    pub fn take(&mut self, micros: i64, value: ValueRef<'_>) {
        if let ValueRef::Text(text) = value {
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

    /// What a run leaves out. Where more or fewer rows are at the watermark than an earlier run has dealt with, some were
    /// committed late under the same time: then all of them are taken.
    pub fn left_out(&self, watermark: Option<Watermark>) -> Option<Watermark> {
        let all = |watermark| Watermark { rows_at: 0, digest: Some(0), ..watermark };
        watermark.map(|watermark| match watermark.digest {
            None if watermark.rows_at != self.at => all(watermark),
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

fn add(stretch: &mut Option<Stretch>, micros: i64, value: ValueRef<'_>) {
    match stretch {
        None => {
            let only = (micros, owned(value));
            *stretch = Some(Stretch { first: only.clone(), last: only });
        }
        Some(stretch) => {
            if before((micros, value), (stretch.first.0, (&stretch.first.1).into())) {
                stretch.first = (micros, owned(value));
            }
            if before((stretch.last.0, (&stretch.last.1).into()), (micros, value)) {
                stretch.last = (micros, owned(value));
            }
        }
    }
}

/// A time by itself.
fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Null | ValueRef::Blob(_) => Value::Null,
    }
}

/// Whether a value sorts before another of the same form. Those of one microsecond may still differ.
fn before(one: (i64, ValueRef<'_>), other: (i64, ValueRef<'_>)) -> bool {
    if one.0 != other.0 {
        return one.0 < other.0;
    }
    match (one.1, other.1) {
        (ValueRef::Text(one), ValueRef::Text(other)) => one < other,
        (one, other) => number(one).zip(number(other)).is_some_and(|(one, other)| one < other),
    }
}

fn number(value: ValueRef<'_>) -> Option<f64> {
    match value {
        ValueRef::Integer(number) => Some(number as f64),
        ValueRef::Real(number) => Some(number),
        _ => None,
    }
}

impl Writing {
    fn of(text: &[u8]) -> Writing {
        Writing { length: text.len(), separator: text.get(10).copied(), zone: zone(text).to_vec() }
    }

    fn is_of(&self, text: &[u8]) -> bool {
        self.length == text.len() && self.separator == text.get(10).copied() && self.zone == zone(text)
    }
}

/// `Z`, `+01:00`, or nothing.
fn zone(text: &[u8]) -> &[u8] {
    match text {
        [.., b'Z' | b'z'] => &text[text.len() - 1..],
        [.., b'+' | b'-', _, _, b':', _, _] => &text[text.len() - 6..],
        _ => &[],
    }
}

/// A value as a time in microseconds; nothing where it is none.
pub fn micros(value: ValueRef<'_>) -> Option<i64> {
    match value {
        ValueRef::Integer(number) => micros_of_number(number),
        ValueRef::Real(number) => micros_of_fraction(number),
        ValueRef::Text(text) => micros_of_text(std::str::from_utf8(text).ok()?),
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}

/// The form of a time; nothing where it is none.
pub fn form(value: ValueRef<'_>) -> Option<Form> {
    micros(value)?;
    Some(match value {
        ValueRef::Integer(number) => Form::of_number(number),
        ValueRef::Real(number) => Form::of_number(number as i64),
        _ => Form::Text,
    })
}

/// The row that stands in a result: `UPDATED_AT`, then the columns with content.
pub fn row(columns: &Columns, updated_at: i64, row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let mut flaw = None;
    let identifiers = columns.identifiers.len();
    let mut texts = Vec::with_capacity(identifiers);
    for (index, name) in columns.content().enumerate() {
        let value = row.get_ref(1 + index)?;
        let too_long = |length: usize| index >= identifiers && length > LONGEST_PAYLOAD;
        let text = match value {
            ValueRef::Null => None,
            ValueRef::Integer(number) => Some(number.to_string()),
            ValueRef::Real(number) => Some(number.to_string()),
            // What is too long to be sent is not copied either.
            ValueRef::Text(text) | ValueRef::Blob(text) if too_long(text.len()) => {
                flaw.get_or_insert(format!("{name} has {} bytes; {LONGEST_PAYLOAD} are allowed", text.len()));
                None
            }
            ValueRef::Text(text) | ValueRef::Blob(text) => {
                let text = std::str::from_utf8(text).ok().map(str::to_owned);
                if text.is_none() {
                    flaw.get_or_insert(format!("{name} is not UTF-8 text"));
                }
                text
            }
        };
        texts.push(text);
    }
    let payload = if columns.payload.is_some() { texts.pop().flatten() } else { None };
    Ok(Row::new(updated_at, columns.identifier(texts), payload, flaw))
}

/// A value for a message.
pub fn example(value: ValueRef<'_>) -> String {
    const LONGEST: usize = 40;
    let short = |text: &[u8]| String::from_utf8_lossy(text).chars().take(LONGEST).collect::<String>();
    match value {
        ValueRef::Null => "null".into(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => format!("{:?}", short(text)),
        ValueRef::Blob(bytes) => format!("a blob of {} bytes", bytes.len()),
    }
}

/// What is said of an `UPDATED_AT` that is no time.
pub fn not_a_time(table: &TableName, column: &str, value: ValueRef<'_>) -> SyncError {
    SyncError::Config(format!(
        "the column `{column}` of the table `{table}` holds {}, which is no time; RFC 3339, `YYYY-MM-DD HH:MM:SS`, Unix seconds and Unix milliseconds are",
        example(value)
    ))
}

/// What an error of SQLite means: what passes fails a run, what stays is a matter of configuration.
pub fn meaning(place: &str, error: &rusqlite::Error) -> SyncError {
    let message = match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    };
    let message = format!("{place}: {message}");
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::OperationInterrupted
            | ErrorCode::SystemIoFailure
            | ErrorCode::DiskFull
            | ErrorCode::OutOfMemory,
        ) => SyncError::Failed(message),
        _ => SyncError::Config(message),
    }
}
