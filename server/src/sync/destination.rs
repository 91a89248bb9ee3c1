//! Where objects go: what the engine asks of a destination.

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
use crate::types::IntegrationKind;

/// A destination as it is configured.
pub trait Destination: fmt::Debug + Send + Sync {
    /// Its kind in configuration.
    fn kind(&self) -> &'static str;

    /// Which service or file it is, without secrets: two destinations with different texts are different.
    fn identity(&self) -> String;

    /// The file of this machine that it is, if it is one.
    fn file(&self) -> Option<&Path>;

    /// How rows become objects for it.
    fn encoder(&self, kind: IntegrationKind) -> ObjectEncoder;

    /// Opens it for a run. `position` is where it was at the last checkpoint of the job, in its own words, if the job is
    /// resumed.
    fn open(
        &self,
        kind: IntegrationKind,
        position: Option<String>,
        context: DeliveryContext,
    ) -> BoxFuture<'_, Result<Arc<dyn OpenDestination>, SyncError>>;

    /// Tries whether it would take objects, and delivers none.
    fn probe(&self, kind: IntegrationKind) -> BoxFuture<'_, Result<(), SyncError>>;
}

/// A destination that is open for a run. Most destinations neither count where they are nor suspect anything, nor have
/// anything to make durable.
pub trait OpenDestination: fmt::Debug + Send + Sync {
    /// How much may travel at once.
    fn limits(&self) -> Limits;

    /// Delivers a batch. Objects without an outcome may have arrived.
    fn deliver(&self, batch: Batch) -> BoxFuture<'_, Delivery>;

    /// The mark of everything that it has; zero where it does not count.
    fn mark(&self) -> u64 {
        0
    }

    /// The place behind the object with this mark, in words that are kept with the job and given back when the destination
    /// is opened for the job again; nothing where it does not count.
    fn position(&self, _mark: u64) -> Option<String> {
        None
    }

    /// Takes note that rows are read from where the job is; whether it has delivered any before.
    fn begin(&self, _accepted: bool) {}

    /// Suspected objects with a smaller number are refused for good.
    fn confirmed(&self) -> u64 {
        0
    }

    /// Decides, after the last object of a job, whether those that are still suspected are refused for good.
    fn judge_rest(&self) -> Result<(), SyncError> {
        Ok(())
    }

    /// Makes what was delivered outlive a power cut, where that is up to us. Once it has failed it always fails.
    fn flush(&self) -> BoxFuture<'_, Result<(), SyncError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// What became of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The destination has it; the object's mark, which only grows within a run, or zero where the destination does not count.
    Delivered(u64),
    /// The destination refuses it for good, with the reason.
    Refused(String),
    /// It was refused, but perhaps for something that is no matter of rows. It counts as refused, with the reason, once
    /// [`OpenDestination::confirmed`] is larger than its number.
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
