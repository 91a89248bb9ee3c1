//! How to wait, and what is told meanwhile.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

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
    pub(super) doubt: Duration,
    on_progress: Option<Arc<OnProgress>>,
}

/// What to do when another sync of the integration is in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfRunning {
    /// Return the error `429 Another job is in progress`.
    Fail,
    /// Wait until it has ended, then trigger.
    Wait,
}

type OnProgress = dyn Fn(&Progress) + Send + Sync;

impl Default for WaitOptions {
    /// Fails if another sync is in progress. An hour in all; the first look after half a second, then ever less often, up
    /// to every ten seconds; five minutes without an answer.
    fn default() -> WaitOptions {
        WaitOptions {
            if_running: IfRunning::Fail,
            timeout: Some(Duration::from_secs(60 * 60)),
            first_poll: Duration::from_millis(500),
            longest_poll: Duration::from_secs(10),
            patience: Duration::from_secs(5 * 60),
            doubt: Duration::from_secs(10),
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
            .field("doubt", &self.doubt)
            .finish_non_exhaustive()
    }
}

impl WaitOptions {
    /// What to do when another sync of the integration is in progress.
    pub fn if_running(mut self, what: IfRunning) -> WaitOptions {
        self.if_running = what;
        self
    }

    /// How long to wait in all; `None` waits for ever.
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> WaitOptions {
        self.timeout = timeout.into();
        self
    }

    /// The first and the longest pause between two looks at the jobs; each is at least a hundredth of a second.
    pub fn poll(mut self, first: Duration, longest: Duration) -> WaitOptions {
        self.first_poll = first.max(SHORTEST_POLL);
        self.longest_poll = longest.max(self.first_poll);
        self
    }

    /// How long the server may be away, refuse for the rate limit, or list a job no more that it has listed, while that is
    /// waited for; 5 minutes unless told.
    pub fn patience(mut self, patience: Duration) -> WaitOptions {
        self.patience = patience;
        self
    }

    /// How long to look for a new job after a trigger of which nobody knows whether it arrived; 10 seconds unless told.
    pub fn doubt(mut self, doubt: Duration) -> WaitOptions {
        self.doubt = doubt;
        self
    }

    /// Is called with everything that happens.
    pub fn on_progress(mut self, call: impl Fn(&Progress) + Send + Sync + 'static) -> WaitOptions {
        self.on_progress = Some(Arc::new(call));
        self
    }

    pub(super) fn pauses(&self) -> Pauses {
        Pauses { next: self.first_poll, longest: self.longest_poll }
    }

    pub(super) fn tell(&self, progress: Progress) {
        if let Some(call) = &self.on_progress {
            call(&progress);
        }
    }
}

/// The pauses between looks, each half as long again as the one before.
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

/// What happens while a sync is waited for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Progress {
    /// Another sync is in progress and is waited for; told whenever that has changed.
    Busy(Job),
    /// The trigger is being sent.
    Triggering,
    /// The trigger was refused, or found nobody, and has started nothing; it is sent again.
    Refused(String),
    /// The trigger was accepted.
    Triggered,
    /// The job as it is now; told when it was found and whenever it has changed, the last time when it has ended.
    Job(Job),
    /// The server could not be asked just now; it is asked again.
    Trouble(String),
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
