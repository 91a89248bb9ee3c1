//! A worker's hold on its job, and the fence that keeps a worker without it from delivering.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::SyncError;
use crate::store::{Lease, Store, StoreError};

/// A worker's hold on its job.
#[derive(Debug)]
pub struct Hold<'a> {
    store: &'a Store,
    lease: &'a Lease,
    length: Duration,
    /// The last moment at which something may be sent: by our own clock, and some time before the store lets another
    /// worker take the job.
    until: Arc<watch::Sender<Instant>>,
}

/// Asks before each delivery whether the job is still held. A process may have been stopped for any time in between.
#[derive(Debug, Clone)]
pub struct Fence(Option<Arc<watch::Sender<Instant>>>);

impl Fence {
    /// A fence that nothing is behind.
    pub fn none() -> Fence {
        Fence(None)
    }

    /// Fails once the hold is over.
    pub fn pass(&self) -> Result<(), SyncError> {
        match &self.0 {
            Some(until) if Instant::now() >= *until.borrow() => {
                Err(SyncError::Failed("the lease ran out; another worker goes on".into()))
            }
            _ => Ok(()),
        }
    }
}

impl<'a> Hold<'a> {
    /// The hold on a job that was claimed after that moment.
    pub fn new(store: &'a Store, lease: &'a Lease, length: Duration, claimed_at: Instant) -> Hold<'a> {
        let until = Arc::new(watch::Sender::new(last_moment(claimed_at, length)));
        Hold { store, lease, length, until }
    }

    /// What deliveries must pass.
    pub fn fence(&self) -> Fence {
        Fence(Some(self.until.clone()))
    }

    /// Renews the lease again and again; ends when it cannot be held, in time before another worker may take the job.
    pub async fn keep(&self) -> StoreError {
        loop {
            let last_moment = *self.until.borrow();
            sleep_until((last_moment - self.length / 2).max(Instant::now())).await;
            let begun = Instant::now();
            match timeout_at(last_moment, self.store.renew(self.lease)).await {
                Ok(Ok(())) => {
                    self.until.send_replace(self::last_moment(begun, self.length));
                }
                Ok(Err(StoreError::LeaseLost)) | Err(_) => return StoreError::LeaseLost,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the lease could not be renewed; trying again");
                    sleep_until((begun + self.length / 20).min(last_moment)).await;
                    if Instant::now() >= last_moment {
                        return StoreError::LeaseLost;
                    }
                }
            }
        }
    }
}

/// A fifth of the lease is left for what is on its way.
fn last_moment(held_since: Instant, length: Duration) -> Instant {
    held_since + length * 4 / 5
}
