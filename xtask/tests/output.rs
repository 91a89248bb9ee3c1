//! What the check prints, in every format.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use apidrift::check::{self, Scope};
use apidrift::outcome::Outcome;
use apidrift::render::{Format, render};
use apidrift_core::rules::{Edit, Rule};
use common::{after, assert_golden, assert_is_sarif, misfits_of_sarif, project, replace};
use openapi_dropshot::Dropshot;
use serde_json::Value as Json;
use tempfile::TempDir;

const CONTRACT: &str = "openapi/things.yaml";
const PAINT: &str = "openapi/reference/paint-thing.md";

/// A project with drift of every kind of severity, with one finding that is allowed and one page that cannot be read.
fn drifted() -> TempDir {
    let folder = project();
    let path = folder.path();
    std::fs::copy(path.join(CONTRACT), path.join("base.yaml")).unwrap();
    replace(path, PAINT, "`409 Wet paint`", "`409 Wet, paint`");
    replace(path, PAINT, "10 requests per minute", "100 requests per minute");
    replace(
        path,
        "openapi/reference/es/paint-thing.md",
        "| `404 Thing not found` | Comprueba que la cosa exista. |\n",
        "",
    );
    replace(path, "generated/errors.rs", "\"Wet paint\"", "\"Still wet\"");
    replace(path, CONTRACT, "https://api.{region}.example.com", "https://{region}.example.com");
    replace(
        path,
        "openapi/check.toml",
        "[project]\n",
        "[[allow]]\nrule = \"page/rate-limit\"\nfile = \"openapi/reference/paint-thing.md\"\nreason = \"soon\"\n\n[project]\n",
    );
    std::fs::remove_file(path.join("generated/server.rs")).unwrap();
    std::fs::write(path.join("openapi/reference/es/about.md"), "# 100 % de cosas\n").unwrap();
    std::fs::write(path.join("openapi/reference/broken.md"), [b'#', 0xff]).unwrap();
    folder
}

fn outcome(folder: &Path) -> Outcome {
    check::run(folder, &Scope { against: Some("base.yaml".to_owned()), pages: Vec::new() }, Some(&Dropshot))
}

#[test]
fn findings_are_shown_to_people_with_both_places() {
    let folder = drifted();
    assert_golden("human.txt", &render(&outcome(folder.path()), Format::Human, false));
}

#[test]
fn colours_are_the_same_text_with_escapes() {
    let folder = drifted();
    let outcome = outcome(folder.path());
    let (plain, coloured) = (render(&outcome, Format::Human, false), render(&outcome, Format::Human, true));
    assert!(!plain.contains('\u{1b}') && coloured.contains("\u{1b}["));
    let escapes = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    assert_eq!(escapes.replace_all(&coloured, ""), plain);
}

#[test]
fn nothing_to_say_is_said_in_one_line() {
    assert_eq!(render(&Outcome::default(), Format::Human, false), "nothing has drifted\n");
    assert_eq!(render(&Outcome::default(), Format::Github, false), "");
}

#[test]
fn findings_are_shown_to_programs_as_one_object() {
    let folder = drifted();
    assert_golden("findings.json", &render(&outcome(folder.path()), Format::Json, false));
}

#[test]
fn findings_are_shown_to_workflows_one_on_a_line() {
    let folder = drifted();
    let text = render(&outcome(folder.path()), Format::Github, false);
    assert!(text.lines().all(|line| line.starts_with("::")), "{text}");
    assert_golden("github.txt", &text);
}

#[test]
fn findings_are_shown_to_code_scanning_as_valid_sarif() {
    let folder = drifted();
    let text = render(&outcome(folder.path()), Format::Sarif, false);
    assert_is_sarif(&text);
    let document: Json = serde_json::from_str(&text).unwrap();
    let run = &document["runs"][0];
    assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), Rule::ALL.len());
    assert!(run["results"].as_array().unwrap().len() > 5);
    assert!(run["results"].to_string().contains("deletedRegion"), "a fix is part of it");
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    assert_is_sarif(&render(&Outcome::default(), Format::Sarif, false));
}

#[test]
fn findings_are_shown_to_those_who_show_tests_as_junit() {
    let folder = drifted();
    assert_golden("junit.xml", &render(&outcome(folder.path()), Format::Junit, false));
}

#[test]
fn every_rule_gives_valid_sarif() {
    for rule in Rule::ALL.iter().filter(|rule| !matches!(rule.info().fires, Edit::Serve(_))) {
        let outcome = after(*rule, &rule.info().fires);
        assert!(!outcome.findings.is_empty());
        assert_is_sarif(&render(&outcome, Format::Sarif, false));
    }
}

#[test]
fn something_that_is_no_sarif_is_not_taken_for_it() {
    let folder = drifted();
    let text = render(&outcome(folder.path()), Format::Sarif, false);
    for (right, wrong) in
        [("\"startLine\": ", "\"startLine\": -"), ("\"ruleId\"", "\"rule\""), ("\"2.1.0\"", "\"2.0\"")]
    {
        let broken = text.replacen(right, wrong, 1);
        assert!(!misfits_of_sarif(&broken).is_empty(), "{wrong}");
    }
}

#[test]
fn a_path_with_blanks_and_other_letters_is_a_valid_address() {
    let folder = project();
    let name = "openapi/reference/sell ä thing?.md";
    common::apply(
        folder.path(),
        &Edit::Add("openapi/reference/sell ä thing?.md", "# Sell\n\n`DELETE /stock/{stock_id}/offers`\n"),
    );
    let outcome = check::run(folder.path(), &Scope::default(), Some(&Dropshot));
    assert!(
        outcome.findings.iter().any(|finding| finding.primary.as_ref().is_some_and(|place| place.source.path == name))
    );
    let text = render(&outcome, Format::Sarif, false);
    assert_is_sarif(&text);
    assert!(text.contains("openapi/reference/sell%20%C3%A4%20thing%3F.md"), "{text}");
}
