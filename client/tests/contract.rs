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
