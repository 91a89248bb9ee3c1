//! The checkpoints of a run. What one says was made durable first.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::{Run, locked};
use crate::store::{Checkpoint, StoreError};
use crate::sync::destination::OpenDestination;
use crate::sync::error::SyncError;

/// Checkpoints take at most one part in so many of a run's time: where the store is slow, they come less often.
const TIME_FOR_CHECKPOINTS: u32 = 10;
/// A checkpoint that takes longer makes delivery pause.
const UNWRITTEN: Duration = Duration::from_millis(500);

impl Run<'_> {
    /// Writes checkpoints until something forbids it.
    pub(super) async fn write_checkpoints(&self, destination: &dyn OpenDestination) -> SyncError {
        let mut pause = self.runner.tuning.checkpoint;
        loop {
            tokio::select! {
                () = sleep(pause) => {}
                () = self.progress.urgent() => {}
            }
            if !self.progress.lock().is_new() {
                continue;
            }
            let begun = Instant::now();
            let checkpoint = match self.durable(destination).await {
                Ok(checkpoint) => checkpoint,
                Err(error) => return error,
            };
            if let Err(error) = self.write(&checkpoint).await {
                return error;
            }
            self.progress.written(&checkpoint);
            pause = self.runner.tuning.checkpoint.max(begun.elapsed() * TIME_FOR_CHECKPOINTS);
        }
    }

    /// Writes a checkpoint, however long the store is away. Delivery pauses meanwhile: what is acknowledged and not written
    /// down would be sent again if this worker died.
    pub(super) async fn write(&self, checkpoint: &Checkpoint) -> Result<(), SyncError> {
        loop {
            let write = self.runner.store.checkpoint(&self.claimed.lease, self.runner.integration.id, checkpoint);
            tokio::pin!(write);
            let written = match timeout(UNWRITTEN, &mut write).await {
                Ok(written) => written,
                Err(_) => {
                    self.keeper.set_unwritten(true);
                    write.await
                }
            };
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
    pub(super) async fn durable(&self, destination: &dyn OpenDestination) -> Result<Checkpoint, SyncError> {
        let (checkpoint, mark) = {
            let mut progress = self.progress.lock();
            (progress.so_far(), progress.mark())
        };
        let checkpoint = Checkpoint { position: destination.position(mark), ..checkpoint };
        destination.flush().await?;
        self.set_durable(checkpoint.clone());
        Ok(checkpoint)
    }

    pub(super) fn set_durable(&self, checkpoint: Checkpoint) {
        *locked(&self.durable) = checkpoint;
    }
}
