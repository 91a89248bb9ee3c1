//! A running service: the API, the workers, or both, started from a configuration and stopped without losing anything.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use dropshot::{ConfigDropshot, HttpServer, ServerBuilder};

use crate::api::{self, Context};
use crate::config::{Config, StoreLocation};
use crate::logging;
use crate::store::{Store, StoreError};
use crate::sync::Workers;

/// How often a store that is away at the start is tried again.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// What a process does.
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
    /// The state behind it.
    pub store: Store,
    server: Option<HttpServer<Context>>,
    workers: Option<Workers>,
    draining: Arc<AtomicBool>,
    drain_deadline: Duration,
}

impl Service {
    /// Opens the store, binds the address and starts the workers. Waits for a store that is away.
    pub async fn start(config: &Config, role: Role) -> anyhow::Result<Service> {
        let store = open_store(&config.store).await.context("the store cannot be opened")?;
        let draining = Arc::new(AtomicBool::new(false));
        let server = match role {
            Role::Worker => None,
            Role::Api | Role::All => Some(bind(config, &store, draining.clone())?),
        };
        let workers = match role {
            Role::Api => None,
            Role::Worker | Role::All => {
                Some(Workers::start(store.clone(), config.integrations.clone(), config.worker.clone()))
            }
        };
        Ok(Service { store, server, workers, draining, drain_deadline: config.server.drain_deadline })
    }

    /// Where it listens, if it does.
    pub fn address(&self) -> Option<SocketAddr> {
        self.server.as_ref().map(HttpServer::local_addr)
    }

    /// Waits until a part of it ends that should not, and says which.
    pub async fn failed(&mut self) -> String {
        let server = async {
            match &self.server {
                Some(server) => match server.wait_for_shutdown().await {
                    Ok(()) => "the HTTP server has ended".to_owned(),
                    Err(error) => format!("the HTTP server has ended: {error}"),
                },
                None => std::future::pending().await,
            }
        };
        let workers = async {
            match &mut self.workers {
                Some(workers) => format!("the supervisor of the syncs has ended: {}", workers.failed().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            failed = server => failed,
            failed = workers => failed,
        }
    }

    /// Stops: no new requests, those in flight and the batches in flight end, jobs are given back at their checkpoints.
    pub async fn stop(self) {
        self.draining.store(true, Ordering::Relaxed);
        let deadline = self.drain_deadline;
        let close = async {
            let Some(server) = self.server else { return };
            match tokio::time::timeout(deadline, server.close()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(error, "the server did not close well"),
                Err(_) => tracing::warn!(?deadline, "some requests did not end before the deadline"),
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

/// Opens the store; where it is away, waits until it is there.
async fn open_store(location: &StoreLocation) -> Result<Store, StoreError> {
    let mut said = false;
    loop {
        match Store::open(location).await {
            Err(error) if error.is_unavailable() => {
                if !std::mem::replace(&mut said, true) {
                    tracing::warn!(%error, "waiting for the store");
                }
                tokio::time::sleep(ASK_AGAIN).await;
            }
            opened => {
                if let (true, Ok(store)) = (said, &opened) {
                    store.has_come_back();
                }
                return opened;
            }
        }
    }
}

fn bind(config: &Config, store: &Store, draining: Arc<AtomicBool>) -> anyhow::Result<HttpServer<Context>> {
    let description = api::description().map_err(anyhow::Error::msg)?;
    let listen = config.server.listen;
    ServerBuilder::new(description, api::api(config, store, draining), logging::slog())
        .config(ConfigDropshot { bind_address: listen, ..ConfigDropshot::default() })
        .start()
        .with_context(|| format!("cannot listen on {listen} (set `listen` under `[server]` to a free address)"))
}
