//! Requests, growth and crowds: `cargo xtask bench service`.
//!
//! The real server answers requests of 32 callers, beside a bare HTTP server that answers the same number of bytes in the same
//! run. Then the same requests, the start and the claiming of jobs are measured with few and with many integrations, jobs and
//! replicas.

#![allow(clippy::unwrap_used)]

mod bare;
mod growth;
mod load;
mod server;

use std::time::Duration;

use load::{Load, Request, load};
use server::{Server, Setup};

/// The request that is over its rate limit.
const LIMITED: &str = "limit reached (429)";
/// Callers at once.
const CALLERS: usize = 32;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Size {
    /// How long each load lasts.
    lasting: Duration,
    /// Rounds, alternating with the reference; the median counts.
    rounds: usize,
    jobs: usize,
    integrations: usize,
    waiting: usize,
    replicas: usize,
}

fn main() {
    // Without `--bench` it runs as a test, with little of everything.
    let measures = std::env::args().any(|argument| argument == "--bench");
    let size = match measures {
        true => Size {
            lasting: Duration::from_secs(2),
            rounds: 3,
            jobs: 1_000_000,
            integrations: 10_000,
            waiting: 10_000,
            replicas: 50,
        },
        false => Size {
            lasting: Duration::from_millis(50),
            rounds: 1,
            jobs: 100,
            integrations: 20,
            waiting: 20,
            replicas: 3,
        },
    };
    // Set by `cargo xtask bench`.
    let postgres = std::env::var("OPENCDI_TEST_POSTGRES").ok();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        println!(
            "{:<10} {:<22} {:>10} {:>9} {:>9} {:>9} {:>12} {:>8}",
            "store", "request", "a second", "median", "p99", "CPU", "bare HTTP", "of bare"
        );
        requests("SQLite", None, size).await;
        if let Some(url) = &postgres {
            requests("Postgres", Some(url), size).await;
        }
        growth::run("SQLite", None, size).await;
        if let Some(url) = &postgres {
            growth::run("Postgres", Some(url), size).await;
            growth::replicas(url, size).await;
        }
    });
}

/// The requests that are measured.
fn all_requests(setup: &Setup) -> Vec<Request> {
    let (key, id) = (setup.key.expose(), setup.integrations[0]);
    let list = "/cdi/integrations";
    let trigger = |id: &str| format!("/cdi/integrations/{id}/sync");
    let status = format!("/cdi/integrations/{id}/job_sync_status");
    vec![
        // Repeated wrong keys are answered late on purpose, so they are not measured.
        Request::new("no permission (403)", "GET", list, setup.powerless.expose(), 403),
        Request::new("unknown ID (404)", "POST", &trigger("6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1bff"), key, 404),
        Request::new(LIMITED, "GET", list, setup.limited.expose(), 429),
        Request::new("list integrations", "GET", list, key, 200),
        Request::new("status of jobs", "GET", &status, key, 200),
        Request::new("trigger while running", "POST", &trigger(&id.to_string()), key, 429),
    ]
}

async fn requests(store: &str, postgres: Option<&str>, size: Size) {
    let setup = Setup::new(10, postgres).await;
    setup.create_store();
    setup.fill(100).await;
    let server = setup.start("api");
    // A job that no worker takes, so that every trigger finds it in progress.
    let (key, id) = (setup.key.expose(), setup.integrations[0]);
    let mut caller = load::Caller::connect(server.address).await;
    caller.call(&Request::new("", "POST", &format!("/cdi/integrations/{id}/sync"), key, 202)).await;
    // The only request of its window that is allowed, now and after a minute.
    let exhaust = |status| Request::new("", "GET", "/cdi/integrations", setup.limited.expose(), status);
    caller.call(&exhaust(200)).await;
    for request in all_requests(&setup) {
        if request.name == LIMITED {
            new_window(&mut caller, &exhaust).await;
        }
        let answer = bare::answer_of(server.address, &request).await;
        let bare = bare::start(answer).await;
        let (mut ours, mut theirs, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..size.rounds {
            if request.name == LIMITED {
                new_window(&mut caller, &exhaust).await;
            }
            let (measured, used) = with_cpu(&server, &request, size.lasting).await;
            ours.push(measured);
            cpu.push(used);
            theirs.push(load(bare, &request, CALLERS, size.lasting).await);
        }
        let (ours, theirs) = (median(ours), median(theirs));
        cpu.sort_unstable();
        println!(
            "{store:<10} {:<22} {:>10.0} {:>6.2} ms {:>6.2} ms {:>6.1} µs {:>12.0} {:>6.0} %",
            request.name,
            ours.per_second,
            ours.median.as_secs_f64() * 1e3,
            ours.p99.as_secs_f64() * 1e3,
            cpu[cpu.len() / 2].as_secs_f64() * 1e6,
            theirs.per_second,
            100.0 * ours.per_second / theirs.per_second,
        );
    }
}

/// Uses up the window of the limited workspace, if a new one has begun, and leaves time for a measurement in it.
async fn new_window(caller: &mut load::Caller, exhaust: &impl Fn(u16) -> Request) {
    let second = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() % 60;
    if second() > 55 {
        tokio::time::sleep(Duration::from_secs(60 - second())).await;
    }
    caller.call_any(&exhaust(429)).await;
}

async fn with_cpu(server: &Server, request: &Request, lasting: Duration) -> (Load, Duration) {
    let before = server.cpu();
    let measured = load(server.address, request, CALLERS, lasting).await;
    let requests = measured.per_second * lasting.as_secs_f64();
    (measured, (server.cpu() - before).div_f64(requests.max(1.0)))
}

fn median(mut rounds: Vec<Load>) -> Load {
    rounds.sort_by(|one, other| one.per_second.total_cmp(&other.per_second));
    rounds[rounds.len() / 2]
}
