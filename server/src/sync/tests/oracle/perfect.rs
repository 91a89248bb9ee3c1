//! Tests of the oracle itself, with a model of a sync: the oracle finds no violation in a correct model, and finds each flaw.
//!
//! The model has no store and sends no requests. It takes rows from the world's table and returns what arrives. It remembers
//! how many rows of each content are acknowledged, as far back as a reading goes.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::changes::{Setting, changes};
use super::history::{Interruption, LOOKBACKS, Step, histories};
use super::judge::{Evidence, Violation};
use super::world::{Content, Time, TimeFormat, World, is_future, user_name};
use crate::types::IntegrationKind;

/// A flaw of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
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
}

struct Sync {
    setting: Setting,
    flaw: Flaw,
    acknowledged: BTreeMap<Content, usize>,
    reached: Option<Time>,
    floor: Time,
}

impl Sync {
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
                content.payload.is_bad() || !new.iter().any(|new| new.user == content.user && new.time < content.time)
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

    /// Acknowledges rows.
    fn acknowledge(&mut self, taken: &[Content]) {
        for content in taken {
            *self.acknowledged.entry(content.clone()).or_default() += 1;
        }
    }

    /// Moves the watermark after all rows are acknowledged.
    fn end(&mut self, world: &World) {
        let highest = world.rows.iter().map(|row| row.content.time).filter(|time| !is_future(*time)).max();
        self.reached = self.reached.max(highest);
    }
}

/// Runs a history with the model. It crashes where the history does, and ends in an error where the service would fail.
fn drive(setting: Setting, flaw: Flaw, steps: &[Step]) -> Result<(), Violation> {
    let mut world = World::new();
    let mut sync = Sync { setting, flaw, acknowledged: BTreeMap::new(), reached: None, floor: Time::MIN };
    let mut evidence = Evidence {
        kind: setting.kind,
        is_file: setting.file,
        arrived: Vec::new(),
        arrived_before: 0,
        errors: BTreeMap::new(),
        may_be_refused: Default::default(),
        unknown: 0,
        hidden: 0,
        rows_synced: 0,
        rows_failed: 0,
    };
    let mut lookback = LOOKBACKS[0];
    let last = Step::Sync { interruption: Interruption::None, faults: Default::default() };
    for step in steps.iter().chain([&last]) {
        match step {
            Step::Set { lookback: which, .. } => lookback = LOOKBACKS[usize::from(*which)],
            Step::Sync { interruption, faults } => {
                world.begin_part(lookback);
                let before = evidence.arrived.len();
                let taken = sync.take(&world, lookback);
                let is_error = faults.fails_at.is_some();
                let arrive = match interruption {
                    // A file is truncated to its last checkpoint.
                    Interruption::Crash(_) if setting.file => 0,
                    Interruption::Crash(steps) => usize::from(*steps) % (taken.len() + 1),
                    _ if is_error => taken.len() / 2,
                    _ => taken.len(),
                };
                let is_crash = matches!(interruption, Interruption::Crash(_));
                for content in taken[..arrive].iter().filter(|content| !content.payload.is_bad()) {
                    evidence.arrived.push(content.object(setting.kind));
                    evidence.rows_synced += u64::from(!is_crash);
                }
                evidence.nothing_unexpected_arrives(&world, before)?;
                if is_crash {
                    evidence.unknown += evidence.arrived.len() - before;
                    continue;
                }
                for content in taken[..arrive].iter().filter(|content| content.payload.is_bad()) {
                    if flaw != Flaw::NoRowErrors {
                        let name = format!("{{\"external_id\":\"{}\"}}", user_name(content.user));
                        *evidence.errors.entry((name, content.time)).or_default() += 1;
                        evidence.rows_failed += 1;
                    }
                }
                if !(is_error && flaw == Flaw::ForgetsAtErrors) {
                    sync.acknowledge(&taken[..arrive]);
                }
                if is_error {
                    continue;
                }
                sync.end(&world);
                evidence.judge(&world)?;
                world.settle();
                evidence.arrived_before = evidence.arrived.len();
            }
            step => changes(&world, setting, step).into_iter().for_each(|change| world.apply(change)),
        }
    }
    Ok(())
}

const KINDS: [IntegrationKind; 4] =
    [IntegrationKind::Attributes, IntegrationKind::Events, IntegrationKind::Purchases, IntegrationKind::UserDeletes];

/// The first of `count` histories with a violation, shrunk.
fn first_violation(kind: IntegrationKind, flaw: Flaw, count: u32) -> Option<(Vec<Step>, Violation)> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..count).find_map(|number| {
        let format = [TimeFormat::TextSeconds, TimeFormat::TextMicros][number as usize % 2];
        let file = number % 4 > 1 && matches!(kind, IntegrationKind::Attributes | IntegrationKind::Events);
        let setting = Setting { kind, format, postgres: false, file };
        let mut tree = histories().new_tree(&mut runner).unwrap();
        let mut found = (tree.current(), drive(setting, flaw, &tree.current()).err()?);
        let mut may_go_on = tree.simplify();
        while may_go_on {
            match drive(setting, flaw, &tree.current()) {
                Err(violation) => {
                    found = (tree.current(), violation);
                    may_go_on = tree.simplify();
                }
                Ok(()) => may_go_on = tree.complicate(),
            }
        }
        Some(found)
    })
}

#[test]
fn no_violation_is_found_in_a_correct_sync() {
    for kind in KINDS {
        if let Some((steps, violation)) = first_violation(kind, Flaw::None, 1500) {
            panic!("{kind:?}: {violation}\n{steps:#?}");
        }
    }
}

#[test]
fn each_flaw_is_found() {
    use Flaw::{
        ForgetsAtErrors, HoldsOnToOldAttributes, LetsOlderWin, NoCount, NoLookback, NoRowErrors, OnlyCounts,
        TakesFuture, TakesWholeTimes,
    };
    let [attributes, events, purchases, deletes] = KINDS;
    for (flaw, kinds) in [
        (NoLookback, vec![attributes, events, purchases, deletes]),
        (NoCount, vec![events, purchases]),
        (OnlyCounts, vec![attributes, events, purchases, deletes]),
        (ForgetsAtErrors, vec![events, purchases, deletes]),
        (LetsOlderWin, vec![attributes]),
        (HoldsOnToOldAttributes, vec![attributes]),
        (TakesWholeTimes, vec![events, purchases, deletes]),
        (TakesFuture, vec![attributes, events, purchases]),
        (NoRowErrors, vec![attributes, events, purchases]),
    ] {
        for kind in kinds {
            assert!(first_violation(kind, flaw, 3000).is_some(), "{flaw:?} is not found with {kind:?}");
        }
    }
}
