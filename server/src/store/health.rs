//! The store's availability, as this process last saw it.
//!
//! An outage is logged once when it begins and once when it ends, and seldom if its reason changes. Outages that follow one
//! another at once, as when a statement fails that no probe makes, are logged only if they last. While the store is unreachable every call fails at once,
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
const REASON_INTERVAL: Duration = Duration::from_secs(60);
/// An outage that begins this soon after the last one is logged only once it has lasted for [`LASTING`].
const AGAIN: Duration = Duration::from_secs(5);
/// See [`AGAIN`].
const LASTING: Duration = Duration::from_secs(10);
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
        let recovered = state.recovered;
        let Some(outage) = &mut state.outage else { return };
        let follows = recovered.is_some_and(|recovered| outage.since - recovered < AGAIN);
        if outage.kind == Unavailability::Unreachable && follows && outage.since.elapsed() < LASTING {
            return;
        }
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
        outage.reason.clone_from(&reason);
        match &mut outage.logged {
            None => {
                drop(state);
                self.log_outage();
            }
            Some((logged, at)) if *logged != reason && at.elapsed() >= REASON_INTERVAL => {
                (*logged, *at) = (reason.clone(), Instant::now());
                drop(state);
                tracing::info!(reason, "the store is still unavailable");
            }
            Some(_) => {}
        }
    }

    /// Ends the outage.
    pub fn mark_recovered(&self) {
        let mut state = self.lock();
        let now = Instant::now();
        (state.answered, state.recovered) = (Some(now), Some(now));
        let outage = state.outage.take();
        drop(state);
        if let Some(outage) = outage.filter(|outage| outage.logged.is_some()) {
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
        if now - shortage.last >= RECENT_ANSWER {
            // It was over meanwhile.
            shortage.since = now;
        }
        shortage.last = now;
        if !shortage.is_logged && now - shortage.since > RECENT_ANSWER {
            shortage.is_logged = true;
            tracing::warn!(reason, "the store answers some calls, and others get no connection to it");
        }
        self.shortage = Some(shortage);
    }
}

#[cfg(test)]
mod tests;
