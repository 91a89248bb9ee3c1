//! Schemathesis on the same servers, as somebody uses it who knows it: with the credentials in its settings, and in its default
//! phases.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use apidrift_core::contract::Contract;
use openapi_model::document::{Location, SchemeKind};
use serde_json::Value as Json;

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
    std::fs::write(folder.join("schemathesis.toml"), settings(&known.contract, &known.secret)?)?;
    let report = folder.join("report.json");
    let _ = std::fs::remove_file(&report);
    let mut command = Command::new(program);
    command
        .args(["--config-file", "schemathesis.toml", "run"])
        .arg(&known.file)
        .args(["--url", url, "--no-color", "--max-examples", EXAMPLES, "--seed", &known.seed.to_string()])
        .args(["--continue-on-failure", "--workers", "1", "--report", "json", "--report-json-path", "report.json"])
        .args(headers(&known.contract, &known.secret).into_iter().flat_map(|header| ["--header".to_owned(), header]))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    for id in operations {
        let operation = known.contract.operations.iter().find(|operation| *operation.id == **id);
        command.args(operation.map(|operation| format!("--include-name={}", operation.call())));
    }
    let said = super::super::limited(&mut command, LONGEST)?;
    let mut reported = Reported { seconds: began.elapsed().as_secs_f64(), ..Reported::default() };
    match std::fs::read(&report) {
        Ok(text) => read(&serde_json::from_slice(&text)?, &known.contract, &mut reported),
        Err(_) => {
            let said = said.map_or("it took too long".to_owned(), |said| said.stdout.chars().take(500).collect());
            reported.untested.push(said);
        }
    }
    Ok(reported)
}

/// What a report says of each operation.
fn read(report: &Json, contract: &Contract, reported: &mut Reported) {
    for failure in report["failures"].as_array().into_iter().flatten() {
        let call = failure["operation"].as_str().unwrap_or_default();
        let operation = contract.operations.iter().find(|operation| operation.call() == call);
        let id = operation.map_or(call.to_owned(), |operation| operation.id.value.clone());
        let text = |name: &str| failure[name].as_str().unwrap_or_default().to_owned();
        reported.findings.entry(id).or_default().insert(text("title"), text("message"));
    }
    for error in report["errors"].as_array().into_iter().flatten() {
        reported.untested.push(error.to_string().chars().take(300).collect());
    }
}

/// Settings with the credentials of all schemes that have settings.
fn settings(contract: &Contract, secret: &str) -> anyhow::Result<String> {
    let mut schemes = toml::Table::new();
    for scheme in &contract.document.security_schemes {
        let mut own = toml::Table::new();
        match &scheme.kind {
            SchemeKind::ApiKey { .. } => drop(own.insert("api_key".to_owned(), secret.into())),
            SchemeKind::Http { scheme } if scheme == "bearer" => drop(own.insert("bearer".to_owned(), secret.into())),
            SchemeKind::Http { scheme } if scheme == "basic" => {
                let (user, password) = secret.split_once(':').context("the secret is a user and a password")?;
                own.insert("username".to_owned(), user.into());
                own.insert("password".to_owned(), password.into());
            }
            _ => continue,
        }
        schemes.insert(scheme.name.value.clone(), own.into());
    }
    let auth = toml::Table::from_iter([("openapi".to_owned(), toml::Value::Table(schemes))]);
    let database = toml::Table::from_iter([("database".to_owned(), toml::Value::from("none"))]);
    let all = toml::Table::from_iter([
        ("auth".to_owned(), auth.into()),
        ("generation".to_owned(), toml::Value::Table(database)),
    ]);
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
