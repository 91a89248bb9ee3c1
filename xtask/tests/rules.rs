//! Every rule speaks where it should, and not where it should not.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use tempfile::TempDir;
use xtask::check::{self, Outcome, Project, Scope};
use xtask::contract::Contract;
use xtask::finding::{Finding, Severity};
use xtask::generate::{self, Output};
use xtask::rules::{Edit, Rule};
use xtask::{reference, render};

fn things() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/things")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What is generated of the fixture.
static GENERATED: LazyLock<Vec<Output>> = LazyLock::new(|| {
    let project = Project::load(&things()).unwrap();
    let source = project.read(&project.layout.contract).unwrap();
    let contract = Contract::load(&source).0.unwrap();
    generate::outputs(&contract, &project.layout).unwrap()
});

/// A copy of the fixture, with its code generated.
fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&things(), folder.path());
    generate::write(folder.path(), &GENERATED).unwrap();
    folder
}

fn apply(folder: &Path, edit: &Edit) {
    match edit {
        Edit::Replace(file, text, with) => {
            let path = folder.join(file);
            let before = std::fs::read_to_string(&path).unwrap();
            assert!(before.contains(text), "{file} does not contain {text:?}");
            std::fs::write(path, before.replacen(text, with, 1)).unwrap();
        }
        Edit::Remove(file) => std::fs::remove_file(folder.join(file)).unwrap(),
        Edit::Add(file, text) => {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }
}

/// What the check finds after an edit; for rules about compatibility, only what concerns that.
fn after(rule: Rule, edit: &Edit) -> Outcome {
    let folder = project();
    let compat = rule.info().family() == "compat";
    if rule == Rule::CompatHeaderOptional {
        // It needs a header that was always there.
        let required = Edit::Replace(
            "openapi/things.yaml",
            "      description: Where the next page is.\n",
            "      description: Where the next page is.\n      required: true\n",
        );
        apply(folder.path(), &required);
    }
    std::fs::copy(folder.path().join("openapi/things.yaml"), folder.path().join("base.yaml")).unwrap();
    apply(folder.path(), edit);
    let scope = Scope { against: compat.then(|| "base.yaml".to_owned()), pages: Vec::new() };
    let mut outcome = check::run(folder.path(), &scope);
    if compat {
        outcome.findings.retain(|finding| finding.rule.info().family() == "compat");
        outcome.unchecked.retain(|reason| !reason.starts_with("the generated code was not compared"));
    }
    outcome
}

fn shown(findings: &[Finding]) -> String {
    findings.iter().map(|finding| render::human_finding(finding, false)).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_fixture_itself_is_clean() {
    let outcome = check::run(project().path(), &Scope::default());
    assert!(
        outcome.findings.is_empty() && outcome.unchecked.is_empty(),
        "{}\n{:?}",
        shown(&outcome.findings),
        outcome.unchecked
    );
}

#[test]
fn every_rule_speaks_after_its_edit() {
    let mut mute = Vec::new();
    for rule in Rule::ALL {
        let info = rule.info();
        let outcome = after(*rule, &info.fires);
        let others: Vec<&str> = outcome
            .findings
            .iter()
            .filter(|finding| finding.rule != *rule)
            .map(|finding| finding.rule.info().name)
            .collect();
        if !outcome.findings.iter().any(|finding| finding.rule == *rule) {
            mute.push(format!("{} is mute; found {others:?}, not checked {:?}", info.name, outcome.unchecked));
        }
        // An edit of anything but the contract has no other consequences.
        let in_contract = matches!(info.fires, Edit::Replace("openapi/things.yaml", ..));
        if !in_contract && !others.is_empty() {
            mute.push(format!("{} is not alone: {}", info.name, shown(&outcome.findings)));
        }
    }
    assert!(mute.is_empty(), "{}", mute.join("\n"));
}

#[test]
fn no_rule_speaks_after_the_edit_beside_it() {
    let mut false_alarms = Vec::new();
    for rule in Rule::ALL {
        let outcome = after(*rule, &rule.info().silent);
        if !outcome.findings.is_empty() || !outcome.unchecked.is_empty() {
            false_alarms.push(format!("{}: {}{:?}", rule.info().name, shown(&outcome.findings), outcome.unchecked));
        }
    }
    assert!(false_alarms.is_empty(), "{}", false_alarms.join("\n"));
}

#[test]
fn names_are_unique_and_have_a_form() {
    let mut names: Vec<&str> = Rule::ALL.iter().map(|rule| rule.info().name).collect();
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    assert!(names.iter().all(|name| name.split('/').count() == 2 && name.split('/').all(is_part)));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Rule::ALL.len());
}

#[test]
fn the_page_of_rules_is_fresh() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(reference::PAGE);
    assert!(std::fs::read_to_string(file).unwrap() == reference::page(), "run `cargo xtask generate`");
}

#[test]
fn every_finding_says_what_to_do() {
    for rule in Rule::ALL {
        for finding in after(*rule, &rule.info().fires).findings {
            let has_place =
                finding.primary.is_some() || !finding.related.is_empty() || finding.severity() == Severity::Note;
            assert!(
                has_place && finding.help.is_some()
                    || finding.rule == Rule::ContractParses
                    || finding.rule.info().severity == Severity::Note,
                "{finding:#?}"
            );
        }
    }
}
