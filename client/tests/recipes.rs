//! The command lines of the recipes, run as the tools that they are for run them.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod cdi;
mod scripted;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cdi::{code, ending, stderr, stdout};
use scripted::{Server, Told};

fn recipe(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes").join(name)).unwrap()
}

/// A program in an environment that has nothing but the way to `cdi`, and the server if there is one.
fn program(name: &str, server: Option<&Server>) -> Command {
    let folder = PathBuf::from(env!("CARGO_BIN_EXE_cdi")).parent().unwrap().to_owned();
    let mut command = Command::new(name);
    command
        .env_clear()
        .env("HOME", "/dev/null")
        .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display()));
    if let Some(server) = server {
        command.env("CDI_URL", &server.url).env("CDI_API_KEY", "the-key");
    }
    command
}

fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?} is needed for this test: {error}"))
}

/// The text between two others.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    text.split_once(before).unwrap().1.split_once(after).unwrap().0
}

#[test]
fn the_task_of_airflow_succeeds_only_if_the_sync_does() {
    let text = recipe("airflow_bash.py");
    let line = between(&text, "bash_command=\"", "\"");
    for (status, expected) in [("success", 0), ("partial", 1), ("error", 1)] {
        let output = output(program("bash", Some(&ending(status))).args(["-c", line]));
        assert_eq!(code(&output), expected, "{output:?}");
    }
}

#[test]
fn cron_has_something_to_mail_only_if_something_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cdi.toml");
    std::fs::write(folder.path().join("key"), "the-key").unwrap();
    std::fs::set_permissions(folder.path().join("key"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let text = recipe("crontab");
    let line = text.lines().find(|line| line.contains("* * * *")).unwrap();
    let line = line.splitn(6, ' ').last().unwrap().replace("/etc/cdi.toml", file.to_str().unwrap());
    let run = |server: &Server| {
        std::fs::write(&file, format!("[profiles.cron]\nurl = '{}'\napi_key = {{ file = 'key' }}", server.url))
            .unwrap();
        output(program("sh", None).args(["-c", &line]))
    };
    let users = cdi::integration(cdi::ID, "Users");
    let running = Server::new(move |asked| match asked.method.as_str() {
        "POST" => Told::message(429, "Another job is in progress"),
        _ => Told::page(std::slice::from_ref(&users)),
    });
    for server in [ending("success"), running] {
        let output = run(&server);
        assert_eq!((code(&output), stdout(&output), stderr(&output)), (0, "", ""));
        assert!(server.lines().iter().any(|line| line.starts_with("POST")));
    }
    let output = run(&Server::answering([Told::message(401, "Unauthorized")]));
    assert_eq!((code(&output), stdout(&output)), (3, ""));
    assert!(stderr(&output).contains("401 Unauthorized"));
}

#[test]
fn the_hook_of_dbt_takes_names_with_blanks() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cdi.toml");
    let name = "Orders of the shops";
    let users = cdi::integration(cdi::ID, name);
    let server = Server::new(move |asked| match asked.method.as_str() {
        "POST" => Told::message(202, "success"),
        _ => Told::page(std::slice::from_ref(&users)),
    });
    std::fs::write(&file, format!("[profiles.dbt]\nurl = '{}'\napi_key = {{ env = 'KEY' }}", server.url)).unwrap();
    let text = recipe("dbt/macros/trigger_sync.sql");
    let line = between(&text, "to program\n      '", "'\n").replace("/etc/cdi.toml", file.to_str().unwrap());
    // Postgres runs it with `sh`.
    let line = line.replace("{{ integration }}", name);
    let output = output(program("sh", None).env("KEY", "the-key").args(["-c", &line]));
    assert_eq!((code(&output), stdout(&output), stderr(&output)), (0, "", ""));
    assert!(server.lines().iter().any(|line| line.starts_with("POST")));
}

#[test]
fn the_job_of_github_fails_unless_the_sync_succeeds() {
    let workflow: serde_json::Value = serde_yaml::from_str(&recipe("github-actions.yml")).unwrap();
    let steps = workflow["jobs"]["sync"]["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["name"] == "Sync").unwrap();
    assert_eq!(step["env"].as_object().unwrap().len(), 2);
    for (status, expected) in [("success", 0), ("partial", 1), ("config_error", 1)] {
        let output = output(program("bash", Some(&ending(status))).args(["-e", "-c", step["run"].as_str().unwrap()]));
        assert_eq!(code(&output), expected, "{output:?}");
    }
}

#[test]
fn make_stops_unless_the_sync_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Makefile"), recipe("Makefile")).unwrap();
    std::fs::write(folder.path().join("users.csv"), "").unwrap();
    std::fs::write(folder.path().join("users.loaded"), "").unwrap();
    for (status, expected) in [("success", 0), ("error", 2)] {
        let output = output(program("make", Some(&ending(status))).arg("sync").current_dir(folder.path()));
        assert_eq!(code(&output), expected, "{output:?}");
        assert!(stdout(&output).contains(status), "{output:?}");
    }
}
