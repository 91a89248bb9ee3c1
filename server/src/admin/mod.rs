//! The operator's address: `GET /healthz`, `/readyz` and `/metrics`, on a listener of its own.
//!
//! It is there before the store is open and until the process ends, so that it can tell what a process waits for. It answers
//! whatever the state of the store, changes nothing, and needs no key: it belongs on an address that only operators reach.

mod cached;
mod clock;
mod listener;
mod readiness;
mod scrape;
mod status;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode};
use hyper::body::Bytes;
use tokio::task::JoinSet;

use scrape::Scraper;
pub use status::{Shown, Status};

/// The body of an answer.
type Body = http_body_util::Full<Bytes>;

const JSON: &str = "application/json";

/// The operator's address and the tasks behind it, which end when this is dropped.
#[derive(Debug)]
pub struct Admin {
    status: Arc<Status>,
    address: Option<SocketAddr>,
    _tasks: JoinSet<()>,
}

impl Admin {
    /// Compares the clocks from now on, and listens, if there is an address. Fails if it cannot listen there.
    pub fn start(listen: Option<SocketAddr>, status: Status) -> io::Result<Admin> {
        let status = Arc::new(status);
        let mut tasks = JoinSet::new();
        tasks.spawn(clock::watch(status.clone()));
        let mut address = None;
        if let Some(listen) = listen {
            let listener = listener::bind(listen)?;
            address = Some(listener.local_addr()?);
            let routes = Arc::new(Routes { scraper: Scraper::new(status.clone()), status: status.clone() });
            tasks.spawn(listener::serve(listener, routes));
        }
        Ok(Admin { status, address, _tasks: tasks })
    }

    /// What it reports, for those who know it.
    pub fn status(&self) -> &Arc<Status> {
        &self.status
    }

    /// Where it listens, if it does.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }
}

/// What is answered.
#[derive(Debug)]
struct Routes {
    status: Arc<Status>,
    scraper: Scraper,
}

impl Routes {
    async fn answer(&self, method: &Method, path: &str) -> Response<Body> {
        let is_known = matches!(path, "/healthz" | "/readyz" | "/metrics");
        if is_known && method != Method::GET && method != Method::HEAD {
            let mut answer = error(StatusCode::METHOD_NOT_ALLOWED, "this path takes GET and HEAD");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        match path {
            "/healthz" => json(StatusCode::OK, &serde_json::json!({ "status": "ok" })),
            "/readyz" => {
                let readiness = readiness::of(&self.status).await;
                let ready = if readiness.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                json(ready, &readiness)
            }
            "/metrics" => match self.scraper.scrape().await {
                Ok(text) => answer(StatusCode::OK, scrape::CONTENT_TYPE, text),
                Err(problem) => {
                    tracing::error!(%problem, "the metrics cannot be written");
                    error(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written; the log says why")
                }
            },
            _ => error(StatusCode::NOT_FOUND, "there is nothing here; the paths are /healthz, /readyz and /metrics"),
        }
    }
}

fn json(status: StatusCode, body: &impl serde::Serialize) -> Response<Body> {
    match serde_json::to_vec(body) {
        Ok(text) => answer(status, JSON, text),
        // Only maps with keys that are no texts fail, and there are none.
        Err(_) => answer(StatusCode::INTERNAL_SERVER_ERROR, JSON, "{}"),
    }
}

fn error(status: StatusCode, message: &str) -> Response<Body> {
    json(status, &serde_json::json!({ "message": message }))
}

fn answer(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut answer = Response::new(Body::new(body.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
