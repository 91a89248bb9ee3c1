//! The reference: a bare HTTP server that gives one fixed answer.

use std::convert::Infallible;
use std::net::SocketAddr;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request as HttpRequest, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::load::{Caller, Request};

/// Status, headers and body of an answer.
#[derive(Debug, Clone)]
pub struct Answer {
    head: Vec<(String, String)>,
    status: u16,
    body: Bytes,
}

/// The answer of a server to a request.
pub async fn answer_of(address: SocketAddr, request: &Request) -> Answer {
    let text = Caller::connect(address).await.call_any(request).await;
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap()[9..12].parse().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    let head = headers.filter(|(name, _)| !["content-length", "date"].contains(name));
    let head = head.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Answer { head, status, body: Bytes::from(body.to_owned()) }
}

/// Starts a server with this answer.
pub async fn start(answer: Answer) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let answer = answer.clone();
            tokio::spawn(async move {
                let service = service_fn(move |_: HttpRequest<Incoming>| {
                    let mut response = Response::builder().status(answer.status);
                    for (name, value) in &answer.head {
                        response = response.header(name, value);
                    }
                    let response = response.body(Full::new(answer.body.clone())).unwrap();
                    async move { Ok::<_, Infallible>(response) }
                });
                // It ends when the caller closes the connection.
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}
