//! The oracle judged itself: a sync in a few lines that keeps all promises is never accused, and one that breaks any is.
//!
//! It has no store and no requests: it takes rows from the world's table and says what arrives. It remembers how many rows
//! of each content are dealt with, as long as a reading reaches them.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::changes::{Setting, changes};
use super::history::{Cut, LOOKBACKS, Step, histories};
use super::judge::{Broken, Evidence};
use super::world::{Content, Time, TimeFormat, World, is_future, user_name};
use crate::types::IntegrationKind;

/// What a sync does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    /// It never looks below the highest time.
    NoLookback,
    /// It takes note that a content is dealt with, not how often.
    NoCount,
    /// It takes note of numbers only, for each time.
    OnlyCounts,
    /// It forgets what it has dealt with when it ends in an error.
    ForgetsAtErrors,
    /// It lets an older row that comes late win.
    LetsOlderWin,
    /// It goes on to hold an attribute for dealt with that a row does not say any more.
    HoldsOnToOldAttributes,
    /// It takes all rows of a time again where one is new.
    TakesWholeTimes,
    /// It takes rows of the future.
    TakesFuture,
    /// It records no row errors.
    NoRowErrors,
}

struct Sync {
    setting: Setting,
    flaw: Flaw,
    dealt: BTreeMap<Content, usize>,
    reached: Option<Time>,
    floor: Time,
}

impl Sync {
    /// The rows to take, in order, with what is dealt with once they are.
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
        self.dealt.retain(|content, _| content.time >= floor);
        let is_attributes = self.setting.kind == IntegrationKind::Attributes;
        if is_attributes && !matches!(self.flaw, Flaw::HoldsOnToOldAttributes | Flaw::OnlyCounts) {
            self.dealt.retain(|content, dealt| {
                *dealt = (*dealt).min(standing.get(content).copied().unwrap_or_default());
                *dealt > 0
            });
        }
        if is_attributes && self.flaw != Flaw::LetsOlderWin {
            // Where an older row of a user is new, the newer ones are to be dealt with once more, whatever ends this sync.
            let is_new = |content: &Content| standing[content] > self.dealt.get(content).copied().unwrap_or_default();
            let new: Vec<Content> = standing.keys().filter(|content| is_new(content)).cloned().collect();
            self.dealt.retain(|content, _| {
                content.says.is_bad() || !new.iter().any(|new| new.user == content.user && new.time < content.time)
            });
        }
        let mut taken = Vec::new();
        for (content, count) in &standing {
            let dealt = self.dealt.get(content).copied().unwrap_or_default();
            let at_time = |rows: &BTreeMap<Content, usize>| {
                rows.iter().filter(|(other, _)| other.time == content.time).map(|(_, count)| count).sum::<usize>()
            };
            let new = match self.flaw {
                Flaw::NoCount if dealt > 0 => 0,
                Flaw::OnlyCounts if at_time(&standing) == at_time(&self.dealt) => 0,
                Flaw::TakesWholeTimes
                    if standing.iter().any(|(other, count)| {
                        other.time == content.time && *count > self.dealt.get(other).copied().unwrap_or_default()
                    }) =>
                {
                    *count
                }
                _ => count.saturating_sub(dealt),
            };
            taken.extend(std::iter::repeat_n(content.clone(), new));
        }
        taken.sort_by_key(|content| content.time);
        taken
    }

    /// Takes note that rows are dealt with.
    fn deal(&mut self, taken: &[Content]) {
        for content in taken {
            *self.dealt.entry(content.clone()).or_default() += 1;
        }
    }

    /// Takes note that all that it could read is dealt with.
    fn end(&mut self, world: &World) {
        let highest = world.rows.iter().map(|row| row.content.time).filter(|time| !is_future(*time)).max();
        self.reached = self.reached.max(highest);
    }
}

/// Lets a history happen to such a sync. Its worker dies where a history says so, and it ends in an error where a service
/// would fail.
fn drive(setting: Setting, flaw: Flaw, steps: &[Step]) -> Result<(), Broken> {
    let mut world = World::new();
    let mut sync = Sync { setting, flaw, dealt: BTreeMap::new(), reached: None, floor: Time::MIN };
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
    let last = Step::Sync { cut: Cut::None, mood: Default::default() };
    for step in steps.iter().chain([&last]) {
        match step {
            Step::Set { lookback: which, .. } => lookback = LOOKBACKS[usize::from(*which)],
            Step::Sync { cut, mood } => {
                world.begin_part(lookback);
                let before = evidence.arrived.len();
                let taken = sync.take(&world, lookback);
                let is_error = mood.fails_at.is_some();
                let arrive = match cut {
                    // What a file had beyond its last checkpoint is cut off.
                    Cut::Crash(_) if setting.file => 0,
                    Cut::Crash(steps) => usize::from(*steps) % (taken.len() + 1),
                    _ if is_error => taken.len() / 2,
                    _ => taken.len(),
                };
                let is_crash = matches!(cut, Cut::Crash(_));
                for content in taken[..arrive].iter().filter(|content| !content.says.is_bad()) {
                    evidence.arrived.push(content.object(setting.kind));
                    evidence.rows_synced += u64::from(!is_crash);
                }
                evidence.nothing_is_invented(&world, before)?;
                if is_crash {
                    evidence.unknown += evidence.arrived.len() - before;
                    continue;
                }
                for content in taken[..arrive].iter().filter(|content| content.says.is_bad()) {
                    if flaw != Flaw::NoRowErrors {
                        let name = format!("{{\"external_id\":\"{}\"}}", user_name(content.user));
                        *evidence.errors.entry((name, content.time)).or_default() += 1;
                        evidence.rows_failed += 1;
                    }
                }
                if !(is_error && flaw == Flaw::ForgetsAtErrors) {
                    sync.deal(&taken[..arrive]);
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

/// The first of so many histories that breaks a promise, and which.
fn first_accusation(kind: IntegrationKind, flaw: Flaw, count: u32) -> Option<(Vec<Step>, Broken)> {
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
                Err(broken) => {
                    found = (tree.current(), broken);
                    may_go_on = tree.simplify();
                }
                Ok(()) => may_go_on = tree.complicate(),
            }
        }
        Some(found)
    })
}

#[test]
fn a_sync_that_keeps_all_promises_is_never_accused() {
    for kind in KINDS {
        if let Some((steps, broken)) = first_accusation(kind, Flaw::None, 1500) {
            panic!("{kind:?}: {broken}\n{steps:#?}");
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
            assert!(first_accusation(kind, flaw, 3000).is_some(), "nobody sees {flaw:?} with {kind:?}");
        }
    }
}
