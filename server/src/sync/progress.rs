//! How far a run has got: which rows are dealt with, and up to where that is all of them.
//!
//! Rows get numbers in reading order and are dealt with in any order. The watermark may only move over a stretch from
//! the start in which every row is dealt with, and only to a place that a later run finds again: between two rows that
//! differ in `UPDATED_AT` or in whose they are, because the order of rows that are alike in both is anybody's guess.

use std::collections::VecDeque;

use chrono::DateTime;

use crate::store::{Checkpoint, RowError, Watermark};

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The destination has it; where the destination then was, if it counts that.
    Delivered(Option<u64>),
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
    /// The last row that was counted.
    last: Option<Place>,
    /// The same at the last place to which the watermark may move.
    safe: Counted,
    /// Row errors that are counted and that no checkpoint has; the first `safe_errors` of them may be written.
    errors: Vec<RowError>,
    safe_errors: usize,
    ended: bool,
    changed: bool,
}

/// Where a row stands in the reading order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    updated_at: i64,
    key: i64,
}

#[derive(Debug)]
struct Pending {
    place: Place,
    fate: Option<Fate>,
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    /// The watermark's `UPDATED_AT` in microseconds, if there is one.
    updated_at: Option<i64>,
    rows_at: u64,
    last_key: Option<i64>,
    rows_dealt: u64,
    rows_synced: u64,
    rows_failed: u64,
    position: Option<u64>,
}

/// What a job had come to when this run took it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Start {
    /// The watermark, with the number of rows at it that this run does not take.
    pub watermark: Option<Watermark>,
    /// Rows that were delivered.
    pub rows_synced: u64,
    /// Rows that were refused.
    pub rows_failed: u64,
    /// Where the destination was.
    pub position: Option<u64>,
}

impl Progress {
    /// The beginning of a run.
    pub fn new(start: Start) -> Progress {
        let counted = Counted {
            updated_at: start.watermark.map(|watermark| watermark.updated_at.timestamp_micros()),
            rows_at: start.watermark.map_or(0, |watermark| watermark.rows_at),
            last_key: start.watermark.and_then(|watermark| watermark.last_key),
            rows_dealt: 0,
            rows_synced: start.rows_synced,
            rows_failed: start.rows_failed,
            position: start.position,
        };
        Progress {
            first: 0,
            window: VecDeque::new(),
            counted,
            last: None,
            safe: counted,
            errors: Vec::new(),
            safe_errors: 0,
            ended: false,
            changed: false,
        }
    }

    /// Takes note of a row that was read, and numbers it.
    pub fn read(&mut self, updated_at: i64, key: i64) -> u64 {
        let place = Place { updated_at, key };
        self.window.push_back(Pending { place, fate: None });
        let number = self.first + self.window.len() as u64 - 1;
        if self.window.len() == 1 {
            self.may_stop_before(place);
        }
        number
    }

    /// Takes note of what became of a row.
    pub fn dealt(&mut self, row: u64, fate: Fate) {
        let index = row.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        if let Some(pending) = index.and_then(|index| self.window.get_mut(index)) {
            pending.fate = Some(fate);
        }
        self.advance();
    }

    /// Takes note that there are no further rows.
    pub fn ended(&mut self) {
        self.ended = true;
        self.advance();
    }

    /// Counts the rows at the front that are dealt with.
    fn advance(&mut self) {
        while self.window.front().is_some_and(|pending| pending.fate.is_some()) {
            let Some(Pending { place, fate: Some(fate) }) = self.window.pop_front() else {
                break;
            };
            self.first += 1;
            self.may_stop_before(place);
            self.count(place, fate);
        }
        match self.window.front().map(|pending| pending.place) {
            Some(next) => self.may_stop_before(next),
            None if self.ended => {
                self.counted.last_key = None;
                self.make_safe();
            }
            None => {}
        }
    }

    /// The watermark may move to before a row if the row differs from the last that was counted.
    fn may_stop_before(&mut self, next: Place) {
        let Some(last) = self.last.filter(|last| *last != next) else {
            return;
        };
        self.counted.last_key = (last.updated_at == next.updated_at).then_some(last.key);
        self.make_safe();
    }

    fn make_safe(&mut self) {
        self.changed |= self.safe.rows_dealt != self.counted.rows_dealt || self.ended;
        self.safe = self.counted;
        self.safe_errors = self.errors.len();
    }

    fn count(&mut self, place: Place, fate: Fate) {
        let counted = &mut self.counted;
        if counted.updated_at == Some(place.updated_at) {
            counted.rows_at += 1;
        } else {
            counted.updated_at = Some(place.updated_at);
            counted.rows_at = 1;
        }
        counted.rows_dealt += 1;
        match fate {
            Fate::Delivered(position) => {
                counted.rows_synced += 1;
                counted.position = position.or(counted.position);
            }
            Fate::Refused(error) => {
                counted.rows_failed += 1;
                self.errors.push(error);
            }
        }
        self.last = Some(place);
    }

    /// What may be written down now, if there is something new.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.changed.then(|| self.so_far())
    }

    /// What may be written down now.
    pub fn so_far(&self) -> Checkpoint {
        let watermark = self.safe.updated_at.and_then(DateTime::from_timestamp_micros);
        Checkpoint {
            watermark: watermark.map(|updated_at| Watermark {
                updated_at,
                rows_at: self.safe.rows_at,
                last_key: self.safe.last_key,
            }),
            has_dealt: self.safe.rows_dealt > 0,
            rows_synced: self.safe.rows_synced,
            rows_failed: self.safe.rows_failed,
            row_errors: self.errors[..self.safe_errors].to_vec(),
            position: self.safe.position.map(|position| position.to_string()),
        }
    }

    /// Takes note that a checkpoint was written.
    pub fn written(&mut self, checkpoint: &Checkpoint) {
        let errors = checkpoint.row_errors.len().min(self.safe_errors);
        self.errors.drain(..errors);
        self.safe_errors -= errors;
        let same = checkpoint.rows_synced == self.safe.rows_synced && checkpoint.rows_failed == self.safe.rows_failed;
        self.changed = self.changed && !same;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(reason: &str) -> RowError {
        RowError {
            identifier: None,
            updated_at: DateTime::from_timestamp_micros(0).unwrap(),
            reason: reason.into(),
            payload: None,
        }
    }

    fn delivered() -> Fate {
        Fate::Delivered(None)
    }

    /// `UPDATED_AT`, rows at it, and the key where there are more.
    fn watermark(progress: &Progress) -> Option<(i64, u64, Option<i64>)> {
        let watermark = progress.so_far().watermark?;
        Some((watermark.updated_at.timestamp_micros(), watermark.rows_at, watermark.last_key))
    }

    #[test]
    fn the_watermark_moves_only_over_rows_that_are_all_dealt_with() {
        let mut progress = Progress::new(Start::default());
        for (updated_at, key) in [(10, 1), (20, 2), (30, 3)] {
            progress.read(updated_at, key);
        }
        progress.dealt(1, delivered());
        assert_eq!(watermark(&progress), None);
        assert_eq!(progress.checkpoint(), None);
        progress.dealt(0, delivered());
        assert_eq!(watermark(&progress), Some((20, 1, None)));
        assert_eq!(progress.checkpoint().unwrap().rows_synced, 2);
        progress.dealt(2, Fate::Refused(error("no")));
        // Another row like it may follow.
        assert_eq!(watermark(&progress), Some((20, 1, None)));
        progress.ended();
        assert_eq!(watermark(&progress), Some((30, 1, None)));
        let checkpoint = progress.checkpoint().unwrap();
        assert_eq!((checkpoint.rows_synced, checkpoint.rows_failed), (2, 1));
        assert_eq!(checkpoint.row_errors, [error("no")]);
    }

    #[test]
    fn among_rows_of_one_time_it_stops_only_where_the_place_is_found_again() {
        let mut progress = Progress::new(Start::default());
        for key in [1, 2, 2, 3] {
            let row = progress.read(10, key);
            progress.dealt(row, delivered());
        }
        // After key 2 both times, before key 3.
        assert_eq!(watermark(&progress), Some((10, 3, Some(2))));
        let row = progress.read(11, 3);
        assert_eq!(watermark(&progress), Some((10, 4, None)));
        progress.dealt(row, delivered());
        assert_eq!(watermark(&progress), Some((10, 4, None)));
    }

    #[test]
    fn rows_at_the_old_watermark_are_counted_on_from_it() {
        let start = Start {
            watermark: Some(Watermark {
                updated_at: DateTime::from_timestamp_micros(10).unwrap(),
                rows_at: 5,
                last_key: Some(7),
            }),
            rows_synced: 4,
            rows_failed: 1,
            position: None,
        };
        let mut progress = Progress::new(start);
        let row = progress.read(10, 8);
        progress.dealt(row, delivered());
        progress.ended();
        assert_eq!(watermark(&progress), Some((10, 6, None)));
        assert_eq!(progress.so_far().rows_synced, 5);
    }

    #[test]
    fn a_run_without_rows_keeps_the_watermark_and_has_dealt_with_nothing() {
        let start = Start {
            watermark: Some(Watermark {
                updated_at: DateTime::from_timestamp_micros(10).unwrap(),
                rows_at: 5,
                last_key: None,
            }),
            ..Start::default()
        };
        let mut progress = Progress::new(start);
        progress.ended();
        assert_eq!(watermark(&progress), Some((10, 5, None)));
        assert!(!progress.so_far().has_dealt);
    }

    #[test]
    fn an_error_is_handed_out_until_it_is_written_and_then_no_more() {
        let mut progress = Progress::new(Start::default());
        let row = progress.read(1, 1);
        progress.dealt(row, Fate::Refused(error("a")));
        let row = progress.read(2, 2);
        let checkpoint = progress.checkpoint().unwrap();
        assert_eq!(progress.checkpoint().unwrap(), checkpoint, "the write may have failed");
        progress.dealt(row, Fate::Refused(error("b")));
        progress.written(&checkpoint);
        assert_eq!(progress.so_far().row_errors, []);
        progress.ended();
        assert_eq!(progress.so_far().row_errors, [error("b")]);
        assert_eq!(progress.so_far().rows_failed, 2);
    }

    #[test]
    fn the_destinations_position_is_that_of_the_last_counted_row() {
        let mut progress = Progress::new(Start::default());
        for key in 0..3 {
            progress.read(key, key);
        }
        progress.dealt(0, Fate::Delivered(Some(100)));
        progress.dealt(2, Fate::Delivered(Some(300)));
        assert_eq!(progress.so_far().position.as_deref(), Some("100"));
        progress.dealt(1, Fate::Refused(error("no")));
        progress.ended();
        assert_eq!(progress.so_far().position.as_deref(), Some("300"));
    }
}
