//! The guide (`README.md`): its commands are run, in the order in which they stand, and print what it shows.
//!
//! With `UPDATE_GENERATED=1` what they print is written into it.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::process::Command;

use apidrift::render::Format;
use apidrift_core::profile::Requirement;
use apidrift_core::settings::Project;
use clap::ValueEnum as _;
use common::{example, here, top};
use openapi_model::source::Source;
use serde_yaml::Value;

fn guide() -> String {
    std::fs::read_to_string(here().join("README.md")).unwrap()
}

/// The blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    let guide = guide();
    guide.split(&opening).skip(1).map(|rest| rest.split_once("```").unwrap().0.to_owned()).collect()
}

/// Runs the commands of a block, each after the other with its exit status in `$?`, and writes down what they print.
fn transcript(block: &str, folder: &Path, status: &mut i32) -> String {
    let mut text = String::new();
    let bin = Path::new(env!("CARGO_BIN_EXE_apidrift")).parent().unwrap().to_owned();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    for command in block.lines().filter_map(|line| line.strip_prefix("$ ")) {
        let script = format!("exec 2>&1; (exit {status}); {command}");
        let mut bash = Command::new("bash");
        bash.args(["-c", &script]).current_dir(folder).env("PATH", &path).env("NO_COLOR", "1");
        let output = bash.output().unwrap();
        *status = output.status.code().unwrap();
        text.push_str(&format!("$ {command}\n{}", String::from_utf8_lossy(&output.stdout)));
    }
    text
}

#[test]
fn commands_print_what_is_shown() {
    let guide = guide();
    let folder = example();
    let mut printed = String::new();
    let mut status = 0;
    let mut parts = guide.split("```console\n");
    printed.push_str(parts.next().unwrap());
    for part in parts {
        let (block, rest) = part.split_once("```").unwrap();
        printed.push_str(&format!("```console\n{}```{rest}", transcript(block, folder.path(), &mut status)));
    }
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        return std::fs::write(here().join("README.md"), &printed).unwrap();
    }
    let difference = similar::TextDiff::from_lines(guide.as_str(), printed.as_str());
    assert!(
        guide == printed,
        "the guide shows something else than is printed; run this test with UPDATE_GENERATED=1 and look at the difference:\n{}",
        difference.unified_diff()
    );
}

/// The keys that the settings know, by what is said of one that they do not know.
fn keys(settings: &str) -> Vec<String> {
    let said = Project::parse(Path::new("."), Source::new("apidrift.toml", settings.to_owned())).unwrap_err();
    let known = said.split_once("expected").unwrap().1;
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_key_of_the_settings_is_explained() {
    let guide = guide();
    let unknown = [
        "[project]\ncontract = \"a\"\nnone = 1\n",
        "[project]\ncontract = \"a\"\n[profile]\nnone = 1\n",
        "[project]\ncontract = \"a\"\n[[allow]]\nnone = 1\n",
    ];
    let keys: Vec<String> = unknown.into_iter().flat_map(keys).collect();
    assert!(keys.len() > 15, "{keys:?}");
    let requirements = Requirement::ALL.iter().map(|requirement| requirement.name().to_owned());
    for key in keys.into_iter().chain(requirements) {
        assert!(guide.contains(&format!("`{key}`")), "`{key}` is not explained");
    }
}

#[test]
fn every_format_is_explained() {
    for format in Format::value_variants() {
        let name = format.to_possible_value().unwrap().get_name().to_owned();
        assert!(guide().contains(&format!("| `{name}` |")), "{name}");
    }
}

#[test]
fn settings_that_are_shown_are_taken() {
    for block in blocks("toml") {
        let text = if block.contains("[project]") { block } else { format!("[project]\ncontract = \"a\"\n{block}") };
        Project::parse(Path::new("."), Source::new("apidrift.toml", text)).unwrap();
    }
}

#[test]
fn workflows_and_hooks_that_are_shown_name_what_there_is() {
    let read =
        |file: &str| -> Value { serde_yaml::from_str(&std::fs::read_to_string(top().join(file)).unwrap()).unwrap() };
    let (action, hooks) = (read("xtask/check/action.yml"), read(".pre-commit-hooks.yaml"));
    let (mut actions, mut repositories) = (0, 0);
    for block in blocks("yaml") {
        let block: Value = serde_yaml::from_str(&block).unwrap();
        for job in block["jobs"].as_mapping().into_iter().flat_map(|jobs| jobs.values()) {
            for step in job["steps"].as_sequence().unwrap() {
                if step["uses"].as_str().is_some_and(|uses| uses.contains("/xtask/check@")) {
                    actions += 1;
                    for (input, _) in step["with"].as_mapping().into_iter().flatten() {
                        assert!(!action["inputs"][input].is_null(), "the action has no input {input:?}");
                    }
                }
            }
        }
        for hook in block["repos"].as_sequence().into_iter().flatten().flat_map(|it| it["hooks"].as_sequence().unwrap())
        {
            repositories += 1;
            assert!(hooks.as_sequence().unwrap().iter().any(|known| known["id"] == hook["id"]), "{hook:?}");
        }
    }
    assert!(actions > 0 && repositories > 0);
}

#[test]
fn links_lead_to_files_that_are_there() {
    for link in guide().split("](").skip(1).map(|rest| rest.split_once(')').unwrap().0.to_owned()) {
        let file = link.split('#').next().unwrap();
        if file.starts_with("https://") {
            continue;
        }
        assert!(file.is_empty() || here().join(file).exists(), "{link}");
    }
}
