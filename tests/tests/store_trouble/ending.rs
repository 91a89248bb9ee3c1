//! What can be ended from outside, and what cannot: jobs, waits, the process itself.

use std::time::{Duration, Instant};

use cdi_server::connectors::fake_braze::Answer;
use contract_tests::into_service::IntoService;
use contract_tests::process::{ServerProcess, cdi_server, serve};
use contract_tests::requests::{Api, wide_limits};
use contract_tests::{INTEGRATION, Setup, eventually, within};
use rustix::process::Signal;

const NAME: &str = "Users of ours";

/// A destination that always asks to wait for a minute.
async fn busy_destination(rows: usize) -> IntoService {
    let sync = IntoService::new(Setup::with_rows(rows), Duration::ZERO).await;
    let busy = Answer::new(429, "{\"message\":\"Rate limited\"}").header("Retry-After", "60");
    sync.fake_braze.refuse("attributes", busy);
    sync
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_ends_nothing() {
    let setup = Setup::with_rows(10);
    let mut server = ServerProcess::start(&setup.write()).await;
    server.signal(Signal::HUP);
    assert_eq!(server.ends_within(Duration::from_secs(1)).await, None, "it goes on");
    let api = Api::new(&server.url, &setup.key);
    api.triggered().await;
    assert_eq!(api.ended(INTEGRATION, Duration::from_secs(10)).await["job_status"], "success");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_can_be_cancelled() {
    const ROWS: usize = 20_000;
    const LEASE: Duration = Duration::from_secs(3);
    let mut sync = IntoService::new(Setup::with_rows(ROWS), Duration::from_millis(400)).await;
    sync.setup.more.push_str("[worker]\nlease = \"3s\"\n");
    let config = sync.setup.write();
    let server = ServerProcess::start(&config).await;
    let api = Api::new(&server.url, &sync.setup.key);
    api.triggered().await;
    sync.accepted_more_than(1_000).await;

    let asked = Instant::now();
    let output = cdi_server(&config, &["cancel", NAME]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let job = api.ended(INTEGRATION, LEASE / 3 + Duration::from_secs(2)).await;
    println!("the job ended {:?} after it was cancelled", asked.elapsed());
    assert_eq!(job["job_status"], "error", "{job}");
    let accepted = sync.fake_braze.accepted();
    assert!(accepted < ROWS);
    assert_eq!(job["rows_synced"], accepted, "{job}");

    // The next sync sends the remaining rows, and none twice.
    sync.fake_braze.delay(Duration::from_millis(10));
    api.triggered().await;
    let next = api.ended(INTEGRATION, Duration::from_secs(30)).await;
    assert_eq!(
        (next["job_status"].as_str(), next["rows_synced"].as_u64()),
        (Some("success"), Some((ROWS - accepted) as u64))
    );
    assert_eq!(sync.fake_braze.accepted(), ROWS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_job_is_cancelled_at_once() {
    let setup = Setup::with_rows(10);
    let config = setup.write();
    let mut command = serve(&config);
    command.args(["--role", "api"]);
    let mut server = ServerProcess::launch(command, &config);
    server.listens().await;
    let nothing = cdi_server(&config, &["cancel", NAME]).await;
    let said = String::from_utf8_lossy(&nothing.stderr).into_owned();
    assert!(said.contains("no job") && said.contains("in progress"), "{said}");
    assert_eq!(nothing.status.code(), Some(1));

    let api = Api::new(&server.url, &setup.key);
    api.triggered().await;
    assert_eq!(api.jobs(INTEGRATION).await.unwrap()[0]["job_status"], "running");
    let output = cdi_server(&config, &["cancel", INTEGRATION]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let job = api.jobs(INTEGRATION).await.unwrap().remove(0);
    assert_eq!((job["job_status"].as_str(), job["rows_synced"].as_u64()), (Some("error"), Some(0)), "{job}");
    api.triggered().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_of_a_dead_worker_is_cancelled_when_its_lease_expires() {
    let mut sync = busy_destination(100).await;
    sync.setup.more.push_str("[worker]\nlease = \"2s\"\n");
    let config = sync.setup.write();
    let mut server = ServerProcess::start(&config).await;
    Api::new(&server.url, &sync.setup.key).triggered().await;
    eventually("the destination was asked", async || (sync.fake_braze.requests() > 0).then_some(())).await;
    server.kill();
    let output = cdi_server(&config, &["cancel", NAME]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let jobs = cdi_server(&config, &["jobs", NAME]).await;
    let jobs = String::from_utf8_lossy(&jobs.stdout).into_owned();
    assert!(jobs.contains("  error  ") && jobs.contains("cancelled with `cdi-server cancel`"), "{jobs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_says_what_a_running_job_waits_for() {
    let mut sync = busy_destination(100).await;
    sync.setup.more.push_str("[worker]\nlease = \"2s\"\n");
    let config = sync.setup.write();
    let server = ServerProcess::start(&config).await;
    Api::new(&server.url, &sync.setup.key).triggered().await;
    within(Duration::from_secs(20), "the next renewal of the lease writes it", async || {
        let jobs = cdi_server(&config, &["jobs", NAME]).await;
        let jobs = String::from_utf8_lossy(&jobs.stdout).into_owned();
        jobs.contains("\n    trying again: the destination's rate limit is reached (429)\n").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn syncs_waiting_for_a_destination_leave_room_for_others() {
    let mut sync = busy_destination(1_000).await;
    let waiting: Vec<String> =
        (1..=4).map(|number| INTEGRATION.replace("4f7a1b01", &format!("4f7a1b1{number}"))).collect();
    let into_service =
        std::mem::replace(&mut sync.setup.destination, "kind = \"jsonl\"\npath = \"out.jsonl\"".to_owned());
    sync.setup.more.push_str("[worker]\nconcurrency = 4\npoll = \"200ms\"\n");
    for id in &waiting {
        let integration = sync.setup.integration(id, id, "ours", &into_service);
        sync.setup.more.push_str(&integration);
    }
    let server = ServerProcess::start(&sync.setup.write()).await;
    let api = Api::new(&server.url, &sync.setup.key);
    for id in &waiting {
        assert_eq!(api.trigger(id).await, Some(202));
    }
    eventually("all four have begun and were told to wait", async || {
        (server.logged("sync started") == 4 && sync.fake_braze.requests() >= 4).then_some(())
    })
    .await;
    api.triggered().await;
    let job = api.ended(INTEGRATION, Duration::from_secs(10)).await;
    assert_eq!((job["job_status"].as_str(), job["rows_synced"].as_u64()), (Some("success"), Some(1_000)), "{job}");
    for id in &waiting {
        assert_eq!(api.jobs(id).await.unwrap()[0]["job_status"], "running");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_can_be_stopped_while_it_waits_for_a_destination() {
    let sync = busy_destination(100).await;
    let mut server = ServerProcess::start(&sync.setup.write()).await;
    Api::new(&server.url, &sync.setup.key).triggered().await;
    eventually("the destination was asked", async || (sync.fake_braze.requests() > 0).then_some(())).await;
    within(Duration::from_secs(5), "that is in the log", async || {
        (server.logged("rate limit is reached") > 0).then_some(())
    })
    .await;
    let asked = Instant::now();
    server.signal(Signal::TERM);
    let status = server.ends_within(Duration::from_secs(3)).await;
    assert_eq!(status.and_then(|status| status.code()), Some(0), "{}", server.log());
    println!("it ended after {:?}", asked.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_supervisor_has_died_ends() {
    let mut setup = Setup::with_rows(10);
    setup.more = wide_limits();
    let config = setup.write();
    let mut command = serve(&config);
    command.env("OPENCDI_FAULT_SUPERVISOR", "panic");
    let mut server = ServerProcess::launch(command, &config);
    server.listens().await;
    assert_eq!(Api::new(&server.url, &setup.key).trigger(INTEGRATION).await, Some(202));
    let status = server.ends_within(Duration::from_secs(5)).await;
    let code = status.unwrap_or_else(|| panic!("it goes on: {}", server.log())).code();
    assert!(code.is_some_and(|code| code != 0), "{code:?}");
    assert!(server.logged("ERROR ") + server.logged("error: ") > 0, "{}", server.log());
}
