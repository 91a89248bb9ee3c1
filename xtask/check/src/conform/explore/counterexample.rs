//! Searches for a request with a wrong response, and shrinks it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt::Debug;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use sha2::{Digest as _, Sha256};

use super::super::session::{Session, Stop};
use super::super::target::Exploration;
use super::super::wire::Answer;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// The maximum number of rules that one search reports.
const MOST: usize = 5;
/// The maximum number of requests for shrinking one counterexample.
const SMALLER: u32 = 200;

/// Rules that have been reported already.
type Known = BTreeSet<Rule>;

/// A finding, with the request that shows it.
pub(super) struct Counterexample(pub Finding);

impl Counterexample {
    /// A counterexample for a wrong response.
    pub fn answer(session: &Session<'_>, finding: Finding, answer: &Answer, expected: &str) -> Counterexample {
        Counterexample(session.noted(finding, answer, expected))
    }
}

/// Tries some given values, then values of a strategy, and reports the smallest counterexample for each broken rule.
pub(super) fn find_counterexample<'a, T: Strategy>(
    session: &mut Session<'a>,
    exploration: &Exploration,
    what: &str,
    first: &[T::Value],
    strategy: &T,
    probe: impl Fn(&mut Session<'a>, &T::Value) -> Result<Option<Counterexample>, Stop>,
) -> Result<(), Stop>
where
    T::Value: Clone + Debug,
{
    let mut known = Known::new();
    for value in first {
        if let Some(Counterexample(finding)) = probe(session, value)? {
            known.insert(finding.rule);
            session.report(finding);
        }
    }
    for _ in 0..MOST {
        let Some(Counterexample(finding)) = search(session, exploration, what, strategy, &known, &probe)? else {
            break;
        };
        known.insert(finding.rule);
        session.report(finding);
    }
    Ok(())
}

fn search<'a, T: Strategy>(
    session: &mut Session<'a>,
    exploration: &Exploration,
    what: &str,
    strategy: &T,
    known: &Known,
    probe: &impl Fn(&mut Session<'a>, &T::Value) -> Result<Option<Counterexample>, Stop>,
) -> Result<Option<Counterexample>, Stop>
where
    T::Value: Clone + Debug,
{
    let config =
        Config { cases: exploration.cases, max_shrink_iters: SMALLER, failure_persistence: None, ..Config::default() };
    let seed = Sha256::digest(format!("{} {what}", exploration.seed));
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let session = RefCell::new(session);
    let rule: Cell<Option<Rule>> = Cell::new(None);
    let (counterexample, stop) = (RefCell::new(None), RefCell::new(None));
    // The counterexample is stored here; the runner only needs to know whether to continue.
    let _ = runner.run(strategy, |value| {
        if stop.borrow().is_some() {
            return Ok(());
        }
        match probe(&mut session.borrow_mut(), &value) {
            Ok(Some(found)) if !known.contains(&found.0.rule) && rule.get().is_none_or(|rule| rule == found.0.rule) => {
                rule.set(Some(found.0.rule));
                // The last one that breaks the rule is the smallest.
                counterexample.replace(Some(found));
                Err(TestCaseError::fail("broken"))
            }
            Ok(_) => Ok(()),
            Err(reason) => {
                stop.replace(Some(reason));
                Ok(())
            }
        }
    });
    match (counterexample.into_inner(), stop.into_inner()) {
        (Some(counterexample), _) => Ok(Some(counterexample)),
        (None, Some(reason)) => Err(reason),
        (None, None) => Ok(None),
    }
}
