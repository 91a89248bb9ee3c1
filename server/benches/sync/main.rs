//! Throughput of syncs, compared with the raw speed of the machine: `cargo xtask bench sync`.
//!
//! The real server syncs a million rows from SQLite and from Postgres to a file and to a local service. The raw baseline reads
//! the same rows in the same order and writes the same bytes, or sends the same requests with a bare HTTP client, without any
//! processing. A third baseline is a simple Python script. Every object that arrives is compared with the seeded rows.
//!
//! `latency` measures a service that is far away and allows only so many requests a second, `changed` the setting
//! `only_changed`, and `first-load` the first sync of a large table.

#![allow(clippy::unwrap_used)]

mod changed;
mod compare;
mod first_load;
mod latency;
mod limited;
mod raw;
mod seed;
mod server;
mod sink;

use std::path::Path;
use std::time::Duration;

use server::{Destination, Measured, Source};
use sink::Sink;

/// Number of rounds, of which the best counts.
const ROUNDS: usize = 3;
/// The response time of a simulated remote service.
const REMOTE_DELAY: Duration = Duration::from_millis(5);

/// The measurements of one line of the table, one per round.
#[derive(Default)]
struct Line {
    syncs: Vec<Measured>,
    /// The raw baseline.
    raw: Vec<Duration>,
    python: Vec<Duration>,
}

fn main() {
    // Without `--bench` it runs as a test, with few rows.
    let measures = std::env::args().any(|argument| argument == "--bench");
    let asked = std::env::var("OPENCDI_BENCH_ROWS").ok().map(|text| text.parse().unwrap());
    let (rows, rounds) = if measures { (asked.unwrap_or(1_000_000), ROUNDS) } else { (2000, 1) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let part = std::env::var("OPENCDI_BENCH_PART").ok();
    let is_asked = |name: &str| part.as_deref().map_or(!measures || name == "throughput", |part| part == name);
    runtime.block_on(async {
        if is_asked("throughput") {
            throughput(rows, rounds).await;
        }
        if is_asked("latency") {
            latency::measure(measures).await;
        }
        if is_asked("changed") {
            changed::measure(rows, measures).await;
        }
        if is_asked("first-load") {
            first_load::measure(rows).await;
        }
    });
}

async fn throughput(rows: u32, rounds: usize) {
    let folder = tempfile::tempdir().unwrap();
    let (full, tenth) = (folder.path().join("full"), folder.path().join("tenth"));
    println!("seeding {rows} rows into each source");
    let sources = seed::sources(&full, rows).await;
    let fewer = seed::sources(&tenth, rows / 10).await;
    println!("starting the server takes {:.0} ms\n", server::start_up(&full, &sources[0]).await.as_secs_f64() * 1e3);
    println!(
        "{:<46} {:>9} {:>9} {:>7} {:>9} {:>8} {:>12} {:>8} {:>10}",
        "", "rows/s", "raw", "of raw", "Python", "× Python", "nothing new", "peak MB", "of a tenth"
    );
    for (source, fewer) in sources.iter().zip(&fewer) {
        let few = into_file(&tenth, fewer, rows / 10, 1).await;
        into_file(&full, source, rows, rounds).await.print(source, "file", rows, &few);
        let few = into_service(&tenth, fewer, rows / 10, 1, Duration::ZERO).await;
        into_service(&full, source, rows, rounds, Duration::ZERO).await.print(source, "/users/track", rows, &few);
        let remote = into_service(&full, source, rows, 1, REMOTE_DELAY).await;
        remote.print(source, "/users/track, 5 ms away", rows, &few);
    }
    seed::remove(&sources).await;
    seed::remove(&fewer).await;
    println!(
        "\nraw: reads the same rows in the same order and writes the same bytes without any processing, or sends the same requests\n\
     with a bare HTTP client and the same concurrency. Python: a simple loop without checkpoints, retries or row errors.\n\
     Nothing new: from the trigger to the end of a sync without new rows. Peak: the server's memory, also for a tenth of the\n\
     rows. Best of {rounds} rounds (5 ms away: one round). Every object that arrived was compared with the seeded rows."
    );
}

async fn into_file(folder: &Path, source: &Source, rows: u32, rounds: usize) -> Line {
    let file = folder.join("out.jsonl");
    let destination = Destination::File(file.clone());
    let mut line = Line::default();
    for _ in 0..rounds {
        line.syncs.push(server::sync(folder, source, &destination).await);
        compare::lines(&file, rows);
        let (took, written) = raw::read_and_write(source, &folder.join("raw.jsonl")).await;
        assert_eq!(written, std::fs::metadata(&file).unwrap().len(), "the same bytes");
        line.raw.push(took);
        line.python.extend(raw::python(source, folder.join("python.jsonl").to_str().unwrap()));
    }
    line
}

async fn into_service(folder: &Path, source: &Source, rows: u32, rounds: usize, delay: Duration) -> Line {
    let sink = Sink::start(delay).await;
    let mut line = Line::default();
    for _ in 0..rounds {
        line.syncs.push(server::sync(folder, source, &Destination::Service(sink.url())).await);
        let bodies = sink.take();
        compare::bodies(&bodies, rows);
        line.raw.push(raw::send(&sink.url(), bodies).await);
        compare::bodies(&sink.take(), rows);
        line.python.extend(tokio::task::block_in_place(|| raw::python(source, &sink.url())));
        sink.take();
    }
    line
}

impl Line {
    fn print(&self, source: &Source, destination: &str, rows: u32, fewer: &Line) {
        let rate = |took: Duration| f64::from(rows) / took.as_secs_f64();
        let best = self.syncs.iter().min_by_key(|sync| sync.took).unwrap();
        let (sync, raw) = (rate(best.took), rate(*self.raw.iter().min().unwrap()));
        let python = self.python.iter().min().map(|took| rate(*took));
        let shown =
            |number: Option<f64>, digits: usize| number.map_or("-".into(), |number| format!("{number:.digits$}"));
        println!(
            "{:<46} {sync:>9.0} {raw:>9.0} {:>5.0} % {:>9} {:>8} {:>9.0} ms {:>8.1} {:>10.1}",
            format!("{} → {destination}", source.name),
            100.0 * sync / raw,
            shown(python, 0),
            shown(python.map(|python| sync / python), 1),
            best.nothing_new.as_secs_f64() * 1e3,
            self.peak(),
            fewer.peak(),
        );
    }

    /// The server's highest memory use of all rounds, in megabytes.
    fn peak(&self) -> f64 {
        self.syncs.iter().map(|sync| sync.peak).max().unwrap() as f64 / 1e6
    }
}
