//! Changes to the record of acknowledged row versions during a run, and the limit on its size.
//!
//! Rows below `read_from` are never read again, so their versions are dropped. When the record would exceed its limit,
//! `read_from` moves closer to the watermark. When a single `UPDATED_AT` has too many rows, the versions beyond the limit
//! are kept only as an [`Overflow`]: their number and the sum of their digests.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Start, record};
use crate::store::{Overflow, RecordAction, RecordChange};

/// Changes to the record during a run. Times are in microseconds since 1970.
#[derive(Debug)]
pub struct RecordUpdates {
    /// In microseconds.
    lookback: i64,
    running_since: Option<i64>,
    /// The next reading starts with rows of this time; `None`: with the first row.
    pub read_from: Option<i64>,
    /// Versions of one time beyond the limit.
    pub overflow: Option<Overflow>,
    /// For each change that adds: its last time and its number of digests.
    sizes: VecDeque<(i64, u64)>,
    /// Digests in `sizes`.
    kept: u64,
    /// The most digests that the record may hold.
    max: u64,
    /// The latest time of any recorded version.
    latest: i64,
    /// Versions acknowledged since the last [`RecordUpdates::advance`]: time and digest.
    acknowledged: Vec<(i64, u128)>,
    forgotten: Vec<u128>,
    /// Changes that wait for a checkpoint.
    unsaved: Vec<Arc<RecordChange>>,
    /// Whether this run has warned about the limit.
    has_warned: bool,
}

impl RecordUpdates {
    pub fn new(start: Start) -> RecordUpdates {
        let sizes = VecDeque::from(start.sizes);
        let read_from = start.watermark.read_from.map(micros);
        let latest = sizes.iter().map(|(last, _)| *last).max().max(start.watermark.updated_at.map(micros));
        RecordUpdates {
            lookback: i64::try_from(start.lookback.as_micros()).unwrap_or(i64::MAX),
            running_since: start.running_since,
            read_from,
            overflow: start.watermark.overflow,
            kept: sizes.iter().map(|(_, digests)| digests).sum(),
            sizes,
            max: start.max_digests,
            latest: latest.unwrap_or(i64::MIN),
            acknowledged: Vec::new(),
            forgotten: Vec::new(),
            unsaved: Vec::new(),
            has_warned: false,
        }
    }

    /// Adds an acknowledged version.
    pub fn acknowledged(&mut self, updated_at: i64, digest: u128) {
        self.acknowledged.push((updated_at, digest));
        self.latest = self.latest.max(updated_at);
    }

    /// Removes versions.
    pub fn forget(&mut self, digests: Vec<u128>) {
        self.forgotten.extend(digests);
    }

    /// Whether forgotten versions wait for a checkpoint.
    pub fn has_unsaved_forgets(&self) -> bool {
        !self.forgotten.is_empty() || self.unsaved.iter().any(|change| change.action == RecordAction::Forget)
    }

    /// Whether any change waits for a checkpoint.
    pub fn has_unsaved(&self) -> bool {
        !self.acknowledged.is_empty() || !self.forgotten.is_empty() || !self.unsaved.is_empty()
    }

    /// Number of versions that were added or removed and are in no written checkpoint.
    pub fn unsaved(&self) -> usize {
        let in_changes = self.unsaved.iter().map(|change| change.digests.len()).sum::<usize>();
        self.acknowledged.len() + self.forgotten.len() + in_changes
    }

    /// Turns what was acknowledged and forgotten into changes. All rows before `acknowledged_to` are acknowledged.
    pub fn advance(&mut self, acknowledged_to: Option<i64>) {
        if let Some(acknowledged_to) = acknowledged_to {
            // Uncommitted rows may be dated as early as the oldest transaction began, less the lookback.
            let late = self.running_since.map_or(acknowledged_to, |since| since.min(acknowledged_to));
            if late > i64::MIN {
                self.raise_read_from(late.saturating_sub(self.lookback));
            }
        }
        let mut digests = std::mem::take(&mut self.acknowledged);
        digests.retain(|(time, _)| self.read_from.is_none_or(|from| *time >= from));
        if let Some(acknowledged_to) = acknowledged_to {
            self.shrink_to_limit(acknowledged_to, &mut digests);
        }
        self.change(RecordAction::Add, digests);
        let forgotten = std::mem::take(&mut self.forgotten);
        // No forgotten version is later than this.
        self.change(RecordAction::Forget, forgotten.into_iter().map(|digest| (self.latest, digest)).collect());
    }

    /// The changes that wait for a checkpoint.
    pub fn changes(&self) -> Vec<Arc<RecordChange>> {
        self.unsaved.clone()
    }

    /// Records that these changes were written by a checkpoint.
    pub fn written(&mut self, changes: &[Arc<RecordChange>]) {
        self.unsaved.drain(..changes.len().min(self.unsaved.len()));
    }

    fn change(&mut self, action: RecordAction, digests: Vec<(i64, u128)>) {
        let times = || digests.iter().map(|(time, _)| *time);
        let (Some(first), Some(last)) = (times().min(), times().max()) else { return };
        if action == RecordAction::Add {
            self.sizes.push_back((last, digests.len() as u64));
            self.kept += digests.len() as u64;
        }
        let digests = digests.into_iter().map(|(_, digest)| digest).collect();
        self.unsaved.push(Arc::new(RecordChange { action, first, last, digests }));
    }

    /// Drops everything below this time, because the next reading will not go back further.
    fn raise_read_from(&mut self, read_from: i64) {
        if self.read_from.is_some_and(|from| from >= read_from) {
            return;
        }
        self.read_from = Some(read_from);
        self.overflow = self.overflow.filter(|overflow| micros(overflow.updated_at) >= read_from);
        self.sizes.retain(|(last, digests)| {
            let stays = *last >= read_from;
            self.kept -= if stays { 0 } else { *digests };
            stays
        });
    }

    /// Keeps the record within its limit: shortens the lookback, and moves versions at `acknowledged_to` to the overflow.
    fn shrink_to_limit(&mut self, acknowledged_to: i64, digests: &mut Vec<(i64, u128)>) {
        while self.kept + digests.len() as u64 > self.max
            && let Some(from) = self.read_from.filter(|from| *from < acknowledged_to)
        {
            self.warn("the record of acknowledged rows is full, so the effective lookback is shorter than `lookback`; rows that are committed late may be missed");
            self.raise_read_from(acknowledged_to - (acknowledged_to - from) / 2);
            digests.retain(|(time, _)| self.read_from.is_none_or(|from| *time >= from));
        }
        let room = usize::try_from(self.max.saturating_sub(self.kept)).unwrap_or(usize::MAX);
        if digests.len() <= room {
            return;
        }
        // Later times take precedence; the rest of this one goes to the overflow.
        let at_this_time = digests.iter().filter(|(time, _)| *time == acknowledged_to).count();
        let mut too_many = (digests.len() - room).min(at_this_time);
        if too_many == 0 {
            return;
        }
        self.warn("more rows have the same UPDATED_AT than the record of acknowledged rows can hold; the rest are tracked only by their number and the sum of their digests, so when one of those changes or is deleted, all of them are sent again");
        let updated_at = time(acknowledged_to);
        let none = Overflow { updated_at, versions: 0, sum: 0 };
        let mut overflow = self.overflow.filter(|overflow| overflow.updated_at == updated_at).unwrap_or(none);
        digests.retain(|(time, digest)| {
            let stays = *time != acknowledged_to || too_many == 0;
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
        if !std::mem::replace(&mut self.has_warned, true) {
            tracing::warn!(versions = self.kept, most = self.max, "{what}");
        }
    }
}

/// Microseconds since 1970 of a time.
pub fn micros(time: DateTime<Utc>) -> i64 {
    time.timestamp_micros()
}

/// The time of microseconds since 1970, clamped to the range of [`DateTime`].
pub fn time(micros: i64) -> DateTime<Utc> {
    let outside = if micros < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    DateTime::from_timestamp_micros(micros).unwrap_or(outside)
}
