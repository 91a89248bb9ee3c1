//! Code that must not compile: an operation that returns an error which the contract does not document, and uses of
//! fault injection in the default build.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use contract_tests::cargo;

/// The compiled server library, as cargo names it.
static SERVER: LazyLock<PathBuf> = LazyLock::new(|| {
    let output =
        cargo().args(["build", "--package", "cdi-server", "--lib", "--message-format", "json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).unwrap();
    let mut messages = messages.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let is_server = |message: &serde_json::Value| {
        message["reason"] == "compiler-artifact" && message["target"]["name"] == "cdi_server"
    };
    let server = messages.find(is_server).unwrap();
    let mut files = server["filenames"].as_array().unwrap().iter().map(|file| file.as_str().unwrap());
    files.find(|file| file.ends_with(".rlib")).unwrap().into()
});

/// The compiler's error codes for an operation that returns this expression.
fn errors_with(answer: &str) -> Vec<String> {
    errors_of(&format!(
        "use cdi_server::api::generated::operation::{{list_integrations, trigger_integration_sync}};
         pub fn answer() -> Result<list_integrations::Success, list_integrations::Error> {{ Err({answer}) }}"
    ))
}

/// The compiler's error codes for a program.
fn errors_of(program: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("operation.rs");
    std::fs::write(&file, program).unwrap();
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()))
        .args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "--error-format", "json"])
        .arg("--extern")
        .arg(format!("cdi_server={}", SERVER.display()))
        .arg("-L")
        .arg(format!("dependency={}", SERVER.parent().unwrap().join("deps").display()))
        .arg("--out-dir")
        .arg(folder.path())
        .arg(&file)
        .output()
        .unwrap();
    let messages = String::from_utf8(output.stderr).unwrap();
    let codes = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).unwrap();
        // Only errors matter here; unused imports are warnings.
        if message["level"] != "error" {
            return None;
        }
        Some(message["code"]["code"].as_str()?.to_owned())
    });
    let codes: Vec<String> = codes.collect();
    assert_eq!(output.status.success(), codes.is_empty(), "{messages}");
    codes
}

#[test]
fn documented_errors_compile() {
    assert_eq!(errors_with("list_integrations::Error::InvalidCursor"), Vec::<String>::new());
    assert_eq!(errors_with("list_integrations::Error::RateLimited { retry_after: 7 }"), Vec::<String>::new());
}

#[test]
fn undocumented_errors_do_not_compile() {
    assert_eq!(
        errors_with("list_integrations::Error::JobInProgress { retry_after: None }"),
        ["E0599"],
        "no such variant"
    );
    assert_eq!(errors_with("trigger_integration_sync::Error::IntegrationNotFound"), ["E0308"], "another operation's");
    assert_eq!(errors_with("(404, \"Teapot not found\")"), ["E0308"], "made up");
}

#[test]
fn the_default_build_has_no_fault_injection() {
    let of = |code: &str| errors_of(&format!("pub fn it(_: cdi_server::{code}) {{}}"));
    assert_eq!(of("config::ApiKey"), Vec::<String>::new());
    assert_eq!(of("config::Fault"), ["E0425"], "no key can ask for one");
    assert_eq!(of("testbed::Testbed"), ["E0433"], "nor is there a testbed");
}
