//! Schemathesis generates requests from the contract and finds nothing wrong with the server's answers.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use cdi_client::Client;
use contract_tests::process::{ServerProcess, run_within};
use contract_tests::{INTEGRATION, Setup, keep_score, repository};
use serde_json::Value;
use xtask::proxy::{Answered, Asked, Proxy};

/// The variable in which `cargo xtask test` passes the path of the program.
const SCHEMATHESIS: &str = "OPENCDI_TEST_SCHEMATHESIS";
/// Time limit of a run, also for a busy machine.
const BOUND: Duration = Duration::from_secs(180);
/// The ID in the contract's example, so that the example works.
const EXAMPLE: &str = "00000000-0000-0000-0000-000000000000";

/// A server with several pages of integrations.
fn setup() -> Setup {
    let mut setup = Setup::with_rows(5);
    for (number, id) in std::iter::once(EXAMPLE.to_owned()).chain((0..24).map(another)).enumerate() {
        write!(
            setup.more,
            "[[integrations]]\nid = \"{id}\"\nname = \"Integration {number}\"\nworkspace = \"ours\"\ntype = \"attributes\"\n\
             [integrations.source]\nkind = \"sqlite\"\npath = \"source.db\"\ntable = \"users\"\n\
             [integrations.destination]\nkind = \"jsonl\"\npath = \"out-{number}.jsonl\"\n"
        )
        .unwrap();
    }
    setup
}

/// The same with rate limits that are never reached.
fn with_wide_limits() -> Setup {
    let mut setup = setup();
    setup.more += "[[workspaces]]\nid = \"ours\"\n[workspaces.rate_limits]\nlist_integrations = 1_000_000\n\
                   list_job_sync_status = 1_000_000\ntrigger_integration_sync = 1_000_000\n";
    setup
}

fn another(number: u32) -> String {
    format!("7a1b{number:04x}-0a3b-4a51-9d0e-0c7a4f7a1b00")
}

/// The result and the report of a run.
struct Run {
    succeeded: bool,
    said: String,
    report: Value,
}

/// Runs Schemathesis against a server with this setup.
async fn run_schemathesis(setup: &Setup, right: &str, url: &str, more: &[&str]) -> Run {
    let program = std::env::var_os(SCHEMATHESIS).unwrap_or_else(|| {
        panic!("{SCHEMATHESIS} is not set: run `cargo xtask test schemathesis`, which installs it and says where it is")
    });
    let folder = setup.path("schemathesis");
    std::fs::create_dir(&folder).unwrap();
    for file in ["tests/schemathesis/schemathesis.toml", "tests/schemathesis/checks.py", "openapi/cdi.yaml"] {
        let file = repository().join(file);
        std::fs::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
    }
    let quoted = |values: Vec<String>| values.iter().map(|value| format!("\"{value}\"\n")).collect::<String>();
    let integrations = vec![EXAMPLE.to_owned(), INTEGRATION.to_owned(), another(0), another(1)];
    std::fs::write(folder.join("integrations.txt"), quoted(integrations)).unwrap();
    std::fs::write(folder.join("cursors.txt"), quoted(cursors(setup, right).await)).unwrap();
    let output = std::fs::File::create(folder.join("output")).unwrap();
    let mut command = Command::new(program);
    command
        .args(["--config-file", "schemathesis.toml", "run", "cdi.yaml", "--url", url, "--no-color"])
        .args(["--report", "json", "--report-json-path", "report.json"])
        .args(more)
        .current_dir(&folder)
        .env("OPENCDI_KEY", setup.key.expose())
        .stdout(output.try_clone().unwrap())
        .stderr(output);
    let status = run_within(BOUND, &mut command).await;
    let said = std::fs::read_to_string(folder.join("output")).unwrap();
    let status = status.unwrap_or_else(|| panic!("Schemathesis has not ended within {BOUND:?}:\n{said}"));
    let report = std::fs::read(folder.join("report.json")).unwrap_or_else(|error| panic!("{error}:\n{said}"));
    Run { succeeded: status.success(), said, report: serde_json::from_slice(&report).unwrap() }
}

/// The cursors of the pages of integrations.
async fn cursors(setup: &Setup, url: &str) -> Vec<String> {
    let client = Client::builder().base_url(url).api_key(setup.key.expose()).build().unwrap();
    let (mut cursors, mut next) = (Vec::new(), None);
    loop {
        let page = client.list_integrations_page(next.as_ref()).await.unwrap();
        cursors.extend([&page.previous, &page.next].into_iter().flatten().map(|cursor| cursor.as_str().to_owned()));
        if page.next.is_none() {
            return cursors;
        }
        next = page.next;
    }
}

impl Run {
    /// A summary of a run that has found nothing.
    fn score(&self, what: &str) -> String {
        let Run { succeeded, said, report } = self;
        assert!(*succeeded && report["complete"] == true, "{said}");
        assert_eq!(report["operations"]["tested"], report["operations"]["total"], "{said}");
        let phases = report["phases"].as_object().unwrap();
        let phases = phases.iter().filter(|(_, phase)| phase["status"] == "success").map(|(name, _)| name.as_str());
        format!(
            "Schemathesis {}, {what}: {} cases of {} operations, {} failures ({})\n",
            report["schemathesis_version"].as_str().unwrap(),
            report["test_cases"]["generated"],
            report["operations"]["tested"],
            report["test_cases"]["unique_failures"],
            phases.collect::<Vec<_>>().join(", ")
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_nothing_wrong_with_the_server() {
    let wide = with_wide_limits();
    let server = ServerProcess::start(&wide.write()).await;
    let run = run_schemathesis(&wide, &server.url, &server.url, &[]).await;
    let mut score = run.score("all checks");
    assert!(score.contains("(examples, coverage, fuzzing, stateful)"), "{score}");
    assert!(run.report["test_cases"]["generated"].as_u64().unwrap() > 1000, "{score}");
    assert_eq!(faults(&server), "");

    // With the contract's own limits most answers would be `Rate Limited`, which Schemathesis warns about.
    let narrow = setup();
    let server = ServerProcess::start(&narrow.write()).await;
    let more = ["--warnings", "off", "--phases", "examples,coverage,fuzzing", "--max-examples", "60"];
    let run = run_schemathesis(&narrow, &server.url, &server.url, &more).await;
    score += &run.score("at the contract's rate limits");
    assert_eq!(faults(&server), "");
    keep_score("schemathesis", &score);
}

/// Makes the answers of each operation wrong in some way.
fn wrong(asked: &Asked, answered: &mut Answered) {
    let (status, path) = (answered.status.as_u16(), asked.path.as_str());
    let list = path.split('?').next() == Some("/cdi/integrations");
    match status {
        // The path does not have this method, and the answer must list those that it has.
        405 => drop(answered.headers.remove("allow")),
        200 if list && path.contains("cursor=") => answered.say(400, "Invalid cursor"),
        200 if list => {
            answered.headers.remove("x-ratelimit-limit");
            answered.body = r#"{"message":"success"}"#.into();
        }
        401 if path.contains("/job_sync_status") => {
            answered.say(200, "success");
            for name in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"] {
                answered.headers.insert(name, 1.into());
            }
            answered.body = r#"{"results":[],"message":"success"}"#.into();
        }
        404 if path.contains("/job_sync_status") => answered.say(418, "Teapot"),
        404 => answered.say(500, "Internal Server Error"),
        400 if path.ends_with("/sync") => answered.say(202, "success"),
        202 if path.contains(EXAMPLE) => answered.say(400, "Invalid integration ID"),
        202 | 429 => drop(answered.headers.insert("content-type", "text/plain".parse().unwrap())),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_the_defects_of_a_wrong_server() {
    let setup = with_wide_limits();
    let server = ServerProcess::start(&setup.write()).await;
    let proxy = Proxy::start(&server.url, Box::new(|_| {}), Box::new(wrong)).await.unwrap();
    // Real cursors, from the correct server.
    let quickly = ["--max-examples", "40", "--no-shrink", "--phases", "examples,coverage,fuzzing"];
    let run = run_schemathesis(&setup, &server.url, &proxy.url, &quickly).await;
    assert!(!run.succeeded, "{}", run.said);
    let failures = run.report["failures"].as_array().unwrap().iter();
    let found: BTreeSet<&str> = failures.map(|failure| failure["title"].as_str().unwrap()).collect();
    for wanted in [
        "API accepts requests without authentication",
        "Custom check failed: `only_an_unknown_cursor_is_refused`",
        "Missing required response headers",
        "Response violates schema",
        "Schema-valid request rejected",
        "Schema-violating request accepted",
        "Server error",
        "Undocumented Content-Type",
        "Undocumented status code",
        "Wrong response to undeclared method",
    ] {
        assert!(found.contains(wanted), "`{wanted}` is not among {found:?}");
    }
}

/// Lines of the server's log that no request may cause.
fn faults(server: &ServerProcess) -> String {
    server.log().lines().filter(|line| line.contains("ERROR") || line.contains("panicked")).collect()
}
