//! The interface of a destination.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use super::batch::Batch;
use super::error::SyncError;
use super::lease_keeper::Fence;
use super::object::ObjectEncoder;
use super::shutdown::Stop;
use super::slots::Slot;
use super::trouble::Trouble;
use crate::types::IntegrationKind;

/// A configured destination.
pub trait Destination: fmt::Debug + Send + Sync {
    /// Its `kind` in the configuration.
    fn kind(&self) -> &'static str;

    /// The service or file, without secrets. Watermarks belong to this text: destinations with different texts are different.
    fn identity(&self) -> String;

    /// The identity, and the account at it as far as that can be told apart: what one account has, another may not have.
    fn account(&self) -> String {
        self.identity()
    }

    /// The local file it writes to, if any.
    fn file(&self) -> Option<&Path>;

    /// The encoder that turns rows into objects.
    fn encoder(&self, kind: IntegrationKind) -> ObjectEncoder;

    /// Opens it for a run. For a resumed job, `position` is the [`OpenDestination::position`] of its last checkpoint.
    fn open(
        &self,
        kind: IntegrationKind,
        position: Option<String>,
        context: DeliveryContext,
    ) -> BoxFuture<'_, Result<Arc<dyn OpenDestination>, SyncError>>;

    /// What is unsafe about its settings, with what to do. It makes no connection.
    fn warning(&self) -> Option<String> {
        None
    }

    /// Checks that it accepts objects, without delivering any.
    fn probe(&self, kind: IntegrationKind) -> BoxFuture<'_, Result<(), SyncError>>;
}

/// A destination that is open for a run. The defaults suit destinations without positions, without suspects and with nothing
/// to flush.
pub trait OpenDestination: fmt::Debug + Send + Sync {
    /// Batch sizes and the number of concurrent batches.
    fn limits(&self) -> Limits;

    /// Delivers a batch. Objects without an outcome may have arrived.
    fn deliver(&self, batch: Batch) -> BoxFuture<'_, Delivery>;

    /// The mark after everything it has; zero for destinations without marks.
    fn mark(&self) -> u64 {
        0
    }

    /// The position right after the object with this mark: an opaque text that is stored with the job and passed to
    /// [`Destination::open`] when the job is resumed. `None` for destinations without positions.
    fn position(&self, _mark: u64) -> Option<String> {
        None
    }

    /// Called when a reading starts. `accepted` is whether the job has delivered any rows before.
    fn begin(&self, _accepted: bool) {}

    /// Suspected objects with a smaller number are refused for good.
    fn confirmed(&self) -> u64 {
        0
    }

    /// Decides about the remaining suspected objects after the last object of a job: `Ok` if they are refused for good, an
    /// error if the destination refuses everything.
    fn judge_rest(&self) -> Result<(), SyncError> {
        Ok(())
    }

    /// Makes delivered objects survive a power failure, if that is our responsibility. Once it has failed, it always fails.
    fn flush(&self) -> BoxFuture<'_, Result<(), SyncError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// The outcome of delivering an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The destination has it. The mark never decreases within a run; it is zero for destinations without marks.
    Delivered(u64),
    /// The destination refuses it for good, with the reason.
    Refused(String),
    /// It was refused, with the reason, but the cause may lie outside the row. It counts as refused once
    /// [`OpenDestination::confirmed`] is larger than its number.
    Suspected(u64, String),
}

/// The result of delivering a batch.
#[derive(Debug)]
pub struct Delivery {
    /// The batch.
    pub batch: Batch,
    /// The outcome of each object; `None` if it is unknown and the object must be sent again.
    pub outcomes: Vec<Option<Outcome>>,
    /// The error that ends the run, if any.
    pub ended: Result<(), SyncError>,
}

/// Batch sizes and concurrency of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Batches that are delivered at the same time, at most. With one, batches are delivered in the order of their rows.
    pub in_flight: usize,
    /// Objects in a batch.
    pub objects: usize,
    /// Bytes in a batch. A larger object is sent alone.
    pub bytes: usize,
    /// The byte after each object.
    pub separator: u8,
}

/// What a destination needs from the run that it is opened for.
#[derive(Debug, Clone)]
pub struct DeliveryContext {
    /// Must be passed before anything is sent.
    pub fence: Fence,
    /// When it is requested, the destination stops waiting and retrying.
    pub stop: Stop,
    /// The run's concurrency slot, released during pauses.
    pub slot: Slot,
    /// The first pause after a failed request; each further one is twice as long.
    pub first_pause: Duration,
    /// Where it records why it waits.
    pub trouble: Trouble,
}

impl DeliveryContext {
    /// A context outside of any run: no lease, no stop, no slot.
    pub fn none() -> DeliveryContext {
        DeliveryContext {
            fence: Fence::none(),
            stop: Stop::never(),
            slot: Slot::unlimited(),
            first_pause: Duration::ZERO,
            trouble: Trouble::default(),
        }
    }
}
