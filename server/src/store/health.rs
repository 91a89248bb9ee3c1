//! The store's availability, as this process last saw it.
//!
//! An outage is logged once when it begins and once when it ends. While the store is unreachable every call fails at once,
//! and a single task probes it until it recovers.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::StoreError;
use super::error::Unavailability;
use crate::metrics::METRICS;

/// If the store has answered this recently, a caller that gets no connection waits for other callers, not for the store.
const RECENT_ANSWER: Duration = Duration::from_secs(5);
/// After a write fails for lack of disk space, recovery is probed only this much later, because small writes may succeed on a
/// nearly full disk.
const DISK_FULL_PAUSE: Duration = Duration::from_secs(2);

/// The store's availability.
#[derive(Debug, Default)]
pub(super) struct Health {
    state: Mutex<State>,
    recovered: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The current outage, if any.
    outage: Option<Outage>,
    /// When the store last answered any call.
    answered: Option<Instant>,
    /// When the last outage ended.
    recovered: Option<Instant>,
}

/// An outage.
#[derive(Debug)]
struct Outage {
    since: Instant,
    /// When a call last failed because of it.
    last_failure: Instant,
    kind: Unavailability,
    reason: String,
}

impl Health {
    /// Fails if the store is known to be unreachable.
    pub fn check(&self) -> Result<(), StoreError> {
        match &self.lock().outage {
            Some(Outage { kind: Unavailability::Unreachable, reason, .. }) => {
                Err(StoreError::Unavailable { kind: Unavailability::Unreachable, reason: reason.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Records the result of a call. Returns true if an outage begins with it; the caller must then start the task that probes
    /// the store until it recovers.
    pub fn record<T>(&self, result: &Result<T, StoreError>) -> bool {
        if let Some(kind) = result.as_ref().err().and_then(StoreError::kind) {
            METRICS.store_failed(kind);
        }
        let mut state = self.lock();
        let now = Instant::now();
        let (kind, reason) = match result {
            Err(StoreError::Unavailable { kind: Unavailability::NoConnection, .. })
                if state.answered.is_some_and(|answered| now - answered < RECENT_ANSWER) =>
            {
                return false;
            }
            Err(StoreError::Unavailable {
                kind: Unavailability::NoConnection | Unavailability::Unreachable,
                reason,
            }) => (Unavailability::Unreachable, reason),
            // Everything else is an answer.
            Err(StoreError::Unavailable { kind: Unavailability::DiskFull, reason }) => {
                state.answered = Some(now);
                (Unavailability::DiskFull, reason)
            }
            _ => {
                state.answered = Some(now);
                return false;
            }
        };
        match &mut state.outage {
            Some(outage) => {
                outage.last_failure = now;
                // Once unreachable, an outage stays so until it ends.
                if kind == Unavailability::Unreachable {
                    outage.kind = kind;
                }
                false
            }
            None => {
                state.outage = Some(Outage { since: now, last_failure: now, kind, reason: reason.clone() });
                drop(state);
                let until = "requests are answered 503 and syncs pause until it recovers";
                tracing::warn!(reason, "the store is {kind}; {until}");
                true
            }
        }
    }

    /// Whether the store should be probed now.
    pub fn may_have_recovered(&self) -> bool {
        match &self.lock().outage {
            Some(outage) => {
                outage.kind == Unavailability::Unreachable || outage.last_failure.elapsed() > DISK_FULL_PAUSE
            }
            None => true,
        }
    }

    /// Ends the outage.
    pub fn mark_recovered(&self) {
        let mut state = self.lock();
        let now = Instant::now();
        (state.answered, state.recovered) = (Some(now), Some(now));
        let outage = state.outage.take();
        drop(state);
        if let Some(outage) = outage {
            tracing::info!(after = ?outage.since.elapsed(), "the store is available again");
        }
        self.recovered.notify_waiters();
    }

    /// What is wrong, during an outage.
    pub fn outage(&self) -> Option<String> {
        self.lock().outage.as_ref().map(|outage| format!("the store is {}: {}", outage.kind, outage.reason))
    }

    /// How long ago the last outage ended, if there was one.
    pub fn time_since_recovery(&self) -> Option<Duration> {
        self.lock().recovered.map(|recovered| recovered.elapsed())
    }

    /// Waits until an outage ends.
    pub async fn recovered(&self) {
        self.recovered.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic cannot leave it inconsistent, so poisoning is ignored.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: Unavailability) -> Result<(), StoreError> {
        Err(StoreError::Unavailable { kind, reason: "why".into() })
    }

    #[test]
    fn calls_fail_at_once_while_the_store_is_unreachable() {
        let health = Health::default();
        assert!(!health.record(&error(Unavailability::Busy)));
        assert!(health.check().is_ok());
        assert!(health.record(&error(Unavailability::Unreachable)));
        assert!(!health.record(&error(Unavailability::Unreachable)), "it is probed already");
        assert!(health.check().unwrap_err().is_unavailable());
        // A call that started before the outage may still succeed.
        assert!(!health.record(&Ok(())));
        assert!(health.check().is_err());
        assert_eq!(health.time_since_recovery(), None);
        health.mark_recovered();
        assert!(health.check().is_ok() && health.time_since_recovery().is_some());
    }

    #[test]
    fn one_successful_write_does_not_end_a_full_disk() {
        let health = Health::default();
        assert!(health.record(&error(Unavailability::DiskFull)));
        assert!(health.check().is_ok(), "reading works");
        health.record(&Ok(()));
        assert!(!health.may_have_recovered() && health.time_since_recovery().is_none());
        assert!(!health.record(&error(Unavailability::Unreachable)), "it is probed already");
        assert!(health.check().is_err() && health.may_have_recovered());
    }

    #[test]
    fn a_busy_connection_pool_is_an_outage_only_if_the_store_answers_no_call() {
        let health = Health::default();
        health.record(&Ok(()));
        assert!(!health.record(&error(Unavailability::NoConnection)));
        assert!(health.check().is_ok());
        let silent = Health::default();
        assert!(silent.record(&error(Unavailability::NoConnection)));
        assert!(silent.check().is_err());
    }
}
