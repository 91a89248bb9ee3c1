//! What `cdi` prints, and its exit codes.

#![allow(clippy::unwrap_used)]

mod scripted;

use std::process::{Command, Output, Stdio};

use scripted::{Server, Told, nobody};
use serde_json::{Value, json};

const ID: &str = "00000000-0000-0000-0000-000000000000";

fn run(url: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cdi"))
        .args(arguments)
        .env("CDI_URL", url)
        .env("CDI_API_KEY", "the-key")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn integration(name: &str) -> Value {
    json!({
        "integration_id": ID,
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

fn job(start: &str, status: &str) -> Value {
    json!({
        "job_status": status,
        "sync_start_time": start,
        "sync_finish_time": if status == "running" { Value::Null } else { json!("2026-11-23T20:44:09.541200Z") },
        "last_timestamp_synced": null,
        "rows_synced": 1997,
        "rows_failed_with_errors": 3,
    })
}

/// Accepts a trigger; the run then ends with this status.
fn ending(status: &'static str) -> Server {
    let mut triggered = false;
    Server::new(move |asked| {
        if asked.method == "POST" {
            triggered = true;
            return Told::message(202, "success");
        }
        let old = job("2026-11-22T20:43:00.120000Z", "error");
        match triggered {
            true => Told::page(&[job("2026-11-23T20:44:04.000123Z", status), old]),
            false => Told::page(&[old]),
        }
    })
}

#[test]
fn a_trigger_says_how_to_follow_it() {
    let server = Server::answering([Told::message(202, "success")]);
    let output = run(&server.url, &["trigger", ID]);
    assert_eq!(code(&output), 0);
    assert_eq!(stdout(&output), format!("The sync was triggered. To follow it: cdi status {ID} --follow\n"));
    assert_eq!(stderr(&output), "");
    let json = run(&server.url, &["trigger", ID, "--json"]);
    assert_eq!(
        serde_json::from_slice::<Value>(&json.stdout).unwrap(),
        json!({"integration_id": ID, "message": "success"})
    );
    assert_eq!(server.asked()[0].headers["authorization"], "Bearer the-key");
    assert!(server.asked()[0].headers["user-agent"].starts_with("cdi/"));
}

#[test]
fn the_exit_code_of_wait_tells_how_the_sync_ended() {
    for (status, arguments, expected) in [
        ("success", &["--wait"][..], 0),
        ("partial", &["--wait"], 1),
        ("partial", &["--wait", "--allow-partial"], 0),
        ("error", &["--wait"], 1),
        ("config_error", &["--wait"], 1),
        ("running", &["--wait", "--timeout", "1s"], 7),
    ] {
        let server = ending(status);
        let output = run(&server.url, &[&["trigger", ID], arguments].concat());
        assert_eq!(code(&output), expected, "{status}: {output:?}");
        match expected {
            7 => assert!(stderr(&output).contains("the sync goes on, with 1997 rows synced")),
            _ => {
                assert_eq!(stdout(&output), format!("{status}: 1997 rows synced, 3 failed, in 5s 500ms\n"));
                assert_eq!(stderr(&output), "", "standard error is no terminal");
            }
        }
    }
}

#[test]
fn every_kind_of_refusal_has_its_exit_code() {
    for (status, message, expected) in [
        (400, "Invalid integration ID", 2),
        (401, "Unauthorized", 3),
        (403, "Access Denied", 3),
        (404, "Integration not found", 4),
        (404, "Not Found", 8),
        (429, "Another job is in progress", 5),
        (429, "Rate Limited", 6),
        (429, "Slow down", 6),
        (500, "Internal Server Error", 8),
        (502, "Bad Gateway", 8),
        (503, "Service Unavailable", 8),
    ] {
        let server = Server::answering([Told::message(status, message).header("retry-after", 1000)]);
        let output = run(&server.url, &["trigger", ID]);
        assert_eq!(code(&output), expected, "{status} {message}: {output:?}");
        assert_eq!(stdout(&output), "");
        assert!(stderr(&output).starts_with("cdi: ") && stderr(&output).contains(message));
        assert!(!stderr(&output).contains("the-key"));
    }
}

#[test]
fn for_programs_a_refusal_is_json_too() {
    let server = Server::answering([
        Told::new(429, r#"{"message":"Rate Limited","request_id":"r-1"}"#).header("retry-after", 1000)
    ]);
    let output = run(&server.url, &["trigger", ID, "--json"]);
    let error: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(error["error"]["kind"], "rate_limited");
    assert_eq!(error["error"]["status"], 429);
    assert_eq!(error["error"]["retry_after"], 1000);
    assert_eq!(error["error"]["request_id"], "r-1");
    assert!(error["error"]["help"].is_string());
}

#[test]
fn a_server_that_is_not_there_is_trouble() {
    let output = run(&nobody(), &["list", "--json"]);
    assert_eq!(code(&output), 8);
    let error: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(error["error"]["kind"], "connection");
}

#[test]
fn what_is_written_wrongly_is_said_before_anything_is_sent() {
    let server = Server::answering([Told::message(202, "success")]);
    for arguments in [
        &["trigger", "7"][..],
        &["trigger", ID, "--timeout", "5m"],
        &["trigger", ID, "--wait", "--timeout", "soon"],
        &["status", ID, "--follow", "--limit", "3"],
        &["--url", "ftp://example.com", "list"],
        &["sync"],
    ] {
        let output = run(&server.url, arguments);
        assert_eq!(code(&output), 2, "{arguments:?}: {output:?}");
    }
    let without = |name: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_cdi"))
            .arg("list")
            .env("CDI_URL", &server.url)
            .env("CDI_API_KEY", "the-key")
            .env_remove(name)
            .output()
            .unwrap();
        assert_eq!(code(&output), 2);
        assert!(stderr(&output).contains(name), "{output:?}");
    };
    without("CDI_URL");
    without("CDI_API_KEY");
    assert!(server.asked().is_empty());
}

#[test]
fn integrations_are_a_table_for_people() {
    let server = Server::answering([Told::page(&[integration("Customers"), integration("Bad\u{1b}[31m")])]);
    let output = run(&server.url, &["list"]);
    assert_eq!(code(&output), 0);
    let expected = "\
ID                                    NAME       TYPE        SOURCE  STATUS  LAST SYNC  STARTED               SYNCED UP TO          NEXT RUN
00000000-0000-0000-0000-000000000000  Customers  attributes  sqlite  active  success    2026-11-23 20:43:04Z  2026-11-23 20:30:00Z  -
00000000-0000-0000-0000-000000000000  Bad\u{fffd}[31m   attributes  sqlite  active  success    2026-11-23 20:43:04Z  2026-11-23 20:30:00Z  -
";
    assert_eq!(stdout(&output), expected);
}

#[test]
fn integrations_are_json_for_programs_as_the_server_tells_them() {
    let mut page = 0;
    let server = Server::new(move |_| {
        page += 1;
        let told = Told::page(&[integration(&format!("Number {page}"))]);
        if page == 1 { told.header("link", r#"</x?cursor=a>; rel="next""#) } else { told }
    });
    let output = run(&server.url, &["list", "--json"]);
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(listed[0]["integration_name"], "Number 1");
    assert_eq!(listed[1]["integration_name"], "Number 2");
    assert_eq!(listed[1]["last_job_status"], "success");
}

#[test]
fn jobs_are_a_table_of_the_newest() {
    let jobs = [
        job("2026-11-23T20:44:04.000123Z", "running"),
        job("2026-11-23T20:43:00.000000Z", "partial"),
        job("2026-11-23T20:00:00.000000Z", "error"),
    ];
    let server = Server::answering([Told::page(&jobs)]);
    let output = run(&server.url, &["status", ID, "--limit", "2"]);
    let expected = "\
STARTED               STATUS      TOOK  ROWS SYNCED  ROWS FAILED  SYNCED UP TO
2026-11-23 20:44:04Z  running        -         1997            3  -
2026-11-23 20:43:00Z  partial   1m 9s         1997            3  -
";
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(squeezed(stdout(&output)), squeezed(expected));
    assert_eq!(code(&output), 0);
}

#[test]
fn an_integration_without_jobs_says_so() {
    let server = Server::answering([Told::page(&[])]);
    let output = run(&server.url, &["status", ID]);
    assert_eq!(stdout(&output), "The integration has not been synced yet.\n");
    assert_eq!(stdout(&run(&server.url, &["status", ID, "--json"])), "[]\n");
    assert_eq!(stdout(&run(&server.url, &["list"])), "The workspace has no integrations.\n");
}

#[test]
fn following_ends_with_the_sync() {
    let start = "2026-11-23T20:44:04.000123Z";
    let mut looks = 0;
    let server = Server::new(move |_| {
        looks += 1;
        Told::page(&[job(start, if looks < 3 { "running" } else { "error" })])
    });
    let output = run(&server.url, &["status", ID, "--follow", "--json"]);
    assert_eq!(code(&output), 1, "{output:?}");
    let statuses: Vec<Value> = stdout(&output)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["job_status"].clone())
        .collect();
    assert_eq!(statuses, ["running", "error"]);
}

#[test]
fn the_help_tells_the_exit_codes_and_gives_examples() {
    let output = run("", &["--help"]);
    for expected in ["Exit codes:", "  5  another sync", "Examples:", "CDI_API_KEY", "--url"] {
        assert!(stdout(&output).contains(expected), "{expected} is missing in {}", stdout(&output));
    }
}
