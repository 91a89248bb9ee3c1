//! A proxy that can change requests and answers.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request that passes the proxy.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// The path and query.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The `Authorization` of an earlier request on this connection.
    pub earlier: Option<http::HeaderValue>,
}

impl Asked {
    /// A header as text; empty if it is missing.
    pub fn header(&self, name: &str) -> String {
        let value = self.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        value.unwrap_or_default()
    }
}

/// An answer that passes the proxy.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The status.
    pub status: StatusCode,
    /// The headers, except those about the transfer.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How long the answer is delayed.
    pub delay: Duration,
    /// Whether the connection is cut instead.
    pub cut: bool,
}

impl Answered {
    fn empty(status: StatusCode, headers: HeaderMap) -> Answered {
        Answered { status, headers, body: Bytes::new(), delay: Duration::ZERO, cut: false }
    }

    async fn read(response: reqwest::Response) -> reqwest::Result<Answered> {
        let mut answered = Answered::empty(response.status(), response.headers().clone());
        for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
            answered.headers.remove(name);
        }
        answered.body = response.bytes().await?;
        Ok(answered)
    }

    /// Replaces the answer by another one, in JSON.
    pub fn say(&mut self, status: u16, message: &str) {
        self.status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        self.body = Bytes::from(serde_json::json!({ "message": message }).to_string());
        self.headers.insert(header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    }
}

/// Changes a request.
pub type Before = dyn Fn(&mut Asked) + Send + Sync;
/// Changes an answer.
pub type After = dyn Fn(&Asked, &mut Answered) + Send + Sync;

/// A running proxy; it stops when dropped.
pub struct Proxy {
    /// Its address.
    pub url: String,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Handler {
    right: String,
    before: Box<Before>,
    after: Box<After>,
    http: reqwest::Client,
}

impl Proxy {
    /// Starts a proxy in front of a server.
    pub async fn start(right: &str, before: Box<Before>, after: Box<After>) -> std::io::Result<Proxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        let http = http.map_err(std::io::Error::other)?;
        let handler = Arc::new(Handler { right: right.to_owned(), before, after, http });
        let task = tokio::spawn(async move {
            // If accepting fails, the proxy looks like a server that does not answer.
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(stream, handler.clone()));
            }
        });
        Ok(Proxy { url, task })
    }
}

async fn connection(stream: TcpStream, handler: Arc<Handler>) {
    let earlier = Arc::new(Mutex::new(None));
    let service = service_fn(move |request: Request<Incoming>| {
        let own = request.headers().get(header::AUTHORIZATION).cloned();
        let mut earlier = earlier.lock().unwrap_or_else(PoisonError::into_inner);
        let before = earlier.clone();
        *earlier = own.or(earlier.take());
        let handler = handler.clone();
        async move { handler.answer(request, before).await }
    });
    // Some proxies cut connections on purpose.
    let _ = http1::Builder::new().pipeline_flush(true).serve_connection(TokioIo::new(stream), service).await;
}

impl Handler {
    async fn answer(
        &self,
        request: Request<Incoming>,
        earlier: Option<http::HeaderValue>,
    ) -> Result<Response<Full<Bytes>>, std::io::Error> {
        let (head, body) = request.into_parts();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
        let mut asked = Asked { method: head.method, path, headers: head.headers, body, earlier };
        let seen = asked.clone();
        (self.before)(&mut asked);
        let mut answered = self.ask(asked).await;
        (self.after)(&seen, &mut answered);
        if answered.cut {
            return Err(std::io::Error::other("cut as wanted"));
        }
        tokio::time::sleep(answered.delay).await;
        let mut response = Response::new(Full::new(answered.body));
        *response.status_mut() = answered.status;
        *response.headers_mut() = answered.headers;
        Ok(response)
    }

    /// The right server's answer; 502 if it has none.
    async fn ask(&self, asked: Asked) -> Answered {
        let mut headers = asked.headers;
        for name in [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
            headers.remove(name);
        }
        let request = self.http.request(asked.method, format!("{}{}", self.right, asked.path));
        let answered = match request.headers(headers).body(asked.body).send().await {
            Ok(response) => Answered::read(response).await,
            Err(error) => Err(error),
        };
        answered.unwrap_or_else(|error| {
            let mut answered = Answered::empty(StatusCode::BAD_GATEWAY, HeaderMap::new());
            answered.say(502, &format!("the right server does not answer: {error}"));
            answered
        })
    }
}
