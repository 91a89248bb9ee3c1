//! A source whose connection is cut while a sync is reading.

use std::time::Duration;

use contract_tests::into_service::IntoService;
use contract_tests::process::ServerProcess;
use contract_tests::requests::Api;
use contract_tests::sql::{connect, execute, number, postgres};
use contract_tests::{INTEGRATION, Setup, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_continues_after_its_source_was_cut_off() {
    const ROWS: usize = 40_000;
    let postgres = postgres();
    let mut database = connect(&postgres.url()).await;
    execute(&mut database, "CREATE DATABASE source").await;
    let url = postgres.url_of("source");
    // Enough payload that no buffer holds the rest of the table.
    let table = format!(
        "CREATE TABLE users (\"UPDATED_AT\" TIMESTAMPTZ, \"EXTERNAL_ID\" TEXT, \"PAYLOAD\" TEXT);
         INSERT INTO users SELECT '2026-01-01Z'::timestamptz + n * interval '1 ms', 'user-' || n,
                                  format('{{\"row\":%s,\"text\":\"%s\"}}', n, repeat('x', 1500))
         FROM generate_series(0, {}) AS n",
        ROWS - 1
    );
    execute(&mut connect(&url).await, &table).await;
    let mut sync = IntoService::new(Setup::with_rows(0), Duration::from_millis(100)).await;
    sync.setup.source = format!("kind = \"postgres\"\nurl = {url:?}\ntable = \"users\"");
    let server = ServerProcess::start(&sync.setup.write()).await;
    let api = Api::new(&server.url, &sync.setup.key);
    api.triggered().await;

    for cut in 1..=4 {
        sync.accepted_more_than(cut * 4_000).await;
        eventually("the sync reads and is cut off", async || {
            let job = api.jobs(INTEGRATION).await?.remove(0);
            assert_eq!(job["job_status"], "running", "before cut {cut}: {job}\n{}", server.log());
            let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'source'";
            (number(&mut database, cut).await > 0).then_some(())
        })
        .await;
    }
    sync.fake_braze.delay(Duration::from_millis(10));
    let job = api.ended(INTEGRATION, Duration::from_secs(60)).await;
    let arrived = sync.arrived();
    println!("the source was cut off 4 times: {} rows of {ROWS} were sent again; {job}", arrived.again);
    assert_eq!(job["job_status"], "success", "{job}");
    assert_eq!(arrived.rows, ROWS, "every row arrives");
}
