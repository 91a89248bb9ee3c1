//! The world as a user sees it: the source's current rows, and those that earlier syncs could see.
//!
//! It is independent of how a sync detects new rows. The past is needed only to know which objects may have arrived, and which
//! rows were committed later than the lookback allows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::super::rig::moment;
use crate::types::IntegrationKind;

/// Microseconds since the start of 2026.
pub type Time = i64;

/// A minute. Rows are a whole number of ticks apart, plus a fraction where the time format allows it.
pub const TICK: Time = 60_000_000;
/// A tick that is not reached while the tests run.
pub const FUTURE: i64 = 100 * 365 * 24 * 60;

/// The format of a source's times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeFormat {
    /// `YYYY-MM-DD HH:MM:SS`.
    TextSeconds,
    /// RFC 3339 with microseconds.
    TextMicros,
    /// A mix of both, so that sorting as text is wrong.
    TextMixed,
    UnixSeconds,
    UnixMilliseconds,
    /// The Postgres type.
    Timestamptz,
}

impl TimeFormat {
    /// The time of a tick, with the precision of the format.
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

/// A row's payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Payload {
    /// Sets the attribute `a`, or is an event or a purchase.
    A(u32),
    /// Sets the attribute `b`.
    B(u32),
    /// Sets both.
    Both(u32),
    /// Not a JSON object, so it cannot be sent.
    NoObject(u32),
    /// An invalid e-mail address, for which the service refuses the object by name. As attributes it also sets `a`.
    BadEmail(u32),
    /// Sets the attribute `a` as [`Payload::A`] does, in another text with the same meaning.
    Rewritten(u32),
    /// Sets the attribute `b` to an object, in one of two texts with the same meaning.
    Object(u32, bool),
    /// Sets the attribute `b` to an array, in one of two orders.
    List(bool),
    /// Sets the attribute `a` and increments `c`.
    Increment(u32),
}

impl Payload {
    /// Whether it is always refused.
    pub fn is_bad(self) -> bool {
        matches!(self, Payload::NoObject(_) | Payload::BadEmail(_))
    }

    /// The value that it sets the attribute `a` or `b` to, if it does. 0 removes the attribute.
    pub fn value(self, attribute: char) -> Option<Value> {
        use Payload::{A, B, BadEmail, Both, Increment, List, NoObject, Object, Rewritten};
        let value = |number| if number == 0 { Value::Null } else { json!(number) };
        match (self, attribute) {
            (A(number) | Rewritten(number) | Increment(number) | BadEmail(number), 'a')
            | (B(number), 'b')
            | (Both(number), _) => Some(value(number)),
            (Object(number, _), 'b') => Some(json!({ "x": number, "y": [1, { "p": "é", "q": null }] })),
            (List(false), 'b') => Some(json!([1, 2])),
            (List(true), 'b') => Some(json!([2, 1])),
            (A(_) | B(_) | NoObject(_) | BadEmail(_) | Rewritten(_) | Object(..) | List(_) | Increment(_), _) => None,
        }
    }

    /// The number by which it increments `c`, if it does.
    pub fn increment(self) -> Option<u32> {
        if let Payload::Increment(number) = self { Some(number) } else { None }
    }

    /// The attributes that it sets.
    pub fn attributes(self) -> Map<String, Value> {
        self.fields(IntegrationKind::Attributes).unwrap_or_default()
    }

    fn fields(self, kind: IntegrationKind) -> Option<Map<String, Value>> {
        let mut fields = Map::new();
        let (name, number) = match self {
            Payload::NoObject(_) => return None,
            Payload::A(number) | Payload::Rewritten(number) | Payload::Increment(number) => ("a", number),
            Payload::B(number) | Payload::Object(number, _) => ("b", number),
            Payload::List(order) => ("b", order.into()),
            Payload::Both(number) => ("ab", number),
            Payload::BadEmail(number) => ("bad", number),
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
                fields.extend(self.increment().map(|number| ("c".to_owned(), json!({ "inc": number }))));
            }
        }
        if let Payload::BadEmail(_) = self {
            fields.insert("email".into(), "nobody".into());
        }
        Some(fields)
    }

    /// The text of the `PAYLOAD` column.
    pub fn text(self, kind: IntegrationKind) -> String {
        match (self, self.fields(kind)) {
            (Payload::Rewritten(0), _) => r#" { "\u0061":null}"#.into(),
            (Payload::Rewritten(number), _) => {
                let writing = [format!("{number}.0"), format!("{number}e0"), format!("{number}00E-2")];
                format!(r#"{{"\u0061" : {} }}"#, writing[number as usize % writing.len()])
            }
            (Payload::Object(number, true), _) => {
                format!(r#"{{"b": {{"y":[1.0,{{"q":null,"p":"\u00e9"}}],"x":{number}}}}}"#)
            }
            (_, Some(fields)) => Value::Object(fields).to_string(),
            (Payload::NoObject(number), None) => format!("[{number}]"),
            (_, None) => String::new(),
        }
    }
}

/// The content of a row. Rows with the same content cannot be told apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Content {
    pub user: u8,
    pub time: Time,
    pub payload: Payload,
    /// Whether the row has the user's e-mail address only.
    pub by_email: bool,
}

impl Content {
    pub fn user_name(&self) -> String {
        user_name(self.user)
    }

    /// The object that must arrive for it.
    pub fn object(&self, kind: IntegrationKind) -> Value {
        if kind == IntegrationKind::UserDeletes {
            return self.user_name().into();
        }
        let identifier = if self.by_email { ("email", email(self.user)) } else { ("external_id", self.user_name()) };
        let mut object = Map::from_iter([(identifier.0.to_owned(), Value::from(identifier.1))]);
        object.extend(self.payload.fields(kind).unwrap_or_default());
        if kind != IntegrationKind::Attributes {
            object.insert("time".into(), date(self.time).to_rfc3339_opts(SecondsFormat::Micros, true).into());
        }
        Value::Object(object)
    }
}

impl fmt::Display for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = if self.time / TICK >= FUTURE { "a time in the future".into() } else { clock_time(self.time) };
        let name = if self.by_email { email(self.user) } else { self.user_name() };
        write!(formatter, "{name} {:?} at {time}", self.payload)
    }
}

pub fn user_name(user: u8) -> String {
    format!("user-{user}")
}

/// The other identifier of a user.
pub fn email(user: u8) -> String {
    format!("user-{user}{EMAIL}")
}

/// What an e-mail address has more than the name.
pub const EMAIL: &str = "@example.com";

/// A time of day, for messages.
pub fn clock_time(time: Time) -> String {
    date(time).format("%H:%M:%S%.f").to_string()
}

/// A row in the source.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its `ID`, which no sync reads.
    pub id: u64,
    pub content: Content,
    /// Its previous contents with the same time.
    pub before: Vec<Content>,
    /// Its index in [`World::versions`], once a sync could see it with this content.
    pub version: Option<usize>,
}

/// A change in the source. Rows are given by their index in [`World::rows`].
#[derive(Debug, Clone)]
pub enum Change {
    /// A row is inserted.
    Insert(Content),
    /// A row's content changes.
    Update(usize, Content),
    /// A row is deleted.
    Delete(usize),
}

/// A row's content that a sync could see.
#[derive(Debug, Clone)]
pub struct Version {
    pub content: Content,
    /// How far it was below the highest time that an earlier sync could see.
    pub late: Time,
    /// Whether that is within the shortest lookback until a sync that saw it succeeded, so that it must be synced.
    pub guaranteed: bool,
    /// Whether a successful sync has seen it.
    pub settled: bool,
}

/// Counts of rows with the same content.
#[derive(Debug, Clone, Default)]
pub struct Occurrences {
    /// The highest count that a part of a sync could see.
    pub most: usize,
    /// The highest count at the end of a successful sync.
    pub settled: usize,
    /// How often a row got this content, as far as syncs could see.
    pub versions: usize,
    /// How often it may have had to be sent again, because an older row of its user was committed late.
    pub overtaken: usize,
    /// The count at the end of the last successful sync.
    settled_last: usize,
    /// The count that the current part of a sync can see.
    count: usize,
    /// How many of these may be acknowledged, with nothing delivered to the user afterwards that could replace them: the
    /// highest count since the last part that delivered anything to the user, that part included.
    known: usize,
    /// The last part of a sync that could see it.
    pub last_seen: usize,
    /// For each of its rows, counted up from one, the last part of a sync that could see so many and more than may have been
    /// acknowledged before.
    new: Vec<usize>,
}

impl Occurrences {
    /// The last part of a sync to which a row that it can see now was new.
    pub fn last_new(&self) -> usize {
        self.new.iter().take(self.count).copied().max().unwrap_or_default()
    }
}

#[derive(Debug)]
pub struct World {
    pub rows: Vec<Row>,
    pub versions: Vec<Version>,
    pub occurrences: BTreeMap<Content, Occurrences>,
    /// The number of parts of syncs that have started.
    pub parts: usize,
    /// The highest time that a sync could see.
    pub highest: Option<Time>,
    /// Users with rows that a sync could see since the last successful one and that it has not settled.
    pub unsettled: BTreeSet<u8>,
    /// How many rows are new to the current part at least, by user and time.
    pub new_rows: BTreeMap<(u8, Time), usize>,
    /// Whether the watermark was reset since the last part.
    is_reset: bool,
    /// The shortest lookback so far.
    lookback: Time,
    last_id: u64,
}

impl World {
    pub fn new() -> World {
        World {
            rows: Vec::new(),
            versions: Vec::new(),
            occurrences: BTreeMap::new(),
            parts: 0,
            highest: None,
            unsettled: BTreeSet::new(),
            new_rows: BTreeMap::new(),
            is_reset: false,
            lookback: Time::MAX,
            last_id: 0,
        }
    }

    /// The `ID` of the next inserted row.
    pub fn next_id(&self) -> u64 {
        self.last_id + 1
    }

    /// Applies a change.
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

    /// Starts a part of a sync, which can see all current rows that are not in the future.
    pub fn begin_part(&mut self, lookback: std::time::Duration) {
        self.parts += 1;
        self.lookback = self.lookback.min(lookback.as_micros() as Time);
        let is_reset = std::mem::take(&mut self.is_reset);
        let highest = self.highest.filter(|_| !is_reset);
        for version in self.versions.iter_mut().filter(|version| !version.settled) {
            version.guaranteed &= version.late <= self.lookback;
        }
        let mut standing: BTreeMap<&Content, usize> = BTreeMap::new();
        let mut new = Vec::new();
        for row in self.rows.iter_mut().filter(|row| !is_future(row.content.time)) {
            *standing.entry(&row.content).or_default() += 1;
            if row.version.is_none() {
                let late = highest.map_or(0, |highest| (highest - row.content.time).max(0));
                let (content, guaranteed) = (row.content.clone(), late <= self.lookback);
                row.version = Some(self.versions.len());
                self.versions.push(Version { content, late, guaranteed, settled: false });
                new.push(row.content.clone());
            }
            self.highest = self.highest.max(Some(row.content.time));
        }
        self.occurrences.values_mut().for_each(|occurrences| occurrences.count = 0);
        for (content, count) in standing {
            let occurrences = self.occurrences.entry(content.clone()).or_default();
            occurrences.most = occurrences.most.max(count);
            (occurrences.last_seen, occurrences.count) = (self.parts, count);
            if count > occurrences.known {
                occurrences.new.resize(occurrences.new.len().max(count), 0);
                occurrences.new[occurrences.known..count].fill(self.parts);
            }
            if count > occurrences.settled_last {
                self.unsettled.insert(content.user);
            }
        }
        let late = self.rows.iter().filter(|row| row.version.is_some_and(|version| !self.versions[version].guaranteed));
        self.unsettled.extend(late.map(|row| row.content.user));
        let mut new_rows: BTreeMap<(u8, Time), usize> = BTreeMap::new();
        for (content, rows) in self.guaranteed() {
            let known = self.occurrences.get(content).map_or(0, |occurrences| occurrences.known);
            *new_rows.entry((content.user, content.time)).or_default() += rows.saturating_sub(known);
        }
        self.new_rows = new_rows;
        for content in new {
            self.occurrences.entry(content.clone()).or_default().versions += 1;
            // Newer contents of this user that were there before must be sent again after it.
            let newer = self
                .occurrences
                .iter_mut()
                .filter(|(other, _)| other.user == content.user && other.time >= content.time);
            newer.for_each(|(_, occurrences)| occurrences.overtaken += occurrences.most.max(1));
        }
    }

    /// Ends a part of a sync that has delivered objects to these users.
    pub fn end_part(&mut self, users: &BTreeSet<u8>) {
        for (content, occurrences) in &mut self.occurrences {
            let before = if users.contains(&content.user) { 0 } else { occurrences.known };
            occurrences.known = occurrences.count.max(before);
        }
    }

    /// Resets the watermark: the next sync can see all rows as if they were new.
    pub fn reset(&mut self) {
        self.is_reset = true;
        self.rows.iter_mut().for_each(|row| row.version = None);
        for occurrences in self.occurrences.values_mut() {
            (occurrences.settled_last, occurrences.known) = (0, 0);
        }
    }

    /// Records that the current sync has succeeded, so that all rows it could see are settled.
    pub fn settle(&mut self) {
        self.unsettled.clear();
        let mut standing: BTreeMap<Content, usize> = BTreeMap::new();
        for version in self.rows.iter().filter_map(|row| row.version) {
            self.versions[version].settled = true;
            *standing.entry(self.versions[version].content.clone()).or_default() += 1;
        }
        for (content, occurrences) in &mut self.occurrences {
            occurrences.settled_last = standing.get(content).copied().unwrap_or_default();
            occurrences.settled = occurrences.settled.max(occurrences.settled_last);
        }
    }

    /// The current contents that a sync could see, and whether each is guaranteed to be synced.
    pub fn seen(&self) -> impl Iterator<Item = (&Content, bool)> {
        self.rows.iter().filter_map(|row| row.version).map(|version| {
            let version = &self.versions[version];
            (&version.content, version.guaranteed)
        })
    }

    /// The number of guaranteed rows by content.
    pub fn guaranteed(&self) -> BTreeMap<&Content, usize> {
        let mut guaranteed = BTreeMap::new();
        for (content, _) in self.seen().filter(|(_, guaranteed)| *guaranteed) {
            *guaranteed.entry(content).or_default() += 1;
        }
        guaranteed
    }
}

pub fn is_future(time: Time) -> bool {
    time / TICK >= FUTURE
}
