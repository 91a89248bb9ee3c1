//! One run of a job: source → objects → destination, with checkpoints on the way, under a lease.
//!
//! What a checkpoint says was made durable first. While the lease cannot be renewed nothing is sent, and while checkpoints
//! cannot be written neither; when the store is back, the run goes on if no other worker has the job.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::destination::{DeliveryContext, Limits, OpenDestination};
use super::error::SyncError;
use super::integration::Integration;
use super::lease_keeper::{Clock, LeaseKeeper};
use super::pipeline::{RunOutcome, deliver};
use super::progress::{Progress, Start};
use super::row::RowHasher;
use super::row_filter::RowFilter;
use super::shared_progress::SharedProgress;
use super::shutdown::Stop;
use super::slots::Slot;
use super::source::{Opening, Read, ReadRequest};
use crate::store::{Checkpoint, Claimed, Held, JobStatus, Store, StoreError, StoredRecord, Watermark};

/// How a run works, apart from what the configuration says.
#[derive(Debug, Clone, Copy)]
pub struct RunTuning {
    /// How long to wait at least between two checkpoints.
    pub checkpoint: Duration,
    /// The first pause after a failed request; each further one is twice as long.
    pub first_pause: Duration,
    /// The most objects in a batch, however many the destination takes.
    pub batch: usize,
    /// How long reading is tried again while the source is in trouble that may pass.
    pub source_patience: Duration,
    /// The most digests that the record of acknowledged rows may hold; each takes 16 bytes, in the store and in memory.
    pub most_digests: u64,
}

impl RunTuning {
    /// Defaults: a checkpoint every 50 ms, the first pause 250 ms, five minutes of patience with a source, a record of
    /// 270 MB at most.
    pub const DEFAULT: RunTuning = RunTuning {
        checkpoint: Duration::from_millis(50),
        first_pause: Duration::from_millis(250),
        batch: usize::MAX,
        source_patience: Duration::from_secs(300),
        most_digests: 1 << 24,
    };
}

/// Checkpoints take at most one part in so many of a run's time: where the store is slow, they come less often.
const TIME_FOR_CHECKPOINTS: u32 = 10;
/// The record is stored in so many pieces at most, before small ones are joined.
const MOST_CHANGES: u64 = 2000;
/// How long requests under way may take when a run is to end that is not given back.
const LAST_REQUESTS: Duration = Duration::from_secs(10);
/// A checkpoint that takes longer makes delivery pause.
const UNWRITTEN: Duration = Duration::from_millis(500);
/// How long a process that is to stop tries to give a job back while the store is away.
const GIVING_BACK: Duration = Duration::from_secs(3);
/// Pauses get longer as long as a source cannot be read, but not longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
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
            durable: Mutex::new(beginning.clone()),
            written: Mutex::new(beginning),
        };
        let outcome = tokio::select! {
            biased;
            lost = keeper.keep() => return Err(lost),
            () = run.end_early() => Ok(RunOutcome::Stop),
            outcome = run.sync() => outcome,
        };
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
    /// What may be written down because it outlives a power cut.
    durable: Mutex<Checkpoint>,
    /// What is written down.
    written: Mutex<Checkpoint>,
}

impl Run<'_> {
    /// Asks all parts of the run to stop when there is a reason for it. Ends when the time is over that they have for it.
    async fn end_early(&self) {
        let left = self.runner.integration.max_duration.saturating_sub(self.claimed.running_for);
        let (why, deadline) = tokio::select! {
            deadline = self.runner.stop.when() => (EarlyEnd::Stop, deadline),
            () = self.keeper.cancelled() => (EarlyEnd::Cancelled, Instant::now() + LAST_REQUESTS),
            () = sleep(left) => (EarlyEnd::TooLong, Instant::now() + LAST_REQUESTS),
        };
        self.early_end.get_or_init(|| why);
        self.ask.send_replace(Some(deadline));
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
            tracing::warn!(reason, ?pause, "the sync is interrupted; it goes on after a pause");
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
        let stored = self.stored_record().await?;
        self.refuse_another_route(&watermark, &stored)?;
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
        self.begin(opening, watermark, &stored, destination.as_ref()).await?;
        let filter = RowFilter::new(stored, watermark.overflow, integration.kind);
        tracing::debug!(known = filter.known(), from = ?watermark.read_from, "reading begins");
        let limits = destination.limits();
        let limits = Limits { objects: limits.objects.min(tuning.batch), ..limits };
        let halt = || {
            self.ask.send_replace(Some(Instant::now() + LAST_REQUESTS));
        };
        let delivered = tokio::select! {
            outcome = deliver(&mut reading, filter, destination, limits, integration, &self.progress, context, halt) => outcome,
            error = self.write_checkpoints(destination.as_ref()) => Err(error),
        };
        if matches!(delivered, Ok(RunOutcome::ReadAgain)) {
            self.progress.lock().drop_overflow();
        }
        if matches!(delivered, Ok(RunOutcome::ReadAgain) | Err(SyncError::Passing(_))) {
            // What comes next begins at what is written down.
            let checkpoint = self.durable(destination.as_ref()).await?;
            self.write(&checkpoint).await?;
        }
        delivered
    }

    /// What was acknowledged, as the store has it.
    async fn stored_record(&self) -> Result<StoredRecord, SyncError> {
        let Runner { store, integration, .. } = self.runner;
        let load = async {
            let stored = store.record(integration.id).await?;
            if stored.changes > MOST_CHANGES {
                store.merge_record(&self.claimed.lease, integration.id).await?;
            }
            Ok(stored)
        };
        load.await.map_err(|error: StoreError| match error.is_unavailable() {
            true => SyncError::Passing(error.to_string()),
            false => SyncError::Failed(format!("what was acknowledged cannot be read from the store: {error}")),
        })
    }

    /// A watermark says nothing about rows of another table, or about what another destination has.
    fn refuse_another_route(&self, watermark: &Watermark, stored: &StoredRecord) -> Result<(), SyncError> {
        let is_something_known = watermark.updated_at.is_some() || stored.changes > 0;
        let integration = self.runner.integration;
        let (Some(before), now) = (&self.claimed.route, integration.route()) else { return Ok(()) };
        let change = [
            ("source", &before.source, &now.source),
            ("destination", &before.destination, &now.destination),
            ("type", &before.kind, &now.kind),
        ];
        match change.into_iter().find(|(_, before, now)| is_something_known && before != now) {
            None => Ok(()),
            Some((what, before, now)) => Err(SyncError::Config(format!(
                "the integration has another {what} than the one that its watermark belongs to: {now} in place of {before}; nothing was read. \
                 `cdi-server watermark {name:?} --keep` goes on from the watermark all the same, `cdi-server watermark {name:?} --reset` begins with the first row",
                name = integration.name
            ))),
        }
    }

    async fn begin(
        &self,
        opening: Opening,
        watermark: Watermark,
        stored: &StoredRecord,
        destination: &dyn OpenDestination,
    ) -> Result<(), SyncError> {
        if opening.future > 0 {
            tracing::info!(rows = opening.future, "rows dated in the future wait until their time comes");
        }
        if opening.undated > 0 {
            tracing::warn!(rows = opening.undated, "rows without an UPDATED_AT are never synced");
        }
        let Runner { integration, tuning, .. } = self.runner;
        let mark = destination.mark();
        let (rows_synced, rows_failed) = self.progress.lock().counts();
        let mut progress = Progress::new(Start {
            watermark,
            route: Some(Arc::new(integration.route())),
            rows_synced,
            rows_failed,
            mark,
            lookback: integration.lookback,
            running_since: opening.running_since,
            sizes: stored.sizes.clone(),
            most_digests: tuning.most_digests,
        });
        let checkpoint = Checkpoint { position: destination.position(mark), ..progress.so_far() };
        let has_position = checkpoint.position.is_some();
        *self.progress.lock() = progress;
        self.set_durable(checkpoint.clone());
        // Where a file ended before this job wrote to it must be known if this worker dies with its first batch.
        if has_position { self.write(&checkpoint).await } else { Ok(()) }
    }

    /// Writes checkpoints until something forbids it.
    async fn write_checkpoints(&self, destination: &dyn OpenDestination) -> SyncError {
        let mut pause = self.runner.tuning.checkpoint;
        loop {
            tokio::select! {
                () = sleep(pause) => {}
                () = self.progress.urgent() => {}
            }
            if !self.progress.lock().is_new() {
                continue;
            }
            let begun = Instant::now();
            let checkpoint = match self.durable(destination).await {
                Ok(checkpoint) => checkpoint,
                Err(error) => return error,
            };
            if let Err(error) = self.write(&checkpoint).await {
                return error;
            }
            self.progress.written(&checkpoint);
            pause = self.runner.tuning.checkpoint.max(begun.elapsed() * TIME_FOR_CHECKPOINTS);
        }
    }

    /// Writes a checkpoint, however long the store is away. Delivery pauses meanwhile: what is acknowledged and not written
    /// down would be sent again if this worker died.
    async fn write(&self, checkpoint: &Checkpoint) -> Result<(), SyncError> {
        loop {
            let write = self.runner.store.checkpoint(&self.claimed.lease, self.runner.integration.id, checkpoint);
            tokio::pin!(write);
            let written = match timeout(UNWRITTEN, &mut write).await {
                Ok(written) => written,
                Err(_) => {
                    self.keeper.set_unwritten(true);
                    write.await
                }
            };
            match written {
                Ok(held) => {
                    self.keeper.note(held);
                    self.keeper.set_unwritten(false);
                    *locked(&self.written) = checkpoint.without_changes();
                    return Ok(());
                }
                Err(StoreError::LeaseLost) => return Err(SyncError::Failed(StoreError::LeaseLost.to_string())),
                // The store says in the log that it is away, and that it is back.
                Err(error) if error.is_unavailable() => {
                    self.keeper.set_unwritten(true);
                    tokio::select! {
                        () = sleep(self.runner.tuning.checkpoint) => {}
                        () = self.stop.asked() => return Err(SyncError::Passing(error.to_string())),
                    }
                }
                Err(error) => {
                    return Err(SyncError::Failed(format!("how far the sync has got cannot be written down: {error}")));
                }
            }
        }
    }

    /// Writes down how the run ended, however long the store is away.
    async fn write_end(&self, outcome: Result<RunOutcome, SyncError>) -> Result<(), StoreError> {
        let flushed = match self.destination.get() {
            Some(destination) => self.durable(destination.as_ref()).await.map(drop),
            None => Ok(()),
        };
        let mut checkpoint = locked(&self.durable).clone();
        let mut ended = self.end(flushed.and(outcome), &checkpoint);
        let (store, lease, id) = (self.runner.store, &self.claimed.lease, self.runner.integration.id);
        // Whether a try had no answer, and may have been written all the same.
        let mut in_doubt = false;
        let begun = Instant::now();
        loop {
            let written = match &ended {
                Some((status, cause)) => store.finish(lease, id, &checkpoint, *status, cause.as_deref()).await,
                None => match store.checkpoint(lease, id, &checkpoint).await {
                    Ok(_) => store.release(lease).await,
                    Err(error) => Err(error),
                },
            };
            match written {
                Ok(()) => break,
                // A process that is to stop does not wait for the store: the job goes on when its lease has run out.
                Err(error)
                    if error.is_unavailable() && self.runner.stop.is_asked() && begun.elapsed() > GIVING_BACK =>
                {
                    return Err(error);
                }
                Err(error) if error.is_unavailable() => {
                    in_doubt = true;
                    sleep(self.runner.tuning.checkpoint).await;
                }
                Err(StoreError::LeaseLost) if in_doubt && ended.is_some() && self.has_ended().await => break,
                Err(StoreError::LeaseLost) => return Err(StoreError::LeaseLost),
                // What cannot be written down is left out: the job must end, and what is written down holds.
                Err(error) => {
                    let last = locked(&self.written).clone();
                    if checkpoint == last {
                        return Err(error);
                    }
                    checkpoint = last;
                    ended =
                        Some((JobStatus::Error, Some(format!("the end of the sync cannot be written down: {error}"))));
                }
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

    /// Whether the job has ended, however long the store is away.
    async fn has_ended(&self) -> bool {
        loop {
            match self.runner.store.has_ended(self.claimed.lease.job).await {
                Err(error) if error.is_unavailable() && !self.runner.stop.is_asked() => {
                    sleep(self.runner.tuning.checkpoint).await;
                }
                ended => return ended.unwrap_or(false),
            }
        }
    }

    /// How the job ends with what was outcome; nothing where it is given back.
    fn end(
        &self,
        outcome: Result<RunOutcome, SyncError>,
        checkpoint: &Checkpoint,
    ) -> Option<(JobStatus, Option<String>)> {
        let error = |cause: String| Some((JobStatus::Error, Some(cause)));
        match outcome {
            Ok(RunOutcome::End) => Some(verdict(checkpoint)),
            // The latter is gone on with before this.
            Ok(RunOutcome::Stop | RunOutcome::ReadAgain) => match self.early_end.get() {
                Some(EarlyEnd::Cancelled) => error(CANCELLED.to_owned()),
                Some(EarlyEnd::TooLong) => error(format!(
                    "it took longer than `max_duration` ({}) allows; the rest was left for the next sync",
                    humantime::format_duration(self.runner.integration.max_duration)
                )),
                Some(EarlyEnd::Stop) | None => None,
            },
            Ok(RunOutcome::TooManyRefused(cause)) | Err(SyncError::Failed(cause) | SyncError::Passing(cause)) => {
                error(cause)
            }
            Err(SyncError::Config(cause)) => Some((JobStatus::ConfigError, Some(cause))),
        }
    }

    /// Makes what was delivered outlive a power cut. Only what was may be written down.
    async fn durable(&self, destination: &dyn OpenDestination) -> Result<Checkpoint, SyncError> {
        let (checkpoint, mark) = {
            let mut progress = self.progress.lock();
            (progress.so_far(), progress.mark())
        };
        let checkpoint = Checkpoint { position: destination.position(mark), ..checkpoint };
        destination.flush().await?;
        self.set_durable(checkpoint.clone());
        Ok(checkpoint)
    }

    fn set_durable(&self, checkpoint: Checkpoint) {
        *locked(&self.durable) = checkpoint;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is in there is replaced as a whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Trouble with reading that passes, for as long as there is patience.
struct SourceTrouble {
    /// When it began.
    since: Option<Instant>,
    patience: Duration,
    pauses: ExponentialBackoff,
}

impl SourceTrouble {
    fn new(tuning: &RunTuning) -> SourceTrouble {
        let pauses = ExponentialBuilder::new().with_min_delay(tuning.first_pause).with_max_delay(LONGEST_PAUSE);
        let pauses = pauses.with_jitter().without_max_times().build();
        SourceTrouble { since: None, patience: tuning.source_patience, pauses }
    }

    /// How long to wait before the next try.
    fn next_pause(&mut self, reason: &str) -> Result<Duration, SyncError> {
        let pause = self.pauses.next().unwrap_or(LONGEST_PAUSE);
        let waited = self.since.get_or_insert_with(Instant::now).elapsed();
        if waited + pause > self.patience {
            return Err(SyncError::Failed(format!("{reason}; it was tried again for {:.1} s", waited.as_secs_f64())));
        }
        Ok(pause)
    }
}

fn verdict(checkpoint: &Checkpoint) -> (JobStatus, Option<String>) {
    match (checkpoint.rows_synced, checkpoint.rows_failed) {
        (_, 0) => (JobStatus::Success, None),
        (0, failed) => (JobStatus::Error, Some(format!("none of the {failed} rows was accepted"))),
        _ => (JobStatus::Partial, None),
    }
}
