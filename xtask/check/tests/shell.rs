//! What a shell wants of `apidrift`: help, completion scripts, man pages.

#![allow(clippy::unwrap_used)]

use std::process::{Command, Output, Stdio};

fn apidrift(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_apidrift")).args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn completion_scripts_are_printed_for_each_shell() {
    for (shell, expected) in [("bash", "complete -F"), ("zsh", "#compdef apidrift"), ("fish", "complete -c apidrift")] {
        let output = apidrift(&["completions", shell]);
        assert!(output.status.success() && stdout(&output).contains(expected), "{output:?}");
    }
    let output = apidrift(&["completions", "none"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[cfg(unix)]
#[test]
fn bash_completes_commands_and_formats() {
    for (words, expected) in [("apidrift con", "conform"), ("apidrift check --format jun", "junit")] {
        let script = format!(
            "source <($0 completions bash); COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _apidrift apidrift \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; echo $COMPREPLY"
        );
        let mut bash = Command::new("bash");
        let output = bash.args(["-c", &script, env!("CARGO_BIN_EXE_apidrift")]).output().unwrap();
        assert_eq!(stdout(&output).trim(), expected, "{output:?}");
    }
}

#[test]
fn man_pages_are_written_into_a_folder_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let output = apidrift(&["man", folder.path().to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let page = std::fs::read_to_string(folder.path().join("apidrift-check.1")).unwrap();
    assert!(page.contains(".TH apidrift-check 1") && page.contains("Exit status:"), "{page}");
    assert!(folder.path().join("apidrift.1").is_file());
    let output = apidrift(&["man", folder.path().join("none").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be written to"), "{output:?}");
}

#[test]
fn the_help_shows_examples_that_the_program_takes() {
    let help = stdout(&apidrift(&["--help"]));
    let (_, examples) = help.split_once("Examples:\n").unwrap();
    let commands = examples.lines().filter_map(|line| line.trim().strip_prefix("apidrift "));
    let mut seen = 0;
    for line in commands {
        let command = line.split_whitespace().next().unwrap();
        assert!(apidrift(&[command, "--help"]).status.success(), "{line}");
        seen += 1;
    }
    assert!(seen >= 5, "{help}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apidrift"));
    let mut child = command.args(["completions", "bash"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
