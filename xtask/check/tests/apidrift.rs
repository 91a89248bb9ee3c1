//! The program `apidrift` as people run it, which has no generator. `xtask/tests/cli.rs` has what it shares with `cargo xtask`.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

use apidrift_core::rules::Rule;

fn things() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/things")
}

#[track_caller]
fn assert_ends(folder: &Path, arguments: &[&str], code: i32, says: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_apidrift"))
        .args(arguments)
        .env("NO_COLOR", "1")
        .current_dir(folder)
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    assert!(text.contains(says), "{arguments:?} does not say {says:?}: {text}");
    text
}

#[test]
fn where_there_is_no_project_it_says_what_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let text = assert_ends(folder.path(), &["check"], 2, "there is no apidrift.toml or openapi/check.toml in ");
    assert!(text.contains("`apidrift init openapi.yaml docs`"), "{text}");
    assert_ends(folder.path(), &["conform"], 2, "there is no apidrift.toml or openapi/check.toml in ");
}

#[test]
fn everything_but_generated_code_is_compared_from_any_folder_of_the_project() {
    let says = "the generated code was not compared: this program has no generator; use `xtask check`";
    let text = assert_ends(&things().join("openapi/reference"), &["check"], 2, says);
    assert_eq!(text.matches("could not check").count(), 1, "{text}");
    assert!(!text.contains("error["), "{text}");
}

#[test]
fn rules_are_listed_and_explained_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let listed = assert_ends(folder.path(), &["rules"], 0, "page/body");
    assert_eq!(listed.lines().count(), Rule::ALL.len());
    assert_ends(folder.path(), &["rules", "page/body"], 0, "page/body (error)");
    assert_ends(folder.path(), &["rules", "page/boddy"], 2, "only `page/body`; `apidrift check --rules` lists them");
    assert_ends(folder.path(), &["check", "--help"], 0, "apidrift check --against main");
}
