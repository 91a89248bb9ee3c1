//! Rate-limit counters: requests per fixed window, shared by all replicas.

use sqlx::{Row as _, query};

use super::jobs::count;
use super::{Store, StoreError};

/// Counters that are this many seconds old are removed.
const MAX_AGE: i64 = 3600;

/// Whether a request is within its rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateDecision {
    /// Whether it is within the limit. Requests beyond it are not counted.
    pub allowed: bool,
    /// Requests counted in the window, this one included if allowed.
    pub used: u64,
}

impl Store {
    /// Counts a request of a workspace, if the limit allows it. `window_start` is in Unix seconds.
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
                .bind(window_start - MAX_AGE);
            self.database.write(old).await?;
        }
        Ok(RateDecision { allowed: true, used })
    }

    /// The number of requests counted in a window.
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
