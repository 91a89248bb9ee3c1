//! The model of a sync, with its flaws.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::super::changes::Setting;
use super::super::history::{Fault, Faults, Interruption};
use super::super::judge::Evidence;
use super::super::only_changed::Counters;
use super::super::world::{Content, Payload, Time, World, is_future};
use crate::types::IntegrationKind;

/// A flaw of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    None,
    /// Has no lookback.
    NoLookback,
    /// Remembers which contents are acknowledged, but not how many rows of each.
    NoCount,
    /// Remembers only the number of acknowledged rows of each time.
    OnlyCounts,
    /// Forgets the acknowledged rows of a sync that ends in an error.
    ForgetsAtErrors,
    /// Lets an older row that is committed late replace a newer one.
    LetsOlderWin,
    /// Keeps contents acknowledged that no row has any more, so that an attribute that returns is not sent.
    HoldsOnToOldAttributes,
    /// Sends all rows of a time again if one of them is new.
    TakesWholeTimes,
    /// Sends rows in the future.
    TakesFuture,
    /// Records no row errors.
    NoRowErrors,
    // The flaws of `only_changed`.
    /// Sends whole objects.
    SendsWholeObjects,
    /// After a crash it assumes what it did before, although objects may have arrived since.
    NoDoubt,
    /// After a crash it assumes nothing about any user.
    ForgetsAtCrash,
    /// Records the attributes of refused objects.
    RemembersRefused,
    /// Records attributes before they are acknowledged.
    RecordsBeforeAcknowledgement,
    /// Records all values that an attribute had, in place of the last.
    SetOfValues,
    /// Records what each row had, in place of each user.
    KeyedByRow,
    /// Treats arithmetic like any other value.
    HoldsBackArithmetic,
    /// Compares texts in place of meanings.
    TextualCompare,
    /// Compares arrays without their order.
    UnorderedArrays,
    /// Records nothing while it is switched off, and uses what it had before when it is on again.
    StaleAfterSwitch,
    /// Forgets attributes when the watermark is reset.
    ForgetsAtReset,
    /// Keeps attributes when they are to be forgotten.
    KeepsAtReset,
    /// Keeps attributes when the destination is another.
    KeepsElsewhere,
    /// Sends objects without attributes.
    SendsEmptyObjects,
    /// Does not count unchanged rows.
    MiscountsUnchanged,
    /// Counts the attributes of unchanged rows as sent.
    MiscountsAttributes,
    /// Does not acknowledge unchanged rows, and counts them again and again.
    ReadsUnchangedAgain,
}

pub struct Sync {
    setting: Setting,
    flaw: Flaw,
    /// Whether `only_changed` is on.
    pub only_changed: bool,
    acknowledged: BTreeMap<Content, usize>,
    refused: BTreeSet<Content>,
    reached: Option<Time>,
    floor: Time,
    attributes: Attributes,
}

/// The values that users have, as far as it is known.
type Attributes = BTreeMap<AttributeKey, Value>;

/// A user and the name of an attribute; for some flaws, also a row's time and a value.
type AttributeKey = (u8, String, Option<Time>, Option<String>);

/// How a part of a sync ended.
pub struct Ended {
    pub counters: Counters,
    pub is_success: bool,
}

/// What becomes of a row.
struct Dealt {
    /// What is sent; `None` for an unchanged row.
    object: Option<Value>,
    sent: Attributes,
    spared: usize,
}

impl Sync {
    pub fn new(setting: Setting, flaw: Flaw) -> Sync {
        Sync {
            setting,
            flaw,
            only_changed: setting.only_changed,
            acknowledged: BTreeMap::new(),
            refused: BTreeSet::new(),
            reached: None,
            floor: Time::MIN,
            attributes: Attributes::new(),
        }
    }

    /// Deals with a row that can be sent. `had` is what the user has after all earlier rows.
    fn deal(&self, content: &Content, had: &Attributes) -> Dealt {
        let mut object = content.object(self.setting.kind);
        let (mut sent, mut spared) = (Attributes::new(), 0);
        if self.setting.kind != IntegrationKind::Attributes || !self.setting.only_changed {
            return Dealt { object: Some(object), sent, spared };
        }
        for (name, value) in content.payload.attributes() {
            let value = self.compared(content.payload, value);
            let key = (
                content.user,
                name.clone(),
                (self.flaw == Flaw::KeyedByRow).then_some(content.time),
                (self.flaw == Flaw::SetOfValues).then(|| value.to_string()),
            );
            let is_arithmetic = name == "c" && self.flaw != Flaw::HoldsBackArithmetic;
            let is_known = had.get(&key) == Some(&value) && !is_arithmetic;
            if self.only_changed && is_known && self.flaw != Flaw::SendsWholeObjects {
                spared += 1;
                object.as_object_mut().unwrap().remove(&name);
            } else {
                sent.insert(key, value);
            }
        }
        let is_empty = sent.is_empty() && self.flaw != Flaw::SendsEmptyObjects;
        Dealt { object: (!is_empty).then_some(object), sent, spared }
    }

    /// A value as it is compared.
    fn compared(&self, payload: Payload, value: Value) -> Value {
        match (self.flaw, payload) {
            (Flaw::TextualCompare, Payload::Rewritten(_) | Payload::Object(_, true)) => format!("{value} ").into(),
            (Flaw::UnorderedArrays, Payload::List(_)) => "1 and 2".into(),
            _ => value,
        }
    }

    /// Records what users have.
    fn record(&mut self, sent: Attributes) {
        if self.only_changed || self.flaw != Flaw::StaleAfterSwitch {
            self.attributes.extend(sent);
        }
    }

    /// Resets the watermark, for the same destination or another one.
    pub fn reset(&mut self, forget: bool, is_elsewhere: bool) {
        self.acknowledged.clear();
        self.refused.clear();
        (self.reached, self.floor) = (None, Time::MIN);
        let is_forgotten = match (is_elsewhere, self.flaw) {
            (false, Flaw::ForgetsAtReset) => true,
            (false, Flaw::KeepsAtReset) | (true, Flaw::KeepsElsewhere) => false,
            (is_elsewhere, _) => forget || is_elsewhere,
        };
        if is_forgotten {
            self.attributes.clear();
        }
    }

    /// The rows to sync, in order.
    fn take(&mut self, world: &World, lookback: Duration) -> Vec<Content> {
        let lookback = if self.flaw == Flaw::NoLookback { 0 } else { lookback.as_micros() as Time };
        self.floor = self.floor.max(self.reached.map_or(Time::MIN, |reached| reached - lookback));
        let floor = self.floor;
        let mut standing: BTreeMap<Content, usize> = BTreeMap::new();
        for row in &world.rows {
            let time = row.content.time;
            if time >= floor && (!is_future(time) || self.flaw == Flaw::TakesFuture) {
                *standing.entry(row.content.clone()).or_default() += 1;
            }
        }
        self.acknowledged.retain(|content, _| content.time >= floor);
        let is_attributes = self.setting.kind == IntegrationKind::Attributes;
        if is_attributes && !matches!(self.flaw, Flaw::HoldsOnToOldAttributes | Flaw::OnlyCounts) {
            self.acknowledged.retain(|content, acknowledged| {
                *acknowledged = (*acknowledged).min(standing.get(content).copied().unwrap_or_default());
                *acknowledged > 0
            });
        }
        if is_attributes && self.flaw != Flaw::LetsOlderWin {
            // If an older row of a user is new, the newer ones must be sent again, even if this sync is interrupted.
            let is_new =
                |content: &Content| standing[content] > self.acknowledged.get(content).copied().unwrap_or_default();
            let new: Vec<Content> = standing.keys().filter(|content| is_new(content)).cloned().collect();
            self.acknowledged.retain(|content, _| {
                self.refused.contains(content)
                    || !new.iter().any(|new| new.user == content.user && new.time < content.time)
            });
        }
        let mut taken = Vec::new();
        for (content, count) in &standing {
            let acknowledged = self.acknowledged.get(content).copied().unwrap_or_default();
            let at_time = |rows: &BTreeMap<Content, usize>| {
                rows.iter().filter(|(other, _)| other.time == content.time).map(|(_, count)| count).sum::<usize>()
            };
            let new = match self.flaw {
                Flaw::NoCount if acknowledged > 0 => 0,
                Flaw::OnlyCounts if at_time(&standing) == at_time(&self.acknowledged) => 0,
                Flaw::TakesWholeTimes
                    if standing.iter().any(|(other, count)| {
                        other.time == content.time && *count > self.acknowledged.get(other).copied().unwrap_or_default()
                    }) =>
                {
                    *count
                }
                _ => count.saturating_sub(acknowledged),
            };
            taken.extend(std::iter::repeat_n(content.clone(), new));
        }
        taken.sort_by_key(|content| content.time);
        taken
    }

    /// Runs a part of a sync, which crashes where that of the history does, and ends in an error where the service would fail.
    /// An answer that is lost is that to the first object. Returns how the part ended; `None` for a crash.
    pub fn part(
        &mut self,
        world: &World,
        evidence: &mut Evidence,
        lookback: Duration,
        interruption: Interruption,
        faults: &Faults,
    ) -> Option<Ended> {
        let taken = self.take(world, lookback);
        let is_crash = matches!(interruption, Interruption::Crash(_));
        let is_error = faults.fails_at.is_some();
        let arrive = match interruption {
            // A file is truncated to its last checkpoint.
            Interruption::Crash(_) if self.setting.file => 0,
            Interruption::Crash(steps) => usize::from(steps) % (taken.len() + 1),
            _ if is_error => taken.len() / 2,
            _ => taken.len(),
        };
        let refuses = faults.refuses.filter(|_| !self.setting.file);
        evidence.may_be_refused.extend(refuses);
        let is_lost = |fault: &Fault| matches!(fault, Fault::CutAfterwards | Fault::ErrorAfterwards);
        let mut is_answer_lost = !self.setting.file && faults.answers.iter().any(is_lost);
        evidence.deliveries.begin_part(self.only_changed);
        let mut counters = Counters::default();
        // What users have after the rows so far, and what of this was sent.
        let (mut had, mut sent) = (self.attributes.clone(), Attributes::new());
        let (mut unchanged, mut refused, mut arrived) = (Vec::new(), Vec::new(), Vec::new());
        for content in &taken[..arrive] {
            let user = content.user;
            if let Payload::NoObject(_) = content.payload {
                refused.push(content.clone());
                continue;
            }
            let dealt = self.deal(content, &had);
            counters.spared += dealt.spared as u64;
            let Some(object) = dealt.object else {
                unchanged.push(content.clone());
                continue;
            };
            if content.payload.is_bad() || refuses == Some(user) {
                refused.push(content.clone());
                evidence.deliveries.doubt([user]);
                if self.flaw == Flaw::RemembersRefused {
                    sent.extend(dealt.sent);
                }
                continue;
            }
            if std::mem::take(&mut is_answer_lost) {
                evidence.unknown += 1;
                evidence.deliveries.arrive(std::slice::from_ref(&object));
                evidence.deliveries.doubt([user]);
                arrived.push(object.clone());
            }
            evidence.deliveries.arrive(std::slice::from_ref(&object));
            arrived.push(object);
            counters.rows_synced += 1;
            counters.sent += dealt.sent.len() as u64;
            had.extend(dealt.sent.clone());
            sent.extend(dealt.sent);
        }
        if self.flaw == Flaw::MiscountsAttributes {
            (counters.sent, counters.spared) = (counters.sent + counters.spared, 0);
        }
        if self.flaw == Flaw::RecordsBeforeAcknowledgement {
            for content in &taken[arrive..] {
                let sent = self.deal(content, &self.attributes).sent;
                self.record(sent);
            }
        }
        if is_crash || is_error {
            evidence.deliveries.doubt(world.unsettled.iter().copied());
        }
        evidence.deliveries.end_part(self.only_changed);
        if is_crash {
            evidence.unknown += arrived.len();
            evidence.arrived.extend(arrived);
            match self.flaw {
                Flaw::NoDoubt => {}
                Flaw::ForgetsAtCrash => self.attributes.clear(),
                // Objects that may have arrived leave nothing that is certain.
                _ => self.attributes.retain(|key, _| !sent.contains_key(key)),
            }
            return None;
        }
        evidence.arrived.extend(arrived);
        self.record(sent);
        if self.flaw != Flaw::NoRowErrors {
            counters.rows_failed = refused.len() as u64;
            for content in &refused {
                let name = format!("{{\"external_id\":\"{}\"}}", content.user_name());
                *evidence.errors.entry((name, content.time)).or_default() += 1;
            }
        }
        if self.flaw != Flaw::MiscountsUnchanged {
            counters.rows_unchanged = unchanged.len() as u64;
        }
        self.refused.extend(refused);
        if !(is_error && self.flaw == Flaw::ForgetsAtErrors) {
            for content in &taken[..arrive] {
                if !(self.flaw == Flaw::ReadsUnchangedAgain && unchanged.contains(content)) {
                    *self.acknowledged.entry(content.clone()).or_default() += 1;
                }
            }
        }
        Some(Ended { counters, is_success: !is_error })
    }

    /// Moves the watermark after all rows are acknowledged.
    pub fn end(&mut self, world: &World) {
        let highest = world.rows.iter().map(|row| row.content.time).filter(|time| !is_future(*time)).max();
        self.reached = self.reached.max(highest);
    }
}
