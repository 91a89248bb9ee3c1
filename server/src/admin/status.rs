//! What the parts of a service tell the operator's address.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::SetOnce;

use crate::front::Statistics;
use crate::store::Store;
use crate::types::IntegrationId;

/// The names of integrations by ID.
pub(super) type Names = HashMap<IntegrationId, String>;

/// The state of this process, as its parts report it.
pub struct Status {
    /// When the process started.
    pub(super) started_at: DateTime<Utc>,
    draining: Arc<AtomicBool>,
    store: SetOnce<Store>,
    workers: OnceLock<Box<dyn Fn() -> bool + Send + Sync>>,
    integrations: Mutex<Arc<Names>>,
    configuration: Mutex<Option<String>>,
    clock: Mutex<Option<TimeDelta>>,
    connections: OnceLock<Arc<Statistics>>,
}

impl fmt::Debug for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Status").finish_non_exhaustive()
    }
}

impl Status {
    /// The status of a process that is starting. Once `draining` is set, it is not ready any more.
    pub fn new(draining: Arc<AtomicBool>) -> Status {
        Status {
            started_at: Utc::now(),
            draining,
            store: SetOnce::new(),
            workers: OnceLock::new(),
            integrations: Mutex::default(),
            configuration: Mutex::default(),
            clock: Mutex::default(),
            connections: OnceLock::new(),
        }
    }

    /// The store is open.
    pub fn set_store(&self, store: Store) {
        let _ = self.store.set(store);
    }

    /// This process runs syncs, and this tells whether its workers are running.
    pub fn set_workers(&self, running: impl Fn() -> bool + Send + Sync + 'static) {
        let _ = self.workers.set(Box::new(running));
    }

    /// This process answers requests, and this counts their connections.
    pub fn set_connections(&self, connections: Arc<Statistics>) {
        let _ = self.connections.set(connections);
    }

    pub(super) fn connections(&self) -> Option<&Arc<Statistics>> {
        self.connections.get()
    }

    /// The integrations that are configured now, with their names. Metrics are exported for these.
    pub fn set_integrations(&self, integrations: impl Iterator<Item = (IntegrationId, String)>) {
        *locked(&self.integrations) = Arc::new(integrations.collect());
    }

    /// What is wrong with the configuration file, while the process goes on with an earlier version of it; `None` if the
    /// process uses the file as it is.
    pub fn set_configuration_problem(&self, problem: Option<String>) {
        *locked(&self.configuration) = problem;
    }

    pub(super) fn set_clock_offset(&self, offset: TimeDelta) {
        *locked(&self.clock) = Some(offset);
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// The store; waits until it is open.
    pub(super) async fn opened_store(&self) -> &Store {
        self.store.wait().await
    }

    /// The store, once it is open.
    pub(super) fn store(&self) -> Option<&Store> {
        self.store.get()
    }

    /// Whether the workers are running; `None` if this process has none.
    pub(super) fn are_workers_running(&self) -> Option<bool> {
        self.workers.get().map(|running| running())
    }

    pub(super) fn integrations(&self) -> Arc<Names> {
        locked(&self.integrations).clone()
    }

    pub(super) fn configuration_problem(&self) -> Option<String> {
        locked(&self.configuration).clone()
    }

    /// How far this machine's clock is ahead of the store's, once it was compared.
    pub(super) fn clock_offset(&self) -> Option<TimeDelta> {
        *locked(&self.clock)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The value is replaced as a whole, so poisoning is ignored.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
