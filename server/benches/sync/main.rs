//! How fast rows move, beside what the machine can do at all: `cargo xtask bench sync`.
//!
//! A million rows go from SQLite and from Postgres through the real server into a file and into a local service. Beside it
//! the same is done with no work in between: the same table is read and the same bytes are written, or the same requests
//! are sent by a bare HTTP client. And a plain loop in Python does it as one would write it in an afternoon. Everything
//! that arrives is compared with what was seeded, object by object.

#![allow(clippy::unwrap_used)]

mod compare;
mod seed;
mod server;
mod sink;
mod without;

use std::path::Path;
use std::time::Duration;

use server::{Destination, Measured, Source};
use sink::Sink;

/// The best of so many rounds counts.
const ROUNDS: usize = 3;

/// One line of the table.
struct Line {
    what: &'static str,
    sync: Measured,
    /// What the machine can do: the same bytes with no work in between.
    raw: Duration,
    python: Option<Duration>,
    /// The memory that a tenth of the rows took, in bytes.
    tenth: u64,
}

fn main() {
    // As a test, which has no `--bench`, it only has to run.
    let measures = std::env::args().any(|argument| argument == "--bench");
    let asked = std::env::var("OPENCDI_BENCH_ROWS").ok().map(|text| text.parse().unwrap());
    let (rows, rounds) = if measures { (asked.unwrap_or(1_000_000), ROUNDS) } else { (2000, 1) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let (full, tenth) = (folder.path().join("full"), folder.path().join("tenth"));
        println!("seeding {rows} rows into each source");
        let sources = seed::sources(&full, rows).await;
        let fewer = seed::sources(&tenth, rows / 10).await;
        println!(
            "starting the server takes {:.0} ms\n",
            server::start_up(&full, &sources[0]).await.as_secs_f64() * 1e3
        );
        heading();
        for (source, fewer) in sources.iter().zip(&fewer) {
            line(&into_file(&full, source, rows, rounds, Some((&tenth, fewer))).await, rows);
            line(&into_service(&full, source, rows, rounds, Some((&tenth, fewer))).await, rows);
        }
        seed::remove(&sources).await;
        seed::remove(&fewer).await;
    });
    println!(
        "\nraw: the same table read and the same bytes written with no work in between, or the same requests sent by a bare HTTP\n\
         client with as many at once. Python: a plain loop, with no checkpoints, retries or row errors. Nothing new: from a\n\
         trigger to the end of a sync that finds no new rows. Peak: of the server's memory, and for a tenth of the rows.\n\
         Best of {rounds}; every object that arrived was compared with what was seeded."
    );
}

async fn into_file(folder: &Path, source: &Source, rows: u32, rounds: usize, fewer: Option<(&Path, &Source)>) -> Line {
    let file = folder.join("out.jsonl");
    let destination = Destination::File(file.clone());
    let (mut syncs, mut raw, mut python) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        syncs.push(server::sync(folder, source, &destination).await);
        compare::lines(&file, rows);
        let bytes = std::fs::metadata(&file).unwrap().len();
        let (took, written) = without::read_and_write(source, &folder.join("raw.jsonl")).await;
        assert_eq!(written, bytes, "the same bytes");
        raw.push(took);
        python.extend(without::python(source, folder.join("python.jsonl").to_str().unwrap()));
    }
    let tenth = match fewer {
        Some((folder, source)) => server::sync(folder, source, &Destination::File(folder.join("out.jsonl"))).await.peak,
        None => 0,
    };
    Line { what: source.into_file, sync: best(syncs), raw: least(raw), python: python.into_iter().min(), tenth }
}

async fn into_service(
    folder: &Path,
    source: &Source,
    rows: u32,
    rounds: usize,
    fewer: Option<(&Path, &Source)>,
) -> Line {
    let (mut syncs, mut raw, mut python) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let sink = Sink::start().await;
        syncs.push(server::sync(folder, source, &Destination::Service(sink.url())).await);
        let bodies = sink.take();
        compare::bodies(&bodies, rows);
        raw.push(without::send(&sink.url(), bodies).await);
        compare::bodies(&sink.take(), rows);
        let url = sink.url();
        python.extend(tokio::task::block_in_place(|| without::python(source, &url)));
    }
    let tenth = match fewer {
        Some((folder, source)) => {
            let sink = Sink::start().await;
            server::sync(folder, source, &Destination::Service(sink.url())).await.peak
        }
        None => 0,
    };
    Line { what: source.into_service, sync: best(syncs), raw: least(raw), python: python.into_iter().min(), tenth }
}

fn best(syncs: Vec<Measured>) -> Measured {
    syncs.into_iter().min_by_key(|sync| sync.took).unwrap()
}

fn least(times: Vec<Duration>) -> Duration {
    times.into_iter().min().unwrap()
}

fn heading() {
    println!(
        "{:<42} {:>9} {:>9} {:>7} {:>9} {:>8} {:>12} {:>8} {:>10}",
        "", "rows/s", "raw", "of raw", "Python", "× Python", "nothing new", "peak MB", "of a tenth"
    );
}

fn line(line: &Line, rows: u32) {
    let rate = |took: Duration| f64::from(rows) / took.as_secs_f64();
    let (sync, raw) = (rate(line.sync.took), rate(line.raw));
    let python = line.python.map(rate);
    println!(
        "{:<42} {sync:>9.0} {raw:>9.0} {:>5.0} % {:>9} {:>8} {:>9.0} ms {:>8.1} {:>10.1}",
        line.what,
        100.0 * sync / raw,
        python.map_or("-".into(), |python| format!("{python:.0}")),
        python.map_or("-".into(), |python| format!("{:.1}", sync / python)),
        line.sync.nothing_new.as_secs_f64() * 1e3,
        line.sync.peak as f64 / 1e6,
        line.tenth as f64 / 1e6,
    );
}
