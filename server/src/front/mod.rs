//! What strangers reach: it takes the connections of the public address, with or without TLS, and passes their bytes on to the
//! HTTP server, which listens on loopback.
//!
//! It limits how many connections there are and how long each may take for a handshake, a request, reading an answer and doing
//! nothing, all in a fixed amount of memory for each connection. It knows which peer is behind each connection to the HTTP
//! server, and closes connections only while no request is in flight, except at the limits.

mod accept;
mod admission;
mod answers;
mod buffer;
mod certificate;
mod connection;
mod peers;
mod relay;
mod renewal;
mod report;
mod statistics;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use accept::Acceptor;
use admission::Admission;
pub use admission::network;
pub use certificate::{Certificate, CertificateError, RENEWAL, TlsFiles};
use connection::Shared;
pub use peers::Peers;
pub use renewal::Renewal;
use report::Reports;
pub use statistics::{End, Statistics};

/// Refused connections that are answered at the same time. Further ones are closed without an answer.
const ANSWERED_REFUSALS: usize = 64;

/// Limits of the front.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Open connections in total.
    pub max_connections: usize,
    /// Open connections of one IPv4 address, or of one IPv6 network of 64 bits.
    pub max_connections_per_address: usize,
    /// From accepting a connection to the end of the TLS handshake.
    pub handshake: Duration,
    /// From then on to the first byte of a request.
    pub first_byte: Duration,
    /// From a request's first byte to the first byte of its answer.
    pub request: Duration,
    /// Between an answer and the next request.
    pub idle: Duration,
    /// How long a peer may take nothing of an answer that is waiting for it.
    pub stalled_reader: Duration,
    /// How old a connection becomes. Shortly before, it is closed when it is idle.
    pub lifetime: Duration,
    /// How long a closed connection is still read from, so that its peer can read the last answer.
    pub linger: Duration,
    /// The longest head of a request, in bytes.
    pub max_head: usize,
    /// How often the files of the certificate are looked at.
    pub certificate_interval: Duration,
    /// The files of the certificate; `None` without TLS.
    pub tls: Option<TlsFiles>,
}

impl Settings {
    /// The defaults for an HTTP server that answers each request before this deadline.
    pub fn new(request_deadline: Duration) -> Settings {
        Settings {
            max_connections: 2000,
            max_connections_per_address: 200,
            handshake: Duration::from_secs(5),
            first_byte: Duration::from_secs(15),
            // The HTTP server answers first, and better.
            request: request_deadline + Duration::from_secs(5),
            idle: Duration::from_secs(60),
            stalled_reader: Duration::from_secs(10),
            lifetime: Duration::from_secs(3600),
            linger: Duration::from_secs(1),
            max_head: 32 * 1024,
            certificate_interval: Duration::from_secs(2),
            tls: None,
        }
    }
}

/// Why the front cannot start.
#[derive(Debug, thiserror::Error)]
pub enum FrontError {
    /// It cannot listen on its address.
    #[error(transparent)]
    Listen(#[from] std::io::Error),
    /// It cannot use the certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

/// A front that has its address and its certificate, and takes no connections yet.
#[derive(Debug)]
pub struct BoundFront {
    listener: TcpListener,
    settings: Settings,
    renewal: Option<Arc<Renewal>>,
}

impl BoundFront {
    /// Reads the certificate, if there is one, and listens.
    pub async fn bind(listen: SocketAddr, settings: Settings) -> Result<BoundFront, FrontError> {
        let renewal = settings.tls.clone().map(Renewal::start).transpose()?.map(Arc::new);
        Ok(BoundFront { listener: TcpListener::bind(listen).await?, settings, renewal })
    }

    /// Takes connections and passes them on to the HTTP server at this address. `peers` then knows who is behind them.
    pub fn start(self, server: SocketAddr, peers: Peers) -> std::io::Result<Front> {
        let address = self.listener.local_addr()?;
        let statistics = Arc::new(Statistics::default());
        let (drain, draining) = watch::channel(false);
        let watching = self.renewal.clone().map(|renewal| {
            let interval = self.settings.certificate_interval;
            tokio::spawn(async move { renewal.watch(interval).await })
        });
        let shared = Arc::new(Shared {
            tls: self.renewal.as_ref().map(|renewal| renewal.acceptor()),
            admission: Admission::new(&self.settings, statistics.clone()),
            refusals: Arc::new(Semaphore::new(ANSWERED_REFUSALS)),
            settings: self.settings,
            server,
            peers,
            statistics: statistics.clone(),
            reports: Reports::default(),
            draining,
        });
        let accepting = tokio::spawn(Acceptor::new(self.listener, shared).run());
        Ok(Front { address, accepting, watching, drain, statistics, renewal: self.renewal })
    }
}

/// A running front. Dropping it closes all connections.
#[derive(Debug)]
pub struct Front {
    address: SocketAddr,
    accepting: JoinHandle<()>,
    watching: Option<JoinHandle<()>>,
    drain: watch::Sender<bool>,
    statistics: Arc<Statistics>,
    renewal: Option<Arc<Renewal>>,
}

impl Front {
    /// The public address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether its connections use TLS.
    pub fn has_tls(&self) -> bool {
        self.renewal.is_some()
    }

    /// What it counts.
    pub fn statistics(&self) -> &Arc<Statistics> {
        &self.statistics
    }

    /// Its certificate; `None` without TLS.
    pub fn certificate(&self) -> Option<&Arc<Renewal>> {
        self.renewal.as_ref()
    }

    /// Reads the files of the certificate now, which otherwise happens every few seconds. Returns whether they had changed; after an error the previous certificate stays.
    #[cfg(test)]
    pub(crate) fn reload(&self) -> Result<bool, CertificateError> {
        self.renewal.as_ref().map_or(Ok(false), |renewal| renewal.reload())
    }

    /// Stops listening and closes the connections on which no request has begun. The HTTP server closes the others when it has
    /// answered.
    pub fn drain(&self) {
        self.drain.send_replace(true);
    }

    /// Waits until it has stopped listening and all connections are closed.
    pub async fn closed(&mut self) {
        if !self.accepting.is_finished() {
            // It does not panic and is not aborted before the drop.
            let _ = (&mut self.accepting).await;
        }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.accepting.abort();
        if let Some(watching) = &self.watching {
            watching.abort();
        }
    }
}
