//! Syncs: a worker claims a job, reads the rows that may be new, delivers an object of each that is not in the record of
//! what was acknowledged, and ends the job.
//!
//! Delivery is at least once: what is in flight when a process dies is sent again, and nothing is left out. Nothing here
//! knows a kind of source or destination: [`Source`] and [`Destination`] say what is asked of them.

pub mod batch;
pub mod destination;
mod error;
mod held_back;
mod integration;
pub mod lease_keeper;
pub mod object;
mod pipeline;
mod preview;
mod progress;
mod record;
pub mod row;
mod row_filter;
mod run;
mod run_tuning;
mod shared_progress;
pub mod shutdown;
pub mod slots;
pub mod source;
mod source_patience;
#[cfg(test)]
mod tests;
mod worker;
mod worker_config;

pub use destination::Destination;
pub use error::SyncError;
pub use integration::Integration;
pub use preview::{Known, Planned, Preview, preview};
pub use run::CANCELLED;
pub use source::Source;
pub use worker::Workers;
pub use worker_config::WorkerConfig;
