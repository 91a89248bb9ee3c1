//! Three replicas with one store: simultaneous triggers, random kills, and a replica suspended for longer than its
//! lease.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use contract_tests::into_service::IntoService;
use contract_tests::process::ServerProcess;
use contract_tests::requests::Api;
use contract_tests::sql::{connect, execute, postgres};
use contract_tests::{INTEGRATION, Setup, eventually};
use futures::future::join_all;
use rustix::process::Signal;
use tokio::time::sleep;

const TURN: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn of_64_triggers_at_three_replicas_exactly_one_starts_a_job() {
    let postgres = postgres();
    let mut sync = IntoService::new(Setup::with_rows(0), Duration::ZERO).await;
    sync.setup.store = postgres.url();
    let config = sync.setup.write();
    let servers = join_all((0..3).map(|_| ServerProcess::start(&config))).await;
    let apis: Vec<Api> = servers.iter().map(|server| Api::new(&server.url, &sync.setup.key)).collect();
    for round in 0..10 {
        sync.setup.insert(500, round * 500..(round + 1) * 500);
        // Slow enough that the job is still in progress when the last trigger arrives.
        sync.fake_braze.delay(Duration::from_secs(1));
        let statuses = join_all((0..64).map(|number| apis[number % 3].trigger(INTEGRATION))).await;
        let count = |status| statuses.iter().filter(|found| **found == Some(status)).count();
        assert_eq!((count(202), count(429)), (1, 63), "round {round}: {statuses:?}");
        sync.fake_braze.delay(Duration::ZERO);
        let job = apis[round % 3].ended(INTEGRATION, TURN).await;
        assert_eq!((job["job_status"].as_str(), job["rows_synced"].as_u64()), (Some("success"), Some(500)), "{job}");
    }
    for api in apis {
        assert_eq!(api.jobs(INTEGRATION).await.unwrap().len(), 10);
    }
    let refused: usize = servers.iter().map(|server| server.logged("another job is in progress integration=")).sum();
    assert_eq!(refused, 630, "the log tells it from the rate limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_replicas_are_killed_at_random() {
    const WHILE: Duration = Duration::from_secs(18);
    const ROWS_EACH: usize = 4_000;
    let postgres = postgres();
    let mut sync = IntoService::new(Setup::with_rows(0), Duration::from_millis(100)).await;
    sync.setup.store = postgres.url();
    // A job may lose any number of workers here.
    sync.setup.more.push_str("[worker]\nlease = \"2s\"\npoll = \"200ms\"\nmax_attempts = 1000\n");
    sync.setup.source().execute_batch("PRAGMA journal_mode = WAL").unwrap();
    let config = sync.setup.write();
    let mut servers = join_all((0..3).map(|_| ServerProcess::start(&config))).await;
    let (random, begin) = (RandomState::new(), Instant::now());
    let (mut rows, mut kills) = (0, 0_usize);
    while begin.elapsed() < WHILE {
        // There is always work: more rows are inserted as soon as the last job has ended.
        let api = Api::new(&servers[kills % 3].url, &sync.setup.key);
        if api.trigger(INTEGRATION).await == Some(202) {
            sync.setup.insert(500, rows..rows + ROWS_EACH);
            rows += ROWS_EACH;
        }
        let number = random.hash_one(kills);
        sleep(Duration::from_millis(300 + number % 700)).await;
        let killed = &mut servers[(number / 700 % 3) as usize];
        killed.kill();
        *killed = ServerProcess::start(&config).await;
        kills += 1;
    }
    let api = Api::new(&servers[0].url, &sync.setup.key);
    sync.fake_braze.delay(Duration::from_millis(10));
    api.ended(INTEGRATION, TURN).await;
    // Rows inserted after the last snapshot.
    api.triggered().await;
    api.ended(INTEGRATION, TURN).await;
    let arrived = sync.arrived();
    println!("{kills} kills: {} rows of {rows} were sent again", arrived.again);
    assert_eq!(arrived.rows, rows, "every row arrives");
    let jobs = api.jobs(INTEGRATION).await.unwrap();
    assert!(jobs.iter().all(|job| job["job_status"] == "success"), "{jobs:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_replica_delivers_nothing_older_than_the_other_has_delivered() {
    const ROWS: usize = 30_000;
    let postgres = postgres();
    let mut sync = IntoService::new(Setup::with_users(300, ROWS), Duration::from_millis(150)).await;
    sync.setup.store = postgres.url();
    sync.setup.more.push_str("[worker]\nlease = \"3s\"\npoll = \"200ms\"\n");
    let config = sync.setup.write();
    let stopped = ServerProcess::start(&config).await;
    Api::new(&stopped.url, &sync.setup.key).triggered().await;
    sync.accepted_more_than(3_000).await;
    let mut other = ServerProcess::start(&config).await;
    stopped.signal(Signal::STOP);
    // Long enough for what was sent to arrive, and too short for the lease to end.
    sleep(Duration::from_millis(500)).await;
    assert_eq!(other.logged("sync resumed"), 0);
    let at_the_stop = sync.arrived().rows;
    let connections: HashSet<SocketAddr> = sync.fake_braze.received().iter().map(|request| request.peer).collect();
    // From here on only the other delivers. It repeats some of what the first one has sent.
    let resumed = sync.fake_braze.objects().len();
    eventually("the other has taken the job", async || (other.logged("sync resumed") == 1).then_some(())).await;
    eventually("the other gets on", async || (sync.arrived().rows > at_the_stop + 6_000).then_some(())).await;
    assert!(sync.arrived().rows < ROWS, "the sync had ended before the first one went on: give it more rows");
    let requests = sync.fake_braze.requests();
    // For as long as its statements wait, the first one cannot learn from the store that it has lost the job.
    let mut store = connect(&sync.setup.store).await;
    execute(&mut store, "BEGIN; LOCK TABLE jobs IN EXCLUSIVE MODE").await;
    stopped.signal(Signal::CONT);
    sleep(Duration::from_secs(1)).await;
    execute(&mut store, "ROLLBACK").await;

    let api = Api::new(&other.url, &sync.setup.key);
    let job = api.ended(INTEGRATION, TURN).await;
    assert_eq!(job["job_status"], "success", "{job}");
    // The store records the end before the replica that reported it gets the answer and logs it.
    let ends = || stopped.logged("sync ended") + other.logged("sync ended");
    eventually("the end is logged", async || (ends() > 0).then_some(())).await;
    // The first replica still answers and ends in order; by then all requests that it wanted to send have been sent.
    let mut stopped = stopped;
    assert_eq!(Api::new(&stopped.url, &sync.setup.key).list().await, Some(200));
    for server in [&mut stopped, &mut other] {
        server.signal(Signal::TERM);
        let status = server.ends_within(Duration::from_secs(10)).await;
        assert!(status.is_some_and(|status| status.success()), "{}", server.log());
    }
    let received = sync.fake_braze.received();
    let late: Vec<usize> =
        (requests..received.len()).filter(|number| connections.contains(&received[*number].peer)).collect();
    assert!(late.is_empty(), "requests {late:?} of {} came from the first replica after it went on", received.len());
    let user_and_row = |object: &serde_json::Value| {
        (object["external_id"].as_str().unwrap().to_owned(), object["row"].as_u64().unwrap())
    };
    let objects = sync.fake_braze.objects();
    let mut newest: HashMap<String, u64> = HashMap::new();
    for (user, row) in objects[resumed..].iter().map(user_and_row) {
        let known = newest.entry(user.clone()).or_default();
        assert!(row >= *known, "row {row} of {user} was delivered after {known}");
        *known = row;
    }
    let arrived = sync.arrived();
    println!("{} rows of {ROWS} were sent again", arrived.again);
    assert_eq!(arrived.rows, ROWS, "every row arrives");
    assert_eq!(stopped.logged("sync ended") + other.logged("sync ended"), 1, "it ended once");
    let last = objects.iter().map(user_and_row).filter(|(user, _)| user == "user-299").map(|(_, row)| row).max();
    assert_eq!(last, Some(ROWS as u64 - 1));
}
