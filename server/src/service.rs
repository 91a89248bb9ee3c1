//! A running service: the API, the workers, or both. It shuts down gracefully.

mod http;
mod live;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;

use crate::admin::{Admin, Status};
use crate::api;
use crate::config::{Config, StoreLocation};
use crate::notify::Notifier;
use crate::schedule::Timers;
use crate::store::{Store, StoreError};
use crate::sync::Workers;
pub use http::read_certificate;
use http::{Http, cannot_listen};
pub use live::Live;

/// How often to retry opening a store that is unavailable at the start.
const STORE_RETRY: Duration = Duration::from_millis(500);
/// How long connections may take to close after the last request was answered.
const CLOSING: Duration = Duration::from_secs(2);

/// The role of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Answer requests.
    Api,
    /// Run syncs.
    Worker,
    /// Both.
    All,
}

/// A running service.
pub struct Service {
    /// The store.
    pub store: Store,
    http: Option<Http>,
    workers: Option<Workers>,
    timers: Option<Timers>,
    notifier: Option<Notifier>,
    /// It listens until this is dropped.
    _admin: Admin,
    draining: Arc<AtomicBool>,
    drain_deadline: Duration,
    /// What a reload replaces.
    pub live: Live,
}

impl Service {
    /// Opens the store, binds the address and starts the workers. Waits while the store is unavailable.
    pub async fn start(config: &Config, role: Role) -> anyhow::Result<Service> {
        let draining = Arc::new(AtomicBool::new(false));
        // First of all, so that operators can see that the process waits for its store.
        let admin = start_admin(config, draining.clone())?;
        let store = open_store(&config.store, config.store_connections).await.context("the store cannot be opened")?;
        admin.status().set_store(store.clone());
        let live = Live::new(config, admin.status().clone());
        let http = match role {
            Role::Worker => None,
            Role::Api | Role::All => {
                let api = |peers| api::api(&config.server, live.settings.subscribe(), &store, peers, draining.clone());
                Some(Http::listen(&config.server, api).await?)
            }
        };
        let workers = match role {
            Role::Api => None,
            Role::Worker | Role::All => {
                Some(Workers::start(store.clone(), live.integrations.subscribe(), config.worker.clone()))
            }
        };
        if let Some(http) = &http {
            admin.status().set_connections(http.front.statistics().clone());
            if let Some(certificate) = http.front.certificate() {
                admin.status().set_certificate(certificate.clone());
            }
        }
        if let Some(workers) = &workers {
            admin.status().set_workers(workers.running());
        }
        let has_workers = workers.is_some();
        let timers = has_workers.then(|| Timers::start(store.clone(), live.schedules.subscribe(), config.retention));
        let notifier = has_workers.then(|| Notifier::start(store.clone(), live.notifications.subscribe()));
        let drain_deadline = config.server.drain_deadline;
        Ok(Service { store, http, workers, timers, notifier, _admin: admin, draining, drain_deadline, live })
    }

    /// The address it listens on; `None` without the API.
    pub fn address(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(|http| http.front.address())
    }

    /// The base URL of that address.
    pub fn url(&self) -> Option<String> {
        self.http.as_ref().map(Http::url)
    }

    /// Waits until the HTTP server or the workers end unexpectedly, and returns the error.
    pub async fn failed(&mut self) -> String {
        let server = async {
            match &mut self.http {
                Some(Http { front, server }) => tokio::select! {
                    ended = server.wait_for_shutdown() => match ended {
                        Ok(()) => "the HTTP server has ended unexpectedly".to_owned(),
                        Err(error) => format!("the HTTP server has failed: {error}"),
                    },
                    () = front.closed() => "the server has stopped listening unexpectedly".to_owned(),
                },
                None => std::future::pending().await,
            }
        };
        let workers = async {
            match &mut self.workers {
                Some(workers) => format!("the supervisor of the workers has failed: {}", workers.failed().await),
                None => std::future::pending().await,
            }
        };
        let timers = async {
            match &mut self.timers {
                Some(timers) => format!("the schedules have failed: {}", timers.failed().await),
                None => std::future::pending().await,
            }
        };
        let notifier = async {
            match &mut self.notifier {
                Some(notifier) => format!("the messages have failed: {}", notifier.failed().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            failed = server => failed,
            failed = workers => failed,
            failed = timers => failed,
            failed = notifier => failed,
        }
    }

    /// Shuts down: refuses new requests, waits for requests and batches in flight until the drain deadline, and hands back jobs
    /// at their last checkpoints.
    pub async fn stop(self) {
        self.draining.store(true, Ordering::Relaxed);
        drop(self.timers);
        let deadline = self.drain_deadline;
        let close = async {
            let Some(Http { mut front, server }) = self.http else { return };
            front.drain();
            match tokio::time::timeout(deadline, server.close()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(error, "the HTTP server did not shut down cleanly"),
                Err(_) => {
                    tracing::warn!(?deadline, "some requests were still in flight at the drain deadline");
                    return;
                }
            }
            // The last answers are on their way to the peers.
            let _ = tokio::time::timeout(CLOSING, front.closed()).await;
        };
        let stop = async {
            if let Some(workers) = self.workers {
                workers.stop(deadline).await;
            }
        };
        tokio::join!(close, stop);
        // Until here, syncs that have ended are told of.
        drop(self.notifier);
    }
}

/// Opens the store. Retries while it is unavailable.
async fn open_store(location: &StoreLocation, connections: u32) -> Result<Store, StoreError> {
    let mut has_waited = false;
    loop {
        match Store::open_with(location, connections).await {
            Err(error) if error.is_unavailable() => {
                if !std::mem::replace(&mut has_waited, true) {
                    tracing::warn!(%error, "waiting for the store");
                }
                tokio::time::sleep(STORE_RETRY).await;
            }
            opened => {
                if let (true, Ok(store)) = (has_waited, &opened) {
                    store.mark_recovered();
                }
                return opened;
            }
        }
    }
}

/// Starts to watch the clock, and listens on the operator's address, if there is one.
fn start_admin(config: &Config, draining: Arc<AtomicBool>) -> anyhow::Result<Admin> {
    let status = Status::new(draining);
    status.set_integrations(live::shown(config));
    let listen = config.admin.listen;
    let admin = Admin::start(listen, status).map_err(|error| match listen {
        Some(listen) => cannot_listen(listen, "admin", error),
        None => error.into(),
    })?;
    if let Some(address) = admin.address() {
        tracing::info!("health and metrics at http://{address}");
    }
    Ok(admin)
}
