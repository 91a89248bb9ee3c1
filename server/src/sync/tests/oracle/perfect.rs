//! Tests of the oracle itself, with a model of a sync: the oracle finds no violation in a correct model, and finds each flaw.
//!
//! The model has no store and sends no requests. It takes rows from the world's table and returns what arrives. It remembers
//! how many rows of each content are acknowledged, as far back as a reading goes, and with `only_changed` what users have.

mod model;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::changes::{Setting, changes};
use super::history::{Interruption, LOOKBACKS, Step, histories};
use super::judge::{Evidence, Violation, user_of};
use super::only_changed;
use super::world::{TimeFormat, World};
use crate::types::IntegrationKind;
use model::{Ended, Flaw, Sync};

/// Runs a history with the model.
fn drive(setting: Setting, flaw: Flaw, steps: &[Step]) -> Result<(), Violation> {
    let mut world = World::new();
    let mut sync = Sync::new(setting, flaw);
    let mut evidence = Evidence::new(setting.kind, setting.file, setting.only_changed);
    let mut lookback = LOOKBACKS[0];
    // Whether nothing has changed since a sync that succeeded.
    let mut unchanged = false;
    let last = Step::Sync { interruption: Interruption::None, faults: Default::default() };
    for step in steps.iter().chain([&last, &last]) {
        match step {
            Step::Set { lookback: which, .. } => {
                // A longer lookback may find rows that were too late for the shorter one.
                unchanged &= LOOKBACKS[usize::from(*which)] <= lookback;
                lookback = LOOKBACKS[usize::from(*which)];
            }
            Step::Switch => sync.only_changed = !sync.only_changed,
            Step::Reset { forget } | Step::Elsewhere { forget } => {
                let is_elsewhere = matches!(step, Step::Elsewhere { .. });
                sync.reset(*forget, is_elsewhere);
                world.reset();
                if *forget || is_elsewhere {
                    evidence.destination_is_empty();
                }
                unchanged = false;
            }
            Step::Sync { interruption, faults } => {
                world.begin_part(lookback);
                let before = evidence.arrived.len();
                let ended = sync.part(&world, &mut evidence, lookback, *interruption, faults);
                let delivered = &evidence.arrived[before..];
                world.end_part(&delivered.iter().filter_map(user_of).collect());
                if sync.only_changed {
                    only_changed::only_parts_arrive(&world, &evidence, before)?;
                } else {
                    evidence.nothing_unexpected_arrives(&world, before)?;
                }
                if setting.only_changed {
                    evidence.deliveries.nothing_is_sent_in_vain()?;
                }
                let Some(Ended { counters, is_success }) = ended else { continue };
                if setting.only_changed && unchanged {
                    counters.check_idle()?;
                }
                if setting.only_changed && *faults == Default::default() {
                    counters.check(&world, &evidence, sync.only_changed, before)?;
                }
                evidence.rows_synced += counters.rows_synced;
                evidence.rows_failed += counters.rows_failed;
                if is_success {
                    sync.end(&world);
                    evidence.judge(&world)?;
                    world.settle();
                    evidence.arrived_before = evidence.arrived.len();
                    unchanged = true;
                }
            }
            step => {
                for change in changes(&world, setting, step) {
                    world.apply(change);
                    unchanged = false;
                }
            }
        }
    }
    Ok(())
}

const KINDS: [IntegrationKind; 4] =
    [IntegrationKind::Attributes, IntegrationKind::Events, IntegrationKind::Purchases, IntegrationKind::UserDeletes];

/// The first of `count` histories with a violation, shrunk.
fn first_violation(
    kind: IntegrationKind,
    only_changed: bool,
    flaw: Flaw,
    count: u32,
) -> Option<(Vec<Step>, Violation)> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..count).find_map(|number| {
        let format = [TimeFormat::TextSeconds, TimeFormat::TextMicros][number as usize % 2];
        let file = number % 4 > 1 && matches!(kind, IntegrationKind::Attributes | IntegrationKind::Events);
        let setting = Setting { kind, format, postgres: false, file, only_changed, two_names: false };
        let mut tree = histories(setting).new_tree(&mut runner).unwrap();
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
        if let Some((steps, violation)) = first_violation(kind, false, Flaw::None, 1500) {
            panic!("{kind:?}: {violation}\n{steps:#?}");
        }
    }
}

#[test]
fn no_violation_is_found_in_a_correct_sync_of_what_changed() {
    if let Some((steps, violation)) = first_violation(IntegrationKind::Attributes, true, Flaw::None, 2000) {
        panic!("{violation}\n{steps:#?}");
    }
}

#[test]
fn each_flaw_of_only_changed_is_found() {
    for flaw in [
        Flaw::SendsWholeObjects,
        Flaw::NoDoubt,
        Flaw::ForgetsAtCrash,
        Flaw::RemembersRefused,
        Flaw::RecordsBeforeAcknowledgement,
        Flaw::SetOfValues,
        Flaw::KeyedByRow,
        Flaw::HoldsBackArithmetic,
        Flaw::TextualCompare,
        Flaw::UnorderedArrays,
        Flaw::StaleAfterSwitch,
        Flaw::ForgetsAtReset,
        Flaw::KeepsAtReset,
        Flaw::KeepsElsewhere,
        Flaw::SendsEmptyObjects,
        Flaw::MiscountsUnchanged,
        Flaw::MiscountsAttributes,
        Flaw::ReadsUnchangedAgain,
        Flaw::LetsOlderWin,
        Flaw::HoldsOnToOldAttributes,
        Flaw::TakesFuture,
        Flaw::NoRowErrors,
    ] {
        let found = first_violation(IntegrationKind::Attributes, true, flaw, 6000);
        let Some((steps, violation)) = found else { panic!("{flaw:?} is not found") };
        println!("{flaw:?}: {violation}\n  {steps:?}");
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
            assert!(first_violation(kind, false, flaw, 3000).is_some(), "{flaw:?} is not found with {kind:?}");
        }
    }
}
