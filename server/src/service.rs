//! A running service: the API, the workers, or both. It shuts down gracefully.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use dropshot::{BuildError, ConfigDropshot, HttpServer, ServerBuilder};
use tokio::sync::watch;

use crate::admin::{Admin, Status};
use crate::api::{self, Context, Settings};
use crate::config::{Config, Integration, IntegrationId, StoreLocation};
use crate::logging;
use crate::schedule::{Scheduled, Timers};
use crate::store::{Store, StoreError};
use crate::sync::{Integrations, Workers};

/// How often to retry opening a store that is unavailable at the start.
const STORE_RETRY: Duration = Duration::from_millis(500);

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
    server: Option<HttpServer<Context>>,
    workers: Option<Workers>,
    timers: Option<Timers>,
    admin: Admin,
    draining: Arc<AtomicBool>,
    drain_deadline: Duration,
    /// What a reload replaces.
    pub live: Live,
}

/// The part of a service's configuration that can be replaced while it runs. Clones are the same.
#[derive(Debug, Clone)]
pub struct Live {
    settings: watch::Sender<Arc<Settings>>,
    integrations: watch::Sender<Integrations>,
    schedules: watch::Sender<Arc<[Scheduled]>>,
    /// What the operator's address shows.
    status: Arc<Status>,
}

impl Live {
    fn new(config: &Config, status: Arc<Status>) -> Live {
        Live {
            settings: watch::Sender::new(Settings::new(config)),
            integrations: watch::Sender::new(config.by_id()),
            schedules: watch::Sender::new(scheduled(&config.integrations)),
            status,
        }
    }

    /// Uses the keys, workspaces, integrations and schedules of another configuration from now on. Syncs in progress end as they began.
    pub fn apply(&self, config: &Config) {
        self.settings.send_replace(Settings::new(config));
        self.integrations.send_replace(config.by_id());
        self.schedules.send_replace(scheduled(&config.integrations));
        self.status.set_integrations(names(config));
    }

    /// Records why the last reload has failed, or that it has not.
    pub fn failed(&self, why: Option<String>) {
        self.status.set_configuration_problem(why);
    }
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
        let server = match role {
            Role::Worker => None,
            Role::Api | Role::All => {
                let context = api::api(&config.server, live.settings.subscribe(), &store, draining.clone());
                Some(bind(config.server.listen, context)?)
            }
        };
        let workers = match role {
            Role::Api => None,
            Role::Worker | Role::All => {
                Some(Workers::start(store.clone(), live.integrations.subscribe(), config.worker.clone()))
            }
        };
        if let Some(workers) = &workers {
            admin.status().set_workers(workers.running());
        }
        let timers = workers.is_some();
        let timers = timers.then(|| Timers::start(store.clone(), live.schedules.subscribe(), config.retention));
        let drain_deadline = config.server.drain_deadline;
        Ok(Service { store, server, workers, timers, admin, draining, drain_deadline, live })
    }

    /// The address it listens on; `None` without the API.
    pub fn address(&self) -> Option<SocketAddr> {
        self.server.as_ref().map(HttpServer::local_addr)
    }

    /// The operator's address; `None` if none is configured.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.address()
    }

    /// Waits until the HTTP server or the workers end unexpectedly, and returns the error.
    pub async fn failed(&mut self) -> String {
        let server = async {
            match &self.server {
                Some(server) => match server.wait_for_shutdown().await {
                    Ok(()) => "the HTTP server has ended unexpectedly".to_owned(),
                    Err(error) => format!("the HTTP server has failed: {error}"),
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
        tokio::select! {
            failed = server => failed,
            failed = workers => failed,
            failed = timers => failed,
        }
    }

    /// Shuts down: refuses new requests, waits for requests and batches in flight until the drain deadline, and hands back jobs
    /// at their last checkpoints.
    pub async fn stop(self) {
        self.draining.store(true, Ordering::Relaxed);
        drop(self.timers);
        let deadline = self.drain_deadline;
        let close = async {
            let Some(server) = self.server else { return };
            match tokio::time::timeout(deadline, server.close()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(error, "the HTTP server did not shut down cleanly"),
                Err(_) => tracing::warn!(?deadline, "some requests were still in flight at the drain deadline"),
            }
        };
        let stop = async {
            if let Some(workers) = self.workers {
                workers.stop(deadline).await;
            }
        };
        tokio::join!(close, stop);
    }
}

/// The integrations that have schedules.
fn scheduled(integrations: &[Arc<Integration>]) -> Arc<[Scheduled]> {
    let scheduled = |integration: &Arc<Integration>| {
        let schedule = integration.schedule.clone()?;
        Some(Scheduled { integration: integration.id, schedule, paused: integration.paused })
    };
    integrations.iter().filter_map(scheduled).collect()
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

/// The names of all integrations.
fn names(config: &Config) -> impl Iterator<Item = (IntegrationId, String)> {
    config.integrations.iter().map(|integration| (integration.id, integration.name.clone()))
}

/// Starts to watch the clock, and listens on the operator's address, if there is one.
fn start_admin(config: &Config, draining: Arc<AtomicBool>) -> anyhow::Result<Admin> {
    let status = Status::new(draining);
    status.set_integrations(names(config));
    let listen = config.admin.listen;
    let admin = Admin::start(listen, status).map_err(|error| match listen {
        Some(listen) => cannot_listen(listen, "admin", Some(error.kind()), error),
        None => error.into(),
    })?;
    if let Some(address) = admin.address() {
        tracing::info!("health and metrics at http://{address}");
    }
    Ok(admin)
}

fn bind(listen: SocketAddr, context: Context) -> anyhow::Result<HttpServer<Context>> {
    let description = api::description().map_err(anyhow::Error::msg)?;
    ServerBuilder::new(description, context, logging::slog())
        .config(ConfigDropshot { bind_address: listen, ..ConfigDropshot::default() })
        .start()
        .map_err(|error| {
            let kind = match &error {
                BuildError::BindError { error, .. } => Some(error.kind()),
                _ => None,
            };
            cannot_listen(listen, "server", kind, error)
        })
}

/// The error of an address on which the process cannot listen. `section` is where it is configured.
fn cannot_listen(
    listen: SocketAddr,
    section: &str,
    kind: Option<ErrorKind>,
    error: impl std::error::Error + Send + Sync + 'static,
) -> anyhow::Error {
    let advice = listen_advice(section, listen.port(), kind);
    anyhow::Error::new(error).context(format!("cannot listen on {listen} ({advice})"))
}

/// What to do about an address on which the process cannot listen.
fn listen_advice(section: &str, port: u16, error: Option<ErrorKind>) -> String {
    let set = format!("set `listen` under `[{section}]` to");
    match error {
        Some(ErrorKind::PermissionDenied) if port < 1024 => {
            format!("ports below 1024 need root; {set} another port, such as 8080")
        }
        Some(ErrorKind::AddrNotAvailable) => {
            format!("this machine does not have that address; {set} one of its own, or to 0.0.0.0 for all of them")
        }
        _ => format!("{set} a free address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_cannot_be_used_is_answered_with_what_to_set() {
        let advice = |port, kind| listen_advice("server", port, Some(kind));
        assert!(advice(80, ErrorKind::PermissionDenied).contains("ports below 1024 need root"));
        assert!(advice(8080, ErrorKind::PermissionDenied).contains("a free address"));
        assert!(advice(8080, ErrorKind::AddrNotAvailable).contains("this machine does not have that address"));
        assert!(advice(8080, ErrorKind::AddrInUse).contains("a free address"));
    }
}
