//! Rows on their way through a run: read, made into objects, put into batches, delivered in lanes.
//!
//! Reading waits for delivering. Rows of one user go through one lane, and a lane delivers one batch after the other, so a
//! user's rows keep their order.

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
use super::object::{self, BatchKey, ObjectEncoder};
use super::progress::Fate;
use super::row::{Identifier, Row};
use super::shared::Shared;
use super::shutdown::Stop;
use super::slots::Slot;
use super::source::{Read, Reading};
use crate::store::RowError;

/// A share says nothing before so many rows are dealt with.
const ROWS_FOR_A_SHARE: u64 = 1000;
/// The longest reason that is kept, in characters.
const LONGEST_REASON: usize = 1000;

/// How far a run came.
pub enum Reached {
    /// There are no further rows.
    End,
    /// The process is to stop.
    Stop,
    /// More rows were refused than the integration allows; what is said of it.
    TooManyRefused(String),
}

/// Moves rows until there are no more, or until something stops it. What has begun to travel arrives.
pub async fn deliver(
    reading: &mut Reading,
    destination: &Arc<dyn OpenDestination>,
    limits: Limits,
    integration: &Integration,
    progress: &Shared,
    context: &DeliveryContext,
) -> Result<Reached, SyncError> {
    let keep_payloads = integration.keep_payloads;
    destination.begin(progress.lock().counts().0 > 0);
    let held_back = HeldBack::default();
    let under_way = Arc::new(watch::Sender::new(0));
    let mut lanes = JoinSet::new();
    let mut queues = Vec::new();
    for _ in 0..limits.lanes {
        let (queue, batches) = mpsc::channel(1);
        queues.push(queue);
        let lane = Lane {
            destination: destination.clone(),
            progress: progress.clone(),
            held_back: held_back.clone(),
            under_way: under_way.clone(),
            slot: context.slot.clone(),
            stop: context.stop.clone(),
            keep_payloads,
        };
        lanes.spawn(lane.run(batches).in_current_span());
    }
    let feeder = Feeder {
        limits,
        encoder: integration.destination.encoder(integration.kind),
        keep_payloads,
        max_failed_share: integration.max_failed_share,
        building: (0..limits.lanes * BatchKey::COUNT).map(|_| Batch::default()).collect(),
        queues,
        progress,
        destination: destination.as_ref(),
        held_back: held_back.clone(),
        under_way,
    };
    let feeding = feeder.feed(reading, &context.stop);
    tokio::pin!(feeding);
    let mut fed = None;
    let mut complete = true;
    loop {
        tokio::select! {
            reached = &mut feeding, if fed.is_none() => fed = Some(reached),
            ended = lanes.join_next() => match (ended, fed.take()) {
                (Some(ended), known) => {
                    let ended = ended.unwrap_or_else(|error| Err(SyncError::Failed(format!("a delivery broke off: {error}"))))?;
                    complete &= ended == LaneEnd::Complete;
                    fed = known;
                }
                (None, Some(Ok(Reached::End))) if complete => {
                    destination.judge_rest()?;
                    progress.dealt(held_back.release(u64::MAX));
                    return Ok(Reached::End);
                }
                // A lane has left something because the process is to stop.
                (None, Some(Ok(Reached::End))) => return Ok(Reached::Stop),
                (None, Some(reached)) => return reached,
                // The lanes end when the feeder has dropped their queues, or with an error.
                (None, None) => return Err(SyncError::Failed("all lanes ended before the rows did".into())),
            },
        }
    }
}

/// Turns rows into batches and hands them to the lanes.
struct Feeder<'a> {
    limits: Limits,
    encoder: ObjectEncoder,
    keep_payloads: bool,
    max_failed_share: Option<f64>,
    /// A batch for each lane and key.
    building: Vec<Batch>,
    queues: Vec<mpsc::Sender<Batch>>,
    progress: &'a Shared,
    destination: &'a dyn OpenDestination,
    held_back: HeldBack,
    /// Batches that the lanes have.
    under_way: Arc<watch::Sender<usize>>,
}

impl Feeder<'_> {
    async fn feed(mut self, reading: &mut Reading, stop: &Stop) -> Result<Reached, SyncError> {
        let reached = loop {
            let read = tokio::select! {
                biased;
                () = stop.asked() => break Ok(Reached::Stop),
                read = reading.next() => read,
            };
            match read {
                Ok(Read::Rows(rows)) => {
                    if let Err(error) = self.take(rows, stop).await {
                        break Err(error);
                    }
                }
                Ok(Read::End) => break Ok(Reached::End),
                Ok(Read::Opened(_)) => break Err(SyncError::Failed("the source began twice".into())),
                Err(error) => break Err(error),
            }
            if let Some(cause) = self.too_many_refused() {
                break Ok(Reached::TooManyRefused(cause));
            }
        };
        // What waits in a batch holds back the watermark, even if nothing follows now.
        self.dispatch_all().await;
        if matches!(reached, Ok(Reached::End)) {
            self.progress.lock().ended();
        }
        reached
    }

    async fn take(&mut self, rows: Vec<Row>, stop: &Stop) -> Result<(), SyncError> {
        if rows.is_empty() {
            return Ok(());
        }
        if !self.progress.has_room() {
            self.dispatch_all().await;
            tokio::select! {
                room = self.room() => room?,
                () = stop.asked() => {}
            }
        }
        let first = {
            let mut progress = self.progress.lock();
            let numbers: Vec<u64> = rows.iter().map(|row| progress.read(row.updated_at, row.digest() as u64)).collect();
            numbers.first().copied().unwrap_or_default()
        };
        let mut refused = Vec::new();
        let newest = first + rows.len() as u64;
        for (number, row) in (first..).zip(rows) {
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
                    refused.push((number, Fate::Refused(error)));
                }
            }
        }
        self.progress.dealt(refused);
        self.dispatch_stragglers(newest).await;
        Ok(())
    }

    /// Waits until further rows may be read. Where the lanes have nothing any more, and rows are held back whose refusal is in
    /// doubt, these are judged now: nothing will be said of them before further rows are read.
    async fn room(&self) -> Result<(), SyncError> {
        let mut under_way = self.under_way.subscribe();
        tokio::select! {
            biased;
            () = self.progress.room() => return Ok(()),
            _ = under_way.wait_for(|batches| *batches == 0) => {}
        }
        if !self.held_back.is_empty() {
            self.destination.judge_rest()?;
            self.progress.dealt(self.held_back.release(u64::MAX));
        }
        self.progress.room().await;
        Ok(())
    }

    fn too_many_refused(&self) -> Option<String> {
        let most = self.max_failed_share?;
        let (synced, refused) = self.progress.lock().counts();
        let rows = synced + refused;
        (rows >= ROWS_FOR_A_SHARE && refused as f64 > rows as f64 * most).then(|| {
            format!("{refused} of {rows} rows were refused, which is more than `max_failed_share` ({most}) allows; the rest was left for the next sync")
        })
    }

    /// A batch that fills slowly holds the watermark back: it goes when the others are far ahead.
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

    /// Hands a batch to its lane, and waits until the lane has room for it.
    async fn dispatch(&mut self, slot: usize) {
        let batch = std::mem::take(&mut self.building[slot]);
        if !batch.is_empty() {
            self.under_way.send_modify(|batches| *batches += 1);
            // A lane that is gone has ended with an error, which ends the run.
            let _ = self.queues[slot / BatchKey::COUNT].send(batch).await;
        }
    }
}

/// Delivers one batch after the other.
struct Lane {
    destination: Arc<dyn OpenDestination>,
    progress: Shared,
    held_back: HeldBack,
    under_way: Arc<watch::Sender<usize>>,
    slot: Slot,
    stop: Stop,
    keep_payloads: bool,
}

/// How a lane ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LaneEnd {
    /// It has delivered everything.
    Complete,
    /// It has left objects to the next worker, because the process is to stop.
    Incomplete,
}

impl Lane {
    async fn run(self, mut batches: mpsc::Receiver<Batch>) -> Result<LaneEnd, SyncError> {
        let mut end = LaneEnd::Complete;
        while let Some(batch) = batches.recv().await {
            // No row overtakes an older one of its user that was left.
            if end == LaneEnd::Complete {
                end = self.deliver(batch).await?;
            }
            self.under_way.send_modify(|batches| *batches -= 1);
        }
        Ok(end)
    }

    async fn deliver(&self, batch: Batch) -> Result<LaneEnd, SyncError> {
        let _working = tokio::select! {
            biased;
            working = self.slot.work() => working,
            () = self.stop.asked() => return Ok(LaneEnd::Incomplete),
        };
        let Delivery { batch, outcomes, ended } = self.destination.deliver(batch).await;
        let end = if outcomes.iter().all(Option::is_some) { LaneEnd::Complete } else { LaneEnd::Incomplete };
        let mut fates = Vec::with_capacity(outcomes.len());
        for (object, (item, outcome)) in batch.items().iter().zip(outcomes).enumerate() {
            let refused = |reason: &str| {
                let sent = || String::from_utf8_lossy(batch.bytes(object..object + 1)).into_owned();
                let payload = self.keep_payloads.then(sent);
                refusal(item.identifier.as_ref(), item.updated_at, reason, payload)
            };
            match outcome {
                Some(Outcome::Delivered(mark)) => fates.push((item.row, Fate::Delivered(mark))),
                Some(Outcome::Refused(reason)) => fates.push((item.row, Fate::Refused(refused(&reason)))),
                Some(Outcome::Suspected(number, reason)) => self.held_back.hold(number, item.row, refused(&reason)),
                None => {}
            }
        }
        self.progress.dealt(fates);
        self.progress.dealt(self.held_back.release(self.destination.confirmed()));
        ended.map(|()| end)
    }
}

/// The row error of a row.
pub fn refusal(identifier: Option<&Identifier>, updated_at: i64, reason: &str, payload: Option<String>) -> RowError {
    // Some stores keep no NUL in a text.
    let storable = |text: &str| text.replace('\0', "\u{fffd}");
    RowError {
        identifier: identifier.map(object::identifier_object),
        updated_at: DateTime::from_timestamp_micros(updated_at).unwrap_or_default(),
        reason: storable(&reason.chars().take(LONGEST_REASON).collect::<String>()),
        payload: payload.map(|payload| storable(&payload)),
    }
}
