//! Why waiting has ended without the end of the sync, and how far it had come.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::error::Error;
use crate::errors::{ListJobSyncStatusError, TriggerIntegrationSyncError};
use crate::generated::types::Job;

/// Why the end of a sync is not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The sync was not triggered, or nobody knows whether it was ([`Error::may_have_taken_effect`]).
    #[error("{}", untriggered(.0))]
    Trigger(#[source] Error<TriggerIntegrationSyncError>),
    /// The jobs cannot be listed. If `triggered`, the sync goes on.
    #[error("{}the jobs cannot be listed: {source}", if *.triggered { "the sync was triggered, but " } else { "" })]
    Status {
        /// Whether the sync had been triggered.
        triggered: bool,
        /// What listing said.
        #[source]
        source: Error<ListJobSyncStatusError>,
    },
    /// The job is not listed, or not any more, though the server answers.
    #[error("the job that started at {sync_start_time} is not listed any more")]
    Gone {
        /// What the job was known by.
        sync_start_time: DateTime<Utc>,
    },
    /// The time is over.
    #[error("{}", overdue(.after, .stage))]
    Deadline {
        /// How long was waited in all.
        after: Duration,
        /// How far it had come.
        stage: Box<Stage>,
    },
}

/// How far waiting for a sync has come.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Stage {
    /// Nothing has been triggered.
    Untriggered,
    /// Nothing has been triggered, because this other job goes on.
    Busy(Job),
    /// The trigger was being sent; nobody knows whether it arrived.
    Triggering,
    /// The trigger was accepted; its job has not been seen.
    Triggered,
    /// The job, as last seen. It goes on.
    Running(Job),
}

fn untriggered(error: &Error<TriggerIntegrationSyncError>) -> String {
    if error.may_have_taken_effect() {
        format!("nobody knows whether the sync was triggered: {error}")
    } else {
        format!("the sync was not triggered: {error}")
    }
}

fn overdue(after: &Duration, stage: &Stage) -> String {
    let so_far = match stage {
        Stage::Untriggered => "nothing was triggered".into(),
        Stage::Busy(_) => "another sync is still in progress, and nothing was triggered".into(),
        Stage::Triggering => "nobody knows whether the sync was triggered".into(),
        Stage::Triggered => "the sync was triggered, but its job has not been seen".into(),
        Stage::Running(job) => format!(
            "the sync goes on, with {} rows synced and {} failed so far",
            job.rows_synced, job.rows_failed_with_errors
        ),
    };
    format!("gave up after {:.0} s: {so_far}", after.as_secs_f64())
}
