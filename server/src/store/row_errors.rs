//! Rows that were refused for good, kept so that people can repair the source.

use chrono::{DateTime, Utc};
use sqlx::{AnyConnection, AssertSqlSafe, Row as _, query};

use super::jobs::{JobId, count};
use super::time::from_micros;
use super::{Store, StoreError, micros};

/// How many row errors of a job are kept: the first ones. The others are only counted.
pub const MOST_ROW_ERRORS: u64 = 10_000;

/// A row that was refused, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// Whose row it is; nothing where the row does not say.
    pub identifier: Option<String>,
    /// The row's `UPDATED_AT`.
    pub updated_at: DateTime<Utc>,
    /// Why it was refused.
    pub reason: String,
    /// What was to be sent, where the integration keeps it.
    pub payload: Option<String>,
}

impl Store {
    /// Row errors of a job with their numbers, after a number.
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
    /// About how many bytes it takes.
    pub fn size(&self) -> usize {
        const AROUND: usize = 100;
        AROUND
            + self.reason.len()
            + self.identifier.as_ref().map_or(0, String::len)
            + self.payload.as_ref().map_or(0, String::len)
    }
}

/// Rows of one statement: both databases take some tens of thousands of values.
const AT_ONCE: usize = 500;
const COLUMNS: usize = 6;

/// Adds a job's row errors, the last of those that are kept of so many refused rows. Those that are there already stay.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    job: JobId,
    rows_failed: u64,
    errors: &[RowError],
) -> Result<(), StoreError> {
    let job = job.to_string();
    let known = rows_failed.min(MOST_ROW_ERRORS).saturating_sub(errors.len() as u64);
    let mut number = i64::try_from(known + 1).unwrap_or(i64::MAX);
    for some in errors.chunks(AT_ONCE) {
        let places: Vec<String> = (0..some.len()).map(|row| places(row * COLUMNS)).collect();
        let statement = format!(
            "INSERT INTO row_errors (job_id, number, identifier, updated_at, reason, payload) VALUES {}
             ON CONFLICT (job_id, number) DO NOTHING",
            places.join(", ")
        );
        let mut insert = query(AssertSqlSafe(statement));
        for error in some {
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

/// The places of a row's values after so many others.
fn places(before: usize) -> String {
    let places: Vec<String> = (before + 1..=before + COLUMNS).map(|place| format!("${place}")).collect();
    format!("({})", places.join(", "))
}
