//! The baselines: reading and writing, or sending, without any processing, and a simple Python script.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use hyper::body::Bytes;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use crate::server::{Database, Source};

/// Concurrent requests. More of them are not faster.
const CONCURRENCY: usize = 64;

/// Reads the table and writes the same bytes as a sync. Returns the duration and the number of bytes.
pub async fn read_and_write(source: &Source, file: &Path) -> (Duration, u64) {
    let begin = Instant::now();
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file).unwrap());
    match &source.database {
        Database::Sqlite(path) => {
            let database = rusqlite::Connection::open(path).unwrap();
            let text = format!("SELECT UPDATED_AT, EXTERNAL_ID, PAYLOAD FROM users ORDER BY {}", source.order);
            let mut statement = database.prepare(&text).unwrap();
            let mut rows = statement.query(()).unwrap();
            while let Some(row) = rows.next().unwrap() {
                write(&mut out, row.get_ref(1).unwrap().as_str().unwrap(), row.get_ref(2).unwrap().as_str().unwrap());
            }
        }
        Database::Postgres { url, table } => {
            let mut connection = PgConnection::connect(url).await.unwrap();
            let text = format!("SELECT updated_at, external_id, payload FROM {table} ORDER BY {}", source.order);
            let mut rows = sqlx::query(AssertSqlSafe(text)).fetch(&mut connection);
            while let Some(row) = rows.try_next().await.unwrap() {
                write(&mut out, row.get(1), row.get(2));
            }
        }
    }
    let file = out.into_inner().unwrap();
    file.sync_all().unwrap();
    (begin.elapsed(), file.metadata().unwrap().len())
}

fn write(out: &mut impl Write, user: &str, payload: &str) {
    for part in ["{\"external_id\":\"", user, "\",", &payload[1..], "\n"] {
        out.write_all(part.as_bytes()).unwrap();
    }
}

/// Sends these requests and returns the duration.
pub async fn send(url: &str, bodies: Vec<Bytes>) -> Duration {
    let address = format!("{url}/users/track");
    let client = reqwest::Client::new();
    let left = Arc::new(Mutex::new(bodies.into_iter()));
    let begin = Instant::now();
    let senders = (0..CONCURRENCY).map(|_| {
        let (client, address, left) = (client.clone(), address.clone(), left.clone());
        tokio::spawn(async move {
            loop {
                let Some(body) = left.lock().unwrap().next() else { break };
                let request = client.post(&address).header("content-type", "application/json").bearer_auth("secret");
                let answer = request.body(body).send().await.unwrap();
                assert_eq!(answer.status(), 201);
                answer.bytes().await.unwrap();
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.unwrap();
    }
    begin.elapsed()
}

/// The duration of the Python script, including its start. Only for SQLite, the only database in Python's standard library.
pub fn python(source: &Source, destination: &str) -> Option<Duration> {
    let Database::Sqlite(path) = &source.database else { return None };
    let begin = Instant::now();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/sync/plain.py");
    let status = Command::new("python3").arg(script).arg(path).arg(destination).status().unwrap();
    assert!(status.success());
    Some(begin.elapsed())
}
