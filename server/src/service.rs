//! A running service: the API, the workers, or both. It shuts down gracefully.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use dropshot::{ConfigDropshot, HttpServer, ServerBuilder};
use rustix::process::{Resource, getrlimit};

use crate::api::{self, Context};
use crate::config::{Config, ServerConfig, StoreLocation, TlsConfig};
use crate::front::{
    BoundFront, Certificate, CertificateError, Front, FrontError, Peers, Settings, Statistics, TlsFiles,
};
use crate::logging;
use crate::store::{Store, StoreError};
use crate::sync::Workers;

/// How often to retry opening a store that is unavailable at the start.
const STORE_RETRY: Duration = Duration::from_millis(500);

/// Open files of a connection: the peer's, and both ends of the one to the HTTP server.
const FILES_PER_CONNECTION: u64 = 3;
/// Open files for everything else: the store, sources, destinations, the log.
const OTHER_FILES: u64 = 256;
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
    draining: Arc<AtomicBool>,
    drain_deadline: Duration,
}

/// The HTTP server and the front before it.
struct Http {
    front: Front,
    server: HttpServer<Context>,
}

impl Service {
    /// Opens the store, binds the address and starts the workers. Waits while the store is unavailable.
    pub async fn start(config: &Config, role: Role) -> anyhow::Result<Service> {
        let store = open_store(&config.store).await.context("the store cannot be opened")?;
        let draining = Arc::new(AtomicBool::new(false));
        let http = match role {
            Role::Worker => None,
            Role::Api | Role::All => Some(listen(config, &store, draining.clone()).await?),
        };
        let workers = match role {
            Role::Api => None,
            Role::Worker | Role::All => {
                Some(Workers::start(store.clone(), config.integrations.clone(), config.worker.clone()))
            }
        };
        Ok(Service { store, http, workers, draining, drain_deadline: config.server.drain_deadline })
    }

    /// The address it listens on; `None` without the API.
    pub fn address(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(|http| http.front.address())
    }

    /// The base URL of that address.
    pub fn url(&self) -> Option<String> {
        let front = &self.http.as_ref()?.front;
        Some(format!("{}://{}", if front.has_tls() { "https" } else { "http" }, front.address()))
    }

    /// What the front counts; `None` without the API.
    pub fn connections(&self) -> Option<&Arc<Statistics>> {
        self.http.as_ref().map(|http| http.front.statistics())
    }

    /// Reads the files of the certificate now, which otherwise happens every few seconds. Returns whether they had changed; after
    /// an error the previous certificate stays in use.
    pub fn reload_certificate(&self) -> Result<bool, CertificateError> {
        self.http.as_ref().map_or(Ok(false), |http| http.front.reload())
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
        tokio::select! {
            failed = server => failed,
            failed = workers => failed,
        }
    }

    /// Shuts down: refuses new requests, waits for requests and batches in flight until the drain deadline, and hands back jobs
    /// at their last checkpoints.
    pub async fn stop(self) {
        self.draining.store(true, Ordering::Relaxed);
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
    }
}

/// Opens the store. Retries while it is unavailable.
async fn open_store(location: &StoreLocation) -> Result<Store, StoreError> {
    let mut has_waited = false;
    loop {
        match Store::open(location).await {
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

/// Listens on the public address with the front, and on loopback with the HTTP server that the front passes requests to.
async fn listen(config: &Config, store: &Store, draining: Arc<AtomicBool>) -> anyhow::Result<Http> {
    let listen = config.server.listen;
    let front = BoundFront::bind(listen, front_settings(&config.server)).await.map_err(|error| {
        let context = match &error {
            FrontError::Listen(error) => {
                format!("cannot listen on {listen} ({})", listen_advice(listen.port(), error.kind()))
            }
            FrontError::Certificate(_) => "the certificate of `[server.tls]` cannot be used".to_owned(),
        };
        anyhow::Error::new(error).context(context)
    })?;
    let peers = Peers::default();
    let description = api::description().map_err(anyhow::Error::msg)?;
    let context = api::api(config, store, peers.clone(), draining);
    let server = ServerBuilder::new(description, context, logging::slog(peers.clone()))
        .config(ConfigDropshot { bind_address: (Ipv4Addr::LOCALHOST, 0).into(), ..ConfigDropshot::default() })
        .start()
        .context("cannot listen on a port of 127.0.0.1, which the server needs for itself")?;
    let front = front.start(server.local_addr(), peers)?;
    Ok(Http { front, server })
}

fn front_settings(server: &ServerConfig) -> Settings {
    Settings {
        max_connections: affordable(server.max_connections, getrlimit(Resource::Nofile).current),
        max_connections_per_address: server.max_connections_per_address,
        tls: server.tls.as_ref().map(files),
        ..Settings::new(server.request_deadline)
    }
}

/// As many of these connections as the limit of open files allows beside everything else.
fn affordable(connections: usize, open_files: Option<u64>) -> usize {
    let Some(limit) = open_files else { return connections };
    let rest = limit.saturating_sub(OTHER_FILES.min(limit / 2));
    let most = usize::try_from(rest / FILES_PER_CONNECTION).unwrap_or(usize::MAX).max(1);
    if most < connections {
        tracing::warn!(
            "the limit of open files is {limit}, which is enough for {most} connections; `max_connections` is {connections}: raise the \
             limit (`ulimit -n`, `LimitNOFILE` of systemd) or lower `max_connections`"
        );
    }
    connections.min(most)
}

fn files(tls: &TlsConfig) -> TlsFiles {
    TlsFiles { certificate: tls.certificate.clone(), key: tls.key.clone() }
}

/// Reads a configured certificate without using it.
pub fn read_certificate(tls: &TlsConfig) -> Result<Certificate, CertificateError> {
    Certificate::load(&files(tls))
}

/// What to do about an address on which the process cannot listen.
fn listen_advice(port: u16, error: ErrorKind) -> &'static str {
    match error {
        ErrorKind::PermissionDenied if port < 1024 => {
            "ports below 1024 need root; set `listen` under `[server]` to another port, such as 8080"
        }
        ErrorKind::AddrNotAvailable => {
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
        let advice = listen_advice;
        assert!(advice(80, ErrorKind::PermissionDenied).contains("ports below 1024 need root"));
        assert!(advice(8080, ErrorKind::PermissionDenied).contains("a free address"));
        assert!(advice(8080, ErrorKind::AddrNotAvailable).contains("this machine does not have that address"));
        assert!(advice(8080, ErrorKind::AddrInUse).contains("a free address"));
    }

    #[test]
    fn there_are_not_more_connections_than_open_files_allow() {
        assert_eq!(affordable(2000, None), 2000);
        assert_eq!(affordable(2000, Some(1 << 20)), 2000);
        assert_eq!(affordable(2000, Some(1024)), 256);
        assert_eq!(affordable(2000, Some(100)), 16);
        assert_eq!(affordable(2000, Some(1)), 1);
    }
}
