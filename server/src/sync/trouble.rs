//! What a run waits for: shown to operators while the job is in progress.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// The last error that made a run wait. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Trouble(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// The error, and until when it counts.
    last: Mutex<Option<(String, Instant)>>,
    begun: Notify,
}

impl Trouble {
    /// How long after a pause its cause still counts: the next attempt takes time, and may fail in the same way.
    const GRACE: Duration = Duration::from_secs(10);

    /// Records an error after which the run waits for this long.
    pub fn pauses(&self, cause: &str, pause: Duration) {
        let now = Instant::now();
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last.as_ref().map(|(_, until)| *until).filter(|until| *until > now);
        let until = now + pause + Trouble::GRACE;
        *last = Some((cause.to_owned(), known.map_or(until, |known| known.max(until))));
        drop(last);
        if known.is_none() {
            self.0.begun.notify_one();
        }
    }

    /// Waits until the run has to wait after it did not.
    pub async fn begun(&self) {
        self.0.begun.notified().await;
    }

    /// The error that the run is waiting for, if any.
    pub fn now(&self) -> Option<String> {
        let trouble = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.as_ref().filter(|(_, until)| *until > Instant::now()).map(|(cause, _)| cause.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_cause_counts_until_after_its_pause() {
        let trouble = Trouble::default();
        assert_eq!(trouble.now(), None);
        trouble.pauses("503", Duration::from_secs(30));
        trouble.begun().await;
        trouble.pauses("503", Duration::from_secs(30));
        let again = tokio::time::timeout(Duration::from_secs(1), trouble.begun()).await;
        assert!(again.is_err(), "it is the same");
        tokio::time::advance(Duration::from_secs(34)).await;
        assert_eq!(trouble.clone().now().as_deref(), Some("503"));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(trouble.now(), None);
    }
}
