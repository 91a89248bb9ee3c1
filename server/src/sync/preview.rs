//! A preview of an integration's next sync. Nothing is delivered, and no watermark moves.

use chrono::DateTime;

use super::comparison::{Comparison, Difference, KnownUsers, known_of};
use super::error::SyncError;
use super::integration::Integration;
use super::object::{ObjectEncoder, Warning, WarningKind, identifier_object, warnings};
use super::pipeline::refusal;
use super::row::{Row, RowHasher};
use super::row_filter::{RowFilter, Verdict};
use super::source::{Opening, Read, ReadRequest};
use super::user_attributes::UserAttributes;
use crate::store::{RowError, Spared, Store, StoreError, StoredRecord, Watermark};

/// 2000-01-01, in microseconds since 1970.
const YEAR_2000: i64 = 946_684_800_000_000;
/// How many rows are compared with what the destination has.
const COMPARED: u64 = 100_000;

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
    /// With `only_changed`: what it would spare.
    pub saving: Option<Saving>,
}

/// What the next sync would spare with `only_changed`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Saving {
    /// The rows that this is about: the first ones.
    pub rows: u64,
    /// Whether there are more.
    pub more: bool,
    /// Rows that would not be sent, and attributes that would and would not.
    pub spared: Spared,
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
    /// It would not be sent, because the destination has all attributes of this user, an object with the identifier.
    Unchanged(String),
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
    /// With `only_changed`: what rows are compared with.
    pub comparison: Option<Comparison>,
}

impl Known {
    /// From the store.
    pub async fn of(store: &Store, integration: &Integration) -> Result<Known, StoreError> {
        let (id, digest_key) = (integration.id, store.digest_key());
        let comparison = if integration.only_changed {
            let set = store.existing_attribute_set(id, &integration.destination.account()).await?;
            Some(Comparison::new(set.map(|set| (store.clone(), set)), digest_key, integration))
        } else {
            None
        };
        Ok(Known { watermark: store.watermark(id).await?, record: store.record(id).await?, digest_key, comparison })
    }
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
    let Known { watermark, record, digest_key, comparison } = known.unwrap_or(Known {
        watermark: Watermark::default(),
        record: StoredRecord::default(),
        digest_key: [0; 32],
        comparison: integration.only_changed.then(|| Comparison::new(None, [0; 32], integration)),
    });
    let mut filter = RowFilter::new(record, watermark.overflow, integration.kind);
    let counted = watermark.overflow.map_or(0, |overflow| overflow.versions);
    // With `only_changed` more rows are compared than are shown.
    let most_taken = if comparison.is_some() { COMPARED.max(most as u64) } else { most as u64 };
    // One more than are taken tells whether there are more.
    let enough = most_taken.saturating_add(1).saturating_add(filter.known() as u64).saturating_add(counted);
    let request = ReadRequest {
        kind: integration.kind,
        from: watermark.read_from.map(|time| time.timestamp_micros()),
        most: Some(enough.min(read)),
        hasher: RowHasher::new(digest_key),
    };
    let mut reading = integration.source.read(request).await?;
    let mut planner =
        Planner { encoder: integration.destination.encoder(integration.kind), comparison, users: KnownUsers::new() };
    let mut unread = read;
    let saving = planner.comparison.as_ref().map(|_| Saving::default());
    let mut preview = Preview { rows: Vec::new(), more: false, future: 0, undated: 0, saving };
    let mut taken = 0;
    loop {
        match reading.next().await? {
            Read::Opened(Opening { future, undated, .. }) => (preview.future, preview.undated) = (future, undated),
            Read::End => return Ok(Preview { more: preview.more || unread == 0, ..preview }),
            Read::Rows(mut rows) => {
                unread = unread.saturating_sub(rows.len() as u64);
                // That rows which are only counted have changed shows when all of them were read.
                rows.retain(|row| matches!(filter.judge(row), Ok(Verdict::New { .. })));
                planner.compare(&mut rows).await?;
                for row in rows {
                    if taken == most_taken {
                        preview.saving = preview.saving.map(|saving| Saving { more: true, ..saving });
                        return Ok(Preview { more: true, ..preview });
                    }
                    taken += 1;
                    let planned = planner.plan(&row, preview.saving.as_mut());
                    if preview.rows.len() < most {
                        preview.rows.push(planned);
                    } else {
                        preview.more = true;
                    }
                }
            }
        }
    }
}

/// Decides what would be done with rows, in their order.
struct Planner {
    encoder: ObjectEncoder,
    comparison: Option<Comparison>,
    /// What the destination would have after the rows so far.
    users: KnownUsers,
}

impl Planner {
    /// Reads from the store what is known of the users of these rows.
    async fn compare(&mut self, rows: &mut [Row]) -> Result<(), SyncError> {
        let Some(comparison) = &self.comparison else { return Ok(()) };
        let mut users = comparison.prepare(rows.iter_mut());
        users.retain(|user| !self.users.contains_key(user));
        let known = comparison.known(&mut users).await.map_err(|error| SyncError::Failed(error.to_string()))?;
        self.users.extend(known);
        Ok(())
    }

    fn plan(&mut self, row: &Row, saving: Option<&mut Saving>) -> Planned {
        let mut object = Vec::new();
        let written = match &row.compared {
            None => self.encoder.write(row, &mut object),
            Some(compared) => {
                let known = known_of(compared, |user| self.users.get(&user));
                let difference = Difference::of(compared, known);
                if let Some(saving) = saving {
                    saving.spared += difference.spared;
                    saving.rows += 1;
                }
                if difference.is_none() {
                    return Planned::Unchanged(row.identifier.as_ref().map(identifier_object).unwrap_or_default());
                }
                let mut attributes = known.cloned().unwrap_or_default();
                attributes.acknowledge(difference.attributes(compared));
                if compared.may_be_other {
                    attributes.touch();
                }
                self.users.extend(compared.others.iter().map(|other| (*other, UserAttributes::default())));
                self.users.insert(compared.user, attributes);
                self.encoder.write_some(row, &compared.attributes, difference.attributes(compared), &mut object);
                Ok(())
            }
        };
        match written {
            Ok(()) => Planned::Sent {
                object: String::from_utf8_lossy(&object).into_owned(),
                warnings: old(row).into_iter().chain(warnings(self.encoder, row)).collect(),
            },
            Err(reason) => Planned::Refused(refusal(row.identifier.as_ref(), row.updated_at, &reason, None)),
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
