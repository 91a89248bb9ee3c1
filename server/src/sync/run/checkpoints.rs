//! The checkpoints of a run. What one says was made durable first.

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

/// A pause between checkpoints is so many times as long as the last one took: where the store is slow, they come less often.
const PAUSE: u32 = 2;
/// The same where the destination is cut back to what is written down: nothing of it is ever there twice.
const PAUSE_WITH_POSITION: u32 = 10;
/// A checkpoint that takes longer makes delivery pause.
const UNWRITTEN: Duration = Duration::from_millis(500);

impl Run<'_> {
    /// Writes checkpoints until something forbids it.
    pub(super) async fn write_checkpoints(&self, destination: &dyn OpenDestination) -> SyncError {
        let mut pause = self.runner.tuning.checkpoint;
        let has_position = destination.position(destination.mark()).is_some();
        let times = if has_position { PAUSE_WITH_POSITION } else { PAUSE };
        loop {
            tokio::select! {
                () = sleep(pause) => {}
                () = self.progress.urgent() => {}
            }
            if !self.progress.lock().is_new() {
                continue;
            }
            let begun = Instant::now();
            if let Err(error) = self.checkpoint(destination).await {
                return error;
            }
            pause = self.runner.tuning.checkpoint.max(begun.elapsed() * times);
        }
    }

    /// Writes a checkpoint of what was delivered until now.
    pub(super) async fn checkpoint(&self, destination: &dyn OpenDestination) -> Result<(), SyncError> {
        let writing = self.writing().await;
        let checkpoint = self.durable(destination).await?;
        self.write(checkpoint, writing).await
    }

    /// The right to write a checkpoint: one is written after the other, also where nobody waits for one any more.
    pub(super) async fn writing(&self) -> OwnedMutexGuard<()> {
        self.writing.clone().lock_owned().await
    }

    /// Writes a checkpoint, however long the store is away. Delivery pauses meanwhile: what is acknowledged and not written
    /// down would be sent again if this worker died.
    pub(super) async fn write(
        &self,
        checkpoint: Arc<Checkpoint>,
        mut writing: OwnedMutexGuard<()>,
    ) -> Result<(), SyncError> {
        loop {
            // In a task of its own, because that of the run is busy with rows. It is aborted where this is dropped.
            let mut task = JoinSet::new();
            let (store, lease, id) =
                (self.runner.store.clone(), self.claimed.lease.clone(), self.runner.integration.id);
            let (progress, durable, written) = (self.progress.clone(), self.durable.clone(), checkpoint.clone());
            let write = async move {
                let result = store.checkpoint(&lease, id, &written).await;
                if result.is_ok() {
                    progress.written(&written);
                    // No other may say again what has changed with this one.
                    *locked(&durable) = Arc::new(written.without_changes());
                }
                (result, writing)
            };
            task.spawn(write.in_current_span());
            let done = match timeout(UNWRITTEN, task.join_next()).await {
                Ok(done) => done,
                Err(_) => {
                    self.keeper.set_unwritten(true);
                    task.join_next().await
                }
            };
            let Some(Ok((written, still_writing))) = done else {
                return Err(SyncError::Failed("the writing of a checkpoint broke off".into()));
            };
            writing = still_writing;
            match written {
                Ok(held) => {
                    self.keeper.note(held);
                    self.keeper.set_unwritten(false);
                    *locked(&self.written) = checkpoint.without_changes();
                    return Ok(());
                }
                Err(StoreError::LeaseLost) => return Err(SyncError::Failed(StoreError::LeaseLost.to_string())),
                // The store says in the log that it is away, and that it is back.
                Err(error) if error.is_unavailable() => {
                    self.keeper.set_unwritten(true);
                    tokio::select! {
                        () = sleep(self.runner.tuning.checkpoint) => {}
                        () = self.stop.asked() => return Err(SyncError::Passing(error.to_string())),
                    }
                }
                Err(error) => {
                    return Err(SyncError::Failed(format!("how far the sync has got cannot be written down: {error}")));
                }
            }
        }
    }

    /// Makes what was delivered outlive a power cut. Only what was may be written down.
    pub(super) async fn durable(&self, destination: &dyn OpenDestination) -> Result<Arc<Checkpoint>, SyncError> {
        let (checkpoint, mark) = {
            let mut progress = self.progress.lock();
            (progress.so_far(), progress.mark())
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
