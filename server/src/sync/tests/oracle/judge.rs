//! What is promised, and whether it was kept, at a moment at which a sync has ended well.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use super::state;
use super::world::{Content, Time, World, clock_time, user_name};
use crate::types::IntegrationKind;

/// What is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// What stands in the source has arrived, as often as it stands there.
    NothingIsLost,
    /// Nothing arrives more often than it stood in the source, but for what was in flight when a sync was cut.
    NothingIsSentTwice,
    /// Each user's attributes are what the source says.
    State,
    /// Only what stood in the source arrives, exactly as it stood there, and not before its time.
    NothingIsInvented,
    /// Each version of a row that is refused is a row error, once.
    RowErrors,
    /// The counters of jobs say what was dealt with.
    Counters,
    /// Where nothing has changed since a sync that ended well, nothing is sent.
    Idle,
    /// Rows arrive in the order of their times: those of one user at a service, all in a file.
    Order,
    /// With a service that works, syncs end well.
    EndsWell,
}

/// A promise that was not kept.
#[derive(Debug, Clone)]
pub struct Broken {
    pub promise: Promise,
    /// What was promised and what happened, for people.
    pub what: String,
}

impl Broken {
    pub fn new(promise: Promise, what: impl Into<String>) -> Broken {
        Broken { promise, what: what.into() }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}: {}", self.promise, self.what)
    }
}

/// What anybody could see from outside.
#[derive(Debug)]
pub struct Evidence {
    pub kind: IntegrationKind,
    /// Whether it arrives in a file.
    pub is_file: bool,
    /// Everything that has arrived, in order.
    pub arrived: Vec<Value>,
    /// How much had arrived when a sync ended well the last time.
    pub arrived_before: usize,
    /// The row errors of all jobs: whose, and when.
    pub errors: BTreeMap<(String, Time), usize>,
    /// Users whose rows the service may have refused, though nothing is wrong with them.
    pub may_be_refused: BTreeSet<u8>,
    /// Objects that may have arrived without the sync knowing: in flight when it was cut, or accepted and not answered.
    pub unknown: usize,
    /// Objects that the service refused while something in between answered that all is well: nobody can know.
    pub hidden: usize,
    /// The sums of the counters of all jobs.
    pub rows_synced: u64,
    pub rows_failed: u64,
}

impl Evidence {
    fn errors_of(&self, user: u8, time: Time) -> usize {
        self.errors.get(&(identifier(user), time)).copied().unwrap_or_default()
    }

    /// How many rows of the same user and time were refused though nothing is wrong with them: that many are excused.
    pub fn excused(&self, world: &World, content: &Content) -> usize {
        let bad = versions(world, content.user, content.time, |content| content.says.is_bad());
        self.errors_of(content.user, content.time).saturating_sub(bad)
    }

    /// Judges everything that is promised.
    pub fn judge(&self, world: &World) -> Result<(), Broken> {
        self.nothing_is_lost(world)?;
        if self.kind == IntegrationKind::Attributes {
            state::check(world, self)?;
        }
        if self.kind != IntegrationKind::Attributes || self.is_file {
            self.nothing_is_sent_twice(world)?;
        }
        self.row_errors(world)?;
        self.counters()
    }

    fn nothing_is_lost(&self, world: &World) -> Result<(), Broken> {
        // A user to delete is told without a time: only what has come since the last time counts for a row that is new.
        let is_delete = self.kind == IntegrationKind::UserDeletes;
        let arrived = count(self.arrived[if is_delete { self.arrived_before } else { 0 }..].iter());
        let mut needed: BTreeMap<String, (usize, &Content)> = BTreeMap::new();
        // Who is refused is told by user and time, so that excuses are for all objects that may be the ones.
        let mut excuses: BTreeMap<(u8, Option<Time>), BTreeMap<Time, usize>> = BTreeMap::new();
        let group = |content: &Content| (content.user, content.object(self.kind).get("time").map(|_| content.time));
        for (content, rows) in world.promised() {
            excuses.entry(group(content)).or_default().insert(content.time, self.excused(world, content));
            if content.says.is_bad() {
                continue;
            }
            let needed = &mut needed.entry(canonical(&content.object(self.kind))).or_insert((0, content)).0;
            match (self.kind, self.is_file) {
                (IntegrationKind::UserDeletes, _) => *needed += usize::from(rows > world.stood[content].settled),
                // The service's users have a state, which is compared as a whole.
                (IntegrationKind::Attributes, false) => *needed = 1,
                _ => *needed += rows,
            }
        }
        let mut missing: BTreeMap<(u8, Option<Time>), usize> = BTreeMap::new();
        for (object, (needed, content)) in needed {
            let missing = missing.entry(group(content)).or_default();
            *missing += needed.saturating_sub(arrived.get(&object).copied().unwrap_or_default());
            if *missing > excuses[&group(content)].values().sum() {
                return Err(Broken::new(
                    Promise::NothingIsLost,
                    format!(
                        "{content} stands in the source and has not arrived ({missing} too few), and is no row error"
                    ),
                ));
            }
        }
        Ok(())
    }

    fn nothing_is_sent_twice(&self, world: &World) -> Result<(), Broken> {
        let mut allowed: BTreeMap<String, usize> = BTreeMap::new();
        for (content, stood) in &world.stood {
            *allowed.entry(canonical(&content.object(self.kind))).or_default() += match self.kind {
                IntegrationKind::Attributes => stood.versions + stood.overtaken,
                IntegrationKind::UserDeletes => stood.versions,
                IntegrationKind::Events | IntegrationKind::Purchases => stood.most,
            };
        }
        let unknown = if self.is_file { 0 } else { self.unknown };
        let mut too_many = 0;
        for (object, arrived) in count(self.arrived.iter()) {
            let allowed = allowed.get(&object).copied().unwrap_or_default();
            too_many += arrived.saturating_sub(allowed);
            if too_many > unknown {
                return Err(Broken::new(
                    Promise::NothingIsSentTwice,
                    format!(
                        "{object} has arrived {arrived} times and stood in the source {allowed} times; {unknown} objects may have arrived unnoticed, and {too_many} were sent again in all"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Only what stood in the source when a sync could see it arrives.
    pub fn nothing_is_invented(&self, world: &World, from: usize) -> Result<(), Broken> {
        let known: BTreeSet<String> = world
            .stood
            .keys()
            .filter(|content| !content.says.is_bad())
            .map(|content| canonical(&content.object(self.kind)))
            .collect();
        let arrived = self.arrived[from..].iter().map(canonical);
        arrived.filter(|object| !known.contains(object)).try_for_each(|object| {
            let what = format!("{object} has arrived; no row of which it could be was to be seen, or it is refused");
            Err(Broken::new(Promise::NothingIsInvented, what))
        })
    }

    fn row_errors(&self, world: &World) -> Result<(), Broken> {
        let mut bad: BTreeMap<(u8, Time), usize> = BTreeMap::new();
        for (content, rows) in world.promised() {
            if content.says.is_bad() {
                *bad.entry((content.user, content.time)).or_default() += rows;
            }
        }
        let mut missing = 0;
        for ((user, time), rows) in bad {
            let errors = self.errors_of(user, time);
            missing += rows.saturating_sub(errors);
            if missing > self.hidden {
                let (user, time) = (user_name(user), clock_time(time));
                return Err(Broken::new(
                    Promise::RowErrors,
                    format!("{rows} rows of {user} at {time} cannot be sent, and {errors} are row errors"),
                ));
            }
        }
        for ((name, time), errors) in &self.errors {
            let user = (0..u8::MAX).find(|user| identifier(*user) == *name);
            let most = user.map_or(0, |user| {
                let may = self.may_be_refused.contains(&user);
                versions(world, user, *time, |content| may || content.says.is_bad())
            });
            if *errors > most {
                let time = clock_time(*time);
                return Err(Broken::new(
                    Promise::RowErrors,
                    format!(
                        "rows of {name} at {time} were recorded as refused {errors} times; {most} may have been refused"
                    ),
                ));
            }
        }
        Ok(())
    }

    fn counters(&self) -> Result<(), Broken> {
        let (synced, arrived) = (self.rows_synced, self.arrived.len() as u64);
        let errors: usize = self.errors.values().sum();
        if self.rows_failed != errors as u64 {
            return Err(Broken::new(
                Promise::Counters,
                format!("the jobs say that {} rows were refused; there are {errors} row errors", self.rows_failed),
            ));
        }
        let unknown = if self.is_file { 0 } else { self.unknown as u64 };
        // What has to be sent once more so that the newest wins is no further row.
        let may_be_more = self.kind == IntegrationKind::Attributes;
        if synced > arrived + self.hidden as u64 || (synced + unknown < arrived && !may_be_more) {
            return Err(Broken::new(
                Promise::Counters,
                format!(
                    "the jobs say that {synced} rows were synced; {arrived} objects have arrived, of which {unknown} unnoticed"
                ),
            ));
        }
        Ok(())
    }
}

/// How often rows of a user began to say such a thing at a time.
fn versions(world: &World, user: u8, time: Time, what: impl Fn(&Content) -> bool) -> usize {
    let of_them =
        world.stood.iter().filter(|(content, _)| (content.user, content.time) == (user, time) && what(content));
    of_them.map(|(_, stood)| stood.versions).sum()
}

fn identifier(user: u8) -> String {
    format!("{{\"external_id\":\"{}\"}}", user_name(user))
}

fn count<'a>(objects: impl Iterator<Item = &'a Value>) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for object in objects {
        *count.entry(canonical(object)).or_default() += 1;
    }
    count
}

/// An object as a text, whatever the order of its keys.
pub fn canonical(object: &Value) -> String {
    match object.as_object() {
        Some(fields) => {
            let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
            serde_json::to_string(&sorted).unwrap()
        }
        None => object.to_string(),
    }
}
