//! Takes connections from the public address, also when the process has no room for another open file.

use std::fs::File;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::End;
use super::answers::answer;
use super::connection::{Shared, is_out_of_files};

/// The pause after a failure that is not about one connection.
const PAUSE: Duration = Duration::from_millis(50);
/// The log has one line about refused connections in this time.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// Takes connections until the service shuts down.
pub(super) struct Acceptor {
    listener: TcpListener,
    shared: Arc<Shared>,
    connections: JoinSet<()>,
    /// An open file whose place a connection can have for a moment.
    spare: Option<File>,
    /// When the log last told of refused connections, and how many there were since.
    reported: Option<Instant>,
    unreported: u64,
}

impl Acceptor {
    pub(super) fn new(listener: TcpListener, shared: Arc<Shared>) -> Acceptor {
        let spare = spare();
        Acceptor { listener, shared, connections: JoinSet::new(), spare, reported: None, unreported: 0 }
    }

    /// Runs until the service shuts down and all connections have ended.
    pub(super) async fn run(mut self) {
        let shared = self.shared.clone();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => self.accepted(accepted).await,
                Some(_) = self.connections.join_next() => {}
                () = shared.drained() => break,
            }
        }
        drop(self.listener);
        while self.connections.join_next().await.is_some() {}
    }

    async fn accepted(&mut self, accepted: std::io::Result<(TcpStream, SocketAddr)>) {
        match accepted {
            Ok((stream, peer)) => self.take(stream, peer),
            Err(error) if is_out_of_files(&error) => self.take_without_room().await,
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot take connections for a moment");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    fn take(&mut self, stream: TcpStream, peer: SocketAddr) {
        let (shared, peer) = (self.shared.clone(), peer.ip().to_canonical());
        match shared.admission.admit(peer) {
            Ok(ticket) => {
                self.connections.spawn(shared.serve(stream, peer, ticket));
            }
            Err(end) => {
                let settings = &shared.settings;
                let advice = match end {
                    End::TooManyFromAddress => format!(
                        "{peer} has {} connections, as many as `max_connections_per_address` of `[server]` allows; raise it if this is a proxy",
                        settings.max_connections_per_address
                    ),
                    _ => format!(
                        "there are {} connections, as many as `max_connections` of `[server]` allows",
                        settings.max_connections
                    ),
                };
                self.report(&advice);
                self.connections.spawn(shared.refuse(stream, end));
            }
        }
    }

    /// Takes one connection in the place of the spare file, answers it and closes it. Otherwise it would wait until there is room,
    /// and this loop would not rest meanwhile.
    async fn take_without_room(&mut self) {
        self.report("the process has as many open files as it may have; raise the limit (`ulimit -n`, `LimitNOFILE` of systemd)");
        let is_free = self.spare.take().is_some();
        // Without waiting: the next peer may find room.
        let accepted = if is_free { self.listener.accept().now_or_never() } else { None };
        if let Some(Ok((stream, _))) = accepted {
            self.shared.statistics.count(End::TooManyFiles);
            if let Some(answer) = answer(End::TooManyFiles).filter(|_| self.shared.tls.is_none()) {
                // Unread bytes would reset the connection before the peer has read the answer.
                let _ = stream.try_read(&mut [0; 4096]);
                let _ = stream.try_write(&answer);
            }
        } else {
            tokio::time::sleep(PAUSE).await;
        }
        self.spare = spare();
    }

    /// Logs why connections are refused, but not for each.
    fn report(&mut self, reason: &str) {
        self.unreported += 1;
        if self.reported.is_none_or(|last| last.elapsed() >= REPORT_INTERVAL) {
            tracing::warn!(refused = self.unreported, "connections refused: {reason}");
            (self.reported, self.unreported) = (Some(Instant::now()), 0);
        }
    }
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

/// Whether the error is about a connection that its peer has given up already.
fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
