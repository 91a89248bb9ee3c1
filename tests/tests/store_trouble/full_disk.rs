//! A SQLite store on a disk that fills up and gets space again.

use std::time::{Duration, Instant};

use contract_tests::into_service::{Arrived, IntoService};
use contract_tests::process::{ServerProcess, serve};
use contract_tests::requests::{Api, wide_limits};
use contract_tests::small_disk::SmallDisk;
use contract_tests::{INTEGRATION, Setup, within};
use rustix::process::Signal;

const BYTES: usize = 4_000_000;

/// Puts the configuration and the store on a small disk; the source is elsewhere.
fn on_a_small_disk(setup: &mut Setup) -> SmallDisk {
    let disk = SmallDisk::mount(setup.path("small"), BYTES);
    setup.source = format!("kind = \"sqlite\"\npath = {:?}\ntable = \"users\"", setup.path("source.db"));
    std::fs::write(disk.path("opencdi.toml"), setup.text()).unwrap();
    disk
}

async fn start(setup: &Setup, disk: &SmallDisk) -> ServerProcess {
    let command = disk.command(&serve(&disk.folder().join("opencdi.toml")));
    let mut server = ServerProcess::launch(command, &setup.path("opencdi.toml"));
    server.listens().await;
    server
}

/// Log lines that warn of a full disk, regardless of their wording.
fn warnings(server: &ServerProcess) -> Vec<String> {
    let log = server.log();
    let loud = log.lines().filter(|line| line.contains(" WARN ") || line.contains("ERROR "));
    loud.filter(|line| line.contains("full")).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_triggers_and_is_logged_once() {
    let mut setup = Setup::with_rows(50);
    setup.destination = format!("kind = \"jsonl\"\npath = {:?}", setup.path("out.jsonl"));
    setup.more = format!("{}[admin]\nlisten = \"127.0.0.1:0\"\n", wide_limits());
    let disk = on_a_small_disk(&mut setup);
    let server = start(&setup, &disk).await;
    let ready = server.last_logged("health and metrics at ").split_once("http://").unwrap().1.to_owned();
    let ready = async || reqwest::get(format!("http://{ready}/readyz")).await.unwrap();
    assert_eq!(ready().await.status(), 200);
    let api = Api::new(&server.url, &setup.key);
    api.triggered().await;
    assert_eq!(api.ended(INTEGRATION, Duration::from_secs(10)).await["job_status"], "success");

    disk.fill();
    let mut statuses = Vec::new();
    for _ in 0..40 {
        statuses.push(api.trigger(INTEGRATION).await.unwrap());
    }
    assert_eq!(statuses, [503; 40], "nothing can be stored");
    let told = warnings(&server);
    assert!(
        told.len() == 1 && told[0].contains("the store is out of disk space"),
        "logged once, and not for each request: {told:#?}"
    );

    // It can be read all the while.
    let answer = ready().await;
    let (status, checks) = (answer.status(), answer.text().await.unwrap());
    assert!(status == 503 && checks.contains("the store is out of disk space"), "{checks}");

    setup.insert(60, 50..60);
    disk.free();
    within(Duration::from_secs(5), "a sync is triggered after there is space again", async || {
        match api.trigger(INTEGRATION).await {
            Some(202) => Some(()),
            status => {
                assert_eq!(status, Some(503));
                None
            }
        }
    })
    .await;
    let job = api.ended(INTEGRATION, Duration::from_secs(10)).await;
    assert_eq!((job["job_status"].as_str(), job["rows_synced"].as_u64()), (Some("success"), Some(10)), "{job}");
    // The disk counts as full for a moment longer, because small writes may still succeed on a full disk.
    within(Duration::from_secs(5), "the recovery is logged", async || {
        (server.logged("the store is available again") > 0).then_some(())
    })
    .await;
    assert_eq!(
        (server.logged("the store is out of disk space"), server.logged("the store is available again")),
        (1, 1),
        "{}",
        server.log()
    );
    assert_eq!(api.jobs(INTEGRATION).await.unwrap().len(), 2, "each trigger that was answered with 202 has its job");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_waits_for_space_and_delivers_every_row_once() {
    const ROWS: usize = 30_000;
    let mut sync = IntoService::new(Setup::with_rows(ROWS), Duration::from_millis(200)).await;
    sync.setup.more.push_str("[worker]\npoll = \"200ms\"\n");
    let disk = on_a_small_disk(&mut sync.setup);
    let mut server = start(&sync.setup, &disk).await;
    let api = Api::new(&server.url, &sync.setup.key);
    api.triggered().await;
    sync.accepted_more_than(5_000).await;

    disk.fill();
    let filled = Instant::now();
    let mut last = (sync.fake_braze.accepted(), Instant::now());
    let at_rest = within(Duration::from_secs(6), "nothing is delivered that cannot be written down", async || {
        let accepted = sync.fake_braze.accepted();
        if accepted != last.0 {
            last = (accepted, Instant::now());
        }
        (last.1.elapsed() > Duration::from_secs(2)).then_some(last)
    })
    .await;
    assert!(at_rest.0 < ROWS, "the sync had ended before it could wait: give it more rows");
    println!("delivered for {:?} on the full disk", at_rest.1.duration_since(filled));
    assert_eq!(server.status(), None, "it goes on");

    disk.free();
    sync.fake_braze.delay(Duration::from_millis(20));
    let job = api.ended(INTEGRATION, Duration::from_secs(30)).await;
    assert_eq!(
        (job["job_status"].as_str(), job["rows_synced"].as_u64()),
        (Some("success"), Some(ROWS as u64)),
        "{job}"
    );
    assert_eq!(sync.arrived(), Arrived { rows: ROWS, again: 0 });
    assert_eq!(api.list().await, Some(200));

    server.signal(Signal::TERM);
    assert_eq!(server.ends_within(Duration::from_secs(10)).await.and_then(|status| status.code()), Some(0));
    let requests = sync.fake_braze.requests();
    let after = start(&sync.setup, &disk).await;
    let api = Api::new(&after.url, &sync.setup.key);
    assert_eq!(api.jobs(INTEGRATION).await.unwrap(), [job], "what was seen of it was stored");
    // The second sync finds nothing new. By its end a worker has looked for abandoned jobs.
    api.triggered().await;
    let job = api.ended(INTEGRATION, Duration::from_secs(10)).await;
    assert_eq!((job["job_status"].as_str(), job["rows_synced"].as_u64()), (Some("success"), Some(0)), "{job}");
    assert_eq!(sync.fake_braze.requests(), requests, "nothing is sent again");
    let begun = (server.logged("sync started"), after.logged("sync started"));
    assert_eq!(begun, (1, 1), "each job was claimed once");
}
