//! Runs random histories and shrinks those with a violation.
//!
//! The seed of a history is derived from the run's seed, the test's name and the history's number, so that each can be run
//! alone.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;

use super::super::rig::SharedFolder;
use super::changes::Setting;
use super::drive::drive;
use super::history::{Step, histories};
use super::judge::{Guarantee, Violation};

/// The default of `OPENCDI_SEED`.
const SEED: u64 = 0x0c_d1;
/// Limits for shrinking a history.
const MAX_SHRINKS: usize = 400;
const LONGEST_SHRINK: Duration = Duration::from_secs(20);

/// A history with a violation.
struct Found {
    steps: Vec<Step>,
    log: String,
    violation: Violation,
}

/// Prints how to reproduce a history that panics.
struct Panics(u64, u64);

impl Drop for Panics {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("OPENCDI_SEED={:#x} OPENCDI_HISTORY={} panicked", self.0, self.1);
        }
    }
}

struct Search {
    name: &'static str,
    seed: u64,
    runtime: Runtime,
    place: SharedFolder,
}

/// Runs `count` histories, or `OPENCDI_HISTORIES`, of these settings in turn. Panics with a short counterexample if a guarantee
/// is violated.
pub fn find_counterexample(name: &'static str, count: u64, settings: &[Setting]) {
    let seed = number("OPENCDI_SEED").unwrap_or(SEED);
    let count = number("OPENCDI_HISTORIES").unwrap_or(count);
    let only = number("OPENCDI_HISTORY");
    let is_survey = std::env::var_os("OPENCDI_SURVEY").is_some();
    println!("OPENCDI_SEED={seed:#x}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let place = runtime.block_on(SharedFolder::new());
    let search = Search { name, seed, runtime, place };
    let mut survey: BTreeMap<(Guarantee, String), (usize, String)> = BTreeMap::new();
    let begun = Instant::now();
    let mut busy = Duration::ZERO;
    for history in only.map_or(0..count, |only| only..only + 1) {
        let setting = settings[history as usize % settings.len()];
        let one = Instant::now();
        let found = search.attempt(history, setting);
        busy += one.elapsed();
        let Some((tree, found)) = found else { continue };
        let found = search.shorten(setting, tree, found);
        let report = search.report(history, setting, &found);
        if !is_survey {
            panic!("{report}");
        }
        let entry = survey.entry((found.violation.guarantee, kinds(&found.steps))).or_insert((0, report.clone()));
        entry.0 += 1;
        if report.lines().count() < entry.1.lines().count() {
            entry.1 = report;
        }
    }
    let each = busy.as_secs_f64() * 1000.0 / count as f64;
    println!("{count} histories, {each:.1} ms each, {:.1} s in all", begun.elapsed().as_secs_f64());
    for ((guarantee, kinds), (times, report)) in &survey {
        println!("\n=== {guarantee:?} [{kinds}] {times} times\n{report}");
    }
    assert!(survey.is_empty(), "{} kinds of histories have a violation", survey.len());
}

impl Search {
    fn run(&self, setting: Setting, steps: &[Step]) -> Option<Found> {
        let (log, result) = self.runtime.block_on(drive(&self.place, setting, steps));
        result.err().map(|violation| Found { steps: steps.to_vec(), log, violation })
    }

    fn attempt(
        &self,
        history: u64,
        setting: Setting,
    ) -> Option<(impl proptest::strategy::ValueTree<Value = Vec<Step>>, Found)> {
        let _panics = Panics(self.seed, history);
        let seed = Sha256::digest(format!("{} {} {history}", self.seed, self.name));
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let tree = histories(setting).new_tree(&mut TestRunner::new_with_rng(Config::default(), rng)).unwrap();
        let found = self.run(setting, &tree.current())?;
        Some((tree, found))
    }

    /// Removes and simplifies steps as long as the same guarantee is violated.
    fn shorten(
        &self,
        setting: Setting,
        mut tree: impl proptest::strategy::ValueTree<Value = Vec<Step>>,
        found: Found,
    ) -> Found {
        let (begun, mut found) = (Instant::now(), found);
        let mut shrinks = 0;
        let mut may_go_on = tree.simplify();
        while may_go_on && shrinks < MAX_SHRINKS && begun.elapsed() < LONGEST_SHRINK {
            shrinks += 1;
            match self.run(setting, &tree.current()) {
                Some(shorter) if shorter.violation.guarantee == found.violation.guarantee => {
                    found = shorter;
                    may_go_on = tree.simplify();
                }
                _ => may_go_on = tree.complicate(),
            }
        }
        found
    }

    fn report(&self, history: u64, setting: Setting, found: &Found) -> String {
        let Found { violation, log, steps } = found;
        let (seed, name) = (self.seed, self.name);
        format!(
            "{violation}\n{setting:?}\n{log}steps: {steps:?}\nreproduce: OPENCDI_SEED={seed:#x} OPENCDI_HISTORY={history} cargo test -p cdi-server {name}"
        )
    }
}

/// The kinds of steps in a history.
fn kinds(steps: &[Step]) -> String {
    let name = |step: &Step| {
        let text = format!("{step:?}");
        let name = text.split(' ').next().unwrap_or_default().to_owned();
        match step {
            Step::Sync { interruption, faults } if *faults == Default::default() => format!("{name} {interruption:?}"),
            Step::Sync { interruption, faults } => format!("{name} {interruption:?} {faults:?}"),
            Step::Insert { when, .. } => format!("{name} {when:?}"),
            _ => name,
        }
    };
    let mut names: Vec<String> =
        steps.iter().map(name).map(|name| name.replace(|char: char| char.is_ascii_digit(), "")).collect();
    names.dedup();
    names.join(", ")
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    Some(number.unwrap_or_else(|_| panic!("{variable} is {text:?}, which is not a number")))
}
