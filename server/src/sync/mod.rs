//! Syncs: a worker claims a job, reads the rows above the watermark, delivers an object of each, and ends the job.
//!
//! Delivery is at least once: the watermark moves only over rows that were delivered or refused for good, so what was in
//! flight when a process died is sent again and nothing is left out. Nothing here knows a kind of source or destination:
//! [`Source`] and [`Destination`] say what is asked of them.

pub mod batch;
pub mod destination;
mod error;
mod feed;
mod held_back;
mod integration;
pub mod lease_keeper;
pub mod object;
mod preview;
mod progress;
pub mod row;
mod run;
mod shared;
pub mod shutdown;
pub mod slots;
pub mod source;
#[cfg(test)]
mod tests;
mod worker;
mod worker_config;

pub use destination::Destination;
pub use error::SyncError;
pub use integration::Integration;
pub use preview::{Planned, Preview, preview};
pub use run::CANCELLED;
pub use source::Source;
pub use worker::Workers;
pub use worker_config::WorkerConfig;
