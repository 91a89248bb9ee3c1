//! The listener of the operator's address: HTTP/1, one request a connection, few connections, and deadlines.
//!
//! It is apart from the API's server, so that probes are answered while that one is overloaded or drains.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Routes;

/// Connections at the same time. Further ones wait to be accepted.
const CONNECTIONS: usize = 64;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 128;
/// How long the header of a request may take.
const HEADER_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a connection may take in all.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);
/// The pause after an error of `accept`, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Binds the address.
pub(super) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restarted process gets its address back at once.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Answers requests until it is dropped.
pub(super) async fn serve(listener: TcpListener, routes: Arc<Routes>) {
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        // The semaphore is never closed.
        let Ok(permit) = free.clone().acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "a connection to the operator's address was not accepted");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let routes = routes.clone();
        connections.spawn(async move {
            connection(stream, routes).await;
            drop(permit);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, routes: Arc<Routes>) {
    let service = service_fn(|request: Request<Incoming>| {
        let routes = routes.clone();
        async move { Ok::<_, Infallible>(routes.answer(request.method(), request.uri().path()).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // Whatever goes wrong is of the caller's making: it has gone, is silent, or does not speak HTTP.
    let _ = timeout(CONNECTION_TIMEOUT, connection).await;
}
