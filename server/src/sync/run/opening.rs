//! The start of a reading: loads the record and initialises the progress.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::sleep;

use super::{Run, Runner, locked};
use crate::store::{AttributeSet, Checkpoint, StoreError, StoredRecord, Watermark};
use crate::sync::comparison::Comparison;
use crate::sync::destination::OpenDestination;
use crate::sync::error::SyncError;
use crate::sync::progress::{Progress, Start};
use crate::sync::source::Opening;
use crate::text::counted;
use crate::types::IntegrationKind;

/// When the record is stored in more changes than this, small ones are merged.
const MAX_CHANGES: u64 = 2000;

impl Run<'_> {
    /// Loads the record from the store.
    pub(super) async fn stored_record(&self) -> Result<StoredRecord, SyncError> {
        let Runner { store, integration, .. } = self.runner;
        loop {
            let load = async {
                let stored = store.record(integration.id).await?;
                if stored.changes > MAX_CHANGES {
                    store.merge_record(&self.claimed.lease, integration.id).await?;
                }
                Ok(stored)
            };
            match load.await {
                Ok(stored) => return Ok(stored),
                Err(error) => self.retry_or_fail(error, "the record of acknowledged rows").await?,
            }
        }
    }

    /// What rows are compared with, with `only_changed`. Without it, the store must not go on to know attributes that are
    /// about to be overwritten.
    pub(super) async fn comparison(&self) -> Result<Option<Comparison>, SyncError> {
        let Runner { store, integration, .. } = self.runner;
        if integration.kind != IntegrationKind::Attributes {
            return Ok(None);
        }
        let (lease, destination) = (&self.claimed.lease, integration.destination.account());
        loop {
            let open = async {
                if !integration.only_changed {
                    store.give_up_attributes(lease, integration.id).await?;
                    return Ok(None);
                }
                let set = store.attribute_set(lease, integration.id, &destination).await?;
                Ok(Some(Comparison::new(Some(((*store).clone(), set)), store.digest_key(), integration)))
            };
            match open.await {
                Ok(comparison) => return Ok(comparison),
                Err(error) => self.retry_or_fail(error, "what the destination has").await?,
            }
        }
    }

    /// After a call to the store has failed: waits before the next try if the store is unavailable.
    async fn retry_or_fail(&self, error: StoreError, what: &str) -> Result<(), SyncError> {
        // The store logs its outages itself.
        if !error.is_unavailable() {
            return Err(SyncError::Failed(format!("{what} cannot be read from the store: {error}")));
        }
        tokio::select! {
            () = sleep(self.runner.tuning.checkpoint) => Ok(()),
            () = self.stop.asked() => Err(SyncError::Transient(error.to_string())),
        }
    }

    /// Initialises the progress for a reading.
    pub(super) async fn start_reading(
        &self,
        opening: Opening,
        watermark: Watermark,
        sizes: Vec<(i64, u64)>,
        attributes: Option<AttributeSet>,
        destination: &dyn OpenDestination,
    ) -> Result<(), SyncError> {
        if opening.future > 0 {
            tracing::info!(rows = opening.future, "rows dated in the future are skipped until then");
        }
        if opening.undated > 0 {
            tracing::warn!(rows = opening.undated, "rows without an UPDATED_AT are never synced");
        }
        *locked(&self.left_out) = left_out(&opening);
        let Runner { integration, tuning, .. } = self.runner;
        let since = opening.running_since.and_then(DateTime::from_timestamp_micros);
        if let Some(since) = since
            .filter(|since| Utc::now() - since > TimeDelta::from_std(integration.lookback).unwrap_or(TimeDelta::MAX))
        {
            tracing::info!(%since, "a transaction at the source has been running for longer than `lookback`; until it ends, each sync reads all rows changed since it began");
        }
        let mark = destination.mark();
        let (rows_synced, rows_failed, spared) = {
            let progress = self.progress.lock();
            let (rows_synced, rows_failed) = progress.counts();
            (rows_synced, rows_failed, progress.spared())
        };
        let mut progress = Progress::new(Start {
            watermark,
            route: Some(Arc::new(integration.route())),
            rows_synced,
            rows_failed,
            spared,
            mark,
            lookback: integration.lookback,
            running_since: opening.running_since,
            sizes,
            max_digests: tuning.max_digests,
            attributes,
        });
        let lock = self.lock_checkpoints().await;
        let checkpoint = Arc::new(Checkpoint { position: destination.position(mark), ..progress.checkpoint() });
        let has_position = checkpoint.position.is_some();
        *self.progress.lock() = progress;
        self.set_durable(checkpoint.clone());
        // The position before the first write must be stored, so that a crash during the first batch can be rolled back.
        if has_position { self.write(checkpoint, lock).await } else { Ok(()) }
    }
}

/// A note about rows that no sync takes as they are.
fn left_out(opening: &Opening) -> Option<String> {
    let future = (opening.future > 0).then(|| {
        let rows = counted(opening.future, "row");
        format!("{rows} dated in the future (an UPDATED_AT without a time zone is read as UTC)")
    });
    let undated = (opening.undated > 0).then(|| format!("{} without an UPDATED_AT", counted(opening.undated, "row")));
    let rows: Vec<String> = future.into_iter().chain(undated).collect();
    (!rows.is_empty()).then(|| format!("not taken: {}", rows.join(", ")))
}
