//! The progress of a run: which rows are acknowledged, the watermark, and the changes to the record.
//!
//! Rows are numbered in reading order and acknowledged in any order. The watermark only passes a row once that row and all
//! rows before it are acknowledged. Rows that are acknowledged ahead of the watermark are in the record, so that no later
//! run sends them again.

mod attribute_updates;
mod record_updates;
mod window;

use std::sync::Arc;
use std::time::Duration;

use super::record;
use super::user_attributes::UserAttributes;
use crate::metrics::METRICS;
use crate::store::{AttributeSet, Checkpoint, MAX_ROW_ERRORS, Route, RowError, Spared, Watermark};
use attribute_updates::AttributeUpdates;
use record_updates::{RecordUpdates, micros, time};
use window::Window;

/// How a row was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowOutcome {
    /// The destination has it, at this mark.
    Delivered(u64),
    /// With `only_changed`: the destination has these attributes of it, at this mark.
    DeliveredAttributes(u64, Box<SentAttributes>),
    /// With `only_changed`: nothing in it has changed, so it was not sent.
    Unchanged(Spared),
    /// It was refused for good.
    Refused(RowError),
}

/// Attributes of a user that are sent in one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentAttributes {
    /// The user's hash.
    pub user: u128,
    /// All attributes that the user has once these are acknowledged.
    pub attributes: UserAttributes,
    /// The number of attributes that are sent and that are left out.
    pub spared: Spared,
}

/// The progress of a run.
#[derive(Debug)]
pub struct Progress {
    route: Option<Arc<Route>>,
    /// The watermark when this reading began, in microseconds since 1970.
    watermark_before: Option<i64>,
    window: Window,
    /// Whether all rows were read.
    ended: bool,
    rows_synced: u64,
    rows_failed: u64,
    spared: Spared,
    /// The destination's mark after the last delivered object.
    mark: u64,
    record_updates: RecordUpdates,
    attribute_updates: AttributeUpdates,
    /// Row errors that no checkpoint has written yet, among the first [`MAX_ROW_ERRORS`] of the job.
    errors: Vec<RowError>,
    /// Size of `errors` in bytes.
    error_bytes: usize,
    /// The last written checkpoint, without changes.
    written: Checkpoint,
}

/// The state at the start of a reading.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// The watermark.
    pub watermark: Watermark,
    /// The route that the watermark belongs to; `None` if checkpoints must not write the watermark.
    pub route: Option<Arc<Route>>,
    /// Rows that the job has delivered.
    pub rows_synced: u64,
    /// Rows of the job that were refused.
    pub rows_failed: u64,
    /// What the job has spared.
    pub spared: Spared,
    /// The destination's current mark.
    pub mark: u64,
    /// How far below the watermark rows may still be committed.
    pub lookback: Duration,
    /// When the oldest running transaction of the source began, in microseconds since 1970, if known.
    pub running_since: Option<i64>,
    /// For each stored change that adds to the record: its last `UPDATED_AT` and its number of digests.
    pub sizes: Vec<(i64, u64)>,
    /// The most digests that the record may hold.
    pub max_digests: u64,
    /// With `only_changed`: where the attributes are kept.
    pub attributes: Option<AttributeSet>,
}

impl Progress {
    /// The progress at the start of a reading.
    pub fn new(start: Start) -> Progress {
        let mut progress = Progress {
            route: start.route.clone(),
            watermark_before: start.watermark.updated_at.map(micros),
            window: Window::default(),
            ended: false,
            rows_synced: start.rows_synced,
            rows_failed: start.rows_failed,
            spared: start.spared,
            mark: start.mark,
            attribute_updates: AttributeUpdates::new(start.attributes),
            record_updates: RecordUpdates::new(start),
            errors: Vec::new(),
            error_bytes: 0,
            written: Checkpoint::default(),
        };
        progress.written = progress.without_changes();
        progress
    }

    /// Adds a new row and returns its number.
    pub fn read(&mut self, updated_at: i64, digest: u128) -> u64 {
        self.window.push(updated_at, digest)
    }

    /// Passes a row that an earlier run has acknowledged.
    pub fn skip_known(&mut self, updated_at: i64) {
        self.window.pass(updated_at);
    }

    /// Acknowledges a row. A second acknowledgement of the same row is ignored.
    pub fn acknowledge(&mut self, row: u64, outcome: RowOutcome) {
        let Some((updated_at, digest)) = self.window.acknowledge(row) else { return };
        match outcome {
            RowOutcome::Delivered(mark) => {
                self.record_updates.acknowledged(updated_at, digest);
                self.rows_synced += 1;
                METRICS.rows_delivered.inc();
                self.mark = self.mark.max(mark);
            }
            RowOutcome::DeliveredAttributes(mark, sent) => {
                let SentAttributes { user, attributes, spared } = *sent;
                self.record_updates.acknowledged(updated_at, digest);
                self.attribute_updates.save(user, attributes.bytes());
                self.rows_synced += 1;
                METRICS.rows_delivered.inc();
                self.mark = self.mark.max(mark);
                self.spare(spared);
            }
            RowOutcome::Unchanged(spared) => {
                self.record_updates.acknowledged(updated_at, digest);
                METRICS.rows_unchanged.inc();
                self.spare(spared);
            }
            RowOutcome::Refused(error) => {
                self.record_updates.acknowledged(updated_at, record::refused(digest));
                self.rows_failed += 1;
                METRICS.rows_refused.inc();
                if self.rows_failed <= MAX_ROW_ERRORS {
                    self.error_bytes += error.size();
                    self.errors.push(error);
                }
            }
        }
    }

    fn spare(&mut self, spared: Spared) {
        METRICS.attributes_sent.inc_by(spared.attributes_sent);
        METRICS.attributes_spared.inc_by(spared.attributes_spared);
        self.spared += spared;
    }

    /// Changes the attributes that a user is known to have. Returns the number of the change.
    pub fn save_attributes(&mut self, user: u128, attributes: Vec<u8>) -> u64 {
        self.attribute_updates.save(user, attributes)
    }

    /// The number that the next change of attributes gets. Those that were made have no larger one.
    pub fn next_attribute_change(&self) -> u64 {
        self.attribute_updates.number()
    }

    /// All changes of attributes up to the one with this number are saved.
    pub fn saved_attribute_changes(&self) -> u64 {
        self.attribute_updates.saved
    }

    /// About how many bytes of attributes wait for a checkpoint.
    pub fn attribute_bytes(&self) -> usize {
        self.attribute_updates.bytes
    }

    /// Removes row versions from the record, because another version of the same user is about to be delivered.
    pub fn forget(&mut self, digests: Vec<u128>) {
        self.record_updates.forget(digests);
    }

    /// Whether forgotten versions wait for a checkpoint.
    pub fn has_unsaved_forgets(&self) -> bool {
        self.record_updates.has_unsaved_forgets()
    }

    /// Records that all rows were read.
    pub fn ended(&mut self) {
        self.ended = true;
    }

    /// Drops the overflow, so that its rows are read again one by one.
    pub fn drop_overflow(&mut self) {
        self.record_updates.overflow = None;
    }

    /// Number of rows that are not acknowledged.
    pub fn pending(&self) -> usize {
        self.window.pending()
    }

    /// Number of rows from the first unacknowledged one on.
    pub fn span(&self) -> u64 {
        self.window.span()
    }

    /// Number of acknowledged rows that no checkpoint has written.
    pub fn unsaved(&self) -> usize {
        self.record_updates.unsaved()
    }

    /// Bytes of row errors that wait for a checkpoint.
    pub fn error_bytes(&self) -> usize {
        self.error_bytes
    }

    /// Rows that the job has delivered, and rows that were refused.
    pub fn counts(&self) -> (u64, u64) {
        (self.rows_synced, self.rows_failed)
    }

    /// Rows of the job that are acknowledged: delivered, refused or unchanged.
    pub fn acknowledged(&self) -> u64 {
        self.rows_synced + self.rows_failed + self.spared.rows
    }

    /// What the job has spared.
    pub fn spared(&self) -> Spared {
        self.spared
    }

    /// Whether anything has changed since the last written checkpoint.
    pub fn has_unsaved_changes(&self) -> bool {
        self.record_updates.has_unsaved()
            || self.attribute_updates.has_unsaved()
            || self.without_changes() != self.written
    }

    /// The destination's mark after the last delivered object.
    pub fn mark(&self) -> u64 {
        self.mark
    }

    /// The checkpoint to write now, without the destination's position.
    pub fn checkpoint(&mut self) -> Checkpoint {
        // At the end of the reading the old watermark counts too: rows that have left the source hold nothing back.
        let is_done = self.ended && self.window.pending() == 0;
        let acknowledged_to = if is_done { self.updated_at() } else { self.window.acknowledged_to() };
        self.record_updates.advance(acknowledged_to);
        Checkpoint {
            row_errors: self.errors.clone(),
            record: self.record_updates.changes(),
            attributes: self.attribute_updates.changes(),
            ..self.without_changes()
        }
    }

    /// The watermark. Rows from the lookback do not move it back.
    fn updated_at(&self) -> Option<i64> {
        self.watermark_before.max(self.window.acknowledged_to())
    }

    fn without_changes(&self) -> Checkpoint {
        Checkpoint {
            watermark: Watermark {
                updated_at: self.updated_at().map(time),
                read_from: self.record_updates.read_from.map(time),
                overflow: self.record_updates.overflow,
            },
            route: self.route.clone(),
            record: Vec::new(),
            rows_synced: self.rows_synced,
            rows_failed: self.rows_failed,
            spared: self.spared,
            attributes: Vec::new(),
            row_errors: Vec::new(),
            position: None,
        }
    }

    /// Records that a checkpoint was written.
    pub fn written(&mut self, checkpoint: &Checkpoint) {
        let errors = checkpoint.row_errors.len().min(self.errors.len());
        self.error_bytes -= self.errors.drain(..errors).map(|error| error.size()).sum::<usize>();
        self.record_updates.written(&checkpoint.record);
        self.attribute_updates.written(&checkpoint.attributes);
        self.written = Checkpoint { position: None, ..checkpoint.without_changes() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::RecordAction;

    fn error(reason: &str) -> RowError {
        RowError { identifier: None, updated_at: time(0), reason: reason.into(), payload: None }
    }

    fn delivered() -> RowOutcome {
        RowOutcome::Delivered(0)
    }

    /// A progress with a lookback in microseconds.
    fn looking_back(lookback: u64, start: Start) -> Progress {
        Progress::new(Start { lookback: Duration::from_micros(lookback), max_digests: 1000, ..start })
    }

    fn from(watermark: i64, read_from: i64) -> Start {
        let watermark =
            Watermark { updated_at: Some(time(watermark)), read_from: Some(time(read_from)), overflow: None };
        Start { watermark, ..Start::default() }
    }

    /// The watermark and the time from which the next reading starts.
    fn marks(progress: &mut Progress) -> (Option<i64>, Option<i64>) {
        let watermark = progress.checkpoint().watermark;
        (watermark.updated_at.map(micros), watermark.read_from.map(micros))
    }

    /// The digests that a checkpoint adds to the record, and those that it removes.
    fn changes(checkpoint: &Checkpoint) -> (Vec<u128>, Vec<u128>) {
        let of = |action| {
            let changes = checkpoint.record.iter().filter(|change| change.action == action);
            changes.flat_map(|change| change.digests.clone()).collect()
        };
        (of(RecordAction::Add), of(RecordAction::Forget))
    }

    #[test]
    fn the_watermark_passes_a_row_only_when_all_rows_before_it_are_acknowledged() {
        let mut progress = looking_back(5, Start::default());
        for (updated_at, digest) in [(10, 1), (20, 2), (30, 3)] {
            progress.read(updated_at, digest);
        }
        assert!(!progress.has_unsaved_changes());
        progress.acknowledge(1, delivered());
        assert_eq!(marks(&mut progress), (None, None));
        assert!(progress.has_unsaved_changes(), "the record has a change");
        progress.acknowledge(0, delivered());
        assert_eq!(marks(&mut progress), (Some(20), Some(15)));
        progress.acknowledge(2, RowOutcome::Refused(error("no")));
        assert_eq!(marks(&mut progress), (Some(30), Some(25)));
        let checkpoint = progress.checkpoint();
        assert_eq!((checkpoint.rows_synced, checkpoint.rows_failed), (2, 1));
        assert_eq!(checkpoint.row_errors, [error("no")]);
    }

    #[test]
    fn rows_acknowledged_ahead_of_the_watermark_are_counted_and_recorded_once() {
        let mut progress = looking_back(5, Start::default());
        for (updated_at, digest) in [(10, 1), (20, 2), (30, 3)] {
            progress.read(updated_at, digest);
        }
        progress.acknowledge(2, delivered());
        progress.acknowledge(2, delivered());
        let checkpoint = progress.checkpoint();
        assert_eq!((checkpoint.rows_synced, changes(&checkpoint)), (1, (vec![3], vec![])));
        assert_eq!(progress.checkpoint(), checkpoint, "the write may have failed");
        progress.written(&checkpoint);
        assert!(!progress.has_unsaved_changes());
        progress.acknowledge(0, delivered());
        progress.acknowledge(1, delivered());
        let checkpoint = progress.checkpoint();
        assert_eq!(checkpoint.rows_synced, 3);
        assert_eq!(changes(&checkpoint).0, [], "rows before 25 are not read again");
        assert_eq!(marks(&mut progress), (Some(30), Some(25)));
    }

    #[test]
    fn rows_before_the_watermark_do_not_move_it_back() {
        let mut progress = looking_back(10, from(100, 90));
        progress.skip_known(92);
        progress.read(95, 1);
        progress.skip_known(100);
        assert_eq!(marks(&mut progress), (Some(100), Some(90)));
        progress.acknowledge(0, delivered());
        assert_eq!(marks(&mut progress), (Some(100), Some(90)));
        progress.ended();
        assert_eq!(marks(&mut progress), (Some(100), Some(90)));
        let mut progress = looking_back(5, from(100, 90));
        progress.skip_known(91);
        progress.ended();
        assert_eq!(marks(&mut progress), (Some(100), Some(95)), "rows that have left the source hold nothing back");
    }

    #[test]
    fn the_next_reading_begins_before_the_oldest_transaction_that_was_running() {
        let mut progress = looking_back(10, Start { running_since: Some(50), ..from(100, 20) });
        progress.read(120, 1);
        progress.acknowledge(0, delivered());
        progress.ended();
        assert_eq!(marks(&mut progress), (Some(120), Some(40)));
        let mut progress = looking_back(10, Start { running_since: Some(500), ..from(100, 20) });
        progress.read(120, 1);
        progress.acknowledge(0, delivered());
        assert_eq!(marks(&mut progress), (Some(120), Some(110)));
    }

    #[test]
    fn forgotten_versions_wait_for_a_checkpoint() {
        let mut progress = looking_back(10, Start { sizes: vec![(150, 2)], ..from(100, 90) });
        progress.forget(vec![7, 8]);
        assert!(progress.has_unsaved_forgets() && progress.has_unsaved_changes());
        let checkpoint = progress.checkpoint();
        assert_eq!(changes(&checkpoint), (vec![], vec![7, 8]));
        assert_eq!(checkpoint.record[0].last, 150, "no recorded version is later");
        assert!(progress.has_unsaved_forgets());
        progress.written(&checkpoint);
        assert!(!progress.has_unsaved_forgets() && !progress.has_unsaved_changes());
    }

    #[test]
    fn a_full_record_shortens_the_lookback() {
        let start = Start { sizes: vec![(91, 500), (96, 400), (99, 100)], ..from(100, 90) };
        let mut progress = looking_back(10, start);
        for digest in 0..100 {
            let row = progress.read(101, digest);
            progress.acknowledge(row, delivered());
        }
        assert_eq!(marks(&mut progress), (Some(101), Some(96)));
        assert_eq!(changes(&progress.checkpoint()).0.len(), 100);
    }

    #[test]
    fn rows_of_one_time_that_exceed_the_record_go_to_the_overflow() {
        let mut progress = looking_back(10, Start::default());
        for number in 0..1003 {
            let row = progress.read(100, number * 2);
            progress.acknowledge(row, delivered());
        }
        let row = progress.read(101, 5000);
        progress.read(102, 5001);
        progress.acknowledge(row + 1, delivered());
        let checkpoint = progress.checkpoint();
        let overflow = checkpoint.watermark.overflow.unwrap();
        assert_eq!((micros(overflow.updated_at), overflow.versions), (100, 4));
        let (added, _) = changes(&checkpoint);
        assert_eq!(added.len(), 1000);
        assert!(added.contains(&5001), "later times are recorded");
        let missing = (0..1003).map(|number| number * 2).filter(|digest| !added.contains(digest));
        assert_eq!(missing.sum::<u128>(), overflow.sum);
        progress.acknowledge(row, delivered());
        assert_eq!(progress.checkpoint().watermark.overflow, None, "that time is not read again");
    }

    #[test]
    fn row_errors_are_in_each_checkpoint_until_one_is_written() {
        let mut progress = Progress::new(Start::default());
        for time in [1, 2] {
            progress.read(time, 1);
        }
        progress.acknowledge(0, RowOutcome::Refused(error("a")));
        let checkpoint = progress.checkpoint();
        assert_eq!(progress.checkpoint(), checkpoint, "the write may have failed");
        progress.acknowledge(1, RowOutcome::Refused(error("b")));
        assert_eq!(progress.error_bytes(), 2 * error("a").size());
        progress.written(&checkpoint);
        assert_eq!(progress.checkpoint().row_errors, [error("b")]);
        assert_eq!(progress.error_bytes(), error("b").size());
        let last = progress.checkpoint();
        assert_eq!(last.rows_failed, 2);
        progress.written(&last);
        assert_eq!((progress.has_unsaved_changes(), progress.error_bytes()), (false, 0));
    }

    #[test]
    fn only_the_first_row_errors_are_kept_and_the_rest_are_counted() {
        let mut progress = Progress::new(Start { rows_failed: MAX_ROW_ERRORS - 2, ..Start::default() });
        for time in 0..4 {
            progress.read(time, 1);
        }
        for row in [3, 2, 1] {
            progress.acknowledge(row, RowOutcome::Refused(error(&row.to_string())));
        }
        let checkpoint = progress.checkpoint();
        assert_eq!(checkpoint.row_errors, [error("3"), error("2")]);
        assert_eq!(checkpoint.rows_failed, MAX_ROW_ERRORS + 1);
        assert_eq!(progress.error_bytes(), 2 * error("1").size());
    }

    #[test]
    fn the_mark_is_that_of_the_last_delivered_row() {
        let mut progress = Progress::new(Start::default());
        for time in 0..3 {
            progress.read(time, 1);
        }
        progress.acknowledge(0, RowOutcome::Delivered(100));
        progress.acknowledge(2, RowOutcome::Delivered(300));
        assert_eq!(progress.mark(), 300);
        assert_eq!((progress.pending(), progress.span()), (1, 2));
        progress.acknowledge(1, RowOutcome::Refused(error("no")));
        assert_eq!(progress.pending(), 0);
    }
}
