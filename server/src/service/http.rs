//! The HTTP server and the front before it.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use dropshot::{ConfigDropshot, HttpServer, ServerBuilder};
use rustix::process::{Resource, getrlimit};

use crate::api::{self, Context};
use crate::config::{ServerConfig, TlsConfig};
use crate::front::{BoundFront, Certificate, CertificateError, Front, FrontError, Peers, Settings, TlsFiles};
use crate::logging;

/// Open files of a connection: the peer's, and both ends of the one to the HTTP server.
const FILES_PER_CONNECTION: u64 = 3;
/// Open files for everything else: the store, sources, destinations, the log.
const OTHER_FILES: u64 = 256;

/// The HTTP server and the front before it.
pub(super) struct Http {
    pub front: Front,
    pub server: HttpServer<Context>,
}

impl Http {
    /// Listens on the public address with the front, and on loopback with the HTTP server that the front passes requests to.
    /// `api` makes the API, given what knows the peers.
    pub async fn listen(config: &ServerConfig, api: impl FnOnce(Peers) -> Context) -> anyhow::Result<Http> {
        let listen = config.listen;
        let front = BoundFront::bind(listen, front_settings(config)).await.map_err(|error| match error {
            FrontError::Listen(error) => cannot_listen(listen, "server", error),
            FrontError::Certificate(_) => {
                anyhow::Error::new(error).context("the certificate of `[server.tls]` cannot be used")
            }
        })?;
        let peers = Peers::default();
        let description = api::description().map_err(anyhow::Error::msg)?;
        let server = ServerBuilder::new(description, api(peers.clone()), logging::slog(peers.clone()))
            .config(ConfigDropshot { bind_address: (Ipv4Addr::LOCALHOST, 0).into(), ..ConfigDropshot::default() })
            .start()
            .context("cannot listen on a port of 127.0.0.1, which the server needs for itself")?;
        let front = front.start(server.local_addr(), peers)?;
        Ok(Http { front, server })
    }

    /// The base URL of the public address.
    pub fn url(&self) -> String {
        let scheme = if self.front.has_tls() { "https" } else { "http" };
        format!("{scheme}://{}", self.front.address())
    }
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

/// The error of an address on which the process cannot listen. `section` is where it is configured.
pub(super) fn cannot_listen(listen: SocketAddr, section: &str, error: std::io::Error) -> anyhow::Error {
    let advice = listen_advice(section, listen.port(), error.kind());
    anyhow::Error::new(error).context(format!("cannot listen on {listen} ({advice})"))
}

/// What to do about an address on which the process cannot listen.
fn listen_advice(section: &str, port: u16, error: ErrorKind) -> String {
    let set = format!("set `listen` under `[{section}]` to");
    match error {
        ErrorKind::PermissionDenied if port < 1024 => {
            format!("ports below 1024 need root; {set} another port, such as 8080")
        }
        ErrorKind::AddrNotAvailable => {
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
        let advice = |port, kind| listen_advice("server", port, kind);
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
