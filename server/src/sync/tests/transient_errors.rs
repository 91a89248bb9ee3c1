//! Transient errors are told apart from errors that an operator has to repair.

use std::fs::File;
use std::io::Error;
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::rig::{Rig, postgres_table};
use crate::sync::destination::DeliveryContext;
use crate::sync::source::Read;
use crate::sync::{Source, SyncError};
use crate::testing::postgres;

/// Reads all rows, as a run would.
async fn read(rig: &Rig) -> Result<usize, SyncError> {
    let mut reading = rig.read_all().await?;
    let mut rows = 0;
    loop {
        match reading.next().await? {
            Read::Opened(_) => {}
            Read::Rows(some) => rows += some.len(),
            Read::End => return Ok(rows),
        }
    }
}

fn transient(result: Result<usize, SyncError>) -> String {
    match result {
        Err(SyncError::Transient(cause)) => cause,
        other => panic!("{other:?}"),
    }
}

fn from(url: &str) -> Arc<dyn Source> {
    postgres_table(url, "users")
}

#[tokio::test]
async fn a_locked_database() {
    let rig = Rig::into_file().await;
    rig.insert_many(3);
    rig.source.execute_batch("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE").unwrap();
    let cause = transient(read(&rig).await);
    assert!(cause.contains("source.db is locked by another program"), "{cause}");
    assert!(matches!(rig.probe().await, Err(SyncError::Transient(_))));
    rig.source.execute_batch("COMMIT").unwrap();
    assert_eq!(read(&rig).await, Ok(3));
}

#[tokio::test]
async fn a_locked_table() {
    let rig = Rig::into_file().await.reading_postgres("UPDATED_AT timestamptz, EXTERNAL_ID text, PAYLOAD text").await;
    rig.sql("BEGIN; LOCK TABLE {t} IN ACCESS EXCLUSIVE MODE").await;
    let cause = transient(read(&rig).await);
    assert!(cause.ends_with("canceling statement due to lock timeout"), "{cause}");
    assert!(matches!(rig.probe().await, Err(SyncError::Transient(_))));
    rig.sql("COMMIT").await;
    assert_eq!(read(&rig).await, Ok(0));
}

#[tokio::test]
async fn an_unreachable_server() {
    let mut rig = Rig::into_file().await;
    let hangs_up = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = hangs_up.local_addr().unwrap().port();
    std::thread::spawn(move || hangs_up.incoming().for_each(drop));
    let folder = rig.folder.path().display().to_string();
    for (url, expected) in [
        (
            "postgres://opencdi@127.0.0.1:1/postgres".to_owned(),
            "(Postgres at 127.0.0.1:1/postgres): nothing listens there",
        ),
        (
            "postgres://opencdi@no-such-host.invalid/postgres".to_owned(),
            "(Postgres at no-such-host.invalid:5432/postgres): ",
        ),
        (format!("postgres://opencdi@127.0.0.1:{port}/postgres"), "cannot be reached"),
        (format!("postgres://opencdi@127.0.0.1:{port}/postgres?sslmode=disable"), "cannot be reached"),
        (format!("postgres:///postgres?host={folder}"), "No such file"),
    ] {
        rig.integration.source = from(&url);
        let cause = transient(read(&rig).await);
        assert!(cause.contains(expected), "{cause}");
        assert!(matches!(rig.probe().await, Err(SyncError::Transient(_))), "{url}");
    }
}

#[tokio::test]
async fn config_errors_are_not_transient() {
    let mut rig = Rig::into_file().await;
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut caller in other.incoming().flatten() {
            let _ = std::io::Write::write_all(&mut caller, b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let missing = format!("{}?sslmode=verify-full&sslrootcert=/no/such/file", postgres());
    for url in [
        format!("postgres://opencdi@127.0.0.1:{port}/postgres"),
        missing,
        format!("{}?sslmode=require", postgres()),
        postgres().replace("/postgres", "/no_such_database"),
    ] {
        rig.integration.source = from(&url);
        let error = read(&rig).await.unwrap_err();
        assert!(matches!(error, SyncError::Config(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_without_free_connections() {
    let mut rig =
        Rig::into_file().await.reading_postgres("UPDATED_AT timestamptz, EXTERNAL_ID text, PAYLOAD text").await;
    let role = format!("limited_{}", uuid::Uuid::new_v4().simple());
    rig.sql(&format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 0")).await;
    rig.integration.source = from(&postgres().replace("opencdi@", &format!("{role}@")));
    let cause = transient(read(&rig).await);
    assert!(cause.contains("too many connections"), "{cause}");
    rig.sql(&format!("DROP ROLE {role}")).await;
}

#[tokio::test]
async fn a_connection_that_is_lost_during_a_reading() {
    let rig = Rig::into_file().await.reading_postgres("UPDATED_AT timestamptz, EXTERNAL_ID text, PAYLOAD text").await;
    rig.sql("INSERT INTO {t} SELECT '2026-01-01Z', n, '{\"a\":\"' || repeat('x', 5000) || '\"}' FROM generate_series(1, 20000) AS n")
        .await;
    let mut reading = rig.read_all().await.unwrap();
    assert!(matches!(reading.next().await, Ok(Read::Opened(_))));
    assert!(matches!(reading.next().await, Ok(Read::Rows(_))));
    rig.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%{t}%' AND pid <> pg_backend_pid()",
    )
    .await;
    let error = loop {
        match reading.next().await {
            Ok(Read::End) => panic!("the reading ended"),
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(error, SyncError::Transient(_)), "{error:?}");
}

/// Runs a test in its own process, because resource limits apply to a whole process.
fn in_a_process_of_its_own(name: &str, test: impl FnOnce()) {
    const NAME: &str = "OPENCDI_TEST_ALONE";
    if std::env::var(NAME).is_ok_and(|alone| alone == name) {
        return test();
    }
    let path = format!("sync::tests::transient_errors::{name}");
    let mut process = Command::new(std::env::current_exe().unwrap());
    let output = process.args(["--exact", &path, "--nocapture"]).env(NAME, name).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn too_many_open_files() {
    in_a_process_of_its_own("too_many_open_files", || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut rig = Rig::into_file().await;
            rig.insert_many(3);
            let limit = Rlimit { current: Some(100), maximum: getrlimit(Resource::Nofile).maximum };
            setrlimit(Resource::Nofile, limit).unwrap();
            let mut open = Vec::new();
            let full: Error = loop {
                match File::open("/dev/null") {
                    Ok(file) => open.push(file),
                    Err(error) => break error,
                }
            };
            assert_eq!(full.raw_os_error(), Some(rustix::io::Errno::MFILE.raw_os_error()));
            let sqlite = rig.integration.source.clone();
            rig.integration.source = from("postgres://opencdi@127.0.0.1:1/postgres");
            let cause = transient(read(&rig).await);
            assert!(cause.contains("Too many open files"), "{cause}");
            // A database in WAL mode needs several files. Whichever cannot be opened, the error is transient.
            rig.integration.source = sqlite;
            let mut tries = 0;
            while let Err(error) = read(&rig).await {
                assert!(matches!(error, SyncError::Transient(_)), "{error:?} with {tries} files left");
                open.pop().unwrap();
                tries += 1;
            }
            assert!(tries >= 2, "{tries}");
            // A destination's file is retried as well.
            while let Ok(file) = File::open("/dev/null") {
                open.push(file);
            }
            let context = DeliveryContext { first_pause: Duration::from_millis(10), ..DeliveryContext::none() };
            let destination = rig.open(context);
            tokio::pin!(destination);
            assert!(tokio::time::timeout(Duration::from_millis(100), &mut destination).await.is_err());
            open.clear();
            destination.await.unwrap();
        });
    });
}
