//! One run of a job: source → objects → destination, with checkpoints on the way, under a lease.
//!
//! What a checkpoint says was made durable first. While the lease cannot be renewed nothing is sent, and while checkpoints
//! cannot be written neither; when the store is back, the run goes on if no other worker has the job.

mod checkpoints;
mod ending;
mod opening;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::destination::{DeliveryContext, Limits, OpenDestination};
use super::error::SyncError;
use super::integration::Integration;
use super::lease_keeper::{Clock, LeaseKeeper};
use super::pipeline::{Rows, RunOutcome, deliver};
use super::progress::{Progress, Start};
use super::row::RowHasher;
use super::row_filter::RowFilter;
use super::run_tuning::RunTuning;
use super::shared_progress::SharedProgress;
use super::shutdown::Stop;
use super::slots::Slot;
use super::source::{Read, ReadRequest};
use super::source_patience::SourceTrouble;
use crate::store::{Checkpoint, Claimed, Held, JobStatus, Store, StoreError};

/// How long requests under way may take when a run is to end that is not given back.
const LAST_REQUESTS: Duration = Duration::from_secs(10);
/// The cause of a job that was cancelled.
pub const CANCELLED: &str = "it was cancelled with `cdi-server cancel`; the rest was left for the next sync";

/// What a worker needs to run jobs of an integration.
#[derive(Debug, Clone)]
pub struct Runner<'a> {
    /// Where jobs are.
    pub store: &'a Store,
    /// The integration whose jobs it runs.
    pub integration: &'a Integration,
    /// How long a lease is.
    pub lease: Duration,
    /// How runs work.
    pub tuning: RunTuning,
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
        let keeper = LeaseKeeper::new(self.store, &claimed.lease, self.lease, claimed_at, self.clock);
        keeper.note(Held { cancelled: claimed.cancelled });
        let (ask, stop) = Stop::channel();
        let beginning = beginning(&claimed);
        let run = Run {
            runner: self,
            claimed: &claimed,
            keeper: &keeper,
            stop,
            ask,
            early_end: OnceLock::new(),
            progress: SharedProgress::new(Progress::new(start(&claimed))),
            destination: OnceLock::new(),
            failed: OnceLock::new(),
            writing: Arc::default(),
            durable: Arc::new(Mutex::new(Arc::new(beginning.clone()))),
            written: Mutex::new(beginning),
        };
        let outcome = tokio::select! {
            biased;
            lost = keeper.keep() => return Err(lost),
            () = run.end_early() => Ok(RunOutcome::Stop),
            outcome = run.sync() => outcome,
        };
        let outcome = run.failed.get().map_or(outcome, |error| Err(error.clone()));
        tokio::select! {
            biased;
            written = run.write_end(outcome) => written,
            // The end may be written, and its answer on its way.
            lost = keeper.keep() => if run.has_ended().await { Ok(()) } else { Err(lost) },
        }
    }
}

/// Ends a job that has lost too many workers.
pub async fn give_up(store: &Store, claimed: &Claimed) -> Result<(), StoreError> {
    let cause = format!("{} workers in a row ended while they had this job", claimed.attempts - 1);
    let checkpoint = beginning(claimed);
    store.finish(&claimed.lease, claimed.integration, &checkpoint, JobStatus::Error, Some(&cause)).await
}

/// What a job had come to when it was claimed.
fn start(claimed: &Claimed) -> Start {
    Start {
        watermark: claimed.watermark,
        rows_synced: claimed.rows_synced,
        rows_failed: claimed.rows_failed,
        ..Start::default()
    }
}

/// What is written down of a job that was just claimed.
fn beginning(claimed: &Claimed) -> Checkpoint {
    Checkpoint { position: claimed.position.clone(), ..Progress::new(start(claimed)).so_far() }
}

/// Why a run ends before its rows do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EarlyEnd {
    /// The process is to stop: the job goes on elsewhere.
    Stop,
    /// Somebody has asked for it.
    Cancelled,
    /// It has taken too long.
    TooLong,
}

struct Run<'a> {
    runner: &'a Runner<'a>,
    claimed: &'a Claimed,
    keeper: &'a LeaseKeeper<'a>,
    /// Tells all parts of the run that it is to stop, whyever.
    stop: Stop,
    ask: watch::Sender<Option<Instant>>,
    early_end: OnceLock<EarlyEnd>,
    progress: SharedProgress,
    destination: OnceLock<Arc<dyn OpenDestination>>,
    /// Why a delivery has failed for good. Everything else stops for it.
    failed: OnceLock<SyncError>,
    writing: Arc<tokio::sync::Mutex<()>>,
    /// What may be written down because it outlives a power cut.
    durable: Arc<Mutex<Arc<Checkpoint>>>,
    /// What is written down.
    written: Mutex<Checkpoint>,
}

impl Run<'_> {
    /// Asks all parts of the run to stop when there is a reason for it. Ends when the time is over that they have for it.
    async fn end_early(&self) {
        let left = self.runner.integration.max_duration.saturating_sub(self.claimed.running_for);
        let (why, deadline) = tokio::select! {
            deadline = self.runner.stop.when() => (Some(EarlyEnd::Stop), deadline),
            () = self.keeper.cancelled() => (Some(EarlyEnd::Cancelled), Instant::now() + LAST_REQUESTS),
            () = sleep(left) => (Some(EarlyEnd::TooLong), Instant::now() + LAST_REQUESTS),
            // A delivery has failed.
            deadline = self.stop.when() => (None, deadline),
        };
        if let Some(why) = why {
            self.early_end.get_or_init(|| why);
            self.ask.send_replace(Some(deadline));
        }
        tokio::select! {
            () = sleep_until(deadline) => {}
            () = self.runner.stop.deadline() => {}
        }
    }

    async fn sync(&self) -> Result<RunOutcome, SyncError> {
        let tuning = &self.runner.tuning;
        let context = DeliveryContext {
            fence: self.keeper.fence(),
            stop: self.stop.clone(),
            slot: self.runner.slot.clone(),
            first_pause: tuning.first_pause,
        };
        let mut trouble = SourceTrouble::new(tuning);
        loop {
            let dealt_with = self.rows_dealt_with();
            let reason = match self.read_and_deliver(&context).await {
                Err(SyncError::Passing(reason)) => reason,
                Ok(RunOutcome::ReadAgain) => continue,
                outcome => return outcome,
            };
            if self.rows_dealt_with() > dealt_with {
                trouble = SourceTrouble::new(tuning);
            }
            let pause = trouble.next_pause(&reason)?;
            tracing::warn!(reason, ?pause, "the sync was interrupted; retrying");
            let wait = async {
                let _working = context.slot.work().await;
                context.slot.wait(sleep(pause)).await;
            };
            tokio::select! {
                () = self.stop.asked() => return Ok(RunOutcome::Stop),
                () = wait => {}
            }
        }
    }

    fn rows_dealt_with(&self) -> u64 {
        let (synced, failed) = self.progress.lock().counts();
        synced + failed
    }

    /// Reads what is not acknowledged yet, and delivers it. Trouble that passes leaves everything as a worker would leave it
    /// that has given the job back: this may be called again.
    async fn read_and_deliver(&self, context: &DeliveryContext) -> Result<RunOutcome, SyncError> {
        let Runner { store, integration, tuning, .. } = self.runner;
        let watermark = self.progress.lock().so_far().watermark;
        let mut stored = self.stored_record().await?;
        if let Some(cause) = integration.refuses(self.claimed.route.as_ref(), &watermark, &stored) {
            return Err(SyncError::Config(cause));
        }
        let request = ReadRequest {
            kind: integration.kind,
            from: watermark.read_from.map(|time| time.timestamp_micros()),
            most: None,
            hasher: RowHasher::new(store.digest_key()),
        };
        let mut reading = integration.source.read(request).await?;
        let destination = match self.destination.get() {
            Some(destination) => destination,
            None => {
                let position = self.claimed.position.clone();
                let destination = integration.destination.open(integration.kind, position, context.clone()).await?;
                self.destination.get_or_init(|| destination)
            }
        };
        let Read::Opened(opening) = reading.next().await? else {
            return Err(SyncError::Failed("the source began without saying where".into()));
        };
        self.begin(opening, watermark, std::mem::take(&mut stored.sizes), destination.as_ref()).await?;
        let filter = RowFilter::new(stored, watermark.overflow, integration.kind);
        tracing::debug!(known = filter.known(), from = ?watermark.read_from, "reading begins");
        let limits = destination.limits();
        let limits = Limits { objects: limits.objects.min(tuning.batch), ..limits };
        let halt = |error: &SyncError| {
            if self.failed.set(error.clone()).is_ok() {
                self.ask.send_replace(Some(Instant::now() + LAST_REQUESTS));
            }
        };
        let rows = Rows { reading: &mut reading, filter };
        let delivered = tokio::select! {
            outcome = deliver(rows, destination, limits, integration, &self.progress, context, halt) => outcome,
            error = self.write_checkpoints(destination.as_ref()) => Err(error),
        };
        if matches!(delivered, Ok(RunOutcome::ReadAgain)) {
            self.progress.lock().drop_overflow();
        }
        if matches!(delivered, Ok(RunOutcome::ReadAgain) | Err(SyncError::Passing(_))) {
            // What comes next begins at what is written down.
            self.checkpoint(destination.as_ref()).await?;
        }
        delivered
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is in there is replaced as a whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
