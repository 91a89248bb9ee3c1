//! Opening the store: one from a newer version, a missing one, and one that another process is migrating.

use std::collections::BTreeSet;
use std::time::Duration;

use contract_tests::process::{ServerProcess, cdi_server, serve};
use contract_tests::requests::Api;
use contract_tests::sql::{connect, execute, number, postgres};
use contract_tests::{INTEGRATION, Setup};
use futures::future::join_all;
use rustix::process::Signal;

/// The lock under which the schema is migrated in Postgres.
const LOCK: &str = "7233173838382854995";
/// Part of the message about a schema that is newer than this version.
const NEWER: &str = "newer than this program";
/// Read-only commands.
const READ_ONLY: [&[&str]; 5] =
    [&["check"], &["preview", INTEGRATION], &["watermark", INTEGRATION], &["row-errors", INTEGRATION], &["jobs"]];

/// Creates the store by starting and stopping a server.
async fn create_store(setup: &Setup) {
    let mut server = ServerProcess::start(&setup.write()).await;
    server.signal(Signal::TERM);
    let status = server.ends_within(Duration::from_secs(10)).await;
    assert!(status.is_some_and(|status| status.success()), "{}", server.log());
}

/// SQL that records a migration from a later version.
fn newer_migration(blob: &str) -> String {
    format!(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', true, {blob}, 0)"
    )
}

/// Checks that every command reports the newer schema and exits.
async fn assert_newer_schema_is_refused(setup: &Setup) {
    let config = setup.path("opencdi.toml");
    for _ in 0..2 {
        let mut server = ServerProcess::launch(serve(&config), &config);
        let status = server.ends_within(Duration::from_secs(5)).await;
        assert_eq!(status.and_then(|status| status.code()), Some(1), "{}", server.log());
        assert_eq!(server.logged(NEWER), 1, "{}", server.log());
    }
    for command in READ_ONLY {
        let output = cdi_server(&config, command).await;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(said.contains(NEWER) && output.status.code() == Some(1), "{command:?}: {said}");
    }
    for change in [["--reset"].as_slice(), &["--set", "2026-01-01T00:00:00Z"]] {
        let output = cdi_server(&config, &[&["watermark", INTEGRATION], change].concat()).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(NEWER) && output.status.code() == Some(1), "{change:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sqlite_store_of_a_newer_version_is_refused_and_not_changed() {
    let setup = Setup::with_rows(3);
    create_store(&setup).await;
    setup.store().execute_batch(&newer_migration("x'00'")).unwrap();
    let before = std::fs::read(setup.path("opencdi.db")).unwrap();
    assert_newer_schema_is_refused(&setup).await;
    assert!(std::fs::read(setup.path("opencdi.db")).unwrap() == before, "the store has changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_store_of_a_newer_version_is_refused_and_not_changed() {
    let postgres = postgres();
    let mut setup = Setup::with_rows(3);
    setup.store = postgres.url();
    create_store(&setup).await;
    let mut database = connect(&postgres.url()).await;
    execute(&mut database, &newer_migration("'\\x00'")).await;
    // Counts the columns, and identifies the transactions that wrote the list of migrations.
    let schema = "SELECT (SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public')
                         + (SELECT sum(xmin::text::bigint)::bigint FROM _sqlx_migrations)";
    let before = number(&mut database, schema).await;
    assert_newer_schema_is_refused(&setup).await;
    assert_eq!(number(&mut database, schema).await, before, "the store has changed");
}

/// Runs every read-only command without a store.
async fn run_read_only_commands(setup: &Setup) {
    let config = setup.write();
    let files = || -> BTreeSet<_> {
        std::fs::read_dir(setup.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    let before = files();
    let said = async |arguments: &[&str]| {
        let output = cdi_server(&config, arguments).await;
        assert_eq!(files(), before, "{arguments:?} makes no file");
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, checked, _) = said(&["check"]).await;
    let store = checked.lines().find(|line| line.contains(" store ")).unwrap_or_default();
    assert!(store.starts_with("ok ") && store.contains("`cdi-server serve`"), "{checked}");
    assert_eq!(code, Some(0), "{checked}");
    let (code, preview, _) = said(&["preview", INTEGRATION, "--rows", "1"]).await;
    let shown = "send    {\"external_id\":\"user-0\",\"row\":0}\n1 row shown; there are more.\n";
    assert_eq!((code, preview.as_str()), (Some(0), shown));
    let (code, watermark, _) = said(&["watermark", INTEGRATION]).await;
    assert_eq!((code, watermark.as_str()), (Some(0), "no watermark: the next sync takes every row\n"));
    let (code, printed, error) = said(&["watermark", INTEGRATION, "--set", "2026-01-01T00:00:00Z"]).await;
    assert!(error.contains("no store yet"), "{printed}{error}");
    assert_eq!(code, Some(1));
    let (code, _, error) = said(&["row-errors", INTEGRATION]).await;
    assert!(error.contains("no store yet"), "{error}");
    assert_eq!(code, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn read_only_commands_create_no_store() {
    run_read_only_commands(&Setup::with_rows(3)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn read_only_commands_create_no_tables() {
    let postgres = postgres();
    let mut setup = Setup::with_rows(3);
    setup.store = postgres.url();
    run_read_only_commands(&setup).await;
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
    assert_eq!(number(&mut connect(&postgres.url()).await, tables).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_waits_while_another_session_migrates_the_store() {
    let postgres = postgres();
    let mut setup = Setup::with_rows(5);
    setup.store = postgres.url();
    let mut other = connect(&postgres.url()).await;
    execute(&mut other, &format!("BEGIN; SELECT pg_advisory_xact_lock({LOCK})")).await;
    let config = setup.write();
    let mut server = ServerProcess::launch(serve(&config), &config);
    assert_eq!(server.ends_within(Duration::from_secs(3)).await, None, "it waits: {}", server.log());
    assert_eq!(server.logged("listening on"), 0, "it waits: {}", server.log());
    execute(&mut other, "ROLLBACK").await;
    server.listens().await;
    let api = Api::new(&server.url, &setup.key);
    api.triggered().await;
    assert_eq!(api.ended(INTEGRATION, Duration::from_secs(10)).await["rows_synced"], 5);
}

/// Starts six servers at once on a store that does not exist yet.
async fn six_at_once(setup: &Setup) {
    let config = setup.write();
    let mut servers: Vec<ServerProcess> = (0..6).map(|_| ServerProcess::launch(serve(&config), &config)).collect();
    join_all(servers.iter_mut().map(ServerProcess::listens)).await;
    for server in &servers {
        let api = Api::new(&server.url, &setup.key);
        api.triggered().await;
        assert_eq!(api.ended(INTEGRATION, Duration::from_secs(10)).await["job_status"], "success", "{}", server.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn six_servers_start_at_once_on_an_empty_postgres() {
    let postgres = postgres();
    let mut setup = Setup::with_rows(5);
    setup.store = postgres.url();
    six_at_once(&setup).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn six_servers_start_at_once_without_a_store_file() {
    six_at_once(&Setup::with_rows(5)).await;
}
