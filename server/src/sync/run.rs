//! One run of a job: source → objects → destination, with checkpoints on the way, under a lease.
//!
//! What a checkpoint says was made durable first. When the lease cannot be held, everything under way is dropped before it
//! runs out.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

use super::SyncError;
use super::destination::{DeliveryContext, Destination, Limits, Position};
use super::feed::{Reached, deliver};
use super::lease_keeper::{Clock, Fence, LeaseKeeper};
use super::progress::{Progress, Start};
use super::shared::Shared;
use super::shutdown::Stop;
use super::slots::Slot;
use super::source::{self, Opening, Read};
use crate::config::Integration;
use crate::store::{Checkpoint, Claimed, JobStatus, Store, StoreError};

/// How a run paces itself.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How often to write down how far it has got.
    pub checkpoint: Duration,
    /// The first pause after a failed request; each further one is twice as long.
    pub first_pause: Duration,
    /// The most objects in a batch, however many the destination takes.
    pub batch: usize,
}

impl Pace {
    /// What is kind to everybody.
    pub const USUAL: Pace =
        Pace { checkpoint: Duration::from_millis(250), first_pause: Duration::from_millis(250), batch: usize::MAX };
}

/// What a worker needs to run jobs of an integration.
#[derive(Debug, Clone)]
pub struct Runner<'a> {
    /// Where jobs are.
    pub store: &'a Store,
    /// Theirs.
    pub integration: &'a Integration,
    /// How long a lease is.
    pub lease: Duration,
    /// How runs pace themselves.
    pub pace: Pace,
    /// Tells when the process is to stop.
    pub stop: Stop,
    /// The right to work.
    pub slot: Slot,
    /// By which leases are counted.
    pub clock: Clock,
}

impl Runner<'_> {
    /// Runs a claimed job to its end, or gives it back when the process is to stop. `claimed_at` is a moment of the clock
    /// before it was claimed.
    pub async fn run(&self, claimed: Claimed, claimed_at: Duration) -> Result<(), StoreError> {
        let hold = LeaseKeeper::new(self.store, &claimed.lease, self.lease, claimed_at, self.clock);
        let run = Run {
            runner: self,
            claimed: &claimed,
            fence: hold.fence(),
            progress: Shared::new(start(&claimed, None)),
            destination: OnceLock::new(),
            durable: Mutex::new(Progress::new(start(&claimed, None)).so_far()),
        };
        let reached = tokio::select! {
            biased;
            lost = hold.keep() => return Err(lost),
            () = self.stop.deadline() => Ok(Reached::Stop),
            reached = run.sync() => reached,
        };
        tokio::select! {
            biased;
            lost = hold.keep() => Err(lost),
            written = run.write_end(reached) => written,
        }
    }
}

/// Ends a job that has lost too many workers.
pub async fn give_up(store: &Store, claimed: &Claimed) -> Result<(), StoreError> {
    let cause = format!("{} workers in a row ended while they had this job", claimed.attempts - 1);
    let checkpoint = Progress::new(start(claimed, None)).so_far();
    store.finish(&claimed.lease, claimed.integration, &checkpoint, JobStatus::Error, Some(&cause)).await
}

fn start(claimed: &Claimed, position: Option<Position>) -> Start {
    let written = || claimed.position.as_ref().and_then(|position| position.parse().ok());
    Start {
        watermark: claimed.watermark,
        rows_synced: claimed.rows_synced,
        rows_failed: claimed.rows_failed,
        position: position.or_else(written),
    }
}

struct Run<'a> {
    runner: &'a Runner<'a>,
    claimed: &'a Claimed,
    fence: Fence,
    progress: Shared,
    destination: OnceLock<Arc<Destination>>,
    /// What may be written down because it outlives a power cut.
    durable: Mutex<Checkpoint>,
}

impl Run<'_> {
    async fn sync(&self) -> Result<Reached, SyncError> {
        let Runner { integration, pace, stop, .. } = self.runner;
        let mut reading = source::read(integration, self.claimed.watermark).await?;
        let begun = start(self.claimed, None);
        let context = DeliveryContext {
            fence: self.fence.clone(),
            stop: stop.clone(),
            slot: self.runner.slot.clone(),
            first_pause: pace.first_pause,
        };
        let destination = Destination::open(integration, begun.position, context.clone()).await?;
        let destination = self.destination.get_or_init(|| Arc::new(destination));
        let Read::Opened(opening) = reading.next().await? else {
            return Err(SyncError::Failed("the source began without saying where".into()));
        };
        self.begin(opening, destination).await?;
        let limits = destination.limits();
        let limits = Limits { objects: limits.objects.min(pace.batch), ..limits };
        tokio::select! {
            reached = deliver(&mut reading, destination, limits, integration, &self.progress, &context) => reached,
            error = self.write_checkpoints(destination) => Err(error),
        }
    }

    async fn begin(&self, opening: Opening, destination: &Destination) -> Result<(), SyncError> {
        if opening.future > 0 {
            tracing::info!(rows = opening.future, "rows dated in the future wait until their time comes");
        }
        if opening.undated > 0 {
            tracing::warn!(rows = opening.undated, "rows without an UPDATED_AT are never synced");
        }
        let position = destination.position();
        let progress = Progress::new(Start { watermark: opening.watermark, ..start(self.claimed, position) });
        let checkpoint = progress.so_far();
        *self.progress.lock() = progress;
        self.set_durable(checkpoint.clone());
        if position.is_none() {
            return Ok(());
        }
        // Where a file ended before this job wrote to it must be known if this worker dies with its first batch.
        loop {
            match self.write(&checkpoint).await {
                Ok(()) => return Ok(()),
                Err(StoreError::LeaseLost) => return Err(lost()),
                Err(error) => tracing::warn!(%error, "the sync cannot begin yet; trying again"),
            }
            sleep(self.runner.pace.checkpoint).await;
        }
    }

    /// Writes checkpoints until something forbids it.
    async fn write_checkpoints(&self, destination: &Destination) -> SyncError {
        loop {
            tokio::select! {
                () = sleep(self.runner.pace.checkpoint) => {}
                () = self.progress.urgent() => {}
            }
            if !self.progress.lock().is_new() {
                continue;
            }
            let checkpoint = match self.durable(destination).await {
                Ok(checkpoint) => checkpoint,
                Err(error) => return error,
            };
            match self.write(&checkpoint).await {
                Ok(()) => self.progress.written(&checkpoint),
                Err(StoreError::LeaseLost) => return lost(),
                // The lease's keeper decides when it is too late.
                Err(error) => {
                    tracing::warn!(%error, "the checkpoint could not be written; trying again");
                    sleep(self.runner.pace.checkpoint).await;
                }
            }
        }
    }

    /// Writes down how the run ended, however often that takes; nothing ends a run that is to go on elsewhere.
    async fn write_end(&self, reached: Result<Reached, SyncError>) -> Result<(), StoreError> {
        let flushed = match self.destination.get() {
            Some(destination) => self.durable(destination).await.map(drop),
            None => Ok(()),
        };
        let reached = flushed.and(reached);
        let checkpoint = self.durable.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let ended = match reached {
            Ok(Reached::Stop) => None,
            Ok(Reached::End) => Some(verdict(&checkpoint)),
            Ok(Reached::TooManyRefused(cause)) | Err(SyncError::Failed(cause) | SyncError::Passing(cause)) => {
                Some((JobStatus::Error, Some(cause)))
            }
            Err(SyncError::Config(cause)) => Some((JobStatus::ConfigError, Some(cause))),
        };
        let (store, lease, id) = (self.runner.store, &self.claimed.lease, self.runner.integration.id);
        loop {
            let written = match &ended {
                Some((status, cause)) => store.finish(lease, id, &checkpoint, *status, cause.as_deref()).await,
                None => match self.write(&checkpoint).await {
                    Ok(()) => store.release(lease).await,
                    Err(error) => Err(error),
                },
            };
            match written {
                Ok(()) => break,
                Err(error) if error.is_unavailable() => {
                    tracing::warn!(%error, "the end of the sync could not be written; trying again");
                    sleep(self.runner.pace.checkpoint).await;
                }
                Err(error) => return Err(error),
            }
        }
        let (rows_synced, rows_failed) = (checkpoint.rows_synced, checkpoint.rows_failed);
        match ended {
            None => tracing::info!(rows_synced, rows_failed, "sync given back; it goes on where it is"),
            Some((status, Some(cause))) => {
                tracing::warn!(status = status.as_str(), rows_synced, rows_failed, cause, "sync ended");
            }
            Some((status, None)) => tracing::info!(status = status.as_str(), rows_synced, rows_failed, "sync ended"),
        }
        Ok(())
    }

    /// Makes what was delivered outlive a power cut. Only what was may be written down.
    async fn durable(&self, destination: &Destination) -> Result<Checkpoint, SyncError> {
        let checkpoint = self.progress.lock().so_far();
        destination.flush().await?;
        self.set_durable(checkpoint.clone());
        Ok(checkpoint)
    }

    async fn write(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        self.runner.store.checkpoint(&self.claimed.lease, self.runner.integration.id, checkpoint).await
    }

    fn set_durable(&self, checkpoint: Checkpoint) {
        *self.durable.lock().unwrap_or_else(PoisonError::into_inner) = checkpoint;
    }
}

fn lost() -> SyncError {
    SyncError::Failed(StoreError::LeaseLost.to_string())
}

fn verdict(checkpoint: &Checkpoint) -> (JobStatus, Option<String>) {
    match (checkpoint.rows_synced, checkpoint.rows_failed) {
        (_, 0) => (JobStatus::Success, None),
        (0, failed) => (JobStatus::Error, Some(format!("none of the {failed} rows was accepted"))),
        _ => (JobStatus::Partial, None),
    }
}
