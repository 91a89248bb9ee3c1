//! The store's availability, as this process last saw it.
//!
//! An outage is logged once when it begins and once when it ends. While the store is unreachable every call fails at once,
//! and a single task probes it until it recovers. It counts as reachable while any call gets an answer, even if further
//! connections are refused.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::StoreError;
use super::error::Unavailability;
use crate::metrics::METRICS;

/// If the store has answered this recently, a caller that gets no connection waits for other callers, not for the store.
const RECENT_ANSWER: Duration = Duration::from_secs(5);
/// If callers get no connection for longer than [`RECENT_ANSWER`] while others are answered, that is logged, and again only
/// after a pause of this length.
const SHORTAGE_PAUSE: Duration = Duration::from_secs(60);
/// A reason of an outage that has changed is logged at most this often.
const REASON_INTERVAL: Duration = Duration::from_secs(10);
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
    /// Callers that got no connection although others were answered.
    shortage: Option<Shortage>,
}

/// A time in which callers get no connection although others are answered.
#[derive(Debug)]
struct Shortage {
    since: Instant,
    last: Instant,
    is_logged: bool,
}

/// An outage.
#[derive(Debug)]
struct Outage {
    since: Instant,
    /// When a call last failed because of it.
    last_failure: Instant,
    kind: Unavailability,
    reason: String,
    /// The reason that was last logged, and when.
    logged: Option<(String, Instant)>,
    /// Whether the first reason says why: a pool that has no connection does not.
    is_explained: bool,
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

    /// Records the result of a call. Returns true if an outage begins with it; the caller must then start the task that logs it
    /// and probes the store until it recovers. `is_connected` is whether this process has connections to the store after the
    /// call.
    pub fn record<T>(&self, result: &Result<T, StoreError>, is_connected: bool) -> bool {
        if let Some(kind) = result.as_ref().err().and_then(StoreError::kind) {
            METRICS.store_failed(kind);
        }
        let mut state = self.lock();
        let now = Instant::now();
        let (failed, reason) = match result {
            Err(StoreError::Unavailable { kind: Unavailability::NoConnection | Unavailability::Refused, reason })
                if is_connected && state.answered.is_some_and(|answered| now - answered < RECENT_ANSWER) =>
            {
                state.lacks_connections(now, reason);
                return false;
            }
            Err(StoreError::Unavailable { kind, reason }) if *kind != Unavailability::Busy => (*kind, reason),
            // Everything else is an answer.
            _ => {
                state.answered = Some(now);
                return false;
            }
        };
        let kind = match failed {
            Unavailability::DiskFull => {
                state.answered = Some(now);
                failed
            }
            _ => Unavailability::Unreachable,
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
                state.outage = Some(Outage {
                    since: now,
                    last_failure: now,
                    kind,
                    reason: reason.clone(),
                    logged: None,
                    is_explained: failed != Unavailability::NoConnection,
                });
                state.shortage = None;
                true
            }
        }
    }

    /// Logs the beginning of an outage.
    pub fn log_outage(&self) {
        let mut state = self.lock();
        let Some(outage) = &mut state.outage else { return };
        let (kind, reason) = (outage.kind, outage.reason.clone());
        outage.logged = Some((reason.clone(), Instant::now()));
        drop(state);
        tracing::warn!(reason, "the store is {kind}; requests are answered 503 and syncs pause until it recovers");
    }

    /// Whether it is not known why the store cannot be reached.
    pub fn is_unexplained(&self) -> bool {
        self.lock().outage.as_ref().is_some_and(|outage| !outage.is_explained)
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

    /// Replaces the reason of an outage by why a probe has failed: the last error of a lost connection often says less than the
    /// first of the next one. Logs it if it has changed, but not often.
    pub fn still_unreachable(&self, error: &StoreError) {
        let reason = match error {
            StoreError::Unavailable { reason, .. } => reason.clone(),
            other => other.to_string(),
        };
        let mut state = self.lock();
        let Some(outage) = state.outage.as_mut().filter(|outage| outage.kind == Unavailability::Unreachable) else {
            return;
        };
        let is_news = |(logged, at): &(String, Instant)| *logged != reason && at.elapsed() >= REASON_INTERVAL;
        let is_news = outage.logged.as_ref().is_some_and(is_news);
        if is_news {
            outage.logged = Some((reason.clone(), Instant::now()));
        }
        outage.reason.clone_from(&reason);
        drop(state);
        if is_news {
            tracing::info!(reason, "the store is still unavailable");
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

impl State {
    /// Records that a caller got no connection, and logs it if that goes on.
    fn lacks_connections(&mut self, now: Instant, reason: &str) {
        let known = self.shortage.take().filter(|shortage| now - shortage.last < SHORTAGE_PAUSE);
        let mut shortage = known.unwrap_or(Shortage { since: now, last: now, is_logged: false });
        shortage.last = now;
        if !shortage.is_logged && now - shortage.since > RECENT_ANSWER {
            shortage.is_logged = true;
            tracing::warn!(reason, "the store answers some calls, and others get no connection to it");
        }
        self.shortage = Some(shortage);
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
        assert!(!health.record(&error(Unavailability::Busy), true));
        assert!(health.check().is_ok());
        assert!(health.record(&error(Unavailability::Unreachable), true));
        assert!(!health.record(&error(Unavailability::Unreachable), true), "it is probed already");
        assert!(health.check().unwrap_err().is_unavailable());
        // A call that started before the outage may still succeed.
        assert!(!health.record(&Ok(()), true));
        assert!(health.check().is_err());
        assert_eq!(health.time_since_recovery(), None);
        health.mark_recovered();
        assert!(health.check().is_ok() && health.time_since_recovery().is_some());
    }

    #[test]
    fn one_successful_write_does_not_end_a_full_disk() {
        let health = Health::default();
        assert!(health.record(&error(Unavailability::DiskFull), true));
        assert!(health.check().is_ok(), "reading works");
        health.record(&Ok(()), true);
        assert!(!health.may_have_recovered() && health.time_since_recovery().is_none());
        assert!(!health.record(&error(Unavailability::Unreachable), true), "it is probed already");
        assert!(health.check().is_err() && health.may_have_recovered());
    }

    #[test]
    fn a_busy_connection_pool_is_an_outage_only_if_the_store_answers_no_call() {
        let health = Health::default();
        health.record(&Ok(()), true);
        assert!(!health.record(&error(Unavailability::NoConnection), true));
        assert!(health.check().is_ok());
        assert!(health.record(&error(Unavailability::NoConnection), false), "there is none that callers wait for");
        let silent = Health::default();
        assert!(silent.record(&error(Unavailability::NoConnection), true));
        assert!(silent.check().is_err());
    }

    #[test]
    fn refused_connections_are_an_outage_only_if_there_are_no_others() {
        let health = Health::default();
        health.record(&Ok(()), true);
        assert!(!health.record(&error(Unavailability::Refused), true), "others are in use");
        assert!(health.check().is_ok());
        assert!(health.record(&error(Unavailability::Refused), false));
        assert!(health.check().is_err());
    }

    #[test]
    fn the_reason_of_an_outage_is_that_of_the_last_probe() {
        let health = Health::default();
        health.record(&error(Unavailability::NoConnection), false);
        assert!(health.is_unexplained());
        let refused = StoreError::Unavailable { kind: Unavailability::Refused, reason: "wrong password".into() };
        health.still_unreachable(&refused);
        assert_eq!(health.outage().unwrap(), "the store is unavailable: wrong password");
        let full = Health::default();
        full.record(&error(Unavailability::DiskFull), true);
        full.still_unreachable(&refused);
        assert_eq!(full.outage().unwrap(), "the store is out of disk space: why");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reason_that_has_changed_is_logged_but_not_often() {
        let (log, _logging) = crate::testing::logged();
        let health = Health::default();
        let lost = || StoreError::Unavailable { kind: Unavailability::Unreachable, reason: "connection lost".into() };
        let refused = StoreError::Unavailable { kind: Unavailability::Refused, reason: "wrong password".into() };
        health.record(&Err::<(), _>(lost()), false);
        health.log_outage();
        for _ in 0..100 {
            health.still_unreachable(&refused);
            tokio::time::advance(Duration::from_millis(250)).await;
        }
        health.mark_recovered();
        let told = ["connection lost", "wrong password", "available again"].map(|text| log.lines(text).len());
        assert_eq!(told, [1, 1, 1], "{}", log.text());
    }

    #[tokio::test(start_paused = true)]
    async fn a_lack_of_connections_is_logged_if_it_goes_on() {
        let (log, _logging) = crate::testing::logged();
        let health = Health::default();
        let lacks = || {
            health.record(&Ok(()), true);
            assert!(!health.record(&error(Unavailability::NoConnection), true));
        };
        lacks();
        tokio::time::advance(Duration::from_secs(100)).await;
        lacks();
        assert_eq!(log.text(), "", "it is over each time");
        for _ in 0..60 {
            tokio::time::advance(Duration::from_secs(1)).await;
            lacks();
        }
        assert_eq!(log.lines("others get no connection").len(), 1, "{}", log.text());
    }
}
