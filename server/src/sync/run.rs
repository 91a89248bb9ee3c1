//! One run of a job under a lease: reads the source, delivers to the destination, and writes checkpoints.
//!
//! Deliveries are made durable before a checkpoint records them. While the lease cannot be renewed or checkpoints cannot be
//! written, nothing is sent. When the store recovers, the run continues unless another worker has claimed the job.

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
use super::source_retry::SourceRetry;
use crate::metrics::METRICS;
use crate::store::{Checkpoint, Claimed, JobStatus, LeaseStatus, Store, StoreError};

/// How long requests in flight may take when a run ends early although the process keeps running.
const IN_FLIGHT_TIMEOUT: Duration = Duration::from_secs(10);
/// The cause of a cancelled job.
pub const CANCELLED: &str = "cancelled with `cdi-server cancel`; the next sync takes what is left";

/// What a worker needs to run jobs of an integration.
#[derive(Debug, Clone)]
pub struct Runner<'a> {
    /// The store with the jobs.
    pub store: &'a Store,
    /// The integration whose jobs this runner executes.
    pub integration: &'a Integration,
    /// The length of a lease.
    pub lease: Duration,
    /// Tuning of the runs.
    pub tuning: RunTuning,
    /// Requested when the process shuts down.
    pub stop: Stop,
    /// The concurrency slot.
    pub slot: Slot,
    /// The clock that leases are measured by.
    pub clock: Clock,
}

impl Runner<'_> {
    /// Runs a claimed job to its end, or hands it back when the process shuts down. `claimed_at` is the clock's time right
    /// before the claim.
    pub async fn run(&self, claimed: Claimed, claimed_at: Duration) -> Result<(), StoreError> {
        let keeper = LeaseKeeper::new(self.store, &claimed.lease, self.lease, claimed_at, self.clock);
        keeper.update(LeaseStatus { cancelled: claimed.cancelled });
        let (stop_sender, stop) = Stop::channel();
        let beginning = first_checkpoint(&claimed);
        let run = Run {
            runner: self,
            claimed: &claimed,
            begun: Instant::now(),
            keeper: &keeper,
            stop,
            stop_sender,
            early_end: OnceLock::new(),
            progress: SharedProgress::new(Progress::new(start(&claimed))),
            destination: OnceLock::new(),
            left_out: Mutex::default(),
            failed: OnceLock::new(),
            checkpoint_lock: Arc::default(),
            durable: Arc::new(Mutex::new(Arc::new(beginning.clone()))),
            written: Mutex::new(beginning),
        };
        let outcome = tokio::select! {
            biased;
            lost = keeper.renew_until_lost() => return Err(lost),
            () = run.end_early() => Ok(RunOutcome::Stop),
            outcome = run.sync() => outcome,
        };
        let outcome = run.failed.get().map_or(outcome, |error| Err(error.clone()));
        tokio::select! {
            biased;
            written = run.write_end(outcome) => written,
            // The end may have been written although its response has not arrived.
            lost = keeper.renew_until_lost() => if run.has_ended().await { Ok(()) } else { Err(lost) },
        }
    }
}

/// Ends a job that too many workers have failed to run.
pub async fn give_up(store: &Store, claimed: &Claimed) -> Result<(), StoreError> {
    let failed = claimed.attempts - 1;
    let cause = format!("{failed} workers in a row failed while running this job; see their logs for the reason");
    let checkpoint = first_checkpoint(claimed);
    store.finish(&claimed.lease, claimed.integration, &checkpoint, JobStatus::Error, Some(&cause)).await?;
    METRICS.job_ended(JobStatus::Error.as_str(), claimed.running_for);
    Ok(())
}

/// The progress of a job when it was claimed.
fn start(claimed: &Claimed) -> Start {
    Start {
        watermark: claimed.watermark,
        rows_synced: claimed.rows_synced,
        rows_failed: claimed.rows_failed,
        spared: claimed.spared,
        ..Start::default()
    }
}

/// The stored state of a job when it was claimed.
fn first_checkpoint(claimed: &Claimed) -> Checkpoint {
    Checkpoint { position: claimed.position.clone(), ..Progress::new(start(claimed)).checkpoint() }
}

/// Why a run ends before all rows are acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EarlyEnd {
    /// The process shuts down; the job is handed back.
    Stop,
    /// The job was cancelled.
    Cancelled,
    /// `max_duration` has passed.
    TooLong,
}

struct Run<'a> {
    runner: &'a Runner<'a>,
    claimed: &'a Claimed,
    /// When this run began.
    begun: Instant,
    keeper: &'a LeaseKeeper<'a>,
    /// Stops all tasks of the run, for any reason.
    stop: Stop,
    stop_sender: watch::Sender<Option<Instant>>,
    early_end: OnceLock<EarlyEnd>,
    progress: SharedProgress,
    destination: OnceLock<Arc<dyn OpenDestination>>,
    /// Rows of the last reading that the source has and no sync takes.
    left_out: Mutex<Option<String>>,
    /// The error of the first delivery that failed for good. It stops the run.
    failed: OnceLock<SyncError>,
    /// Held while a checkpoint is written.
    checkpoint_lock: Arc<tokio::sync::Mutex<()>>,
    /// The last checkpoint whose deliveries survive a power failure. Only this may be written.
    durable: Arc<Mutex<Arc<Checkpoint>>>,
    /// The last written checkpoint.
    written: Mutex<Checkpoint>,
}

impl Run<'_> {
    /// Waits for a reason to end the run early and requests the stop of its tasks. Returns at the deadline for that.
    async fn end_early(&self) {
        let left = self.runner.integration.max_duration.saturating_sub(self.claimed.running_for);
        let (why, deadline) = tokio::select! {
            deadline = self.runner.stop.asked_with_deadline() => (Some(EarlyEnd::Stop), deadline),
            () = self.keeper.cancelled() => (Some(EarlyEnd::Cancelled), Instant::now() + IN_FLIGHT_TIMEOUT),
            () = sleep(left) => (Some(EarlyEnd::TooLong), Instant::now() + IN_FLIGHT_TIMEOUT),
            // A delivery has failed for good.
            deadline = self.stop.asked_with_deadline() => (None, deadline),
        };
        if let Some(why) = why {
            self.early_end.get_or_init(|| why);
            self.stop_sender.send_replace(Some(deadline));
        }
        tokio::select! {
            () = sleep_until(deadline) => {}
            () = self.runner.stop.deadline_passed() => {}
        }
    }

    async fn sync(&self) -> Result<RunOutcome, SyncError> {
        let tuning = &self.runner.tuning;
        let context = DeliveryContext {
            fence: self.keeper.fence(),
            stop: self.stop.clone(),
            slot: self.runner.slot.clone(),
            first_pause: tuning.first_pause,
            trouble: self.keeper.trouble.clone(),
        };
        let mut retry = SourceRetry::new(tuning);
        loop {
            let acknowledged_before = self.rows_acknowledged();
            let reason = match self.read_and_deliver(&context).await {
                Err(SyncError::Transient(reason)) => reason,
                Ok(RunOutcome::ReadAgain) => continue,
                outcome => return outcome,
            };
            if self.rows_acknowledged() > acknowledged_before {
                retry = SourceRetry::new(tuning);
            }
            let pause = retry.next_pause(&reason)?;
            context.trouble.pauses(&reason, pause);
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

    fn rows_acknowledged(&self) -> u64 {
        self.progress.lock().acknowledged()
    }

    /// Reads and delivers all rows that are not acknowledged yet. After a transient error the state is that of a job that was
    /// handed back, so this may be called again.
    async fn read_and_deliver(&self, context: &DeliveryContext) -> Result<RunOutcome, SyncError> {
        let Runner { store, integration, tuning, .. } = self.runner;
        let watermark = self.progress.lock().checkpoint().watermark;
        let mut stored = self.stored_record().await?;
        if let Some(cause) = integration.route_mismatch(self.claimed.route.as_ref(), &watermark, &stored) {
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
            return Err(SyncError::Failed("the source sent rows before reporting its snapshot".into()));
        };
        let comparison = self.comparison().await?;
        let attributes = comparison.as_ref().and_then(|comparison| Some(comparison.known.as_ref()?.1));
        let sizes = std::mem::take(&mut stored.sizes);
        self.start_reading(opening, watermark, sizes, attributes, destination.as_ref()).await?;
        let filter = RowFilter::new(stored, watermark.overflow, integration.kind);
        tracing::debug!(known = filter.known(), from = ?watermark.read_from, "reading started");
        let limits = destination.limits();
        let limits = Limits { objects: limits.objects.min(tuning.batch), ..limits };
        let halt = |error: &SyncError| {
            if self.failed.set(error.clone()).is_ok() {
                self.stop_sender.send_replace(Some(Instant::now() + IN_FLIGHT_TIMEOUT));
            }
        };
        let rows = Rows { reading: &mut reading, filter, comparison };
        let delivered = tokio::select! {
            outcome = deliver(rows, destination, limits, integration, &self.progress, context, halt) => outcome,
            error = self.write_checkpoints(destination.as_ref()) => Err(error),
        };
        if matches!(delivered, Ok(RunOutcome::ReadAgain)) {
            self.progress.lock().drop_overflow();
        }
        if matches!(delivered, Ok(RunOutcome::ReadAgain) | Err(SyncError::Transient(_))) {
            // The next reading continues from the written checkpoint.
            self.checkpoint(destination.as_ref()).await?;
        }
        delivered
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The value is replaced as a whole, so poisoning is ignored.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
