//! Encodes rows into batches, in the order that their users need.

use std::collections::VecDeque;

use super::order::Order;
use super::{Numbered, refusal};
use crate::sync::batch::Batch;
use crate::sync::destination::Limits;
use crate::sync::integration::Integration;
use crate::sync::object::{BatchKey, MissingValues, ObjectEncoder};
use crate::sync::progress::RowOutcome;
use crate::sync::row::Row;
use crate::sync::shared_progress::SharedProgress;

/// Bytes of rows and objects that are not delivered yet. When there are more, no further rows are read.
const MAX_BYTES: usize = 24_000_000;
/// When this many batches are ready, no further rows are read.
const MAX_READY: usize = 32;
/// A batch that is not full is sent if its oldest row is behind the newest by more than this many full batches, because it
/// holds back the watermark.
const STRAGGLERS: usize = 32;

/// The rows that were read and not sent yet.
pub struct Dispatcher<'a> {
    limits: Limits,
    encoder: ObjectEncoder,
    keep_payloads: bool,
    progress: &'a SharedProgress,
    order: Order,
    /// The batches that objects are added to, one for each key.
    open: [Batch; BatchKey::COUNT],
    /// The next batches to deliver.
    ready: VecDeque<Batch>,
    /// Bytes of the batches that are ready or being delivered.
    closed_bytes: usize,
    /// Rows that cannot be encoded.
    refused: Vec<(u64, RowOutcome)>,
    pub missing_values: MissingValues,
}

impl<'a> Dispatcher<'a> {
    pub fn new(integration: &Integration, limits: Limits, progress: &'a SharedProgress) -> Dispatcher<'a> {
        Dispatcher {
            limits,
            encoder: integration.destination.encoder(integration.kind),
            keep_payloads: integration.keep_payloads,
            progress,
            order: Order::new(limits.in_flight),
            open: Default::default(),
            ready: VecDeque::new(),
            closed_bytes: 0,
            refused: Vec::new(),
            missing_values: MissingValues::default(),
        }
    }

    /// Whether further rows may be read.
    pub fn has_room(&self) -> bool {
        let open = self.open.iter().map(Batch::size).sum::<usize>();
        self.ready.len() < MAX_READY.min(self.limits.in_flight)
            && open + self.closed_bytes + self.order.parked_bytes() <= MAX_BYTES
    }

    /// Whether every row is in a batch that was taken with [`Self::next_ready`].
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.order.parked_bytes() == 0 && self.open.iter().all(Batch::is_empty)
    }

    /// Takes new rows, in order.
    pub fn take(&mut self, rows: Vec<Numbered>) {
        let newest = rows.last().map(|(number, _)| *number);
        for (number, row) in rows {
            self.admit(number, row);
        }
        self.acknowledge_refused();
        if let Some(newest) = newest {
            self.close_stragglers(newest);
        }
    }

    /// The next batch to deliver.
    pub fn next_ready(&mut self) -> Option<Batch> {
        self.ready.pop_front()
    }

    /// Records that a batch was delivered. If `goes_on`, rows that have waited for it become ready.
    pub fn delivered(&mut self, batch: &Batch, goes_on: bool) {
        self.closed_bytes -= batch.size();
        eprintln!("delivered {:?}", batch.items().iter().map(|i| i.row).collect::<Vec<_>>());
        for user in self.order.delivered(batch.items()) {
            while goes_on && let Some(row) = self.order.next_parked(user) {
                let key = self.encoder.batch_key(row);
                let size = row.size();
                self.make_room(key, size);
                // The user may have a row in the batch that was just closed.
                let Some((number, row)) = self.order.take_parked(user) else { break };
                self.append(key, number, row);
            }
        }
        self.acknowledge_refused();
    }

    /// Closes all batches that objects are added to, unless another one is ready.
    pub fn close_if_none_is_ready(&mut self) {
        if self.ready.is_empty() {
            for open in 0..self.open.len() {
                self.close(open);
            }
        }
    }

    /// Adds a row to a batch, or parks it until older rows of its user are delivered.
    fn admit(&mut self, number: u64, row: Row) {
        let key = self.encoder.batch_key(&row);
        if !self.order.is_busy(row.user()) {
            self.make_room(key, row.size());
        }
        if self.order.is_busy(row.user()) {
            eprintln!("park {number} {}", row.user());
            self.order.park(number, row);
        } else {
            self.append(key, number, row);
        }
    }

    /// Closes the batch of a key if an object of about this size does not fit.
    fn make_room(&mut self, key: BatchKey, size: usize) {
        if self.open[key.number()].size() + size > self.limits.bytes {
            self.close(key.number());
        }
    }

    /// Adds the object of a row to the batch of its key.
    fn append(&mut self, key: BatchKey, number: u64, row: Row) {
        eprintln!("append {number} {}", row.user());
        self.missing_values.take(&row);
        let batch = &mut self.open[key.number()];
        batch.key = key;
        match batch.push(number, row, self.limits.separator, |row, out| self.encoder.write(row, out)) {
            Ok(()) if batch.len() >= self.limits.objects => self.close(key.number()),
            Ok(()) => {}
            Err((row, reason)) => {
                let payload = if self.keep_payloads { row.payload } else { None };
                let error = refusal(row.identifier.as_ref(), row.updated_at, &reason, payload);
                self.refused.push((number, RowOutcome::Refused(error)));
            }
        }
    }

    /// Closes batches that are not full and far behind the newest row.
    fn close_stragglers(&mut self, newest: u64) {
        let far = (self.limits.objects * STRAGGLERS) as u64;
        for open in 0..self.open.len() {
            let oldest = self.open[open].items().first().map(|item| item.row);
            if oldest.is_some_and(|oldest| newest.saturating_sub(oldest) > far) {
                self.close(open);
            }
        }
    }

    fn close(&mut self, open: usize) {
        let batch = std::mem::take(&mut self.open[open]);
        if !batch.is_empty() {
            self.order.closed(batch.items());
            eprintln!("close {:?}", batch.items().iter().map(|i| i.row).collect::<Vec<_>>());
            self.closed_bytes += batch.size();
            self.ready.push_back(batch);
        }
    }

    fn acknowledge_refused(&mut self) {
        if !self.refused.is_empty() {
            self.progress.acknowledge(self.refused.drain(..));
        }
    }
}
