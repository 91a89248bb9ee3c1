//! What `cdi-server` says on the command line about an integration: check, preview, watermark, row-errors.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::{Command, Output};

use cdi_server::service::Role;
use contract_tests::{INTEGRATION, Setup, eventually, program};

fn run(setup: &Setup, arguments: &[&str]) -> Output {
    let mut command = Command::new(program("cdi-server"));
    command.args(arguments).arg("--config").arg(setup.path("opencdi.toml")).output().unwrap()
}

/// What a command that works prints.
fn printed(setup: &Setup, arguments: &[&str]) -> String {
    let output = run(setup, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What a command that does not work says.
fn refused(setup: &Setup, arguments: &[&str]) -> String {
    let output = run(setup, arguments);
    assert!(!output.status.success(), "{arguments:?} works");
    String::from_utf8(output.stderr).unwrap()
}

/// A source with two good rows and a bad one between them.
fn setup() -> Setup {
    let setup = Setup::with_rows(0);
    for (time, user, payload) in [("01", "a", "{\"n\":1}"), ("02", "b", "[]"), ("03", "c", "{}")] {
        let time = format!("2026-01-01T00:00:{time}Z");
        setup.source().execute("INSERT INTO users VALUES (?1, ?2, ?3)", (time, user, payload)).unwrap();
    }
    setup.write();
    setup
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_is_seen_before_and_after_it() {
    let setup = setup();
    let preview = printed(&setup, &["preview", "Users of ours", "--rows", "2"]);
    assert_eq!(
        preview,
        "send    {\"external_id\":\"a\",\"n\":1}\n\
         refuse  {\"external_id\":\"b\"} of 2026-01-01T00:00:02Z: PAYLOAD is not a JSON object\n\
         Rows shown: 2; there are more.\n"
    );
    assert_eq!(printed(&setup, &["watermark", INTEGRATION]), "none: the next sync takes every row\n", "nothing moved");
    assert!(refused(&setup, &["row-errors", INTEGRATION]).contains("has not been synced yet"));

    let service = setup.start(Role::All).await;
    service.client().trigger_integration_sync(INTEGRATION.parse().unwrap()).await.unwrap();
    eventually("the sync has ended", async || {
        printed(&service.setup, &["preview", INTEGRATION]).starts_with("Nothing new since").then_some(())
    })
    .await;
    let setup = &service.setup;
    eventually("the job has ended", async || {
        let status = service.call("GET", &format!("/cdi/integrations/{INTEGRATION}/job_sync_status")).await;
        (status.body["results"][0]["job_status"] == "partial").then_some(())
    })
    .await;
    assert_eq!(
        printed(setup, &["row-errors", INTEGRATION]),
        "{\"number\":1,\"updated_at\":\"2026-01-01T00:00:02.000000Z\",\"identifier\":{\"external_id\":\"b\"},\"reason\":\"PAYLOAD is not a JSON object\"}\n"
    );
    let table = printed(setup, &["row-errors", INTEGRATION, "--format", "csv"]);
    assert_eq!(table.lines().count(), 2);
    assert!(table.starts_with("number,updated_at,identifier,reason,payload\n1,2026-"), "{table}");
    let reached = printed(setup, &["watermark", INTEGRATION]);
    assert!(reached.starts_with("2026-01-01T00:00:03Z: the next sync "), "{reached}");
    assert!(reached.lines().last().unwrap().starts_with("belongs to: sqlite:"), "{reached}");
    service.client().trigger_integration_sync(INTEGRATION.parse().unwrap()).await.unwrap();
    eventually("the second job has ended", async || {
        let status = service.call("GET", &format!("/cdi/integrations/{INTEGRATION}/job_sync_status")).await;
        (status.body["results"][0]["job_status"] == "success").then_some(())
    })
    .await;
    // A later sync that refuses nothing hides no row errors.
    let output = run(setup, &["row-errors", INTEGRATION]);
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("{\"number\":1,"));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("These are from the job ") && said.contains("has refused 0 rows"), "{said}");
    let jobs = printed(setup, &["jobs", INTEGRATION]);
    let ids: Vec<&str> = jobs.lines().filter_map(|line| line.split(' ').next()).filter(|id| id.len() == 36).collect();
    let output = run(setup, &["row-errors", INTEGRATION, "--job", ids[0]]);
    assert_eq!(output.stdout, b"", "programs read nothing of it");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("The job {} has refused no rows.", ids[0])), "{said}");
    let named = printed(setup, &["row-errors", INTEGRATION, "--job", &ids[1][..13]]);
    assert!(named.starts_with("{\"number\":1,"), "{named}");
    let set = printed(setup, &["watermark", INTEGRATION, "--set", "2026-01-01T01:00:02+01:00"]);
    let first = set.lines().next().unwrap();
    assert_eq!(first, "2026-01-01T00:00:02Z: the next sync takes the rows of this time and later ones");
    assert_eq!(printed(setup, &["watermark", INTEGRATION, "--keep"]), set, "it belongs to the same as before");
    assert!(printed(setup, &["preview", INTEGRATION]).contains("Rows shown: 2, which are all."));
    assert_eq!(printed(setup, &["watermark", INTEGRATION, "--reset"]), "none: the next sync takes every row\n");
    assert!(printed(setup, &["preview", INTEGRATION]).contains("Rows shown: 3, which are all."));
}

#[tokio::test]
async fn a_watermark_is_not_moved_under_a_job() {
    let service = setup().start(Role::Api).await;
    service.client().trigger_integration_sync(INTEGRATION.parse().unwrap()).await.unwrap();
    let said = refused(&service.setup, &["watermark", INTEGRATION, "--reset"]);
    assert!(said.contains("a job of \"Users of ours\" is in progress"), "{said}");
}

#[test]
fn what_is_wrong_is_said_with_where_and_what_to_do() {
    let setup = setup();
    let said = refused(&setup, &["preview", "Nobody"]);
    assert!(said.contains("opencdi.toml has no integration with the ID or the name \"Nobody\"; it has "), "{said}");
    assert!(said.contains("\"Users of ours\""), "{said}");
    let said = refused(&setup, &["watermark", INTEGRATION, "--set", "yesterday"]);
    assert!(
        said.contains("yesterday") && said.contains("--set") && said.contains("such as 2026-11-01T00:00:00Z"),
        "{said}"
    );
    let said = refused(&setup, &["watermark", INTEGRATION, "--set", "2199-01-01T00:00:00Z"]);
    assert!(said.contains("2199-01-01T00:00:00Z is in the future"), "{said}");
    assert_eq!(printed(&setup, &["watermark", INTEGRATION]), "none: the next sync takes every row\n");
    let said = refused(&setup, &["row-errors", INTEGRATION, "--job", "7"]);
    assert!(said.contains("a job ID is a UUID"), "{said}");
    let said = refused(&setup, &["row-errors", INTEGRATION, "--job", INTEGRATION]);
    assert!(said.contains("has not been synced yet"), "{said}");
    let said = refused(&setup, &["jobs", "Nobody"]);
    assert!(said.contains("no integration with the ID or the name \"Nobody\""), "{said}");
    let said = refused(&setup, &["jobs", INTEGRATION, "--limit", "0"]);
    assert!(said.contains("--limit"), "{said}");
    setup.source().execute_batch("DROP TABLE users").unwrap();
    let said = refused(&setup, &["preview", INTEGRATION]);
    assert!(
        said.contains("the table `users`: no such table: users"),
        "it cannot read, which is not nothing new: {said}"
    );
}

#[test]
fn a_check_tells_of_every_connection() {
    let setup = setup();
    let said = printed(&setup, &["check"]);
    for expected in [
        ", keys: 4",
        "ok      store: there is no ",
        "table users, identified by EXTERNAL_ID, UPDATED_AT is text; while a sync reads, those who write to this database wait",
        "ok      destination of Users of ours",
    ] {
        assert!(said.contains(expected), "{said}");
    }
    setup.source().execute_batch("ALTER TABLE users RENAME PAYLOAD TO DATA").unwrap();
    std::fs::create_dir(setup.path("out.jsonl")).unwrap();
    let output = run(&setup, &["check"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("failed  source of Users of ours") && said.contains("no column PAYLOAD"), "{said}");
    assert!(said.contains("failed  destination of Users of ours"), "{said}");
}

#[test]
fn shells_get_completion_scripts() {
    for (shell, part) in [("bash", "complete -F _cdi__server -o nosort"), ("zsh", "#compdef cdi-server"), ("fish", "row-errors")] {
        let output = Command::new(program("cdi-server")).args(["completion", shell]).output().unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && script.contains(part), "{shell}: {script}");
    }
}
