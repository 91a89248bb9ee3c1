//! An integration whose configuration changes to another table, destination or type: nothing is skipped or sent until
//! the operator says how to continue.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use cdi_server::connectors::fake_braze::FakeBraze;
use cdi_server::secret::{Secret, new_key};
use contract_tests::into_service::users_track;
use contract_tests::process::{ServerProcess, cdi_server};
use contract_tests::requests::{Api, wide_limits};
use contract_tests::{INTEGRATION, Setup};

const NAME: &str = "Users of ours";
const TURN: Duration = Duration::from_secs(30);

/// What is changed in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Table,
    Destination,
    Type,
}

/// An integration that has synced three rows and whose configuration was then changed.
struct Changed {
    setup: Setup,
    key: Secret,
    /// The first receives the rows before the change; the second after it, if the destination changes.
    services: [FakeBraze; 2],
    /// The texts that the log must contain: the old and the new value.
    names: [String; 2],
    server: ServerProcess,
}

/// Inserts rows that are valid as attributes and as events.
fn insert(setup: &Setup, table: &str, rows: std::ops::RangeInclusive<u32>) {
    for row in rows {
        let insert = format!("INSERT INTO {table} VALUES (?1, ?2, ?3)");
        let payload = format!("{{\"name\":\"seen\",\"properties\":{{\"row\":{row}}}}}");
        let time = format!("2026-01-01T00:00:{row:02}Z");
        setup.source().execute(&insert, (time, format!("user-{row}"), payload)).unwrap();
    }
}

impl Changed {
    /// Syncs three rows, then changes the configuration and restarts the server.
    async fn to(change: Change) -> Changed {
        let mut setup = Setup::with_rows(0);
        setup.source().execute_batch("CREATE TABLE people (UPDATED_AT TEXT, EXTERNAL_ID TEXT, PAYLOAD TEXT)").unwrap();
        insert(&setup, "users", 1..=3);
        insert(&setup, "people", 1..=3);
        let key = new_key();
        let services = [FakeBraze::start(&key).await.unwrap(), FakeBraze::start(&key).await.unwrap()];
        setup.destination = users_track(&setup, &services[0].url(), &key);
        setup.more = wide_limits();
        let server = ServerProcess::start(&setup.write()).await;
        let names = match change {
            Change::Table => ["users".to_owned(), "people".to_owned()],
            Change::Destination => [services[0].url(), services[1].url()],
            Change::Type => ["attributes".to_owned(), "events".to_owned()],
        };
        let mut changed = Changed { setup, key, services, names, server };
        changed.syncs("success", 3).await;
        match change {
            Change::Table => changed.setup.source = changed.setup.source.replace("\"users\"", "\"people\""),
            Change::Destination => {
                changed.setup.destination = users_track(&changed.setup, &changed.services[1].url(), &changed.key);
            }
            Change::Type => changed.setup.kind = "events".to_owned(),
        }
        changed.restarts().await;
        changed
    }

    async fn restarts(&mut self) {
        self.server.kill();
        self.server = ServerProcess::start(&self.setup.write()).await;
    }

    /// Triggers a sync and checks its status and its number of rows.
    async fn syncs(&self, status: &str, rows: u64) {
        let api = Api::new(&self.server.url, &self.setup.key);
        api.triggered().await;
        let job = api.ended(INTEGRATION, TURN).await;
        let ended = (job["job_status"].as_str().unwrap(), job["rows_synced"].as_u64().unwrap());
        assert_eq!(ended, (status, rows), "{job}\n{}", self.server.last_logged("sync ended"));
    }

    /// The number of objects that both services have accepted.
    fn accepted(&self) -> usize {
        self.services.iter().map(FakeBraze::accepted).sum()
    }

    /// Checks that a sync is refused, sends nothing, and logs the reason and the remedies.
    async fn is_refused(&self) {
        let requests = || self.services.iter().map(FakeBraze::requests).sum::<usize>();
        let before = requests();
        self.syncs("config_error", 0).await;
        assert_eq!(requests(), before, "nothing is sent");
        let cause = self.server.last_logged("sync ended");
        for name in self.names.iter().map(String::as_str).chain(["cdi-server watermark", NAME, "--keep", "--reset"]) {
            assert!(cause.contains(name), "the cause does not name {name}: {cause}");
        }
    }

    /// Runs `cdi-server watermark` with an option and checks its output.
    async fn watermark(&self, how: &str, printed: &str) {
        let output = cdi_server(&self.setup.path("opencdi.toml"), &["watermark", NAME, how]).await;
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{how}: {error}");
        assert!(out.contains(printed), "{how} prints {out}");
    }

    /// Inserts one more row in the configured table.
    fn insert_another_row(&self) {
        let table = if self.setup.source.contains("people") { "people" } else { "users" };
        insert(&self.setup, table, 4..=4);
    }
}

/// After `--keep` the next sync continues above the watermark.
async fn continues_after_keep(change: Change) {
    let changed = Changed::to(change).await;
    changed.is_refused().await;
    changed.is_refused().await;
    changed.watermark("--keep", "2026-01-01T00:00:03Z").await;
    changed.insert_another_row();
    changed.syncs("success", 1).await;
    assert_eq!(changed.accepted(), 4, "only what is above the watermark is sent");
    changed.syncs("success", 0).await;
}

/// After `--reset` the next sync sends everything.
async fn starts_over_after_reset(change: Change) {
    let changed = Changed::to(change).await;
    changed.is_refused().await;
    changed.watermark("--reset", "no watermark: the next sync takes every row").await;
    changed.insert_another_row();
    changed.syncs("success", 4).await;
    assert_eq!(changed.accepted(), 7, "everything is sent");
    changed.syncs("success", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_table_continues_after_keep() {
    continues_after_keep(Change::Table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_table_starts_over_after_reset() {
    starts_over_after_reset(Change::Table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_destination_continues_after_keep() {
    continues_after_keep(Change::Destination).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_destination_starts_over_after_reset() {
    starts_over_after_reset(Change::Destination).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_type_continues_after_keep() {
    continues_after_keep(Change::Type).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_type_starts_over_after_reset() {
    starts_over_after_reset(Change::Type).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reverted_configuration_continues_as_before() {
    let mut changed = Changed::to(Change::Table).await;
    changed.is_refused().await;
    changed.setup.source = changed.setup.source.replace("\"people\"", "\"users\"");
    changed.restarts().await;
    changed.insert_another_row();
    changed.syncs("success", 1).await;
    assert_eq!(changed.accepted(), 4);
}
