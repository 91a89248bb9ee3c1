//! What a job's status means.

use crate::generated::types::{Job, JobStatus};

impl Job {
    /// Whether the job has ended, successfully or not.
    ///
    /// A job whose status this version does not know has ended if it has a `sync_finish_time`.
    pub fn is_finished(&self) -> bool {
        match self.job_status {
            JobStatus::Running => false,
            JobStatus::Success | JobStatus::Partial | JobStatus::Error | JobStatus::ConfigError => true,
            JobStatus::Unknown(_) => self.sync_finish_time.is_some(),
        }
    }

    /// Whether the job has ended and every row was accepted (`success`).
    ///
    /// `false` while it runs, for `partial`, and for a status that this version does not know.
    pub fn succeeded(&self) -> bool {
        self.job_status == JobStatus::Success
    }

    /// Whether the job has ended without success: `partial`, `error`, `config_error`, or an end with a status that this
    /// version does not know.
    pub fn failed(&self) -> bool {
        self.is_finished() && !self.succeeded()
    }

    /// Rows that were read so far: those that were accepted and those that were refused.
    pub fn rows_read(&self) -> u64 {
        self.rows_synced.saturating_add(self.rows_failed_with_errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_runs_or_has_succeeded_or_has_failed() {
        let facts = |status: &str, has_end: bool| {
            let now = chrono::Utc::now();
            let job = Job {
                job_status: status.into(),
                sync_start_time: now,
                sync_finish_time: has_end.then_some(now),
                last_timestamp_synced: None,
                rows_synced: u64::MAX,
                rows_failed_with_errors: 3,
            };
            assert_eq!(job.rows_read(), u64::MAX);
            (job.is_finished(), job.succeeded(), job.failed())
        };
        assert_eq!(facts("running", false), (false, false, false));
        assert_eq!(facts("success", true), (true, true, false));
        for status in ["partial", "error", "config_error", "unheard_of"] {
            assert_eq!(facts(status, true), (true, false, true), "{status}");
        }
        assert_eq!(facts("unheard_of", false), (false, false, false));
    }
}
