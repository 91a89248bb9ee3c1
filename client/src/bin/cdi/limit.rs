//! The timeout of a whole command, finding the integration included.

use std::time::{Duration, Instant};

use crate::failure::{Exit, Failure};

/// The longest time for a command, counted from its start.
#[derive(Clone, Copy)]
pub(crate) struct TimeLimit {
    whole: Option<Duration>,
    begun: Instant,
}

impl TimeLimit {
    /// Starts now. `None` is no limit.
    pub(crate) fn new(whole: Option<Duration>) -> TimeLimit {
        TimeLimit { whole, begun: Instant::now() }
    }

    pub(crate) fn whole(&self) -> Option<Duration> {
        self.whole
    }

    /// What is left of it.
    pub(crate) fn left(&self) -> Option<Duration> {
        self.whole.map(|whole| whole.saturating_sub(self.begun.elapsed()))
    }

    /// Does the work unless the time passes first; then `None`.
    pub(crate) async fn keep<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        match self.left() {
            Some(left) => tokio::time::timeout(left, work).await.ok(),
            None => Some(work.await),
        }
    }

    /// The failure of a command whose time has passed.
    pub(crate) fn passed(&self, so_far: &str) -> Failure {
        let message = format!("gave up after {}: {so_far}", shown(self.whole.unwrap_or_default()));
        Failure::new(Exit::TimedOut, "deadline", message)
    }
}

/// A timeout as the library shows it: in the largest unit that divides it.
fn shown(timeout: Duration) -> String {
    match (timeout.as_secs(), timeout.subsec_nanos()) {
        (seconds @ 3600.., 0) if seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        (seconds @ 60.., 0) if seconds % 60 == 0 => format!("{} min", seconds / 60),
        (seconds, 0) => format!("{seconds} s"),
        (0, _) => format!("{} ms", timeout.as_secs_f64() * 1000.0),
        _ => format!("{} s", timeout.as_secs_f64()),
    }
}
