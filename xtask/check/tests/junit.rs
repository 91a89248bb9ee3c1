//! JUnit reports: the form that their readers agree on, and what stands in them.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::process::Command;

use apidrift::outcome::{Coverage, Live, NotCompared, OperationReport, Outcome};
use apidrift::render::{Format, render};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use common::{example, replace};
use quick_xml::events::{BytesStart, Event};

/// An element with what is in it.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
    children: Vec<Element>,
    text: String,
}

impl Element {
    fn of(start: &BytesStart<'_>) -> Element {
        let attributes = start.attributes().map(|attribute| {
            let attribute = attribute.unwrap();
            let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).unwrap().into_owned();
            (String::from_utf8(attribute.key.as_ref().to_vec()).unwrap(), value)
        });
        let name = String::from_utf8(start.name().as_ref().to_vec()).unwrap();
        Element { name, attributes: attributes.collect(), ..Element::default() }
    }

    fn count(&self, attribute: &str) -> usize {
        self.attributes[attribute].parse().unwrap()
    }

    fn has(&self, child: &str) -> bool {
        self.children.iter().any(|element| element.name == child)
    }
}

fn parse(text: &str) -> Element {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => open.push(Element::of(&start)),
            Event::Empty(start) => open.last_mut().unwrap().children.push(Element::of(&start)),
            Event::End(_) => {
                let element = open.pop().unwrap();
                open.last_mut().unwrap().children.push(element);
            }
            Event::Text(text) => open.last_mut().unwrap().text.push_str(&text.decode().unwrap()),
            Event::GeneralRef(reference) => {
                let text = match &*reference.decode().unwrap() {
                    "lt" => "<".to_owned(),
                    "gt" => ">".to_owned(),
                    "amp" => "&".to_owned(),
                    "quot" => "\"".to_owned(),
                    "apos" => "'".to_owned(),
                    _ => reference.resolve_char_ref().unwrap().unwrap().to_string(),
                };
                open.last_mut().unwrap().text.push_str(&text);
            }
            Event::Eof => break,
            Event::Decl(_) => {}
            other => panic!("{other:?} does not belong into a report"),
        }
    }
    open.pop().unwrap().children.pop().unwrap()
}

/// The attributes that an element may have, those that it must have, and the elements that may stand in it.
type Known = (&'static [&'static str], &'static [&'static str], &'static [&'static str]);

/// The form that Jenkins' schema (junit-10.xsd) describes, with two attributes more: the `file` of a test, which GitLab reads, and
/// how many were `skipped` in all.
#[track_caller]
fn assert_is_junit(text: &str) -> Element {
    let report = parse(text);
    let known: BTreeMap<&str, Known> = BTreeMap::from([
        ("testsuites", (&["name", "tests", "failures", "errors", "skipped"][..], &["tests"][..], &["testsuite"][..])),
        ("testsuite", (&["name", "tests", "failures", "errors", "skipped"], &["name", "tests"], &["testcase"])),
        (
            "testcase",
            (&["name", "classname", "file"], &["name", "classname"], &["failure", "error", "skipped", "system-out"]),
        ),
        ("failure", (&["type", "message"], &["type", "message"], &[])),
        ("error", (&["type", "message"], &["type", "message"], &[])),
        ("skipped", (&["type", "message"], &["message"], &[])),
        ("system-out", (&[], &[], &[])),
    ]);
    let mut rest = vec![&report];
    while let Some(element) = rest.pop() {
        let (attributes, needed, children) = known[element.name.as_str()];
        for name in element.attributes.keys() {
            assert!(attributes.contains(&name.as_str()), "{name} of {element:?}");
        }
        assert!(needed.iter().all(|name| element.attributes.contains_key(*name)), "{element:?}");
        assert!(element.children.iter().all(|child| children.contains(&child.name.as_str())), "{element:?}");
        rest.extend(&element.children);
    }
    assert_eq!(report.name, "testsuites");
    let mut sums = BTreeMap::from([("tests", 0), ("failures", 0), ("errors", 0), ("skipped", 0)]);
    for suite in &report.children {
        let having = |child: &str| suite.children.iter().filter(|case| case.has(child)).count();
        let counted = [
            ("tests", suite.children.len()),
            ("failures", having("failure")),
            ("errors", having("error")),
            ("skipped", having("skipped")),
        ];
        for (name, number) in counted {
            assert_eq!(suite.count(name), number, "{name} of {suite:?}");
            *sums.get_mut(name).unwrap() += number;
        }
        assert!(!suite.children.is_empty(), "a suite without a test: {suite:?}");
        let names: HashSet<_> =
            suite.children.iter().map(|case| (&case.attributes["classname"], &case.attributes["name"])).collect();
        assert_eq!(names.len(), suite.children.len(), "two tests of one name: {suite:?}");
    }
    for (name, number) in &sums {
        assert_eq!(report.count(name), *number, "{name}");
    }
    assert!(sums["tests"] > 0, "a report without a test");
    report
}

#[track_caller]
fn apidrift(folder: &Path, arguments: &[&str], code: i32) -> Element {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apidrift"));
    let output = command.args(arguments).args(["--format", "junit"]).current_dir(folder).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert_is_junit(&String::from_utf8(output.stdout).unwrap())
}

/// The suites, with how many tests passed, failed, could not be tried and were skipped.
fn score(report: &Element) -> Vec<(String, usize, usize, usize, usize)> {
    let score = report.children.iter().map(|suite| {
        let (failures, errors, skipped) = (suite.count("failures"), suite.count("errors"), suite.count("skipped"));
        let passed = suite.count("tests") - failures - errors - skipped;
        (suite.attributes["name"].clone(), passed, failures, errors, skipped)
    });
    score.collect()
}

#[test]
fn what_is_compared_and_found_to_agree_is_a_test_that_passed() {
    let folder = example();
    let report = apidrift(folder.path(), &["check", "openapi.yaml"], 0);
    assert_eq!(score(&report), [("contract".to_owned(), 1, 0, 0, 0)]);
    let case = &report.children[0].children[0];
    assert_eq!(case.attributes["name"], "nothing has drifted");
    assert_eq!(case.children[0].text, "compared: 5 operations, 19 responses, 5 schemas");
}

#[test]
fn an_error_is_a_failed_test_with_its_place_and_the_text_for_people() {
    let folder = example();
    let report = apidrift(folder.path(), &["check", "openapi.yaml", "docs"], 1);
    let pages = &report.children[1];
    assert_eq!((report.children[0].count("failures"), pages.attributes["name"].as_str()), (0, "page"));
    let is_about_radius = |case: &&Element| case.attributes["name"].contains("`radius`");
    let case = pages.children.iter().find(is_about_radius).unwrap();
    assert_eq!(case.attributes["classname"], "page.parameter-extra");
    assert!(case.attributes["name"].starts_with("docs/stations.md: "), "{case:?}");
    assert_eq!(case.attributes["file"], "docs/stations.md");
    let failure = &case.children[0];
    assert_eq!(failure.attributes["type"], "page/parameter-extra");
    assert!(failure.text.contains("--> docs/stations.md:17:4"), "{failure:?}");
}

#[test]
fn a_warning_or_note_is_a_passed_test_with_output() {
    let folder = example();
    std::fs::copy(folder.path().join("openapi.yaml"), folder.path().join("old.yaml")).unwrap();
    replace(&folder.path().join("openapi.yaml"), "name: min_bikes", "name: min_free");
    let report = apidrift(folder.path(), &["diff", "old.yaml", "openapi.yaml"], 0);
    // One that is gone, one that is new, and that nothing else has drifted.
    assert_eq!(score(&report), [("compat".to_owned(), 3, 0, 0, 0)]);
    let texts: Vec<&str> = report.children[0].children.iter().map(|case| case.children[0].text.as_str()).collect();
    assert!(texts.iter().any(|text| text.starts_with("warning[compat/parameter-removed]")), "{texts:?}");
}

#[test]
fn what_could_not_be_looked_at_is_a_test_that_ended_in_an_error() {
    let folder = example();
    let report = apidrift(folder.path(), &["check", "none.yaml"], 2);
    assert_eq!(score(&report), [("not checked".to_owned(), 0, 0, 1, 0)]);
    std::fs::write(folder.path().join("docs/broken.md"), [b'#', 0xff]).unwrap();
    let report = apidrift(folder.path(), &["check", "openapi.yaml", "docs"], 2);
    assert_eq!(report.count("errors"), 1);
}

#[test]
fn a_run_that_compared_nothing_has_no_test_that_passed() {
    let report = assert_is_junit(&render(&Outcome::default(), Format::Junit, false));
    assert_eq!(score(&report), [("apidrift".to_owned(), 0, 0, 0, 1)]);
}

#[test]
fn what_is_allowed_not_to_be_compared_is_skipped_and_what_is_not_fails_once() {
    let part = |operation: &str| NotCompared {
        operation: operation.to_owned(),
        comparison: "pages",
        reason: "its file is not there".to_owned(),
        place: None,
    };
    let outcome = Outcome {
        findings: vec![part("GET /b").finding()],
        not_compared: vec![part("GET /a"), part("GET /b")],
        coverage: Coverage { comparisons: vec!["contract", "pages"], operations: 2, ..Coverage::default() },
        ..Outcome::default()
    };
    let report = assert_is_junit(&render(&outcome, Format::Junit, false));
    let wanted = [("contract", 1, 0, 0, 0), ("coverage", 0, 1, 0, 0), ("page", 1, 0, 0, 1)];
    assert_eq!(score(&report), wanted.map(|(name, a, b, c, d)| (name.to_owned(), a, b, c, d)));
}

#[test]
fn each_documented_answer_of_a_live_server_is_a_test() {
    let operation = OperationReport {
        id: "listStations".to_owned(),
        call: "GET /stations".to_owned(),
        seen: vec![("200".to_owned(), 3)],
        not_seen: vec![("401".to_owned(), "not tried: needs a key".to_owned())],
        remarks: Vec::new(),
    };
    let live = Live { operations: vec![operation], ..Live::default() };
    let report = assert_is_junit(&render(&Outcome { live: Some(live), ..Outcome::default() }, Format::Junit, false));
    assert_eq!(score(&report), [("live".to_owned(), 1, 0, 0, 1)]);
    assert_eq!(report.children[0].children[0].attributes["classname"], "live.listStations");
}

#[test]
fn whatever_findings_say_is_valid_xml_and_findings_that_say_the_same_stay_two() {
    let message = "<a href=\"x\">&amp; ]]> \u{1b}[31mred\u{1b}[0m \u{0} \u{fffe} ü";
    let finding = Finding::nowhere(Rule::PageBody, message);
    let outcome = Outcome { findings: vec![finding.clone(), finding], ..Outcome::default() };
    let report = assert_is_junit(&render(&outcome, Format::Junit, false));
    let names: Vec<&str> = report.children[0].children.iter().map(|case| case.attributes["name"].as_str()).collect();
    assert!(names[0].starts_with("<a href=\"x\">&amp; ]]> red ") && names[0].ends_with(" ü"), "{names:?}");
    assert_eq!(names[1], format!("{} (2)", names[0]));
}
