//! How a run ends, and how that is written down.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{CANCELLED, EarlyEnd, Run, locked};
use crate::store::{Checkpoint, JobStatus, StoreError};
use crate::sync::error::SyncError;
use crate::sync::pipeline::RunOutcome;

/// How long a process that is to stop tries to give a job back while the store is away.
const GIVING_BACK: Duration = Duration::from_secs(3);

impl Run<'_> {
    /// Writes down how the run ended, however long the store is away.
    pub(super) async fn write_end(&self, outcome: Result<RunOutcome, SyncError>) -> Result<(), StoreError> {
        let _writing = self.writing().await;
        let flushed = match self.destination.get() {
            Some(destination) => self.durable(destination.as_ref()).await.map(drop),
            None => Ok(()),
        };
        let mut checkpoint = Checkpoint::clone(&locked(&self.durable));
        let mut ended = self.end(flushed.and(outcome), &checkpoint);
        let (store, lease, id) = (self.runner.store, &self.claimed.lease, self.runner.integration.id);
        // Whether a try had no answer, and may have been written all the same.
        let mut in_doubt = false;
        let begun = Instant::now();
        loop {
            let written = match &ended {
                Some((status, cause)) => store.finish(lease, id, &checkpoint, *status, cause.as_deref()).await,
                None => match store.checkpoint(lease, id, &checkpoint).await {
                    Ok(_) => {
                        // It may be written again, where the job cannot be given back at once.
                        checkpoint = checkpoint.without_changes();
                        store.release(lease).await
                    }
                    Err(error) => Err(error),
                },
            };
            match written {
                Ok(()) => break,
                // A process that is to stop does not wait for the store: the job goes on when its lease has run out.
                Err(error)
                    if error.is_unavailable() && self.runner.stop.is_asked() && begun.elapsed() > GIVING_BACK =>
                {
                    return Err(error);
                }
                Err(error) if error.is_unavailable() => {
                    in_doubt = true;
                    sleep(self.runner.tuning.checkpoint).await;
                }
                Err(StoreError::LeaseLost) if in_doubt && ended.is_some() && self.has_ended().await => break,
                Err(StoreError::LeaseLost) => return Err(StoreError::LeaseLost),
                // What cannot be written down is left out: the job must end, and what is written down holds.
                Err(error) => {
                    let last = locked(&self.written).clone();
                    if checkpoint == last {
                        return Err(error);
                    }
                    checkpoint = last;
                    ended =
                        Some((JobStatus::Error, Some(format!("the end of the sync cannot be written down: {error}"))));
                }
            }
        }
        let (rows_synced, rows_failed) = (checkpoint.rows_synced, checkpoint.rows_failed);
        match ended {
            None => tracing::info!(
                rows_synced,
                rows_failed,
                "sync stopped at its checkpoint; another worker will resume it"
            ),
            Some((status, Some(cause))) => {
                tracing::warn!(status = status.as_str(), rows_synced, rows_failed, cause, "sync ended");
            }
            Some((status, None)) => tracing::info!(status = status.as_str(), rows_synced, rows_failed, "sync ended"),
        }
        Ok(())
    }

    /// Whether the job has ended, however long the store is away.
    pub(super) async fn has_ended(&self) -> bool {
        loop {
            match self.runner.store.has_ended(self.claimed.lease.job).await {
                Err(error) if error.is_unavailable() && !self.runner.stop.is_asked() => {
                    sleep(self.runner.tuning.checkpoint).await;
                }
                ended => return ended.unwrap_or(false),
            }
        }
    }

    /// How the job ends with what was outcome; nothing where it is given back.
    pub(super) fn end(
        &self,
        outcome: Result<RunOutcome, SyncError>,
        checkpoint: &Checkpoint,
    ) -> Option<(JobStatus, Option<String>)> {
        let error = |cause: String| Some((JobStatus::Error, Some(cause)));
        match outcome {
            Ok(RunOutcome::End) => Some(verdict(checkpoint)),
            // The latter is gone on with before this.
            Ok(RunOutcome::Stop | RunOutcome::ReadAgain) => match self.early_end.get() {
                Some(EarlyEnd::Cancelled) => error(CANCELLED.to_owned()),
                Some(EarlyEnd::TooLong) => error(format!(
                    "it took longer than `max_duration` ({}) allows; the rest was left for the next sync",
                    humantime::format_duration(self.runner.integration.max_duration)
                )),
                Some(EarlyEnd::Stop) | None => None,
            },
            Ok(RunOutcome::TooManyRefused(cause)) | Err(SyncError::Failed(cause) | SyncError::Passing(cause)) => {
                error(cause)
            }
            Err(SyncError::Config(cause)) => Some((JobStatus::ConfigError, Some(cause))),
        }
    }
}

fn verdict(checkpoint: &Checkpoint) -> (JobStatus, Option<String>) {
    match (checkpoint.rows_synced, checkpoint.rows_failed) {
        (_, 0) => (JobStatus::Success, None),
        (0, failed) => (JobStatus::Error, Some(format!("none of the {failed} rows was accepted"))),
        _ => (JobStatus::Partial, None),
    }
}
