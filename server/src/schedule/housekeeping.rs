//! The task that deletes old run-time data, a little at a time.

use std::time::Duration;

use tokio::time::sleep;

use crate::store::{Retention, Store, StoreError};

/// The time between two rounds, and the longest time before the first. Replicas need not take turns: what one has deleted,
/// another does not find.
const INTERVAL: Duration = Duration::from_secs(3600);
const FIRST: Duration = Duration::from_secs(300);
/// The wait after a failure.
const RETRY: Duration = Duration::from_secs(60);
/// The pause after a batch, in which others can write.
const PAUSE: Duration = Duration::from_millis(100);

/// What a round has deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Deleted {
    pub jobs: u64,
    pub row_errors: u64,
    pub windows: u64,
    /// Users whose attributes were given up.
    pub users: u64,
}

/// Deletes old data each hour until it is dropped.
pub(super) async fn run(store: Store, retention: Retention) {
    // Replicas that were started together do not begin together.
    let share = getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX));
    let mut wait = FIRST.mul_f64(share);
    loop {
        sleep(wait).await;
        wait = match round(&store, retention, PAUSE).await {
            Ok(deleted) => {
                if deleted != Deleted::default() {
                    let Deleted { jobs, row_errors, windows, users } = deleted;
                    tracing::info!(
                        jobs,
                        row_errors,
                        rate_limit_windows = windows,
                        users_attributes = users,
                        "old data deleted"
                    );
                }
                INTERVAL
            }
            Err(error) => {
                if !error.is_unavailable() {
                    tracing::warn!(%error, "old data could not be deleted; retrying");
                }
                RETRY
            }
        };
    }
}

/// Deletes all data that is too old.
pub(super) async fn round(store: &Store, retention: Retention, pause: Duration) -> Result<Deleted, StoreError> {
    let mut deleted = Deleted::default();
    // First the row errors: a job is deleted only without them.
    while let Some(rows) = store.delete_old_row_errors(retention.row_errors).await? {
        deleted.row_errors += rows;
        sleep(pause).await;
    }
    loop {
        let jobs = store.delete_old_jobs(retention.jobs).await?;
        deleted.jobs += jobs;
        if jobs == 0 {
            break;
        }
        sleep(pause).await;
    }
    loop {
        let windows = store.delete_old_windows().await?;
        deleted.windows += windows;
        if windows == 0 {
            break;
        }
        sleep(pause).await;
    }
    while let Some(users) = store.delete_given_up_attributes().await? {
        deleted.users += users;
        sleep(pause).await;
    }
    Ok(deleted)
}
