//! Tests of the store, on SQLite and on Postgres.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use sqlx::{Row as _, query};
use uuid::Uuid;

use super::StoreLocation;
use super::{
    Cancelled, Checkpoint, Claimed, JobIdPrefix, JobStatus, KnownAttributes, LeaseStatus, MAX_ROW_ERRORS, Overflow,
    Page, RateLimit, RecordAction, RecordChange, RecordSize, Route, RowError, StartJob, Store, StoreError, Watermark,
    WatermarkChange,
};
use crate::secret::Secret;
use crate::types::{IntegrationId, PostgresUrl};

const LEASE: Duration = Duration::from_secs(60);

/// Runs each test with its own SQLite file and with its own Postgres database.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                let location = super::StoreLocation::Sqlite(folder.path().join("store.db"));
                super::$name(location).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() {
                super::$name(super::database().await).await;
            })*
        }
    };
}

mod attributes;
mod jobs;
mod leases;
mod messages;
mod opening;
mod outages;
mod plans;
mod record;
mod refusals;
mod retention;
mod schedules;
mod statistics;
mod watermarks;

/// A new database in the Postgres for tests.
async fn database() -> StoreLocation {
    use sqlx::Connection as _;
    let url = crate::testing::postgres();
    let name = format!("store_{}", Uuid::new_v4().simple());
    let mut connection = sqlx::PgConnection::connect(&url).await.expect("the Postgres for tests answers");
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(create).execute(&mut connection).await.expect("a database can be created");
    let mut url = reqwest::Url::parse(&url).unwrap();
    url.set_path(&name);
    StoreLocation::Postgres(PostgresUrl::new(Secret::new(url)).unwrap())
}

async fn open(location: StoreLocation) -> Store {
    Store::open(&location).await.unwrap()
}

fn id() -> IntegrationId {
    Uuid::new_v4().into()
}

fn time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap()
}

async fn started(store: &Store, integration: IntegrationId, at: DateTime<Utc>) -> bool {
    matches!(store.start_job(integration, at).await.unwrap(), StartJob::Started(_))
}

/// A watermark without lookback.
fn reached(micros: i64) -> Watermark {
    Watermark { updated_at: Some(time(micros)), read_from: Some(time(micros)), overflow: None }
}

fn a_route(table: &str) -> Arc<Route> {
    Arc::new(Route {
        source: format!("sqlite:/a.db#{table}"),
        destination: "jsonl:/b.jsonl".into(),
        kind: "events".into(),
    })
}

/// A record change that adds these digests of one time.
fn added(at: i64, digests: &[u128]) -> Arc<RecordChange> {
    Arc::new(RecordChange { action: RecordAction::Add, first: at, last: at, digests: digests.to_vec() })
}

/// The integrations with a job in progress.
const IN_PROGRESS: &str = "SELECT integration_id FROM jobs WHERE finished_at IS NULL";

/// Claims the job of an integration.
async fn claim(store: &Store, integration: IntegrationId, lease: Duration) -> Option<Claimed> {
    let others = store.database.read(query(IN_PROGRESS)).await.unwrap();
    let others = others.iter().filter_map(|row| row.get::<String, _>(0).parse().ok());
    let others: Vec<IntegrationId> = others.filter(|other| *other != integration).collect();
    store.claim_job(lease, &others, false).await.unwrap()
}

/// Starts a job and ends it.
async fn run(store: &Store, integration: IntegrationId, at: DateTime<Utc>, status: JobStatus) {
    assert!(started(store, integration, at).await);
    let claimed = claim(store, integration, LEASE).await.unwrap();
    store.finish(&claimed.lease, integration, &Checkpoint::default(), status, None).await.unwrap();
}

/// Executes SQL directly, for states that this version does not produce.
async fn tamper(location: &StoreLocation, sql: String) {
    use sqlx::Connection as _;
    let url = match location {
        StoreLocation::Sqlite(path) => format!("sqlite://{}", path.display()),
        StoreLocation::Postgres(url) => url.expose().to_owned(),
    };
    let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Reverts the schema to an earlier version.
async fn make_older(location: &StoreLocation, version: i64) {
    let mut older = String::from(
        "DROP TABLE attributes; DROP TABLE attribute_sets; ALTER TABLE jobs DROP COLUMN rows_unchanged;
         ALTER TABLE jobs DROP COLUMN attributes_sent; ALTER TABLE jobs DROP COLUMN attributes_spared;
         DROP TABLE messages; DROP TABLE overdue_watches; DROP INDEX jobs_to_announce; DROP INDEX jobs_left_to_others; ALTER TABLE jobs DROP COLUMN announce;
         DROP TABLE schedules; DROP INDEX jobs_waiting; DROP INDEX jobs_leased; DROP INDEX jobs_with_row_errors; DROP INDEX jobs_ended;
         DROP INDEX rate_limits_by_time; ALTER TABLE rate_limits DROP COLUMN free; DROP INDEX jobs_succeeded;
         DROP INDEX jobs_with_old_row_errors; ALTER TABLE jobs DROP COLUMN row_errors_deleted_at;
         ALTER TABLE jobs DROP COLUMN scheduled_for;
         DROP TABLE record_changes; DROP TABLE digest_key; ALTER TABLE jobs DROP COLUMN changes_written;
         DROP TABLE watermarks;
         CREATE TABLE watermarks (integration_id TEXT NOT NULL PRIMARY KEY, updated_at BIGINT NOT NULL, rows_at BIGINT NOT NULL, digest BIGINT);",
    );
    if version < 2 {
        older += "ALTER TABLE jobs DROP COLUMN begun_at; ALTER TABLE jobs DROP COLUMN cancelled_at;";
    }
    older += &format!("DELETE FROM _sqlx_migrations WHERE version > {version}");
    tamper(location, older).await;
}
