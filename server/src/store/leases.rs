//! Which worker has a job, and what only that worker may write.
//!
//! A worker holds a lease on its job and renews it. When it runs out, by the store's clock, any worker may claim the job
//! and gets another token. Everything a worker writes about its job is conditional on its token, so one that has lost
//! its lease changes nothing any more.

use std::time::Duration;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _, query};
use uuid::Uuid;

use super::database::returned;
use super::jobs::{JobId, JobStatus, count};
use super::row_errors::{self, RowError};
use super::states::{self, Watermark};
use super::{Store, StoreError, micros};
use crate::types::IntegrationId;

/// A worker's hold on a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    token: String,
    length: Duration,
}

/// A job that was claimed, with how far it had got.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The hold on it.
    pub lease: Lease,
    /// Its integration.
    pub integration: IntegrationId,
    /// The integration's watermark.
    pub watermark: Option<Watermark>,
    /// What the job had come to at its last checkpoint.
    pub rows_synced: u64,
    /// Rows of it that were refused until then.
    pub rows_failed: u64,
    /// Where the destination was then, in its own words.
    pub position: Option<String>,
    /// How many workers have claimed it since it last dealt with a row, this one included.
    pub attempts: u32,
    /// How long ago a worker first claimed it.
    pub running_for: Duration,
    /// Whether somebody has asked for its end.
    pub cancelled: bool,
}

impl Checkpoint {
    /// The same without its row errors, which may be many.
    pub fn without_row_errors(&self) -> Checkpoint {
        Checkpoint { row_errors: Vec::new(), position: self.position.clone(), ..*self }
    }
}

/// What a worker that still has its job is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Whether somebody has asked for its end.
    pub cancelled: bool,
}

/// What became of asking for the end of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// No worker had it: it has ended.
    Ended(JobId),
    /// The worker that has it is told at its next checkpoint, or when it renews its lease.
    Asked(JobId),
    /// No job is in progress.
    Nothing,
}

/// What a job has come to: rows are counted once all rows before them are dealt with too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// How far the integration's rows are dealt with. Where it is nothing, the watermark stays.
    pub watermark: Option<Watermark>,
    /// Rows that were delivered, in all.
    pub rows_synced: u64,
    /// Rows that were refused, in all.
    pub rows_failed: u64,
    /// The refused rows that no earlier checkpoint had, as far as they are among the job's first [`MOST_ROW_ERRORS`].
    ///
    /// [`MOST_ROW_ERRORS`]: super::MOST_ROW_ERRORS
    pub row_errors: Vec<RowError>,
    /// Where the destination is, in its own words.
    pub position: Option<String>,
}

impl Store {
    /// Claims the oldest job that nobody holds and that `takes` wants: of a job's integration, and whether a worker has had it
    /// whose lease has run out.
    pub async fn claim_job(
        &self,
        length: Duration,
        takes: impl Fn(IntegrationId, bool) -> bool,
    ) -> Result<Option<Claimed>, StoreError> {
        let free = self.database.with_store_clock(
            "SELECT id, integration_id, lease_until FROM jobs
             WHERE finished_at IS NULL AND (lease_until IS NULL OR lease_until <= {now}) ORDER BY started_at",
        );
        for row in self.database.read(query(free)).await? {
            // What cannot be read does not keep the others from running.
            let (integration, job): (String, String) = (row.try_get("integration_id")?, row.try_get("id")?);
            let (Ok(integration), Ok(job)) = (integration.parse(), JobId::read(job)) else { continue };
            let was_held = row.try_get::<Option<i64>, _>("lease_until")?.is_some();
            if !takes(integration, was_held) {
                continue;
            }
            // Another worker may be quicker.
            if let Some(claimed) = self.claim(job, integration, length).await? {
                return Ok(Some(claimed));
            }
        }
        Ok(None)
    }

    async fn claim(
        &self,
        job: JobId,
        integration: IntegrationId,
        length: Duration,
    ) -> Result<Option<Claimed>, StoreError> {
        let lease = Lease { job, token: Uuid::new_v4().to_string(), length };
        // One statement, so that nobody has a job without knowing where it goes on.
        let claim = self.database.with_store_clock(
            "UPDATE jobs SET lease_token = $1, lease_until = {now} + $2, attempts = attempts + 1,
                             begun_at = COALESCE(begun_at, {now})
             WHERE id = $3 AND finished_at IS NULL AND (lease_until IS NULL OR lease_until <= {now})
             RETURNING attempts, rows_synced, rows_failed, position, cancelled_at, {now} - begun_at AS running_for,
                 (SELECT updated_at FROM watermarks WHERE integration_id = jobs.integration_id) AS updated_at,
                 (SELECT rows_at FROM watermarks WHERE integration_id = jobs.integration_id) AS rows_at,
                 (SELECT digest FROM watermarks WHERE integration_id = jobs.integration_id) AS digest",
        );
        let claim = query(claim).bind(&lease.token).bind(span(length)).bind(job.to_string());
        let Some(row) = self.database.write_one(claim).await? else { return Ok(None) };
        Ok(Some(Claimed {
            lease,
            integration,
            watermark: states::watermark(&row)?,
            rows_synced: count(row.try_get("rows_synced")?),
            rows_failed: count(row.try_get("rows_failed")?),
            position: row.try_get("position")?,
            attempts: u32::try_from(row.try_get::<i64, _>("attempts")?).unwrap_or(u32::MAX),
            running_for: Duration::from_micros(count(row.try_get("running_for")?)),
            cancelled: held(Some(&row))?.cancelled,
        }))
    }

    /// How far an integration's rows are dealt with.
    pub async fn watermark(&self, integration: IntegrationId) -> Result<Option<Watermark>, StoreError> {
        let find = query("SELECT updated_at, rows_at, digest FROM watermarks WHERE integration_id = $1")
            .bind(integration.to_string());
        let row = self.database.read_one(find).await?;
        row.as_ref().map_or(Ok(None), states::watermark)
    }

    /// Holds a job for the lease's whole length from now.
    pub async fn renew(&self, lease: &Lease) -> Result<Held, StoreError> {
        let renew = self.database.with_store_clock(
            "UPDATE jobs SET lease_until = {now} + $1 WHERE id = $2 AND lease_token = $3 AND finished_at IS NULL
             RETURNING cancelled_at",
        );
        let renew = query(renew).bind(span(lease.length)).bind(lease.job.to_string()).bind(&lease.token);
        held(self.database.write_one(renew).await?.as_ref())
    }

    /// Gives a job back: the next worker goes on at the last checkpoint, at once.
    pub async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        let release = query(
            "UPDATE jobs SET lease_token = NULL, lease_until = NULL, attempts = attempts - 1
             WHERE id = $1 AND lease_token = $2 AND finished_at IS NULL RETURNING cancelled_at",
        );
        let release = release.bind(lease.job.to_string()).bind(&lease.token);
        held(self.database.write_one(release).await?.as_ref())?;
        self.woken.notify_one();
        Ok(())
    }

    /// Writes down how far a job has got.
    pub async fn checkpoint(
        &self,
        lease: &Lease,
        integration: IntegrationId,
        checkpoint: &Checkpoint,
    ) -> Result<Held, StoreError> {
        let work = async {
            let mut transaction = self.database.begin().await?;
            let written = write(transaction.connection(), lease, integration, checkpoint).await;
            transaction.end(written).await
        };
        self.database.transact(work).await
    }

    /// Ends a job, with its last checkpoint.
    pub async fn finish(
        &self,
        lease: &Lease,
        integration: IntegrationId,
        checkpoint: &Checkpoint,
        status: JobStatus,
        cause: Option<&str>,
    ) -> Result<(), StoreError> {
        let work = async {
            let mut transaction = self.database.begin().await?;
            let ended = async {
                write(transaction.connection(), lease, integration, checkpoint).await?;
                let end = self.database.with_store_clock(
                    "UPDATE jobs SET status = $1, cause = $2, lease_token = NULL, lease_until = NULL,
                                     finished_at = CASE WHEN started_at > {now} THEN started_at ELSE {now} END
                     WHERE id = $3",
                );
                let end = query(end).bind(status.as_str()).bind(cause).bind(lease.job.to_string());
                end.execute(transaction.connection()).await?;
                Ok(())
            };
            let ended = ended.await;
            transaction.end(ended).await
        };
        self.database.transact(work).await
    }

    /// Whether a job has ended.
    pub async fn has_ended(&self, job: JobId) -> Result<bool, StoreError> {
        let find = query("SELECT id FROM jobs WHERE id = $1 AND finished_at IS NOT NULL").bind(job.to_string());
        Ok(self.database.read_one(find).await?.is_some())
    }

    /// Asks for the end of an integration's job in progress. One that no worker has ends at once, with this cause.
    pub async fn cancel_job(&self, integration: IntegrationId, cause: &str) -> Result<Cancelled, StoreError> {
        let integration = integration.to_string();
        let end = self.database.with_store_clock(
            "UPDATE jobs SET status = 'error', cause = $1, cancelled_at = {now}, lease_token = NULL, lease_until = NULL,
                             finished_at = CASE WHEN started_at > {now} THEN started_at ELSE {now} END
             WHERE integration_id = $2 AND finished_at IS NULL AND (lease_until IS NULL OR lease_until <= {now})
             RETURNING id",
        );
        let ask = self.database.with_store_clock(
            "UPDATE jobs SET cancelled_at = COALESCE(cancelled_at, {now})
             WHERE integration_id = $1 AND finished_at IS NULL RETURNING id",
        );
        let ended = self.database.write_one(query(end).bind(cause).bind(&integration)).await?;
        if let Some(row) = ended {
            return Ok(Cancelled::Ended(JobId::read(row.try_get("id")?)?));
        }
        match self.database.write_one(query(ask).bind(&integration)).await? {
            Some(row) => Ok(Cancelled::Asked(JobId::read(row.try_get("id")?)?)),
            None => Ok(Cancelled::Nothing),
        }
    }
}

async fn write(
    connection: &mut AnyConnection,
    lease: &Lease,
    integration: IntegrationId,
    checkpoint: &Checkpoint,
) -> Result<Held, StoreError> {
    let update = query(
        "UPDATE jobs SET attempts = CASE WHEN rows_synced + rows_failed < CAST($1 AS BIGINT) + CAST($2 AS BIGINT) THEN 1 ELSE attempts END,
                         rows_synced = $1, rows_failed = $2, synced_to = COALESCE($3, synced_to), position = $4
         WHERE id = $5 AND lease_token = $6 AND finished_at IS NULL
         RETURNING cancelled_at",
    )
    .bind(i64::try_from(checkpoint.rows_synced).unwrap_or(i64::MAX))
    .bind(i64::try_from(checkpoint.rows_failed).unwrap_or(i64::MAX))
    .bind(checkpoint.watermark.map(|watermark| micros(watermark.updated_at)))
    .bind(checkpoint.position.as_deref())
    .bind(lease.job.to_string())
    .bind(&lease.token);
    let held = held(returned(update, connection).await?.as_ref())?;
    if let Some(watermark) = &checkpoint.watermark {
        write_watermark(connection, integration, watermark).await?;
    }
    row_errors::insert(connection, lease.job, checkpoint.rows_failed, &checkpoint.row_errors).await?;
    Ok(held)
}

/// Puts a watermark in the place of another.
pub(super) async fn write_watermark(
    connection: &mut AnyConnection,
    integration: IntegrationId,
    watermark: &Watermark,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO watermarks (integration_id, updated_at, rows_at, digest) VALUES ($1, $2, $3, $4)
         ON CONFLICT (integration_id) DO UPDATE
         SET updated_at = excluded.updated_at, rows_at = excluded.rows_at, digest = excluded.digest",
    )
    .bind(integration.to_string())
    .bind(micros(watermark.updated_at))
    .bind(i64::try_from(watermark.rows_at).unwrap_or(i64::MAX))
    .bind(watermark.digest.map(u64::cast_signed))
    .execute(connection)
    .await?;
    Ok(())
}

/// What the row of a job that was found with its lease says.
fn held(row: Option<&AnyRow>) -> Result<Held, StoreError> {
    let row = row.ok_or(StoreError::LeaseLost)?;
    Ok(Held { cancelled: row.try_get::<Option<i64>, _>("cancelled_at")?.is_some() })
}

/// A duration as the store keeps it.
fn span(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}
