//! Triggering a sync and waiting for that very sync.
//!
//! The answer to a trigger does not say which job it started. A job is known by its start time, which never changes; so
//! the newest start time is noted right before each try, and the job that is newer than it is the one that was triggered.
//! Only times of the server's are compared with each other. Listing works before anything is started, so a key that may
//! trigger but not look fails early and harmlessly.

mod error;
mod options;
mod sought;
mod speed;

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use crate::client::Client;
use crate::error::Error;
use crate::errors::{ListJobSyncStatusError, TriggerIntegrationSyncError};
use crate::generated::types::{Job, JobStatus};
use crate::pages::Page;
use crate::retry::{Repeat, RetryPolicy, asked};
use options::Pauses;
use sought::Sought;

pub use error::{Stage, WaitError};
pub use options::{IfRunning, Progress, WaitOptions};
pub use speed::Speed;

impl Job {
    /// Whether the job has ended. With a status that this version does not know, that is so when it has an end.
    pub fn is_finished(&self) -> bool {
        match self.job_status {
            JobStatus::Running => false,
            JobStatus::Success | JobStatus::Partial | JobStatus::Error | JobStatus::ConfigError => true,
            JobStatus::Unknown(_) => self.sync_finish_time.is_some(),
        }
    }
}

impl Client {
    /// Triggers a sync and waits until it has ended, whatever the end is: see `job_status`.
    ///
    /// Needs the permissions to trigger and to list jobs. Where nobody knows whether the trigger arrived (a time-out, a
    /// broken connection, a server error) a job that is new is waited for; without one the trigger's error is returned.
    /// When others trigger the same integration within the same second, their run may be taken for ours: the contract
    /// gives nothing to tell them apart.
    pub async fn trigger_and_wait(&self, integration_id: Uuid, options: WaitOptions) -> Result<Job, WaitError> {
        let mut watch = Watch::new(self, integration_id, &options, Stage::Untriggered);
        let work = async {
            let sought = watch.trigger().await?;
            watch.follow(sought).await
        };
        match within(options.timeout, work).await {
            Some(result) => result,
            None => Err(watch.overdue()),
        }
    }

    /// Triggers a sync as [`trigger_and_wait`](Client::trigger_and_wait) does, and returns as soon as it is accepted: with
    /// [`IfRunning::Wait`] after the sync that is in progress.
    pub async fn trigger_in_turn(&self, integration_id: Uuid, options: WaitOptions) -> Result<(), WaitError> {
        let mut watch = Watch::new(self, integration_id, &options, Stage::Untriggered);
        match within(options.timeout, watch.trigger()).await {
            Some(result) => result.map(|_| ()),
            None => Err(watch.overdue()),
        }
    }

    /// Waits until the job that started at this time has ended.
    pub async fn wait_for_job(
        &self,
        integration_id: Uuid,
        sync_start_time: DateTime<Utc>,
        options: WaitOptions,
    ) -> Result<Job, WaitError> {
        let mut watch = Watch::new(self, integration_id, &options, Stage::Triggered);
        match within(options.timeout, watch.follow(Sought::Job(sync_start_time))).await {
            Some(result) => result,
            None => Err(watch.overdue()),
        }
    }
}

/// Runs under a deadline; `None` when the time is over.
async fn within<T>(timeout: Option<Duration>, work: impl Future<Output = T>) -> Option<T> {
    match timeout.and_then(|timeout| Instant::now().checked_add(timeout)) {
        Some(deadline) => timeout_at(deadline, work).await.ok(),
        None => Some(work.await),
    }
}

/// One wait: for whom, and how far it has come.
struct Watch<'a> {
    client: &'a Client,
    integration_id: Uuid,
    options: &'a WaitOptions,
    stage: Stage,
    begun: Instant,
}

impl<'a> Watch<'a> {
    fn new(client: &'a Client, integration_id: Uuid, options: &'a WaitOptions, stage: Stage) -> Watch<'a> {
        Watch { client, integration_id, options, stage, begun: Instant::now() }
    }

    fn overdue(self) -> WaitError {
        WaitError::Deadline { after: self.begun.elapsed(), stage: Box::new(self.stage) }
    }

    /// Triggers the sync, when its turn has come; what its job can be known by.
    async fn trigger(&mut self) -> Result<Sought, WaitError> {
        // The jobs are listed anew before every try, so that what has started since the last one is not taken for ours.
        let once = Client { retry: RetryPolicy::never(), ..self.client.clone() };
        let waits = self.options.if_running == IfRunning::Wait;
        let mut pauses = self.options.pauses();
        let mut answered = None;
        let mut refused = 0;
        loop {
            let listed = self.list_jobs(&mut answered, &mut pauses).await?;
            if waits && let Some(job) = listed.items.iter().find(|job| !job.is_finished()) {
                self.reach(Stage::Busy(job.clone()), Progress::Busy(job.clone()));
                sleep(pauses.next()).await;
                continue;
            }
            let newest_before = listed.items.iter().map(|job| job.sync_start_time).max();
            self.reach(Stage::Triggering, Progress::Triggering);
            let error = match once.trigger_integration_sync(self.integration_id).await {
                Ok(reply) => {
                    self.reach(Stage::Triggered, Progress::Triggered);
                    return Ok(Sought::Triggered { newest_before, answered: reply.response.date() });
                }
                Err(error) => error,
            };
            if error.may_have_taken_effect() {
                let sought = Sought::Triggered { newest_before, answered: None };
                let Some(job) = self.appears(&sought).await else {
                    return Err(WaitError::Trigger(error));
                };
                self.reach(Stage::Triggered, Progress::Triggered);
                return Ok(Sought::Job(job.sync_start_time));
            }
            self.stage = Stage::Untriggered;
            let pause = if waits && error.documented() == Some(TriggerIntegrationSyncError::JobInProgress) {
                pauses.next()
            } else {
                match self.client.retry.pause(Repeat::Acts, refused, &error) {
                    Some(pause) => {
                        refused += 1;
                        pause
                    }
                    None => return Err(WaitError::Trigger(error)),
                }
            };
            self.options.tell(Progress::Refused(error.to_string()));
            sleep(pause).await;
        }
    }

    /// The newest jobs, before anything is triggered. The first answer is needed at once; later on trouble is sat out.
    async fn list_jobs(&mut self, answered: &mut Option<Instant>, pauses: &mut Pauses) -> Result<Page<Job>, WaitError> {
        loop {
            match self.client.job_sync_status_page(self.integration_id, None).await {
                Ok(page) => {
                    *answered = Some(Instant::now());
                    return Ok(page);
                }
                Err(source) => match self.pause(&source, answered.map(|at| at.elapsed()), pauses) {
                    Some(pause) => {
                        self.options.tell(Progress::Trouble(source.to_string()));
                        sleep(pause).await;
                    }
                    None => return Err(WaitError::Status { triggered: false, source }),
                },
            }
        }
    }

    /// How long to wait before asking again: as usual, or as long as the server asks for. `None` where that is no use, or
    /// more than patience allows after so long a time without an answer.
    fn pause(
        &self,
        error: &Error<ListJobSyncStatusError>,
        unanswered: Option<Duration>,
        pauses: &mut Pauses,
    ) -> Option<Duration> {
        let left = self.options.patience.checked_sub(unanswered?)?;
        let pause = pauses.next().max(asked(error).unwrap_or_default());
        (error.is_transient() && pause <= left).then_some(pause)
    }

    /// Notes how far it has come and tells it, if it is new.
    fn reach(&mut self, stage: Stage, progress: Progress) {
        if self.stage != stage {
            self.stage = stage;
            self.options.tell(progress);
        }
    }

    /// Looks for a job that may not exist.
    async fn appears(&self, sought: &Sought) -> Option<Job> {
        let begun = Instant::now();
        let mut pauses = self.options.pauses();
        loop {
            let pause = match self.look(sought).await {
                Ok(None) => pauses.next(),
                Ok(Some(job)) => return Some(job),
                Err(error) if error.is_transient() => pauses.next().max(asked(&error).unwrap_or_default()),
                Err(_) => return None,
            };
            if begun.elapsed().saturating_add(pause) > self.options.doubt {
                return None;
            }
            sleep(pause).await;
        }
    }

    /// Looks at the jobs until the one that is sought has ended.
    async fn follow(&mut self, mut sought: Sought) -> Result<Job, WaitError> {
        let mut pauses = self.options.pauses();
        let mut answered = Instant::now();
        loop {
            let pause = match self.look(&sought).await {
                Ok(None) => {
                    match sought {
                        // One that has only been triggered may yet be listed; one that is known was.
                        Sought::Triggered { .. } => answered = Instant::now(),
                        Sought::Job(sync_start_time) if answered.elapsed() >= self.options.patience => {
                            return Err(WaitError::Gone { sync_start_time });
                        }
                        Sought::Job(_) => {}
                    }
                    pauses.next()
                }
                Ok(Some(job)) => {
                    answered = Instant::now();
                    sought = Sought::Job(job.sync_start_time);
                    self.reach(Stage::Running(job.clone()), Progress::Job(job.clone()));
                    if job.is_finished() {
                        return Ok(job);
                    }
                    pauses.next()
                }
                Err(source) => match self.pause(&source, Some(answered.elapsed()), &mut pauses) {
                    Some(pause) => {
                        self.options.tell(Progress::Trouble(source.to_string()));
                        pause
                    }
                    None => return Err(WaitError::Status { triggered: true, source }),
                },
            };
            sleep(pause).await;
        }
    }

    /// Finds the job in the list, which is newest first: on its first page as a rule.
    async fn look(&self, sought: &Sought) -> Result<Option<Job>, Error<ListJobSyncStatusError>> {
        let mut jobs = self.client.job_sync_status(self.integration_id);
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
