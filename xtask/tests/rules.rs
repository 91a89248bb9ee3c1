//! Every rule speaks where it should, and not where it should not.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::path::Path;

use apidrift::check::{self, Scope};
use apidrift::reference;
use apidrift_core::rules::Severity;
use apidrift_core::rules::{Edit, Rule};
use common::{after, project, shown};
use openapi_dropshot::Dropshot;

#[test]
fn the_fixture_itself_is_clean() {
    let outcome = check::run(project().path(), &Scope::default(), Some(&Dropshot));
    assert!(
        outcome.findings.is_empty() && outcome.unchecked.is_empty(),
        "{}\n{:?}",
        shown(&outcome.findings),
        outcome.unchecked
    );
}

/// The rules about files. Those about live servers have the wrong servers of `tests/` in the place of edits.
fn of_files() -> impl Iterator<Item = &'static Rule> {
    Rule::ALL.iter().filter(|rule| !matches!(rule.info().fires, Edit::Serve(_)))
}

#[test]
fn every_rule_speaks_after_its_edit() {
    let mut mute = Vec::new();
    for rule in of_files() {
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
    for rule in of_files() {
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
    for rule in of_files() {
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
