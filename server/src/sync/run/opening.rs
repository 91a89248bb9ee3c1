//! How a reading begins: with what was acknowledged, and only where it belongs to what is configured.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::sleep;

use super::{Run, Runner};
use crate::store::{Checkpoint, StoreError, StoredRecord, Watermark};
use crate::sync::destination::OpenDestination;
use crate::sync::error::SyncError;
use crate::sync::progress::{Progress, Start};
use crate::sync::source::Opening;

/// The record is stored in so many pieces at most, before small ones are joined.
const MOST_CHANGES: u64 = 2000;

impl Run<'_> {
    /// What was acknowledged, as the store has it, however long the store is away.
    pub(super) async fn stored_record(&self) -> Result<StoredRecord, SyncError> {
        let Runner { store, integration, tuning, .. } = self.runner;
        loop {
            let load = async {
                let stored = store.record(integration.id).await?;
                if stored.changes > MOST_CHANGES {
                    store.merge_record(&self.claimed.lease, integration.id).await?;
                }
                Ok::<_, StoreError>(stored)
            };
            match load.await {
                Ok(stored) => return Ok(stored),
                // The store says in the log that it is away, and that it is back.
                Err(error) if error.is_unavailable() => tokio::select! {
                    () = sleep(tuning.checkpoint) => {}
                    () = self.stop.asked() => return Err(SyncError::Passing(error.to_string())),
                },
                Err(error) => {
                    let message = format!("what was acknowledged cannot be read from the store: {error}");
                    return Err(SyncError::Failed(message));
                }
            }
        }
    }

    pub(super) async fn begin(
        &self,
        opening: Opening,
        watermark: Watermark,
        sizes: Vec<(i64, u64)>,
        destination: &dyn OpenDestination,
    ) -> Result<(), SyncError> {
        if opening.future > 0 {
            tracing::info!(rows = opening.future, "rows dated in the future wait until their time comes");
        }
        if opening.undated > 0 {
            tracing::warn!(rows = opening.undated, "rows without an UPDATED_AT are never synced");
        }
        let Runner { integration, tuning, .. } = self.runner;
        let since = opening.running_since.and_then(DateTime::from_timestamp_micros);
        if let Some(since) = since
            .filter(|since| Utc::now() - since > TimeDelta::from_std(integration.lookback).unwrap_or(TimeDelta::MAX))
        {
            tracing::info!(%since, "a transaction at the source has been running for longer than `lookback`; the next syncs read again what was changed since it began");
        }
        let mark = destination.mark();
        let (rows_synced, rows_failed) = self.progress.lock().counts();
        let mut progress = Progress::new(Start {
            watermark,
            route: Some(Arc::new(integration.route())),
            rows_synced,
            rows_failed,
            mark,
            lookback: integration.lookback,
            running_since: opening.running_since,
            sizes,
            most_digests: tuning.most_digests,
        });
        let writing = self.writing().await;
        let checkpoint = Arc::new(Checkpoint { position: destination.position(mark), ..progress.so_far() });
        let has_position = checkpoint.position.is_some();
        *self.progress.lock() = progress;
        self.set_durable(checkpoint.clone());
        // Where a file ended before this job wrote to it must be known if this worker dies with its first batch.
        if has_position { self.write(checkpoint, writing).await } else { Ok(()) }
    }
}
