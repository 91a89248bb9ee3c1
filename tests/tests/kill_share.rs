//! How many rows are sent twice if replicas are killed repeatedly. Nothing is lost, the newest row of every user
//! arrives last, and rows that the store has recorded as synced when a replica is killed are not sent again.
//!
//! `OPENCDI_KILLS` sets the number of kills, one every three seconds.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use contract_tests::arrivals::Arrivals;
use contract_tests::process::ServerProcess;
use contract_tests::requests::Api;
use contract_tests::sql::{connect, execute, number, postgres};
use contract_tests::{INTEGRATION, Setup, setting, within};
use futures::future::join_all;
use sqlx::PgConnection;
use tokio::time::sleep;

const KILL_EVERY: Duration = Duration::from_secs(3);
const DESTINATION_TAKES: Duration = Duration::from_millis(5);
const USERS: u64 = 2_000;
/// More than the first interval can deliver. Each later interval has twice as many rows left as the previous one
/// delivered.
const FIRST_ROWS: u64 = 200_000;
const LEAST_LEFT: u64 = 30_000;
const TURN: Duration = Duration::from_secs(120);
/// Upper bound of the objects of a killed replica that arrive after counting, because their requests were already sent
/// completely.
const STILL_ARRIVING: u64 = 600;
/// Upper bound of the share of rows that are sent twice, even on a slow machine: checkpoints are frequent. With only a
/// watermark, before acknowledgements ahead of it were recorded, this test measured 12.8 % (30 kills) and 9.0 to 11.6 %
/// (5 kills) with one replica, 12.2 % and 8.4 to 9.5 % with two; with the record 4.0 % (30 kills) and 1.6 % (5 kills)
/// with one, 4.1 % and 1.5 % with two; 1.0 % and 1.2 % (30 kills) in a release build; 7.2 % on a slow disk.
const MOST_SENT_TWICE: f64 = 0.2;

/// Inserts rows of all users in turn.
async fn insert(database: &mut PgConnection, from: u64, to: u64) {
    let rows = format!(
        "INSERT INTO users SELECT '2026-01-01Z'::timestamptz + n * interval '1 ms', 'user-' || n % {USERS}, format('{{\"n\":%s}}', n)
         FROM generate_series({from}, {}) AS n",
        to - 1
    );
    execute(database, &rows).await;
}

async fn kill_repeatedly(replicas: usize) {
    let kills: usize = setting("OPENCDI_KILLS", 5);
    let postgres = postgres();
    execute(&mut connect(&postgres.url()).await, "CREATE DATABASE app").await;
    let url = postgres.url_of("app");
    let mut database = connect(&url).await;
    let table = "CREATE TABLE users (updated_at timestamptz, external_id text, payload text); CREATE INDEX ON users (updated_at)";
    execute(&mut database, table).await;
    let mut rows = FIRST_ROWS;
    insert(&mut database, 0, rows).await;

    let mut setup = Setup::with_rows(0);
    let arrivals = Arrivals::of(&mut setup, DESTINATION_TAKES).await;
    setup.store = postgres.url();
    setup.source = format!("kind = \"postgres\"\nurl = {url:?}\ntable = \"users\"");
    // A job may lose any number of workers here.
    setup.more.push_str("[worker]\nlease = \"1s\"\npoll = \"100ms\"\nmax_attempts = 1000\n");
    let config = setup.write();
    let mut servers = join_all((0..replicas).map(|_| ServerProcess::start(&config))).await;
    Api::new(&servers[0].url, &setup.key).triggered().await;
    arrivals.have_arrived(1).await;

    let mut store = connect(&postgres.url()).await;
    let (mut turn, mut unrecorded) = (Instant::now(), 0);
    for kill in 0..kills {
        let before = arrivals.distinct();
        sleep(KILL_EVERY.saturating_sub(turn.elapsed())).await;
        turn = Instant::now();
        let begun = |server: &ServerProcess| server.logged("sync started") + server.logged("sync resumed");
        let working = servers.iter().position(|server| begun(server) > server.logged("sync ended"));
        let killed = &mut servers[working.unwrap_or(kill % replicas)];
        killed.kill();
        let recorded = number(&mut store, "SELECT sum(rows_synced)::bigint FROM jobs").await as u64;
        let not_recorded = (arrivals.distinct() as u64).saturating_sub(recorded);
        unrecorded += not_recorded + STILL_ARRIVING;
        let arrived = arrivals.distinct() as u64 - before as u64;
        println!(
            "kill {kill}: {arrived} rows since the last, {not_recorded} not yet recorded, {} were sent twice so far",
            arrivals.more_than_once()
        );
        let enough = arrivals.distinct() as u64 + LEAST_LEFT.max(2 * arrived);
        if enough > rows && kill + 1 < kills {
            insert(&mut database, rows, enough).await;
            rows = enough;
        }
        *killed = ServerProcess::start(&config).await;
        // Starts another sync if the last one has ended.
        let status = Api::new(&killed.url, &setup.key).trigger(INTEGRATION).await;
        assert!(matches!(status, Some(202 | 409 | 429)), "a trigger is answered with {status:?}");
    }
    let api = Api::new(&servers[0].url, &setup.key);
    within(TURN, "every row has arrived", async || {
        let job = api.ended(INTEGRATION, TURN).await;
        assert_eq!(job["job_status"], "success", "{job}");
        let done = arrivals.distinct() as u64 == rows;
        if !done {
            api.triggered().await;
        }
        done.then_some(())
    })
    .await;

    let twice = arrivals.more_than_once();
    let share = twice as f64 / rows as f64;
    println!(
        "{kills} kills, {replicas} replicas: sent twice: {twice} of {rows} ({:.1} %), at most {unrecorded} had not been recorded",
        100.0 * share
    );
    for (user, last) in arrivals.last(|row| row % USERS) {
        assert_eq!(
            last,
            (rows - 1 - user) / USERS * USERS + user,
            "the last to arrive of user-{user} is not its newest"
        );
    }
    assert!(twice as u64 <= unrecorded, "{twice} were sent twice, and at most {unrecorded} had not been recorded");
    assert!(share <= MOST_SENT_TWICE, "{:.1} % were sent twice", 100.0 * share);
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_a_replica_repeatedly_sends_little_twice() {
    kill_repeatedly(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_the_working_one_of_two_replicas_sends_little_twice() {
    kill_repeatedly(2).await;
}
