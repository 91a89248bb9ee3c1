//! What the service does by the clock: starts jobs at the ticks of schedules, and deletes old run-time data.
//!
//! Every process with workers does both. The store decides which of them starts the job of a tick, by its own clock.

mod housekeeping;
mod scheduler;
#[cfg(test)]
mod tests;
mod ticks;

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use crate::process::first_failure;
use crate::store::{Retention, Store};
use crate::types::{IntegrationId, Schedule};

/// An integration that has a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    /// The integration.
    pub integration: IntegrationId,
    /// When it is synced.
    pub schedule: Schedule,
    /// Whether its ticks pass without a job.
    pub paused: bool,
}

/// The tasks of a process that run by the clock. They end when it is dropped.
#[derive(Debug)]
pub struct Timers {
    tasks: JoinSet<()>,
}

impl Timers {
    /// Starts the tasks. A new value of `scheduled` replaces all schedules.
    pub fn start(store: Store, scheduled: watch::Receiver<Arc<[Scheduled]>>, retention: Retention) -> Timers {
        let mut tasks = JoinSet::new();
        tasks.spawn(scheduler::run(store.clone(), scheduled));
        tasks.spawn(housekeeping::run(store, retention));
        Timers { tasks }
    }

    /// Waits until a task fails, and returns the error.
    pub async fn failed(&mut self) -> JoinError {
        first_failure(&mut self.tasks).await
    }
}
