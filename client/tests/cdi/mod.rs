//! Runs `cdi` against a scripted server, away from the settings of whoever runs the tests.

#![allow(dead_code)] // Each test binary uses its part.

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::scripted::{Server, Told};

pub const ID: &str = "00000000-0000-0000-0000-000000000000";
pub const STARTED: &str = "2026-11-23T20:44:04.000123Z";

/// A command that knows nothing but its arguments, and has neither configuration nor cache.
pub fn bare(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cdi"));
    without_settings(&mut command);
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Removes from the environment what the settings of `cdi` and its colours depend on.
pub fn without_settings(command: &mut Command) {
    for variable in ["CDI_URL", "CDI_API_KEY", "CDI_PROFILE", "CDI_CONFIG", "_CDI_COMPLETE"] {
        command.env_remove(variable);
    }
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
        command.env_remove(variable);
    }
    for variable in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(variable).env_remove(variable.to_uppercase());
    }
    // As for services: no folder.
    command.env("HOME", "/dev/null");
}

/// A command that knows the server and its key from the environment.
pub fn command(url: &str, arguments: &[&str]) -> Command {
    let mut command = bare(arguments);
    command.env("CDI_URL", url).env("CDI_API_KEY", "the-key");
    command
}

pub fn run(url: &str, arguments: &[&str]) -> Output {
    command(url, arguments).output().unwrap()
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

pub fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// The only line of standard output, as JSON.
pub fn told(output: &Output) -> Value {
    let [line] = stdout(output).lines().collect::<Vec<_>>()[..] else {
        panic!("not one line: {output:?}");
    };
    serde_json::from_str(line).unwrap()
}

pub fn integration(id: &str, name: &str) -> Value {
    json!({
        "integration_id": id,
        "app_group_id": "my-workspace",
        "integration_name": name,
        "integration_type": "attributes",
        "integration_status": "active",
        "contact_emails": "data@example.com",
        "last_updated_at": "2026-11-23T20:30:00.000000Z",
        "warehouse_type": "sqlite",
        "last_job_start_time": "2026-11-23T20:43:04.000123Z",
        "last_job_status": "success",
        "next_scheduled_run": null,
    })
}

pub fn job(start: &str, status: &str) -> Value {
    json!({
        "job_status": status,
        "sync_start_time": start,
        "sync_finish_time": if status == "running" { Value::Null } else { json!("2026-11-23T20:44:09.541200Z") },
        "last_timestamp_synced": null,
        "rows_synced": 1997,
        "rows_failed_with_errors": 3,
    })
}

/// Has one integration, `Users`, and accepts triggers; the run then ends with this status.
pub fn ending(status: &'static str) -> Server {
    let mut triggered = false;
    Server::new(move |asked| {
        if asked.method == "POST" {
            triggered = true;
            return Told::message(202, "success");
        }
        if asked.target == "/cdi/integrations" {
            return Told::page(&[integration(ID, "Users")]);
        }
        let old = job("2026-11-22T20:43:00.120000Z", "error");
        match triggered {
            true => Told::page(&[job(STARTED, status), old]),
            false => Told::page(&[old]),
        }
    })
}

/// Refuses every trigger because of a job that runs.
pub fn busy() -> Server {
    Server::new(|asked| match asked.method.as_str() {
        "POST" => Told::message(429, "Another job is in progress"),
        _ => Told::page(&[job(STARTED, "running")]),
    })
}
