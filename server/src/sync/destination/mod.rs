//! Where objects go.

mod answer;
mod jsonl;
mod users_track;
mod wait;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::SyncError;
use super::batch::Batch;
use super::hold::Fence;
use super::object::Reader;
use crate::config::{self, Integration};

use jsonl::Jsonl;
use users_track::UsersTrack;

/// What became of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The destination has it; where the destination then is, if it counts that.
    Delivered(Option<Position>),
    /// The destination refuses it for good, with the reason.
    Refused(String),
}

/// Where in a file: which file that is on its disk, and how many bytes are before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The file's number on its disk.
    pub file: u64,
    /// Bytes.
    pub offset: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.offset)
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Position, ()> {
        let (file, offset) = text.split_once(':').ok_or(())?;
        Ok(Position { file: file.parse().map_err(drop)?, offset: offset.parse().map_err(drop)? })
    }
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
    /// `/users/track` and `/users/delete`.
    UsersTrack(UsersTrack),
    /// A file.
    Jsonl(Jsonl),
}

impl Destination {
    /// Opens it. `position` is where it was at the last checkpoint of the job, if the job is resumed.
    pub async fn open(
        integration: &Integration,
        position: Option<Position>,
        fence: Fence,
        first_pause: Duration,
    ) -> Result<Destination, SyncError> {
        match &integration.destination {
            config::Destination::UsersTrack(settings) => {
                UsersTrack::open(settings, integration.kind, fence, first_pause).map(Destination::UsersTrack)
            }
            config::Destination::Jsonl { path } => Jsonl::open(path, position, fence).await.map(Destination::Jsonl),
        }
    }

    /// How much may travel at once.
    pub fn limits(&self) -> Limits {
        match self {
            Destination::UsersTrack(service) => service.limits(),
            Destination::Jsonl(_) => jsonl::LIMITS,
        }
    }

    /// Where it is, if it counts that.
    pub fn position(&self) -> Option<Position> {
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

    /// Makes what was delivered outlive a power cut, where that is up to us. Once it has failed it always fails.
    pub async fn flush(&self) -> Result<(), SyncError> {
        match self {
            Destination::UsersTrack(_) => Ok(()),
            Destination::Jsonl(file) => file.flush().await,
        }
    }
}

/// Who reads a destination's objects.
pub fn reader(destination: &config::Destination) -> Reader {
    match destination {
        config::Destination::UsersTrack(settings) => {
            Reader::Service { update_existing_only: settings.update_existing_only }
        }
        config::Destination::Jsonl { .. } => Reader::File,
    }
}

/// Looks whether a destination would take objects, and delivers none.
pub async fn look(integration: &Integration) -> Result<(), SyncError> {
    match &integration.destination {
        config::Destination::UsersTrack(settings) => {
            UsersTrack::open(settings, integration.kind, Fence::none(), Duration::ZERO)?.look().await
        }
        config::Destination::Jsonl { path } => jsonl::look(path),
    }
}
