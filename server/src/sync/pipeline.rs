//! The pipeline of a run: read rows, filter by the record, encode, batch, deliver.
//!
//! Reading applies back-pressure: it waits for the deliverers. All rows of a user go through one lane, and each lane has one
//! deliverer that sends one batch after the other, so a user's rows keep their order.

use std::sync::Arc;

use chrono::DateTime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::batch::Batch;
use super::destination::{Delivery, DeliveryContext, Limits, OpenDestination, Outcome};
use super::error::SyncError;
use super::held_back::HeldBack;
use super::integration::Integration;
use super::object::{self, BatchKey, MissingValues, ObjectEncoder};
use super::progress::RowOutcome;
use super::row::{Identifier, Row};
use super::row_filter::{OverflowChanged, RowFilter, Verdict};
use super::shared_progress::SharedProgress;
use super::shutdown::Stop;
use super::slots::Slot;
use super::source::{Read, Reading};
use crate::metrics::METRICS;
use crate::store::RowError;

/// `max_failed_share` applies once this many rows are acknowledged.
const MIN_ROWS_FOR_SHARE: u64 = 1000;
/// The longest reason that is kept, in characters.
const MAX_REASON: usize = 1000;

/// How a run, or one reading of it, ended.
pub enum RunOutcome {
    /// All rows are acknowledged.
    End,
    /// A stop was requested.
    Stop,
    /// Rows in the overflow have changed and must be read again one by one.
    ReadAgain,
    /// More rows were refused than `max_failed_share` allows, with the job's cause.
    TooManyRefused(String),
}

/// The input of the pipeline.
pub struct Rows<'a> {
    /// Reads all rows from `read_from` on.
    pub reading: &'a mut Reading,
    /// Tells new rows from acknowledged ones.
    pub filter: RowFilter,
}

/// Runs the pipeline until all rows are delivered or something stops it. Batches that a deliverer has started are finished.
/// When a delivery fails for good, `halt` is called to stop the other tasks of the run, whose batches in flight are awaited.
pub async fn deliver(
    rows: Rows<'_>,
    destination: &Arc<dyn OpenDestination>,
    limits: Limits,
    integration: &Integration,
    progress: &SharedProgress,
    context: &DeliveryContext,
    halt: impl Fn(&SyncError),
) -> Result<RunOutcome, SyncError> {
    let keep_payloads = integration.keep_payloads;
    destination.begin(progress.lock().counts().0 > 0);
    let held_back = HeldBack::default();
    let in_flight = Arc::new(watch::Sender::new(0));
    let mut deliverers = JoinSet::new();
    let mut queues = Vec::new();
    for _ in 0..limits.lanes {
        let (queue, batches) = mpsc::channel(1);
        queues.push(queue);
        let deliverer = Deliverer {
            destination: destination.clone(),
            progress: progress.clone(),
            held_back: held_back.clone(),
            in_flight: in_flight.clone(),
            slot: context.slot.clone(),
            stop: context.stop.clone(),
            keep_payloads,
        };
        deliverers.spawn(deliverer.run(batches).in_current_span());
    }
    let dispatcher = Dispatcher {
        limits,
        encoder: integration.destination.encoder(integration.kind),
        keep_payloads,
        max_failed_share: integration.max_failed_share,
        filter: rows.filter,
        building: (0..limits.lanes * BatchKey::COUNT).map(|_| Batch::default()).collect(),
        queues,
        progress,
        destination: destination.as_ref(),
        held_back: held_back.clone(),
        in_flight,
        slot: context.slot.clone(),
        missing_values: MissingValues::default(),
    };
    let dispatching = dispatcher.run(rows.reading, &context.stop);
    tokio::pin!(dispatching);
    let mut dispatched = None;
    let mut failed = None;
    let mut is_complete = true;
    loop {
        tokio::select! {
            outcome = &mut dispatching, if dispatched.is_none() => dispatched = Some(outcome),
            ended = deliverers.join_next() => match ended {
                Some(Ok(Ok(end))) => is_complete &= end == DelivererEnd::Complete,
                // The run retries from the last checkpoint.
                Some(Ok(Err(error @ SyncError::Transient(_)))) => return Err(error),
                Some(Ok(Err(error))) => halt(failed.get_or_insert(error)),
                Some(Err(error)) => {
                    halt(failed.get_or_insert(SyncError::Failed(format!("a delivery task failed: {error}"))));
                }
                // Deliverers end once the dispatcher drops their queues, or with an error.
                None => break,
            },
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    match dispatched {
        Some(Ok(RunOutcome::End)) if is_complete => {
            destination.judge_rest()?;
            progress.acknowledge(held_back.release(u64::MAX));
            Ok(RunOutcome::End)
        }
        // A deliverer has skipped batches because a stop was requested.
        Some(Ok(RunOutcome::End)) => Ok(RunOutcome::Stop),
        Some(outcome) => outcome,
        None => Err(SyncError::Failed("all delivery tasks ended before all rows were read".into())),
    }
}

/// Encodes new rows into batches and queues these for the deliverers.
struct Dispatcher<'a> {
    limits: Limits,
    encoder: ObjectEncoder,
    keep_payloads: bool,
    max_failed_share: Option<f64>,
    filter: RowFilter,
    /// One open batch per lane and key.
    building: Vec<Batch>,
    queues: Vec<mpsc::Sender<Batch>>,
    progress: &'a SharedProgress,
    destination: &'a dyn OpenDestination,
    held_back: HeldBack,
    /// Number of batches that are queued or being delivered.
    in_flight: Arc<watch::Sender<usize>>,
    slot: Slot,
    missing_values: MissingValues,
}

impl Dispatcher<'_> {
    async fn run(mut self, reading: &mut Reading, stop: &Stop) -> Result<RunOutcome, SyncError> {
        let outcome = loop {
            let read = async {
                self.slot.take_turn().await;
                reading.next().await
            };
            let read = tokio::select! {
                biased;
                () = stop.asked() => break Ok(RunOutcome::Stop),
                read = read => read,
            };
            let taken = match read {
                Ok(Read::Rows(rows)) => self.take(rows, stop).await,
                Ok(Read::End) => match self.filter.end() {
                    Ok(()) => break Ok(RunOutcome::End),
                    Err(OverflowChanged) => Ok(Some(RunOutcome::ReadAgain)),
                },
                Ok(Read::Opened(_)) => Err(SyncError::Failed("the source reported its snapshot twice".into())),
                Err(error) => Err(error),
            };
            match taken {
                Ok(None) => {}
                Ok(Some(outcome)) => break Ok(outcome),
                Err(error) => break Err(error),
            }
            if let Some(cause) = self.too_many_refused() {
                break Ok(RunOutcome::TooManyRefused(cause));
            }
        };
        // Undelivered batches hold back the watermark.
        self.dispatch_all().await;
        self.missing_values.warn();
        if matches!(outcome, Ok(RunOutcome::End)) {
            self.progress.lock().ended();
        }
        outcome
    }

    /// Processes a chunk of rows. Returns an outcome if no further rows are to be read.
    async fn take(&mut self, rows: Vec<Row>, stop: &Stop) -> Result<Option<RunOutcome>, SyncError> {
        if !self.progress.has_room() {
            self.dispatch_all().await;
            tokio::select! {
                room = self.wait_for_room() => room?,
                () = stop.asked() => return Ok(Some(RunOutcome::Stop)),
            }
        }
        METRICS.rows_read.inc_by(rows.len() as u64);
        let mut outcome = None;
        let mut unchanged = 0;
        let mut new = Vec::with_capacity(rows.len());
        let has_unsaved_forgets = {
            let mut progress = self.progress.lock();
            for row in rows {
                match self.filter.judge(&row) {
                    Ok(Verdict::Known | Verdict::Counted) => {
                        unchanged += 1;
                        progress.skip_known(row.updated_at);
                    }
                    Ok(Verdict::New { forgotten }) => {
                        progress.forget(forgotten);
                        new.push((progress.read(row.updated_at, row.digest()), row));
                    }
                    Err(OverflowChanged) => {
                        outcome = Some(RunOutcome::ReadAgain);
                        break;
                    }
                }
            }
            progress.has_unsaved_forgets()
        };
        METRICS.rows_unchanged.inc_by(unchanged);
        if has_unsaved_forgets {
            // Checkpoint before sending: otherwise a crash could leave a version in the record that the destination no longer
            // has.
            tokio::select! {
                () = self.progress.wait_until_forgotten() => {}
                () = stop.asked() => return Ok(Some(RunOutcome::Stop)),
            }
        }
        let newest = new.last().map(|(number, _)| *number);
        let mut refused = Vec::new();
        for (number, row) in new {
            self.missing_values.take(&row);
            let lane = (row.user() % self.limits.lanes as u64) as usize;
            let key = self.encoder.batch_key(&row);
            let slot = lane * BatchKey::COUNT + key.number();
            if self.building[slot].size() + row.size() > self.limits.bytes {
                self.dispatch(slot).await;
            }
            let batch = &mut self.building[slot];
            batch.key = key;
            match batch.push(number, row, self.limits.separator, |row, out| self.encoder.write(row, out)) {
                Ok(()) if batch.len() >= self.limits.objects => self.dispatch(slot).await,
                Ok(()) => {}
                Err((row, reason)) => {
                    let payload = if self.keep_payloads { row.payload } else { None };
                    let error = refusal(row.identifier.as_ref(), row.updated_at, &reason, payload);
                    refused.push((number, RowOutcome::Refused(error)));
                }
            }
        }
        self.progress.acknowledge(refused);
        if let Some(newest) = newest {
            self.dispatch_stragglers(newest).await;
        }
        Ok(outcome)
    }

    /// Waits until further rows may be read. If nothing is in flight while suspected rows are held back, these are decided now,
    /// because no further delivery could confirm them before more rows are read.
    async fn wait_for_room(&self) -> Result<(), SyncError> {
        let mut in_flight = self.in_flight.subscribe();
        tokio::select! {
            biased;
            () = self.progress.wait_for_room() => return Ok(()),
            _ = in_flight.wait_for(|batches| *batches == 0) => {}
        }
        if !self.held_back.is_empty() {
            self.destination.judge_rest()?;
            self.progress.acknowledge(self.held_back.release(u64::MAX));
        }
        self.progress.wait_for_room().await;
        Ok(())
    }

    fn too_many_refused(&self) -> Option<String> {
        let most = self.max_failed_share?;
        let (synced, refused) = self.progress.lock().counts();
        let rows = synced + refused;
        (rows >= MIN_ROWS_FOR_SHARE && refused as f64 > rows as f64 * most).then(|| {
            format!("{refused} of {rows} rows were refused, more than `max_failed_share` ({most}) allows; the next sync takes what is left")
        })
    }

    /// Dispatches partly filled batches that are far behind the newest row, because they hold back the watermark.
    async fn dispatch_stragglers(&mut self, newest: u64) {
        let far = (self.limits.lanes * self.limits.objects * 4) as u64;
        for slot in 0..self.building.len() {
            let oldest = self.building[slot].items().first().map(|item| item.row);
            if oldest.is_some_and(|oldest| newest - oldest > far) {
                self.dispatch(slot).await;
            }
        }
    }

    async fn dispatch_all(&mut self) {
        for slot in 0..self.building.len() {
            self.dispatch(slot).await;
        }
    }

    /// Queues a batch for its deliverer, and waits while the queue is full.
    async fn dispatch(&mut self, slot: usize) {
        let batch = std::mem::take(&mut self.building[slot]);
        if !batch.is_empty() {
            self.in_flight.send_modify(|batches| *batches += 1);
            // This fails only if the deliverer has ended with an error, which ends the run.
            let _ = self.queues[slot / BatchKey::COUNT].send(batch).await;
        }
    }
}

/// Delivers the batches of one lane, one after the other.
struct Deliverer {
    destination: Arc<dyn OpenDestination>,
    progress: SharedProgress,
    held_back: HeldBack,
    in_flight: Arc<watch::Sender<usize>>,
    slot: Slot,
    stop: Stop,
    keep_payloads: bool,
}

/// How a deliverer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DelivererEnd {
    /// All its objects are acknowledged.
    Complete,
    /// Some of its objects have no outcome, because a stop was requested.
    Incomplete,
}

impl Deliverer {
    async fn run(self, mut batches: mpsc::Receiver<Batch>) -> Result<DelivererEnd, SyncError> {
        let mut end = DelivererEnd::Complete;
        while let Some(batch) = batches.recv().await {
            // After an incomplete batch nothing is sent: no row may overtake an older one of its user.
            if end == DelivererEnd::Complete {
                end = self.deliver(batch).await?;
            }
            self.in_flight.send_modify(|batches| *batches -= 1);
        }
        Ok(end)
    }

    async fn deliver(&self, batch: Batch) -> Result<DelivererEnd, SyncError> {
        let _working = tokio::select! {
            biased;
            working = self.slot.work() => working,
            () = self.stop.asked() => return Ok(DelivererEnd::Incomplete),
        };
        let Delivery { batch, outcomes, ended } = self.destination.deliver(batch).await;
        let end = if outcomes.iter().all(Option::is_some) { DelivererEnd::Complete } else { DelivererEnd::Incomplete };
        let mut acknowledged = Vec::with_capacity(outcomes.len());
        for (object, (item, outcome)) in batch.items().iter().zip(outcomes).enumerate() {
            let refused = |reason: &str| {
                let sent = || String::from_utf8_lossy(batch.bytes(object..object + 1)).into_owned();
                let payload = self.keep_payloads.then(sent);
                refusal(item.identifier.as_ref(), item.updated_at, reason, payload)
            };
            match outcome {
                Some(Outcome::Delivered(mark)) => acknowledged.push((item.row, RowOutcome::Delivered(mark))),
                Some(Outcome::Refused(reason)) => acknowledged.push((item.row, RowOutcome::Refused(refused(&reason)))),
                Some(Outcome::Suspected(number, reason)) => self.held_back.hold(number, item.row, refused(&reason)),
                None => {}
            }
        }
        self.progress.acknowledge(acknowledged);
        self.progress.acknowledge(self.held_back.release(self.destination.confirmed()));
        ended.map(|()| end)
    }
}

/// The row error of a row.
pub fn refusal(identifier: Option<&Identifier>, updated_at: i64, reason: &str, payload: Option<String>) -> RowError {
    // Some databases do not allow NUL in a text.
    let storable = |text: &str| text.replace('\0', "\u{fffd}");
    RowError {
        identifier: identifier.map(object::identifier_object),
        updated_at: DateTime::from_timestamp_micros(updated_at).unwrap_or_default(),
        reason: storable(&reason.chars().take(MAX_REASON).collect::<String>()),
        payload: payload.map(|payload| storable(&payload)),
    }
}
