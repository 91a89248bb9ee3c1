//! Filters the rows of a reading: rows that are not in the record are new.

use super::record::Record;
use super::row::Row;
use crate::store::{Overflow, StoredRecord};
use crate::types::IntegrationKind;

/// Tells new rows from acknowledged ones. All rows of a reading must pass through it, in order.
#[derive(Debug)]
pub struct RowFilter {
    record: Record,
    /// Whether a user's state at the destination is what was sent last, which is so for attributes.
    last_write_wins: bool,
    overflow: Option<Overflow>,
    /// Rows of the overflow's time that are not in the record: their number and the sum of their digests.
    counted: (u64, u128),
}

/// What to do with a row.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Skip it: it was acknowledged.
    Known,
    /// Send it, after removing the `forgotten` versions of its user from the record. These were acknowledged and not seen yet:
    /// either they have left the source and may come back, or they follow later and must be sent again after this one.
    New { forgotten: Vec<u128> },
    /// Skip it for now: it was acknowledged if all rows of the overflow turn out to be unchanged.
    Counted,
}

/// The rows of the overflow have changed, so all of them must be read again one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverflowChanged;

impl RowFilter {
    /// A filter by a stored record and overflow.
    pub fn new(stored: StoredRecord, overflow: Option<Overflow>, kind: IntegrationKind) -> RowFilter {
        let record = Record::new(stored.added, stored.forgotten);
        // Events and purchases accumulate, and deleted users are gone: nothing of these has to be sent again.
        RowFilter { record, last_write_wins: kind == IntegrationKind::Attributes, overflow, counted: (0, 0) }
    }

    /// Number of row versions in the record.
    pub fn known(&self) -> usize {
        self.record.len()
    }

    /// Decides about the next row.
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
        let replaces = self.last_write_wins && row.identifier.is_some();
        let forgotten = if replaces { self.record.forget_user(row.digest()) } else { Vec::new() };
        Ok(Verdict::New { forgotten })
    }

    /// Ends the reading: checks the overflow if no later row has done so.
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
    fn acknowledged_attributes_are_sent_again_after_an_older_row_of_their_user() {
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
    fn an_overflow_holds_only_if_exactly_its_rows_are_there() {
        let rows: Vec<Row> = (0..4).map(|number| row("a", 7, &number.to_string())).collect();
        let sum = rows[1].digest().wrapping_add(rows[2].digest());
        let updated_at = chrono::DateTime::from_timestamp_micros(7).unwrap();
        let overflow = Some(Overflow { updated_at, versions: 2, sum });
        let later = row("a", 8, "");
        let judged = |present: &[usize], last: Option<&Row>| {
            let mut filter = filter(IntegrationKind::Events, &[&rows[0]], overflow);
            for number in present {
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
            assert_eq!(judged(&[1, 2], last), Ok(()), "a row in the record may leave");
            for changed in [&[0, 1][..], &[0, 1, 3], &[0, 1, 2, 3], &[0]] {
                assert_eq!(judged(changed, last), Err(OverflowChanged), "{changed:?}");
            }
        }
    }
}
