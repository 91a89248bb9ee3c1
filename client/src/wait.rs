//! Triggering a sync and waiting for that very sync.
//!
//! The answer to a trigger does not say which job it started. A job is known by its start time, which never changes; so
//! the newest start time is noted first, and the job that is newer than it is the one that was triggered. Listing works
//! before anything is started, so a key that may trigger but not look fails early and harmlessly.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use crate::client::Client;
use crate::error::Error;
use crate::errors::{ListJobSyncStatusError, TriggerIntegrationSyncError};
use crate::generated::types::{Job, JobStatus};

/// How to wait for a sync.
#[derive(Clone)]
pub struct WaitOptions {
    timeout: Option<Duration>,
    first_poll: Duration,
    longest_poll: Duration,
    patience: Duration,
    on_progress: Option<Arc<OnProgress>>,
}

type OnProgress = dyn Fn(&Progress) + Send + Sync;

impl Default for WaitOptions {
    /// An hour in all; the first look after half a second, then ever less often, up to every ten seconds; five minutes
    /// without an answer.
    fn default() -> WaitOptions {
        WaitOptions {
            timeout: Some(Duration::from_secs(60 * 60)),
            first_poll: Duration::from_millis(500),
            longest_poll: Duration::from_secs(10),
            patience: Duration::from_secs(5 * 60),
            on_progress: None,
        }
    }
}

impl fmt::Debug for WaitOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitOptions")
            .field("timeout", &self.timeout)
            .field("first_poll", &self.first_poll)
            .field("longest_poll", &self.longest_poll)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

impl WaitOptions {
    /// How long to wait in all; `None` waits for ever.
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> WaitOptions {
        self.timeout = timeout.into();
        self
    }

    /// The first and the longest pause between two looks at the job.
    pub fn poll(mut self, first: Duration, longest: Duration) -> WaitOptions {
        self.first_poll = first;
        self.longest_poll = longest.max(first);
        self
    }

    /// How long the server may be away, or refuse for the rate limit, while the job is waited for.
    pub fn patience(mut self, patience: Duration) -> WaitOptions {
        self.patience = patience;
        self
    }

    /// Is called with everything that happens.
    pub fn on_progress(mut self, call: impl Fn(&Progress) + Send + Sync + 'static) -> WaitOptions {
        self.on_progress = Some(Arc::new(call));
        self
    }

    fn tell(&self, progress: Progress) {
        if let Some(call) = &self.on_progress {
            call(&progress);
        }
    }
}

/// What happens while a sync is waited for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Progress {
    /// The trigger was accepted.
    Triggered,
    /// The job as it is now; told when it was found and whenever it has changed, the last time when it has ended.
    Job(Job),
    /// The server could not be asked just now; it is asked again.
    Trouble(String),
}

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
    Listing,
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
    let seconds = after.as_secs_f64();
    match stage {
        Stage::Listing => {
            format!("gave up after {seconds:.0} s: the jobs could not be listed, and nothing was triggered")
        }
        Stage::Triggering => format!("gave up after {seconds:.0} s: nobody knows whether the sync was triggered"),
        Stage::Triggered => {
            format!("gave up after {seconds:.0} s: the sync was triggered, but its job has not been listed yet")
        }
        Stage::Running(job) => format!(
            "gave up after {seconds:.0} s: the sync goes on, with {} rows synced and {} failed so far",
            job.rows_synced, job.rows_failed_with_errors
        ),
    }
}

impl JobStatus {
    /// Whether the job has ended.
    pub fn is_finished(self) -> bool {
        self != JobStatus::Running
    }
}

impl Client {
    /// Triggers a sync and waits until it has ended, whatever the end is: see `job_status`.
    ///
    /// Needs the permissions to trigger and to list jobs. When several clients trigger the same integration within one
    /// second, another's run may be taken for ours; the contract gives nothing to tell them apart.
    pub async fn trigger_and_wait(&self, integration_id: Uuid, options: WaitOptions) -> Result<Job, WaitError> {
        let mut stage = Stage::Listing;
        let begun = Instant::now();
        let work = async {
            let newest = match self.job_sync_status(integration_id).next().await {
                None => None,
                Some(Ok(job)) => Some(job.sync_start_time),
                Some(Err(source)) => {
                    return Err(WaitError::Status {
                        triggered: false,
                        source,
                    });
                }
            };
            stage = Stage::Triggering;
            let reply = self
                .trigger_integration_sync(integration_id)
                .await
                .map_err(WaitError::Trigger)?;
            stage = Stage::Triggered;
            options.tell(Progress::Triggered);
            let sought = Sought::Triggered {
                newest_before: newest,
                answered: reply.response.date(),
            };
            self.watch(integration_id, sought, &options, &mut stage).await
        };
        let result = within(options.timeout, begun, work).await;
        result.unwrap_or_else(|| {
            Err(WaitError::Deadline {
                after: begun.elapsed(),
                stage: Box::new(stage),
            })
        })
    }

    /// Waits until the job that started at this time has ended.
    pub async fn wait_for_job(
        &self,
        integration_id: Uuid,
        sync_start_time: DateTime<Utc>,
        options: WaitOptions,
    ) -> Result<Job, WaitError> {
        let mut stage = Stage::Triggered;
        let begun = Instant::now();
        let work = self.watch(integration_id, Sought::Job(sync_start_time), &options, &mut stage);
        let result = within(options.timeout, begun, work).await;
        result.unwrap_or_else(|| {
            Err(WaitError::Deadline {
                after: begun.elapsed(),
                stage: Box::new(stage),
            })
        })
    }

    /// Looks at the jobs until the one that is sought has ended.
    async fn watch(
        &self,
        integration_id: Uuid,
        mut sought: Sought,
        options: &WaitOptions,
        stage: &mut Stage,
    ) -> Result<Job, WaitError> {
        let mut pause = options.first_poll;
        let mut answered = Instant::now();
        loop {
            match self.look(integration_id, &sought).await {
                Ok(None) => answered = Instant::now(),
                Ok(Some(job)) => {
                    answered = Instant::now();
                    sought = Sought::Job(job.sync_start_time);
                    let seen = Stage::Running(job.clone());
                    if *stage != seen {
                        *stage = seen;
                        options.tell(Progress::Job(job.clone()));
                    }
                    if job.job_status.is_finished() {
                        return Ok(job);
                    }
                }
                Err(error) if error.is_transient() && answered.elapsed() < options.patience => {
                    options.tell(Progress::Trouble(error.to_string()));
                }
                Err(source) => {
                    return Err(WaitError::Status {
                        triggered: true,
                        source,
                    });
                }
            }
            sleep(pause).await;
            pause = pause.mul_f64(1.5).min(options.longest_poll);
        }
    }

    /// Finds the job in the list, which is newest first: on its first page as a rule.
    async fn look(&self, integration_id: Uuid, sought: &Sought) -> Result<Option<Job>, Error<ListJobSyncStatusError>> {
        let mut jobs = self.job_sync_status(integration_id);
        let mut candidates = Vec::new();
        while let Some(job) = jobs.next().await.transpose()? {
            if sought.is_beyond(&job) {
                break;
            }
            candidates.push(job);
        }
        Ok(sought.choose(candidates))
    }
}

/// Runs under a deadline; `None` when the time is over.
async fn within<T>(timeout: Option<Duration>, begun: Instant, work: impl Future<Output = T>) -> Option<T> {
    match timeout.and_then(|timeout| begun.checked_add(timeout)) {
        Some(deadline) => timeout_at(deadline, work).await.ok(),
        None => Some(work.await),
    }
}

/// Which job is looked for.
enum Sought {
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
    fn is_beyond(&self, job: &Job) -> bool {
        match self {
            Sought::Triggered { newest_before, .. } => Some(job.sync_start_time) <= *newest_before,
            Sought::Job(start) => job.sync_start_time < *start,
        }
    }

    /// The job, out of those that are not too old, newest first.
    fn choose(&self, candidates: Vec<Job>) -> Option<Job> {
        match self {
            Sought::Job(start) => candidates.into_iter().find(|job| job.sync_start_time == *start),
            Sought::Triggered { answered, .. } => {
                // Jobs of one integration follow each other. Others may have run between the listing and the trigger, or
                // after ours: ours is the last that had started when the trigger was answered. Where that cannot be
                // told it is the first.
                let latest = answered.map(|answered| answered + TimeDelta::seconds(1));
                let started_by_then = candidates
                    .iter()
                    .find(|job| latest.is_some_and(|latest| job.sync_start_time < latest));
                started_by_then.or(candidates.last()).cloned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let sought = Sought::Triggered {
            newest_before: None,
            answered: answered.map(time),
        };
        sought
            .choose(starts.iter().map(|start| job(start)).collect())
            .map(|job| job.sync_start_time)
    }

    #[test]
    fn our_run_is_the_last_that_had_started_when_the_trigger_was_answered() {
        assert_eq!(chosen(Some("43:04"), &[]), None);
        assert_eq!(chosen(Some("43:04"), &["43:04.000123"]), Some(time("43:04.000123")));
        // One before the trigger and one long after.
        assert_eq!(
            chosen(Some("43:04"), &["44:00.5", "43:04.9", "43:01"]),
            Some(time("43:04.9"))
        );
    }

    #[test]
    fn without_a_usable_clock_our_run_is_the_first_new_one() {
        assert_eq!(chosen(None, &["44:00", "43:04"]), Some(time("43:04")));
        // A server that starts its jobs late.
        assert_eq!(chosen(Some("43:04"), &["45:00", "44:00"]), Some(time("44:00")));
    }

    #[test]
    fn jobs_from_before_the_trigger_are_never_ours() {
        let sought = Sought::Triggered {
            newest_before: Some(time("43:00")),
            answered: None,
        };
        assert!(sought.is_beyond(&job("43:00")));
        assert!(!sought.is_beyond(&job("43:00.000001")));
    }
}
