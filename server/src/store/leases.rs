//! Leases of jobs.
//!
//! A worker holds a lease on its job and renews it. When the lease expires, by the store's clock, any worker may claim the job
//! and gets a new token. Every write about a job is conditional on the token, so a worker that has lost its lease cannot
//! change anything.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _, query};
use uuid::Uuid;

use super::database::returned;
use super::jobs::{JobId, Spared, count, spared};
use super::time::span;
use super::watermarks::{Route, Watermark};
use super::{Store, StoreError};
use crate::types::IntegrationId;

/// A worker's lease on a job. Clones are the same lease.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    pub(super) token: String,
    length: Duration,
    confirmed: Arc<Mutex<Confirmed>>,
}

impl PartialEq for Lease {
    fn eq(&self, other: &Lease) -> bool {
        (self.job, &self.token) == (other.job, &other.token)
    }
}

impl Eq for Lease {}

/// What the checkpoints of a lease are known to have written. They may have written more, because the response to a commit can
/// be lost.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Confirmed {
    /// Number of record changes.
    pub changes: u64,
    /// Record changes below this time were deleted, in microseconds since 1970.
    pub dropped_below: Option<i64>,
}

impl Lease {
    pub(super) fn confirmed(&self) -> Confirmed {
        // The value is replaced as a whole, so poisoning is ignored.
        *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn confirm(&self, confirmed: Confirmed) {
        *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner) = confirmed;
    }
}

/// A claimed job, with its state at its last checkpoint.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The lease.
    pub lease: Lease,
    /// Its integration.
    pub integration: IntegrationId,
    /// The integration's watermark.
    pub watermark: Watermark,
    /// The route that the watermark belongs to; `None` if there is no watermark, or one without a route from an earlier version
    /// of this program.
    pub route: Option<Route>,
    /// Rows that the job has delivered.
    pub rows_synced: u64,
    /// Rows of the job that were refused.
    pub rows_failed: u64,
    /// What the job has spared.
    pub spared: Spared,
    /// The destination's position, an opaque text.
    pub position: Option<String>,
    /// Number of claims since the job last made progress, this one included.
    pub attempts: u32,
    /// Time since the first claim of the job.
    pub running_for: Duration,
    /// Whether its cancellation was requested.
    pub cancelled: bool,
}

/// The status of a lease that still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseStatus {
    /// Whether the job's cancellation was requested.
    pub cancelled: bool,
}

/// The result of cancelling a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// No worker had the job, so it has ended.
    Ended(JobId),
    /// The cancellation was requested. The worker sees it at its next checkpoint or lease renewal.
    Asked(JobId),
    /// No job is in progress.
    Nothing,
}

impl Store {
    /// Claims a job: of those with an expired lease the one whose lease expired first, otherwise the one that has waited
    /// longest. Jobs of the integrations `except` are left to others, and with `only_waiting` so are expired leases.
    pub async fn claim_job(
        &self,
        length: Duration,
        except: &[IntegrationId],
        only_waiting: bool,
    ) -> Result<Option<Claimed>, StoreError> {
        // Each part reads the first entry of an index. Jobs whose row is locked, by another claim or by a last checkpoint, are
        // skipped, so that claims of many replicas do not wait for each other.
        let skip_locked = self.database.skip_locked();
        let claim = format!(
            "UPDATE jobs SET lease_token = $1, lease_until = {{now}} + $2, attempts = attempts + 1, changes_written = 0, cause = NULL,
                             begun_at = COALESCE(begun_at, {{now}})
             WHERE finished_at IS NULL AND (lease_until IS NULL OR lease_until <= {{now}}) AND id = COALESCE(
                 (SELECT id FROM jobs WHERE finished_at IS NULL AND lease_until <= (SELECT {{now}}) AND $3 = 0
                      AND CAST($4 AS TEXT) NOT LIKE '%' || integration_id || '%' ORDER BY lease_until LIMIT 1 {skip_locked}),
                 (SELECT id FROM jobs WHERE finished_at IS NULL AND lease_until IS NULL
                      AND CAST($4 AS TEXT) NOT LIKE '%' || integration_id || '%' ORDER BY started_at LIMIT 1 {skip_locked}))
             RETURNING id, integration_id, attempts, rows_synced, rows_failed, rows_unchanged, attributes_sent, attributes_spared, position,
                       cancelled_at, {{now}} - begun_at AS running_for"
        );
        let except: Vec<String> = except.iter().map(IntegrationId::to_string).collect();
        let except = except.join(" ");
        loop {
            let token = Uuid::new_v4().to_string();
            let claim = query(self.database.with_store_clock(&claim))
                .bind(&token)
                .bind(span(length))
                .bind(i64::from(only_waiting))
                .bind(&except);
            let Some(row) = self.database.write_one(claim).await? else { return Ok(None) };
            let (integration, job): (String, String) = (row.try_get("integration_id")?, row.try_get("id")?);
            // A row that cannot be read must not keep other jobs from running.
            let (Ok(integration), Ok(job)) = (integration.parse(), JobId::read(job)) else { continue };
            let lease = Lease { job, token, length, confirmed: Arc::default() };
            return match self.claimed(&lease, integration, &row).await {
                Ok(claimed) => Ok(Some(claimed)),
                Err(error) => {
                    // Otherwise nobody could claim it until the lease expires.
                    let _ = self.release(&lease).await;
                    Err(error)
                }
            };
        }
    }

    /// A job that this lease was just granted for. The watermark is read now that no other worker can change it.
    async fn claimed(&self, lease: &Lease, integration: IntegrationId, row: &AnyRow) -> Result<Claimed, StoreError> {
        let (watermark, route) = self.watermark_and_route(integration).await?;
        Ok(Claimed {
            lease: lease.clone(),
            integration,
            watermark,
            route,
            rows_synced: count(row.try_get("rows_synced")?),
            rows_failed: count(row.try_get("rows_failed")?),
            spared: spared(row)?,
            position: row.try_get("position")?,
            attempts: u32::try_from(row.try_get::<i64, _>("attempts")?).unwrap_or(u32::MAX),
            running_for: Duration::from_micros(count(row.try_get("running_for")?)),
            cancelled: lease_status(Some(row))?.cancelled,
        })
    }

    /// Renews a lease for its full length from now, and records why the job waits, if it does.
    pub async fn renew(&self, lease: &Lease, waits: Option<&str>) -> Result<LeaseStatus, StoreError> {
        let renew = self.database.with_store_clock(
            "UPDATE jobs SET lease_until = {now} + $1, cause = $2
             WHERE id = $3 AND lease_token = $4 AND finished_at IS NULL RETURNING cancelled_at",
        );
        let renew = query(renew).bind(span(lease.length)).bind(waits).bind(lease.job.to_string()).bind(&lease.token);
        lease_status(self.database.write_one(renew).await?.as_ref())
    }

    /// Hands a job back, so that the next worker can resume it from its last checkpoint at once.
    pub async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        let release = query(
            "UPDATE jobs SET lease_token = NULL, lease_until = NULL, attempts = attempts - 1, cause = NULL
             WHERE id = $1 AND lease_token = $2 AND finished_at IS NULL RETURNING cancelled_at",
        );
        let release = release.bind(lease.job.to_string()).bind(&lease.token);
        lease_status(self.database.write_one(release).await?.as_ref())?;
        self.job_available.notify_one();
        Ok(())
    }

    /// Whether a job has ended.
    pub async fn has_ended(&self, job: JobId) -> Result<bool, StoreError> {
        let find = query("SELECT id FROM jobs WHERE id = $1 AND finished_at IS NOT NULL").bind(job.to_string());
        Ok(self.database.read_one(find).await?.is_some())
    }

    /// Cancels an integration's job in progress. If no worker has it, it ends at once with this cause.
    pub async fn cancel_job(&self, integration: IntegrationId, cause: &str) -> Result<Cancelled, StoreError> {
        let find = query("SELECT id FROM jobs WHERE integration_id = $1 AND finished_at IS NULL");
        let Some(row) = self.database.read_one(find.bind(integration.to_string())).await? else {
            return Ok(Cancelled::Nothing);
        };
        let job = JobId::read(row.try_get("id")?)?;
        if self.end_without_worker(job, cause).await? {
            return Ok(Cancelled::Ended(job));
        }
        let ask = self.database.with_store_clock(
            "UPDATE jobs SET cancelled_at = COALESCE(cancelled_at, {now})
             WHERE id = $1 AND finished_at IS NULL RETURNING id",
        );
        let asked = self.database.write_one(query(ask).bind(job.to_string())).await?;
        Ok(asked.map_or(Cancelled::Nothing, |_| Cancelled::Asked(job)))
    }

    /// Ends a cancelled job if it is in progress and no worker has it. Returns whether it has ended by that.
    pub async fn end_without_worker(&self, job: JobId, cause: &str) -> Result<bool, StoreError> {
        let end = self.database.with_store_clock(
            "UPDATE jobs SET status = 'error', cause = $1, cancelled_at = {now}, lease_token = NULL, lease_until = NULL, announce = 1,
                             finished_at = CASE WHEN started_at > {now} THEN started_at ELSE {now} END
             WHERE id = $2 AND finished_at IS NULL AND (lease_until IS NULL OR lease_until <= {now})",
        );
        Ok(self.database.write(query(end).bind(cause).bind(job.to_string())).await? > 0)
    }
}

/// Locks the job of a lease, so that no other worker can claim it before the transaction ends. Fails if the lease is lost.
pub(super) async fn require_lease(connection: &mut AnyConnection, lease: &Lease) -> Result<(), StoreError> {
    let hold = query(
        "UPDATE jobs SET lease_token = lease_token WHERE id = $1 AND lease_token = $2 AND finished_at IS NULL
         RETURNING cancelled_at",
    );
    let hold = hold.bind(lease.job.to_string()).bind(&lease.token);
    lease_status(returned(hold, connection).await?.as_ref()).map(drop)
}

/// The lease status from the row of a job that was found by its lease token; `LeaseLost` if no row was found.
pub(super) fn lease_status(row: Option<&AnyRow>) -> Result<LeaseStatus, StoreError> {
    let row = row.ok_or(StoreError::LeaseLost)?;
    Ok(LeaseStatus { cancelled: row.try_get::<Option<i64>, _>("cancelled_at")?.is_some() })
}
