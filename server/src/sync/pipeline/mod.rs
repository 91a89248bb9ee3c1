//! The pipeline of a run: read rows, filter by the record, encode, batch, deliver.
//!
//! Reading applies back-pressure: it waits while enough is ready to be delivered. Up to `Limits::in_flight` batches are
//! delivered at the same time, in any order, but rows of one user keep theirs: a row waits while its user has an older one in a
//! batch that is not delivered yet. One slow answer delays only its own users.

mod changes;
mod compare;
mod deliverer;
mod dispatcher;
mod intake;
mod order;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::DateTime;
use futures::stream::FuturesOrdered;
use futures::{Stream, StreamExt as _};
use tokio::task::{JoinError, JoinSet};
use tracing::Instrument as _;

use super::comparison::{Comparison, KnownUsers};
use super::destination::{DeliveryContext, Limits, OpenDestination};
use super::error::SyncError;
use super::held_back::HeldBack;
use super::integration::Integration;
use super::object;
use super::row::{Identifier, Row};
use super::row_filter::RowFilter;
use super::shared_progress::SharedProgress;
use super::source::Reading;
use crate::store::RowError;
use compare::{Compared, Comparing};
use deliverer::{Deliverer, Finished};
use dispatcher::Dispatcher;
use intake::{Chunk, Intake};

/// `max_failed_share` applies once this many rows are acknowledged.
const MIN_ROWS_FOR_SHARE: u64 = 1000;
/// Chunks that are compared at the same time.
const MAX_COMPARING: usize = 4;
/// The longest reason that is kept, in characters.
const MAX_REASON: usize = 1000;

/// How a run, or one reading of it, ended.
#[derive(Debug)]
pub enum RunOutcome {
    /// All rows are acknowledged.
    End,
    /// A stop was requested.
    Stop,
    /// Rows in the overflow have changed and must be read again one by one.
    ReadAgain,
}

/// The input of the pipeline.
pub struct Rows<'a> {
    /// Reads all rows from `read_from` on.
    pub reading: &'a mut Reading,
    /// Tells new rows from acknowledged ones.
    pub filter: RowFilter,
    /// With `only_changed`: what rows are compared with.
    pub comparison: Option<Comparison>,
}

/// A row that is not acknowledged, with its number in the run.
type Numbered = (u64, Row);

/// Runs the pipeline until all rows are delivered or something stops it. Batches that are being delivered then are finished.
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
    destination.begin(progress.lock().counts().0 > 0);
    let deliverer = Deliverer {
        destination: destination.clone(),
        progress: progress.clone(),
        held_back: HeldBack::default(),
        slot: context.slot.clone(),
        stop: context.stop.clone(),
        keep_payloads: integration.keep_payloads,
    };
    let pipeline = Pipeline {
        dispatcher: Dispatcher::new(integration, limits, progress),
        deliveries: JoinSet::new(),
        most_in_flight: limits.in_flight,
        deliverer,
        max_failed_share: integration.max_failed_share,
        comparison: rows.comparison.clone(),
        comparing: FuturesOrdered::new(),
        has_read_all: false,
        read: None,
        is_sending: true,
        is_complete: true,
        answers: (0, 0),
        failed: None,
        halt,
    };
    pipeline.run(Intake::new(rows, progress, context.slot.clone())).await
}

struct Pipeline<'a, H> {
    dispatcher: Dispatcher<'a>,
    /// A task for each batch that is being delivered.
    deliveries: JoinSet<Finished>,
    most_in_flight: usize,
    deliverer: Deliverer,
    max_failed_share: Option<f64>,
    comparison: Option<Comparison>,
    /// Chunks that are being compared, in order.
    comparing: FuturesOrdered<Comparing>,
    /// Whether the last chunk was read. It may be among those that are being compared.
    has_read_all: bool,
    /// Why no further rows are read.
    read: Option<Result<RunOutcome, SyncError>>,
    /// Whether further batches may be sent.
    is_sending: bool,
    /// Whether all objects of the batches that were delivered are acknowledged.
    is_complete: bool,
    /// Rows that the destination has answered, and those of them that it has refused.
    answers: (u64, u64),
    /// The first delivery that failed for good.
    failed: Option<SyncError>,
    halt: H,
}

impl<H: Fn(&SyncError)> Pipeline<'_, H> {
    async fn run(mut self, intake: Intake<'_>) -> Result<RunOutcome, SyncError> {
        let (progress, stop) = (self.deliverer.progress.clone(), self.deliverer.stop.clone());
        let mut chunks = Some(Box::pin(intake.chunks()));
        // A chunk that is begun is waited for: it may hold what others wait for, as the turn of the run's slot.
        let mut is_reading = false;
        loop {
            self.send_ready();
            let progress_has_room = progress.has_room();
            let may_read = !self.has_read_all && self.comparing.len() < MAX_COMPARING;
            is_reading |= self.read.is_none() && may_read && progress_has_room && self.dispatcher.has_room();
            let waits_for = self.dispatcher.waits_for().filter(|_| self.is_sending);
            let may_take = self.read.is_none() && !self.comparing.is_empty() && !self.dispatcher.is_stalled();
            let is_preparing = waits_for.is_some() || may_take;
            if self.deliveries.is_empty() && !is_reading && !is_preparing {
                if self.read.is_some() {
                    break;
                }
                self.decide_about_suspects()?;
            }
            tokio::select! {
                biased;
                () = stop.asked(), if self.is_sending => self.stop_with(Ok(RunOutcome::Stop)),
                Some(ended) = self.deliveries.join_next() => self.delivered(ended)?,
                Some(chunk) = next(&mut chunks), if is_reading => {
                    is_reading = false;
                    self.compare(chunk);
                }
                Some(compared) = self.comparing.next(), if may_take => {
                    self.take(compared);
                }
                () = progress.wait_until_saved(waits_for.unwrap_or_default()), if waits_for.is_some() => {
                    self.dispatcher.send_saved();
                }
                () = progress.wait_for_room(), if self.read.is_none() && !progress_has_room => {}
            }
            if self.read.is_some() {
                // What it holds must not be held while the rest is delivered.
                (chunks, is_reading) = (None, false);
            }
        }
        self.dispatcher.missing_values.warn();
        self.outcome()
    }

    /// Starts the delivery of ready batches. Batches that are not full are sent if nothing else is in flight that could make
    /// room for further rows, at the end, and if a row must wait for one that may be in them.
    fn send_ready(&mut self) {
        if !self.is_sending {
            return;
        }
        if self.read.is_some() || self.dispatcher.is_stalled() || (self.deliveries.is_empty() && !self.has_room()) {
            self.dispatcher.close_if_none_is_ready();
        }
        while self.deliveries.len() < self.most_in_flight
            && let Some(batch) = self.dispatcher.next_ready()
        {
            self.deliveries.spawn(self.deliverer.clone().deliver(batch).in_current_span());
        }
    }

    fn has_room(&self) -> bool {
        self.deliverer.progress.has_room() && self.dispatcher.has_room()
    }

    /// Decides about suspected rows that hold further rows back while nothing is in flight, because no delivery could confirm
    /// them before more rows are read.
    fn decide_about_suspects(&self) -> Result<(), SyncError> {
        let Deliverer { destination, progress, held_back, .. } = &self.deliverer;
        if !held_back.is_empty() {
            destination.judge_rest()?;
            progress.acknowledge(held_back.release(u64::MAX));
        }
        Ok(())
    }

    /// Reads no further rows and sends no further batches.
    fn stop_with(&mut self, outcome: Result<RunOutcome, SyncError>) {
        self.is_sending = false;
        self.read.get_or_insert(outcome);
    }

    /// Takes a chunk, or compares it first.
    fn compare(&mut self, chunk: Result<Chunk, SyncError>) {
        self.has_read_all |= chunk.as_ref().map_or(true, |chunk| chunk.end.is_some());
        match (&self.comparison, chunk) {
            (Some(comparison), Ok(chunk)) => {
                self.dispatcher.ask();
                self.comparing.push_back(Comparing::start(comparison.clone(), chunk));
            }
            (_, chunk) => self.take(chunk.map(|chunk| Compared { chunk, known: KnownUsers::new() })),
        }
    }

    fn take(&mut self, compared: Result<Compared, SyncError>) {
        match compared {
            Ok(Compared { chunk: Chunk { rows, end }, known }) => {
                self.dispatcher.take(rows, known);
                if matches!(end, Some(RunOutcome::End)) {
                    self.deliverer.progress.lock().ended();
                }
                self.read = end.map(Ok);
            }
            Err(error) => self.read = Some(Err(error)),
        }
        self.check_refusals();
    }

    fn delivered(&mut self, ended: Result<Finished, JoinError>) -> Result<(), SyncError> {
        let error = match ended {
            Ok(Finished { batch, users, answers, is_complete, ended: Ok(()) }) => {
                self.answers = (self.answers.0 + answers.0, self.answers.1 + answers.1);
                self.is_complete &= is_complete;
                // No row may overtake an older one of its user.
                if !self.is_complete {
                    self.stop_with(Ok(RunOutcome::Stop));
                }
                self.dispatcher.delivered(&batch, users, self.is_sending);
                self.check_refusals();
                return Ok(());
            }
            // The run retries from the last checkpoint.
            Ok(Finished { ended: Err(error @ SyncError::Transient(_)), .. }) => return Err(error),
            Ok(Finished { ended: Err(error), .. }) => error,
            Err(error) => SyncError::Failed(format!("a delivery task failed: {error}")),
        };
        self.fail(error);
        Ok(())
    }

    /// Ends the run early if too many rows are refused.
    fn check_refusals(&mut self) {
        let Some(most) = self.max_failed_share else { return };
        let is_all_answered = self.read.is_some() && self.dispatcher.is_empty() && self.deliveries.is_empty();
        if !self.is_sending || is_all_answered {
            return;
        }
        let (rows, refused, pending) = {
            let progress = self.deliverer.progress.lock();
            (progress.acknowledged(), progress.counts().1, progress.pending() as u64)
        };
        // Rows may be refused before older ones are sent, so those count as if they were accepted; but of rows that were sent,
        // only the answers count.
        let too_many = |refused: u64, rows: u64| rows >= MIN_ROWS_FOR_SHARE && refused as f64 > rows as f64 * most;
        let (answered, refused_answers) = self.answers;
        if too_many(refused_answers, answered) || rows >= MIN_ROWS_FOR_SHARE && too_many(refused, rows + pending) {
            let cause = format!(
                "{refused} of {rows} rows were refused, more than `max_failed_share` ({most}) allows; the next sync takes what is left"
            );
            // Also those that are ready to be sent are stopped.
            self.fail(SyncError::Failed(cause));
        }
    }

    /// Stops all tasks of the run.
    fn fail(&mut self, error: SyncError) {
        (self.halt)(self.failed.get_or_insert(error));
        self.stop_with(Ok(RunOutcome::Stop));
    }

    fn outcome(self) -> Result<RunOutcome, SyncError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        match self.read {
            Some(Ok(RunOutcome::End)) if self.is_complete && self.dispatcher.is_empty() => {
                self.deliverer.destination.judge_rest()?;
                self.deliverer.progress.acknowledge(self.deliverer.held_back.release(u64::MAX));
                Ok(RunOutcome::End)
            }
            // Not everything was sent, because a stop was requested.
            Some(Ok(RunOutcome::End)) | None => Ok(RunOutcome::Stop),
            Some(outcome) => outcome,
        }
    }
}

/// The next item of a stream that has no end, while there is one.
async fn next<S: Stream + Unpin>(stream: &mut Option<S>) -> Option<S::Item> {
    stream.as_mut()?.next().await
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
