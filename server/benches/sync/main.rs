//! How fast rows move, beside what the machine can do at all: `cargo xtask bench sync`.
//!
//! A million rows go from SQLite and from Postgres through the real server into a file and into a local service. Beside it
//! the same is done with no work in between: the same rows are read in the same order and the same bytes are written, or
//! the same requests are sent by a bare HTTP client. And a plain loop in Python does it as one would write it in an
//! afternoon. Everything that arrives is compared with what was seeded, object by object.

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
/// How long a service takes for an answer that is not in the same process.
const DISTANCE: Duration = Duration::from_millis(5);

/// The same rows with and without the service, time after time.
#[derive(Default)]
struct Line {
    syncs: Vec<Measured>,
    /// What the machine can do: the same bytes with no work in between.
    raw: Vec<Duration>,
    python: Vec<Duration>,
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
        println!(
            "{:<46} {:>9} {:>9} {:>7} {:>9} {:>8} {:>12} {:>8} {:>10}",
            "", "rows/s", "raw", "of raw", "Python", "× Python", "nothing new", "peak MB", "of a tenth"
        );
        for (source, fewer) in sources.iter().zip(&fewer) {
            let few = into_file(&tenth, fewer, rows / 10, 1).await;
            into_file(&full, source, rows, rounds).await.print(source, "file", rows, &few);
            let few = into_service(&tenth, fewer, rows / 10, 1, Duration::ZERO).await;
            into_service(&full, source, rows, rounds, Duration::ZERO).await.print(source, "/users/track", rows, &few);
            let distant = into_service(&full, source, rows, 1, DISTANCE).await;
            distant.print(source, "/users/track, 5 ms away", rows, &few);
        }
        seed::remove(&sources).await;
        seed::remove(&fewer).await;
    });
    println!(
        "\nraw: the same rows read in the same order and the same bytes written with no work in between, or the same requests sent\n\
         by a bare HTTP client with as many at once. Python: a plain loop, with no checkpoints, retries or row errors. Nothing\n\
         new: from a trigger to the end of a sync that finds no new rows. Peak: of the server's memory, and for a tenth of the\n\
         rows. Best of {rounds} (5 ms away: of 1); every object that arrived was compared with what was seeded."
    );
}

async fn into_file(folder: &Path, source: &Source, rows: u32, rounds: usize) -> Line {
    let file = folder.join("out.jsonl");
    let destination = Destination::File(file.clone());
    let mut line = Line::default();
    for _ in 0..rounds {
        line.syncs.push(server::sync(folder, source, &destination).await);
        compare::lines(&file, rows);
        let (took, written) = without::read_and_write(source, &folder.join("raw.jsonl")).await;
        assert_eq!(written, std::fs::metadata(&file).unwrap().len(), "the same bytes");
        line.raw.push(took);
        line.python.extend(without::python(source, folder.join("python.jsonl").to_str().unwrap()));
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
        line.raw.push(without::send(&sink.url(), bodies).await);
        compare::bodies(&sink.take(), rows);
        line.python.extend(tokio::task::block_in_place(|| without::python(source, &sink.url())));
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

    /// The server's memory at its highest in any round, in megabytes.
    fn peak(&self) -> f64 {
        self.syncs.iter().map(|sync| sync.peak).max().unwrap() as f64 / 1e6
    }
}
