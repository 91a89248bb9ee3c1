//! What shells complete, asked as their scripts ask.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod cdi;
mod scripted;

use std::process::Command;

use cdi::{ID, bare, code, integration, stderr, stdout, without_settings};
use scripted::{Server, Told, nobody};
use tempfile::TempDir;

const ORDERS: &str = "11111111-1111-1111-1111-111111111111";

const HARMFUL: &str = "33333333-3333-3333-3333-333333333333";

fn server() -> Server {
    Server::answering([Told::page(&[
        integration(ID, "Users"),
        integration(ORDERS, "Orders of the shops"),
        integration("22222222-2222-2222-2222-222222222222", "-x"),
        integration(HARMFUL, "$(touch harmed)"),
    ])])
}

/// Asks as the script of a shell does, with the last word as the one to complete; what it is given.
fn asked(shell: &str, url: &str, home: &TempDir, words: &[&str]) -> Vec<String> {
    let mut command = bare(&["--"]);
    command.args(words).env("_CDI_COMPLETE", shell).env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string());
    command.env("_CLAP_IFS", "\n").env("HOME", home.path()).env("CDI_URL", url).env("CDI_API_KEY", "the-key");
    let output = command.output().unwrap();
    assert_eq!((code(&output), stderr(&output)), (0, ""), "{output:?}");
    stdout(&output).lines().map(str::to_owned).collect()
}

/// What bash completes in a word as it was typed.
fn completed_by_bash(server: &Server, home: &TempDir, typed: &str, word: &str) -> String {
    let script = format!(
        "source <($0 completion bash); COMP_WORDS=(cdi trigger {typed:?}) COMP_CWORD=2; \
         _clap_complete_cdi cdi {word:?} trigger; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let mut bash = Command::new("bash");
    without_settings(&mut bash);
    bash.args(["-c", &script, env!("CARGO_BIN_EXE_cdi")]).env("HOME", home.path());
    let output = bash.env("CDI_URL", &server.url).env("CDI_API_KEY", "the-key").output().unwrap();
    assert_eq!(stderr(&output), "", "{output:?}");
    stdout(&output).to_owned()
}

#[test]
fn bash_completes_names_and_escapes_them() {
    let (server, home) = (server(), tempfile::tempdir().unwrap());
    assert_eq!(completed_by_bash(&server, &home, "Us", "Us"), "Users\n");
    assert_eq!(completed_by_bash(&server, &home, "Or", "Or"), "Orders\\ of\\ the\\ shops\n");
    assert_eq!(completed_by_bash(&server, &home, "Orders\\ o", "Orders\\ o"), "Orders\\ of\\ the\\ shops\n");
    assert_eq!(completed_by_bash(&server, &home, "\"Orders o", "Orders o"), "Orders of the shops\n");
    assert_eq!(completed_by_bash(&server, &home, "1111", "1111"), format!("{ORDERS}\n"));
    assert_eq!(completed_by_bash(&server, &home, "--wa", "--wa"), "--wait\n");
    assert_eq!(server.lines(), ["GET /cdi/integrations"], "the rest is from the cache");
}

#[test]
fn every_shell_is_given_the_names() {
    let (server, home) = (server(), tempfile::tempdir().unwrap());
    for (shell, expected) in [
        ("zsh", "Orders of the shops"),
        ("fish", "Orders of the shops"),
        ("elvish", "Orders of the shops"),
        // It would insert the name as it is.
        ("powershell", "11111111-1111-1111-1111-111111111111\tOrders of the shops"),
        ("bash", "Orders\\ of\\ the\\ shops"),
    ] {
        for command in ["trigger", "status", "jobs"] {
            let given = asked(shell, &server.url, &home, &["cdi", command, "Or"]);
            assert_eq!(given, [expected], "{shell} {command}");
        }
        let script = bare(&["completion", shell]).output().unwrap();
        assert!(code(&script) == 0 && stdout(&script).contains("_CDI_COMPLETE"), "{script:?}");
    }
    // Only IDs are offered for what would be taken for an option, and they say whose they are.
    assert_eq!(
        asked("fish", &server.url, &home, &["cdi", "status", "2222"]),
        ["22222222-2222-2222-2222-222222222222\t-x"]
    );
}

#[test]
fn a_name_that_powershell_would_run_is_left_to_its_id() {
    let (server, home) = (server(), tempfile::tempdir().unwrap());
    let given = |word: &str| asked("powershell", &server.url, &home, &["cdi", "trigger", word]);
    assert_eq!(given("Us"), ["Users"]);
    assert_eq!(given("$"), [format!("{HARMFUL}\t$(touch harmed)")]);
    assert_eq!(given("3333"), [format!("{HARMFUL}\t$(touch harmed)")]);
    let all = given("");
    assert_eq!(all[0], "Users", "{all:?}");
    let named = |one: &String| ["Orders", "-x", "$("].iter().any(|name| one.starts_with(name));
    assert!(!all.iter().any(named) && all.iter().any(|one| one.starts_with(HARMFUL)), "{all:?}");
    assert_eq!(asked("fish", &server.url, &home, &["cdi", "trigger", "$"]), ["$(touch harmed)"]);
}

#[test]
fn the_options_before_the_word_count() {
    let (server, home) = (server(), tempfile::tempdir().unwrap());
    let words = ["cdi", "--url", &server.url, "trigger", "Us"];
    assert_eq!(asked("fish", "http://127.0.0.1:9", &home, &words), ["Users"]);
    let words = ["cdi", "trigger", "--wait", "--url", &server.url, "Us"];
    assert_eq!(asked("fish", "http://127.0.0.1:9", &home, &words), ["Users"]);
}

#[test]
fn values_and_help_topics_are_completed() {
    let home = tempfile::tempdir().unwrap();
    let values = |words: &[&str]| asked("bash", "", &home, words);
    assert_eq!(values(&["cdi", "trigger", "--if-running", ""]), ["fail", "wait", "ignore"]);
    assert_eq!(values(&["cdi", "trigger", "--js"]), ["--json"]);
    assert_eq!(values(&["cdi", "help", "ex"]), ["exit-codes"]);
    assert_eq!(values(&["cdi", "auth", "s"]), ["status"]);
    // A variable that other programs use as well changes nothing.
    let output = bare(&["help", "exit-codes"]).env("COMPLETE", "1").output().unwrap();
    assert!(code(&output) == 0 && stdout(&output).starts_with("Exit codes:"), "{output:?}");
}

#[test]
fn profiles_are_completed_from_the_configuration_file() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config/cdi");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), "[profiles.live]\nurl = 'x'\n[profiles.staging]\nurl = 'y'").unwrap();
    assert_eq!(asked("fish", "", &home, &["cdi", "list", "--profile", ""]), ["live", "staging"]);
}

#[test]
fn where_nothing_is_known_nothing_is_completed_and_nothing_is_said() {
    let home = tempfile::tempdir().unwrap();
    let none: [&str; 0] = [];
    let hanging = Server::answering([Told::hang()]);
    let refusing = Server::answering([Told::message(401, "Unauthorized")]);
    for url in ["", "nonsense", &nobody(), &refusing.url, &hanging.url] {
        assert_eq!(asked("fish", url, &home, &["cdi", "trigger", "Us"]), none, "{url}");
    }
}

#[test]
fn old_names_are_better_than_none() {
    let home = tempfile::tempdir().unwrap();
    let mut looks = 0;
    let server = Server::new(move |_| {
        looks += 1;
        if looks == 1 {
            Told::page(&[integration(ID, "Users")])
        } else {
            Told::message(503, "Service Unavailable").header("retry-after", 1000)
        }
    });
    assert_eq!(asked("fish", &server.url, &home, &["cdi", "trigger", "Us"]), ["Users"]);
    let [file] = &home.path().join(".cache/cdi").read_dir().unwrap().collect::<Vec<_>>()[..] else { panic!() };
    let file = std::fs::File::options().append(true).open(file.as_ref().unwrap().path()).unwrap();
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(3600)).unwrap();
    assert_eq!(asked("fish", &server.url, &home, &["cdi", "trigger", "Us"]), ["Users"]);
    assert_eq!(server.asked().len(), 2);
}
