//! Why a wait ended before the sync did, and how far it had come.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::call_error::CallError;
use crate::errors::{ListJobSyncStatusError, TriggerIntegrationSyncError};
use crate::generated::types::Job;
use crate::response::Response;

/// Why a wait ended without the end of the sync.
///
/// It converts into [`Error`](crate::Error), which is the same for all operations. Its text has the whole cause, so it has no
/// [`source`](std::error::Error::source).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The trigger failed. The sync was not triggered, unless
    /// [`may_have_taken_effect`](CallError::may_have_taken_effect) is true: then it is unknown.
    #[error("{}", untriggered(.0))]
    Trigger(CallError<TriggerIntegrationSyncError>),
    /// The jobs cannot be listed. If `triggered`, the sync continues on the server.
    #[error("{}the jobs cannot be listed: {error}", if *.triggered { "the sync was triggered, but " } else { "" })]
    #[non_exhaustive]
    Status {
        /// Whether the sync had been triggered.
        triggered: bool,
        /// The error of listing the jobs.
        error: CallError<ListJobSyncStatusError>,
    },
    /// The server answers, but does not list the job, or no longer lists it.
    #[error("the job that started at {sync_start_time} is not listed any more")]
    #[non_exhaustive]
    Gone {
        /// The start time, which identifies the job.
        sync_start_time: DateTime<Utc>,
    },
    /// The [timeout](crate::WaitOptions::timeout) has passed.
    #[error("{}", overdue(.after, .stage))]
    #[non_exhaustive]
    Deadline {
        /// The timeout.
        after: Duration,
        /// How far the wait had come.
        stage: Box<Stage>,
    },
}

/// How far a wait for a sync has come.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Stage {
    /// Nothing has been triggered.
    Untriggered,
    /// Nothing has been triggered, because this other job is running.
    Busy(Job),
    /// The trigger was being sent; it is unknown whether it arrived.
    Triggering,
    /// The trigger was accepted; its job is not listed yet.
    Triggered,
    /// The job is running. This is its last known state.
    Running(Job),
}

impl WaitError {
    /// The answer that ended the wait, if the server sent one.
    pub fn response(&self) -> Option<&Response> {
        match self {
            WaitError::Trigger(error) => error.response(),
            WaitError::Status { error, .. } => error.response(),
            WaitError::Gone { .. } | WaitError::Deadline { .. } => None,
        }
    }

    /// Whether the same wait may succeed later. If [`may_have_taken_effect`](WaitError::may_have_taken_effect) is true as
    /// well, a repeated trigger may start a second sync.
    pub fn is_transient(&self) -> bool {
        match self {
            WaitError::Trigger(error) => error.is_transient(),
            WaitError::Status { error, .. } => error.is_transient(),
            WaitError::Gone { .. } => false,
            WaitError::Deadline { .. } => true,
        }
    }

    /// Whether a sync may have been started that continues on the server. For
    /// [`wait_for_job`](crate::Client::wait_for_job) that is the sync that was waited for.
    pub fn may_have_taken_effect(&self) -> bool {
        match self {
            WaitError::Trigger(error) => error.may_have_taken_effect(),
            WaitError::Status { triggered, .. } => *triggered,
            WaitError::Gone { .. } => true,
            WaitError::Deadline { stage, .. } => !matches!(**stage, Stage::Untriggered | Stage::Busy(_)),
        }
    }
}

fn untriggered(error: &CallError<TriggerIntegrationSyncError>) -> String {
    if error.may_have_taken_effect() {
        format!("it is unknown whether the sync was triggered: {error}")
    } else {
        format!("the sync was not triggered: {error}")
    }
}

fn overdue(after: &Duration, stage: &Stage) -> String {
    let so_far = match stage {
        Stage::Untriggered => "nothing was triggered".into(),
        Stage::Busy(_) => "another sync is still running, and nothing was triggered".into(),
        Stage::Triggering => "it is unknown whether the sync was triggered".into(),
        Stage::Triggered => "the sync was triggered, but its job is not listed yet".into(),
        Stage::Running(job) => format!(
            "the sync is still running, with {} {} synced and {} failed so far",
            job.rows_synced,
            if job.rows_synced == 1 { "row" } else { "rows" },
            job.rows_failed_with_errors
        ),
    };
    format!("gave up after {}: {so_far}", shown(*after))
}

/// A timeout in the largest unit that divides it.
fn shown(timeout: Duration) -> String {
    match (timeout.as_secs(), timeout.subsec_nanos()) {
        (seconds @ 3600.., 0) if seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        (seconds @ 60.., 0) if seconds % 60 == 0 => format!("{} min", seconds / 60),
        (seconds, 0) => format!("{seconds} s"),
        (0, _) => format!("{} ms", timeout.as_secs_f64() * 1000.0),
        _ => format!("{} s", timeout.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_shown_as_it_was_set() {
        for (milliseconds, expected) in [
            (0, "0 s"),
            (500, "500 ms"),
            (1500, "1.5 s"),
            (60_000, "1 min"),
            (90_000, "90 s"),
            (3_600_000, "1 h"),
            (5_400_000, "90 min"),
        ] {
            assert_eq!(shown(Duration::from_millis(milliseconds)), expected);
        }
    }
}
