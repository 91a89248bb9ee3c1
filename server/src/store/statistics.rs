//! What operators watch: whether the store answers, its clock, its size, its queue, and how long ago integrations succeeded.
//!
//! Each statement reads entries of indexes, a few for each integration, and never the jobs that have ended.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, Row as _, query};

use super::jobs::{JobStatus, count};
use super::kind::Kind;
use super::time::from_micros;
use super::{Store, StoreError, schema};
use crate::types::IntegrationId;

/// The tables of a store, besides that of its migrations.
pub(super) const TABLES: [&str; 11] = [
    "attribute_sets",
    "attributes",
    "digest_key",
    "jobs",
    "messages",
    "overdue_watches",
    "rate_limits",
    "record_changes",
    "row_errors",
    "schedules",
    "watermarks",
];

pub(super) const QUEUE: &str = "SELECT {now} AS now,
    (SELECT COUNT(*) FROM jobs WHERE finished_at IS NULL AND lease_until IS NULL) AS waiting,
    (SELECT MIN(started_at) FROM jobs WHERE finished_at IS NULL AND lease_until IS NULL) AS oldest,
    (SELECT COUNT(*) FROM jobs WHERE finished_at IS NULL AND lease_until <= {now}) AS expired,
    (SELECT MIN(lease_until) FROM jobs WHERE finished_at IS NULL AND lease_until <= {now}) AS expired_first,
    (SELECT COUNT(*) FROM jobs WHERE finished_at IS NULL AND lease_until > {now}) AS running";

// Steps from one integration to the next in the index of jobs, so that it costs the same with one job each and a thousand. Ended
// jobs are told by their status: by `finished_at`, Postgres would take another index and sort all of them.
pub(super) const INTEGRATIONS: &str = "WITH RECURSIVE listed (id) AS (
        SELECT MIN(integration_id) FROM jobs
        UNION ALL
        SELECT (SELECT MIN(integration_id) FROM jobs WHERE integration_id > listed.id) FROM listed WHERE listed.id IS NOT NULL
    )
    SELECT listed.id, watermarks.updated_at,
        (SELECT status FROM jobs WHERE integration_id = listed.id AND status <> 'running'
         ORDER BY started_at DESC LIMIT 1) AS status,
        (SELECT rows_failed FROM jobs WHERE integration_id = listed.id AND status <> 'running'
         ORDER BY started_at DESC LIMIT 1) AS rows_failed,
        (SELECT finished_at FROM jobs WHERE integration_id = listed.id AND status IN ('success', 'partial')
         ORDER BY started_at DESC LIMIT 1) AS succeeded_at
    FROM listed
    LEFT JOIN watermarks ON watermarks.integration_id = listed.id
    WHERE listed.id IS NOT NULL";

/// The store's answer to a question that costs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ping {
    /// The store's clock.
    pub now: DateTime<Utc>,
    /// The version of its schema; `None` if it has none any more.
    pub schema: Option<i64>,
    /// The version that this program knows.
    pub known_schema: i64,
}

/// The jobs in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueStatistics {
    /// The store's clock.
    pub now: DateTime<Utc>,
    /// Jobs that wait for a worker, for the first time or after the lease of another worker has expired.
    pub waiting: u64,
    /// Since when the first of them waits.
    pub oldest: Option<DateTime<Utc>>,
    /// Jobs that a worker has.
    pub running: u64,
}

/// How an integration gets on. All fields are `None` or zero before its first job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IntegrationStatistics {
    /// Its watermark.
    pub watermark: Option<DateTime<Utc>>,
    /// The status of its last ended job.
    pub last_status: Option<JobStatus>,
    /// Rows that this job refused.
    pub last_refused: u64,
    /// When a job last ended in `success` or `partial`.
    pub succeeded_at: Option<DateTime<Utc>>,
}

impl Store {
    /// Asks the store for its clock and the version of its schema.
    pub async fn ping(&self) -> Result<Ping, StoreError> {
        let ask = "SELECT {now} AS now, (SELECT max(version) FROM _sqlx_migrations WHERE success) AS version";
        let row = self.database.read_one(query(self.database.with_store_clock(ask))).await?;
        let row = row.ok_or(sqlx::Error::RowNotFound)?;
        Ok(Ping {
            now: from_micros(row.try_get("now")?)?,
            schema: row.try_get("version")?,
            known_schema: schema::KNOWN,
        })
    }

    /// The jobs in progress.
    pub async fn queue_statistics(&self) -> Result<QueueStatistics, StoreError> {
        let row = self.database.read_one(query(self.database.with_store_clock(QUEUE))).await?;
        let row = row.ok_or(sqlx::Error::RowNotFound)?;
        let time = |column: &str| -> Result<Option<DateTime<Utc>>, StoreError> {
            row.try_get::<Option<i64>, &str>(column)?.map(from_micros).transpose()
        };
        let oldest = [time("oldest")?, time("expired_first")?].into_iter().flatten().min();
        Ok(QueueStatistics {
            now: from_micros(row.try_get("now")?)?,
            waiting: count(row.try_get("waiting")?) + count(row.try_get("expired")?),
            oldest,
            running: count(row.try_get("running")?),
        })
    }

    /// How all integrations get on that have had a job.
    pub async fn integration_statistics(&self) -> Result<HashMap<IntegrationId, IntegrationStatistics>, StoreError> {
        let mut statistics = HashMap::new();
        for row in self.database.read(query(INTEGRATIONS)).await? {
            // A row that cannot be read must not hide the others.
            let Ok(id) = row.try_get::<String, _>("id")?.parse() else { continue };
            let time = |column: &str| -> Result<Option<DateTime<Utc>>, StoreError> {
                Ok(row.try_get::<Option<i64>, &str>(column)?.and_then(|time| from_micros(time).ok()))
            };
            let status = row.try_get::<Option<String>, _>("status")?;
            let of_integration = IntegrationStatistics {
                watermark: time("updated_at")?,
                last_status: status.map(|text| JobStatus::read(&text, true)),
                last_refused: count(row.try_get::<Option<i64>, _>("rows_failed")?.unwrap_or_default()),
                succeeded_at: time("succeeded_at")?,
            };
            statistics.insert(id, of_integration);
        }
        Ok(statistics)
    }

    /// The size of the store in bytes, indexes and the write-ahead log of SQLite included.
    pub async fn size(&self) -> Result<u64, StoreError> {
        if let (Kind::Sqlite, Some(file)) = (self.database.kind, &self.database.file) {
            return Ok(file.size().map_err(sqlx::Error::Io)?);
        }
        let tables: Vec<String> = TABLES.into_iter().map(|table| format!("('{table}')")).collect();
        let sum = format!(
            "SELECT CAST(COALESCE(SUM(pg_total_relation_size(to_regclass(name))), 0) AS BIGINT) AS size
             FROM (VALUES ('_sqlx_migrations'), {}) AS tables (name)",
            tables.join(", ")
        );
        let row = self.database.read_one(query(AssertSqlSafe(sum))).await?.ok_or(sqlx::Error::RowNotFound)?;
        Ok(count(row.try_get("size")?))
    }
}
