//! How far a run has got: which rows are dealt with, and up to where that is all of them.
//!
//! Rows get numbers in reading order and are dealt with in any order. The watermark only moves over a stretch from the
//! start in which every row is dealt with. Where it stops among rows of one `UPDATED_AT`, it carries a digest of those
//! that are dealt with, by which a later run knows whether they still stand at the front.

use std::collections::VecDeque;

use chrono::DateTime;

use crate::store::{Checkpoint, MOST_ROW_ERRORS, RowError, Watermark};

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The destination has it, with this mark.
    Delivered(u64),
    /// It was refused for good.
    Refused(RowError),
}

/// How far a run has got.
#[derive(Debug)]
pub struct Progress {
    /// The number of the first row in the window.
    first: u64,
    /// Rows that are not yet counted, in reading order.
    window: VecDeque<Pending>,
    /// Everything that was counted.
    counted: Counted,
    /// Row errors that are counted and that no checkpoint has, as far as they are kept.
    errors: Vec<RowError>,
    /// Bytes of row errors, those in the window included.
    error_bytes: usize,
    /// Whether no further row follows.
    ended: bool,
    /// What the last checkpoint said, without its row errors.
    written: Checkpoint,
}

#[derive(Debug)]
struct Pending {
    updated_at: i64,
    digest: u64,
    fate: Option<Dealt>,
}

/// What became of a row, as it is kept until the row is counted.
#[derive(Debug)]
enum Dealt {
    Delivered(u64),
    /// Without the row error where the job has enough of them.
    Refused(Option<RowError>),
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    watermark: Option<Watermark>,
    rows_synced: u64,
    rows_failed: u64,
    mark: u64,
}

/// What a job had come to when this run took it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Start {
    /// The watermark, with the rows at it that this run does not take.
    pub watermark: Option<Watermark>,
    /// Rows that were delivered.
    pub rows_synced: u64,
    /// Rows that were refused.
    pub rows_failed: u64,
    /// The mark of what the destination has.
    pub mark: u64,
}

impl Progress {
    /// The beginning of a run.
    pub fn new(start: Start) -> Progress {
        let counted = Counted {
            watermark: start.watermark,
            rows_synced: start.rows_synced,
            rows_failed: start.rows_failed,
            mark: start.mark,
        };
        let mut progress = Progress {
            first: 0,
            window: VecDeque::new(),
            counted,
            errors: Vec::new(),
            error_bytes: 0,
            ended: false,
            written: Checkpoint::default(),
        };
        progress.written = progress.without_errors();
        progress
    }

    /// Takes note of a row that was read, and numbers it.
    pub fn read(&mut self, updated_at: i64, digest: u64) -> u64 {
        self.window.push_back(Pending { updated_at, digest, fate: None });
        self.first + self.window.len() as u64 - 1
    }

    /// Takes note of what became of a row.
    pub fn dealt(&mut self, row: u64, fate: Fate) {
        let index = row.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        if let Some(pending) = index.and_then(|index| self.window.get_mut(index)) {
            pending.fate = Some(match fate {
                Fate::Delivered(mark) => Dealt::Delivered(mark),
                Fate::Refused(_) if self.counted.rows_failed >= MOST_ROW_ERRORS => Dealt::Refused(None),
                Fate::Refused(error) => {
                    self.error_bytes += error.size();
                    Dealt::Refused(Some(error))
                }
            });
        }
        while self.window.front().is_some_and(|pending| pending.fate.is_some()) {
            if let Some(Pending { updated_at, digest, fate: Some(fate) }) = self.window.pop_front() {
                self.first += 1;
                self.count(updated_at, digest, fate);
            }
        }
    }

    /// Takes note that there are no further rows.
    pub fn ended(&mut self) {
        self.ended = true;
    }

    /// Rows that were read and are not counted yet.
    pub fn pending(&self) -> usize {
        self.window.len()
    }

    /// Bytes of row errors that no checkpoint has.
    pub fn error_bytes(&self) -> usize {
        self.error_bytes
    }

    /// Rows that the job has delivered, and rows of it that were refused.
    pub fn counts(&self) -> (u64, u64) {
        (self.counted.rows_synced, self.counted.rows_failed)
    }

    fn count(&mut self, updated_at: i64, digest: u64, fate: Dealt) {
        let counted = &mut self.counted;
        let time = DateTime::from_timestamp_micros(updated_at).unwrap_or_default();
        let before = counted.watermark.filter(|watermark| watermark.updated_at == time);
        counted.watermark = Some(Watermark {
            updated_at: time,
            rows_at: before.map_or(0, |watermark| watermark.rows_at) + 1,
            digest: Some(before.and_then(|watermark| watermark.digest).unwrap_or(0).wrapping_add(digest)),
        });
        match fate {
            Dealt::Delivered(mark) => {
                counted.rows_synced += 1;
                counted.mark = counted.mark.max(mark);
            }
            Dealt::Refused(error) => {
                counted.rows_failed += 1;
                match error {
                    Some(error) if counted.rows_failed <= MOST_ROW_ERRORS => self.errors.push(error),
                    // Others before it were refused while it waited to be counted.
                    Some(error) => self.error_bytes -= error.size(),
                    None => {}
                }
            }
        }
    }

    /// The watermark; without a digest where every row at it is dealt with.
    fn watermark(&self) -> Option<Watermark> {
        let watermark = self.counted.watermark?;
        let whole = match self.window.front() {
            Some(next) => DateTime::from_timestamp_micros(next.updated_at) != Some(watermark.updated_at),
            None => self.ended,
        };
        Some(if whole { Watermark { digest: None, ..watermark } } else { watermark })
    }

    /// Whether there is something that no checkpoint has.
    pub fn is_new(&self) -> bool {
        // A row error comes with its count.
        self.without_errors() != self.written
    }

    /// The destination's mark of the last object that is counted.
    pub fn mark(&self) -> u64 {
        self.counted.mark
    }

    /// What may be written down now, but for the destination's position.
    pub fn so_far(&self) -> Checkpoint {
        Checkpoint { row_errors: self.errors.clone(), ..self.without_errors() }
    }

    fn without_errors(&self) -> Checkpoint {
        Checkpoint {
            watermark: self.watermark(),
            rows_synced: self.counted.rows_synced,
            rows_failed: self.counted.rows_failed,
            row_errors: Vec::new(),
            position: None,
        }
    }

    /// Takes note that a checkpoint was written.
    pub fn written(&mut self, checkpoint: &Checkpoint) {
        let errors = checkpoint.row_errors.len().min(self.errors.len());
        self.error_bytes -= self.errors.drain(..errors).map(|error| error.size()).sum::<usize>();
        self.written = Checkpoint { position: None, ..checkpoint.without_row_errors() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(reason: &str) -> RowError {
        RowError { identifier: None, updated_at: time(0), reason: reason.into(), payload: None }
    }

    fn time(micros: i64) -> DateTime<chrono::Utc> {
        DateTime::from_timestamp_micros(micros).unwrap()
    }

    fn delivered() -> Fate {
        Fate::Delivered(0)
    }

    /// `UPDATED_AT`, rows at it, and the digest where there are more.
    fn watermark(progress: &Progress) -> Option<(i64, u64, Option<u64>)> {
        let watermark = progress.so_far().watermark?;
        Some((watermark.updated_at.timestamp_micros(), watermark.rows_at, watermark.digest))
    }

    fn start(rows_at: u64, digest: Option<u64>) -> Start {
        let watermark = Some(Watermark { updated_at: time(10), rows_at, digest });
        Start { watermark, rows_synced: 4, rows_failed: 1, mark: 0 }
    }

    #[test]
    fn the_watermark_moves_only_over_rows_that_are_all_dealt_with() {
        let mut progress = Progress::new(Start::default());
        for (updated_at, digest) in [(10, 1), (20, 2), (30, 3)] {
            progress.read(updated_at, digest);
        }
        progress.dealt(1, delivered());
        assert_eq!(watermark(&progress), None);
        assert!(!progress.is_new());
        progress.dealt(0, delivered());
        assert_eq!(watermark(&progress), Some((20, 1, None)));
        assert_eq!(progress.so_far().rows_synced, 2);
        progress.dealt(2, Fate::Refused(error("no")));
        assert_eq!(watermark(&progress), Some((30, 1, Some(3))), "another row at 30 may follow");
        progress.ended();
        assert_eq!(watermark(&progress), Some((30, 1, None)));
        let checkpoint = progress.so_far();
        assert_eq!((checkpoint.rows_synced, checkpoint.rows_failed), (2, 1));
        assert_eq!(checkpoint.row_errors, [error("no")]);
    }

    #[test]
    fn among_rows_of_one_time_it_carries_a_digest_of_those_that_are_dealt_with() {
        let mut progress = Progress::new(Start::default());
        for digest in [u64::MAX, 2, 2, 3] {
            progress.read(10, digest);
        }
        for row in [0, 2, 1] {
            progress.dealt(row, delivered());
        }
        assert_eq!(watermark(&progress), Some((10, 3, Some(3))));
        progress.dealt(3, delivered());
        progress.read(11, 5);
        assert_eq!(watermark(&progress), Some((10, 4, None)));
    }

    #[test]
    fn rows_at_the_old_watermark_are_counted_on_from_it() {
        let mut progress = Progress::new(start(5, Some(100)));
        assert_eq!(watermark(&progress), Some((10, 5, Some(100))));
        let row = progress.read(10, 8);
        progress.dealt(row, delivered());
        assert_eq!(watermark(&progress), Some((10, 6, Some(108))));
        progress.ended();
        assert_eq!(watermark(&progress), Some((10, 6, None)));
        assert_eq!(progress.so_far().rows_synced, 5);
    }

    #[test]
    fn a_run_without_rows_keeps_the_watermark() {
        let mut progress = Progress::new(start(5, None));
        assert!(!progress.is_new());
        progress.ended();
        assert_eq!(watermark(&progress), Some((10, 5, None)));
    }

    #[test]
    fn an_error_is_handed_out_until_it_is_written_and_then_no_more() {
        let mut progress = Progress::new(Start::default());
        for time in [1, 2] {
            progress.read(time, 1);
        }
        progress.dealt(0, Fate::Refused(error("a")));
        let checkpoint = progress.so_far();
        assert_eq!(progress.so_far(), checkpoint, "the write may have failed");
        progress.dealt(1, Fate::Refused(error("b")));
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
        let start = Start { rows_failed: MOST_ROW_ERRORS - 2, ..Start::default() };
        let mut progress = Progress::new(start);
        for time in 0..6 {
            progress.read(time, 1);
        }
        // Three wait to be counted, of which one is too many; nobody knows yet which.
        for row in [3, 2, 1] {
            progress.dealt(row, Fate::Refused(error(&row.to_string())));
        }
        assert_eq!(progress.error_bytes(), 3 * error("1").size());
        progress.dealt(0, delivered());
        let checkpoint = progress.so_far();
        assert_eq!(checkpoint.row_errors, [error("1"), error("2")]);
        assert_eq!(checkpoint.rows_failed, MOST_ROW_ERRORS + 1);
        assert_eq!(progress.error_bytes(), 2 * error("1").size());
        progress.written(&checkpoint);
        assert!(!progress.is_new());
        // From now on none waits to be written, counted or not.
        progress.dealt(5, Fate::Refused(error("6")));
        assert_eq!(progress.error_bytes(), 0);
        progress.dealt(4, Fate::Refused(error("5")));
        assert!(progress.is_new());
        let checkpoint = progress.so_far();
        assert_eq!((checkpoint.rows_failed, checkpoint.row_errors.len()), (MOST_ROW_ERRORS + 3, 0));
        assert_eq!(progress.error_bytes(), 0);
    }

    #[test]
    fn the_destinations_mark_is_that_of_the_last_counted_row() {
        let mut progress = Progress::new(Start::default());
        for time in 0..3 {
            progress.read(time, 1);
        }
        progress.dealt(0, Fate::Delivered(100));
        progress.dealt(2, Fate::Delivered(300));
        assert_eq!(progress.mark(), 100);
        assert_eq!(progress.pending(), 2);
        progress.dealt(1, Fate::Refused(error("no")));
        assert_eq!(progress.mark(), 300);
        assert_eq!(progress.pending(), 0);
    }
}
