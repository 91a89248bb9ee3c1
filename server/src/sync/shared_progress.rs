//! The progress as all parts of a run see it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::progress::{Progress, RowOutcome};
use crate::store::Checkpoint;

/// Rows that may be read and not yet counted: one that waits in a slow lane must not let the others run away from it.
const MOST_PENDING: usize = 50_000;
/// Bytes of row errors that may wait to be written.
const MOST_ERROR_BYTES: usize = 4_000_000;

/// A progress that is shared. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SharedProgress(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    progress: Mutex<Progress>,
    /// Told whenever there may be room again.
    room: Notify,
    /// Told when the next checkpoint should come soon.
    urgent: Notify,
}

impl SharedProgress {
    /// The beginning of a run.
    pub fn new(progress: Progress) -> SharedProgress {
        SharedProgress(Arc::new(Inner { progress: Mutex::new(progress), room: Notify::new(), urgent: Notify::new() }))
    }

    /// The progress itself.
    pub fn lock(&self) -> MutexGuard<'_, Progress> {
        // It is whole after every statement.
        self.0.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of what became of rows.
    pub fn settled(&self, outcomes: impl IntoIterator<Item = (u64, RowOutcome)>) {
        {
            let mut progress = self.lock();
            for (row, outcome) in outcomes {
                progress.settled(row, outcome);
            }
        }
        self.0.room.notify_waiters();
    }

    /// Takes note that a checkpoint was written.
    pub fn written(&self, checkpoint: &Checkpoint) {
        self.lock().written(checkpoint);
        self.0.room.notify_waiters();
    }

    /// Whether further rows may be read.
    pub fn has_room(&self) -> bool {
        let progress = self.lock();
        progress.pending() <= MOST_PENDING && progress.error_bytes() <= MOST_ERROR_BYTES
    }

    /// Waits until further rows may be read.
    pub async fn room(&self) {
        self.until(|| self.has_room()).await;
    }

    /// Waits until a checkpoint says what was forgotten.
    pub async fn forgotten(&self) {
        self.until(|| !self.lock().has_to_forget()).await;
    }

    /// Waits until something is so that a checkpoint may bring about.
    async fn until(&self, is_so: impl Fn() -> bool) {
        loop {
            let told = self.0.room.notified();
            tokio::pin!(told);
            told.as_mut().enable();
            if is_so() {
                return;
            }
            self.0.urgent.notify_one();
            told.await;
        }
    }

    /// Waits until somebody waits for a checkpoint.
    pub async fn urgent(&self) {
        self.0.urgent.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::store::RowError;
    use crate::sync::progress::Start;

    #[tokio::test]
    async fn reading_waits_for_slow_lanes() {
        let shared = SharedProgress::new(Progress::new(Start::default()));
        for row in 0..=MOST_PENDING {
            shared.lock().read(row as i64, 0);
        }
        assert!(shared.room().now_or_never().is_none());
        shared.settled([(0, RowOutcome::Delivered(0))]);
        assert!(shared.room().now_or_never().is_some());
    }

    #[tokio::test]
    async fn reading_waits_until_row_errors_are_written_and_makes_that_urgent() {
        let shared = SharedProgress::new(Progress::new(Start::default()));
        let row = shared.lock().read(0, 0);
        let reason = "x".repeat(MOST_ERROR_BYTES);
        let error = RowError { identifier: None, updated_at: Default::default(), reason, payload: None };
        shared.settled([(row, RowOutcome::Refused(error))]);
        assert!(shared.urgent().now_or_never().is_none());
        let room = shared.room();
        tokio::pin!(room);
        assert!(futures::poll!(&mut room).is_pending());
        assert!(shared.urgent().now_or_never().is_some());
        let checkpoint = shared.lock().so_far();
        shared.written(&checkpoint);
        assert!(futures::poll!(&mut room).is_ready());
    }
}
