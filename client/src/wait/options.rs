//! How to wait, and what is told meanwhile.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::generated::types::Job;

/// How to wait for a sync.
#[derive(Clone)]
pub struct WaitOptions {
    pub(super) timeout: Option<Duration>,
    first_poll: Duration,
    longest_poll: Duration,
    pub(super) patience: Duration,
    pub(super) doubt: Duration,
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
            doubt: Duration::from_secs(10),
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
            .field("doubt", &self.doubt)
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
        self.next = pause.mul_f64(1.5).min(self.longest);
        pause
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
