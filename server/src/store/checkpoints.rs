//! Checkpoints: the progress of a job, written in one transaction by the worker that holds its lease.

use std::sync::Arc;

use sqlx::{AnyConnection, Row as _, query};

use super::attributes::{self, AttributeChange};
use super::database::returned;
use super::jobs::{JobStatus, Spared, count};
use super::kind::Kind;
use super::leases::{Confirmed, Lease, LeaseStatus, lease_status};
use super::record::{self, RecordChange};
use super::row_errors::{self, RowError};
use super::watermarks::{self, Route, Watermark};
use super::{Store, StoreError, micros};
use crate::types::IntegrationId;

/// The progress of a job, with the changes since its last checkpoint. A checkpoint whose write has failed may have been
/// written all the same, so the next one must start with the same row errors and the same record changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The integration's watermark. Written only if there is a route.
    pub watermark: Watermark,
    /// The route that the watermark belongs to. If `None`, the stored watermark, route and record are left unchanged.
    pub route: Option<Arc<Route>>,
    /// Record changes that no earlier checkpoint had.
    pub record: Vec<Arc<RecordChange>>,
    /// Total of delivered rows of the job.
    pub rows_synced: u64,
    /// Total of refused rows of the job.
    pub rows_failed: u64,
    /// Totals of what the job has spared.
    pub spared: Spared,
    /// Changes of users' attributes that no earlier checkpoint had, in order.
    pub attributes: Vec<Arc<AttributeChange>>,
    /// Refused rows that no earlier checkpoint had, among the job's first [`MAX_ROW_ERRORS`].
    ///
    /// [`MAX_ROW_ERRORS`]: super::MAX_ROW_ERRORS
    pub row_errors: Vec<RowError>,
    /// The destination's position, an opaque text.
    pub position: Option<String>,
}

impl Checkpoint {
    /// A copy without row errors and changes of the record and of attributes, which may be large.
    pub fn without_changes(&self) -> Checkpoint {
        Checkpoint {
            route: self.route.clone(),
            record: Vec::new(),
            attributes: Vec::new(),
            row_errors: Vec::new(),
            position: self.position.clone(),
            ..*self
        }
    }
}

impl Store {
    /// Writes a checkpoint of a job.
    pub async fn checkpoint(
        &self,
        lease: &Lease,
        integration: IntegrationId,
        checkpoint: &Checkpoint,
    ) -> Result<LeaseStatus, StoreError> {
        let work = async {
            let mut transaction = self.database.begin().await?;
            let written = write(transaction.connection(), self.database.kind, lease, integration, checkpoint).await;
            transaction.end(written).await
        };
        let (status, confirmed) = self.database.transact(work).await?;
        lease.confirm(confirmed);
        Ok(status)
    }

    /// Ends a job with its last checkpoint.
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
                write(transaction.connection(), self.database.kind, lease, integration, checkpoint).await?;
                let end = self.database.with_store_clock(
                    "UPDATE jobs SET status = $1, cause = $2, lease_token = NULL, lease_until = NULL, announce = 1,
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
}

/// Writes a checkpoint. Also returns what the lease must be told to confirm once the transaction is committed.
pub(super) async fn write(
    connection: &mut AnyConnection,
    kind: Kind,
    lease: &Lease,
    integration: IntegrationId,
    checkpoint: &Checkpoint,
) -> Result<(LeaseStatus, Confirmed), StoreError> {
    let confirmed = lease.confirmed();
    let changes = if checkpoint.route.is_some() { checkpoint.record.as_slice() } else { &[] };
    let update = query(
        "UPDATE jobs SET attempts = CASE WHEN rows_synced + rows_failed + rows_unchanged
                                              < CAST($1 AS BIGINT) + CAST($2 AS BIGINT) + CAST($8 AS BIGINT) THEN 1 ELSE attempts END,
                         rows_synced = $1, rows_failed = $2, synced_to = COALESCE($3, synced_to), position = $4,
                         changes_written = changes_written + $5, rows_unchanged = $8, attributes_sent = $9, attributes_spared = $10
         WHERE id = $6 AND lease_token = $7 AND finished_at IS NULL
         RETURNING cancelled_at, changes_written",
    )
    .bind(i64::try_from(checkpoint.rows_synced).unwrap_or(i64::MAX))
    .bind(i64::try_from(checkpoint.rows_failed).unwrap_or(i64::MAX))
    .bind(checkpoint.watermark.updated_at.map(micros))
    .bind(checkpoint.position.as_deref())
    .bind(i64::try_from(changes.len()).unwrap_or(i64::MAX))
    .bind(lease.job.to_string())
    .bind(&lease.token)
    .bind(i64::try_from(checkpoint.spared.rows).unwrap_or(i64::MAX))
    .bind(i64::try_from(checkpoint.spared.attributes_sent).unwrap_or(i64::MAX))
    .bind(i64::try_from(checkpoint.spared.attributes_spared).unwrap_or(i64::MAX));
    let row = returned(update, connection).await?.ok_or(StoreError::LeaseLost)?;
    let written = count(row.try_get("changes_written")?);
    let mut confirmed = Confirmed { changes: confirmed.changes + changes.len() as u64, ..confirmed };
    if let Some(route) = &checkpoint.route {
        // If the response to an earlier checkpoint was lost, more changes are stored than this worker knows of.
        let twice = written.saturating_sub(confirmed.changes).min(changes.len() as u64);
        let new = &changes[usize::try_from(twice).unwrap_or(changes.len())..];
        confirmed.dropped_below = write_record(connection, lease, integration, checkpoint, new).await?;
        watermarks::write(connection, integration, &checkpoint.watermark, route).await?;
        if twice > 0 {
            let correct = query("UPDATE jobs SET changes_written = changes_written - $1 WHERE id = $2");
            let correct = correct.bind(i64::try_from(twice).unwrap_or(i64::MAX)).bind(lease.job.to_string());
            correct.execute(&mut *connection).await?;
        }
    }
    attributes::write(connection, kind, &checkpoint.attributes).await?;
    row_errors::insert(connection, lease.job, checkpoint.rows_failed, &checkpoint.row_errors).await?;
    Ok((lease_status(Some(&row))?, confirmed))
}

/// Stores record changes and deletes those that no sync reads any more. Returns the time below which they were deleted.
async fn write_record(
    connection: &mut AnyConnection,
    lease: &Lease,
    integration: IntegrationId,
    checkpoint: &Checkpoint,
    changes: &[Arc<RecordChange>],
) -> Result<Option<i64>, StoreError> {
    let read_from = checkpoint.watermark.read_from.map(micros);
    for change in changes {
        if read_from.is_none_or(|read_from| change.last >= read_from) {
            record::insert(connection, integration, change).await?;
        }
    }
    // Most checkpoints do not move `read_from`, so there is nothing to delete.
    if let Some(read_from) = read_from
        && lease.confirmed().dropped_below != Some(read_from)
    {
        record::drop_below(connection, integration, read_from).await?;
    }
    Ok(read_from)
}
