//! Where objects go.

mod answer;
mod failures;
mod jsonl;
mod patience;
mod stretches;
mod suspects;
mod users_track;
mod wait;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::SyncError;
use super::batch::Batch;
use super::lease_keeper::Fence;
use super::object::Reader;
use super::shutdown::Stop;
use super::slots::Slot;
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
    /// It was refused, but perhaps for something that is no matter of rows. It counts as refused, with the reason, once
    /// [`Destination::confirmed`] is larger than its number.
    Suspected(u64, String),
}

/// What became of a batch.
#[derive(Debug)]
pub struct Delivery {
    /// The batch.
    pub batch: Batch,
    /// For each object what became of it; nothing where that is not known and it is to be sent again.
    pub outcomes: Vec<Option<Outcome>>,
    /// Why the run cannot go on, if it cannot.
    pub ended: Result<(), SyncError>,
}

/// Where in a file: which file in the whole world, and how many bytes are before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The file.
    pub file: FileIdentity,
    /// Bytes.
    pub offset: u64,
}

/// A number for a file: for its machine, its disk there, and its number on that disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity(pub u128);

/// Hexadecimal digits of an identity. Older versions wrote the file's number on its disk, which is shorter.
const DIGITS: usize = 32;

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:0DIGITS$x}:{}", self.file.0, self.offset)
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Position, ()> {
        let (file, offset) = text.split_once(':').ok_or(())?;
        if file.len() != DIGITS || !file.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(());
        }
        let file = u128::from_str_radix(file, 16).map_err(drop)?;
        Ok(Position { file: FileIdentity(file), offset: offset.parse().map_err(drop)? })
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

/// What a run tells its destination of itself.
#[derive(Debug, Clone)]
pub struct DeliveryContext {
    /// What every delivery must pass.
    pub fence: Fence,
    /// Tells that the run is to stop: nothing is waited for any more.
    pub stop: Stop,
    /// The run's right to work, given up in pauses.
    pub slot: Slot,
    /// The first pause after a failed request; each further one is twice as long.
    pub first_pause: Duration,
}

impl DeliveryContext {
    /// Outside of any run.
    pub fn none() -> DeliveryContext {
        DeliveryContext {
            fence: Fence::none(),
            stop: Stop::never(),
            slot: Slot::unlimited(),
            first_pause: Duration::ZERO,
        }
    }
}

/// A destination that is open for a run.
#[derive(Debug)]
pub enum Destination {
    /// `/users/track` and `/users/delete`.
    UsersTrack(Box<UsersTrack>),
    /// A file.
    Jsonl(Jsonl),
}

impl Destination {
    /// Opens it. `position` is where it was at the last checkpoint of the job, if the job is resumed.
    pub async fn open(
        integration: &Integration,
        position: Option<Position>,
        context: DeliveryContext,
    ) -> Result<Destination, SyncError> {
        match &integration.destination {
            config::Destination::UsersTrack(settings) => {
                let service = UsersTrack::open(settings, integration.kind, context)?;
                Ok(Destination::UsersTrack(Box::new(service)))
            }
            config::Destination::Jsonl { path } => Jsonl::open(path, position, context).await.map(Destination::Jsonl),
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

    /// Delivers a batch. Objects without an outcome may have arrived.
    pub async fn deliver(&self, batch: Batch) -> Delivery {
        match self {
            Destination::UsersTrack(service) => {
                let mut outcomes = vec![None; batch.len()];
                let ended = service.deliver(&batch, &mut outcomes).await;
                Delivery { batch, outcomes, ended }
            }
            Destination::Jsonl(file) => match file.deliver(batch).await {
                Ok((batch, outcomes)) => Delivery { batch, outcomes, ended: Ok(()) },
                Err(error) => Delivery { batch: Batch::default(), outcomes: Vec::new(), ended: Err(error) },
            },
        }
    }

    /// Takes note that rows are read from where the job is; whether it has delivered any before.
    pub fn begin(&self, accepted: bool) {
        match self {
            Destination::UsersTrack(service) => service.suspects().begin(accepted),
            Destination::Jsonl(_) => {}
        }
    }

    /// Suspected objects with a smaller number are refused for good.
    pub fn confirmed(&self) -> u64 {
        match self {
            Destination::UsersTrack(service) => service.suspects().confirmed(),
            Destination::Jsonl(_) => 0,
        }
    }

    /// Decides, after the last object of a job, whether those that are still suspected are refused for good.
    pub fn judge_rest(&self) -> Result<(), SyncError> {
        match self {
            Destination::UsersTrack(service) => service.suspects().judge_rest(),
            Destination::Jsonl(_) => Ok(()),
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
            UsersTrack::open(settings, integration.kind, DeliveryContext::none())?.look().await
        }
        config::Destination::Jsonl { path } => jsonl::look(path),
    }
}
