//! The world as a user sees it: which rows stand in the source now, and which stood there when a sync could see them.
//!
//! It knows nothing of how a sync finds out what is new. What it remembers of the past is needed only to say what may have
//! arrived, and which rows were committed later than the lookback covers.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::super::rig::moment;
use crate::types::IntegrationKind;

/// Microseconds since the beginning of 2026.
pub type Time = i64;

/// A minute: rows are a whole number of these apart, and what the form of times can tell besides.
pub const TICK: Time = 60_000_000;
/// A time that does not come while the tests run.
pub const FUTURE: i64 = 100 * 365 * 24 * 60;

/// How a source writes its times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeFormat {
    /// `YYYY-MM-DD HH:MM:SS`.
    TextSeconds,
    /// RFC 3339 with microseconds.
    TextMicros,
    /// One or the other, so that the texts do not sort as the times that they are.
    TextMixed,
    UnixSeconds,
    UnixMilliseconds,
    /// Postgres' own type.
    Timestamptz,
}

impl TimeFormat {
    /// The time of a tick, with as many digits as the format has.
    pub fn time(self, tick: i64) -> Time {
        let part = tick.rem_euclid(4) as usize;
        tick * TICK
            + match self {
                TimeFormat::TextSeconds | TimeFormat::TextMixed | TimeFormat::UnixSeconds => 0,
                TimeFormat::TextMicros | TimeFormat::Timestamptz => [0, 1, 500_000, 999_999][part],
                TimeFormat::UnixMilliseconds => [0, 1_000, 500_000, 999_000][part],
            }
    }

    /// A time as SQL.
    pub fn sql(self, time: Time) -> String {
        let at = date(time);
        let rfc = at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let text = at.format("%Y-%m-%d %H:%M:%S").to_string();
        match self {
            TimeFormat::TextSeconds => format!("'{text}'"),
            TimeFormat::TextMixed if time / TICK % 2 == 0 => format!("'{text}'"),
            TimeFormat::TextMicros | TimeFormat::TextMixed | TimeFormat::Timestamptz => format!("'{rfc}'"),
            TimeFormat::UnixSeconds => at.timestamp().to_string(),
            TimeFormat::UnixMilliseconds => at.timestamp_millis().to_string(),
        }
    }
}

pub fn date(time: Time) -> DateTime<Utc> {
    moment(0) + TimeDelta::microseconds(time)
}

pub fn time_of(date: DateTime<Utc>) -> Time {
    (date - moment(0)).num_microseconds().unwrap()
}

/// What a row's payload says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Says {
    /// Sets the attribute `a`, or is an event or a purchase.
    A(u32),
    /// Sets the attribute `b`.
    B(u32),
    /// Sets both.
    Both(u32),
    /// Is no object, so that nobody can send it.
    NoObject(u32),
    /// Has an e-mail address that the service refuses, naming the object.
    BadEmail(u32),
}

impl Says {
    /// Whether it is refused whenever it is sent.
    pub fn is_bad(self) -> bool {
        matches!(self, Says::NoObject(_) | Says::BadEmail(_))
    }

    /// The value that it gives to an attribute, if it speaks of it. 0 removes the attribute.
    pub fn value(self, attribute: char) -> Option<Value> {
        let value = |number| if number == 0 { Value::Null } else { json!(number) };
        match (self, attribute) {
            (Says::A(number), 'a') | (Says::B(number), 'b') | (Says::Both(number), _) => Some(value(number)),
            _ => None,
        }
    }

    fn fields(self, kind: IntegrationKind) -> Option<Map<String, Value>> {
        let mut fields = Map::new();
        let (name, number) = match self {
            Says::NoObject(_) => return None,
            Says::A(number) => ("a", number),
            Says::B(number) => ("b", number),
            Says::Both(number) => ("ab", number),
            Says::BadEmail(number) => ("bad", number),
        };
        match kind {
            IntegrationKind::Events => {
                fields.insert("name".into(), format!("{name}{number}").into());
            }
            IntegrationKind::Purchases => {
                fields.insert("product_id".into(), name.into());
                fields.insert("currency".into(), "EUR".into());
                fields.insert("price".into(), number.into());
            }
            IntegrationKind::Attributes | IntegrationKind::UserDeletes => {
                for attribute in ['a', 'b'] {
                    fields.extend(self.value(attribute).map(|value| (attribute.to_string(), value)));
                }
            }
        }
        if let Says::BadEmail(_) = self {
            fields.insert("email".into(), "nobody".into());
        }
        Some(fields)
    }

    /// The `PAYLOAD`.
    pub fn payload(self, kind: IntegrationKind) -> String {
        match (self, self.fields(kind)) {
            (_, Some(fields)) => Value::Object(fields).to_string(),
            (Says::NoObject(number), None) => format!("[{number}]"),
            (_, None) => String::new(),
        }
    }
}

/// All that a row says. Rows with one content cannot be told apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Content {
    pub user: u8,
    pub time: Time,
    pub says: Says,
}

impl Content {
    pub fn user_name(&self) -> String {
        user_name(self.user)
    }

    /// The object that must arrive of it, and nothing else.
    pub fn object(&self, kind: IntegrationKind) -> Value {
        if kind == IntegrationKind::UserDeletes {
            return self.user_name().into();
        }
        let mut object = Map::from_iter([("external_id".to_owned(), Value::from(self.user_name()))]);
        object.extend(self.says.fields(kind).unwrap_or_default());
        if kind != IntegrationKind::Attributes {
            object.insert("time".into(), date(self.time).to_rfc3339_opts(SecondsFormat::Micros, true).into());
        }
        Value::Object(object)
    }
}

impl fmt::Display for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = if self.time / TICK >= FUTURE { "a time to come".into() } else { clock_time(self.time) };
        write!(formatter, "{} {:?} at {time}", self.user_name(), self.says)
    }
}

pub fn user_name(user: u8) -> String {
    format!("user-{user}")
}

/// A time for people: hours and minutes, and what is beyond the minute.
pub fn clock_time(time: Time) -> String {
    date(time).format("%H:%M:%S%.f").to_string()
}

/// A row that stands in the source.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its `ID`, which no sync reads.
    pub id: u64,
    pub content: Content,
    /// What it said before under the same time.
    pub before: Vec<Content>,
    /// Which of the versions it is, if a sync could see it as it is.
    pub version: Option<usize>,
}

/// A change in the source; rows are told by their place among those that stand there.
#[derive(Debug, Clone)]
pub enum Change {
    /// A row comes.
    Insert(Content),
    /// A row says something else.
    Update(usize, Content),
    /// A row goes.
    Delete(usize),
}

/// A row as it once was when a sync could see it.
#[derive(Debug, Clone)]
pub struct Version {
    pub content: Content,
    /// How far below the highest time that an earlier sync could see.
    pub late: Time,
    /// Whether that is no further than the shortest lookback until a sync that saw it ended well.
    pub promised: bool,
    /// Whether a sync that ended well has seen it.
    pub settled: bool,
}

/// What is known of all rows that say the same.
#[derive(Debug, Clone, Default)]
pub struct Stood {
    /// The most that stood there when a sync could see them.
    pub most: usize,
    /// The most that stood there when a sync ended well.
    pub settled: usize,
    /// How often a row began to say this, as far as syncs could see.
    pub versions: usize,
    /// How often it may have been necessary to send it once more, because an older row of its user came late.
    pub overtaken: usize,
    /// How many stood there when a sync ended well the last time.
    settled_last: usize,
    /// The most that stood there since then when a part of a sync could see them.
    seen_since: usize,
    /// The last part of a sync that could see it.
    pub last_seen: usize,
    /// The last part of a sync that could see more of it than the last sync that ended well and every part since: nobody can
    /// have acknowledged these before.
    pub last_new: usize,
    /// The last part of a sync that could see it, if no sync has ended well since: it may have arrived unnoticed.
    pub in_doubt: usize,
}

#[derive(Debug)]
pub struct World {
    pub rows: Vec<Row>,
    pub versions: Vec<Version>,
    pub stood: BTreeMap<Content, Stood>,
    /// How many parts of syncs have begun.
    pub parts: usize,
    /// The highest time that a sync could see.
    pub highest: Option<Time>,
    /// The shortest lookback so far.
    lookback: Time,
    last_id: u64,
}

impl World {
    pub fn new() -> World {
        World {
            rows: Vec::new(),
            versions: Vec::new(),
            stood: BTreeMap::new(),
            parts: 0,
            highest: None,
            lookback: Time::MAX,
            last_id: 0,
        }
    }

    /// The `ID` of the next row that comes.
    pub fn next_id(&self) -> u64 {
        self.last_id + 1
    }

    /// Something changes in the source.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Insert(content) => {
                self.last_id += 1;
                self.rows.push(Row { id: self.last_id, content, before: Vec::new(), version: None });
            }
            Change::Update(row, content) => {
                let row = &mut self.rows[row];
                let before = std::mem::replace(&mut row.content, content);
                if before.time == row.content.time {
                    row.before.push(before);
                } else {
                    row.before.clear();
                }
                row.version = None;
            }
            Change::Delete(row) => drop(self.rows.remove(row)),
        }
    }

    /// A part of a sync begins, which can see all rows that stand there now and are not of the future.
    pub fn begin_part(&mut self, lookback: std::time::Duration) {
        self.parts += 1;
        self.lookback = self.lookback.min(lookback.as_micros() as Time);
        let highest = self.highest;
        for version in self.versions.iter_mut().filter(|version| !version.settled) {
            version.promised &= version.late <= self.lookback;
        }
        let mut standing: BTreeMap<&Content, usize> = BTreeMap::new();
        let mut new = Vec::new();
        for row in self.rows.iter_mut().filter(|row| !is_future(row.content.time)) {
            *standing.entry(&row.content).or_default() += 1;
            if row.version.is_none() {
                let late = highest.map_or(0, |highest| (highest - row.content.time).max(0));
                let (content, promised) = (row.content.clone(), late <= self.lookback);
                row.version = Some(self.versions.len());
                self.versions.push(Version { content, late, promised, settled: false });
                new.push(row.content.clone());
            }
            self.highest = self.highest.max(Some(row.content.time));
        }
        for (content, count) in standing {
            let stood = self.stood.entry(content.clone()).or_default();
            stood.most = stood.most.max(count);
            (stood.last_seen, stood.in_doubt) = (self.parts, self.parts);
            if count > stood.settled_last.max(stood.seen_since) {
                stood.last_new = self.parts;
            }
            stood.seen_since = stood.seen_since.max(count);
        }
        for content in new {
            self.stood.entry(content.clone()).or_default().versions += 1;
            // Whatever of this user is newer and was there before must win at the end.
            let newer =
                self.stood.iter_mut().filter(|(other, _)| other.user == content.user && other.time >= content.time);
            newer.for_each(|(_, stood)| stood.overtaken += stood.most.max(1));
        }
    }

    /// Takes note that the sync whose part began last has ended well: all that it could see is dealt with.
    pub fn settle(&mut self) {
        let mut standing: BTreeMap<Content, usize> = BTreeMap::new();
        for version in self.rows.iter().filter_map(|row| row.version) {
            self.versions[version].settled = true;
            *standing.entry(self.versions[version].content.clone()).or_default() += 1;
        }
        for (content, stood) in &mut self.stood {
            stood.settled_last = standing.get(content).copied().unwrap_or_default();
            stood.settled = stood.settled.max(stood.settled_last);
            stood.seen_since = 0;
            if stood.settled_last > 0 {
                stood.in_doubt = 0;
            }
        }
    }

    /// The rows that a sync could see as they stand there, and whether each is promised.
    pub fn seen(&self) -> impl Iterator<Item = (&Content, bool)> {
        self.rows.iter().filter_map(|row| row.version).map(|version| {
            let version = &self.versions[version];
            (&version.content, version.promised)
        })
    }

    /// How many of the rows that stand there and are promised say what.
    pub fn promised(&self) -> BTreeMap<&Content, usize> {
        let mut promised = BTreeMap::new();
        for (content, _) in self.seen().filter(|(_, promised)| *promised) {
            *promised.entry(content).or_default() += 1;
        }
        promised
    }
}

pub fn is_future(time: Time) -> bool {
    time / TICK >= FUTURE
}
