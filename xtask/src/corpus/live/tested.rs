//! One way of testing a server, and what it reports of each operation.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use apidrift::conform::{self, Exploration, Limits, Secret, Target};
use apidrift_core::contract::Contract;
use apidrift_core::settings::Conform;
use serde_json::Value as Json;

/// How many requests are generated for each property of an operation.
const CASES: u32 = 40;
/// The time limit for one operation.
const LONGEST_OPERATION: Duration = Duration::from_secs(20);

/// What is known about the server of a document.
pub struct Known {
    /// The contract.
    pub contract: Arc<Contract>,
    /// Its file.
    pub file: PathBuf,
    /// The secret that the server demands.
    pub secret: String,
    /// The IDs of the operations that it has.
    pub operations: Vec<String>,
    /// Values of the parameters of paths, by operation.
    pub values: BTreeMap<String, Json>,
    /// The seed of generated requests and of faults.
    pub seed: u64,
}

/// What was reported.
#[derive(Debug, Default)]
pub struct Reported {
    /// By the ID of the operation: each finding, with the request and the answer that show it.
    pub findings: BTreeMap<String, BTreeMap<String, String>>,
    /// What could not be tested, and why.
    pub untested: Vec<String>,
    /// How long it took.
    pub seconds: f64,
}

impl Reported {
    /// How many findings there are.
    pub fn count(&self) -> usize {
        self.findings.values().map(BTreeMap::len).sum()
    }

    /// Whether it reports something of an operation that another run does not.
    pub fn names(&self, operation: &str, baseline: &Reported) -> bool {
        let known = baseline.findings.get(operation);
        let mut found = self.findings.get(operation).into_iter().flat_map(BTreeMap::keys);
        found.any(|finding| !known.is_some_and(|known| known.contains_key(finding)))
    }
}

/// Tests operations of a server with `conform`, each by itself, so that it is clear of which a finding is.
pub fn with_conform(known: &Known, url: &str, operations: &[String]) -> Reported {
    let began = Instant::now();
    let target = Target {
        url: url.to_owned(),
        key: Some(Secret::named(known.secret.clone(), "SECRET")),
        known: known.values.clone(),
        ..Target::default()
    };
    let settings = Conform::default();
    let mut reported = Reported::default();
    for operation in operations {
        let limits = Limits {
            // The server is there to be tested.
            everything: true,
            operations: vec![operation.clone()],
            time: LONGEST_OPERATION,
            patience: Duration::from_secs(10),
            explore: Some(Exploration { seed: known.seed, cases: CASES }),
            ..Limits::default()
        };
        let provoked = conform::run(&known.contract, &settings, &target, &limits, &|_| {});
        let made_up = conform::made_up(&known.contract, &settings, &target, &limits, &|_| {});
        for outcome in [&provoked, &made_up] {
            let findings = reported.findings.entry(operation.clone()).or_default();
            findings.extend(outcome.findings.iter().map(|finding| {
                (format!("{}: {}", finding.rule.info().name, finding.message), finding.notes.join("; "))
            }));
            reported.untested.extend(outcome.unchecked.iter().map(|reason| format!("{operation}: {reason}")));
        }
        let mut reports = provoked.live.iter().flat_map(|live| &live.operations);
        let report = reports.find(|report| report.id == *operation);
        let is_success = |(label, _): &(String, usize)| label.starts_with(['2', '3']) || label == "default";
        if let Some(report) = report.filter(|report| !report.seen.iter().any(is_success)) {
            let reason = report.not_seen.first().map(|(_, reason)| reason.as_str()).unwrap_or_default();
            reported.untested.push(format!("{operation}: no success was seen: {reason}"));
        }
        reported.findings.retain(|_, findings| !findings.is_empty());
    }
    reported.seconds = began.elapsed().as_secs_f64();
    reported
}
