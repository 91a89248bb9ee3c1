//! The progress of a run, shared by its tasks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::progress::{Progress, RowOutcome};
use crate::store::Checkpoint;

/// Rows that may be read from the first unacknowledged one on. Acknowledged ones among them are in the record, at 16 bytes each.
const MAX_SPAN: u64 = 4_000_000;
/// Acknowledged rows that may wait for the next checkpoint. At half of it, that checkpoint is requested.
const MAX_UNSAVED_ROWS: usize = 200_000;
/// Bytes of attributes that may wait for the next checkpoint.
const MAX_ATTRIBUTE_BYTES: usize = 16_000_000;
/// Bytes of row errors that may wait for the next checkpoint.
const MAX_ERROR_BYTES: usize = 4_000_000;

/// Shared [`Progress`]. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SharedProgress(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    progress: Mutex<Progress>,
    /// Notified whenever there may be room for further rows.
    room: Notify,
    /// Notified when a task waits for the next checkpoint.
    checkpoint_wanted: Notify,
}

impl SharedProgress {
    /// Shares a progress.
    pub fn new(progress: Progress) -> SharedProgress {
        SharedProgress(Arc::new(Inner {
            progress: Mutex::new(progress),
            room: Notify::new(),
            checkpoint_wanted: Notify::new(),
        }))
    }

    /// Locks the progress.
    pub fn lock(&self) -> MutexGuard<'_, Progress> {
        // A panic cannot leave it inconsistent, so poisoning is ignored.
        self.0.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the outcomes of rows, by row number.
    pub fn acknowledge(&self, outcomes: impl IntoIterator<Item = (u64, RowOutcome)>) {
        let unsaved = {
            let mut progress = self.lock();
            for (row, outcome) in outcomes {
                progress.acknowledge(row, outcome);
            }
            progress.unsaved()
        };
        if unsaved > MAX_UNSAVED_ROWS / 2 {
            self.0.checkpoint_wanted.notify_one();
        }
        self.0.room.notify_waiters();
    }

    /// Records that a checkpoint was written.
    pub fn written(&self, checkpoint: &Checkpoint) {
        self.lock().written(checkpoint);
        self.0.room.notify_waiters();
    }

    /// Whether further rows may be read.
    pub fn has_room(&self) -> bool {
        let progress = self.lock();
        progress.span() <= MAX_SPAN
            && progress.unsaved() <= MAX_UNSAVED_ROWS
            && progress.attribute_bytes() <= MAX_ATTRIBUTE_BYTES
            && progress.error_bytes() <= MAX_ERROR_BYTES
    }

    /// Waits until further rows may be read.
    pub async fn wait_for_room(&self) {
        self.wait_until(|| self.has_room()).await;
    }

    /// Waits until a checkpoint has written all forgotten versions.
    pub async fn wait_until_forgotten(&self) {
        self.wait_until(|| !self.lock().has_unsaved_forgets()).await;
    }

    /// Waits until all changes of attributes up to the one with this number are saved.
    pub async fn wait_until_saved(&self, number: u64) {
        self.wait_until(|| self.lock().saved_attribute_changes() >= number).await;
    }

    /// Waits for a condition that the next checkpoint may fulfil, and requests that checkpoint.
    async fn wait_until(&self, condition: impl Fn() -> bool) {
        loop {
            let notified = self.0.room.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if condition() {
                return;
            }
            self.0.checkpoint_wanted.notify_one();
            notified.await;
        }
    }

    /// Waits until a task waits for a checkpoint.
    pub async fn checkpoint_wanted(&self) {
        self.0.checkpoint_wanted.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::store::RowError;
    use crate::sync::progress::Start;

    #[tokio::test]
    async fn reading_waits_for_the_oldest_row_only_when_it_is_far_behind() {
        let shared = SharedProgress::new(Progress::new(Start::default()));
        let pass = |rows: u64| {
            let mut progress = shared.lock();
            (0..rows).for_each(|row| progress.skip_known(row as i64));
        };
        shared.lock().read(0, 0);
        pass(MAX_SPAN - 1);
        assert!(shared.wait_for_room().now_or_never().is_some());
        pass(1);
        assert!(shared.wait_for_room().now_or_never().is_none());
        shared.acknowledge([(0, RowOutcome::Delivered(0))]);
        assert!(shared.wait_for_room().now_or_never().is_some());
    }

    #[tokio::test]
    async fn reading_waits_for_the_checkpoint_of_many_rows_which_is_requested_before() {
        let shared = SharedProgress::new(Progress::new(Start { max_digests: u64::MAX, ..Start::default() }));
        let acknowledge = |rows: usize| {
            for _ in 0..rows {
                let row = shared.lock().read(0, 0);
                shared.acknowledge([(row, RowOutcome::Delivered(0))]);
            }
        };
        acknowledge(MAX_UNSAVED_ROWS / 2);
        assert!(shared.checkpoint_wanted().now_or_never().is_none());
        acknowledge(1);
        assert!(shared.checkpoint_wanted().now_or_never().is_some());
        acknowledge(MAX_UNSAVED_ROWS / 2 - 1);
        assert!(shared.wait_for_room().now_or_never().is_some());
        acknowledge(1);
        assert!(shared.wait_for_room().now_or_never().is_none());
        let checkpoint = shared.lock().checkpoint();
        shared.written(&checkpoint);
        assert!(shared.wait_for_room().now_or_never().is_some());
    }

    #[tokio::test]
    async fn reading_waits_until_row_errors_are_written_and_requests_a_checkpoint() {
        let shared = SharedProgress::new(Progress::new(Start::default()));
        let row = shared.lock().read(0, 0);
        let reason = "x".repeat(MAX_ERROR_BYTES);
        let error = RowError { identifier: None, updated_at: Default::default(), reason, payload: None };
        shared.acknowledge([(row, RowOutcome::Refused(error))]);
        assert!(shared.checkpoint_wanted().now_or_never().is_none());
        let room = shared.wait_for_room();
        tokio::pin!(room);
        assert!(futures::poll!(&mut room).is_pending());
        assert!(shared.checkpoint_wanted().now_or_never().is_some());
        let checkpoint = shared.lock().checkpoint();
        shared.written(&checkpoint);
        assert!(futures::poll!(&mut room).is_ready());
    }
}
