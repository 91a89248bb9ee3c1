//! What happens at run time: jobs, watermarks, the record of what was acknowledged, row errors, rate-limit counters. SQLite or Postgres, one SQL text for both.
//!
//! All SQL of the store stands in this folder, one function a statement or transaction. An integration has at most one
//! job in progress: a unique partial index decides that, not a check before an insert.

mod checkpoints;
mod database;
mod error;
mod health;
mod jobs;
mod kind;
mod leases;
mod location;
mod overview;
mod rate_limits;
mod record;
mod record_merge;
mod row_errors;
mod schema;
#[cfg(test)]
mod tests;
mod time;
mod watermarks;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

pub use checkpoints::Checkpoint;
use database::Database;
pub use error::StoreError;
pub use jobs::{Job, JobId, JobIdPrefix, JobStatus, StartJob};
pub use leases::{Cancelled, Claimed, Held, Lease};
pub use location::StoreLocation;
pub use overview::IntegrationState;
pub use rate_limits::RateDecision;
pub use record::{RecordAction, RecordChange, RecordSize, StoredRecord};
pub use row_errors::{MOST_ROW_ERRORS, RowError};
pub use watermarks::{Overflow, Route, Watermark, WatermarkChange};

/// The store. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Store {
    database: Arc<Database>,
    woken: Arc<Notify>,
    /// Never printed.
    digest_key: [u8; 32],
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Store").field("database", &self.database).finish_non_exhaustive()
    }
}

impl Store {
    /// Connects, and brings the schema up to date: for a process that serves.
    pub async fn open(location: &StoreLocation) -> Result<Store, StoreError> {
        Store::of(Database::open(location).await?).await
    }

    /// Connects to the store that is there, and changes nothing of its schema; nothing where no process has served from it yet.
    pub async fn open_existing(location: &StoreLocation) -> Result<Option<Store>, StoreError> {
        match Database::open_existing(location).await? {
            Some(database) => Store::of(database).await.map(Some),
            None => Ok(None),
        }
    }

    async fn of(database: Arc<Database>) -> Result<Store, StoreError> {
        let digest_key = record::digest_key(&database).await?;
        Ok(Store { database, woken: Arc::new(Notify::new()), digest_key })
    }

    /// How long ago the store began to work again, if it once did not in the time of this process.
    pub fn back_since(&self) -> Option<Duration> {
        self.database.health.back_since()
    }

    /// Waits until a store that does not work works again.
    pub async fn until_back(&self) {
        self.database.health.until_back().await;
    }

    /// Takes note that this process has waited for the store.
    pub fn has_come_back(&self) {
        self.database.health.works_again();
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// Waits until this process is told of a job. Jobs of other processes are found by looking.
    pub async fn woken(&self) {
        self.woken.notified().await;
    }
}

/// Which items of a list, ordered by a position `P`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page<P> {
    /// The first ones.
    First,
    /// Those that follow a position.
    After(P),
    /// Those that come right before a position.
    Before(P),
}

/// A page's items, and whether there are others around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageOf<T> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// Whether there are items before them.
    pub has_previous: bool,
    /// Whether there are items after them.
    pub has_next: bool,
}

/// A time as the store keeps it: microseconds, rounded down.
fn micros(time: DateTime<Utc>) -> i64 {
    time.timestamp_micros()
}
