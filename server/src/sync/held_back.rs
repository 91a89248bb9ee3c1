//! Suspected rows: refused, but perhaps for a cause outside the row. They hold back the watermark until that is decided.

use std::sync::{Arc, Mutex, PoisonError};

use super::progress::RowOutcome;
use crate::store::RowError;

/// The most bytes of row errors; beyond that, payloads are dropped. The number of rows is bounded by the destination.
const MAX_BYTES: usize = 4_000_000;

/// Rows that wait for a decision. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct HeldBack(Arc<Mutex<Vec<HeldRow>>>);

#[derive(Debug)]
struct HeldRow {
    /// The number that the destination gave its object.
    number: u64,
    row: u64,
    error: RowError,
}

impl HeldBack {
    /// Holds a row back.
    pub fn hold(&self, number: u64, row: u64, mut error: RowError) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.iter().map(|held| held.error.size()).sum::<usize>() + error.size() > MAX_BYTES {
            error.payload = None;
        }
        held.push(HeldRow { number, row, error });
    }

    /// Whether no row is held back.
    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Removes and returns the rows whose number is smaller than `confirmed`, as refused.
    pub fn release(&self, confirmed: u64) -> Vec<(u64, RowOutcome)> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let released = held.extract_if(.., |held| held.number < confirmed);
        released.map(|held| (held.row, RowOutcome::Refused(held.error))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_wait_until_they_are_confirmed_in_bounded_memory() {
        let held = HeldBack::default();
        let payload = || Some("x".repeat(MAX_BYTES / 2));
        for number in 0..4 {
            let error =
                RowError { identifier: None, updated_at: Default::default(), reason: "no".into(), payload: payload() };
            held.hold(number, number + 100, error);
        }
        assert!(held.release(0).is_empty());
        let rows = |released: Vec<(u64, RowOutcome)>| {
            let kept = |outcome| matches!(outcome, RowOutcome::Refused(RowError { payload: Some(_), .. }));
            released.into_iter().map(|(row, outcome)| (row, kept(outcome))).collect::<Vec<_>>()
        };
        assert_eq!(rows(held.release(2)), [(100, true), (101, false)]);
        assert_eq!(rows(held.release(u64::MAX)), [(102, false), (103, false)]);
    }
}
