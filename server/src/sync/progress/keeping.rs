//! What the record of acknowledged row versions keeps while a run goes on.
//!
//! Rows below `read_from` are never read again, so that nothing is kept of them. The record is bounded: where it would get
//! too large, `read_from` moves closer to the watermark, and where even one time has too many rows, the versions that
//! find no room are known only by their number and the sum of their digests.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Start, record};
use crate::store::{Overflow, RecordAction, RecordChange};

/// What the record keeps.
#[derive(Debug)]
pub struct Keeping {
    lookback: i64,
    running_since: Option<i64>,
    /// Rows of this time and later ones will be read again; nothing: all.
    pub read_from: Option<i64>,
    /// Versions that found no room.
    pub overflow: Option<Overflow>,
    /// For each stored change that adds: its last time, and how many digests.
    sizes: VecDeque<(i64, u64)>,
    kept: u64,
    most: u64,
    /// The latest time of which something is known.
    latest: i64,
    /// What was acknowledged since changes were last made of it: time and digest.
    acknowledged: Vec<(i64, u128)>,
    forgotten: Vec<u128>,
    /// Changes that no checkpoint has.
    unwritten: Vec<Arc<RecordChange>>,
    is_full: bool,
}

impl Keeping {
    pub fn new(start: Start) -> Keeping {
        let sizes = VecDeque::from(start.sizes);
        let read_from = start.watermark.read_from.map(micros);
        let latest = sizes.iter().map(|(last, _)| *last).max().max(start.watermark.updated_at.map(micros));
        Keeping {
            lookback: i64::try_from(start.lookback.as_micros()).unwrap_or(i64::MAX),
            running_since: start.running_since,
            read_from,
            overflow: start.watermark.overflow,
            kept: sizes.iter().map(|(_, digests)| digests).sum(),
            sizes,
            most: start.most_digests,
            latest: latest.unwrap_or(i64::MIN),
            acknowledged: Vec::new(),
            forgotten: Vec::new(),
            unwritten: Vec::new(),
            is_full: false,
        }
    }

    /// Takes note of a version that was acknowledged.
    pub fn acknowledged(&mut self, updated_at: i64, digest: u128) {
        self.acknowledged.push((updated_at, digest));
        self.latest = self.latest.max(updated_at);
    }

    /// Takes versions out.
    pub fn forget(&mut self, digests: Vec<u128>) {
        self.forgotten.extend(digests);
    }

    /// Whether no checkpoint says what was forgotten.
    pub fn has_to_forget(&self) -> bool {
        !self.forgotten.is_empty() || self.unwritten.iter().any(|change| change.action == RecordAction::Forget)
    }

    /// Whether there are changes that no checkpoint has.
    pub fn has_changes(&self) -> bool {
        !self.acknowledged.is_empty() || !self.forgotten.is_empty() || !self.unwritten.is_empty()
    }

    /// Takes note that all rows before this time are dealt with, and makes changes of what was acknowledged.
    pub fn move_on(&mut self, dealt_with: Option<i64>) {
        if let Some(dealt_with) = dealt_with {
            // What is not committed yet may be dated when the oldest transaction began, or earlier by the lookback.
            let late = self.running_since.map_or(dealt_with, |since| since.min(dealt_with));
            if late > i64::MIN {
                self.raise(late.saturating_sub(self.lookback));
            }
        }
        let mut digests = std::mem::take(&mut self.acknowledged);
        digests.retain(|(time, _)| self.read_from.is_none_or(|from| *time >= from));
        if let Some(dealt_with) = dealt_with {
            self.make_room(dealt_with, &mut digests);
        }
        self.change(RecordAction::Add, digests);
        let forgotten = std::mem::take(&mut self.forgotten);
        // Whatever is taken out is not later than this.
        self.change(RecordAction::Forget, forgotten.into_iter().map(|digest| (self.latest, digest)).collect());
    }

    /// The changes that no checkpoint has.
    pub fn changes(&self) -> Vec<Arc<RecordChange>> {
        self.unwritten.clone()
    }

    /// Takes note that these changes are stored.
    pub fn written(&mut self, changes: &[Arc<RecordChange>]) {
        self.unwritten.drain(..changes.len().min(self.unwritten.len()));
    }

    fn change(&mut self, action: RecordAction, digests: Vec<(i64, u128)>) {
        let times = || digests.iter().map(|(time, _)| *time);
        let (Some(first), Some(last)) = (times().min(), times().max()) else { return };
        if action == RecordAction::Add {
            self.sizes.push_back((last, digests.len() as u64));
            self.kept += digests.len() as u64;
        }
        let digests = digests.into_iter().map(|(_, digest)| digest).collect();
        self.unwritten.push(Arc::new(RecordChange { action, first, last, digests }));
    }

    /// Rows before this time will not be read again.
    fn raise(&mut self, read_from: i64) {
        if self.read_from.is_some_and(|from| from >= read_from) {
            return;
        }
        self.read_from = Some(read_from);
        self.overflow = self.overflow.filter(|overflow| micros(overflow.updated_at) >= read_from);
        // Most leave at the front.
        self.sizes.retain(|(last, digests)| {
            let stays = *last >= read_from;
            self.kept -= if stays { 0 } else { *digests };
            stays
        });
    }

    /// Lets the record keep no more than it may: it looks back less far, and at the time that is reached what finds no room
    /// is only counted.
    fn make_room(&mut self, dealt_with: i64, digests: &mut Vec<(i64, u128)>) {
        while self.kept + digests.len() as u64 > self.most
            && let Some(from) = self.read_from.filter(|from| *from < dealt_with)
        {
            self.warn("the record of acknowledged rows is full: it looks back less far than `lookback` says, and rows that are committed later may be missed");
            self.raise(dealt_with - (dealt_with - from) / 2);
            digests.retain(|(time, _)| self.read_from.is_none_or(|from| *time >= from));
        }
        let room = usize::try_from(self.most.saturating_sub(self.kept)).unwrap_or(usize::MAX);
        if digests.len() <= room {
            return;
        }
        // The room is for later times; of this one the rest is counted.
        let at_this_time = digests.iter().filter(|(time, _)| *time == dealt_with).count();
        let mut too_many = (digests.len() - room).min(at_this_time);
        if too_many == 0 {
            return;
        }
        self.warn("too many rows have one UPDATED_AT for the record of acknowledged rows: those that find no room are known by their number and sum, and when one of them changes or leaves, all of them are sent again");
        let updated_at = time(dealt_with);
        let none = Overflow { updated_at, versions: 0, sum: 0 };
        let mut overflow = self.overflow.filter(|overflow| overflow.updated_at == updated_at).unwrap_or(none);
        digests.retain(|(time, digest)| {
            let stays = *time != dealt_with || too_many == 0;
            if !stays {
                too_many -= 1;
                overflow.versions += 1;
                overflow.sum = overflow.sum.wrapping_add(record::version(*digest));
            }
            stays
        });
        self.overflow = Some(overflow);
    }

    fn warn(&mut self, what: &str) {
        if !std::mem::replace(&mut self.is_full, true) {
            tracing::warn!(versions = self.kept, most = self.most, "{what}");
        }
    }
}

/// A time in microseconds since 1970.
pub fn micros(time: DateTime<Utc>) -> i64 {
    time.timestamp_micros()
}

/// Microseconds since 1970 as a time.
pub fn time(micros: i64) -> DateTime<Utc> {
    let outside = if micros < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    DateTime::from_timestamp_micros(micros).unwrap_or(outside)
}
