//! A front, the HTTP server behind it, and peers that speak to it byte by byte.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::front::{BoundFront, End, Front, Peers, Settings};

/// Longer than any test waits.
pub(super) const FOREVER: Duration = Duration::from_secs(3600);
/// A deadline that a test waits for.
pub(super) const SOON: Duration = Duration::from_millis(50);
/// When a test has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// The length of the body of `/large`.
pub(super) const LARGE: usize = 256 * 1024;

pub(super) struct Rig {
    pub(super) front: Front,
    pub(super) peers: Peers,
    /// Who sent each request, by the table of peers.
    pub(super) seen: Arc<Mutex<Vec<Option<IpAddr>>>>,
}

/// Settings that end nothing.
pub(super) fn patient() -> Settings {
    Settings {
        handshake: FOREVER,
        first_byte: FOREVER,
        request: FOREVER,
        idle: FOREVER,
        stalled_reader: FOREVER,
        lifetime: FOREVER,
        linger: SOON,
        ..Settings::new(FOREVER)
    }
}

impl Rig {
    pub(super) async fn start(adjust: impl FnOnce(&mut Settings)) -> Rig {
        let (peers, seen) = (Peers::default(), Arc::default());
        let server = serve(peers.clone(), Arc::clone(&seen)).await;
        Rig::before(server, peers, seen, adjust).await
    }

    /// A front before a server at this address.
    pub(super) async fn before(
        server: SocketAddr,
        peers: Peers,
        seen: Arc<Mutex<Vec<Option<IpAddr>>>>,
        adjust: impl FnOnce(&mut Settings),
    ) -> Rig {
        let mut settings = patient();
        adjust(&mut settings);
        let front = BoundFront::bind("127.0.0.1:0".parse().unwrap(), settings).await.unwrap();
        Rig { front: front.start(server, peers.clone()).unwrap(), peers, seen }
    }

    pub(super) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.front.address()).await.unwrap()
    }

    /// A connection from another address of this machine.
    pub(super) async fn connect_from(&self, address: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(address.parse().unwrap(), 0)).unwrap();
        socket.connect(self.front.address()).await.unwrap()
    }

    /// A connection on which this was sent.
    pub(super) async fn sent(&self, text: &str) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    /// A well-behaved caller is served.
    pub(super) async fn serves(&self) {
        call(&mut self.connect().await).await;
    }

    /// Waits until this many connections have ended for this reason.
    pub(super) async fn ended(&self, end: End, count: u64) {
        let ended = async {
            while self.front.statistics().ended(end) < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let all = || End::ALL.map(|end| (end.as_str(), self.front.statistics().ended(end)));
        tokio::time::timeout(PATIENCE, ended).await.unwrap_or_else(|_| panic!("not {count} {end:?}: {:?}", all()));
        assert_eq!(self.front.statistics().ended(end), count);
    }
}

/// Sends a request and reads its answer.
pub(super) async fn call(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    answered(stream).await;
}

/// Reads the answer of `/`.
pub(super) async fn answered(stream: &mut (impl AsyncRead + Unpin)) {
    let mut text = Vec::new();
    let read = async {
        while !text.ends_with(b"\r\n\r\nok") {
            let mut byte = [0];
            assert_eq!(stream.read(&mut byte).await.unwrap(), 1, "closed after {:?}", String::from_utf8_lossy(&text));
            text.push(byte[0]);
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("an answer");
    assert!(text.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", String::from_utf8_lossy(&text));
}

/// Everything that still comes until the connection is closed or reset.
pub(super) async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the connection is closed");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An HTTP server without any limits. `/large` has a large body; every other path is answered when the body of the request is
/// complete.
async fn serve(peers: Peers, seen: Arc<Mutex<Vec<Option<IpAddr>>>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let Ok((stream, remote)) = listener.accept().await else {
                // As dropshot does when the process has no room for another open file.
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            };
            let (peers, seen) = (peers.clone(), seen.clone());
            let answer = service_fn(move |request: Request<Incoming>| {
                seen.lock().unwrap().push(peers.peer_of(remote));
                async move {
                    let large = request.uri().path() == "/large";
                    let _ = request.into_body().collect().await;
                    let body = if large { Bytes::from(vec![b'x'; LARGE]) } else { Bytes::from("ok") };
                    Ok::<_, Infallible>(Response::new(Full::new(body)))
                }
            });
            let serve = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
            tokio::spawn(serve);
        }
    });
    address
}
