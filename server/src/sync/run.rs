//! One run of a job: source → objects → destination, with checkpoints on the way, under a lease.
//!
//! Reading waits for delivering. Rows of one user go through one lane, and a lane delivers one batch after the other, so
//! a user's rows keep their order. When the lease cannot be held, everything under way is dropped before it runs out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::DateTime;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::SyncError;
use super::batch::Batch;
use super::destination::{Destination, Limits, Outcome};
use super::object;
use super::progress::{Fate, Progress, Start};
use super::row::{Identifier, Row};
use super::source::{self, Read, Reading};
use super::worker::Stop;
use crate::config::Integration;
use crate::store::{Claimed, JobStatus, Lease, RowError, Store, StoreError};

/// How often to write down how far a run has got.
const CHECKPOINT: Duration = Duration::from_millis(250);

/// Runs a claimed job to its end, or gives it back when the process is to stop. `claimed_at` is a moment before it was
/// claimed.
pub async fn run(
    store: &Store,
    claimed: Claimed,
    claimed_at: Instant,
    lease_length: Duration,
    integration: &Integration,
    stop: Stop,
) -> Result<(), StoreError> {
    let mut hold = Hold { store, lease: &claimed.lease, length: lease_length, held_until: claimed_at + lease_length };
    let progress = Shared::new(start(&claimed, None));
    let work = Work { store, claimed: &claimed, integration, progress: &progress, stop: stop.clone() };
    let outcome = tokio::select! {
        outcome = work.sync() => outcome,
        lost = hold.keep() => return Err(lost),
        () = stop.deadline() => Ok(Reached::Stop),
    };
    let ended = match outcome {
        Ok(Reached::Stop) => None,
        Ok(Reached::End) => Some(progress.verdict()),
        Err(SyncError::Config(cause)) => Some((JobStatus::ConfigError, Some(cause))),
        Err(SyncError::Failed(cause)) => Some((JobStatus::Error, Some(cause))),
    };
    tokio::select! {
        written = work.write_end(ended) => written,
        lost = hold.keep() => Err(lost),
    }
}

/// Ends a job that has lost too many workers.
pub async fn give_up(store: &Store, claimed: &Claimed) -> Result<(), StoreError> {
    let cause = format!("{} workers in a row ended while they had this job", claimed.attempts - 1);
    let checkpoint = Progress::new(start(claimed, None)).so_far();
    store.finish(&claimed.lease, claimed.integration, &checkpoint, JobStatus::Error, Some(&cause)).await
}

fn start(claimed: &Claimed, position: Option<u64>) -> Start {
    Start { watermark: claimed.watermark, rows_synced: claimed.rows_synced, rows_failed: claimed.rows_failed, position }
}

/// How far a run came.
enum Reached {
    /// There are no further rows.
    End,
    /// The process is to stop.
    Stop,
}

/// The progress as all parts of a run see it.
#[derive(Clone)]
struct Shared(Arc<Mutex<Progress>>);

impl Shared {
    fn new(start: Start) -> Shared {
        Shared(Arc::new(Mutex::new(Progress::new(start))))
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn verdict(&self) -> (JobStatus, Option<String>) {
        let come_to = self.lock().so_far();
        match (come_to.rows_synced, come_to.rows_failed) {
            (_, 0) => (JobStatus::Success, None),
            (0, failed) => (JobStatus::Error, Some(format!("none of the {failed} rows was accepted"))),
            _ => (JobStatus::Partial, None),
        }
    }
}

struct Work<'a> {
    store: &'a Store,
    claimed: &'a Claimed,
    integration: &'a Integration,
    progress: &'a Shared,
    stop: Stop,
}

impl Work<'_> {
    async fn sync(&self) -> Result<Reached, SyncError> {
        let mut reading = source::read(&self.integration.source, self.claimed.watermark).await?;
        let position = self.claimed.position.as_ref().and_then(|position| position.parse().ok());
        let destination = Arc::new(Destination::open(&self.integration.destination, position).await?);
        let Read::Opened(opening) = reading.next().await? else {
            return Err(SyncError::Failed("the source began without saying where".into()));
        };
        if opening.future > 0 {
            tracing::info!(rows = opening.future, "rows dated in the future wait until their time comes");
        }
        if opening.undated > 0 {
            tracing::warn!(rows = opening.undated, "rows without an UPDATED_AT are never synced");
        }
        *self.progress.lock() =
            Progress::new(Start { watermark: opening.watermark, ..start(self.claimed, destination.position()) });
        let delivering = self.deliver(&mut reading, &destination);
        tokio::select! {
            reached = delivering => {
                destination.flush().await?;
                reached
            }
            error = self.write_checkpoints(&destination) => Err(error),
        }
    }

    /// Moves rows until there are no more, or until the process is to stop.
    async fn deliver(&self, reading: &mut Reading, destination: &Arc<Destination>) -> Result<Reached, SyncError> {
        let limits = destination.limits();
        let mut lanes = JoinSet::new();
        let mut queues = Vec::new();
        for _ in 0..limits.lanes {
            let (queue, batches) = mpsc::channel(1);
            queues.push(queue);
            lanes.spawn(lane(batches, destination.clone(), self.progress.clone()));
        }
        let feeder = Feeder {
            limits,
            building: (0..limits.lanes).map(|_| Batch::default()).collect(),
            queues,
            progress: self.progress,
        };
        let feeding = feeder.feed(reading, &self.stop);
        tokio::pin!(feeding);
        let mut reached = None;
        loop {
            tokio::select! {
                fed = &mut feeding, if reached.is_none() => reached = Some(fed?),
                ended = lanes.join_next() => match (ended, reached.take()) {
                    (Some(ended), known) => {
                        ended.unwrap_or_else(|error| Err(SyncError::Failed(format!("a delivery broke off: {error}"))))?;
                        reached = known;
                    }
                    (None, Some(reached)) => return Ok(reached),
                    // The lanes end when the feeder has dropped their queues, or with an error.
                    (None, None) => return Err(SyncError::Failed("all lanes ended before the rows did".into())),
                },
            }
        }
    }

    /// Writes checkpoints until something forbids it.
    async fn write_checkpoints(&self, destination: &Destination) -> SyncError {
        loop {
            sleep(CHECKPOINT).await;
            let Some(checkpoint) = self.progress.lock().checkpoint() else {
                continue;
            };
            if let Err(error) = destination.flush().await {
                return error;
            }
            match self.store.checkpoint(&self.claimed.lease, self.integration.id, &checkpoint).await {
                Ok(()) => self.progress.lock().written(&checkpoint),
                // The lease's keeper decides when it is too late.
                Err(error) => tracing::warn!(%error, "the checkpoint could not be written"),
            }
        }
    }

    /// Writes down how the run ended, however often that takes; nothing ends a run that is to go on elsewhere.
    async fn write_end(&self, ended: Option<(JobStatus, Option<String>)>) -> Result<(), StoreError> {
        let (lease, id) = (&self.claimed.lease, self.integration.id);
        loop {
            let checkpoint = self.progress.lock().so_far();
            let written = match &ended {
                Some((status, cause)) => self.store.finish(lease, id, &checkpoint, *status, cause.as_deref()).await,
                None => match self.store.checkpoint(lease, id, &checkpoint).await {
                    Ok(()) => self.store.release(lease).await,
                    Err(error) => Err(error),
                },
            };
            match written {
                Ok(()) => break,
                Err(error) if error.is_unavailable() => {
                    tracing::warn!(%error, "the end of the sync could not be written; trying again");
                    sleep(CHECKPOINT).await;
                }
                Err(error) => return Err(error),
            }
        }
        let come_to = self.progress.lock().so_far();
        let (rows_synced, rows_failed) = (come_to.rows_synced, come_to.rows_failed);
        match ended {
            None => tracing::info!(rows_synced, rows_failed, "sync given back; it goes on where it is"),
            Some((status, Some(cause))) => {
                tracing::warn!(status = status.as_str(), rows_synced, rows_failed, cause, "sync ended");
            }
            Some((status, None)) => tracing::info!(status = status.as_str(), rows_synced, rows_failed, "sync ended"),
        }
        Ok(())
    }
}

/// Turns rows into batches and hands them to the lanes.
struct Feeder<'a> {
    limits: Limits,
    building: Vec<Batch>,
    queues: Vec<mpsc::Sender<Batch>>,
    progress: &'a Shared,
}

impl Feeder<'_> {
    async fn feed(mut self, reading: &mut Reading, stop: &Stop) -> Result<Reached, SyncError> {
        loop {
            let read = tokio::select! {
                biased;
                () = stop.asked() => return Ok(Reached::Stop),
                read = reading.next() => read?,
            };
            match read {
                Read::Rows(rows) => self.take(rows).await,
                Read::End => break,
                Read::Opened(_) => return Err(SyncError::Failed("the source began twice".into())),
            }
        }
        for lane in 0..self.building.len() {
            self.dispatch(lane).await;
        }
        // Rows that nothing is sent of may be the last ones: the lanes do not tell of them.
        self.progress.lock().ended();
        Ok(Reached::End)
    }

    async fn take(&mut self, rows: Vec<Row>) {
        let keys: Vec<i64> = rows.iter().map(Row::key).collect();
        let numbers: Vec<u64> = {
            let mut progress = self.progress.lock();
            rows.iter().zip(&keys).map(|(row, key)| progress.read(row.updated_at, *key)).collect()
        };
        let newest = numbers.last().copied();
        for ((row, key), number) in rows.into_iter().zip(keys).zip(numbers) {
            let lane = (key.cast_unsigned() % self.building.len() as u64) as usize;
            let about = row.payload.as_ref().map_or(0, String::len) + 256;
            if self.building[lane].size() + about > self.limits.bytes {
                self.dispatch(lane).await;
            }
            let batch = &mut self.building[lane];
            let write = |out: &mut Vec<u8>| object::write_attributes(&row, out);
            match batch.push(number, row.updated_at, row.identifier.clone(), self.limits.separator, write) {
                Ok(()) if batch.len() >= self.limits.objects => self.dispatch(lane).await,
                Ok(()) => {}
                Err(reason) => {
                    let error = refusal(row.identifier.as_ref(), row.updated_at, reason);
                    self.progress.lock().dealt(number, Fate::Refused(error));
                }
            }
        }
        self.dispatch_stragglers(newest).await;
    }

    /// A batch that fills slowly holds the watermark back: it goes when the others are far ahead.
    async fn dispatch_stragglers(&mut self, newest: Option<u64>) {
        let far = (self.limits.lanes * self.limits.objects * 4) as u64;
        for lane in 0..self.building.len() {
            let oldest = self.building[lane].items().first().map(|item| item.row);
            if oldest.zip(newest).is_some_and(|(oldest, newest)| newest - oldest > far) {
                self.dispatch(lane).await;
            }
        }
    }

    /// Hands a batch to its lane, and waits until the lane has room for it.
    async fn dispatch(&mut self, lane: usize) {
        let batch = std::mem::take(&mut self.building[lane]);
        if !batch.is_empty() {
            // A lane that is gone has ended with an error, which ends the run.
            let _ = self.queues[lane].send(batch).await;
        }
    }
}

/// Delivers one batch after the other.
async fn lane(
    mut batches: mpsc::Receiver<Batch>,
    destination: Arc<Destination>,
    progress: Shared,
) -> Result<(), SyncError> {
    while let Some(batch) = batches.recv().await {
        let (batch, outcomes) = destination.deliver(batch).await?;
        let mut progress = progress.lock();
        for (item, outcome) in batch.items().iter().zip(outcomes) {
            let fate = match outcome {
                Outcome::Delivered(position) => Fate::Delivered(position),
                Outcome::Refused(reason) => Fate::Refused(refusal(item.identifier.as_ref(), item.updated_at, reason)),
            };
            progress.dealt(item.row, fate);
        }
    }
    Ok(())
}

fn refusal(identifier: Option<&Identifier>, updated_at: i64, reason: String) -> RowError {
    RowError {
        identifier: identifier.map(object::identifier_object),
        updated_at: DateTime::from_timestamp_micros(updated_at).unwrap_or_default(),
        reason,
        payload: None,
    }
}

/// A worker's hold on its job.
struct Hold<'a> {
    store: &'a Store,
    lease: &'a Lease,
    length: Duration,
    /// By our own clock, and earlier than by the store's.
    held_until: Instant,
}

impl Hold<'_> {
    /// Renews the lease again and again; ends when it cannot be held, in time before another worker may take the job.
    async fn keep(&mut self) -> StoreError {
        loop {
            let last_moment = self.held_until - self.length / 5;
            sleep_until((self.held_until - self.length * 2 / 3).min(last_moment)).await;
            let begun = Instant::now();
            match timeout_at(last_moment, self.store.renew(self.lease)).await {
                Ok(Ok(())) => self.held_until = begun + self.length,
                Ok(Err(StoreError::LeaseLost)) | Err(_) => return StoreError::LeaseLost,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the lease could not be renewed; trying again");
                    sleep_until((begun + self.length / 20).min(last_moment)).await;
                    if Instant::now() >= last_moment {
                        return StoreError::LeaseLost;
                    }
                }
            }
        }
    }
}
