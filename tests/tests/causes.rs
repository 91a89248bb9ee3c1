//! Why a sync failed, for the operator: `cdi-server jobs`, and log lines that name the integration and the job.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use cdi_server::connectors::fake_braze::Answer;
use cdi_server::service::Role;
use contract_tests::into_service::IntoService;
use contract_tests::process::{ServerProcess, cdi_server, serve};
use contract_tests::{INTEGRATION, Setup, eventually};
use serde_json::Value;

/// The output of a command.
async fn printed(setup: &Setup, arguments: &[&str]) -> String {
    let output = cdi_server(&setup.path("opencdi.toml"), arguments).await;
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_shows_its_cause_to_the_operator_and_hides_it_from_clients() {
    let setup = Setup::with_rows(3);
    setup.write();
    assert_eq!(
        printed(&setup, &["jobs", INTEGRATION]).await,
        "\"Users of ours\" has not been synced yet: it has no jobs.\n"
    );
    setup.source().execute_batch("ALTER TABLE users RENAME TO people").unwrap();
    let service = setup.start(Role::All).await;
    service.client().trigger_integration_sync(INTEGRATION.parse().unwrap()).await.unwrap();
    let path = format!("/cdi/integrations/{INTEGRATION}/job_sync_status");
    let seen_by_clients = eventually("the sync has failed", async || {
        let status = service.call("GET", &path).await;
        (status.body["results"][0]["job_status"] == "config_error").then_some(status.body.to_string())
    })
    .await;
    assert!(!seen_by_clients.contains("has no table") && !seen_by_clients.contains("cause"), "{seen_by_clients}");

    let table = printed(&service.setup, &["jobs", "Users of ours"]).await;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("JOB ") && lines[1].contains("  config_error  "), "{table}");
    assert!(lines[2].starts_with("    the database has no table `users`"), "{table}");
    let line = printed(&service.setup, &["jobs", "Users of ours", "--format", "jsonl", "--limit", "1"]).await;
    let job: Value = serde_json::from_str(&line).unwrap();
    assert!(job["cause"].as_str().unwrap().contains("has no table `users`"), "{job}");
    assert_eq!((&job["job_status"], &job["integration_name"]), (&"config_error".into(), &"Users of ours".into()));
    assert_eq!(job["job_id"], lines[1].split(' ').next().unwrap(), "a pipe gets the whole ID");
    let overview = printed(&service.setup, &["jobs"]).await;
    let lines: Vec<&str> = overview.lines().collect();
    assert!(lines[1].starts_with("Users of ours    config_error  "), "{overview}");
    assert_eq!(lines[2], "Users of theirs  never synced", "{overview}");
    assert_eq!(lines[4], "`cdi-server jobs NAME` says why jobs have failed or refused rows.");
}

#[tokio::test]
async fn a_job_without_a_worker_is_shown_as_waiting() {
    let service = Setup::with_rows(1).start(Role::Api).await;
    service.client().trigger_integration_sync(INTEGRATION.parse().unwrap()).await.unwrap();
    let table = printed(&service.setup, &["jobs", INTEGRATION]).await;
    assert!(table.contains("  waiting  ") && table.contains("no worker has it"), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_log_line_of_a_sync_names_its_integration_and_job() {
    let IntoService { setup, fake_braze } = IntoService::new(Setup::with_rows(2000), Duration::from_millis(5)).await;
    fake_braze.script((0..24).map(|_| Answer::new(503, "")).chain((0..8).map(|_| Answer::new(429, ""))));
    let config = setup.write();
    let mut command = serve(&config);
    command.args(["--log-format", "json"]);
    let server = ServerProcess::launch(command, &config);
    let url = eventually("the server listens", async || {
        let log = server.log();
        let (_, address) = log.split_once("listening on ")?;
        Some(address.split_once('"')?.0.to_owned())
    })
    .await;
    let client = cdi_client::Client::builder().base_url(url).api_key(setup.key.expose()).build().unwrap();
    client.trigger_integration_sync(INTEGRATION.parse().unwrap()).await.unwrap();
    eventually("the sync has ended", async || (server.logged("sync ended") > 0).then_some(())).await;
    assert_eq!(fake_braze.accepted(), 2000);

    let log = server.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_the_sync: Vec<&Value> = lines
        .iter()
        .filter(|line| {
            let target = line["target"].as_str().unwrap();
            target.starts_with("cdi_server::sync") || target.starts_with("cdi_server::connectors")
        })
        .collect();
    for line in &of_the_sync {
        assert_eq!(line["span"]["integration"], INTEGRATION, "{line}");
        assert!(line["span"]["job"].as_str().is_some_and(|job| job.len() == 36), "{line}");
    }
    let warnings: Vec<&Value> = of_the_sync.iter().copied().filter(|line| line["level"] == "WARN").collect();
    let retries = |text: &str| warnings.iter().filter(|line| line.to_string().contains(text)).count();
    // Failures are logged once until the service takes requests again, and rate limits once for each pause of all requests.
    assert_eq!(retries("request to the destination failed; retrying"), 1, "{log}");
    assert_eq!(server.logged("the destination takes requests again"), 1, "{log}");
    assert!((1..=8).contains(&retries("rate limit is reached (429)")), "{log}");
}

#[tokio::test]
async fn requests_that_no_operation_answers_and_wrong_ids_are_logged_with_the_reason() {
    let setup = Setup::with_rows(1);
    let server = ServerProcess::start(&setup.write()).await;
    let (http, key) = (reqwest::Client::new(), setup.key.expose());
    let unknown = "00000000-0000-4000-8000-000000000000";
    for (method, path, status, logged) in [
        (
            "GET",
            "/v1/cdi/integrations?token=secret".to_owned(),
            404,
            "status=404 method=\"GET\" path=\"/v1/cdi/integrations\" reason=\"no such path\"".to_owned(),
        ),
        (
            "DELETE",
            "/cdi/integrations".to_owned(),
            405,
            "status=405 method=\"DELETE\" path=\"/cdi/integrations\" reason=\"this path does not take the method\""
                .to_owned(),
        ),
        (
            "POST",
            "/cdi/integrations/x/sync".to_owned(),
            400,
            "method=\"POST\" path=\"/cdi/integrations/x/sync\"".to_owned(),
        ),
        (
            "POST",
            format!("/cdi/integrations/{unknown}/sync"),
            404,
            format!("no integration with this ID in the key's workspace key=\"all\" integration={unknown}"),
        ),
    ] {
        let request = http.request(method.parse().unwrap(), format!("{}{path}", server.url)).bearer_auth(key);
        assert_eq!(request.send().await.unwrap().status(), status, "{path}");
        eventually("it is logged", async || (server.logged(&logged) == 1).then_some(())).await;
    }
    assert!(!server.log().contains("secret"), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_left_out_are_not_logged_as_the_cause_of_a_partial_sync() {
    let setup = Setup::with_rows(1);
    let rows = "INSERT INTO users (UPDATED_AT, EXTERNAL_ID, PAYLOAD)
                VALUES ('2026-01-01T00:00:00Z', 'refused', '[]'), (NULL, 'undated', '{}')";
    setup.source().execute_batch(rows).unwrap();
    let config = setup.write();
    let server = ServerProcess::start(&config).await;
    let client = cdi_client::Client::builder().base_url(&server.url).api_key(setup.key.expose()).build().unwrap();
    client.trigger_integration_sync(INTEGRATION.parse().unwrap()).await.unwrap();
    eventually("the sync has ended", async || (server.logged("sync ended") > 0).then_some(())).await;
    let line = server.last_logged("sync ended");
    assert!(line.contains("status=\"partial\"") && !line.contains("cause="), "{line}");
    assert!(line.contains("note=\"not taken: 1 row without an UPDATED_AT\""), "{line}");
}
