//! Encodes rows into batches, in the order that their users need.

use std::collections::VecDeque;

use super::changes::{Changes, Decision, Sending};
use super::order::Order;
use super::{Numbered, refusal};
use crate::sync::batch::Batch;
use crate::sync::comparison::KnownUsers;
use crate::sync::destination::Limits;
use crate::sync::integration::Integration;
use crate::sync::object::{BatchKey, MissingValues, ObjectEncoder};
use crate::sync::progress::RowOutcome;
use crate::sync::row::Row;
use crate::sync::shared_progress::SharedProgress;
use crate::sync::user_attributes::UserAttributes;

/// Bytes of rows and objects that are not delivered yet. When there are more, no further rows are read.
const MAX_BYTES: usize = 24_000_000;
/// When this many batches are ready, no further rows are read.
const MAX_READY: usize = 32;
/// Batches that objects of one key are added to at the same time. Rows that stand together in the source are spread over them,
/// so that bad rows do not fill whole batches, and a few users with many rows do not wait for each other.
const SPREAD: usize = 8;
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
    /// The batches that objects are added to, `spread` for each key. Rows of one user go to the same one.
    open: Vec<Batch>,
    spread: usize,
    /// The next batches to deliver.
    ready: VecDeque<Batch>,
    /// Bytes of the batches that are ready or being delivered.
    closed_bytes: usize,
    /// With `only_changed`: which attributes are sent.
    changes: Option<Changes>,
    /// The rows of the last chunk from one on that must wait for a row with another of its user's identifiers, and what the store
    /// knows of the users of that chunk.
    stalled: VecDeque<Numbered>,
    known: KnownUsers,
    /// Rows that may be sent once a change of attributes is saved. None is sent before those in front of it.
    waiting: VecDeque<(Numbered, Sending)>,
    waiting_bytes: usize,
    /// Rows that are not sent: they cannot be encoded, or nothing in them has changed.
    unsent: Vec<(u64, RowOutcome)>,
    pub missing_values: MissingValues,
}

impl<'a> Dispatcher<'a> {
    pub fn new(integration: &Integration, limits: Limits, progress: &'a SharedProgress) -> Dispatcher<'a> {
        let spread = SPREAD.min(limits.in_flight);
        Dispatcher {
            limits,
            encoder: integration.destination.encoder(integration.kind),
            keep_payloads: integration.keep_payloads,
            progress,
            order: Order::new(limits.in_flight > 1 || integration.only_changed),
            open: (0..BatchKey::COUNT * spread).map(|_| Batch::default()).collect(),
            spread,
            ready: VecDeque::new(),
            closed_bytes: 0,
            changes: integration.only_changed.then(Changes::default),
            stalled: VecDeque::new(),
            known: KnownUsers::new(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            unsent: Vec::new(),
            missing_values: MissingValues::default(),
        }
    }

    /// Whether further rows may be read.
    pub fn has_room(&self) -> bool {
        let open = self.open.iter().map(Batch::memory).sum::<usize>();
        !self.is_stalled()
            && self.ready.len() < MAX_READY.min(self.limits.in_flight)
            && open + self.closed_bytes + self.order.parked_bytes() + self.waiting_bytes <= MAX_BYTES
    }

    /// Whether every row is in a batch that was taken with [`Self::next_ready`].
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty()
            && self.waiting.is_empty()
            && !self.is_stalled()
            && self.order.parked_bytes() == 0
            && self.open.iter().all(Batch::is_empty)
    }

    /// Records that the store is asked for the attributes of another chunk's users.
    pub fn ask(&mut self) {
        if let Some(changes) = &mut self.changes {
            changes.ask();
        }
    }

    /// Whether rows of the last chunk still wait. No other must be taken before.
    pub fn is_stalled(&self) -> bool {
        !self.stalled.is_empty()
    }

    /// Takes new rows, in order. With `only_changed`, `known` is what the store knows of their users.
    pub fn take(&mut self, rows: Vec<Numbered>, known: KnownUsers) {
        if let Some(changes) = &mut self.changes {
            changes.take(self.progress.lock().saved_attribute_changes());
        }
        (self.stalled, self.known) = (rows.into(), known);
        self.go_on();
    }

    /// Admits the rows of the last chunk up to one that must wait.
    fn go_on(&mut self) {
        let known = std::mem::take(&mut self.known);
        let mut newest = None;
        while let Some((number, row)) = self.stalled.pop_front() {
            if self.must_wait(&row) {
                self.stalled.push_front((number, row));
                self.known = known;
                break;
            }
            newest = Some(number);
            self.admit(number, row, &known);
        }
        self.acknowledge_unsent();
        if let Some(newest) = newest {
            self.close_stragglers(newest);
        }
    }

    /// Whether a row that is not delivered yet names the row's user by another identifier, or is sent under another of the row's.
    fn must_wait(&self, row: &Row) -> bool {
        let Some(compared) = &row.compared else { return false };
        self.order.is_named(row.user()) || compared.others.iter().any(|other| self.order.is_busy(*other as u64))
    }

    /// The next batch to deliver.
    pub fn next_ready(&mut self) -> Option<Batch> {
        self.ready.pop_front()
    }

    /// The change of attributes that must be saved before all rows may be sent.
    pub fn waits_for(&self) -> Option<u64> {
        self.waiting.front().map(|(_, sending)| sending.after)
    }

    /// Adds the rows to batches that have waited for changes which are saved now.
    pub fn send_saved(&mut self) {
        let saved = self.progress.lock().saved_attribute_changes();
        while let Some(((number, row), sending)) = self.waiting.pop_front_if(|(_, sending)| sending.after <= saved) {
            self.waiting_bytes -= row.size();
            self.append_some(number, row, sending);
        }
    }

    /// Records that a batch was delivered, and with `only_changed` what its users have. If `goes_on`, rows that have waited for
    /// it become ready.
    pub fn delivered(&mut self, batch: &Batch, users: Vec<(u128, Option<UserAttributes>)>, goes_on: bool) {
        if let Some(changes) = &mut self.changes {
            let saved_by = self.progress.lock().next_attribute_change();
            for (user, acknowledged) in users {
                self.order.unname(&changes.delivered(user, acknowledged, saved_by));
            }
        }
        self.closed_bytes -= batch.memory();
        for user in self.order.delivered(batch.items()) {
            while goes_on && let Some(row) = self.order.next_parked(user) {
                let (open, size) = (self.place(row), row.size());
                self.make_room(open, size);
                // The user may have a row in the batch that was just closed.
                let Some((number, row)) = self.order.take_parked(user) else { break };
                // What is known of its user is known here.
                self.decide(open, number, row, &KnownUsers::new());
            }
        }
        if goes_on {
            self.go_on();
        }
        self.acknowledge_unsent();
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
    fn admit(&mut self, number: u64, mut row: Row, known: &KnownUsers) {
        self.missing_values.take(&row);
        if let Some(compared) = &row.compared {
            self.order.name(&compared.others);
        }
        let open = self.place(&row);
        if !self.order.is_busy(row.user()) {
            self.make_room(open, row.size());
        }
        if self.order.is_busy(row.user()) {
            if let (Some(changes), Some(compared)) = (&self.changes, &mut row.compared) {
                compared.is_whole = changes.touches_others(compared, known);
            }
            self.order.park(number, row);
        } else {
            self.decide(open, number, row, known);
        }
    }

    /// Adds a row to a batch, or decides that it is not sent or must wait for a checkpoint.
    fn decide(&mut self, open: usize, number: u64, row: Row, known: &KnownUsers) {
        let (Some(changes), Some(compared)) = (&mut self.changes, &row.compared) else {
            return self.append(open, number, row);
        };
        let mut progress = self.progress.lock();
        match changes.decide(compared, known, &mut progress) {
            Decision::Unchanged(spared) => {
                self.order.unname(&compared.others);
                self.unsent.push((number, RowOutcome::Unchanged(spared)));
            }
            Decision::Send(sending) => {
                let is_saved = sending.after <= progress.saved_attribute_changes();
                drop(progress);
                self.order.occupy(row.user());
                if is_saved {
                    self.append_some(number, row, sending);
                } else {
                    self.waiting_bytes += row.size();
                    self.waiting.push_back(((number, row), sending));
                }
            }
        }
    }

    /// Adds the object with some attributes of a row to the batch of its key.
    fn append_some(&mut self, number: u64, mut row: Row, sending: Sending) {
        let (open, size) = (self.place(&row), row.size());
        let Some(compared) = row.compared.take() else { return };
        self.make_room(open, size);
        let (batch, encoder) = (&mut self.open[open], self.encoder);
        batch.key = encoder.batch_key(&row);
        let write = |row: &Row, out: &mut Vec<u8>| {
            encoder.write_some(row, &compared.attributes, sending.difference.attributes(&compared), out);
            Ok(())
        };
        // Writing attributes that were validated cannot fail.
        if batch.push(number, row, self.limits.separator, write).is_ok() {
            batch.set_sent(sending.sent);
        }
        if batch.len() >= self.limits.objects {
            self.close(open);
        }
    }

    /// The open batch that a row belongs to.
    fn place(&self, row: &Row) -> usize {
        self.encoder.batch_key(row).number() * self.spread + (row.user() % self.spread as u64) as usize
    }

    /// Closes a batch if an object of about this size does not fit.
    fn make_room(&mut self, open: usize, size: usize) {
        if self.open[open].size() + size > self.limits.bytes {
            self.close(open);
        }
    }

    /// Adds the object of a row to a batch.
    fn append(&mut self, open: usize, number: u64, row: Row) {
        let batch = &mut self.open[open];
        batch.key = self.encoder.batch_key(&row);
        match batch.push(number, row, self.limits.separator, |row, out| self.encoder.write(row, out)) {
            Ok(()) if batch.len() >= self.limits.objects => self.close(open),
            Ok(()) => {}
            Err((row, reason)) => {
                let payload = if self.keep_payloads { row.payload } else { None };
                let error = refusal(row.identifier.as_ref(), row.updated_at, &reason, payload);
                self.unsent.push((number, RowOutcome::Refused(error)));
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
            // With `only_changed` their users are occupied already.
            if self.changes.is_none() {
                self.order.closed(batch.items());
            }
            self.closed_bytes += batch.memory();
            self.ready.push_back(batch);
        }
    }

    fn acknowledge_unsent(&mut self) {
        if !self.unsent.is_empty() {
            self.progress.acknowledge(self.unsent.drain(..));
        }
    }
}
