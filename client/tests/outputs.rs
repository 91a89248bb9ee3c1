//! Everything that `cdi` prints, in one file to read: `outputs.txt`. Run with EXPECTORATE=overwrite to write it anew, and look
//! at the difference.

#![allow(clippy::unwrap_used)]

mod cdi;
mod scripted;

use std::fmt::Write as _;

use cdi::{ID, STARTED, busy, code, command, ending, integration, job, stderr, stdout};
use scripted::{Server, Told, nobody};
use serde_json::json;

/// A heading, the server, and the command lines that meet it.
type Case = (&'static str, Server, &'static [&'static [&'static str]]);

fn answering(told: Told) -> Server {
    Server::answering([told])
}

fn message(status: u16, message: &str) -> Server {
    answering(Told::message(status, message))
}

fn integrations() -> Server {
    let mut planned = integration("11111111-1111-1111-1111-111111111111", "Orders of the shops");
    planned["integration_status"] = json!("paused");
    planned["last_job_status"] = json!("running");
    planned["next_scheduled_run"] = json!("2026-11-24T20:43:00.000000Z");
    let mut new = integration("22222222-2222-2222-2222-222222222222", "Bad\u{1b}[31m");
    for field in ["last_updated_at", "last_job_start_time", "last_job_status"] {
        new[field] = json!(null);
    }
    answering(Told::page(&[integration(ID, "Users"), planned, new]))
}

fn jobs() -> Server {
    let jobs = [
        job("2026-11-23T20:44:04.000123Z", "running"),
        job("2026-11-23T20:43:00.000000Z", "partial"),
        job("2026-11-23T20:00:00.000000Z", "error"),
        job("2026-11-23T19:00:00.000000Z", "a_status_of_the_future"),
    ];
    answering(Told::page(&jobs))
}

fn forbidden_jobs() -> Server {
    Server::new(|asked| match asked.method.as_str() {
        "POST" => Told::message(202, "success"),
        _ => Told::message(403, "Access Denied"),
    })
}

fn changing() -> Server {
    let mut looks = 0;
    Server::new(move |_| {
        looks += 1;
        Told::page(&[job(STARTED, if looks < 3 { "running" } else { "error" })])
    })
}

fn cases() -> Vec<Case> {
    const TRIGGER: &[&[&str]] = &[&["trigger", ID], &["trigger", ID, "--json"]];
    const WAIT: &[&[&str]] = &[&["trigger", ID, "--wait"]];
    vec![
        (
            "Integrations",
            integrations(),
            &[&["list"], &["list", "--json"], &["list", "--quiet"], &["list", "--color", "always"]],
        ),
        ("A workspace without integrations", answering(Told::page(&[])), &[&["list"], &["list", "--json"]]),
        ("Jobs", jobs(), &[&["status", ID], &["status", ID, "--limit", "2", "--json"]]),
        (
            "An integration that was never synced",
            answering(Told::page(&[])),
            &[
                &["status", ID],
                &["status", ID, "--json"],
                &["status", ID, "--follow"],
                &["status", ID, "--follow", "--json"],
            ],
        ),
        ("Following", changing(), &[&["status", ID, "--follow", "--json"], &["status", ID, "--follow"]]),
        (
            "A trigger",
            ending("success"),
            &[&["trigger", "Users"], &["trigger", ID, "--json"], &["trigger", ID, "--quiet"]],
        ),
        ("A sync that succeeds", ending("success"), &[&["trigger", "Users", "--wait"]]),
        ("The same for programs", ending("success"), &[&["trigger", ID, "--wait", "--json"]]),
        ("A sync that succeeds in part", ending("partial"), WAIT),
        ("The same where that will do", ending("partial"), &[&["trigger", ID, "--wait", "--allow-partial"]]),
        ("A sync that fails", ending("error"), WAIT),
        ("An integration that cannot work", ending("config_error"), WAIT),
        ("A sync that takes too long", ending("running"), &[&["trigger", ID, "--wait", "--timeout", "700ms"]]),
        ("The same for programs", ending("running"), &[&["trigger", ID, "--wait", "--timeout", "700ms", "--json"]]),
        (
            "Another sync is in progress",
            busy(),
            &[
                &["trigger", ID],
                &["trigger", ID, "--wait", "--json"],
                &["trigger", ID, "--if-running", "ignore"],
                &["trigger", ID, "--if-running", "ignore", "--json"],
                &["trigger", ID, "--if-running", "wait", "--timeout", "700ms"],
                &["trigger", ID, "--if-running", "wait", "--timeout", "700ms", "--json"],
            ],
        ),
        (
            "The same with the ID of the request",
            answering(Told::new(429, r#"{"message":"Another job is in progress","request_id":"r-1"}"#)),
            &[&["trigger", ID]],
        ),
        ("400", message(400, "Invalid integration ID"), TRIGGER),
        ("401", message(401, "Unauthorized"), &[&["trigger", ID], &["trigger", ID, "--json"], &["trigger", "Users"]]),
        (
            "403",
            answering(Told::new(403, r#"{"message":"Access Denied","request_id":"r-1"}"#)),
            &[&["trigger", ID], &["trigger", "Users"]],
        ),
        ("404", message(404, "Integration not found"), TRIGGER),
        (
            "A key that may trigger and not list jobs",
            forbidden_jobs(),
            &[&["trigger", ID, "--wait"], &["trigger", ID, "--if-running", "wait"]],
        ),
        ("A web page", answering(Told::new(200, "<html>Welcome</html>")), &[&["list"], &["trigger", ID]]),
        ("404 of something else", message(404, "Not Found"), &[&["list"], &["trigger", ID]]),
        ("429", answering(Told::message(429, "Rate Limited").header("retry-after", 1000)), TRIGGER),
        ("429 of a proxy", answering(Told::new(429, "<h1>Too many</h1>")), TRIGGER),
        ("500", answering(Told::new(500, r#"{"message":"Internal Server Error","request_id":"r-1"}"#)), TRIGGER),
        ("502 of a proxy", answering(Told::new(502, "<html>\n<h1>502 Bad\u{1b}[31m Gateway</h1>")), TRIGGER),
        ("503", answering(Told::message(503, "Service Unavailable").header("retry-after", 1000)), TRIGGER),
        ("An acceptance that cannot be read", answering(Told::new(202, "<html>yes</html>")), TRIGGER),
        ("A connection that breaks", answering(Told::message(202, "success").cut_off()), TRIGGER),
        ("Another address", answering(Told::new(301, "").header("location", "https://example.com/")), &[&["list"]]),
        (
            "No such name",
            ending("success"),
            &[&["status", "Nobody"], &["status", "Nobody", "--json"], &["status", "USERS"], &["trigger", "Userz"]],
        ),
        (
            "IDs that begin alike",
            answering(Told::page(&[
                integration("6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01", "Users"),
                integration("6f1e9999-0a3b-4a51-9d0e-0c7a4f7a1b02", "Orders"),
            ])),
            &[&["trigger", "6f1e"], &["trigger", "6f1e", "--json"], &["trigger", "6f1"]],
        ),
        (
            "The settings and the key",
            ending("success"),
            &[&["auth", "status"], &["auth", "status", "--json"], &["auth", "status", "--quiet"]],
        ),
        (
            "A key of a workspace without integrations",
            Server::new(|asked| match asked.target.as_str() {
                "/cdi/integrations" => Told::page(&[]),
                _ => Told::message(404, "Integration not found"),
            }),
            &[&["auth", "status"]],
        ),
        (
            "A key that is not valid",
            message(401, "Unauthorized"),
            &[&["auth", "status"], &["auth", "status", "--json"]],
        ),
        (
            "A selection",
            integrations(),
            &[
                &["list", "--jq", ".integrations[].integration_name"],
                &["list", "--jq", ".integrations[0] | [.integration_name, .last_job_status]"],
                &["list", "--jq", ".integrations[0].integration_name.x"],
                &["list", "--jq", ".integrations["],
                &["list", "--jq", ".integrations | nonsense"],
            ],
        ),
        (
            "A name that is not the only one",
            answering(Told::page(&[
                integration(ID, "Users"),
                integration("11111111-1111-1111-1111-111111111111", "Users"),
            ])),
            &[&["trigger", "Users"]],
        ),
        (
            "A command line that is written wrongly",
            ending("success"),
            &[
                &["sync"],
                &["sync", "--json"],
                &["cancel", "Users"],
                &["check"],
                &["trigger", ID, "--follow"],
                &["trigger", ID, "--api-key", "x"],
                &["trigger", ID, "--nothing-like-this"],
                &["triger", "Users"],
                &["trigger", ""],
                &["trigger"],
                &["trigger", ID, "--timeout", "5m"],
                &["trigger", ID, "--wait", "--timeout", "soon", "--json"],
                &["trigger", ID, "--allow-partial"],
                &["status", ID, "--limit", "0"],
                &["status", ID, "--limit", "-1"],
                &["status", ID, "--follow", "--limit", "3"],
                &["list", "--json", "--quiet"],
                &["--url", "ftp://example.com", "list"],
                &["trigger", ID, "--wait", "--timeout", "10"],
                &["trigger", ID, "--wait", "--timeout", "0"],
                &["trigger", ID, "--wait", "--timeout", "-1s"],
                &["trigger", ID, "--timeout", "--wait"],
                &["status", ID, "--follow", "--timeout", "1h30"],
                &["--url", "'http://127.0.0.1:8080'", "list"],
                &["--url", "\"iad-03\"", "list"],
                &["--url", "http://", "list"],
                &["--url", "http://127.0.0.1:80800", "list"],
                &["--url", "http://my host", "list"],
                &["--url", "localhost", "list", "--json"],
                &["--url", "127.0.0.1:8080", "list"],
                &["--url", "rest.iad-03.braze.com", "list"],
                &["--url", "https://me:secret@example.com?key=secret", "list"],
                &["--url", "list"],
                &["trigger", "--all"],
            ],
        ),
    ]
}

#[test]
fn what_is_printed_is_what_stands_in_the_file() {
    let mut transcript = String::new();
    for (heading, server, commands) in cases() {
        writeln!(transcript, "## {heading}\n").unwrap();
        for arguments in commands {
            transcript.push_str(&told(&server.url, arguments));
        }
    }
    writeln!(transcript, "## Help\n").unwrap();
    for arguments in [
        &["--help"][..],
        &["help", "trigger"],
        &["trigger", "-h"],
        &["help", "list"],
        &["help", "status"],
        &["help", "auth", "status"],
        &["help", "completion"],
        &["help", "exit-codes"],
        &["help", "json"],
        &["help", "environment"],
    ] {
        transcript.push_str(&told("http://127.0.0.1:9", arguments));
    }
    writeln!(transcript, "## A server that is not there\n").unwrap();
    transcript.push_str(&told(&nobody(), &["trigger", ID, "--wait"]));
    expectorate::assert_contents("tests/outputs.txt", &transcript);
}

/// The command line, its exit code, and what it printed to where.
fn told(url: &str, arguments: &[&str]) -> String {
    let output = command(url, arguments).output().unwrap();
    let words: Vec<_> = arguments.iter().map(|word| if word.is_empty() { "''" } else { word }).collect();
    let mut text = format!("$ cdi {}\n", words.join(" "));
    for (stream, lines) in [("1", stdout(&output)), ("2", stderr(&output))] {
        let address = url.trim_start_matches("http://");
        for line in lines.lines().map(|line| line.replace(address, "SERVER").replace('\u{1b}', "␛")) {
            // The pauses are random.
            let line = match line.split_once("; trying again in ") {
                Some((reason, _)) => format!("{reason}; trying again in N s"),
                None => line,
            };
            text.push_str(format!("{stream}> {line}").trim_end());
            text.push('\n');
        }
    }
    text + &format!("exit {}\n\n", code(&output))
}
