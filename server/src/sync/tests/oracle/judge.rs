//! The guarantees, which are checked after each successful sync.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Map, Value};

use super::only_changed::{self, Deliveries};
use super::state;
use super::world::{Content, EMAIL, Occurrences, Time, World, clock_time, user_name};
use crate::types::IntegrationKind;

/// A guarantee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guarantee {
    /// Every row in the source has arrived, as often as it occurs there.
    NothingIsLost,
    /// No row arrives more often than it occurred in the source, except for rows in flight at an interruption.
    NothingIsSentTwice,
    /// Each user's attributes are those in the source.
    State,
    /// With `only_changed`, no attribute is sent that the user has already.
    NothingIsSentInVain,
    /// Only rows that were in the source arrive, unchanged and not before their time. With `only_changed`, parts of these.
    NothingUnexpectedArrives,
    /// Each refused version of a row is a row error, once.
    RowErrors,
    /// The counters of jobs match the delivered and refused rows.
    Counters,
    /// If nothing has changed since a successful sync, nothing is sent.
    Idle,
    /// Rows arrive in the order of their times: per user at a service, overall in a file.
    Order,
    /// Syncs succeed if the service works.
    EndsWell,
}

/// A violated guarantee.
#[derive(Debug, Clone)]
pub struct Violation {
    pub guarantee: Guarantee,
    /// A message with what was expected and what happened.
    pub what: String,
}

impl Violation {
    pub fn new(guarantee: Guarantee, what: impl Into<String>) -> Violation {
        Violation { guarantee, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}: {}", self.guarantee, self.what)
    }
}

/// Everything that can be seen from outside.
#[derive(Debug)]
pub struct Evidence {
    pub kind: IntegrationKind,
    /// Whether the destination is a file.
    pub is_file: bool,
    /// Whether the guarantees of `only_changed` apply. The setting may be off at times.
    pub only_changed: bool,
    /// All objects that have arrived, in order, those at earlier destinations first.
    pub arrived: Vec<Value>,
    /// The number of arrived objects when the destination was empty last.
    pub since: usize,
    /// What has happened at the destination, for `only_changed`.
    pub deliveries: Deliveries,
    /// The number of arrived objects at the end of the last successful sync.
    pub arrived_before: usize,
    /// The number of row errors of all jobs, by identifier and time.
    pub errors: BTreeMap<(String, Time), usize>,
    /// Users whose valid rows the service may have refused.
    pub may_be_refused: BTreeSet<u8>,
    /// Number of objects that may have arrived without the sync knowing: in flight at an interruption, or accepted without a
    /// response.
    pub unknown: usize,
    /// Number of objects that the service refused while a proxy answered 200, so that the sync cannot know.
    pub hidden: usize,
    /// The users of these, of whom nothing is known any more with `only_changed`.
    pub hidden_users: BTreeSet<u8>,
    /// The sums of the counters of all jobs.
    pub rows_synced: u64,
    pub rows_failed: u64,
}

impl Evidence {
    pub fn new(kind: IntegrationKind, is_file: bool, only_changed: bool) -> Evidence {
        Evidence {
            kind,
            is_file,
            only_changed,
            arrived: Vec::new(),
            since: 0,
            deliveries: Deliveries::default(),
            arrived_before: 0,
            errors: BTreeMap::new(),
            may_be_refused: BTreeSet::new(),
            unknown: 0,
            hidden: 0,
            hidden_users: BTreeSet::new(),
            rows_synced: 0,
            rows_failed: 0,
        }
    }

    /// Records that the destination is empty: it is another, or has lost everything.
    pub fn destination_is_empty(&mut self) {
        self.since = self.arrived.len();
        self.deliveries.empty();
        self.hidden_users.clear();
    }

    /// Number of objects that may have arrived without an acknowledgement. A file never has such.
    pub fn unknown_objects(&self) -> usize {
        if self.is_file { 0 } else { self.unknown }
    }

    /// Number of row errors of a user's rows at a time.
    pub fn errors_of(&self, user: u8, time: Time) -> usize {
        self.errors.get(&(identifier(user), time)).copied().unwrap_or_default()
    }

    /// Number of valid rows of the same user and time that may have been refused, and thus need not arrive.
    pub fn excused(&self, world: &World, content: &Content) -> usize {
        let bad = occurrences(world, content.user, content.time, |content| content.payload.is_bad());
        // A bad content that comes back is not refused again while it is known.
        let bad = bad.map(|bad| bad.most).sum();
        self.errors_of(content.user, content.time).saturating_sub(bad)
    }

    /// Checks all guarantees.
    pub fn judge(&self, world: &World) -> Result<(), Violation> {
        if self.kind == IntegrationKind::Attributes {
            state::check(world, self)?;
        }
        if self.only_changed {
            only_changed::increments_arrive_like_rows(world, self)?;
            self.row_errors(world)?;
            return self.counters();
        }
        self.nothing_is_lost(world)?;
        if self.kind != IntegrationKind::Attributes || self.is_file {
            self.nothing_is_sent_twice(world)?;
        }
        self.row_errors(world)?;
        self.counters()
    }

    fn nothing_is_lost(&self, world: &World) -> Result<(), Violation> {
        // Deletes have no time, so for a new row only deletes since the last successful sync count.
        let is_delete = self.kind == IntegrationKind::UserDeletes;
        let arrived = count(self.arrived[if is_delete { self.arrived_before } else { 0 }..].iter().map(canonical));
        let mut needed: BTreeMap<String, (usize, &Content)> = BTreeMap::new();
        // Row errors have a user and time only, so they excuse any object of that user and time.
        let mut excuses: BTreeMap<(u8, Option<Time>), BTreeMap<Time, usize>> = BTreeMap::new();
        let group = |content: &Content| (content.user, content.object(self.kind).get("time").map(|_| content.time));
        for (content, rows) in world.guaranteed() {
            excuses.entry(group(content)).or_default().insert(content.time, self.excused(world, content));
            if content.payload.is_bad() {
                continue;
            }
            let needed = &mut needed.entry(canonical(&content.object(self.kind))).or_insert((0, content)).0;
            match (self.kind, self.is_file) {
                (IntegrationKind::UserDeletes, _) => *needed += usize::from(rows > world.occurrences[content].settled),
                // The resulting state is checked separately.
                (IntegrationKind::Attributes, false) => *needed = 1,
                _ => *needed += rows,
            }
        }
        let mut missing: BTreeMap<(u8, Option<Time>), usize> = BTreeMap::new();
        for (object, (needed, content)) in needed {
            let missing = missing.entry(group(content)).or_default();
            *missing += needed.saturating_sub(arrived.get(&object).copied().unwrap_or_default());
            if *missing > excuses[&group(content)].values().sum() {
                return Err(Violation::new(
                    Guarantee::NothingIsLost,
                    format!(
                        "{content} is in the source but has not arrived ({missing} missing), and is not a row error"
                    ),
                ));
            }
        }
        Ok(())
    }

    fn nothing_is_sent_twice(&self, world: &World) -> Result<(), Violation> {
        let mut allowed: BTreeMap<String, usize> = BTreeMap::new();
        for (content, occurrences) in &world.occurrences {
            *allowed.entry(canonical(&content.object(self.kind))).or_default() += match self.kind {
                IntegrationKind::Attributes => occurrences.versions + occurrences.overtaken,
                IntegrationKind::UserDeletes => occurrences.versions,
                IntegrationKind::Events | IntegrationKind::Purchases => occurrences.most,
            };
        }
        let unknown = self.unknown_objects();
        let mut too_many = 0;
        for (object, arrived) in count(self.arrived.iter().map(canonical)) {
            let allowed = allowed.get(&object).copied().unwrap_or_default();
            too_many += arrived.saturating_sub(allowed);
            if too_many > unknown {
                return Err(Violation::new(
                    Guarantee::NothingIsSentTwice,
                    format!(
                        "{object} has arrived {arrived} times but was in the source {allowed} times; {unknown} objects may have arrived without an acknowledgement, and {too_many} were sent again in all"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Only contents that a sync could see arrive.
    pub fn nothing_unexpected_arrives(&self, world: &World, from: usize) -> Result<(), Violation> {
        let known: BTreeSet<String> = world
            .occurrences
            .keys()
            .filter(|content| !content.payload.is_bad())
            .map(|content| canonical(&content.object(self.kind)))
            .collect();
        let arrived = self.arrived[from..].iter().map(canonical);
        arrived.filter(|object| !known.contains(object)).try_for_each(|object| {
            let what = format!("{object} has arrived, but no valid row with this content was in the source");
            Err(Violation::new(Guarantee::NothingUnexpectedArrives, what))
        })
    }

    fn row_errors(&self, world: &World) -> Result<(), Violation> {
        let mut bad: BTreeMap<(u8, Time), usize> = BTreeMap::new();
        for (content, rows) in world.guaranteed() {
            if content.payload.is_bad() && !(self.only_changed && self.hidden_users.contains(&content.user)) {
                *bad.entry((content.user, content.time)).or_default() += rows;
            }
        }
        let mut missing = 0;
        for ((user, time), rows) in bad {
            let errors = self.errors_of(user, time);
            missing += rows.saturating_sub(errors);
            if missing > self.hidden {
                let (user, time) = (user_name(user), clock_time(time));
                return Err(Violation::new(
                    Guarantee::RowErrors,
                    format!("{rows} rows of {user} at {time} cannot be sent, but only {errors} are row errors"),
                ));
            }
        }
        for ((name, time), errors) in &self.errors {
            let user = (0..u8::MAX).find(|user| identifier(*user) == *name);
            let most = user.map_or(0, |user| {
                let may = self.may_be_refused.contains(&user);
                versions(world, user, *time, |content| may || content.payload.is_bad())
            });
            if *errors > most {
                let time = clock_time(*time);
                return Err(Violation::new(
                    Guarantee::RowErrors,
                    format!(
                        "rows of {name} at {time} were recorded as refused {errors} times, but at most {most} may have been refused"
                    ),
                ));
            }
        }
        Ok(())
    }

    fn counters(&self) -> Result<(), Violation> {
        let (synced, arrived) = (self.rows_synced, self.arrived.len() as u64);
        let errors: usize = self.errors.values().sum();
        if self.rows_failed != errors as u64 {
            return Err(Violation::new(
                Guarantee::Counters,
                format!("the jobs count {} refused rows, but there are {errors} row errors", self.rows_failed),
            ));
        }
        let unknown = self.unknown_objects() as u64;
        // Attributes that are sent again after an older row are counted although they are not new.
        let may_be_more = self.kind == IntegrationKind::Attributes;
        if synced > arrived + self.hidden as u64 || (synced + unknown < arrived && !may_be_more) {
            return Err(Violation::new(
                Guarantee::Counters,
                format!(
                    "the jobs count {synced} synced rows, but {arrived} objects have arrived, {unknown} of them without an acknowledgement"
                ),
            ));
        }
        Ok(())
    }
}

/// The occurrences of a user's contents at a time that fulfil a condition.
fn occurrences(
    world: &World,
    user: u8,
    time: Time,
    what: impl Fn(&Content) -> bool,
) -> impl Iterator<Item = &Occurrences> {
    let is_of_them = move |content: &Content| (content.user, content.time) == (user, time) && what(content);
    world.occurrences.iter().filter(move |(content, _)| is_of_them(content)).map(|(_, occurrences)| occurrences)
}

/// The number of versions of these.
fn versions(world: &World, user: u8, time: Time, what: impl Fn(&Content) -> bool) -> usize {
    occurrences(world, user, time, what).map(|occurrences| occurrences.versions).sum()
}

/// The identifier of a user in row errors.
pub fn identifier(user: u8) -> String {
    format!("{{\"external_id\":\"{}\"}}", user_name(user))
}

pub fn count<T: Ord>(items: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut count = BTreeMap::new();
    for item in items {
        *count.entry(item).or_default() += 1;
    }
    count
}

/// The user of an object.
pub fn user_of(object: &Value) -> Option<u8> {
    let email = || object["email"].as_str()?.strip_suffix(EMAIL);
    object["external_id"].as_str().or_else(email)?.strip_prefix("user-")?.parse().ok()
}

/// Whether the user of an object is named by the e-mail address.
pub fn is_by_email(object: &Value) -> bool {
    object.get("external_id").is_none()
}

/// The fields of an object except the user.
pub fn attributes(object: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let identifier = if is_by_email(object) { "email" } else { "external_id" };
    let fields = object.as_object().into_iter().flatten();
    fields.filter(move |(name, _)| *name != identifier).map(|(name, value)| (name.as_str(), value))
}

/// An object as text: equal for equal meanings.
pub fn canonical(object: &Value) -> String {
    normal(object).to_string()
}

/// A value with sorted keys, and with whole numbers as integers.
pub fn normal(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
            Value::Object(Map::from_iter(sorted.into_iter().map(|(name, value)| (name.clone(), normal(value)))))
        }
        Value::Array(items) => items.iter().map(normal).collect(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 => Value::from(float as i64),
            _ => value.clone(),
        },
        value => value.clone(),
    }
}
