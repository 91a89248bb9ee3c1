//! How a reading begins: with what was acknowledged, and only where it belongs to what is configured.

use std::sync::Arc;

use super::{Run, Runner};
use crate::store::{Checkpoint, StoreError, StoredRecord, Watermark};
use crate::sync::destination::OpenDestination;
use crate::sync::error::SyncError;
use crate::sync::progress::{Progress, Start};
use crate::sync::source::Opening;

/// The record is stored in so many pieces at most, before small ones are joined.
const MOST_CHANGES: u64 = 2000;

impl Run<'_> {
    /// What was acknowledged, as the store has it.
    pub(super) async fn stored_record(&self) -> Result<StoredRecord, SyncError> {
        let Runner { store, integration, .. } = self.runner;
        let load = async {
            let stored = store.record(integration.id).await?;
            if stored.changes > MOST_CHANGES {
                store.merge_record(&self.claimed.lease, integration.id).await?;
            }
            Ok(stored)
        };
        load.await.map_err(|error: StoreError| match error.is_unavailable() {
            true => SyncError::Passing(error.to_string()),
            false => SyncError::Failed(format!("what was acknowledged cannot be read from the store: {error}")),
        })
    }

    /// A watermark says nothing about rows of another table, or about what another destination has.
    pub(super) fn refuse_another_route(&self, watermark: &Watermark, stored: &StoredRecord) -> Result<(), SyncError> {
        let is_something_known = watermark.updated_at.is_some() || stored.changes > 0;
        let integration = self.runner.integration;
        let (Some(before), now) = (&self.claimed.route, integration.route()) else { return Ok(()) };
        let change = [
            ("source", &before.source, &now.source),
            ("destination", &before.destination, &now.destination),
            ("type", &before.kind, &now.kind),
        ];
        match change.into_iter().find(|(_, before, now)| is_something_known && before != now) {
            None => Ok(()),
            Some((what, before, now)) => Err(SyncError::Config(format!(
                "the integration has another {what} than the one that its watermark belongs to: {now} in place of {before}; nothing was read. \
                 `cdi-server watermark {name:?} --keep` goes on from the watermark all the same, `cdi-server watermark {name:?} --reset` begins with the first row",
                name = integration.name
            ))),
        }
    }

    pub(super) async fn begin(
        &self,
        opening: Opening,
        watermark: Watermark,
        stored: &StoredRecord,
        destination: &dyn OpenDestination,
    ) -> Result<(), SyncError> {
        if opening.future > 0 {
            tracing::info!(rows = opening.future, "rows dated in the future wait until their time comes");
        }
        if opening.undated > 0 {
            tracing::warn!(rows = opening.undated, "rows without an UPDATED_AT are never synced");
        }
        let Runner { integration, tuning, .. } = self.runner;
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
            sizes: stored.sizes.clone(),
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
