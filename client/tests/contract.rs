//! The generated types and errors against the contract itself.

#![allow(clippy::unwrap_used)]

use cdi_client::errors::{DocumentedError, ListIntegrationsError, ListJobSyncStatusError, TriggerIntegrationSyncError};
use cdi_client::{Integration, Job, Message};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

fn contract() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/cdi.yaml");
    serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn resolved<'a>(contract: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(target) => resolved(contract, contract.pointer(&target[1..]).unwrap()),
        None => value,
    }
}

/// Every example of every answer: operation, status, schema, name, and the example.
fn examples(contract: &Value) -> Vec<(String, u16, String, String, Value)> {
    let mut found = Vec::new();
    for item in contract["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            for (status, response) in operation["responses"].as_object().unwrap() {
                let content = &resolved(contract, response)["content"]["application/json"];
                let schema = content["schema"]["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
                for (name, example) in content["examples"].as_object().unwrap() {
                    found.push((
                        id.to_owned(),
                        status.parse().unwrap(),
                        schema.to_owned(),
                        name.clone(),
                        resolved(contract, example).clone(),
                    ));
                }
            }
        }
    }
    found
}

/// Reads a value through a type and writes it again; times may be written otherwise.
fn round_trip<T: DeserializeOwned + Serialize>(value: &Value) -> Value {
    serde_json::to_value(serde_json::from_value::<T>(value.clone()).unwrap()).unwrap()
}

/// Times in one notation.
fn normal(value: &Value) -> Value {
    match value {
        Value::String(text) => match text.parse::<chrono::DateTime<chrono::Utc>>() {
            Ok(time) => time.to_rfc3339().into(),
            Err(_) => value.clone(),
        },
        Value::Array(items) => items.iter().map(normal).collect(),
        Value::Object(fields) => fields.iter().map(|(name, field)| (name.clone(), normal(field))).collect(),
        _ => value.clone(),
    }
}

#[test]
fn every_example_of_the_contract_goes_through_the_generated_types_unchanged() {
    let contract = contract();
    let examples = examples(&contract);
    assert!(examples.len() > 20, "only {} examples were found", examples.len());
    for (operation, status, schema, name, example) in examples {
        let value = &example["value"];
        let items = |round_trip: fn(&Value) -> Value| {
            let mut page = value.clone();
            page["results"] = value["results"].as_array().unwrap().iter().map(round_trip).collect();
            page
        };
        let again = match schema.as_str() {
            "Message" => round_trip::<Message>(value),
            // Errors are enums: see the test below.
            "Error" => continue,
            "IntegrationPage" => items(round_trip::<Integration>),
            "JobPage" => items(round_trip::<Job>),
            other => panic!("{operation} {status} {name}: no type is known here for the schema {other}"),
        };
        assert_eq!(normal(&again), normal(value), "{operation} {status} {name}");
    }
}

#[test]
fn the_typed_errors_are_those_of_the_contract() {
    fn listed<E: DocumentedError>() -> impl Iterator<Item = [String; 5]> {
        E::ALL.iter().map(|error| {
            [
                E::OPERATION.to_owned(),
                error.status().to_string(),
                error.name().to_owned(),
                error.message().to_owned(),
                error.help().to_owned(),
            ]
        })
    }
    let mut typed: Vec<_> = listed::<TriggerIntegrationSyncError>()
        .chain(listed::<ListIntegrationsError>())
        .chain(listed::<ListJobSyncStatusError>())
        .collect();
    let contract = contract();
    let mut documented: Vec<_> = examples(&contract)
        .into_iter()
        .filter(|(_, status, ..)| *status >= 400)
        .map(|(operation, status, _, name, example)| {
            [
                operation,
                status.to_string(),
                name,
                example["value"]["message"].as_str().unwrap().to_owned(),
                example["summary"].as_str().unwrap().to_owned(),
            ]
        })
        .collect();
    typed.sort();
    documented.sort();
    assert_eq!(typed, documented);
}

#[test]
fn the_table_of_permissions_is_that_of_the_contract() {
    let contract = contract();
    let documentation = include_str!("../src/lib.rs");
    let calls = [
        ("list_integrations", vec!["list_integrations"]),
        ("job_sync_status", vec!["list_job_sync_status"]),
        ("wait_for_job", vec!["list_job_sync_status"]),
        ("trigger_integration_sync", vec!["trigger_integration_sync"]),
        ("trigger_and_wait", vec!["trigger_integration_sync", "list_job_sync_status"]),
        ("trigger_in_turn", vec!["trigger_integration_sync", "list_job_sync_status"]),
    ];
    let operations =
        || contract["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    for (call, needed) in calls {
        let row = |line: &&str| line.starts_with("//! |") && line.contains(&format!("Client::{call})"));
        let row = documentation.lines().find(row).unwrap_or_else(|| panic!("{call} is not in the table"));
        let documented: Vec<&str> = row.rsplit(" | ").next().unwrap().split('`').skip(1).step_by(2).collect();
        let permission = |id: &&str| {
            operations().find(|operation| operation["operationId"] == *id).unwrap()["x-required-permission"].as_str()
        };
        let expected: Vec<&str> = needed.iter().filter_map(permission).collect();
        assert_eq!(documented, expected, "{call}");
    }
}

#[test]
fn the_documented_rust_version_is_that_of_the_package() {
    let sentence = format!("The crate needs Rust {} or newer", env!("CARGO_PKG_RUST_VERSION"));
    for (file, text) in [("lib.rs", include_str!("../src/lib.rs")), ("README.md", include_str!("../README.md"))] {
        assert!(text.contains(&sentence), "{file} does not say: {sentence}");
    }
}
