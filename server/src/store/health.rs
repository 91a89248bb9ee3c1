//! Whether the store works, as the process last saw it.
//!
//! When it stops working the log says so once, and once when it works again. While it cannot be reached nobody waits for
//! it: every call fails at once, and one task asks until there is an answer.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::StoreError;
use super::error::Trouble;

/// What is known of the store.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    trouble: Option<Episode>,
    /// When it last began to work again.
    back: Option<Instant>,
}

/// A time in which it does not work.
#[derive(Debug)]
struct Episode {
    since: Instant,
    trouble: Trouble,
    reason: String,
}

/// What a call has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Nothing that was not known.
    Nothing,
    /// It has just become known that it cannot be reached: somebody has to ask until there is an answer.
    BecameAway,
}

impl Health {
    /// Fails while the store is known to be away.
    pub fn check(&self) -> Result<(), StoreError> {
        match &self.lock().trouble {
            Some(Episode { trouble: Trouble::Away, reason, .. }) => {
                Err(StoreError::Unavailable { trouble: Trouble::Away, reason: reason.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Takes note of how a call has ended. Only a call that writes shows that there is space again.
    pub fn note<T>(&self, result: &Result<T, StoreError>, writes: bool) -> Shown {
        match result {
            Err(StoreError::Unavailable { trouble, reason }) => self.note_trouble(*trouble, reason),
            // An error about what was asked is an answer too, but shows nothing of space.
            Err(_) => Shown::Nothing,
            Ok(_) => {
                let full = |episode: &Episode| episode.trouble == Trouble::Full;
                if writes && self.lock().trouble.as_ref().is_some_and(full) {
                    self.works_again();
                }
                Shown::Nothing
            }
        }
    }

    fn note_trouble(&self, trouble: Trouble, reason: &str) -> Shown {
        let mut state = self.lock();
        match (&mut state.trouble, trouble) {
            (_, Trouble::Busy) => Shown::Nothing,
            (None, _) => {
                let episode = Episode { since: Instant::now(), trouble, reason: reason.to_owned() };
                state.trouble = Some(episode);
                drop(state);
                let until = "requests are answered 503 and syncs pause until it is back";
                tracing::warn!(reason, "the store is {trouble}; {until}");
                if trouble == Trouble::Away { Shown::BecameAway } else { Shown::Nothing }
            }
            (Some(episode), Trouble::Away) if episode.trouble != Trouble::Away => {
                episode.trouble = trouble;
                Shown::BecameAway
            }
            (Some(_), _) => Shown::Nothing,
        }
    }

    /// Takes note that it works again.
    pub fn works_again(&self) {
        let mut state = self.lock();
        if let Some(episode) = state.trouble.take() {
            state.back = Some(Instant::now());
            drop(state);
            tracing::info!(after = ?episode.since.elapsed(), "the store is back");
        }
    }

    /// How long it has worked again, if it once did not.
    pub fn back_for(&self) -> Option<Duration> {
        self.lock().back.map(|back| back.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // It is whole after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        assert_eq!(health.note(&error(Trouble::Busy), true), Shown::Nothing);
        assert!(health.check().is_ok());
        assert_eq!(health.note(&error(Trouble::Away), false), Shown::BecameAway);
        assert_eq!(health.note(&error(Trouble::Away), false), Shown::Nothing, "one asks");
        assert!(health.check().unwrap_err().is_unavailable());
        // A call that had begun before may still succeed.
        health.note(&Ok(()), true);
        assert!(health.check().is_err());
        assert_eq!(health.back_for(), None);
        health.works_again();
        assert!(health.check().is_ok() && health.back_for().is_some());
    }

    #[test]
    fn only_a_write_shows_that_there_is_space_again() {
        let health = Health::default();
        health.note(&error(Trouble::Full), true);
        assert!(health.check().is_ok(), "reading works");
        health.note(&Ok(()), false);
        assert_eq!(health.back_for(), None);
        health.note(&Ok(()), true);
        assert!(health.back_for().is_some());
        // It may become worse before it becomes better.
        health.note(&error(Trouble::Full), true);
        assert_eq!(health.note(&error(Trouble::Away), true), Shown::BecameAway);
    }
}
