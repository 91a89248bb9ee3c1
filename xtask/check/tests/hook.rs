//! The hooks for pre-commit: their file, and what they run.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use common::{copy, example, here, top};
use serde_yaml::Value;

fn hooks() -> Vec<Value> {
    let text = std::fs::read_to_string(top().join(".pre-commit-hooks.yaml")).unwrap();
    serde_yaml::from_str::<Value>(&text).unwrap().as_sequence().unwrap().clone()
}

#[test]
fn each_hook_says_what_pre_commit_wants() {
    for hook in hooks() {
        for key in ["id", "name", "entry", "language", "files"] {
            assert!(hook[key].is_string(), "{key} of {hook:?}");
        }
        // The check compares whole folders: names of single files would be taken for a contract.
        assert_eq!(hook["pass_filenames"], false);
        let files = regex::Regex::new(hook["files"].as_str().unwrap()).unwrap();
        for (name, is_meant) in [
            ("openapi.yaml", true),
            ("docs/es/rentals.md", true),
            ("site/page.mdx", true),
            ("apidrift.toml", true),
            ("src/main.rs", false),
            ("Cargo.toml", false),
        ] {
            assert_eq!(files.is_match(name), is_meant, "{name}");
        }
    }
}

/// Runs what a hook names, from a clone of this repository that has nothing but the hook's script, with `cargo` a program that
/// copies the tested one and counts.
fn run(hook: &Value, clone: &Path, project: &Path) -> Output {
    let bin = clone.join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::create_dir_all(clone.join("xtask/check")).unwrap();
    std::fs::copy(here().join("hook"), clone.join("xtask/check/hook")).unwrap();
    let tested = env!("CARGO_BIN_EXE_apidrift");
    let script = format!(
        "#!/bin/sh\necho once >> '{}'\n[ \"$1 $2 $3 $4 $5 $6\" = 'install --quiet --locked --path . --root' ] || exit 9\n\
         mkdir -p \"$7/bin\" && cp '{tested}' \"$7/bin/apidrift\"\n",
        clone.join("installs").display()
    );
    std::fs::write(bin.join("cargo"), script).unwrap();
    std::fs::set_permissions(bin.join("cargo"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let _ = std::fs::remove_file(bin.join("apidrift"));
    std::os::unix::fs::symlink(tested, bin.join("apidrift")).unwrap();
    let entry = hook["entry"].as_str().unwrap();
    // `script`: a path in the clone; `system`: a program on the PATH.
    let mut command = match hook["language"].as_str().unwrap() {
        "script" => Command::new(clone.join(entry)),
        "system" => Command::new(bin.join(entry)),
        other => panic!("nothing is known here of the language {other}"),
    };
    command.args(hook["args"].as_sequence().unwrap().iter().map(|argument| argument.as_str().unwrap()));
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    command.current_dir(project).env("PATH", path).output().unwrap()
}

#[test]
fn each_hook_checks_the_project_and_builds_the_program_once() {
    for hook in hooks() {
        let (clone, project) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let clone = clone.path().join("a clone");
        copy(example().path(), project.path());
        std::fs::write(project.path().join("apidrift.toml"), "[project]\ncontract = \"openapi.yaml\"\n").unwrap();
        let clean = run(&hook, &clone, project.path());
        assert_eq!(clean.status.code(), Some(0), "{clean:?}");
        let settings = "[project]\ncontract = \"openapi.yaml\"\npages = \"docs\"\n";
        std::fs::write(project.path().join("apidrift.toml"), settings).unwrap();
        let drifted = run(&hook, &clone, project.path());
        assert_eq!(drifted.status.code(), Some(1), "{drifted:?}");
        assert!(String::from_utf8_lossy(&drifted.stdout).contains("error[page/parameter-extra]"), "{drifted:?}");
        let installs = std::fs::read_to_string(clone.join("installs")).unwrap_or_default();
        let wanted = if hook["language"] == "script" { "once\n" } else { "" };
        assert_eq!(installs, wanted, "{hook:?}");
    }
}
