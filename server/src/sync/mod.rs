//! Syncs: a worker claims a job, reads the rows above the watermark, delivers an object of each, and ends the job.
//!
//! Delivery is at least once: the watermark moves only over rows that were delivered or refused for good, so what was in
//! flight when a process died is sent again and nothing is left out.

mod batch;
mod destination;
mod feed;
mod held_back;
mod inspect;
mod lease_keeper;
mod object;
mod passing;
mod progress;
mod row;
mod run;
mod shared;
mod shutdown;
mod slots;
mod source;
#[cfg(test)]
mod tests;
mod worker;

pub use destination::look as check_destination;
pub use inspect::{Planned, Preview, preview};
pub use run::CANCELLED;
pub use source::look as check_source;
pub use worker::Workers;

/// The watermark of the engine that this one replaces, until it is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermark {
    /// The `UPDATED_AT` that was reached.
    pub updated_at: chrono::DateTime<chrono::Utc>,
    /// How many rows at it are dealt with.
    pub rows_at: u64,
    /// A digest of those, where there may be more that are not dealt with.
    pub digest: Option<u64>,
}

impl Watermark {
    /// What a store's watermark says.
    pub fn of(stored: crate::store::Watermark) -> Option<Watermark> {
        stored.updated_at.map(|updated_at| Watermark { updated_at, rows_at: 0, digest: Some(0) })
    }

    /// What a store is told.
    pub fn stored(self) -> crate::store::Watermark {
        let read_from = Some(self.updated_at);
        crate::store::Watermark { updated_at: Some(self.updated_at), read_from, overflow: None }
    }
}

/// Why a sync, or a try of its connections, did not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyncError {
    /// The integration cannot work as it is configured: trying again changes nothing until somebody repairs it.
    #[error("{0}")]
    Config(String),
    /// It did not work this time.
    #[error("{0}")]
    Failed(String),
    /// It did not work just now and may soon: a lock, a connection that broke, too many open files. It is tried again.
    #[error("{0}")]
    Passing(String),
}
