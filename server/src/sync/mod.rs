//! The sync engine. A worker claims a job, reads the rows that may be new, delivers one object for each row that is not in
//! the record of acknowledged rows, and ends the job. A row is acknowledged once it is delivered or refused for good.
//!
//! Delivery is at least once: what is in flight when a process dies is sent again, and no row is skipped. Kinds of sources
//! and destinations are implemented elsewhere; the engine uses the traits [`Source`] and [`Destination`].

pub mod batch;
mod comparison;
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
mod source_retry;
#[cfg(test)]
mod tests;
mod trouble;
mod user_attributes;
mod worker;
mod worker_config;

pub use comparison::Comparison;
pub use destination::Destination;
pub use error::SyncError;
pub use integration::{Integration, Integrations};
pub use object::{Warning, WarningKind};
pub use preview::{Known, Planned, Preview, Saving, bounded_preview, preview};
pub use run::CANCELLED;
pub use source::Source;
pub use worker::Workers;
pub use worker_config::WorkerConfig;
