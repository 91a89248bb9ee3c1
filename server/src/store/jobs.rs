//! Jobs: starting, finding and listing them.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::AddAssign;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _, query};
use uuid::Uuid;

use super::database::{Database, Statement};
use super::groups::Groups;
use super::time::{from_micros, micros_up};
use super::{Page, PageOf, Store, StoreError, micros};
use crate::metrics::METRICS;
use crate::types::IntegrationId;

/// What [`job`] reads of a job's row.
pub(super) const COLUMNS: &str =
    "id, status, started_at, finished_at, synced_to, rows_synced, rows_failed, rows_unchanged, attributes_sent,
    attributes_spared, cause, scheduled_for, row_errors_deleted_at,
    CAST(CASE WHEN lease_until > {now} THEN 1 ELSE 0 END AS BIGINT) AS has_worker";

/// The ID of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId(Uuid);

impl fmt::Display for JobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(formatter)
    }
}

impl From<Uuid> for JobId {
    fn from(id: Uuid) -> JobId {
        JobId(id)
    }
}

impl JobId {
    /// A new ID. Those of one process increase.
    pub(super) fn new() -> JobId {
        JobId(Uuid::now_v7())
    }

    /// Parses a stored job ID.
    pub(super) fn read(text: String) -> Result<JobId, StoreError> {
        Uuid::try_parse(&text).map(JobId).map_err(|_| StoreError::Unreadable { what: "job ID", value: text })
    }
}

/// A job ID or its first characters, as typed by a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobIdPrefix(String);

/// The error for a text that is not a prefix of a job ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a job ID is a UUID; give all of it or its first characters, at least 8. `cdi-server jobs NAME` lists them")]
pub struct NotAJobId;

impl JobIdPrefix {
    const SHORTEST: usize = 8;
    const LONGEST: usize = 36;
}

impl FromStr for JobIdPrefix {
    type Err = NotAJobId;

    fn from_str(text: &str) -> Result<JobIdPrefix, NotAJobId> {
        let is_part = |(place, character): (usize, char)| match place {
            8 | 13 | 18 | 23 => character == '-',
            _ => character.is_ascii_hexdigit(),
        };
        let fits = (JobIdPrefix::SHORTEST..=JobIdPrefix::LONGEST).contains(&text.len());
        if fits && text.chars().enumerate().all(is_part) {
            Ok(JobIdPrefix(text.to_ascii_lowercase()))
        } else {
            Err(NotAJobId)
        }
    }
}

impl fmt::Display for JobIdPrefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The status of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatus {
    /// It is waiting for a worker or in progress.
    Running,
    /// It ended without refused rows.
    Success,
    /// Some rows were delivered and some refused.
    Partial,
    /// The sync failed, or all rows were refused.
    Error,
    /// The integration cannot work as configured.
    ConfigError,
}

impl JobStatus {
    const ALL: [JobStatus; 5] =
        [JobStatus::Running, JobStatus::Success, JobStatus::Partial, JobStatus::Error, JobStatus::ConfigError];

    /// Its name in the store and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            JobStatus::Running => "running",
            JobStatus::Success => "success",
            JobStatus::Partial => "partial",
            JobStatus::Error => "error",
            JobStatus::ConfigError => "config_error",
        }
    }

    /// Parses a stored status. One that only a later version of this program knows is `Error` or `Running`, depending on
    /// whether the job has ended.
    pub(super) fn read(text: &str, has_ended: bool) -> JobStatus {
        let unknown = if has_ended { JobStatus::Error } else { JobStatus::Running };
        JobStatus::ALL.into_iter().find(|status| status.as_str() == text).unwrap_or(unknown)
    }
}

/// A job as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its ID.
    pub id: JobId,
    /// Its status.
    pub status: JobStatus,
    /// When its trigger was received. Unique within the integration.
    pub sync_start_time: DateTime<Utc>,
    /// Whether a worker has claimed it. A worker that crashed keeps its claim until its lease expires.
    pub has_worker: bool,
    /// When it ended.
    pub sync_finish_time: Option<DateTime<Utc>>,
    /// The watermark after this job, or so far; the job need not have moved it.
    pub last_timestamp_synced: Option<DateTime<Utc>>,
    /// Rows that were delivered.
    pub rows_synced: u64,
    /// Rows that were refused.
    pub rows_failed_with_errors: u64,
    /// What it spared.
    pub spared: Spared,
    /// Why it ended in `error` or `config_error`, which rows a successful job left out, or what a running job waits for.
    pub cause: Option<String>,
    /// The tick of the schedule that started it; `None` if a request did.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// When its row errors were deleted because of their age.
    pub row_errors_deleted_at: Option<DateTime<Utc>>,
}

/// What a job with `only_changed` has sent and has not sent. All zero without it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spared {
    /// Rows that were not sent, because nothing in them had changed.
    pub rows: u64,
    /// Attributes in the objects that were delivered.
    pub attributes_sent: u64,
    /// Attributes that were left out, those of unsent rows included.
    pub attributes_spared: u64,
}

impl AddAssign for Spared {
    fn add_assign(&mut self, other: Spared) {
        self.rows += other.rows;
        self.attributes_sent += other.attributes_sent;
        self.attributes_spared += other.attributes_spared;
    }
}

/// A job to be started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    pub id: JobId,
    pub integration: IntegrationId,
    /// When the request for it was received; `None`: it starts at the store's time.
    pub received_at: Option<DateTime<Utc>>,
    /// The tick of the schedule that starts it.
    pub scheduled_for: Option<DateTime<Utc>>,
}

/// Jobs that are started in groups. The result is whether the job was started.
pub(super) type Starts = Groups<Start, bool>;

/// Starts the task that starts jobs.
pub(super) fn start_in_groups(database: Arc<Database>) -> Starts {
    Groups::start(move |starts| start(database.clone(), starts))
}

async fn start(database: Arc<Database>, starts: Vec<Start>) -> Result<Vec<bool>, StoreError> {
    // In order, so that statements of two replicas cannot wait for each other.
    let mut in_order = starts.clone();
    in_order.sort_by_key(|start| start.integration);
    let started = database.write_all(insert(&database, &in_order)).await?;
    let started: HashSet<String> = started.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
    Ok(starts.iter().map(|start| started.contains(&start.id.to_string())).collect())
}

/// The statement that starts jobs, each unless its integration has one in progress. It returns the IDs of those that it starts.
///
/// Start times are keys and define the order of jobs, so a later job gets a later start time even if the replicas' clocks
/// differ. A time more than a second ahead of the store's clock is replaced by the latter; otherwise all later jobs would have
/// to follow it. Of two simultaneous triggers one conflicts with the other's start time or with the index on jobs in progress.
pub(super) fn insert(database: &Database, starts: &[Start]) -> Statement<'static> {
    let rows = (0..starts.len()).map(|row| row * 4).map(|n| {
        let (id, integration, received_at, scheduled_for) = (n + 1, n + 2, n + 3, n + 4);
        format!(
            "(CAST(${id} AS TEXT), CAST(${integration} AS TEXT), CAST(${received_at} AS BIGINT), CAST(${scheduled_for} AS BIGINT))"
        )
    });
    let statement = format!(
        "WITH triggered (id, integration_id, received_at, scheduled_for) AS (VALUES {})
         INSERT INTO jobs (id, integration_id, status, started_at, synced_to, scheduled_for)
         SELECT id, integration_id, 'running', CASE WHEN newest >= at THEN newest + 1 ELSE at END,
                (SELECT updated_at FROM watermarks WHERE watermarks.integration_id = possible.integration_id), scheduled_for
         FROM (SELECT id, integration_id, scheduled_for,
                      CASE WHEN received_at <= {{now}} + 1000000 THEN received_at ELSE {{now}} END AS at,
                      (SELECT COALESCE(MAX(started_at), 0) FROM jobs WHERE jobs.integration_id = triggered.integration_id) AS newest
               FROM triggered) AS possible
         WHERE true
         ON CONFLICT DO NOTHING
         RETURNING id",
        rows.collect::<Vec<_>>().join(", ")
    );
    starts.iter().fold(query(database.with_store_clock(&statement)), |statement, start| {
        statement
            .bind(start.id.to_string())
            .bind(start.integration.to_string())
            .bind(start.received_at.map(micros_up))
            .bind(start.scheduled_for.map(micros))
    })
}

/// The result of a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartJob {
    /// A new job was started.
    Started(JobId),
    /// Another job is in progress.
    InProgress,
}

impl Store {
    /// Starts a job for an integration, unless one is in progress, and wakes a worker of this process.
    pub async fn start_job(
        &self,
        integration: IntegrationId,
        received_at: DateTime<Utc>,
    ) -> Result<StartJob, StoreError> {
        let received_at = Some(received_at);
        let start = Start { id: JobId::new(), integration, received_at, scheduled_for: None };
        let id = start.id;
        if !self.starts.write(start).await? {
            return Ok(StartJob::InProgress);
        }
        self.job_started();
        Ok(StartJob::Started(id))
    }

    /// Counts a job that this process has started, and wakes one of its workers.
    pub(super) fn job_started(&self) {
        METRICS.jobs_started.inc();
        self.job_available.notify_one();
    }

    /// The jobs of an integration whose IDs start with `prefix`, newest first. At most two, which is enough to see whether the
    /// prefix is unique.
    pub async fn find_jobs(&self, integration: IntegrationId, prefix: &JobIdPrefix) -> Result<Vec<JobId>, StoreError> {
        let find =
            query("SELECT id FROM jobs WHERE integration_id = $1 AND id LIKE $2 ORDER BY started_at DESC LIMIT 2")
                .bind(integration.to_string())
                .bind(format!("{}%", prefix.0));
        let rows = self.database.read(find).await?;
        rows.iter().map(|row| JobId::read(row.try_get("id")?)).collect()
    }

    /// The newest job of an integration with refused rows.
    pub async fn newest_job_with_row_errors(&self, integration: IntegrationId) -> Result<Option<JobId>, StoreError> {
        let find =
            query("SELECT id FROM jobs WHERE integration_id = $1 AND rows_failed > 0 ORDER BY started_at DESC LIMIT 1");
        let row = self.database.read_one(find.bind(integration.to_string())).await?;
        row.map(|row| JobId::read(row.try_get("id")?)).transpose()
    }

    /// A job of an integration.
    pub async fn job(&self, integration: IntegrationId, id: JobId) -> Result<Option<Job>, StoreError> {
        let statement = format!("SELECT {COLUMNS} FROM jobs WHERE integration_id = $1 AND id = $2");
        let find = query(self.database.with_store_clock(&statement)).bind(integration.to_string()).bind(id.to_string());
        self.database.read_one(find).await?.as_ref().map(job).transpose()
    }

    /// The newest job of each of these integrations that has one.
    pub async fn newest_jobs(&self, integrations: &[IntegrationId]) -> Result<HashMap<IntegrationId, Job>, StoreError> {
        /// Both databases limit the parameters of a statement.
        const CHUNK: usize = 500;
        let mut newest = HashMap::with_capacity(integrations.len());
        for chunk in integrations.chunks(CHUNK) {
            let ids: Vec<String> = (1..=chunk.len()).map(|number| format!("(CAST(${number} AS TEXT))")).collect();
            let statement = format!(
                "WITH listed (listed_id) AS (VALUES {})
                 SELECT listed_id, {COLUMNS} FROM listed
                 JOIN jobs ON integration_id = listed_id
                      AND started_at = (SELECT MAX(started_at) FROM jobs WHERE integration_id = listed_id)",
                ids.join(", ")
            );
            let mut list = query(self.database.with_store_clock(&statement));
            for integration in chunk {
                list = list.bind(integration.to_string());
            }
            for row in self.database.read(list).await? {
                newest.insert(integration_id(&row, "listed_id")?, job(&row)?);
            }
        }
        Ok(newest)
    }

    /// A page of an integration's jobs, newest first. A position is a job's start time.
    pub async fn jobs(
        &self,
        integration: IntegrationId,
        page: &Page<DateTime<Utc>>,
        size: usize,
    ) -> Result<PageOf<Job>, StoreError> {
        let (side, order, bound) = match page {
            Page::First => ("<", "DESC", i64::MAX),
            Page::After(position) => ("<", "DESC", micros(*position)),
            Page::Before(position) => (">", "ASC", micros(*position)),
        };
        // One row more than the page shows whether there is a next page.
        let statement = format!(
            "SELECT {COLUMNS} FROM jobs
             WHERE integration_id = $1 AND started_at {side} $2 ORDER BY started_at {order} LIMIT $3"
        );
        let list = query(self.database.with_store_clock(&statement))
            .bind(integration.to_string())
            .bind(bound)
            .bind(i64::try_from(size + 1).unwrap_or(i64::MAX));
        let rows = self.database.read(list).await?;
        let further = rows.len() > size;
        let mut items: Vec<Job> = rows.iter().take(size).map(job).collect::<Result<_, _>>()?;
        Ok(match page {
            Page::First => PageOf { items, has_previous: false, has_next: further },
            Page::After(_) => {
                PageOf { items, has_previous: self.has_jobs(integration, ">=", bound).await?, has_next: further }
            }
            Page::Before(_) => {
                items.reverse();
                PageOf { items, has_previous: further, has_next: self.has_jobs(integration, "<=", bound).await? }
            }
        })
    }

    async fn has_jobs(&self, integration: IntegrationId, side: &str, bound: i64) -> Result<bool, StoreError> {
        let statement = format!("SELECT 1 FROM jobs WHERE integration_id = $1 AND started_at {side} $2 LIMIT 1");
        let find = query(AssertSqlSafe(statement)).bind(integration.to_string()).bind(bound);
        Ok(self.database.read_one(find).await?.is_some())
    }
}

pub(super) fn job(row: &AnyRow) -> Result<Job, StoreError> {
    let finished_at = row.try_get::<Option<i64>, _>("finished_at")?;
    let time = |column: &str| row.try_get::<Option<i64>, &str>(column)?.map(from_micros).transpose();
    Ok(Job {
        id: JobId::read(row.try_get("id")?)?,
        status: JobStatus::read(&row.try_get::<String, _>("status")?, finished_at.is_some()),
        sync_start_time: from_micros(row.try_get("started_at")?)?,
        has_worker: row.try_get::<i64, _>("has_worker")? != 0,
        sync_finish_time: finished_at.map(from_micros).transpose()?,
        last_timestamp_synced: time("synced_to")?,
        rows_synced: count(row.try_get("rows_synced")?),
        rows_failed_with_errors: count(row.try_get("rows_failed")?),
        spared: spared(row)?,
        cause: row.try_get("cause")?,
        scheduled_for: time("scheduled_for")?,
        row_errors_deleted_at: time("row_errors_deleted_at")?,
    })
}

/// What a job's row says about [`Spared`].
pub(super) fn spared(row: &AnyRow) -> Result<Spared, StoreError> {
    Ok(Spared {
        rows: count(row.try_get("rows_unchanged")?),
        attributes_sent: count(row.try_get("attributes_sent")?),
        attributes_spared: count(row.try_get("attributes_spared")?),
    })
}

/// The ID of an integration in this column.
pub(super) fn integration_id(row: &AnyRow, column: &str) -> Result<IntegrationId, StoreError> {
    let id: String = row.try_get(column)?;
    id.parse().map_err(|_| StoreError::Unreadable { what: "integration ID", value: id })
}

/// A stored count, which is never negative.
pub(super) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
