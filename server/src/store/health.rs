//! Whether the store works, as the process last saw it.
//!
//! When it stops working the log says so once, and once when it works again. While it cannot be reached nobody waits for
//! it: every call fails at once, and one task asks until there is an answer.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::StoreError;
use super::error::Trouble;

/// A store that has answered so recently is not away: whoever gets no connection stands in a queue.
const ANSWERED: Duration = Duration::from_secs(5);
/// A disk counts as full for so long after the last write that found no space. Small writes may find some.
const FULL: Duration = Duration::from_secs(2);

/// What is known of the store.
#[derive(Debug, Default)]
pub(super) struct Health {
    state: Mutex<State>,
    back: Notify,
}

#[derive(Debug, Default)]
struct State {
    episode: Option<Episode>,
    /// When it last answered anything.
    answered: Option<Instant>,
    /// When it last began to work again.
    back: Option<Instant>,
}

/// A time in which it does not work.
#[derive(Debug)]
struct Episode {
    since: Instant,
    last: Instant,
    trouble: Trouble,
    reason: String,
}

impl Health {
    /// Fails while the store is known to be away.
    pub fn check(&self) -> Result<(), StoreError> {
        match &self.lock().episode {
            Some(Episode { trouble: Trouble::Away, reason, .. }) => {
                Err(StoreError::Unavailable { trouble: Trouble::Away, reason: reason.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Takes note of how a call has ended. True where that begins a time in which the store does not work: then somebody has
    /// to ask until it works again.
    pub fn note<T>(&self, result: &Result<T, StoreError>) -> bool {
        let mut state = self.lock();
        let now = Instant::now();
        let (trouble, reason) = match result {
            Err(StoreError::Unavailable { trouble: Trouble::Queue, .. })
                if state.answered.is_some_and(|answered| now - answered < ANSWERED) =>
            {
                return false;
            }
            Err(StoreError::Unavailable { trouble: Trouble::Queue | Trouble::Away, reason }) => (Trouble::Away, reason),
            // All else is an answer.
            Err(StoreError::Unavailable { trouble: Trouble::Full, reason }) => {
                state.answered = Some(now);
                (Trouble::Full, reason)
            }
            _ => {
                state.answered = Some(now);
                return false;
            }
        };
        match &mut state.episode {
            Some(episode) => {
                episode.last = now;
                // It may become worse before it becomes better.
                if trouble == Trouble::Away {
                    episode.trouble = trouble;
                }
                false
            }
            None => {
                state.episode = Some(Episode { since: now, last: now, trouble, reason: reason.clone() });
                drop(state);
                let until = "requests are answered 503 and syncs pause until it is back";
                tracing::warn!(reason, "the store is {trouble}; {until}");
                true
            }
        }
    }

    /// Whether it is worth asking whether the store works again.
    pub fn may_work_again(&self) -> bool {
        match &self.lock().episode {
            Some(episode) => episode.trouble == Trouble::Away || episode.last.elapsed() > FULL,
            None => true,
        }
    }

    /// Takes note that it works again.
    pub fn works_again(&self) {
        let mut state = self.lock();
        let now = Instant::now();
        (state.answered, state.back) = (Some(now), Some(now));
        let episode = state.episode.take();
        drop(state);
        if let Some(episode) = episode {
            tracing::info!(after = ?episode.since.elapsed(), "the store is back");
        }
        self.back.notify_waiters();
    }

    /// How long ago the store began to work again, if it once did not.
    pub fn back_since(&self) -> Option<Duration> {
        self.lock().back.map(|back| back.elapsed())
    }

    /// Waits until the store works again.
    pub async fn until_back(&self) {
        self.back.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // It is whole after every statement.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(trouble: Trouble) -> Result<(), StoreError> {
        Err(StoreError::Unavailable { trouble, reason: "why".into() })
    }

    #[test]
    fn nobody_waits_for_a_store_that_is_known_to_be_away() {
        let health = Health::default();
        assert!(!health.note(&error(Trouble::Busy)));
        assert!(health.check().is_ok());
        assert!(health.note(&error(Trouble::Away)));
        assert!(!health.note(&error(Trouble::Away)), "one asks");
        assert!(health.check().unwrap_err().is_unavailable());
        // A call that had begun before may still succeed.
        assert!(!health.note(&Ok(())));
        assert!(health.check().is_err());
        assert_eq!(health.back_since(), None);
        health.works_again();
        assert!(health.check().is_ok() && health.back_since().is_some());
    }

    #[test]
    fn a_write_that_finds_space_does_not_yet_end_a_full_disk() {
        let health = Health::default();
        assert!(health.note(&error(Trouble::Full)));
        assert!(health.check().is_ok(), "reading works");
        health.note(&Ok(()));
        assert!(!health.may_work_again() && health.back_since().is_none());
        assert!(!health.note(&error(Trouble::Away)), "somebody asks already");
        assert!(health.check().is_err() && health.may_work_again());
    }

    #[test]
    fn a_queue_is_no_sign_that_a_store_is_away_that_answers_others() {
        let health = Health::default();
        health.note(&Ok(()));
        assert!(!health.note(&error(Trouble::Queue)));
        assert!(health.check().is_ok());
        let silent = Health::default();
        assert!(silent.note(&error(Trouble::Queue)));
        assert!(silent.check().is_err());
    }
}
