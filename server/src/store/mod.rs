//! The store of run-time state: jobs, watermarks, the record of acknowledged rows, row errors and rate-limit counters. It is
//! SQLite or Postgres, with the same SQL for both.
//!
//! All its SQL is in this folder, one function per statement or transaction. An integration has at most one job in progress,
//! which is enforced by a unique partial index.

mod announcements;
mod attributes;
mod checkpoints;
mod database;
mod error;
mod file;
mod groups;
mod health;
mod jobs;
mod kind;
mod leases;
mod location;
mod messages;
mod other_stores;
mod overdue;
mod overview;
mod parameters;
mod rate_limits;
mod record;
mod record_merge;
mod retention;
mod row_errors;
mod schedules;
mod schema;
mod statistics;
#[cfg(test)]
mod tests;
mod time;
mod watermark_changes;
mod watermarks;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

pub use announcements::EndedJob;
pub use attributes::{AttributeChange, AttributeSet, AttributesSize, UserAttributes};
pub use checkpoints::Checkpoint;
use database::Database;
pub use error::StoreError;
use jobs::Starts;
pub use jobs::{Job, JobId, JobIdPrefix, JobStatus, Spared, StartJob};
pub use leases::{Cancelled, Claimed, Lease, LeaseStatus};
pub use location::StoreLocation;
pub use messages::{ClaimedMessage, NewMessage};
pub use other_stores::{OtherStore, stores_in};
pub use overdue::Overdue;
pub use overview::IntegrationState;
use rate_limits::Counters;
pub use rate_limits::{RateDecision, RateLimit};
pub use record::{RecordAction, RecordChange, RecordSize, StoredRecord};
pub use retention::Retention;
pub use row_errors::{MAX_ROW_ERRORS, RowError};
pub use schedules::TakenTick;
pub use statistics::{IntegrationStatistics, Ping, QueueStatistics};
pub use watermark_changes::{KnownAttributes, WatermarkChange};
pub use watermarks::{Overflow, Route, Watermark};

/// The store. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Store {
    database: Arc<Database>,
    job_available: Arc<Notify>,
    counters: Counters,
    starts: Starts,
    /// A secret, never printed.
    digest_key: [u8; 32],
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Store").field("database", &self.database).finish_non_exhaustive()
    }
}

impl Store {
    /// The connections to Postgres that a process has at most, unless it is configured otherwise.
    pub const CONNECTIONS: u32 = 2;

    /// Connects and migrates the schema. For processes that serve.
    pub async fn open(location: &StoreLocation) -> Result<Store, StoreError> {
        Store::open_with(location, Store::CONNECTIONS).await
    }

    /// The same with at most this many connections to Postgres. Their number for SQLite is fixed.
    pub async fn open_with(location: &StoreLocation, connections: u32) -> Result<Store, StoreError> {
        Store::of(Database::open(location, connections).await?).await
    }

    /// Connects without creating or migrating anything. Returns `None` if no process has served from this store yet.
    pub async fn open_existing(location: &StoreLocation) -> Result<Option<Store>, StoreError> {
        match Database::open_existing(location).await? {
            Some(database) => Store::of(database).await.map(Some),
            None => Ok(None),
        }
    }

    /// Fails if the Postgres role may not create tables, which the first process that serves and each new version may have to.
    pub async fn may_create(location: &StoreLocation) -> Result<(), StoreError> {
        Database::may_create(location).await
    }

    async fn of(database: Arc<Database>) -> Result<Store, StoreError> {
        let digest_key = record::digest_key(&database).await?;
        let counters = Counters::start(database.clone());
        let starts = jobs::start_in_groups(database.clone());
        Ok(Store { database, job_available: Arc::new(Notify::new()), counters, starts, digest_key })
    }

    /// How long ago the last outage that this process has seen ended, if there was one.
    pub fn time_since_recovery(&self) -> Option<Duration> {
        self.database.health.time_since_recovery()
    }

    /// Waits until an outage of the store ends.
    pub async fn recovered(&self) {
        self.database.health.recovered().await;
    }

    /// Records that an outage has ended, for a process that had to wait for the store at its start.
    pub fn mark_recovered(&self) {
        self.database.health.mark_recovered();
    }

    /// What is wrong, while the store is unavailable.
    pub fn outage(&self) -> Option<String> {
        self.database.health.outage()
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// Waits until this process starts or hands back a job. Jobs of other processes are found by polling.
    pub async fn job_available(&self) {
        self.job_available.notified().await;
    }
}

/// The requested page of a list that is ordered by a position `P`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page<P> {
    /// The first page.
    First,
    /// The items after a position.
    After(P),
    /// The items right before a position.
    Before(P),
}

/// The items of a page, and whether there are further pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageOf<T> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// Whether there are items before them.
    pub has_previous: bool,
    /// Whether there are items after them.
    pub has_next: bool,
}

/// A time as it is stored: microseconds since 1970, rounded down.
fn micros(time: DateTime<Utc>) -> i64 {
    time.timestamp_micros()
}
