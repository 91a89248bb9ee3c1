//! Which rows of a reading are new: those that the record does not know.

use super::record::Record;
use super::row::Row;
use crate::store::{Overflow, StoredRecord};
use crate::types::IntegrationKind;

/// Tells new rows from those that were acknowledged. It is asked of all rows of a reading, in their order.
#[derive(Debug)]
pub struct RowFilter {
    record: Record,
    /// Whether what a user has is what was sent last.
    last_one_wins: bool,
    overflow: Option<Overflow>,
    /// Rows of that time that the record does not know: their number, and the sum of their digests.
    counted: (u64, u128),
}

/// What is to be done with a row.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was acknowledged.
    Known,
    /// It is to be sent. Versions of its user that were acknowledged and not seen yet are to be forgotten first: they are gone
    /// and may come back, or they follow later and must be sent again after this one.
    New { forgotten: Vec<u128> },
    /// It was acknowledged, if all rows of its time were that are known only by their number and sum.
    Counted,
}

/// Rows that are known only by their number and sum are not those that were acknowledged: all of them have to be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverflowChanged;

impl RowFilter {
    /// With what was acknowledged.
    pub fn new(stored: StoredRecord, overflow: Option<Overflow>, kind: IntegrationKind) -> RowFilter {
        let record = Record::new(stored.added, stored.forgotten);
        // An event that was counted stays counted, and a user who was deleted is gone.
        RowFilter { record, last_one_wins: kind == IntegrationKind::Attributes, overflow, counted: (0, 0) }
    }

    /// How many row versions it knows one by one.
    pub fn known(&self) -> usize {
        self.record.len()
    }

    /// Judges the next row.
    pub fn judge(&mut self, row: &Row) -> Result<Verdict, OverflowChanged> {
        let overflow_at = self.overflow.map(|overflow| overflow.updated_at.timestamp_micros());
        if overflow_at.is_some_and(|time| time < row.updated_at) {
            self.end()?;
        }
        if self.record.take(row.digest()) {
            return Ok(Verdict::Known);
        }
        if overflow_at == Some(row.updated_at) {
            self.counted = (self.counted.0 + 1, self.counted.1.wrapping_add(row.digest()));
            return Ok(Verdict::Counted);
        }
        let wins = self.last_one_wins && row.identifier.is_some();
        let forgotten = if wins { self.record.forget_user(row.digest()) } else { Vec::new() };
        Ok(Verdict::New { forgotten })
    }

    /// Says that there are no further rows.
    pub fn end(&mut self) -> Result<(), OverflowChanged> {
        match self.overflow.take() {
            Some(Overflow { versions, sum, .. }) if self.counted != (versions, sum) => Err(OverflowChanged),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::row::Identifier;

    fn row(user: &str, updated_at: i64, payload: &str) -> Row {
        Row::unkeyed(updated_at, Some(Identifier::ExternalId(user.into())), Some(payload.into()), None)
    }

    fn filter(kind: IntegrationKind, known: &[&Row], overflow: Option<Overflow>) -> RowFilter {
        let added = known.iter().map(|row| row.digest()).collect();
        RowFilter::new(StoredRecord { added, ..StoredRecord::default() }, overflow, kind)
    }

    #[test]
    fn attributes_that_were_sent_are_sent_again_after_something_else_of_their_user() {
        let (old, late, newer, other) = (row("a", 1, "1"), row("a", 2, "2"), row("a", 3, "3"), row("b", 3, "3"));
        let known = [&old, &newer, &other];
        let mut attributes = filter(IntegrationKind::Attributes, &known, None);
        assert_eq!(attributes.judge(&old), Ok(Verdict::Known));
        assert_eq!(attributes.judge(&late), Ok(Verdict::New { forgotten: vec![newer.digest()] }));
        assert_eq!(attributes.judge(&newer), Ok(Verdict::New { forgotten: Vec::new() }));
        assert_eq!(attributes.judge(&other), Ok(Verdict::Known));
        let mut events = filter(IntegrationKind::Events, &known, None);
        for row in [&old, &newer] {
            assert_eq!(events.judge(row), Ok(Verdict::Known));
        }
        assert_eq!(events.judge(&late), Ok(Verdict::New { forgotten: Vec::new() }));
    }

    #[test]
    fn rows_that_are_only_counted_must_be_all_there_and_no_others() {
        let rows: Vec<Row> = (0..4).map(|number| row("a", 7, &number.to_string())).collect();
        let sum = rows[1].digest().wrapping_add(rows[2].digest());
        let updated_at = chrono::DateTime::from_timestamp_micros(7).unwrap();
        let overflow = Some(Overflow { updated_at, versions: 2, sum });
        let later = row("a", 8, "");
        let judged = |there: &[usize], last: Option<&Row>| {
            let mut filter = filter(IntegrationKind::Events, &[&rows[0]], overflow);
            for number in there {
                let expected = if *number == 0 { Verdict::Known } else { Verdict::Counted };
                assert_eq!(filter.judge(&rows[*number]), Ok(expected));
            }
            match last {
                Some(row) => filter.judge(row).map(drop),
                None => filter.end(),
            }
        };
        for last in [None, Some(&later)] {
            assert_eq!(judged(&[0, 2, 1], last), Ok(()));
            assert_eq!(judged(&[1, 2], last), Ok(()), "one that the record knows may leave");
            for changed in [&[0, 1][..], &[0, 1, 3], &[0, 1, 2, 3], &[0]] {
                assert_eq!(judged(changed, last), Err(OverflowChanged), "{changed:?}");
            }
        }
    }
}
