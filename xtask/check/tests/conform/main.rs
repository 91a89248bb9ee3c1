//! `apidrift conform` as people run it, against servers of various APIs that write down each request.

#![allow(clippy::unwrap_used)]

mod callers;
mod correct;
mod library;
mod provocations;
mod requests;
mod safety;
mod seen;
mod server;
mod testbed;

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const KEY: &str = "a-key-with-every-permission";

/// A project with a contract and settings.
fn project(contract: &str, settings: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("openapi.yaml"), contract).unwrap();
    let settings = format!("[project]\ncontract = \"openapi.yaml\"\n{settings}");
    std::fs::write(folder.path().join("apidrift.toml"), settings).unwrap();
    folder
}

/// A contract with bearer authentication and these paths, indented by two.
fn contract(paths: &str) -> String {
    with_security("{type: http, scheme: bearer}", paths)
}

/// A contract with a security scheme and these paths, indented by two.
fn with_security(scheme: &str, paths: &str) -> String {
    format!(
        "openapi: 3.0.3\ninfo: {{title: T, version: '1'}}\nsecurity: [{{key: []}}]\npaths:\n{paths}\ncomponents:\n  \
         securitySchemes:\n    key: {scheme}\n  schemas:\n    Error: {{type: object, required: [message], properties: \
         {{message: {{type: string}}}}}}\n"
    )
}

/// Runs `conform` in the folder of a project, with some environment variables.
fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apidrift"));
    command.arg("conform").args(arguments).env("NO_COLOR", "1").current_dir(folder);
    command.env_remove("APIDRIFT_KEY").env_remove("APIDRIFT_KEY_WITHOUT_PERMISSION");
    command.envs(variables.iter().copied()).output().unwrap()
}

/// Asserts how a run with a key ends and what it says; returns all that it says.
#[track_caller]
fn assert_ends(folder: &Path, arguments: &[&str], code: i32, says: &[&str]) -> String {
    assert_ends_with(folder, arguments, &[("APIDRIFT_KEY", KEY)], code, says)
}

/// The same with other environment variables, whose values must not be shown.
#[track_caller]
fn assert_ends_with(folder: &Path, arguments: &[&str], variables: &[(&str, &str)], code: i32, says: &[&str]) -> String {
    let output = run(folder, arguments, variables);
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    for says in says {
        assert!(text.contains(says), "{arguments:?} does not say {says:?}: {text}");
    }
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    let shown = variables.iter().find(|(_, value)| value.len() >= 8 && text.contains(value));
    assert!(shown.is_none() && !text.contains("panicked"), "{text}");
    text
}
