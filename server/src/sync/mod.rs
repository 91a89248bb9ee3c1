//! Syncs: a worker claims a job, reads the rows above the watermark, delivers an object of each, and ends the job.
//!
//! Delivery is at least once: the watermark moves only over rows that were delivered or refused for good, so what was in
//! flight when a process died is sent again and nothing is left out.

mod batch;
mod destination;
mod error;
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
mod worker_config;

pub use destination::look as check_destination;
pub use error::SyncError;
pub use inspect::{Planned, Preview, preview};
pub use run::CANCELLED;
pub use source::look as check_source;
pub use worker::Workers;
pub use worker_config::WorkerConfig;
