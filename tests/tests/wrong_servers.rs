//! Wrong servers are reported, each with the right rule and the line of the contract that it violates. Correct servers
//! that work differently are not.
//!
//! `tests/corpus/wrong_servers.toml` and `tests/corpus/right_servers.toml` hold them. The score is written to
//! `target/wrong-servers-score.txt`, which `cargo xtask test` prints.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use apidrift::conform::{self, Limits, Target};
use apidrift::outcome::Outcome;
use apidrift_core::contract::Contract;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use apidrift_core::settings::{Conform, Project};
use cdi_server::testbed::{Options, Testbed};
use contract_tests::wrong::{Alteration, WrongServer};
use contract_tests::{MADE_UP, keep_score, repository};
use openapi_model::source::Source;
use serde::Deserialize;
use tokio::runtime::Handle;

/// Requests in a window, and its length in seconds, for every testbed here.
const REQUESTS: u64 = 12;
const WINDOW: u64 = 3;
/// Cases that run in parallel per processor: they mostly wait for windows to end.
const AT_ONCE: usize = 10;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    case: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// The only operation that is tested and altered.
    operation: Option<String>,
    #[serde(default)]
    alter: Alteration,
    /// Whether the test uses up the rate limits.
    #[serde(default)]
    exhaust: bool,
    /// Header names start with capitals.
    #[serde(default)]
    title_case: bool,
    #[serde(default)]
    http2: bool,
    /// Expected findings: `rule @ text of the line`.
    #[serde(default)]
    finds: Vec<String>,
    /// Rules of further findings, because one defect causes another.
    #[serde(default)]
    also: Vec<String>,
}

fn read(name: &str) -> Vec<Case> {
    let file = repository().join("tests/corpus").join(name);
    let corpus: Corpus = toml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let names: BTreeSet<&str> = corpus.case.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), corpus.case.len(), "two cases have one name");
    corpus.case
}

/// The contract, with the rate limits of the testbeds here.
static CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
    let text = std::fs::read_to_string(repository().join("openapi/cdi.yaml")).unwrap();
    let lines = text.lines().map(|line| match line.trim_start() {
        trimmed if trimmed.starts_with("requests: ") => format!("        requests: {REQUESTS}"),
        trimmed if trimmed.starts_with("window_seconds: ") => format!("        window_seconds: {WINDOW}"),
        _ => line.to_owned(),
    });
    let text: String = lines.map(|line| line + "\n").collect();
    let profile = Project::load(repository()).unwrap().profile;
    let contract = Contract::read(&Source::new("openapi/cdi.yaml", text), None, profile.as_ref()).unwrap();
    assert!(contract.document.problems.is_empty());
    contract
});

/// What `openapi/check.toml` knows of our server.
static SETTINGS: LazyLock<Conform> = LazyLock::new(|| Project::load(repository()).unwrap().conform);

/// The findings about a server with this alteration.
fn conform(case: &Case, limits: &Limits, right: &Testbed, runtime: &Handle) -> Outcome {
    let (key, powerless) = (right.key.expose(), right.without_permissions.expose());
    let start = WrongServer::start(&right.url, key, powerless, &case.alter, case.title_case);
    let wrong = runtime.block_on(start).unwrap();
    let mut description = right.description();
    description["url"] = wrong.url.clone().into();
    let target: Target = serde_json::from_value(description).unwrap();
    next_window();
    conform::run(&CONTRACT, &SETTINGS, &target, limits, &|_| {})
}

/// Waits for the next window, because the previous case may have used up the limits.
fn next_window() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let window = Duration::from_secs(WINDOW).as_millis();
    std::thread::sleep(Duration::from_millis(u64::try_from(window - now.as_millis() % window).unwrap()));
}

/// The rule and the line of a finding.
fn shown(finding: &Finding) -> String {
    let place = finding.primary.as_ref().expect("a place in the contract");
    let line = place.source.line(place.source.line_column(place.range.start).0);
    format!("{} @ {}", finding.rule.info().name, place.source.text[line].trim())
}

/// How the findings differ from the expected ones; `None` if they do not.
fn judge(case: &Case, outcome: &Outcome) -> Option<String> {
    let found: Vec<String> = outcome.findings.iter().map(shown).collect();
    let is = |wanted: &str, found: &str| {
        let (rule, text) = wanted.split_once(" @ ").unwrap();
        found.strip_prefix(rule).and_then(|rest| rest.strip_prefix(" @ ")).is_some_and(|line| line.contains(text))
    };
    let missing: Vec<&String> =
        case.finds.iter().filter(|wanted| !found.iter().any(|found| is(wanted, found))).collect();
    let others: Vec<&String> = found
        .iter()
        .filter(|found| !case.finds.iter().any(|wanted| is(wanted, found)))
        .filter(|found| !case.also.iter().any(|rule| found.starts_with(&format!("{rule} @"))))
        .collect();
    let fine = missing.is_empty() && others.is_empty() && outcome.unchecked.is_empty();
    let messages: Vec<&str> = outcome.findings.iter().map(|finding| finding.message.as_str()).collect();
    let not_seen = outcome.live.iter().flat_map(|live| &live.operations).flat_map(|operation| &operation.not_seen);
    let not_seen: Vec<&str> =
        not_seen.map(|(_, reason)| reason.as_str()).filter(|reason| !reason.contains("another operation")).collect();
    (!fine).then(|| {
        format!(
            "{}: missing {missing:?}, unexpected {others:?}, not checked {:?}, not seen {not_seen:?}\n    {}",
            case.name,
            outcome.unchecked,
            messages.join("\n    ")
        )
    })
}

/// Runs all cases in parallel. Returns each case's failure.
fn try_all(cases: &[(&Case, Limits)]) -> Vec<Option<String>> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let wrong = try_each(cases, &(0..cases.len()).collect::<Vec<_>>(), AT_ONCE * processors);
    // On a busy machine a window may end before its limit is used up: repeat these cases one by one.
    let late: Vec<usize> = (0..cases.len())
        .filter(|index| wrong[*index].as_ref().is_some_and(|wrong| wrong.contains("the windows end before")))
        .collect();
    let again = try_each(cases, &late, 1);
    let late = |index: &usize| late.contains(index);
    (0..cases.len()).map(|index| if late(&index) { again[index].clone() } else { wrong[index].clone() }).collect()
}

/// Runs the selected cases, up to `at_once` in parallel.
fn try_each(cases: &[(&Case, Limits)], wanted: &[usize], at_once: usize) -> Vec<Option<String>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(vec![None; cases.len()]));
    std::thread::scope(|scope| {
        for _ in 0..at_once.min(wanted.len()) {
            scope.spawn(|| {
                let options = Options { window: Duration::from_secs(WINDOW), limit: Some(REQUESTS) };
                let testbed = runtime.block_on(Testbed::start(&options)).expect("a testbed");
                while let Some(index) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (case, limits) = &cases[*index];
                    let outcome = conform(case, limits, &testbed, runtime.handle());
                    wrong.lock().unwrap()[*index] = judge(case, &outcome);
                }
                runtime.block_on(testbed.service.stop());
            });
        }
    });
    wrong.into_inner().unwrap()
}

fn limits(case: &Case) -> Limits {
    Limits {
        exhaust: case.exhaust,
        send: vec!["trigger_integration_sync".to_owned()],
        operations: case.operation.iter().cloned().collect(),
        time: Duration::from_secs(120),
        patience: Duration::from_secs(3),
        http2: case.http2,
        ..Limits::default()
    }
}

#[test]
fn every_wrong_server_is_reported_and_no_correct_one_is() {
    let (wrong, right) = (read("wrong_servers.toml"), read("right_servers.toml"));
    // Every documented answer of a correct server must be observed. That takes longest, so it starts first.
    let whole = right.iter().map(|case| (case, Limits { exhaust: true, complete: true, ..limits(case) }));
    let mut alarms = try_all(&whole.chain(wrong.iter().map(|case| (case, limits(case)))).collect::<Vec<_>>());
    let missed: Vec<String> = alarms.split_off(right.len()).into_iter().flatten().collect();
    let alarms: Vec<String> = alarms.into_iter().flatten().collect();
    let covered: BTreeSet<&str> =
        wrong.iter().flat_map(|case| &case.finds).map(|wanted| wanted.split(" @ ").next().unwrap()).collect();
    let score = format!(
        "wrong servers: {} of {} named with the right rule and line, {} false alarms at {} right ones, {} rules covered\n",
        wrong.len() - missed.len(),
        wrong.len(),
        alarms.len(),
        right.len(),
        covered.len()
    );
    keep_score("wrong-servers", &score);
    assert!(missed.is_empty() && alarms.is_empty(), "{score}{}\n{}", missed.join("\n"), alarms.join("\n"));
    let rules = Rule::ALL.iter().filter(|rule| !MADE_UP.contains(rule)).map(|rule| rule.info());
    let rules = rules.filter(|rule| rule.family() == "live");
    let uncovered: Vec<&str> = rules.map(|rule| rule.name).filter(|name| !covered.contains(name)).collect();
    assert!(uncovered.is_empty(), "rules without a case in tests/corpus/wrong_servers.toml: {uncovered:?}");
}
