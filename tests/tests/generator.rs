//! The code generated from other contracts than ours compiles, accepts their examples, and emits the same contract.
//!
//! `golden.rs` checks that the files are up to date; the contracts' examples are tests inside them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use contract_tests::repository;

#[path = "../generated/kitchen_client.rs"]
mod kitchen_client;
#[allow(dead_code)]
#[path = "../generated/kitchen_errors.rs"]
mod kitchen_errors;
#[path = "../generated/kitchen_server.rs"]
mod kitchen_server;
#[path = "../generated/things_client.rs"]
mod things_client;
#[allow(dead_code)]
#[path = "../generated/things_errors.rs"]
mod things_errors;
#[path = "../generated/things_server.rs"]
mod things_server;

/// What progenitor's client needs from the crate that contains it.
mod transport {
    #[derive(Clone, Debug, Default)]
    pub struct Exchange;
    impl progenitor_client::ClientHooks<Exchange> for crate::kitchen_client::Client {}
    impl progenitor_client::ClientHooks<Exchange> for crate::things_client::Client {}
}

#[test]
fn everything_that_can_be_turned_into_code_is_emitted() {
    let emitted = kitchen_server::openapi().unwrap();
    let put = &emitted["paths"]["/self/{2nd}/crate"]["put"];
    assert_eq!(put["summary"], "Two");
    assert_eq!(put["parameters"].as_array().unwrap().len(), 6);
    assert_eq!(put["responses"]["409"]["content"]["application/json"]["examples"]["Error"]["value"]["message"], "h");
    assert_eq!(kitchen_server::OPERATIONS.len(), 3);
    assert_eq!(<kitchen_errors::TypeError as kitchen_errors::DocumentedError>::ALL.len(), 5);
}

#[test]
fn the_fixture_of_the_check_is_what_its_server_emits() {
    let file = repository().join("xtask/fixtures/things/generated/emitted.json");
    let text = format!("{}\n", things_server::openapi().unwrap());
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &text).unwrap();
    }
    assert!(std::fs::read_to_string(&file).unwrap_or_default() == text, "run this test with UPDATE_GENERATED=1");
}
