//! `cargo xtask bench sync changed`: `only_changed`, after all rows got a new `UPDATED_AT` and some of them other attributes.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::first_load::{check, store_size};
use crate::seed;
use crate::server::{Database, Destination, Keys, Server, USUAL};

/// The setting, on and off.
const SETTINGS: [&str; 2] = ["only_changed = true", ""];
/// Of so many rows one is changed.
const SHARES: [(&str, u32); 3] = [("0 %", u32::MAX), ("1 %", 100), ("100 %", 1)];
/// Attributes of a row.
const ATTRIBUTES: u64 = 8;

pub async fn measure(rows: u32, measures: bool) {
    println!(
        "{:<36} {:>9} {:>12} {:>12} {:>8} {:>12}",
        "only_changed", "rows/s", "sent", "spared", "peak MB", "bytes a user"
    );
    for is_postgres in [false, true] {
        for setting in SETTINGS {
            for (share, one_in) in SHARES {
                // A test takes one line for each store.
                if !measures && (setting.is_empty() || one_in != 100) {
                    continue;
                }
                if !one(rows, is_postgres, setting, share, one_in).await {
                    return;
                }
            }
        }
    }
    println!(
        "\nSent and spared: attributes, {ATTRIBUTES} a row. Bytes a user: of the store, in all. Without the setting all are sent.\n"
    );
}

/// Measures one line; `false` without Postgres.
async fn one(rows: u32, is_postgres: bool, setting: &str, share: &str, one_in: u32) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let server_url = std::env::var("OPENCDI_TEST_POSTGRES").ok();
    let database = format!("bench_{}", uuid::Uuid::new_v4().simple());
    let store = match (is_postgres, server_url.as_deref()) {
        (false, _) => USUAL.store.to_owned(),
        (true, None) => return false,
        (true, Some(url)) => {
            execute(url, &format!("CREATE DATABASE {database}")).await;
            format!("{}/{database}", url.rsplit_once('/').unwrap().0)
        }
    };
    let source = seed::appended(&folder.path().join("source.db"), rows);
    let file = folder.path().join("out.jsonl");
    let keys = Keys { store: &store, integration: setting, ..USUAL };
    let server = Server::start(folder.path(), &source, &Destination::File(file.clone()), keys).await;
    let name = |what: &str| {
        let store = if is_postgres { "Postgres" } else { "SQLite" };
        format!("{store}, {}, {what}", if setting.is_empty() { "off" } else { "on" })
    };
    let print = |name: String, took: f64, sent: u64, bytes: u64| {
        println!(
            "{name:<36} {:>9.0} {sent:>12} {:>12} {:>8.1} {:>12.0}",
            f64::from(rows) / took,
            u64::from(rows) * ATTRIBUTES - sent,
            server.peak() as f64 / 1e6,
            bytes as f64 / f64::from(rows),
        );
    };
    let size = async || if is_postgres { postgres_size(&store).await } else { store_size(folder.path()) };
    let took = server.sync().await.as_secs_f64();
    check(&file, rows);
    print(name("first"), took, u64::from(rows) * ATTRIBUTES, size().await);
    let before = std::fs::metadata(&file).unwrap().len();
    change(&source.database, one_in);
    let took = server.sync().await.as_secs_f64();
    let (objects, sent) = arrived(&file, before, rows);
    let changed = if one_in == u32::MAX { 0 } else { rows.div_ceil(one_in) };
    let expected =
        if setting.is_empty() { (rows, u64::from(rows) * ATTRIBUTES) } else { (changed, u64::from(changed)) };
    assert_eq!((objects, sent), expected, "what has changed arrives, and nothing else");
    print(name(&format!("{share} changed")), took, sent, size().await);
    drop(server);
    if let Some(url) = server_url.filter(|_| is_postgres) {
        execute(&url, &format!("DROP DATABASE {database} WITH (FORCE)")).await;
    }
    true
}

/// Gives all rows a new time, and one attribute of some of them another value.
fn change(database: &Database, one_in: u32) {
    let Database::Sqlite(path) = database else { unreachable!("the source is SQLite") };
    let text = format!(
        "UPDATE users SET UPDATED_AT = replace(UPDATED_AT, '2026-01', '2026-02'),
            PAYLOAD = iif((rowid - 1) % {one_in} = 0 AND {one_in} < {}, replace(PAYLOAD, 'Zürich', 'Genève'), PAYLOAD)",
        u32::MAX
    );
    rusqlite::Connection::open(path).unwrap().execute_batch(&text).unwrap();
}

/// The objects and attributes of a file from this place on. Each user comes once.
fn arrived(file: &std::path::Path, from: u64, rows: u32) -> (u32, u64) {
    let mut file = File::open(file).unwrap();
    file.seek(SeekFrom::Start(from)).unwrap();
    let (mut seen, mut attributes) = (vec![false; rows as usize], 0);
    for line in BufReader::new(file).lines() {
        let object: Map<String, Value> = serde_json::from_str(&line.unwrap()).unwrap();
        let user = object["external_id"].as_str().unwrap().strip_prefix("user-").unwrap();
        assert!(!std::mem::replace(&mut seen[user.parse::<usize>().unwrap()], true), "user-{user} came twice");
        attributes += object.len() as u64 - 1;
    }
    (seen.iter().filter(|seen| **seen).count() as u32, attributes)
}

async fn execute(url: &str, text: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(&mut connection).await.unwrap();
}

async fn postgres_size(url: &str) -> u64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let size = "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    sqlx::query_scalar::<_, i64>(size).fetch_one(&mut connection).await.unwrap() as u64
}
