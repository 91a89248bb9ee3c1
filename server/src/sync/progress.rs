//! How far a run has got: which rows are dealt with, up to where that is all of them, and what the record has to say of it.
//!
//! Rows get numbers in reading order and are dealt with in any order. The watermark only moves over a stretch from the
//! start in which every row is dealt with. What is dealt with ahead of it is in the record, so that no other run sends it
//! again.

mod keeping;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::record;
use crate::store::{Checkpoint, MOST_ROW_ERRORS, Route, RowError, Watermark};
use keeping::{Keeping, micros, time};

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowOutcome {
    /// The destination has it, with this mark.
    Delivered(u64),
    /// It was refused for good.
    Refused(RowError),
}

/// How far a run has got.
#[derive(Debug)]
pub struct Progress {
    route: Option<Arc<Route>>,
    /// The watermark when this reading began, in microseconds.
    reached_before: Option<i64>,
    /// The number of the first row in the window.
    first: u64,
    /// Rows from the first that is not dealt with, in reading order.
    window: VecDeque<Pending>,
    /// The `UPDATED_AT` up to which this reading's rows are dealt with, in microseconds.
    reached: Option<i64>,
    /// Whether no further row follows.
    ended: bool,
    rows_synced: u64,
    rows_failed: u64,
    /// The destination's mark of the last object that it has.
    mark: u64,
    /// What the record keeps, and what no checkpoint has of it.
    keeping: Keeping,
    /// Row errors that no checkpoint has, as far as they are kept.
    errors: Vec<RowError>,
    /// Their bytes.
    error_bytes: usize,
    /// What the last checkpoint said, without its changes.
    written: Checkpoint,
}

#[derive(Debug)]
struct Pending {
    updated_at: i64,
    digest: u128,
    is_settled: bool,
}

/// Where a reading begins.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// The watermark.
    pub watermark: Watermark,
    /// What it belongs to; nothing where it is not to be written.
    pub route: Option<Arc<Route>>,
    /// Rows that the job has delivered.
    pub rows_synced: u64,
    /// Rows of it that were refused.
    pub rows_failed: u64,
    /// The mark of what the destination has.
    pub mark: u64,
    /// How far below the watermark rows may still be committed.
    pub lookback: Duration,
    /// Since when the oldest transaction has been running at the source, in microseconds, where that is known.
    pub running_since: Option<i64>,
    /// For each change of the record that is stored: its last `UPDATED_AT` and how many digests.
    pub sizes: Vec<(i64, u64)>,
    /// The most digests that the record may hold.
    pub most_digests: u64,
}

impl Progress {
    /// The beginning of a reading.
    pub fn new(start: Start) -> Progress {
        let mut progress = Progress {
            route: start.route.clone(),
            reached_before: start.watermark.updated_at.map(micros),
            first: 0,
            window: VecDeque::new(),
            reached: None,
            ended: false,
            rows_synced: start.rows_synced,
            rows_failed: start.rows_failed,
            mark: start.mark,
            keeping: Keeping::new(start),
            errors: Vec::new(),
            error_bytes: 0,
            written: Checkpoint::default(),
        };
        progress.written = progress.without_changes();
        progress
    }

    /// Takes note of a row that is to be dealt with, and numbers it.
    pub fn read(&mut self, updated_at: i64, digest: u128) -> u64 {
        self.window.push_back(Pending { updated_at, digest, is_settled: false });
        self.first + self.window.len() as u64 - 1
    }

    /// Takes note of a row that was acknowledged earlier.
    pub fn read_known(&mut self, updated_at: i64) {
        if self.window.is_empty() {
            self.reached = Some(updated_at);
        } else {
            self.window.push_back(Pending { updated_at, digest: 0, is_settled: true });
        }
    }

    /// Takes note of what became of a row.
    pub fn settled(&mut self, row: u64, outcome: RowOutcome) {
        let index = row.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        let Some(pending) = index.and_then(|index| self.window.get_mut(index)).filter(|pending| !pending.is_settled)
        else {
            return;
        };
        pending.is_settled = true;
        let (updated_at, digest) = (pending.updated_at, pending.digest);
        match outcome {
            RowOutcome::Delivered(mark) => {
                self.keeping.acknowledged(updated_at, digest);
                self.rows_synced += 1;
                self.mark = self.mark.max(mark);
            }
            RowOutcome::Refused(error) => {
                self.keeping.acknowledged(updated_at, record::refused(digest));
                self.rows_failed += 1;
                if self.rows_failed <= MOST_ROW_ERRORS {
                    self.error_bytes += error.size();
                    self.errors.push(error);
                }
            }
        }
        while let Some(Pending { updated_at, .. }) = self.window.pop_front_if(|pending| pending.is_settled) {
            self.first += 1;
            self.reached = Some(updated_at);
        }
    }

    /// Takes row versions out of the record: the destination has something newer of their users.
    pub fn forget(&mut self, digests: Vec<u128>) {
        self.keeping.forget(digests);
    }

    /// Whether versions were forgotten of which no checkpoint says so.
    pub fn has_to_forget(&self) -> bool {
        self.keeping.has_to_forget()
    }

    /// Takes note that there are no further rows.
    pub fn ended(&mut self) {
        self.ended = true;
    }

    /// Takes note that the overflow says nothing any more: its rows are read again one by one.
    pub fn drop_overflow(&mut self) {
        self.keeping.overflow = None;
    }

    /// Rows that were read and are waiting for others before them.
    pub fn pending(&self) -> usize {
        self.window.len()
    }

    /// Bytes of row errors that no checkpoint has.
    pub fn error_bytes(&self) -> usize {
        self.error_bytes
    }

    /// Rows that the job has delivered, and rows of it that were refused.
    pub fn counts(&self) -> (u64, u64) {
        (self.rows_synced, self.rows_failed)
    }

    /// Whether there is something that no checkpoint has.
    pub fn is_new(&self) -> bool {
        self.keeping.has_changes() || self.without_changes() != self.written
    }

    /// The destination's mark of the last object that it has.
    pub fn mark(&self) -> u64 {
        self.mark
    }

    /// What may be written down now, but for the destination's position.
    pub fn so_far(&mut self) -> Checkpoint {
        // Rows that are not there any more hold nothing back.
        let dealt_with = if self.ended && self.window.is_empty() { self.updated_at() } else { self.reached };
        self.keeping.move_on(dealt_with);
        Checkpoint { row_errors: self.errors.clone(), record: self.keeping.changes(), ..self.without_changes() }
    }

    /// The `UPDATED_AT` up to which every row is dealt with. Rows before the watermark do not move it back.
    fn updated_at(&self) -> Option<i64> {
        self.reached_before.max(self.reached)
    }

    fn without_changes(&self) -> Checkpoint {
        Checkpoint {
            watermark: Watermark {
                updated_at: self.updated_at().map(time),
                read_from: self.keeping.read_from.map(time),
                overflow: self.keeping.overflow,
            },
            route: self.route.clone(),
            record: Vec::new(),
            rows_synced: self.rows_synced,
            rows_failed: self.rows_failed,
            row_errors: Vec::new(),
            position: None,
        }
    }

    /// Takes note that a checkpoint was written.
    pub fn written(&mut self, checkpoint: &Checkpoint) {
        let errors = checkpoint.row_errors.len().min(self.errors.len());
        self.error_bytes -= self.errors.drain(..errors).map(|error| error.size()).sum::<usize>();
        self.keeping.written(&checkpoint.record);
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

    /// A progress that looks back by so many microseconds.
    fn looking_back(lookback: u64, start: Start) -> Progress {
        Progress::new(Start { lookback: Duration::from_micros(lookback), most_digests: 1000, ..start })
    }

    fn from(watermark: i64, read_from: i64) -> Start {
        let watermark =
            Watermark { updated_at: Some(time(watermark)), read_from: Some(time(read_from)), overflow: None };
        Start { watermark, ..Start::default() }
    }

    /// The watermark and where the next reading begins.
    fn marks(progress: &mut Progress) -> (Option<i64>, Option<i64>) {
        let watermark = progress.so_far().watermark;
        (watermark.updated_at.map(micros), watermark.read_from.map(micros))
    }

    /// What a checkpoint adds to the record, and what it takes out.
    fn changes(checkpoint: &Checkpoint) -> (Vec<u128>, Vec<u128>) {
        let of = |action| {
            let changes = checkpoint.record.iter().filter(|change| change.action == action);
            changes.flat_map(|change| change.digests.clone()).collect()
        };
        (of(RecordAction::Add), of(RecordAction::Forget))
    }

    #[test]
    fn the_watermark_moves_only_over_rows_that_are_all_dealt_with() {
        let mut progress = looking_back(5, Start::default());
        for (updated_at, digest) in [(10, 1), (20, 2), (30, 3)] {
            progress.read(updated_at, digest);
        }
        assert!(!progress.is_new());
        progress.settled(1, delivered());
        assert_eq!(marks(&mut progress), (None, None));
        assert!(progress.is_new(), "it is in the record");
        progress.settled(0, delivered());
        assert_eq!(marks(&mut progress), (Some(20), Some(15)));
        progress.settled(2, RowOutcome::Refused(error("no")));
        assert_eq!(marks(&mut progress), (Some(30), Some(25)));
        let checkpoint = progress.so_far();
        assert_eq!((checkpoint.rows_synced, checkpoint.rows_failed), (2, 1));
        assert_eq!(checkpoint.row_errors, [error("no")]);
    }

    #[test]
    fn what_is_dealt_with_ahead_of_the_watermark_is_counted_and_recorded_once() {
        let mut progress = looking_back(5, Start::default());
        for (updated_at, digest) in [(10, 1), (20, 2), (30, 3)] {
            progress.read(updated_at, digest);
        }
        progress.settled(2, delivered());
        progress.settled(2, delivered());
        let checkpoint = progress.so_far();
        assert_eq!((checkpoint.rows_synced, changes(&checkpoint)), (1, (vec![3], vec![])));
        assert_eq!(progress.so_far(), checkpoint, "the write may have failed");
        progress.written(&checkpoint);
        assert!(!progress.is_new());
        progress.settled(0, delivered());
        progress.settled(1, delivered());
        let checkpoint = progress.so_far();
        assert_eq!(checkpoint.rows_synced, 3);
        assert_eq!(changes(&checkpoint).0, [], "rows before 25 are not read again");
        assert_eq!(marks(&mut progress), (Some(30), Some(25)));
    }

    #[test]
    fn rows_before_the_watermark_do_not_move_it_back() {
        let mut progress = looking_back(10, from(100, 90));
        progress.read_known(92);
        progress.read(95, 1);
        progress.read_known(100);
        assert_eq!(marks(&mut progress), (Some(100), Some(90)));
        progress.settled(0, delivered());
        assert_eq!(marks(&mut progress), (Some(100), Some(90)));
        progress.ended();
        assert_eq!(marks(&mut progress), (Some(100), Some(90)));
        let mut progress = looking_back(5, from(100, 90));
        progress.read_known(91);
        progress.ended();
        assert_eq!(marks(&mut progress), (Some(100), Some(95)), "rows that are not there hold nothing back");
    }

    #[test]
    fn the_next_reading_begins_before_the_oldest_transaction_that_was_running() {
        let mut progress = looking_back(10, Start { running_since: Some(50), ..from(100, 20) });
        progress.read(120, 1);
        progress.settled(0, delivered());
        progress.ended();
        assert_eq!(marks(&mut progress), (Some(120), Some(40)));
        let mut progress = looking_back(10, Start { running_since: Some(500), ..from(100, 20) });
        progress.read(120, 1);
        progress.settled(0, delivered());
        assert_eq!(marks(&mut progress), (Some(120), Some(110)));
    }

    #[test]
    fn versions_are_forgotten_until_a_checkpoint_says_so() {
        let mut progress = looking_back(10, Start { sizes: vec![(150, 2)], ..from(100, 90) });
        progress.forget(vec![7, 8]);
        assert!(progress.has_to_forget() && progress.is_new());
        let checkpoint = progress.so_far();
        assert_eq!(changes(&checkpoint), (vec![], vec![7, 8]));
        assert_eq!(checkpoint.record[0].last, 150, "no later version can be meant");
        assert!(progress.has_to_forget());
        progress.written(&checkpoint);
        assert!(!progress.has_to_forget() && !progress.is_new());
    }

    #[test]
    fn a_full_record_looks_back_less_far() {
        let start = Start { sizes: vec![(91, 500), (96, 400), (99, 100)], ..from(100, 90) };
        let mut progress = looking_back(10, start);
        for digest in 0..100 {
            let row = progress.read(101, digest);
            progress.settled(row, delivered());
        }
        assert_eq!(marks(&mut progress), (Some(101), Some(96)));
        assert_eq!(changes(&progress.so_far()).0.len(), 100);
    }

    #[test]
    fn rows_of_one_time_that_find_no_room_are_counted() {
        let mut progress = looking_back(10, Start::default());
        for number in 0..1003 {
            let row = progress.read(100, number * 2);
            progress.settled(row, delivered());
        }
        let row = progress.read(101, 5000);
        progress.read(102, 5001);
        progress.settled(row + 1, delivered());
        let checkpoint = progress.so_far();
        let overflow = checkpoint.watermark.overflow.unwrap();
        assert_eq!((micros(overflow.updated_at), overflow.versions), (100, 4));
        let (added, _) = changes(&checkpoint);
        assert_eq!(added.len(), 1000);
        assert!(added.contains(&5001), "later times have a place");
        let missing = (0..1003).map(|number| number * 2).filter(|digest| !added.contains(digest));
        assert_eq!(missing.sum::<u128>(), overflow.sum);
        progress.settled(row, delivered());
        assert_eq!(progress.so_far().watermark.overflow, None, "that time is not read again");
    }

    #[test]
    fn an_error_is_handed_out_until_it_is_written_and_then_no_more() {
        let mut progress = Progress::new(Start::default());
        for time in [1, 2] {
            progress.read(time, 1);
        }
        progress.settled(0, RowOutcome::Refused(error("a")));
        let checkpoint = progress.so_far();
        assert_eq!(progress.so_far(), checkpoint, "the write may have failed");
        progress.settled(1, RowOutcome::Refused(error("b")));
        assert_eq!(progress.error_bytes(), 2 * error("a").size());
        progress.written(&checkpoint);
        assert_eq!(progress.so_far().row_errors, [error("b")]);
        assert_eq!(progress.error_bytes(), error("b").size());
        let last = progress.so_far();
        assert_eq!(last.rows_failed, 2);
        progress.written(&last);
        assert_eq!((progress.is_new(), progress.error_bytes()), (false, 0));
    }

    #[test]
    fn of_very_many_errors_the_first_are_kept_and_the_others_counted() {
        let mut progress = Progress::new(Start { rows_failed: MOST_ROW_ERRORS - 2, ..Start::default() });
        for time in 0..4 {
            progress.read(time, 1);
        }
        for row in [3, 2, 1] {
            progress.settled(row, RowOutcome::Refused(error(&row.to_string())));
        }
        let checkpoint = progress.so_far();
        assert_eq!(checkpoint.row_errors, [error("3"), error("2")]);
        assert_eq!(checkpoint.rows_failed, MOST_ROW_ERRORS + 1);
        assert_eq!(progress.error_bytes(), 2 * error("1").size());
    }

    #[test]
    fn the_destinations_mark_is_that_of_the_last_row_it_has() {
        let mut progress = Progress::new(Start::default());
        for time in 0..3 {
            progress.read(time, 1);
        }
        progress.settled(0, RowOutcome::Delivered(100));
        progress.settled(2, RowOutcome::Delivered(300));
        assert_eq!(progress.mark(), 300);
        assert_eq!(progress.pending(), 2);
        progress.settled(1, RowOutcome::Refused(error("no")));
        assert_eq!(progress.pending(), 0);
    }
}
