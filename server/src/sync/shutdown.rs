//! The signal that asks a run to stop, with the deadline by which it must have ended.

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The receiving side of a stop request.
#[derive(Debug, Clone)]
pub struct Stop(Option<watch::Receiver<Option<Instant>>>);

impl Stop {
    /// A channel. Sending `Some(deadline)` requests the stop; dropping the sender does so with the deadline now.
    pub fn channel() -> (watch::Sender<Option<Instant>>, Stop) {
        let (stop, asked) = watch::channel(None);
        (stop, Stop(Some(asked)))
    }

    /// A stop that is never requested.
    pub fn never() -> Stop {
        Stop(None)
    }

    /// Whether the stop was requested.
    pub fn is_asked(&self) -> bool {
        self.0.as_ref().is_some_and(|asked| asked.borrow().is_some() || asked.has_changed().is_err())
    }

    /// Waits until the stop is requested.
    pub async fn asked(&self) {
        self.asked_with_deadline().await;
    }

    /// Waits until the stop is requested and its deadline has passed.
    pub async fn deadline_passed(&self) {
        sleep_until(self.asked_with_deadline().await).await;
    }

    /// Waits until the stop is requested and returns its deadline.
    pub async fn asked_with_deadline(&self) -> Instant {
        let Some(mut asked) = self.0.clone() else { return std::future::pending().await };
        match asked.wait_for(Option::is_some).await.map(|deadline| *deadline) {
            Ok(Some(deadline)) => deadline,
            // The sender was dropped: stop now.
            Ok(None) | Err(_) => Instant::now(),
        }
    }
}
