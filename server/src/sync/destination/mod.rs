//! Where objects go.

mod answer;
mod jsonl;
mod users_track;
mod wait;

use super::SyncError;
use super::batch::Batch;
use crate::config;

use jsonl::Jsonl;
use users_track::UsersTrack;

/// What became of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The destination has it; where the destination then is, if it counts that.
    Delivered(Option<u64>),
    /// The destination refuses it for good, with the reason.
    Refused(String),
}

/// How much may travel at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Batches under way at the same time. Rows of one user never travel in two of them.
    pub lanes: usize,
    /// Objects in a batch.
    pub objects: usize,
    /// Bytes in a batch. A larger object travels alone.
    pub bytes: usize,
    /// What stands after each object.
    pub separator: u8,
}

/// A destination that is open for a run.
#[derive(Debug)]
pub enum Destination {
    /// `/users/track`.
    UsersTrack(UsersTrack),
    /// A file.
    Jsonl(Jsonl),
}

impl Destination {
    /// Opens it. `position` is where it was at the last checkpoint of the job, if the job is resumed.
    pub async fn open(destination: &config::Destination, position: Option<u64>) -> Result<Destination, SyncError> {
        match destination {
            config::Destination::UsersTrack(settings) => UsersTrack::open(settings).map(Destination::UsersTrack),
            config::Destination::Jsonl { path } => Jsonl::open(path, position).await.map(Destination::Jsonl),
        }
    }

    /// How much may travel at once.
    pub fn limits(&self) -> Limits {
        match self {
            Destination::UsersTrack(_) => users_track::LIMITS,
            Destination::Jsonl(_) => jsonl::LIMITS,
        }
    }

    /// Where it is, if it counts that.
    pub fn position(&self) -> Option<u64> {
        match self {
            Destination::UsersTrack(_) => None,
            Destination::Jsonl(file) => Some(file.position()),
        }
    }

    /// Delivers a batch: one outcome for each object. An error says nothing about the objects, some may have arrived.
    pub async fn deliver(&self, batch: Batch) -> Result<(Batch, Vec<Outcome>), SyncError> {
        match self {
            Destination::UsersTrack(service) => {
                let outcomes = service.deliver(&batch).await?;
                Ok((batch, outcomes))
            }
            Destination::Jsonl(file) => file.deliver(batch).await,
        }
    }

    /// Makes what was delivered outlive a power cut, where that is up to us.
    pub async fn flush(&self) -> Result<(), SyncError> {
        match self {
            Destination::UsersTrack(_) => Ok(()),
            Destination::Jsonl(file) => file.flush().await,
        }
    }
}

/// Looks whether a destination would take objects, and delivers none.
pub async fn look(destination: &config::Destination) -> Result<(), SyncError> {
    match destination {
        config::Destination::UsersTrack(settings) => UsersTrack::open(settings)?.look().await,
        config::Destination::Jsonl { path } => jsonl::look(path),
    }
}
