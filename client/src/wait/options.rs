//! How to wait, and what is reported meanwhile.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, warn};

use crate::generated::types::Job;

const SHORTEST_POLL: Duration = Duration::from_millis(10);

/// How to wait for a sync.
#[derive(Clone)]
pub struct WaitOptions {
    pub(super) if_running: IfRunning,
    pub(super) timeout: Option<Duration>,
    first_poll: Duration,
    longest_poll: Duration,
    pub(super) patience: Duration,
    pub(super) lost_answer_timeout: Duration,
    on_progress: Option<Arc<OnProgress>>,
}

/// What to do when another sync of the integration is in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum IfRunning {
    /// Trigger at once, and return the server's error `429 Another job is in progress`.
    Fail,
    /// Wait until it has ended, then trigger.
    Wait,
}

type OnProgress = dyn Fn(&Progress) + Send + Sync;

impl Default for WaitOptions {
    /// Fails if another sync is in progress. Timeout: 1 hour. Polls after half a second, then less and less often, down to
    /// every 10 seconds. Patience: 5 minutes.
    fn default() -> WaitOptions {
        WaitOptions {
            if_running: IfRunning::Fail,
            timeout: Some(Duration::from_secs(60 * 60)),
            first_poll: Duration::from_millis(500),
            longest_poll: Duration::from_secs(10),
            patience: Duration::from_secs(5 * 60),
            lost_answer_timeout: Duration::from_secs(10),
            on_progress: None,
        }
    }
}

impl fmt::Debug for WaitOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitOptions")
            .field("if_running", &self.if_running)
            .field("timeout", &self.timeout)
            .field("first_poll", &self.first_poll)
            .field("longest_poll", &self.longest_poll)
            .field("patience", &self.patience)
            .field("lost_answer_timeout", &self.lost_answer_timeout)
            .finish_non_exhaustive()
    }
}

impl WaitOptions {
    /// What to do when another sync of the integration is in progress. Default: [`IfRunning::Fail`].
    pub fn if_running(mut self, what: IfRunning) -> WaitOptions {
        self.if_running = what;
        self
    }

    /// The longest time for the whole wait; `None` for no limit. Default: 1 hour.
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> WaitOptions {
        self.timeout = timeout.into();
        self
    }

    /// The first and the longest pause between two polls of the job list; the shortest possible is 10 milliseconds. Default:
    /// half a second and 10 seconds.
    pub fn poll(mut self, first: Duration, longest: Duration) -> WaitOptions {
        self.first_poll = first.max(SHORTEST_POLL);
        self.longest_poll = longest.max(self.first_poll);
        self
    }

    /// The longest time without a usable answer: because the server cannot be reached, fails, refuses because of the rate
    /// limit, or no longer lists the job. Default: 5 minutes.
    pub fn patience(mut self, patience: Duration) -> WaitOptions {
        self.patience = patience;
        self
    }

    /// The longest time to look for a new job when it is unknown whether the trigger arrived. Default: 10 seconds.
    pub fn lost_answer_timeout(mut self, lost_answer_timeout: Duration) -> WaitOptions {
        self.lost_answer_timeout = lost_answer_timeout;
        self
    }

    /// A function that is called with each [`Progress`]. It runs inside the wait, so it should return quickly.
    pub fn on_progress(mut self, call: impl Fn(&Progress) + Send + Sync + 'static) -> WaitOptions {
        self.on_progress = Some(Arc::new(call));
        self
    }

    pub(super) fn pauses(&self) -> Pauses {
        Pauses { next: self.first_poll, longest: self.longest_poll }
    }

    pub(super) fn report(&self, progress: Progress) {
        progress.trace();
        if let Some(call) = &self.on_progress {
            call(&progress);
        }
    }
}

/// The pauses between polls, each half as long again as the one before.
pub(super) struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    pub(super) fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = pause.saturating_add(pause / 2).min(self.longest);
        pause
    }
}

/// What happens during a wait.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Progress {
    /// Another sync is in progress and is waited for. Reported again whenever its job has changed.
    Busy(Job),
    /// The trigger is being sent.
    Triggering,
    /// The trigger was refused or did not reach the server, so no sync was started. It is sent again.
    Refused(String),
    /// The trigger was accepted.
    Triggered,
    /// The job's current state. Reported when the job is found, whenever it has changed, and when it has ended.
    Job(Job),
    /// The jobs could not be listed. They are listed again.
    Trouble(String),
}

impl Progress {
    /// Logs it: failures that are waited out as warnings, everything else for debugging.
    fn trace(&self) {
        match self {
            Progress::Busy(job) => debug!(rows = job.rows_read(), "another sync is in progress"),
            Progress::Triggering => debug!("triggering"),
            Progress::Refused(error) => warn!(error, "the sync was not triggered; trying again"),
            Progress::Triggered => debug!("triggered"),
            Progress::Job(job) => debug!(
                job_status = job.job_status.as_str(),
                rows_synced = job.rows_synced,
                rows_failed = job.rows_failed_with_errors,
                "job"
            ),
            Progress::Trouble(error) => warn!(error, "the jobs cannot be listed; trying again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest_and_never_vanish() {
        let pauses = |first, longest| {
            let mut pauses = WaitOptions::default().poll(first, longest).pauses();
            std::iter::repeat_with(move || pauses.next()).take(100).collect::<Vec<_>>()
        };
        let usual = pauses(Duration::from_millis(100), Duration::from_secs(1));
        assert_eq!(usual[..3], [100, 150, 225].map(Duration::from_millis));
        assert_eq!(usual[99], Duration::from_secs(1));
        assert!(pauses(Duration::ZERO, Duration::ZERO).iter().all(|pause| *pause == SHORTEST_POLL));
        assert_eq!(pauses(Duration::MAX, Duration::ZERO)[99], Duration::MAX);
    }
}
