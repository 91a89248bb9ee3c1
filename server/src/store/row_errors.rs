//! Row errors: rows that were refused for good, kept so that people can repair the source.

use chrono::{DateTime, Utc};
use sqlx::{AnyConnection, AssertSqlSafe, Row as _, query};

use super::jobs::{JobId, count};
use super::parameters::places;
use super::time::from_micros;
use super::{Store, StoreError, micros};

/// How many row errors are kept per job. Later ones are only counted.
pub const MAX_ROW_ERRORS: u64 = 10_000;

/// A refused row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// The user of the row, as a JSON object such as `{"external_id":"a"}`; `None` if the row has no identifier.
    pub identifier: Option<String>,
    /// The row's `UPDATED_AT`.
    pub updated_at: DateTime<Utc>,
    /// Why it was refused.
    pub reason: String,
    /// The object to send or the row's `PAYLOAD`, if the integration keeps payloads.
    pub payload: Option<String>,
}

impl Store {
    /// Up to `most` row errors of a job with a number above `after`, with their numbers.
    pub async fn row_errors(&self, job: JobId, after: u64, most: usize) -> Result<Vec<(u64, RowError)>, StoreError> {
        let list = query(
            "SELECT number, identifier, updated_at, reason, payload FROM row_errors
             WHERE job_id = $1 AND number > $2 ORDER BY number LIMIT $3",
        )
        .bind(job.to_string())
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .bind(i64::try_from(most).unwrap_or(i64::MAX));
        let rows = self.database.read(list).await?;
        rows.iter()
            .map(|row| {
                let error = RowError {
                    identifier: row.try_get("identifier")?,
                    updated_at: from_micros(row.try_get("updated_at")?)?,
                    reason: row.try_get("reason")?,
                    payload: row.try_get("payload")?,
                };
                Ok((count(row.try_get("number")?), error))
            })
            .collect()
    }
}

impl RowError {
    /// Approximate size in memory, in bytes.
    pub fn size(&self) -> usize {
        const OVERHEAD: usize = 100;
        OVERHEAD
            + self.reason.len()
            + self.identifier.as_ref().map_or(0, String::len)
            + self.payload.as_ref().map_or(0, String::len)
    }
}

/// Rows per INSERT. Both databases limit a statement to some tens of thousands of parameters.
const ROWS_PER_INSERT: usize = 500;
const COLUMNS: usize = 6;

/// Inserts the newest row errors of a job, which has refused `rows_failed` rows in all. Errors that a repeated checkpoint has
/// already inserted are skipped.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    job: JobId,
    rows_failed: u64,
    errors: &[RowError],
) -> Result<(), StoreError> {
    let job = job.to_string();
    let known = rows_failed.min(MAX_ROW_ERRORS).saturating_sub(errors.len() as u64);
    let mut number = i64::try_from(known + 1).unwrap_or(i64::MAX);
    for chunk in errors.chunks(ROWS_PER_INSERT) {
        let rows: Vec<String> =
            (0..chunk.len()).map(|row| format!("({})", places(row * COLUMNS + 1, COLUMNS))).collect();
        let statement = format!(
            "INSERT INTO row_errors (job_id, number, identifier, updated_at, reason, payload) VALUES {}
             ON CONFLICT (job_id, number) DO NOTHING",
            rows.join(", ")
        );
        let mut insert = query(AssertSqlSafe(statement));
        for error in chunk {
            insert = insert
                .bind(&job)
                .bind(number)
                .bind(error.identifier.as_deref())
                .bind(micros(error.updated_at))
                .bind(&error.reason)
                .bind(error.payload.as_deref());
            number = number.saturating_add(1);
        }
        insert.execute(&mut *connection).await?;
    }
    Ok(())
}
