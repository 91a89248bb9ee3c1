//! One connection of a peer, from the handshake to its end.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use super::admission::{Admission, Ticket};
use super::answers::answer;
use super::buffer::Buffer;
use super::relay::Relay;
use super::report::Reports;
use super::{End, Peers, Settings, Statistics};

/// What an HTTP/2 connection begins with.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The first byte of a TLS handshake.
const TLS_HANDSHAKE: u8 = 0x16;
/// The kernel's room for bytes in each direction of a connection.
const SOCKET_BUFFER: usize = 64 * 1024;
/// How much of what a peer still sends is read after its connection was closed.
const LINGERING_BYTES: usize = 256 * 1024;

/// What all connections share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    /// Where the HTTP server listens.
    pub(super) server: SocketAddr,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) peers: Peers,
    pub(super) statistics: Arc<Statistics>,
    pub(super) reports: Reports,
    pub(super) admission: Arc<Admission>,
    /// A permit for each refused connection that is being answered.
    pub(super) refusals: Arc<Semaphore>,
    /// Whether the service is shutting down.
    pub(super) draining: watch::Receiver<bool>,
}

impl Shared {
    /// Waits until the service shuts down.
    pub(super) async fn drained(&self) {
        let _ = self.draining.clone().wait_for(|draining| *draining).await;
    }

    /// Serves a connection until it ends.
    pub(super) async fn serve(self: Arc<Shared>, stream: TcpStream, peer: IpAddr, ticket: Ticket) {
        prepare(&stream, &self.settings);
        let opened = Instant::now();
        let end = match self.handshake(stream, opened).await {
            Ok(Client::Plain(mut stream)) => self.converse(&mut stream, peer, opened).await,
            Ok(Client::Tls(mut stream)) => self.converse(&mut *stream, peer, opened).await,
            Err(end) => end,
        };
        tracing::debug!(%peer, end = end.as_str(), "connection ended");
        self.reports.ended(peer, end);
        self.statistics.count(end);
        drop(ticket);
    }

    /// Answers a connection that may not be served, or closes it without an answer if there are too many such.
    pub(super) async fn refuse(self: Arc<Shared>, stream: TcpStream, end: End) {
        self.statistics.count(end);
        let Ok(_permit) = self.refusals.try_acquire() else { return };
        // Some clients read an answer only after they have sent a request.
        let bound = self.settings.linger * 2;
        let refuse = async {
            let opened = Instant::now();
            match self.handshake(stream, opened).await {
                Ok(Client::Plain(mut stream)) => self.dismiss(&mut stream, end).await,
                Ok(Client::Tls(mut stream)) => self.dismiss(&mut *stream, end).await,
                Err(_) => {}
            }
        };
        let _ = timeout(bound, refuse).await;
    }

    async fn dismiss<S: AsyncRead + AsyncWrite + Unpin>(&self, client: &mut S, end: End) {
        let mut byte = [0];
        let _ = timeout(self.settings.linger / 2, client.read(&mut byte)).await;
        self.close(client, answer(end)).await;
    }

    /// The TLS handshake, if the front has a certificate.
    async fn handshake(&self, mut stream: TcpStream, opened: Instant) -> Result<Client, End> {
        let Some(tls) = &self.tls else { return Ok(Client::Plain(stream)) };
        let deadline = opened + self.settings.handshake;
        let first = async {
            let mut byte = [0];
            // `readable` would return at once.
            stream.peek(&mut byte).await.map(|count| (count, byte[0]))
        };
        let first = tokio::select! {
            first = timeout_at(deadline, first) => first.map_err(|_| End::SlowHandshake)?,
            () = self.drained() => return Err(End::Draining),
        };
        match first {
            Ok((1, TLS_HANDSHAKE)) => {}
            Ok((1, byte)) if byte.is_ascii_uppercase() => {
                self.close(&mut stream, answer(End::NotTls)).await;
                return Err(End::NotTls);
            }
            Ok((0, _)) => return Err(End::Finished),
            Ok(_) => return Err(End::BadHandshake),
            Err(_) => return Err(End::Broken),
        }
        tokio::select! {
            accepted = timeout_at(deadline, tls.accept(stream)) => match accepted {
                Ok(Ok(stream)) => Ok(Client::Tls(Box::new(stream))),
                Ok(Err(error)) => {
                    tracing::debug!(%error, "TLS handshake failed");
                    Err(End::BadHandshake)
                }
                Err(_) => Err(End::SlowHandshake),
            },
            () = self.drained() => Err(End::Draining),
        }
    }

    /// Everything after the handshake.
    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(&self, client: &mut S, peer: IpAddr, opened: Instant) -> End {
        let mut first = Buffer::new();
        let (end, may_answer) = match self.first_bytes(client, &mut first).await {
            Ok(began) => self.relay(client, peer, (opened, began), first).await,
            Err(end) => (end, true),
        };
        if !matches!(end, End::Broken | End::StalledReader) {
            self.close(client, answer(end).filter(|_| may_answer)).await;
        }
        end
    }

    /// Reads the first bytes of the first request. Returns when they came.
    async fn first_bytes<S: AsyncRead + Unpin>(&self, client: &mut S, first: &mut Buffer) -> Result<Instant, End> {
        tokio::select! {
            read = timeout(self.settings.first_byte, read(client, first)) => read.map_err(|_| End::Silent)??,
            () = self.drained() => return Err(End::Draining),
        }
        let began = Instant::now();
        while HTTP2_PREFACE.starts_with(first.filled()) && first.filled().len() < HTTP2_PREFACE.len() {
            let read = timeout_at(began + self.settings.request, read(client, first)).await;
            read.map_err(|_| End::SlowRequest)??;
        }
        match first.filled() {
            filled if filled.starts_with(HTTP2_PREFACE) => Err(End::Http2),
            [TLS_HANDSHAKE, ..] if self.tls.is_none() => Err(End::Tls),
            // Methods are words, and empty lines before them are skipped.
            [b'\r' | b'\n' | b'!'..=b'~', ..] => Ok(began),
            _ => Err(End::NotHttp),
        }
    }

    /// Connects to the HTTP server and passes bytes in both directions.
    async fn relay<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        client: &mut S,
        peer: IpAddr,
        times: (Instant, Instant),
        first: Buffer,
    ) -> (End, bool) {
        let connected = timeout(self.settings.request, TcpStream::connect(self.server)).await;
        let mut server = match connected {
            Ok(Ok(server)) => server,
            Ok(Err(error)) if is_out_of_files(&error) => return (End::TooManyFiles, true),
            Ok(Err(_)) | Err(_) => return (End::Unavailable, true),
        };
        let Ok(address) = server.local_addr() else { return (End::Unavailable, true) };
        prepare(&server, &self.settings);
        // Dropped before the server's connection, whose port it has.
        let _entry = self.peers.add(address, peer);
        Relay::new(&self.settings, (client, &mut server), times, first).run().await
    }

    /// Sends a last answer and closes the connection so that its peer can read it: if there were unread bytes, closing at once
    /// would reset the connection.
    async fn close<S: AsyncRead + AsyncWrite + Unpin>(&self, client: &mut S, answer: Option<Vec<u8>>) {
        let end = async {
            if let Some(answer) = &answer {
                client.write_all(answer).await?;
            }
            client.shutdown().await
        };
        let Ok(Ok(())) = timeout(self.settings.stalled_reader, end).await else { return };
        let rest = async {
            let (mut bytes, mut total) = ([0; 1024], 0);
            while let Ok(count @ 1..) = client.read(&mut bytes).await {
                total += count;
                if total > LINGERING_BYTES {
                    break;
                }
            }
        };
        let _ = timeout(self.settings.linger, rest).await;
    }
}

/// A peer's connection after the handshake.
enum Client {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::server::TlsStream<TcpStream>>),
}

/// Whether the process or the machine has no room for another open file.
pub(super) fn is_out_of_files(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::MFILE, Errno::NFILE].iter().any(|full| error.raw_os_error() == Some(full.raw_os_error()))
}

/// Options of a connection. What cannot be set is done without.
fn prepare(stream: &TcpStream, settings: &Settings) {
    let socket = socket2::SockRef::from(stream);
    let _ = socket.set_tcp_nodelay(true);
    // Also ends a connection that was closed while its peer reads nothing.
    let _ = socket.set_tcp_user_timeout(Some(settings.stalled_reader));
    // By itself the kernel would make room for megabytes on a connection that is not read.
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
}

/// Reads at least one byte.
async fn read<S: AsyncRead + Unpin>(client: &mut S, buffer: &mut Buffer) -> Result<(), End> {
    match std::future::poll_fn(|cx| buffer.poll_read(cx, client)).await {
        Ok(0) => Err(End::Finished),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(End::Finished),
        Err(_) => Err(End::Broken),
    }
}
