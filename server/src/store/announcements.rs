//! Turns jobs that have ended into messages.
//!
//! A statement that ends a job marks it. The messages of a marked job are written in the transaction that removes the mark, so
//! each is written once, by whichever replica comes first, and none is lost in a crash. What they say is decided by the caller.
//!
//! While replicas have different configurations, one may find a job whose integration it does not have. It replaces the mark by
//! a second one, which leaves the job to replicas that have the integration, for [`LEFT_FOR`] after the end of the job.
//! Guaranteed: the job is announced, once, if a replica that has its integration runs in that time. Not guaranteed: messages for
//! an entry that only some replicas have yet, because a job is announced by the `[[notify]]` entries of one replica.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _, query};

use super::jobs::{self, Job, JobStatus, count, integration_id};
use super::messages::NewMessage;
use super::overdue::record_successes;
use super::parameters::{bind_all, places};
use super::time::{from_micros, span};
use super::{Store, StoreError};
use crate::types::IntegrationId;

/// Jobs per transaction.
const BATCH: usize = 100;
/// For how long after its end a job is left to replicas that have its integration, by the store's clock.
const LEFT_FOR: Duration = Duration::from_secs(600);
/// Jobs per UPDATE that gives up announcing them.
const IDS: usize = 500;

/// A job that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedJob {
    /// Its integration.
    pub integration: IntegrationId,
    /// The job.
    pub job: Job,
    /// The status and the start of the integration's job before it.
    pub previous: Option<(JobStatus, DateTime<Utc>)>,
    /// If the job before it has failed: the start of the first failed job since the last success.
    pub failing_since: Option<DateTime<Utc>>,
    /// Rows that the failed jobs since the last success have refused.
    pub refused_while_failing: u64,
    /// If it has succeeded: the `[[notify]]` entries for which the integration was overdue.
    pub overdue: Vec<String>,
}

impl JobStatus {
    /// Whether the sync got to its end: rows may have been refused, and the others are delivered.
    pub fn is_success(self) -> bool {
        matches!(self, JobStatus::Success | JobStatus::Partial)
    }
}

impl Store {
    /// Writes the messages of jobs that have ended, one batch of jobs. `messages` returns `None` for a job of an integration that
    /// this replica does not have: the job is left to other replicas. Returns how many jobs they were.
    pub async fn announce_jobs(
        &self,
        messages: impl Fn(&EndedJob) -> Option<Vec<NewMessage>> + Send + Sync,
    ) -> Result<usize, StoreError> {
        // Usually there is nothing to do, and no transaction is needed.
        if self.database.read_one(query("SELECT id FROM jobs WHERE announce = 1 LIMIT 1")).await?.is_none() {
            return Ok(0);
        }
        self.announce_in_transaction(&format!("announce = 1 ORDER BY started_at LIMIT {BATCH}"), &[], &messages).await
    }

    /// Writes the messages of jobs that other replicas have left, if this one has their integrations. Those that no replica has
    /// announced for too long get no messages. Returns how many jobs were announced.
    pub async fn announce_left_jobs(
        &self,
        is_known: impl Fn(&IntegrationId) -> bool + Send + Sync,
        messages: impl Fn(&EndedJob) -> Option<Vec<NewMessage>> + Send + Sync,
    ) -> Result<usize, StoreError> {
        let find = self.database.with_store_clock(
            "SELECT id, integration_id, CAST(CASE WHEN finished_at < {now} - $1 THEN 1 ELSE 0 END AS BIGINT) AS is_over
             FROM jobs WHERE announce = 2 ORDER BY started_at",
        );
        let (mut known, mut over) = (Vec::new(), Vec::new());
        for row in self.database.read(query(find).bind(span(LEFT_FOR))).await? {
            let integration = row.try_get::<String, _>("integration_id")?.parse();
            if integration.is_ok_and(|integration| is_known(&integration)) {
                known.push(row.try_get::<String, _>("id")?);
            } else if row.try_get::<i64, _>("is_over")? != 0 {
                over.push(row.try_get::<String, _>("id")?);
            }
        }
        let mut announced = 0;
        for chunk in known.chunks(BATCH) {
            let of_chunk = format!("announce = 2 AND id IN ({}) ORDER BY started_at", places(1, chunk.len()));
            announced += self.announce_in_transaction(&of_chunk, chunk, &messages).await?;
        }
        for chunk in over.chunks(IDS) {
            // One that another replica is announcing is left to it.
            let forget = format!(
                "UPDATE jobs SET announce = 0 WHERE id IN (SELECT id FROM jobs WHERE announce = 2 AND id IN ({}) {})",
                places(1, chunk.len()),
                self.database.skip_locked()
            );
            let forgotten = self.database.write(bind_all(query(AssertSqlSafe(forget)), chunk)).await?;
            if forgotten > 0 {
                tracing::info!(jobs = forgotten, "no messages about jobs whose integrations no replica has");
            }
        }
        Ok(announced)
    }

    /// Writes the messages of the jobs that fulfil this condition.
    async fn announce_in_transaction(
        &self,
        condition: &str,
        ids: &[String],
        messages: &(impl Fn(&EndedJob) -> Option<Vec<NewMessage>> + Send + Sync),
    ) -> Result<usize, StoreError> {
        let work = async {
            let mut transaction = self.database.begin().await?;
            let announced = self.announce(transaction.connection(), condition, ids, messages).await;
            transaction.end(announced).await
        };
        self.database.transact(work).await
    }

    /// The number of statements does not depend on the number of jobs and messages, so that a batch keeps the deadline of a call
    /// even if each statement takes long.
    async fn announce(
        &self,
        connection: &mut AnyConnection,
        condition: &str,
        ids: &[String],
        messages: &(impl Fn(&EndedJob) -> Option<Vec<NewMessage>> + Send + Sync),
    ) -> Result<usize, StoreError> {
        // In the order of their start times, in which jobs of one integration also end. Replicas take turns, so that this order
        // is kept.
        let of_failed = "FROM jobs AS failed
                 WHERE failed.integration_id = jobs.integration_id AND failed.started_at < jobs.started_at
                   AND failed.started_at > COALESCE((SELECT good.started_at FROM jobs AS good
                        WHERE good.integration_id = jobs.integration_id AND good.started_at < jobs.started_at
                          AND good.status IN ('success', 'partial') ORDER BY good.started_at DESC LIMIT 1), 0)";
        let find = format!(
            "SELECT {columns}, integration_id,
                (SELECT previous.status FROM jobs AS previous
                 WHERE previous.integration_id = jobs.integration_id AND previous.started_at < jobs.started_at
                 ORDER BY previous.started_at DESC LIMIT 1) AS previous_status,
                (SELECT MAX(previous.started_at) FROM jobs AS previous
                 WHERE previous.integration_id = jobs.integration_id AND previous.started_at < jobs.started_at) AS previous_started_at,
                (SELECT MIN(failed.started_at) {of_failed}) AS failing_since,
                (SELECT CAST(COALESCE(SUM(failed.rows_failed), 0) AS BIGINT) {of_failed} AND failed.rows_failed > 0) AS refused_while_failing
             FROM jobs WHERE {condition} {for_update}",
            columns = jobs::COLUMNS,
            for_update = self.database.for_update()
        );
        let rows = bind_all(query(self.database.with_store_clock(&find)), ids).fetch_all(&mut *connection).await?;
        // A row that cannot be read must not keep others from being announced.
        let mut ended: Vec<EndedJob> = rows.iter().filter_map(|row| ended_job(row).ok()).collect();
        let mut overdue = self.overdue_entries(connection, &ended).await?;
        let (mut written, mut succeeded, mut left) = (Vec::new(), Vec::new(), BTreeSet::new());
        for ended in &mut ended {
            let is_success = ended.job.status.is_success();
            if is_success {
                ended.overdue = overdue.remove(&ended.integration).unwrap_or_default();
            }
            let id = ended.job.id.to_string();
            match messages(ended) {
                Some(messages) => {
                    written.extend(messages);
                    succeeded.extend(is_success.then_some(id));
                }
                None => {
                    left.insert(id);
                }
            }
        }
        self.insert_messages(connection, &written).await?;
        record_successes(connection, &succeeded).await?;
        let ids: Vec<String> = rows.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
        let (left, announced): (Vec<String>, Vec<String>) = ids.into_iter().partition(|id| left.contains(id));
        for (ids, announce) in [(announced, 0), (left, 2)] {
            let mark = format!("UPDATE jobs SET announce = {announce} WHERE id IN ({})", places(1, ids.len()));
            if !ids.is_empty() {
                bind_all(query(AssertSqlSafe(mark)), &ids).execute(&mut *connection).await?;
            }
        }
        Ok(rows.len())
    }
}

fn ended_job(row: &AnyRow) -> Result<EndedJob, StoreError> {
    let time = |column: &str| row.try_get::<Option<i64>, &str>(column)?.map(from_micros).transpose();
    let previous_status = row.try_get::<Option<String>, _>("previous_status")?;
    Ok(EndedJob {
        integration: integration_id(row, "integration_id")?,
        job: jobs::job(row)?,
        previous: previous_status.map(|status| JobStatus::read(&status, true)).zip(time("previous_started_at")?),
        failing_since: time("failing_since")?,
        refused_while_failing: count(row.try_get("refused_while_failing")?),
        overdue: Vec::new(),
    })
}
