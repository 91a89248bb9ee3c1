//! Findings as a JUnit report, which GitLab, Jenkins and others show as tests.
//!
//! There is a suite for each family of rules that was compared or has findings. An error is a failed test, something
//! that could not be checked is a test that ended in an error, something that was not compared is a skipped test, and a
//! comparison without findings is a passed test. Warnings and notes are passed tests with their text as output, because
//! they do not fail the check.

use std::collections::{BTreeSet, HashMap, HashSet};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::human;
use crate::outcome::{NotCompared, OperationReport, Outcome};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Severity;

/// The suite for what could not be checked.
const UNCHECKED: &str = "not checked";

pub fn render(outcome: &Outcome) -> String {
    let mut suites = Suites::default();
    for comparison in &outcome.coverage.comparisons {
        for family in families(comparison) {
            suites.names.insert((*family).to_owned());
        }
    }
    for finding in &outcome.findings {
        let info = finding.rule.info();
        suites.add(info.family(), self::finding(finding));
    }
    for reason in &outcome.unchecked {
        suites.add(UNCHECKED, failed(reason, UNCHECKED, NonSuccessKind::Error, reason));
    }
    for part in allowed(outcome) {
        suites.add(family(part.comparison), skipped(&part.operation, part.comparison, &part.reason));
    }
    for operation in outcome.live.iter().flat_map(|live| &live.operations) {
        seen(operation).for_each(|case| suites.add("live", case));
    }
    if !outcome.coverage.is_empty() {
        suites.pass_where_nothing_failed(&outcome.coverage.text());
    }
    if suites.names.is_empty() {
        // Some readers take a report without tests for success.
        suites.add("apidrift", skipped("nothing was compared", "apidrift", "no comparison was made"));
    }
    suites.written()
}

/// The families of rules that a comparison can report.
fn families(comparison: &str) -> &[&'static str] {
    match comparison {
        "contract" => &["contract"],
        "compat" => &["compat"],
        "server" => &["server"],
        "generated" => &["server", "client"],
        "pages" => &["page"],
        _ => &[],
    }
}

/// The first of these families.
fn family(comparison: &str) -> &str {
    families(comparison).first().copied().unwrap_or(comparison)
}

/// Parts that were not compared and have no finding, because the settings allow it.
fn allowed(outcome: &Outcome) -> impl Iterator<Item = &NotCompared> {
    let found: HashSet<&str> = outcome.findings.iter().map(|finding| finding.message.as_str()).collect();
    outcome.not_compared.iter().filter(move |part| !found.contains(part.finding().message.as_str()))
}

/// The tests of each suite, by name.
#[derive(Default)]
struct Suites {
    names: BTreeSet<String>,
    cases: HashMap<String, Vec<TestCase>>,
}

impl Suites {
    fn add(&mut self, suite: &str, case: TestCase) {
        self.names.insert(suite.to_owned());
        self.cases.entry(suite.to_owned()).or_default().push(case);
    }

    /// Adds a passed test for a comparison without findings.
    fn pass_where_nothing_failed(&mut self, compared: &str) {
        for name in &self.names {
            let cases = self.cases.entry(name.clone()).or_default();
            if !cases.iter().any(|case| matches!(case.status, TestCaseStatus::NonSuccess { .. })) {
                let mut case = TestCase::new("nothing has drifted", TestCaseStatus::success());
                case.set_classname(name.as_str()).set_system_out(format!("compared: {compared}"));
                cases.push(case);
            }
        }
    }

    fn written(mut self) -> String {
        let mut report = Report::new("apidrift");
        for name in &self.names {
            let mut suite = TestSuite::new(name.as_str());
            let cases = self.cases.remove(name).unwrap_or_default();
            suite.add_test_cases(told_apart(cases));
            report.add_test_suite(suite);
        }
        // Writing to memory cannot fail.
        report.to_string().unwrap_or_default()
    }
}

/// Makes test names unique, because readers drop duplicates.
fn told_apart(mut cases: Vec<TestCase>) -> Vec<TestCase> {
    let mut times: HashMap<(Option<String>, String), usize> = HashMap::new();
    for case in &mut cases {
        let class = case.classname.as_ref().map(|class| class.as_str().to_owned());
        let time = times.entry((class, case.name.as_str().to_owned())).or_default();
        *time += 1;
        if *time > 1 {
            case.name = format!("{} ({time})", case.name.as_str()).into();
        }
    }
    cases
}

/// A finding. Its name has no line number, so that it stays the same test when lines move.
fn finding(finding: &Finding) -> TestCase {
    let rule = finding.rule.info().name;
    let place = finding.primary.as_ref().or(finding.related.first());
    let name = match place {
        Some(place) => format!("{}: {}", place.source.path, finding.message),
        None => finding.message.clone(),
    };
    let text = human::finding(finding, false);
    // Jenkins takes the text before the last dot for a package.
    let class = rule.replace('/', ".");
    let mut case = match finding.severity() {
        Severity::Error => failed(&name, &class, NonSuccessKind::Failure, &finding.message),
        Severity::Warning | Severity::Note => {
            let mut case = TestCase::new(name, TestCaseStatus::success());
            case.set_classname(class).set_system_out(text.as_str());
            case
        }
    };
    if finding.severity() == Severity::Error {
        case.status.set_type(rule).set_description(text);
    }
    if let Some(place) = place {
        // GitLab links to this file.
        case.extra.insert("file".into(), place.source.path.as_str().into());
    }
    case
}

fn failed(name: &str, class: &str, kind: NonSuccessKind, message: &str) -> TestCase {
    let mut case = TestCase::new(name, TestCaseStatus::non_success(kind));
    case.set_classname(class);
    case.status.set_message(message).set_type(class);
    case
}

fn skipped(name: &str, class: &str, reason: &str) -> TestCase {
    let mut case = TestCase::new(name, TestCaseStatus::skipped());
    case.set_classname(class);
    case.status.set_message(reason);
    case
}

/// The documented responses of an operation of a live server, one test each.
fn seen(operation: &OperationReport) -> impl Iterator<Item = TestCase> {
    let class = format!("live.{}", operation.id);
    let passed = operation.seen.iter().map(|(label, times)| {
        let mut case = TestCase::new(label.as_str(), TestCaseStatus::success());
        case.set_system_out(format!("{}: seen {times} times as documented", operation.call));
        case
    });
    let others = operation.not_seen.iter().map(|(label, reason)| skipped(label, "", reason));
    passed.chain(others).map(move |mut case| {
        case.set_classname(class.as_str());
        case
    })
}
