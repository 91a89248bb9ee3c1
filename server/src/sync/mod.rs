//! Syncs: a worker claims a job, reads the rows that may be new, delivers an object of each that is not in the record of
//! what was acknowledged, and ends the job.
//!
//! Delivery is at least once: what is in flight when a process dies is sent again, and nothing is left out.

mod batch;
mod destination;
mod held_back;
mod inspect;
mod lease_keeper;
mod object;
mod passing;
mod pipeline;
mod progress;
mod record;
mod route;
mod row;
mod row_filter;
mod run;
mod shared_progress;
mod shutdown;
mod slots;
mod source;
#[cfg(test)]
mod tests;
mod worker;

pub use destination::look as check_destination;
pub use inspect::{Known, Planned, Preview, preview};
pub use run::CANCELLED;
pub use source::look as check_source;
pub use worker::Workers;

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
