//! The action for GitHub's workflows: what GitHub demands of its file, and its scripts as GitHub runs them.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use common::{example, here, replace};
use serde_yaml::Value;

fn action() -> Value {
    serde_yaml::from_str(&std::fs::read_to_string(here().join("action.yml")).unwrap()).unwrap()
}

fn steps() -> Vec<Value> {
    action()["runs"]["steps"].as_sequence().unwrap().clone()
}

#[track_caller]
fn assert_keys(value: &Value, known: &[&str], needed: &[&str]) {
    let mapping = value.as_mapping().unwrap();
    for (key, _) in mapping {
        assert!(known.contains(&key.as_str().unwrap()), "GitHub does not know {key:?} in {value:?}");
    }
    for key in needed {
        assert!(mapping.contains_key(*key), "GitHub wants {key} in {value:?}");
    }
}

/// GitHub's "Metadata syntax for GitHub Actions", of composite actions.
#[test]
fn the_file_has_what_github_demands_and_nothing_else() {
    let action = action();
    let top = ["name", "description", "author", "branding", "inputs", "outputs", "runs"];
    assert_keys(&action, &top, &["name", "description", "runs"]);
    assert_keys(&action["branding"], &["icon", "color"], &[]);
    let inputs = action["inputs"].as_mapping().unwrap();
    for (name, input) in inputs {
        assert_keys(input, &["description", "required", "default", "deprecationMessage"], &["description"]);
        assert!(input["default"].is_string() && input["required"] == false, "{name:?}");
    }
    for (_, output) in action["outputs"].as_mapping().unwrap() {
        assert_keys(output, &["description", "value"], &["description", "value"]);
    }
    assert_keys(&action["runs"], &["using", "steps"], &["using", "steps"]);
    assert_eq!(action["runs"]["using"], "composite");
    for step in steps() {
        let known =
            ["name", "id", "if", "uses", "with", "run", "shell", "env", "working-directory", "continue-on-error"];
        assert_keys(&step, &known, &["name"]);
        assert_ne!(step.get("run").is_some(), step.get("uses").is_some(), "a step runs or uses: {step:?}");
        assert_eq!(step.get("run").is_some(), step.get("shell").is_some(), "a script needs a shell: {step:?}");
    }
}

#[test]
fn no_script_holds_an_expression() {
    for step in steps() {
        if let Some(script) = step.get("run") {
            assert!(!script.as_str().unwrap().contains("${{"), "what is put into a script is run by it: {step:?}");
        }
    }
}

#[test]
fn every_input_is_used_and_every_expression_names_something_that_there_is() {
    let text = std::fs::read_to_string(here().join("action.yml")).unwrap();
    let action = action();
    for (name, _) in action["inputs"].as_mapping().unwrap() {
        assert!(text.contains(&format!("${{{{ inputs.{} }}}}", name.as_str().unwrap())), "{name:?}");
    }
    for expression in text.split("${{").skip(1).map(|rest| rest.split_once("}}").unwrap().0.trim()) {
        match expression.split('.').collect::<Vec<_>>()[..] {
            ["inputs", name] => assert!(!action["inputs"][name].is_null(), "{expression}"),
            ["steps", id, "outputs", _] => assert!(steps().iter().any(|step| step["id"] == id), "{expression}"),
            ["runner", "temp" | "os" | "arch"] => {}
            _ => panic!("{expression} is nothing that is known here"),
        }
    }
}

/// What a run of the action has come to.
struct Run {
    code: i32,
    said: String,
    outputs: BTreeMap<String, String>,
}

/// Runs the scripts of the action in a folder, with `cargo` a program that copies the tested one and keeps what it was told.
fn run(workspace: &Path, inputs: &[(&str, &str)]) -> Run {
    let temp = tempfile::tempdir().unwrap();
    let (bin, output) = (temp.path().join("bin"), temp.path().join("output"));
    std::fs::create_dir(&bin).unwrap();
    let cargo = bin.join("cargo");
    let script = format!(
        "#!/bin/sh\n[ \"$1 $2 $3 $4 $5\" = 'install --locked --path . --root' ] || exit 9\n[ -f action.yml ] || exit 8\n\
         mkdir -p \"$6/bin\" && cp '{}' \"$6/bin/apidrift\"\n",
        env!("CARGO_BIN_EXE_apidrift")
    );
    std::fs::write(&cargo, script).unwrap();
    std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let given: BTreeMap<&str, &str> = inputs.iter().copied().collect();
    let declared = action();
    let mut run = Run { code: 0, said: String::new(), outputs: BTreeMap::new() };
    for step in steps() {
        let Some(script) = step.get("run").and_then(Value::as_str) else { continue };
        assert_eq!(step["shell"], "bash");
        let value = |text: &str| match text.strip_prefix("${{ inputs.").and_then(|text| text.strip_suffix(" }}")) {
            Some(name) => {
                let usual = declared["inputs"][name]["default"].as_str().unwrap();
                given.get(name).copied().unwrap_or(usual).to_owned()
            }
            None => text.to_owned(),
        };
        let file = temp.path().join("script.sh");
        std::fs::write(&file, script).unwrap();
        std::fs::write(&output, "").unwrap();
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-e", "-o", "pipefail"]).arg(&file);
        command.env("PATH", &path).env("RUNNER_TEMP", temp.path()).env("GITHUB_OUTPUT", &output);
        command.env("GITHUB_ACTION_PATH", here()).env("GITHUB_WORKSPACE", workspace);
        for (name, text) in step.get("env").and_then(Value::as_mapping).into_iter().flatten() {
            command.env(name.as_str().unwrap(), value(text.as_str().unwrap()));
        }
        let folder = step.get("working-directory").and_then(Value::as_str).map_or(".".to_owned(), value);
        let ended = command.current_dir(workspace.join(folder)).output().unwrap();
        run.said.push_str(&String::from_utf8_lossy(&ended.stdout));
        run.said.push_str(&String::from_utf8_lossy(&ended.stderr));
        for line in std::fs::read_to_string(&output).unwrap().lines() {
            let (name, text) = line.split_once('=').unwrap();
            run.outputs.insert(name.to_owned(), text.to_owned());
        }
        run.code = ended.status.code().unwrap();
        if run.code != 0 {
            break;
        }
    }
    run
}

#[track_caller]
fn assert_ends(run: &Run, code: i32, says: &str) {
    assert_eq!(run.code, code, "{}", run.said);
    assert!(run.said.contains(says), "{}", run.said);
    assert_eq!(run.outputs.get("status"), Some(&code.to_string()), "{:?}", run.outputs);
}

#[test]
fn a_clean_contract_passes_and_a_drifted_page_fails() {
    let folder = example();
    let inputs = [("contract", "openapi.yaml")];
    assert_ends(&run(folder.path(), &inputs), 0, "::notice title=compared::5 operations");
    let inputs = [("contract", "openapi.yaml"), ("docs", "docs")];
    let found = run(folder.path(), &inputs);
    assert_ends(&found, 1, "::error file=docs/stations.md,line=");
    assert!(found.said.contains("title=page/parameter-extra::"), "{}", found.said);
    let version = &found.outputs["version"];
    assert!(version.len() == 40 && version.bytes().all(|byte| byte.is_ascii_hexdigit()), "{version}");
}

#[test]
fn without_inputs_the_settings_are_meant() {
    let folder = example();
    assert_ends(&run(folder.path(), &[]), 2, "there is no apidrift.toml");
    std::fs::write(folder.path().join("apidrift.toml"), "[project]\ncontract = \"openapi.yaml\"\n").unwrap();
    assert_ends(&run(folder.path(), &[]), 0, "::notice title=compared::5 operations");
}

#[test]
fn names_with_blanks_quotes_and_commands_are_only_names() {
    let folder = example();
    let odd = "it's a \"$(touch ran)\" `touch ran`; touch ran";
    std::fs::create_dir(folder.path().join("my api")).unwrap();
    let sub = folder.path().join("my api");
    std::fs::rename(folder.path().join("openapi.yaml"), sub.join(format!("{odd}.yaml"))).unwrap();
    std::fs::rename(folder.path().join("docs"), sub.join(odd)).unwrap();
    let contract = format!("{odd}.yaml");
    let inputs = [
        ("working-directory", "my api"),
        ("contract", contract.as_str()),
        ("docs", odd),
        ("arguments", "--coverage\n--color=never\r\n\n"),
        ("format", "human"),
        ("sarif", "drift 'of' today.sarif"),
    ];
    let found = run(folder.path(), &inputs);
    assert_ends(&found, 1, "comparisons made: contract, pages");
    assert!(!sub.join("ran").exists() && !folder.path().join("ran").exists(), "{}", found.said);
    let sarif = std::fs::read_to_string(sub.join("drift 'of' today.sarif")).unwrap();
    let sarif: serde_json::Value = serde_json::from_str(&sarif).unwrap();
    assert!(!sarif["runs"][0]["results"].as_array().unwrap().is_empty());
}

#[test]
fn an_earlier_contract_is_compared_and_options_are_not_made_of_values() {
    let folder = example();
    std::fs::copy(folder.path().join("openapi.yaml"), folder.path().join("-old one.yaml")).unwrap();
    replace(&folder.path().join("openapi.yaml"), "name: city", "name: town");
    let inputs = [("contract", "openapi.yaml"), ("against", "-old one.yaml")];
    assert_ends(&run(folder.path(), &inputs), 1, "title=compat/parameter-required");
    let inputs = [("contract", "--rules")];
    assert_ends(&run(folder.path(), &inputs), 2, "--rules");
}

#[test]
fn what_cannot_be_meant_is_said() {
    let folder = example();
    assert_ends(&run(folder.path(), &[("docs", "docs")]), 2, "the input docs needs the input contract");
    let inputs = [("contract", "openapi.yaml"), ("format", "pdf")];
    assert_ends(&run(folder.path(), &inputs), 2, "junit");
}
