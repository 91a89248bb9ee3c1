//! A Postgres store that is suspended, stopped or crashed, before a server starts and while it runs.

use std::time::{Duration, Instant};

use contract_tests::into_service::IntoService;
use contract_tests::process::{ServerProcess, serve};
use contract_tests::requests::{Api, wide_limits};
use contract_tests::sql::{connect, execute, postgres};
use contract_tests::{INTEGRATION, Setup, eventually, within};
use rustix::process::Signal;
use tokio::time::sleep;
use xtask::postgres::{PrivatePostgres, Shutdown};

/// How the store becomes unreachable.
#[derive(Debug, Clone, Copy)]
enum Outage {
    Frozen,
    Stopped,
    Crashed,
}

impl Outage {
    fn begin(self, postgres: &mut PrivatePostgres) {
        match self {
            Outage::Frozen => postgres.freeze(),
            Outage::Stopped => postgres.stop(Shutdown::Fast),
            Outage::Crashed => postgres.crash(),
        }
        .unwrap();
    }

    fn end(self, postgres: &mut PrivatePostgres) {
        match self {
            Outage::Frozen => postgres.thaw(),
            Outage::Stopped | Outage::Crashed => postgres.start_again(),
        }
        .unwrap();
    }
}

/// Checks that a sync continues after the store was unreachable for longer than the lease of six seconds. With two
/// replicas the other one continues it: the first is suspended when the store comes back.
async fn outage_during_a_sync(outage: Outage, replicas: usize) {
    const ROWS: usize = 60_000;
    const AWAY: Duration = Duration::from_secs(9);
    /// At most 6,400 objects are in flight, and 24,000 a second are accepted until the server notices that nothing is recorded.
    const MOST_AGAIN: usize = 8_000;
    let mut postgres = postgres();
    let mut sync = IntoService::new(Setup::with_rows(ROWS), Duration::from_millis(200)).await;
    sync.setup.destination.push_str("\nbatch_size = 25");
    sync.setup.store = postgres.url();
    sync.setup.more.push_str("[worker]\nlease = \"6s\"\npoll = \"200ms\"\n");
    let config = sync.setup.write();
    let mut servers = Vec::new();
    for _ in 0..replicas {
        servers.push(ServerProcess::start(&config).await);
    }
    let api = Api::new(&servers[0].url, &sync.setup.key);
    api.triggered().await;
    sync.accepted_more_than(2_000).await;

    outage.begin(&mut postgres);
    let gone = sync.fake_braze.accepted();
    sleep(AWAY - Duration::from_secs(2)).await;
    let at_rest = sync.fake_braze.accepted();
    sleep(Duration::from_secs(2)).await;
    println!("{outage:?}, replicas: {replicas}: {} rows were delivered while the store was away", at_rest - gone);
    assert_eq!(sync.fake_braze.accepted(), at_rest, "nothing is delivered without a lease");
    let first = servers.iter().position(|server| server.logged("sync started") == 1).unwrap();
    if replicas > 1 {
        servers[first].signal(Signal::STOP);
    }
    outage.end(&mut postgres);
    if replicas > 1 {
        let other = &servers[1 - first];
        eventually("the other takes the job", async || (other.logged("sync resumed") == 1).then_some(())).await;
        servers[first].signal(Signal::CONT);
    }
    sync.fake_braze.delay(Duration::from_millis(10));

    let job = api.ended(INTEGRATION, Duration::from_secs(60)).await;
    let arrived = sync.arrived();
    println!("{outage:?}, replicas: {replicas}: {} rows of {ROWS} were sent again", arrived.again);
    assert_eq!(arrived.rows, ROWS, "every row arrives");
    assert_eq!(
        (job["job_status"].as_str(), job["rows_synced"].as_u64()),
        (Some("success"), Some(ROWS as u64)),
        "{job}"
    );
    assert!(arrived.again <= MOST_AGAIN, "{outage:?}: {} rows were sent again", arrived.again);
    for server in &mut servers {
        assert_eq!(server.status(), None, "every server goes on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_outlives_a_frozen_store() {
    outage_during_a_sync(Outage::Frozen, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_outlives_a_stopped_store() {
    outage_during_a_sync(Outage::Stopped, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_outlives_a_crashed_store() {
    outage_during_a_sync(Outage::Crashed, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_outlives_a_frozen_store_on_two_replicas() {
    outage_during_a_sync(Outage::Frozen, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_outlives_a_stopped_store_on_two_replicas() {
    outage_during_a_sync(Outage::Stopped, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_outlives_a_crashed_store_on_two_replicas() {
    outage_during_a_sync(Outage::Crashed, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_refused_at_once_while_the_store_is_known_to_be_unreachable() {
    const AT_ONCE: Duration = Duration::from_millis(300);
    let postgres = postgres();
    let mut setup = Setup::with_rows(1);
    setup.store = postgres.url();
    setup.more = wide_limits();
    let server = ServerProcess::start(&setup.write()).await;
    let api = Api::new(&server.url, &setup.key);
    assert_eq!(api.list().await, Some(200));

    postgres.freeze().unwrap();
    let frozen = Instant::now();
    // The first requests may have to wait until the outage is detected.
    while frozen.elapsed() < Duration::from_secs(6) {
        let asked = Instant::now();
        assert_eq!(api.list().await, Some(503));
        if asked.elapsed() < AT_ONCE {
            break;
        }
    }
    for request in 0..20 {
        let asked = Instant::now();
        let status = if request % 2 == 0 { api.list().await } else { api.trigger(INTEGRATION).await };
        assert_eq!(status, Some(503));
        assert!(asked.elapsed() < AT_ONCE, "request {request} was answered after {:?}", asked.elapsed());
    }
    postgres.thaw().unwrap();
    within(Duration::from_secs(3), "requests work again", async || (api.list().await == Some(200)).then_some(())).await;
    api.triggered().await;
    assert_eq!(api.ended(INTEGRATION, Duration::from_secs(10)).await["job_status"], "success");
}

/// A password that was changed in Postgres and not in the configuration.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_with_another_password_is_an_outage_that_is_logged_once() {
    let postgres = postgres();
    let mut outside = connect(&postgres.url()).await;
    execute(&mut outside, "CREATE ROLE with_password LOGIN PASSWORD 'first'").await;
    execute(&mut outside, "CREATE DATABASE theirs OWNER with_password").await;
    let mut setup = Setup::with_rows(3);
    setup.store = postgres.url_of("theirs").replace("opencdi@", "with_password@");
    setup.more = format!("{}[admin]\nlisten = \"127.0.0.1:0\"\n", wide_limits());
    let config = setup.write();
    let mut command = serve(&config);
    command.env("PGPASSWORD", "first");
    let mut server = ServerProcess::launch(command, &config);
    server.listens().await;
    let api = Api::new(&server.url, &setup.key);
    assert_eq!(api.list().await, Some(200));
    execute(&mut outside, "ALTER ROLE with_password PASSWORD 'second'").await;
    let admin = server.last_logged("health and metrics at ");
    let (_, admin) = admin.split_once("http://").unwrap();
    // Open connections would go on working, and one that is being opened cannot be ended yet.
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'with_password'";
    eventually("there is an outage", async || {
        let mut outside = connect(&postgres.url()).await;
        execute(&mut outside, end).await;
        (server.logged("the store is unavailable") > 0).then_some(())
    })
    .await;
    let body = eventually("the reason is told", async || {
        let ready = reqwest::get(format!("http://{admin}/readyz")).await.unwrap();
        let (status, body) = (ready.status().as_u16(), ready.json::<serde_json::Value>().await.unwrap());
        let problem = body["checks"]["store"]["problem"].as_str().unwrap_or_default();
        problem.contains("password authentication failed").then_some((status, body.clone()))
    })
    .await;
    assert_eq!((body.0, &body.1["checks"]["schema"]["ok"]), (503, &serde_json::json!(false)), "{}", body.1);
    for _ in 0..30 {
        let list = reqwest::Client::new().get(format!("{}/cdi/integrations", server.url));
        let answer = list.bearer_auth(setup.key.expose()).send().await.unwrap();
        assert_eq!(answer.status(), 503, "{}", server.log());
        assert!(answer.headers().contains_key("retry-after"));
        sleep(Duration::from_millis(50)).await;
    }
    execute(&mut outside, "ALTER ROLE with_password PASSWORD 'first'").await;
    eventually("it works again", async || (api.list().await == Some(200)).then_some(())).await;
    api.triggered().await;
    assert_eq!(api.ended(INTEGRATION, Duration::from_secs(10)).await["job_status"], "success");
    let log = server.log();
    let told = ["the store is unavailable; requests are answered 503", "the store is available again", "ERROR"];
    assert_eq!(told.map(|text| server.logged(text)), [1, 1, 0], "{log}");
}

/// Starts a server while its Postgres is down, and waits until it logs that it is waiting.
async fn waiting(setup: &mut Setup, postgres: &mut PrivatePostgres) -> ServerProcess {
    setup.store = postgres.url();
    postgres.stop(Shutdown::Fast).unwrap();
    let config = setup.write();
    let mut server = ServerProcess::launch(serve(&config), &config);
    eventually("the server says that it waits", async || {
        assert_eq!(server.status(), None, "it waits for the store: {}", server.log());
        (server.logged("waiting for the store") > 0).then_some(())
    })
    .await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_starts_before_its_store_waits_for_it() {
    let mut postgres = postgres();
    let mut setup = Setup::with_rows(20);
    let mut server = waiting(&mut setup, &mut postgres).await;
    assert_eq!(server.ends_within(Duration::from_secs(3)).await, None, "{}", server.log());
    let log = server.log();
    let told: Vec<&str> = log.lines().filter(|line| line.contains("waiting for the store")).collect();
    assert!(told.len() == 1 && told[0].contains(" WARN "), "told once: {told:#?}");
    postgres.start_again().unwrap();
    server.listens().await;
    let api = Api::new(&server.url, &setup.key);
    api.triggered().await;
    assert_eq!(api.ended(INTEGRATION, Duration::from_secs(10)).await["rows_synced"], 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_waits_for_its_store_can_be_stopped() {
    let mut postgres = postgres();
    let mut server = waiting(&mut Setup::with_rows(0), &mut postgres).await;
    server.signal(Signal::TERM);
    let status = server.ends_within(Duration::from_secs(2)).await;
    assert_eq!(status.and_then(|status| status.code()), Some(0), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_does_not_wait_for_a_missing_database() {
    let postgres = postgres();
    let mut setup = Setup::with_rows(0);
    setup.store = postgres.url_of("nowhere");
    let config = setup.write();
    let mut server = ServerProcess::launch(serve(&config), &config);
    let status = server.ends_within(Duration::from_secs(5)).await;
    assert_eq!(status.and_then(|status| status.code()), Some(1));
    assert!(server.log().contains("error: ") && server.log().contains("nowhere"), "{}", server.log());
}
