//! The corpus: small edits of this repository, each with the findings that must name it, and harmless edits.
//!
//! `tests/corpus/drift.toml` and `tests/corpus/harmless.toml` hold them. The score is written to
//! `target/drift-score.txt`, which `cargo xtask test` prints.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;

use apidrift::check::{self, Scope, fix};
use apidrift::outcome::Outcome;
use apidrift_core::finding::Finding;
use apidrift_core::rules::{self, Rule};
use contract_tests::drift::Copy;
use contract_tests::{keep_score, repository};
use openapi_dropshot::Dropshot;
use openapi_model::node;
use serde::Deserialize;
use serde_json::Value as Json;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    case: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(flatten)]
    edit: Edit,
    /// More edits of the same case.
    #[serde(default)]
    also: Vec<Edit>,
    /// Expected findings: `rule @ text of the line`, or only `rule` for a finding without a line.
    #[serde(default)]
    finds: Vec<String>,
    /// Further findings, because other places still have the original text.
    #[serde(default)]
    consequences: Vec<String>,
    /// What can no longer be compared: a part of each reason.
    #[serde(default)]
    unchecked: Vec<String>,
    /// Whether the contract is also compared with its original version.
    #[serde(default)]
    against: bool,
}

/// Replaces a text in a file. Without `find` the whole content is replaced, without both the file is removed. Or
/// rewrites the whole file in another form.
#[derive(Debug, Deserialize)]
struct Edit {
    file: String,
    find: Option<String>,
    with: Option<String>,
    /// Whether every occurrence is replaced, instead of only the first.
    #[serde(default)]
    everywhere: bool,
    form: Option<Form>,
}

/// Another form of a file with the same meaning.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Form {
    /// CRLF line endings.
    Crlf,
    /// A byte order mark at the start.
    ByteOrderMark,
    /// JSON on several lines.
    Json,
    /// JSON on one line.
    CompactJson,
    /// JSON with the keys of every object in reverse order.
    ReversedJson,
    /// Double quotes around every key of a mapping that is on its own line.
    QuotedKeys,
    /// Rust with tabs, and with braces on their own lines.
    OtherRust,
}

impl Form {
    fn of(self, text: &str) -> String {
        let json = || node::parse(text).unwrap().to_json();
        match self {
            Form::Crlf => text.replace('\n', "\r\n"),
            Form::ByteOrderMark => format!("\u{feff}{text}"),
            Form::Json => format!("{:#}\n", json()),
            Form::CompactJson => json().to_string(),
            Form::ReversedJson => format!("{:#}\n", reversed(json())),
            Form::QuotedKeys => text.lines().map(|line| quoted_key(line) + "\n").collect(),
            Form::OtherRust => text.replace("    ", "\t").replace(" {\n", "\n{\n"),
        }
    }
}

fn reversed(value: Json) -> Json {
    match value {
        Json::Object(map) => map.into_iter().rev().map(|(key, value)| (key, reversed(value))).collect(),
        Json::Array(items) => items.into_iter().map(reversed).collect(),
        other => other,
    }
}

fn quoted_key(line: &str) -> String {
    let start = line.len() - line.trim_start_matches([' ', '-']).len();
    match line[start..].split_once(':') {
        Some((key, rest))
            if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-$".contains(&byte)) =>
        {
            format!("{}\"{key}\":{rest}", &line[..start])
        }
        _ => line.to_owned(),
    }
}

fn read(name: &str) -> Vec<Case> {
    let file = repository().join("tests/corpus").join(name);
    let corpus: Corpus = toml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let names: BTreeSet<&str> = corpus.case.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), corpus.case.len(), "two cases have one name");
    corpus.case
}

fn apply(copy: &Copy, edit: &Edit) {
    if let Some(form) = edit.form {
        return copy.edit(&edit.file, |text| form.of(text));
    }
    match (&edit.find, &edit.with) {
        (Some(find), with) => copy.edit(&edit.file, |text| {
            assert!(text.contains(find.as_str()), "{} has no {find:?}", edit.file);
            let with = with.as_deref().unwrap_or_default();
            if edit.everywhere { text.replace(find.as_str(), with) } else { text.replacen(find.as_str(), with, 1) }
        }),
        (None, Some(with)) => {
            let path = copy.path(&edit.file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, with).unwrap();
        }
        (None, None) => std::fs::remove_file(copy.path(&edit.file)).unwrap(),
    }
}

/// A copy of the compared files, edited as the case says.
fn edited(case: &Case) -> Copy {
    let copy = Copy::new();
    std::fs::copy(copy.path("openapi/cdi.yaml"), copy.path("base.yaml")).unwrap();
    for edit in std::iter::once(&case.edit).chain(&case.also) {
        apply(&copy, edit);
    }
    copy
}

fn check(copy: &Copy, case: &Case) -> Outcome {
    let scope = Scope { against: case.against.then(|| "base.yaml".to_owned()), pages: Vec::new() };
    check::run(copy.root(), &scope, Some(&Dropshot))
}

/// The text of a finding's line, of which the corpus contains a part.
fn line(finding: &Finding) -> String {
    let Some(place) = &finding.primary else { return String::new() };
    let line = place.source.line_column(place.range.start).0;
    place.source.text[place.source.line(line)].to_owned()
}

/// How the findings differ from the expected ones; `None` if they do not.
fn judge(case: &Case, outcome: &Outcome) -> Option<String> {
    // What could not be compared is checked below; as a finding it only matters in cases about that rule.
    let is_asked = case.finds.iter().any(|wanted| wanted.starts_with("coverage/"));
    let is_judged = |finding: &&Finding| is_asked || finding.rule != Rule::CoverageNotCompared;
    let mut left: Vec<&Finding> = outcome.findings.iter().filter(is_judged).collect();
    let mut wrong = Vec::new();
    for wanted in case.finds.iter().chain(&case.consequences) {
        let (rule, text) = wanted.split_once(" @ ").unwrap_or((wanted, ""));
        let is = |finding: &&&Finding| finding.rule.info().name == rule && line(finding).contains(text);
        match left.iter().position(|finding| is(&finding)) {
            Some(at) => drop(left.remove(at)),
            None => wrong.push(format!("missed: {wanted}")),
        }
    }
    // Defects of the contract prevent comparisons that depend on it.
    let of_contract = case.finds.iter().any(|wanted| wanted.starts_with("contract/"));
    let parts = outcome.not_compared.iter().map(|part| format!("{}: {}", part.operation, part.reason));
    let not_compared: Vec<String> = outcome.unchecked.iter().cloned().chain(parts).collect();
    for reason in not_compared.iter().filter(|_| !of_contract) {
        if !case.unchecked.iter().any(|part| reason.contains(part)) {
            wrong.push(format!("also not compared: {reason}"));
        }
    }
    for part in case.unchecked.iter().filter(|part| !not_compared.iter().any(|reason| reason.contains(*part))) {
        wrong.push(format!("compared after all: {part}"));
    }
    wrong.extend(
        left.iter().map(|finding| {
            format!("also found: {} @ {}: {}", finding.rule.info().name, line(finding), finding.message)
        }),
    );
    (!wrong.is_empty()).then(|| format!("{}\n    {}", case.name, wrong.join("\n    ")))
}

/// Runs an action for all cases, in two threads.
fn each<T: Send>(cases: &[Case], action: impl Fn(&Case) -> T + Sync) -> Vec<T> {
    let half = cases.len().div_ceil(2);
    std::thread::scope(|scope| {
        let parts: Vec<_> = cases
            .chunks(half.max(1))
            .map(|part| scope.spawn(|| part.iter().map(&action).collect::<Vec<T>>()))
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

fn judge_all(cases: &[Case]) -> Vec<String> {
    each(cases, |case| judge(case, &check(&edited(case), case))).into_iter().flatten().collect()
}

#[test]
fn every_drift_is_reported_with_its_line_and_nothing_else_is() {
    let (drifts, harmless) = (read("drift.toml"), read("harmless.toml"));
    let mut covered: BTreeSet<&str> = BTreeSet::new();
    for wanted in drifts.iter().flat_map(|case| &case.finds) {
        covered.insert(wanted.split(" @ ").next().unwrap());
    }
    // Rules about live servers are tested with wrong servers instead of edits.
    let all = Rule::ALL.iter().map(|rule| rule.info()).filter(|rule| rule.family() != "live");
    // Rules about features that our contract does not use: see `xtask/check/tests/edits` and `xtask/check/tests/pages`.
    let ours =
        all.filter(|rule| !matches!(rule.fires, rules::Edit::Replace(file, ..) if file.starts_with("fixtures/")));
    let names = ours.map(|rule| rule.name);
    let uncovered: Vec<&str> = names.filter(|name| !covered.contains(name)).collect();
    let (missed, alarms) = (judge_all(&drifts), judge_all(&harmless));
    let score = format!(
        "drift corpus: {} of {} drifts named with the right rule and line, {} false alarms in {} harmless edits, {} rules covered\n",
        drifts.len() - missed.len(),
        drifts.len(),
        alarms.len(),
        harmless.len(),
        covered.len()
    );
    keep_score("drift", &score);
    assert!(missed.is_empty() && alarms.is_empty(), "{score}{}\n{}", missed.join("\n"), alarms.join("\n"));
    assert!(uncovered.is_empty(), "rules without a case in tests/corpus/drift.toml: {uncovered:?}");
}

/// The state of a case after its fixes.
enum AfterFix {
    NothingToFix,
    /// Only findings without a fix are left.
    Left,
    Clean,
}

fn after_fix(case: &Case) -> AfterFix {
    let copy = edited(case);
    let before = check(&copy, case);
    let (fixable, left): (Vec<&Finding>, Vec<&Finding>) =
        before.findings.iter().partition(|finding| !finding.fix.is_empty());
    if fixable.is_empty() {
        return AfterFix::NothingToFix;
    }
    fix::write(copy.root(), &fix::fixed(copy.root(), &before.findings)).unwrap();
    let after = check(&copy, case);
    let known = |finding: &Finding| left.iter().any(|other| other.rule == finding.rule);
    for finding in &after.findings {
        assert!(known(finding) && finding.fix.is_empty(), "{}: still or newly there: {}", case.name, finding.message);
    }
    assert!(after.findings.len() <= left.len(), "{}: {:#?}", case.name, after.findings);
    if left.is_empty() {
        assert!(after.findings.is_empty() && after.unchecked.is_empty(), "{}: {after:#?}", case.name);
        return AfterFix::Clean;
    }
    AfterFix::Left
}

#[test]
fn fixable_findings_are_gone_after_the_fix() {
    let outcomes = each(&read("drift.toml"), after_fix);
    let clean = outcomes.iter().filter(|outcome| matches!(outcome, AfterFix::Clean)).count();
    let left = outcomes.iter().filter(|outcome| matches!(outcome, AfterFix::Left)).count();
    assert!(clean >= 50 && left >= 5, "{clean} cases were clean after the fix, in {left} something was left");
}
