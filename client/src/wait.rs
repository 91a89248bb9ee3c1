//! Triggering a sync and waiting for that very sync.
//!
//! The answer to a trigger does not say which job it started. A job is identified by its start time, which never changes; so
//! the newest start time is read right before each trigger, and the job that is newer than it is the one that was triggered.
//! Only times from the server are compared with each other. The jobs are listed before anything is started, so a key that
//! may trigger but not list jobs fails early, and nothing is started.

mod error;
mod options;
mod sought;
mod speed;

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::field::{Empty, display};
use tracing::{Instrument as _, Span, debug, info_span};
use uuid::Uuid;

use crate::call_error::CallError;
use crate::client::Client;
use crate::errors::{ListJobSyncStatusError, TriggerIntegrationSyncError};
use crate::generated::types::Job;
use crate::pages::Page;
use crate::retry::{Repeat, RetryPolicy, asked};
use options::Pauses;
use sought::Sought;

pub use error::{Stage, WaitError};
pub use options::{IfRunning, Progress, WaitOptions};
pub use speed::Speed;

/// Three ways to wait for a sync.
///
/// # Dropping a wait
///
/// Dropping the future of a wait ends the waiting and nothing else: nothing is cancelled on the server, and the contract has
/// no operation that could. A trigger that was being sent may or may not arrive; one that was accepted runs to its end. To
/// continue the wait later, pass the job's `sync_start_time` from [`Progress::Job`] or from
/// [`job_sync_status`](Client::job_sync_status) to [`wait_for_job`](Client::wait_for_job). The same holds after the
/// [`timeout`](WaitOptions::timeout).
impl Client {
    /// Triggers a sync and waits until it has ended, successfully or not: see [`Job::succeeded`].
    ///
    /// The API key needs the permissions to trigger and to list jobs. If it is unknown whether the trigger arrived (after a
    /// timeout, a broken connection or a server error), a job that is new is waited for; without one the trigger's error is
    /// returned. If others trigger the same integration within the same second, their job may be taken for ours: the contract
    /// has nothing that tells them apart.
    ///
    /// If the future is dropped, [nothing is cancelled on the server](#dropping-a-wait).
    ///
    /// # Errors
    ///
    /// [`WaitError`]. An ended sync is not an error, even if it failed.
    pub async fn trigger_and_wait(&self, integration_id: Uuid, options: WaitOptions) -> Result<Job, WaitError> {
        let mut watch = Watch::new(self, integration_id, &options, Stage::Untriggered);
        let span = watch.span.clone();
        let work = async {
            let sought = watch.trigger().await?;
            watch.follow(sought).await
        };
        match within(options.timeout, work).instrument(span).await {
            Some(result) => result,
            None => Err(watch.overdue()),
        }
    }

    /// Triggers a sync as [`trigger_and_wait`](Client::trigger_and_wait) does, and returns when the server has accepted it:
    /// with [`IfRunning::Wait`] that is after the sync that is in progress.
    ///
    /// If the future is dropped, [nothing is cancelled on the server](#dropping-a-wait).
    ///
    /// # Errors
    ///
    /// [`WaitError`], if the sync was not triggered or if that is unknown.
    pub async fn trigger_in_turn(&self, integration_id: Uuid, options: WaitOptions) -> Result<(), WaitError> {
        let mut watch = Watch::new(self, integration_id, &options, Stage::Untriggered);
        let span = watch.span.clone();
        match within(options.timeout, watch.trigger()).instrument(span).await {
            Some(result) => result.map(|_| ()),
            None => Err(watch.overdue()),
        }
    }

    /// Waits until the job that started at this time has ended, successfully or not.
    ///
    /// If the future is dropped, [nothing is cancelled on the server](#dropping-a-wait).
    ///
    /// # Errors
    ///
    /// [`WaitError`]. An ended sync is not an error, even if it failed.
    pub async fn wait_for_job(
        &self,
        integration_id: Uuid,
        sync_start_time: DateTime<Utc>,
        options: WaitOptions,
    ) -> Result<Job, WaitError> {
        let mut watch = Watch::new(self, integration_id, &options, Stage::Triggered);
        let span = watch.span.clone();
        match within(options.timeout, watch.follow(Sought::Job(sync_start_time))).instrument(span).await {
            Some(result) => result,
            None => Err(watch.overdue()),
        }
    }
}

/// Runs the work under a deadline; `None` if the deadline passed first.
async fn within<T>(timeout: Option<Duration>, work: impl Future<Output = T>) -> Option<T> {
    match timeout.and_then(|timeout| Instant::now().checked_add(timeout)) {
        Some(deadline) => timeout_at(deadline, work).await.ok(),
        None => Some(work.await),
    }
}

/// One wait, and how far it has come.
struct Watch<'a> {
    span: Span,
    client: &'a Client,
    integration_id: Uuid,
    options: &'a WaitOptions,
    stage: Stage,
}

impl<'a> Watch<'a> {
    fn new(client: &'a Client, integration_id: Uuid, options: &'a WaitOptions, stage: Stage) -> Watch<'a> {
        let span = info_span!("cdi_wait", integration_id = display(integration_id), job = Empty, job_status = Empty);
        Watch { span, client, integration_id, options, stage }
    }

    fn overdue(self) -> WaitError {
        let error =
            WaitError::Deadline { after: self.options.timeout.unwrap_or_default(), stage: Box::new(self.stage) };
        self.span.in_scope(|| debug!(%error, "wait ended"));
        error
    }

    /// Triggers the sync, after the one in progress if the options say so. Returns how its job can be recognised.
    async fn trigger(&mut self) -> Result<Sought, WaitError> {
        // The jobs are listed before every try, so that a job that has started since the last try is not taken for ours.
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
                        self.client.on_retry.call(&error, pause);
                        pause
                    }
                    None => return Err(WaitError::Trigger(error)),
                }
            };
            self.options.report(Progress::Refused(error.to_string()));
            sleep(pause).await;
        }
    }

    /// The newest jobs, before anything is triggered. The first request must succeed; later failures are waited out.
    async fn list_jobs(&mut self, answered: &mut Option<Instant>, pauses: &mut Pauses) -> Result<Page<Job>, WaitError> {
        loop {
            match self.client.job_sync_status_page(self.integration_id, None).await {
                Ok(page) => {
                    *answered = Some(Instant::now());
                    return Ok(page);
                }
                Err(error) => match self.pause(&error, answered.map(|at| at.elapsed()), pauses) {
                    Some(pause) => {
                        self.client.on_retry.call(&error, pause);
                        self.options.report(Progress::Trouble(error.to_string()));
                        sleep(pause).await;
                    }
                    None => return Err(WaitError::Status { triggered: false, error }),
                },
            }
        }
    }

    /// The pause before the next request: the usual one, or as long as the server asks for. `None` if the failure will not
    /// pass, or if the pause is longer than what is left of the patience.
    fn pause(
        &self,
        error: &CallError<ListJobSyncStatusError>,
        unanswered: Option<Duration>,
        pauses: &mut Pauses,
    ) -> Option<Duration> {
        let left = self.options.patience.checked_sub(unanswered?)?;
        let pause = pauses.next().max(asked(error).unwrap_or_default());
        (error.is_transient() && pause <= left).then_some(pause)
    }

    /// Notes a new stage and reports it.
    fn reach(&mut self, stage: Stage, progress: Progress) {
        if self.stage != stage {
            self.stage = stage;
            self.options.report(progress);
        }
    }

    /// Looks for a job that may not exist, for as long as the options allow.
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
            if begun.elapsed().saturating_add(pause) > self.options.lost_answer_timeout {
                return None;
            }
            sleep(pause).await;
        }
    }

    /// Lists the jobs until the one that is sought has ended.
    async fn follow(&mut self, mut sought: Sought) -> Result<Job, WaitError> {
        let mut pauses = self.options.pauses();
        let mut answered = Instant::now();
        loop {
            let pause = match self.look(&sought).await {
                Ok(None) => {
                    match sought {
                        // A job that was just triggered may not be listed yet; a known one was listed before.
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
                        self.span.record("job", display(job.sync_start_time.to_rfc3339()));
                        self.span.record("job_status", job.job_status.as_str());
                        debug!("wait ended");
                        return Ok(job);
                    }
                    pauses.next()
                }
                Err(error) => match self.pause(&error, Some(answered.elapsed()), &mut pauses) {
                    Some(pause) => {
                        self.client.on_retry.call(&error, pause);
                        self.options.report(Progress::Trouble(error.to_string()));
                        pause
                    }
                    None => return Err(WaitError::Status { triggered: true, error }),
                },
            };
            sleep(pause).await;
        }
    }

    /// Finds the job in the list, which is newest first: usually on its first page.
    async fn look(&self, sought: &Sought) -> Result<Option<Job>, CallError<ListJobSyncStatusError>> {
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
