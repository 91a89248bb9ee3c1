//! Deletion of old run-time data, in batches that are small enough not to keep other writers waiting.
//!
//! Age is counted by the store's clock. Of each integration the newest ended job stays, because its state is derived from it.
//! Row errors are as old as the end of their job.
//!
//! The clock is read by a query of its own, and limits are part of the text, so that Postgres plans to use the indexes.

use std::time::Duration;

use sqlx::{AnyConnection, Row as _, query};

use super::time::span;
use super::{Store, StoreError};

/// How many rows a batch deletes.
pub(super) const BATCH: u64 = 500;
/// In how many jobs a batch looks for row errors.
const JOBS: i64 = 50;
/// Rate-limit windows are deleted after this many seconds. It is longer than the longest window.
const WINDOWS_AFTER: i64 = 8 * 24 * 3600;

/// How long run-time data is kept after the end of its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Jobs.
    pub jobs: Duration,
    /// Row errors. Not longer than `jobs`.
    pub row_errors: Duration,
}

impl Store {
    /// Deletes one batch of row errors that are older than this; of each job the last ones first. Returns how many they were,
    /// and `None` if there were no old ones.
    pub async fn delete_old_row_errors(&self, age: Duration) -> Result<Option<u64>, StoreError> {
        let find = format!(
            "SELECT id FROM jobs
             WHERE finished_at < (SELECT {{now}}) - $1 AND finished_at IS NOT NULL AND rows_failed > 0 AND row_errors_deleted_at IS NULL
             ORDER BY finished_at LIMIT {JOBS}"
        );
        let find = query(self.database.with_store_clock(&find)).bind(span(age));
        let jobs = self.database.read(find).await?;
        if jobs.is_empty() {
            return Ok(None);
        }
        let jobs: Vec<String> = jobs.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
        let work = async {
            let mut transaction = self.database.begin().await?;
            let deleted = self.delete_row_errors(transaction.connection(), &jobs).await;
            transaction.end(deleted).await
        };
        self.database.transact(work).await.map(Some)
    }

    /// Deletes row errors of these jobs, at most a batch, and marks jobs that have none any more. Returns how many they were.
    pub(super) async fn delete_row_errors(
        &self,
        connection: &mut AnyConnection,
        jobs: &[String],
    ) -> Result<u64, StoreError> {
        let mut deleted = 0;
        for job in jobs {
            let room = BATCH - deleted;
            let delete = query(
                "DELETE FROM row_errors WHERE job_id = $1 AND number IN
                 (SELECT number FROM row_errors WHERE job_id = $1 ORDER BY number DESC LIMIT $2)",
            );
            let delete = delete.bind(job).bind(i64::try_from(room).unwrap_or(i64::MAX));
            let rows = delete.execute(&mut *connection).await?.rows_affected();
            deleted += rows;
            if rows == room {
                // There may be more.
                break;
            }
            // Another replica may have deleted the same rows at the same time, so fewer deleted rows need not mean that it was all.
            let mark = self.database.with_store_clock(
                "UPDATE jobs SET row_errors_deleted_at = {now}
                 WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM row_errors WHERE job_id = $1)",
            );
            query(mark).bind(job).execute(&mut *connection).await?;
        }
        Ok(deleted)
    }

    /// Deletes one batch of jobs that ended longer ago than this and have no row errors any more. Returns how many they were.
    pub async fn delete_old_jobs(&self, age: Duration) -> Result<u64, StoreError> {
        let delete = format!(
            "DELETE FROM jobs WHERE id IN
             (SELECT id FROM jobs AS old
              WHERE finished_at < (SELECT {{now}}) - $1 AND finished_at IS NOT NULL AND (rows_failed = 0 OR row_errors_deleted_at IS NOT NULL)
                AND started_at < (SELECT MAX(started_at) FROM jobs
                                  WHERE integration_id = old.integration_id AND finished_at IS NOT NULL)
              ORDER BY finished_at LIMIT {BATCH})"
        );
        self.database.write(query(self.database.with_store_clock(&delete)).bind(span(age))).await
    }

    /// Deletes one batch of rate-limit windows that ended long ago. Returns how many they were.
    pub async fn delete_old_windows(&self) -> Result<u64, StoreError> {
        let delete = format!(
            "DELETE FROM rate_limits WHERE (workspace, operation, window_start) IN
             (SELECT workspace, operation, window_start FROM rate_limits
              WHERE window_start < (SELECT {{now}}) / 1000000 - {WINDOWS_AFTER} ORDER BY window_start LIMIT {BATCH})"
        );
        self.database.write(query(self.database.with_store_clock(&delete))).await
    }
}
