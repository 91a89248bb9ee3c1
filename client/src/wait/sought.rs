//! Which of the listed jobs is the one to wait for.

use chrono::{DateTime, TimeDelta, Utc};

use crate::generated::types::Job;

/// Which job is looked for.
pub(super) enum Sought {
    /// The one that a trigger has just started.
    Triggered {
        /// The newest start time before the trigger; none if there was no job.
        newest_before: Option<DateTime<Utc>>,
        /// When the trigger was answered, by the server's clock, rounded down to seconds.
        answered: Option<DateTime<Utc>>,
    },
    /// The one with this start time.
    Job(DateTime<Utc>),
}

impl Sought {
    /// Whether a job, and with it all that follow in the list, is too old.
    pub(super) fn is_beyond(&self, job: &Job) -> bool {
        match self {
            Sought::Triggered { newest_before, .. } => Some(job.sync_start_time) <= *newest_before,
            Sought::Job(start) => job.sync_start_time < *start,
        }
    }

    /// The job, out of those that are not too old, newest first.
    pub(super) fn choose(&self, candidates: Vec<Job>) -> Option<Job> {
        match self {
            Sought::Job(start) => candidates.into_iter().find(|job| job.sync_start_time == *start),
            Sought::Triggered { answered, .. } => {
                // Jobs of one integration follow each other. Others may have run between the listing and the trigger, or
                // after ours: ours is the last that had started when the trigger was answered. Without that time it
                // is the first.
                let by_then = |job: &&Job| {
                    answered.is_some_and(|answered| job.sync_start_time - answered < TimeDelta::seconds(1))
                };
                candidates.iter().find(by_then).or(candidates.last()).cloned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated::types::JobStatus;

    fn time(text: &str) -> DateTime<Utc> {
        format!("2026-11-23T20:{text}Z").parse().unwrap()
    }

    fn job(start: &str) -> Job {
        Job {
            job_status: JobStatus::Success,
            sync_start_time: time(start),
            sync_finish_time: None,
            last_timestamp_synced: None,
            rows_synced: 0,
            rows_failed_with_errors: 0,
        }
    }

    fn chosen(answered: Option<&str>, starts: &[&str]) -> Option<DateTime<Utc>> {
        let sought = Sought::Triggered { newest_before: None, answered: answered.map(time) };
        sought.choose(starts.iter().map(|start| job(start)).collect()).map(|job| job.sync_start_time)
    }

    #[test]
    fn our_run_is_the_last_that_had_started_when_the_trigger_was_answered() {
        assert_eq!(chosen(Some("43:04"), &[]), None);
        assert_eq!(chosen(Some("43:04"), &["43:04.000123"]), Some(time("43:04.000123")));
        // One before the trigger and one long after.
        assert_eq!(chosen(Some("43:04"), &["44:00.5", "43:04.9", "43:01"]), Some(time("43:04.9")));
    }

    #[test]
    fn without_a_usable_clock_our_run_is_the_first_new_one() {
        assert_eq!(chosen(None, &["44:00", "43:04"]), Some(time("43:04")));
        // A date at the end of all time.
        let latest = Sought::Triggered { newest_before: None, answered: Some(DateTime::<Utc>::MAX_UTC) };
        assert_eq!(latest.choose(vec![job("43:04")]), Some(job("43:04")));
        // A server that starts its jobs late.
        assert_eq!(chosen(Some("43:04"), &["45:00", "44:00"]), Some(time("44:00")));
    }

    #[test]
    fn jobs_from_before_the_trigger_are_never_ours() {
        let sought = Sought::Triggered { newest_before: Some(time("43:00")), answered: None };
        assert!(sought.is_beyond(&job("43:00")));
        assert!(!sought.is_beyond(&job("43:00.000001")));
    }
}
