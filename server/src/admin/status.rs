//! What the parts of a service tell the operator's address.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::SetOnce;

use crate::front::{Renewal, Statistics};
use crate::store::Store;
use crate::types::IntegrationId;

/// What is shown of an integration's configuration.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its name.
    pub name: String,
    /// Whether it is paused.
    pub paused: bool,
}

/// What is shown of integrations, by ID.
pub(super) type ShownById = HashMap<IntegrationId, Shown>;

/// The state of this process, as its parts report it.
pub struct Status {
    /// When the process started.
    pub(super) started_at: DateTime<Utc>,
    draining: Arc<AtomicBool>,
    store: SetOnce<Store>,
    workers: OnceLock<Box<dyn Fn() -> bool + Send + Sync>>,
    integrations: Mutex<Arc<ShownById>>,
    configuration: Mutex<Option<String>>,
    restart_needed: Mutex<Vec<&'static str>>,
    clock: Mutex<Option<TimeDelta>>,
    connections: OnceLock<Arc<Statistics>>,
    certificate: OnceLock<Arc<Renewal>>,
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
            restart_needed: Mutex::default(),
            clock: Mutex::default(),
            connections: OnceLock::new(),
            certificate: OnceLock::new(),
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

    /// This process answers requests with TLS, and this is its certificate.
    pub fn set_certificate(&self, certificate: Arc<Renewal>) {
        let _ = self.certificate.set(certificate);
    }

    pub(super) fn certificate(&self) -> Option<&Arc<Renewal>> {
        self.certificate.get()
    }

    /// The integrations that are configured now. Metrics are exported for these.
    pub fn set_integrations(&self, integrations: impl Iterator<Item = (IntegrationId, Shown)>) {
        *locked(&self.integrations) = Arc::new(integrations.collect());
    }

    /// The sections of the configuration file that have changed, and that only a restart puts to use.
    pub fn set_restart_needed(&self, sections: Vec<&'static str>) {
        *locked(&self.restart_needed) = sections;
    }

    /// What to do so that all of the configuration file is used; `None` if it is.
    pub fn restart_needed(&self) -> Option<String> {
        let sections = locked(&self.restart_needed);
        let advice = || format!("restart `cdi-server serve` to use what has changed in {}", sections.join(", "));
        (!sections.is_empty()).then(advice)
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

    pub(super) fn integrations(&self) -> Arc<ShownById> {
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
