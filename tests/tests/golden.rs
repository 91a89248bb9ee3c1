//! The code generated from other contracts than ours matches `tests/generated`, where it is compiled and run.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use apidrift::render;
use apidrift_core::contract::Contract;
use apidrift_core::finding::Finding;
use apidrift_core::settings::{Layout, Project};
use contract_tests::repository;
use openapi_model::source::Source;

fn shown(findings: &[Finding]) -> String {
    findings.iter().map(|finding| render::human_finding(finding, false)).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn assert_fresh(name: &str, contract: &str) {
    let source = Source::read(repository(), &repository().join(contract)).unwrap();
    // The contracts follow the same profile as ours.
    let profile = Project::load(repository()).unwrap().profile;
    let contract = Contract::read(&source, None, profile.as_ref()).unwrap();
    let layout = Layout {
        contract: source.path.clone(),
        pages: None,
        server: Some(format!("tests/generated/{name}_server.rs")),
        client: Some(format!("tests/generated/{name}_client.rs")),
        client_errors: Some(format!("tests/generated/{name}_errors.rs")),
        emits: None,
        testbed: None,
        testbed_without_limits: None,
    };
    let outputs =
        openapi_dropshot::outputs(&contract, &layout).unwrap_or_else(|findings| panic!("{}", shown(&findings)));
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        openapi_dropshot::write(repository(), &outputs).unwrap();
    }
    for output in outputs {
        let current = std::fs::read_to_string(repository().join(&output.path)).unwrap_or_default();
        assert!(
            current == output.text,
            "{} is out of date: run this test with UPDATE_GENERATED=1 and look at the difference",
            output.path
        );
    }
}

#[test]
fn the_kitchen_sink_is_fresh() {
    assert_fresh("kitchen", "tests/fixtures/kitchen.yaml");
}

#[test]
fn the_things_of_the_check_are_fresh() {
    assert_fresh("things", "xtask/fixtures/things/openapi/things.yaml");
}
