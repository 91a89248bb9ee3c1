//! A preview of an integration's next sync. Nothing is delivered, and no watermark moves.

use chrono::DateTime;

use super::error::SyncError;
use super::integration::Integration;
use super::object::{Warning, WarningKind, warnings};
use super::pipeline::refusal;
use super::row::{Row, RowHasher};
use super::row_filter::{RowFilter, Verdict};
use super::source::{Opening, Read, ReadRequest};
use crate::store::{RowError, StoredRecord, Watermark};

/// 2000-01-01, in microseconds since 1970.
const YEAR_2000: i64 = 946_684_800_000_000;

/// A warning for a row dated before 2000: its `UPDATED_AT` may be a number of another kind, such as 20261101.
fn old(row: &Row) -> Option<Warning> {
    let time = DateTime::from_timestamp_micros(row.updated_at).filter(|_| row.updated_at < YEAR_2000)?;
    Some(WarningKind::UpdatedAt.says(format!(
        "UPDATED_AT is {}; is it really a time, such as Unix seconds?",
        time.format("%Y-%m-%dT%H:%M:%SZ")
    )))
}

/// What the next sync would do.
#[derive(Debug)]
pub struct Preview {
    /// What it would do with its first rows, in their order.
    pub rows: Vec<Planned>,
    /// Whether there are more.
    pub more: bool,
    /// Rows dated in the future, which are skipped until then.
    pub future: u64,
    /// Rows without an `UPDATED_AT`, which are never synced.
    pub undated: u64,
}

/// What would be done with a row.
#[derive(Debug)]
pub enum Planned {
    /// It would be sent.
    Sent {
        /// The object.
        object: String,
        /// What the destination may refuse in it.
        warnings: Vec<Warning>,
    },
    /// It would be refused before anything is sent.
    Refused(RowError),
}

/// How far an integration has got, and what was acknowledged.
#[derive(Debug)]
pub struct Known {
    /// The watermark.
    pub watermark: Watermark,
    /// The record.
    pub record: StoredRecord,
    /// The key of its digests.
    pub digest_key: [u8; 32],
}

/// Reads the first rows of the next sync, `most` of them. `known` is `None` before the first one.
pub async fn preview(integration: &Integration, known: Option<Known>, most: usize) -> Result<Preview, SyncError> {
    bounded_preview(integration, known, most, u64::MAX).await
}

/// The same from at most `read` rows of the source. Rows that are known may come first, so it may show none.
pub async fn bounded_preview(
    integration: &Integration,
    known: Option<Known>,
    most: usize,
    read: u64,
) -> Result<Preview, SyncError> {
    let Known { watermark, record, digest_key } = known.unwrap_or(Known {
        watermark: Watermark::default(),
        record: StoredRecord::default(),
        digest_key: [0; 32],
    });
    let mut filter = RowFilter::new(record, watermark.overflow, integration.kind);
    let counted = watermark.overflow.map_or(0, |overflow| overflow.versions);
    // One more than are shown tells whether there are more.
    let enough = (most as u64).saturating_add(1).saturating_add(filter.known() as u64).saturating_add(counted);
    let request = ReadRequest {
        kind: integration.kind,
        from: watermark.read_from.map(|time| time.timestamp_micros()),
        most: Some(enough.min(read)),
        hasher: RowHasher::new(digest_key),
    };
    let mut reading = integration.source.read(request).await?;
    let encoder = integration.destination.encoder(integration.kind);
    let mut unread = read;
    let mut preview = Preview { rows: Vec::new(), more: false, future: 0, undated: 0 };
    loop {
        match reading.next().await? {
            Read::Opened(Opening { future, undated, .. }) => (preview.future, preview.undated) = (future, undated),
            Read::End => return Ok(Preview { more: unread == 0, ..preview }),
            Read::Rows(rows) => {
                unread = unread.saturating_sub(rows.len() as u64);
                for row in rows {
                    // That rows which are only counted have changed shows when all of them were read.
                    if !matches!(filter.judge(&row), Ok(Verdict::New { .. })) {
                        continue;
                    }
                    if preview.rows.len() == most {
                        return Ok(Preview { more: true, ..preview });
                    }
                    let mut object = Vec::new();
                    preview.rows.push(match encoder.write(&row, &mut object) {
                        Ok(()) => Planned::Sent {
                            object: String::from_utf8_lossy(&object).into_owned(),
                            warnings: old(&row).into_iter().chain(warnings(encoder, &row)).collect(),
                        },
                        Err(reason) => {
                            Planned::Refused(refusal(row.identifier.as_ref(), row.updated_at, &reason, None))
                        }
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_dated_before_2000_are_warned_of() {
        let row = |micros| Row::unkeyed(micros, None, None, None);
        let warning = old(&row(20_261_101_000_000)).unwrap();
        assert_eq!(warning.text, "UPDATED_AT is 1970-08-23T12:05:01Z; is it really a time, such as Unix seconds?");
        assert_eq!(old(&row(YEAR_2000)), None);
    }
}
