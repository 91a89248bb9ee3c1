//! How long a failed write to a file is retried.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use tokio::time::{Instant, sleep};

use crate::sync::SyncError;
use crate::sync::destination::DeliveryContext;

/// How long to wait for temporary errors such as a full disk.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(300);
/// The longest pause between two attempts. Pauses grow up to this.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Waits between the attempts of a write, longer each time.
pub struct Patience<'a> {
    context: &'a DeliveryContext,
    pauses: ExponentialBackoff,
    since: Option<Instant>,
}

impl Patience<'_> {
    pub fn new(context: &DeliveryContext) -> Patience<'_> {
        let pauses = ExponentialBuilder::new().with_min_delay(context.first_pause).with_max_delay(LONGEST_PAUSE);
        Patience { context, pauses: pauses.without_max_times().build(), since: None }
    }

    /// Waits before the next attempt. Fails if the time limit would be exceeded or the run is asked to stop.
    pub async fn wait(&mut self, cause: String) -> Result<(), SyncError> {
        let is_first = self.since.is_none();
        let since = *self.since.get_or_insert_with(Instant::now);
        let pause = self.pauses.next().unwrap_or(LONGEST_PAUSE);
        if since.elapsed() + pause > GIVE_UP_AFTER {
            let waited = since.elapsed().as_secs_f64();
            return Err(SyncError::Failed(format!("{cause} (tried again for {waited:.1} s)")));
        }
        if is_first {
            tracing::warn!(cause, ?pause, "the file cannot be written; retrying");
        } else {
            tracing::debug!(cause, ?pause, "the file cannot be written; retrying");
        }
        let DeliveryContext { stop, slot, trouble, .. } = self.context;
        trouble.pauses(&cause, pause);
        tokio::select! {
            biased;
            () = stop.asked() => Err(SyncError::Transient(cause)),
            () = slot.wait(sleep(pause)) => Ok(()),
        }
    }

    /// Logs that an attempt has succeeded, if others have failed before.
    pub fn succeeded(&self) {
        if let Some(since) = self.since {
            tracing::info!(after = ?since.elapsed(), "the file can be written again");
        }
    }
}
