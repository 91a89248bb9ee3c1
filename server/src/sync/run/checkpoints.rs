//! The checkpoints of a run. Deliveries are made durable before a checkpoint records them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tracing::Instrument as _;

use super::{Run, locked};
use crate::store::{Checkpoint, StoreError};
use crate::sync::destination::OpenDestination;
use crate::sync::error::SyncError;

/// The pause between checkpoints is at least this many times the duration of the last one, so that a slow store gets fewer.
const PAUSE_FACTOR: u32 = 2;
/// The same for destinations with positions. They are truncated to the last checkpoint after a crash, so rare checkpoints
/// cause no duplicates.
const PAUSE_FACTOR_WITH_POSITION: u32 = 10;
/// While a checkpoint takes longer than this, delivery pauses: at full speed a few thousand rows are delivered in this time, which
/// would be sent again if this worker died.
const SLOW_CHECKPOINT: Duration = Duration::from_millis(50);

impl Run<'_> {
    /// Writes checkpoints until one fails.
    pub(super) async fn write_checkpoints(&self, destination: &dyn OpenDestination) -> SyncError {
        let mut pause = self.runner.tuning.checkpoint;
        let has_position = destination.position(destination.mark()).is_some();
        let factor = if has_position { PAUSE_FACTOR_WITH_POSITION } else { PAUSE_FACTOR };
        loop {
            tokio::select! {
                () = sleep(pause) => {}
                () = self.progress.checkpoint_wanted() => {}
            }
            if !self.progress.lock().has_unsaved_changes() {
                continue;
            }
            let begun = Instant::now();
            if let Err(error) = self.checkpoint(destination).await {
                return error;
            }
            pause = self.runner.tuning.checkpoint.max(begun.elapsed() * factor);
        }
    }

    /// Writes a checkpoint of everything delivered so far.
    pub(super) async fn checkpoint(&self, destination: &dyn OpenDestination) -> Result<(), SyncError> {
        let lock = self.lock_checkpoints().await;
        let checkpoint = self.durable(destination).await?;
        self.write(checkpoint, lock).await
    }

    /// Locks the writing of checkpoints. The guard moves into the writing task, so that a write which is no longer awaited
    /// still finishes before the next one starts.
    pub(super) async fn lock_checkpoints(&self) -> OwnedMutexGuard<()> {
        self.checkpoint_lock.clone().lock_owned().await
    }

    /// Writes a checkpoint. Retries for as long as the store is unavailable; delivery pauses meanwhile, because acknowledged
    /// rows that are not in a checkpoint would be sent again if this worker died.
    pub(super) async fn write(
        &self,
        checkpoint: Arc<Checkpoint>,
        mut lock: OwnedMutexGuard<()>,
    ) -> Result<(), SyncError> {
        loop {
            // In its own task, because the run's task is busy with rows. Aborted when this future is dropped.
            let mut task = JoinSet::new();
            let (store, lease, id) =
                (self.runner.store.clone(), self.claimed.lease.clone(), self.runner.integration.id);
            let (progress, durable, written) = (self.progress.clone(), self.durable.clone(), checkpoint.clone());
            let write = async move {
                let result = store.checkpoint(&lease, id, &written).await;
                if result.is_ok() {
                    progress.written(&written);
                    // A later write must not repeat the changes of this one.
                    *locked(&durable) = Arc::new(written.without_changes());
                }
                (result, lock)
            };
            task.spawn(write.in_current_span());
            let done = match timeout(SLOW_CHECKPOINT, task.join_next()).await {
                Ok(done) => done,
                Err(_) => {
                    self.keeper.set_checkpoint_overdue(true);
                    task.join_next().await
                }
            };
            let Some(Ok((written, returned_lock))) = done else {
                return Err(SyncError::Failed("the task that writes checkpoints failed".into()));
            };
            lock = returned_lock;
            match written {
                Ok(status) => {
                    self.keeper.update(status);
                    self.keeper.set_checkpoint_overdue(false);
                    *locked(&self.written) = checkpoint.without_changes();
                    return Ok(());
                }
                Err(StoreError::LeaseLost) => return Err(SyncError::Failed(StoreError::LeaseLost.to_string())),
                // The store logs its outages itself.
                Err(error) if error.is_unavailable() => {
                    self.keeper.set_checkpoint_overdue(true);
                    tokio::select! {
                        () = sleep(self.runner.tuning.checkpoint) => {}
                        () = self.stop.asked() => return Err(SyncError::Transient(error.to_string())),
                    }
                }
                Err(error) => {
                    return Err(SyncError::Failed(format!(
                        "the checkpoint of the sync cannot be written to the store: {error}"
                    )));
                }
            }
        }
    }

    /// Makes all deliveries survive a power failure and returns the checkpoint that may be written then.
    pub(super) async fn durable(&self, destination: &dyn OpenDestination) -> Result<Arc<Checkpoint>, SyncError> {
        let (checkpoint, mark) = {
            let mut progress = self.progress.lock();
            (progress.checkpoint(), progress.mark())
        };
        let checkpoint = Arc::new(Checkpoint { position: destination.position(mark), ..checkpoint });
        destination.flush().await?;
        self.set_durable(checkpoint.clone());
        Ok(checkpoint)
    }

    pub(super) fn set_durable(&self, checkpoint: Arc<Checkpoint>) {
        *locked(&self.durable) = checkpoint;
    }
}
