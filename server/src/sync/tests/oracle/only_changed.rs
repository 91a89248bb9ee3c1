//! What is guaranteed with `only_changed`: nothing is sent in vain, and what arrives is a part of a row.
//!
//! An attribute is sent in vain if the user has that value already, as far as anyone can know. There are reasons for sending it
//! nevertheless: an object of the user was refused, got no clear answer, or may have been in flight at an interruption; an
//! object of the user has set the attribute earlier in the same sync; the attribute is arithmetic; the setting was off; the
//! last object has named the user by another identifier.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::judge::{Evidence, Guarantee, Violation, attributes, canonical, count, is_by_email, normal, user_of};
use super::world::{Content, World, user_name};
use crate::types::IntegrationKind;

/// What has happened at the destination, in order.
#[derive(Debug, Default)]
pub struct Deliveries(Vec<Event>);

#[derive(Debug, PartialEq)]
enum Event {
    /// A part of a sync begins.
    Part { only_changed: bool },
    /// An object arrives.
    Object(Value),
    /// It cannot be known whether the user has what was sent.
    Doubt(u8),
    /// Nothing is known about any user.
    DoubtAll,
    /// The destination is empty.
    Empty,
}

impl Deliveries {
    pub fn begin_part(&mut self, only_changed: bool) {
        self.0.push(Event::Part { only_changed });
    }

    /// Ends a part. What was sent while the setting was off need not be known later.
    pub fn end_part(&mut self, only_changed: bool) {
        if !only_changed {
            self.0.push(Event::DoubtAll);
        }
    }

    pub fn arrive(&mut self, objects: &[Value]) {
        self.0.extend(objects.iter().map(|object| Event::Object(normal(object))));
    }

    pub fn doubt(&mut self, users: impl IntoIterator<Item = u8>) {
        self.0.extend(users.into_iter().map(Event::Doubt));
    }

    pub fn empty(&mut self) {
        self.0.push(Event::Empty);
    }

    /// Takes back all objects but the first ones: a file was truncated to what its last checkpoint has acknowledged.
    pub fn truncate(&mut self, objects: usize) {
        let mut number = 0;
        self.0.retain(|event| {
            let is_object = matches!(event, Event::Object(_));
            number += usize::from(is_object);
            !is_object || number <= objects
        });
    }

    /// Checks that no attribute was sent in vain.
    pub fn nothing_is_sent_in_vain(&self) -> Result<(), Violation> {
        // The last value of each attribute, and whether that is certain.
        let mut state: BTreeMap<(u8, &str), (&Value, bool)> = BTreeMap::new();
        let mut sent: BTreeSet<(u8, &str)> = BTreeSet::new();
        let mut names: BTreeMap<u8, bool> = BTreeMap::new();
        let mut is_on = true;
        for event in &self.0 {
            match event {
                Event::Part { only_changed } => {
                    is_on = *only_changed;
                    sent.clear();
                }
                Event::Object(object) => {
                    let Some(user) = user_of(object) else { continue };
                    let by_email = is_by_email(object);
                    if names.insert(user, by_email) == Some(!by_email) {
                        doubt(&mut state, user);
                    }
                    for (name, value) in attributes(object).filter(|(_, value)| !is_arithmetic(value)) {
                        let is_known = state.insert((user, name), (value, true)) == Some((value, true));
                        if sent.insert((user, name)) && is_on && is_known {
                            let name_of_user = user_name(user);
                            let what = format!("`{name}` of {name_of_user} was {value} already, but was sent again");
                            return Err(Violation::new(Guarantee::NothingIsSentInVain, what));
                        }
                    }
                }
                Event::Doubt(user) => doubt(&mut state, *user),
                Event::DoubtAll => state.values_mut().for_each(|(_, is_certain)| *is_certain = false),
                Event::Empty => state.clear(),
            }
        }
        Ok(())
    }
}

/// Nothing is certain about this user.
fn doubt(state: &mut BTreeMap<(u8, &str), (&Value, bool)>, doubted: u8) {
    let of_user = state.iter_mut().filter(|((user, _), _)| *user == doubted);
    of_user.for_each(|(_, (_, is_certain))| *is_certain = false);
}

/// What an increment does depends on how often it is sent.
fn is_arithmetic(value: &Value) -> bool {
    value.as_object().is_some_and(|value| value.contains_key("inc"))
}

/// Each object that has arrived after the first `before` is a part of a row's object, and not empty.
pub fn only_parts_arrive(world: &World, evidence: &Evidence, before: usize) -> Result<(), Violation> {
    let is_part = |object: &Value, content: &Content| {
        let whole = normal(&content.object(IntegrationKind::Attributes));
        object.as_object().is_some_and(|object| object.iter().all(|(name, value)| whole.get(name) == Some(value)))
    };
    // What is bad in a refused row may be left out of the next if a proxy has hidden the refusal.
    let may_arrive = |content: &Content| !content.payload.is_bad() || evidence.hidden_users.contains(&content.user);
    for object in evidence.arrived[before..].iter().map(normal) {
        let mut contents = world.occurrences.keys().filter(|content| may_arrive(content));
        let what = if attributes(&object).next().is_none() {
            "has no attributes"
        } else if !contents.any(|content| is_part(&object, content)) {
            "is no part of a valid row that was in the source"
        } else {
            continue;
        };
        let what = format!("{} has arrived, which {what}", canonical(&object));
        return Err(Violation::new(Guarantee::NothingUnexpectedArrives, what));
    }
    Ok(())
}

/// Increments are never held back, and are sent again only like rows.
pub fn increments_arrive_like_rows(world: &World, evidence: &Evidence) -> Result<(), Violation> {
    let increments = |objects: &[Value]| {
        let increment = |object: &Value| Some((user_of(object)?, object.get("c")?.get("inc")?.as_u64()?));
        count(objects.iter().filter_map(increment))
    };
    let key = |content: &Content| content.payload.increment().map(|number| (content.user, u64::from(number)));
    let mut needed: BTreeMap<(u8, u64), usize> = BTreeMap::new();
    for (content, rows) in world.guaranteed() {
        if let Some(key) = key(content) {
            *needed.entry(key).or_default() += rows.saturating_sub(evidence.excused(world, content));
        }
    }
    let arrived = increments(&evidence.arrived[evidence.since..]);
    for ((user, number), needed) in needed {
        let arrived = arrived.get(&(user, number)).copied().unwrap_or_default();
        if arrived < needed {
            let user = user_name(user);
            let what = format!("an increment of {user} by {number} has arrived {arrived} times instead of {needed}");
            return Err(Violation::new(Guarantee::NothingIsLost, what));
        }
    }
    let mut allowed: BTreeMap<(u8, u64), usize> = BTreeMap::new();
    for (content, occurrences) in &world.occurrences {
        if let Some(key) = key(content) {
            *allowed.entry(key).or_default() += occurrences.versions + occurrences.overtaken;
        }
    }
    let mut too_many = 0;
    for (key, arrived) in increments(&evidence.arrived) {
        too_many += arrived.saturating_sub(allowed.get(&key).copied().unwrap_or_default());
        if too_many > evidence.unknown_objects() {
            let (user, number) = (user_name(key.0), key.1);
            let what =
                format!("an increment of {user} by {number} has arrived {arrived} times, more often than rows had it");
            return Err(Violation::new(Guarantee::NothingIsSentTwice, what));
        }
    }
    Ok(())
}

/// The counters of a job.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counters {
    pub rows_synced: u64,
    pub rows_failed: u64,
    /// Rows that were not sent because nothing in them differed.
    pub rows_unchanged: u64,
    /// Attributes that were sent, and that were not because they did not differ.
    pub sent: u64,
    pub spared: u64,
}

impl Counters {
    /// Checks the counters of a job before which nothing has changed since a successful sync.
    pub fn check_idle(&self) -> Result<(), Violation> {
        if self.rows() == 0 {
            return Ok(());
        }
        let what = format!("nothing has changed since a successful sync, but rows were counted: {self:?}");
        Err(Violation::new(Guarantee::Idle, what))
    }

    /// The number of rows that were dealt with.
    fn rows(&self) -> u64 {
        self.rows_synced + self.rows_failed + self.rows_unchanged
    }

    /// Checks the counters of a job that nothing has disturbed and that has delivered all but the first `before` objects.
    pub fn check(
        &self,
        world: &World,
        evidence: &Evidence,
        only_changed: bool,
        before: usize,
    ) -> Result<(), Violation> {
        // A row whose refusal was hidden may be unchanged.
        if !evidence.hidden_users.is_empty() {
            return Ok(());
        }
        let wrong = |what: String| Err(Violation::new(Guarantee::Counters, format!("{what}: {self:?}")));
        let visible: Vec<&Content> = world.seen().map(|(content, _)| content).collect();
        let rows = self.rows();
        // A row that gets a refused content again is not taken again.
        let new =
            world.new_rows.iter().map(|((user, time), rows)| rows.saturating_sub(evidence.errors_of(*user, *time)));
        let (most, new) = (visible.len(), new.sum::<usize>());
        if rows > most as u64 || rows < new as u64 {
            return wrong(format!("a sync that could see {most} rows, at least {new} of them new, counts {rows}"));
        }
        if !only_changed {
            return if self.rows_unchanged + self.spared == 0 { Ok(()) } else { wrong("spared while off".into()) };
        }
        let delivered = evidence.arrived[before..].iter();
        let arrived = delivered.map(|object| attributes(object).count() as u64).sum::<u64>();
        // The attributes of refused rows may be counted.
        let of_refused = 2 * self.rows_failed;
        if self.sent < arrived || self.sent > arrived + of_refused {
            return wrong(format!("{arrived} attributes have arrived"));
        }
        let valid = visible.iter().filter(|content| !content.payload.is_bad());
        let all = valid.map(|content| content.payload.attributes().len() as u64).sum::<u64>();
        let counted = self.sent + self.spared;
        if counted > all + of_refused || (rows == visible.len() as u64 && counted + of_refused < all) {
            return wrong(format!("the rows have {all} attributes"));
        }
        Ok(())
    }
}
