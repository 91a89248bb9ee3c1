//! `cargo xtask bench sync latency`: how much of a distant, limited service a sync uses, beside the best of a bare client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;

use crate::limited::Limited;
use crate::seed;
use crate::server::{Destination, Server, USUAL};

/// Objects in a request.
const OBJECTS: u32 = 75;
/// The requests that the bare client has under way.
const CONCURRENCIES: [usize; 4] = [32, 128, 256, 512];
/// Latencies, and the requests a second that are allowed. The first limit is that of the real service.
const SERVICES: [(u64, u32); 4] = [(5, 1000), (50, 1000), (150, 1000), (50, 300)];

pub async fn measure(measures: bool) {
    // So long that what is learned of the limit counts.
    let (seconds, tries) = if measures { (25, 5) } else { (0, 0) };
    println!(
        "{:<32} {:>9} {:>8} {:>7} {:>8} {:>9} {:>12} {:>7} {:>8}",
        "", "rows/s", "of limit", "429s/s", "peak MB", "bare", "at once", "429s/s", "of bare"
    );
    for (latency, limit) in SERVICES {
        let folder = tempfile::tempdir().unwrap();
        let rows = (limit * OBJECTS * seconds).max(2000);
        let source = seed::appended(&folder.path().join("source.db"), rows);
        let service = Limited::start(Duration::from_millis(latency), limit as usize).await;
        let server = Server::start(folder.path(), &source, &Destination::Service(service.url()), USUAL).await;
        service.expect(rows);
        let took = server.sync().await.as_secs_f64();
        let (arrived, refused) = service.take();
        arrived.is_all(rows);
        let mut best: Option<Bare> = None;
        for at_once in CONCURRENCIES.into_iter().take(if measures { CONCURRENCIES.len() } else { 1 }) {
            for pace in [None, Some(limit)] {
                let bare = bare(&service, at_once, pace, Duration::from_secs(tries)).await;
                if best.as_ref().is_none_or(|best| bare.rate > best.rate) {
                    best = Some(bare);
                }
            }
        }
        let (rate, best) = (f64::from(rows) / took, best.unwrap());
        println!(
            "{:<32} {rate:>9.0} {:>6.0} % {:>7.1} {:>8.1} {:>9.0} {:>12} {:>7.1} {:>6.0} %",
            format!("{latency} ms away, {limit} requests/s"),
            100.0 * rate / f64::from(limit * OBJECTS),
            f64::from(refused) / took,
            server.peak() as f64 / 1e6,
            best.rate,
            format!("{}{}", best.at_once, if best.is_paced { ", paced" } else { "" }),
            best.refused,
            100.0 * rate / best.rate,
        );
    }
    println!(
        "\nOf limit: of what the service allows, {OBJECTS} objects a request. Bare: the best of an HTTP client that does nothing but\n\
         send, with {CONCURRENCIES:?} requests at once, unpaced or paced at the limit. Each object was checked to arrive once.\n"
    );
}

/// What a bare client has reached.
struct Bare {
    at_once: usize,
    is_paced: bool,
    /// Accepted rows and refused requests, a second.
    rate: f64,
    refused: f64,
}

async fn bare(service: &Limited, at_once: usize, pace: Option<u32>, duration: Duration) -> Bare {
    // A second without requests, so that the limit does not remember the try before.
    tokio::time::sleep(duration.min(Duration::from_secs(1))).await;
    let pace = pace.map(|limit| {
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / limit);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Arc::new(tokio::sync::Mutex::new(ticks))
    });
    let (address, is_paced) = (format!("{}/users/track", service.url()), pace.is_some());
    let client = reqwest::Client::builder().pool_max_idle_per_host(at_once).build().unwrap();
    let objects: Vec<String> = (0..OBJECTS).map(seed::object).collect();
    let body = hyper::body::Bytes::from(format!("{{\"attributes\":[{}]}}", objects.join(",")));
    let counts = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
    let begin = Instant::now();
    let senders = (0..at_once).map(|_| {
        let (client, address, body, pace, counts) =
            (client.clone(), address.clone(), body.clone(), pace.clone(), counts.clone());
        tokio::spawn(async move {
            loop {
                if let Some(pace) = &pace {
                    pace.lock().await.tick().await;
                }
                let request = client.post(&address).header("content-type", "application/json").bearer_auth("secret");
                let answer = request.body(body.clone()).send().await.unwrap();
                let is_refused = answer.status() == 429;
                answer.bytes().await.unwrap();
                counts[usize::from(is_refused)].fetch_add(1, Ordering::Relaxed);
                if begin.elapsed() >= duration {
                    break;
                }
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.unwrap();
    }
    let took = begin.elapsed().as_secs_f64();
    let [accepted, refused] = [0, 1].map(|index| f64::from(counts[index].load(Ordering::Relaxed)) / took);
    Bare { at_once, is_paced, rate: accepted * f64::from(OBJECTS), refused }
}
