//! How a run is told to stop, and by when it has to have ended.

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Tells a run that it is to stop.
#[derive(Debug, Clone)]
pub struct Stop(Option<watch::Receiver<Option<Instant>>>);

impl Stop {
    /// A channel on which a moment can be sent by which everything has to have ended.
    pub fn channel() -> (watch::Sender<Option<Instant>>, Stop) {
        let (stop, asked) = watch::channel(None);
        (stop, Stop(Some(asked)))
    }

    /// Nobody ever asks.
    pub fn never() -> Stop {
        Stop(None)
    }

    /// Whether the run is to stop.
    pub fn is_asked(&self) -> bool {
        self.0.as_ref().is_some_and(|asked| asked.borrow().is_some() || asked.has_changed().is_err())
    }

    /// Waits until the run is to stop.
    pub async fn asked(&self) {
        self.when().await;
    }

    /// Waits until the time is over in which a run may end by itself.
    pub async fn deadline(&self) {
        sleep_until(self.when().await).await;
    }

    /// Waits until the run is to stop; the moment by which it has to have ended.
    pub async fn when(&self) -> Instant {
        let Some(mut asked) = self.0.clone() else { return std::future::pending().await };
        match asked.wait_for(Option::is_some).await.map(|deadline| *deadline) {
            Ok(Some(deadline)) => deadline,
            // Whoever could have asked is gone: this very moment.
            Ok(None) | Err(_) => Instant::now(),
        }
    }
}
