//! A running service: the API, the workers, or both. It shuts down gracefully.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use dropshot::{BuildError, ConfigDropshot, HttpServer, ServerBuilder};
use tokio::sync::watch;

use crate::api::{self, Context, Settings};
use crate::config::{Config, Integration, StoreLocation};
use crate::logging;
use crate::notify::{Notifications, Notifier};
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
    notifier: Option<Notifier>,
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
    notifications: watch::Sender<Arc<Notifications>>,
    /// Why the last reload has failed.
    failure: watch::Sender<Option<String>>,
}

impl Live {
    fn new(config: &Config) -> Live {
        Live {
            settings: watch::Sender::new(Settings::new(config)),
            integrations: watch::Sender::new(config.by_id()),
            schedules: watch::Sender::new(scheduled(&config.integrations)),
            notifications: watch::Sender::new(Arc::new(config.notifications())),
            failure: watch::Sender::new(None),
        }
    }

    /// Uses the keys, workspaces, integrations, schedules and `[[notify]]` of another configuration from now on. Syncs in progress end as they began.
    pub fn apply(&self, config: &Config) {
        self.settings.send_replace(Settings::new(config));
        self.integrations.send_replace(config.by_id());
        self.schedules.send_replace(scheduled(&config.integrations));
        self.notifications.send_replace(Arc::new(config.notifications()));
    }

    /// Records why the last reload has failed, or that it has not.
    pub fn failed(&self, why: Option<String>) {
        self.failure.send_replace(why);
    }
}

impl Service {
    /// Opens the store, binds the address and starts the workers. Waits while the store is unavailable.
    pub async fn start(config: &Config, role: Role) -> anyhow::Result<Service> {
        let store = open_store(&config.store, config.store_connections).await.context("the store cannot be opened")?;
        let draining = Arc::new(AtomicBool::new(false));
        let live = Live::new(config);
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
        let has_workers = workers.is_some();
        let timers = has_workers.then(|| Timers::start(store.clone(), live.schedules.subscribe(), config.retention));
        let notifier = has_workers.then(|| Notifier::start(store.clone(), live.notifications.subscribe()));
        let drain_deadline = config.server.drain_deadline;
        Ok(Service { store, server, workers, timers, notifier, draining, drain_deadline, live })
    }

    /// The address it listens on; `None` without the API.
    pub fn address(&self) -> Option<SocketAddr> {
        self.server.as_ref().map(HttpServer::local_addr)
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
        // Until here, syncs that have ended are told of.
        drop(self.notifier);
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
            let advice = listen_advice(listen.port(), kind);
            anyhow::Error::new(error).context(format!("cannot listen on {listen} ({advice})"))
        })
}

/// What to do about an address on which the process cannot listen.
fn listen_advice(port: u16, error: Option<ErrorKind>) -> &'static str {
    match error {
        Some(ErrorKind::PermissionDenied) if port < 1024 => {
            "ports below 1024 need root; set `listen` under `[server]` to another port, such as 8080"
        }
        Some(ErrorKind::AddrNotAvailable) => {
            "this machine does not have that address; set `listen` under `[server]` to one of its own, or to 0.0.0.0 for all of them"
        }
        _ => "set `listen` under `[server]` to a free address",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_cannot_be_used_is_answered_with_what_to_set() {
        let advice = |port, kind| listen_advice(port, Some(kind));
        assert!(advice(80, ErrorKind::PermissionDenied).contains("ports below 1024 need root"));
        assert!(advice(8080, ErrorKind::PermissionDenied).contains("a free address"));
        assert!(advice(8080, ErrorKind::AddrNotAvailable).contains("this machine does not have that address"));
        assert!(advice(8080, ErrorKind::AddrInUse).contains("a free address"));
    }
}
