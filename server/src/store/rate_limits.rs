//! Requests counted in fixed windows, shared by all replicas.

use sqlx::{Row as _, query};

use super::jobs::count;
use super::{Store, StoreError};

/// Counters older than this are removed, in seconds.
const KEPT: i64 = 3600;

/// What became of a request that was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateDecision {
    /// Whether it is within the limit. Only then was it counted.
    pub allowed: bool,
    /// How many were counted in the window, this one included.
    pub used: u64,
}

impl Store {
    /// Counts a request of a workspace in the window that starts then (Unix seconds), if the limit allows it.
    pub async fn take_request(
        &self,
        workspace: &str,
        operation: &str,
        window_start: i64,
        limit: u64,
    ) -> Result<RateDecision, StoreError> {
        let take = query(
            "INSERT INTO rate_limits (workspace, operation, window_start, used) VALUES ($1, $2, $3, 1)
             ON CONFLICT (workspace, operation, window_start) DO UPDATE SET used = rate_limits.used + 1
             WHERE rate_limits.used < $4
             RETURNING used",
        )
        .bind(workspace)
        .bind(operation)
        .bind(window_start)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let Some(taken) = self.database.write_one(take).await? else {
            return Ok(RateDecision { allowed: false, used: limit });
        };
        let used = count(taken.try_get("used")?);
        if used == 1 {
            let old = query("DELETE FROM rate_limits WHERE workspace = $1 AND operation = $2 AND window_start < $3")
                .bind(workspace)
                .bind(operation)
                .bind(window_start - KEPT);
            self.database.write(old).await?;
        }
        Ok(RateDecision { allowed: true, used })
    }

    /// How many requests were counted in a window.
    pub async fn used_requests(&self, workspace: &str, operation: &str, window_start: i64) -> Result<u64, StoreError> {
        let count_of =
            query("SELECT used FROM rate_limits WHERE workspace = $1 AND operation = $2 AND window_start = $3")
                .bind(workspace)
                .bind(operation)
                .bind(window_start);
        let used = self.database.read_one(count_of).await?;
        used.map_or(Ok(0), |row| Ok(count(row.try_get("used")?)))
    }
}
