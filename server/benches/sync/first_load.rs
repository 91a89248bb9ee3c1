//! `cargo xtask bench sync first-load`: the first sync of a large table into a file.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use crate::compare::Tally;
use crate::seed;
use crate::server::{Destination, Server, USUAL};

/// What a row takes on disk at most: in the source, in the sort of its database, and in the file.
const BYTES: u64 = 1500;

pub async fn measure(rows: u32) {
    let folder = tempfile::tempdir().unwrap();
    let room = rustix::fs::statvfs(folder.path()).map(|disk| disk.f_bavail * disk.f_frsize).unwrap();
    let needed = u64::from(rows) * BYTES;
    if room < needed {
        println!(
            "the first load of {rows} rows needs {} GB on {}, which has {}",
            needed >> 30,
            folder.path().display(),
            room >> 30
        );
        return;
    }
    println!("{:<24} {:>10} {:>8} {:>9} {:>8} {:>9}", "first load", "rows", "seconds", "rows/s", "peak MB", "store MB");
    for number in 0..3 {
        let path = folder.path().join("source.db");
        // One source at a time, because each takes much room.
        let _ = std::fs::remove_file(&path);
        let source = match number {
            0 => seed::appended(&path, rows),
            1 => seed::changed(&path, rows),
            _ => match seed::in_postgres(rows).await {
                Some(source) => source,
                None => return,
            },
        };
        let file = folder.path().join("out.jsonl");
        let server = Server::start(folder.path(), &source, &Destination::File(file.clone()), USUAL).await;
        let took = server.sync().await.as_secs_f64();
        check(&file, rows);
        println!(
            "{:<24} {rows:>10} {took:>8.1} {:>9.0} {:>8.1} {:>9.1}",
            source.name,
            f64::from(rows) / took,
            server.peak() as f64 / 1e6,
            store_size(folder.path()) as f64 / 1e6,
        );
        seed::remove(&[source]).await;
    }
}

/// Checks that the lines of a file are the rows.
pub fn check(file: &Path, rows: u32) {
    let mut tally = Tally::new(rows);
    let mut lines = BufReader::new(File::open(file).unwrap());
    let mut line = String::new();
    while lines.read_line(&mut line).unwrap() > 0 {
        tally.take(&line, 1);
        line.clear();
    }
    tally.is_all(rows);
}

/// The size of a SQLite store.
pub fn store_size(folder: &Path) -> u64 {
    let files = ["opencdi.db", "opencdi.db-wal"].map(|name| std::fs::metadata(folder.join(name)));
    files.into_iter().flatten().map(|file| file.len()).sum()
}
