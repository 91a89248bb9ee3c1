//! Schemathesis on the same servers, as somebody uses it who knows it: with the credentials in its settings, and in its default
//! phases.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use apidrift_core::contract::Contract;
use openapi_model::document::{Location, SchemeKind};
use serde_json::{Value as Json, json};

use super::routes::credential;
use super::tested::{Known, Reported};

/// How many requests are generated for an operation.
const EXAMPLES: &str = "40";
/// The time limit of a run.
const LONGEST: Duration = Duration::from_secs(240);

/// Tests operations of a server with Schemathesis. `program` is its path, and `folder` one for what it needs and writes.
///
/// # Errors
///
/// If it cannot be run.
pub fn test(
    program: &Path,
    folder: &Path,
    known: &Known,
    url: &str,
    operations: &[String],
) -> anyhow::Result<Reported> {
    let began = Instant::now();
    std::fs::write(folder.join("schemathesis.toml"), settings(known)?)?;
    let report = folder.join("events.ndjson");
    let _ = std::fs::remove_file(&report);
    let mut command = Command::new(program);
    command
        .args(["--config-file", "schemathesis.toml", "run"])
        .arg(&known.file)
        .args(["--url", url, "--no-color", "--max-examples", EXAMPLES, "--seed", &known.seed.to_string()])
        .args([
            "--continue-on-failure",
            "--workers",
            "1",
            "--report",
            "ndjson",
            "--report-ndjson-path",
            "events.ndjson",
        ])
        .args(headers(&known.contract, &known.secret).into_iter().flat_map(|header| ["--header".to_owned(), header]))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    for id in operations {
        let operation = known.contract.operations.iter().find(|operation| *operation.id == **id);
        command.args(operation.map(|operation| format!("--include-name={}", operation.endpoint())));
    }
    let said = super::super::limited(&mut command, LONGEST)?;
    let mut reported = Reported { seconds: began.elapsed().as_secs_f64(), ..Reported::default() };
    match std::fs::read(&report) {
        Ok(text) => {
            let events = serde_json::Deserializer::from_slice(&text).into_iter::<Json>();
            events.flatten().for_each(|event| read(&event, &known.contract, &mut reported));
        }
        Err(_) => {
            let said = said.map_or("it took too long".to_owned(), |said| said.stdout.chars().take(500).collect());
            reported.untested.push(said);
        }
    }
    Ok(reported)
}

/// The failures in an event, each with the operation that it is about.
fn read(event: &Json, contract: &Contract, reported: &mut Reported) {
    let parts: Vec<&Json> = match event {
        Json::Array(items) => items.iter().collect(),
        Json::Object(fields) => fields.values().collect(),
        _ => return,
    };
    if let Some(call) = event.pointer("/failure/operation").and_then(Json::as_str) {
        let operation = contract.operations.iter().find(|operation| operation.endpoint() == call);
        let id = operation.map_or(call.to_owned(), |operation| operation.id.value.clone());
        let text = |name: &str| event["failure"][name].as_str().unwrap_or_default();
        let what = format!("{}: {}", text("title"), text("message").lines().next().unwrap_or_default());
        reported.findings.entry(id).or_default().insert(what, text("message").to_owned());
    }
    parts.into_iter().for_each(|part| read(part, contract, reported));
}

/// Settings with the credentials of all schemes that have settings, and the values that exist in paths, which half of the requests
/// have.
fn settings(known: &Known) -> anyhow::Result<String> {
    let mut schemes = serde_json::Map::new();
    let (user, password) = known.secret.split_once(':').context("the secret is a user and a password")?;
    for scheme in &known.contract.document.security_schemes {
        let own = match &scheme.kind {
            SchemeKind::ApiKey { .. } => json!({ "api_key": known.secret }),
            SchemeKind::Http { scheme } if scheme == "bearer" => json!({ "bearer": known.secret }),
            SchemeKind::Http { scheme } if scheme == "basic" => json!({ "username": user, "password": password }),
            _ => continue,
        };
        schemes.insert(scheme.name.value.clone(), own);
    }
    let (mut dictionaries, mut operations) = (serde_json::Map::new(), Vec::new());
    for operation in &known.contract.operations {
        let values = known.values.get(operation.id.as_str()).and_then(Json::as_object);
        let mut own = serde_json::Map::new();
        for (name, value) in values.into_iter().flatten().filter(|(_, value)| value.is_string() || value.is_number()) {
            let dictionary = format!("value{}", dictionaries.len());
            own.insert(format!("path.{name}"), json!({ "dictionary": dictionary, "probability": 0.5 }));
            dictionaries.insert(dictionary, json!({ "values": [value] }));
        }
        if !own.is_empty() {
            operations.push(json!({ "include-name": operation.endpoint(), "parameters": own }));
        }
    }
    let mut all = json!({ "generation": { "database": "none" } });
    let parts = [
        ("auth", json!({ "openapi": schemes }), schemes.is_empty()),
        ("dictionaries", dictionaries.clone().into(), dictionaries.is_empty()),
        ("operations", operations.clone().into(), operations.is_empty()),
    ];
    for (name, part, _) in parts.into_iter().filter(|(.., is_empty)| !is_empty) {
        all[name] = part;
    }
    Ok(toml::to_string(&all)?)
}

/// The headers with the credentials of the other schemes.
fn headers(contract: &Contract, secret: &str) -> Vec<String> {
    let schemes = &contract.document.security_schemes;
    let others =
        schemes.iter().filter(|it| matches!(it.kind, SchemeKind::OAuth2 { .. } | SchemeKind::OpenIdConnect(_)));
    let credential = others.filter_map(|it| credential(&contract.document, &it.name, secret)).next();
    let credential = credential.filter(|credential| credential.location == Location::Header);
    credential.map(|credential| format!("{}: {}", credential.name, credential.value)).into_iter().collect()
}
