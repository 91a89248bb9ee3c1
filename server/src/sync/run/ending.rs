//! The end of a run and of its job.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{CANCELLED, EarlyEnd, Run, locked};
use crate::metrics::METRICS;
use crate::store::{Checkpoint, JobStatus, StoreError};
use crate::sync::error::SyncError;
use crate::sync::pipeline::RunOutcome;

/// How long a process that shuts down tries to hand a job back while the store is unavailable.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(3);

impl Run<'_> {
    /// Ends the job, or hands it back. Retries for as long as the store is unavailable.
    pub(super) async fn write_end(&self, outcome: Result<RunOutcome, SyncError>) -> Result<(), StoreError> {
        let _lock = self.lock_checkpoints().await;
        let flushed = match self.destination.get() {
            Some(destination) => self.durable(destination.as_ref()).await.map(drop),
            None => Ok(()),
        };
        let mut checkpoint = Checkpoint::clone(&locked(&self.durable));
        let mut ended = self.job_end(flushed.and(outcome), &checkpoint);
        let (store, lease, id) = (self.runner.store, &self.claimed.lease, self.runner.integration.id);
        // Whether an attempt got no response, so that it may have been written.
        let mut in_doubt = false;
        let begun = Instant::now();
        loop {
            let written = match &ended {
                Some((status, cause)) => store.finish(lease, id, &checkpoint, *status, cause.as_deref()).await,
                None => match store.checkpoint(lease, id, &checkpoint).await {
                    Ok(_) => {
                        // If handing back fails, the checkpoint is written again, without repeating its changes.
                        checkpoint = checkpoint.without_changes();
                        store.release(lease).await
                    }
                    Err(error) => Err(error),
                },
            };
            match written {
                Ok(()) => break,
                // A process that shuts down does not wait for the store: another worker resumes the job when its lease expires.
                Err(error)
                    if error.is_unavailable() && self.runner.stop.is_asked() && begun.elapsed() > RELEASE_TIMEOUT =>
                {
                    return Err(error);
                }
                Err(error) if error.is_unavailable() => {
                    in_doubt = true;
                    sleep(self.runner.tuning.checkpoint).await;
                }
                Err(StoreError::LeaseLost) if in_doubt && ended.is_some() && self.has_ended().await => break,
                Err(StoreError::LeaseLost) => return Err(StoreError::LeaseLost),
                // The job must end: fall back to the last written checkpoint.
                Err(error) => {
                    let last = locked(&self.written).clone();
                    if checkpoint == last {
                        return Err(error);
                    }
                    checkpoint = last;
                    ended = Some((
                        JobStatus::Error,
                        Some(format!("the end of the sync cannot be written to the store: {error}")),
                    ));
                }
            }
        }
        if let Some((status, _)) = &ended {
            METRICS.job_ended(status.as_str(), self.claimed.running_for + self.begun.elapsed());
        }
        let (rows_synced, rows_failed) = (checkpoint.rows_synced, checkpoint.rows_failed);
        let spared = self.runner.integration.only_changed.then_some(checkpoint.spared);
        let rows_unchanged = spared.map(|spared| spared.rows);
        let attributes_sent = spared.map(|spared| spared.attributes_sent);
        let attributes_spared = spared.map(|spared| spared.attributes_spared);
        let status = ended.as_ref().map(|(status, _)| status.as_str());
        let text = ended.as_ref().and_then(|(_, text)| text.as_deref());
        // The text of a job that has ended well is not why it ended so, but which rows it left out.
        let ended_well = matches!(ended, Some((JobStatus::Success | JobStatus::Partial, _)));
        let (cause, note) = if ended_well { (None, text) } else { (text, None) };
        // Fields without a value are left out.
        macro_rules! log {
            ($level:ident, $message:literal) => {
                tracing::$level!(
                    status,
                    rows_synced,
                    rows_failed,
                    rows_unchanged,
                    attributes_sent,
                    attributes_spared,
                    cause,
                    note,
                    $message
                )
            };
        }
        match cause {
            _ if ended.is_none() => log!(info, "sync stopped at its checkpoint; another worker will resume it"),
            Some(_) => log!(warn, "sync ended"),
            None => log!(info, "sync ended"),
        }
        Ok(())
    }

    /// Whether the job has ended. Retries for as long as the store is unavailable.
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

    /// The status and cause with which the job ends; `None` if it is handed back.
    pub(super) fn job_end(
        &self,
        outcome: Result<RunOutcome, SyncError>,
        checkpoint: &Checkpoint,
    ) -> Option<(JobStatus, Option<String>)> {
        let error = |cause: String| Some((JobStatus::Error, Some(cause)));
        match outcome {
            Ok(RunOutcome::End) => {
                let (status, cause) = status_by_counts(checkpoint);
                Some((status, cause.or_else(|| locked(&self.left_out).clone())))
            }
            // `ReadAgain` is handled before this.
            Ok(RunOutcome::Stop | RunOutcome::ReadAgain) => match self.early_end.get() {
                Some(EarlyEnd::Cancelled) => error(CANCELLED.to_owned()),
                Some(EarlyEnd::TooLong) => error(format!(
                    "the sync took longer than `max_duration` ({}); the next sync takes what is left",
                    humantime::format_duration(self.runner.integration.max_duration)
                )),
                Some(EarlyEnd::Stop) | None => None,
            },
            Err(SyncError::Failed(cause) | SyncError::Transient(cause)) => error(cause),
            Err(SyncError::Config(cause)) => Some((JobStatus::ConfigError, Some(cause))),
        }
    }
}

fn status_by_counts(checkpoint: &Checkpoint) -> (JobStatus, Option<String>) {
    match (checkpoint.rows_synced + checkpoint.spared.rows, checkpoint.rows_failed) {
        (_, 0) => (JobStatus::Success, None),
        (0, 1) => (
            JobStatus::Error,
            Some("the only row was refused and will not be sent again by itself; its row error says why".into()),
        ),
        (0, failed) => (
            JobStatus::Error,
            Some(format!(
                "all {failed} rows were refused and will not be sent again by themselves; their row errors say why"
            )),
        ),
        _ => (JobStatus::Partial, None),
    }
}
