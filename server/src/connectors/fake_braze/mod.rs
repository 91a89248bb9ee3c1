//! A fake of Braze's `/users/track` and `/users/delete`, on loopback. Used by `cdi-server demo` and by tests only.
//!
//! Like the real service it checks the bearer key (and repeats the key in the 401), enforces the size limits, and names
//! the objects that it refuses. It keeps what it accepted, in order. Tests can queue scripted answers, which are used
//! before the computed ones.

mod answer;
mod rules;

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::secret::Secret;
pub use answer::Answer;
use answer::{Body, Cut, Kind, as_json, fixed};
use rules::MOST_BYTES;

/// Longer bodies are not read, so that a mistake does not exhaust memory.
const MOST_READ: usize = 64_000_000;

/// A fake destination that records what it accepts. It stops when dropped.
#[derive(Debug)]
pub struct FakeBraze {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

/// A recorded request.
#[derive(Debug, Clone)]
pub struct Received {
    /// When it was answered.
    pub at: Instant,
    /// The caller's end of the connection.
    pub peer: SocketAddr,
    /// Its path.
    pub path: String,
    /// Its body, or null if it was not JSON.
    pub body: Value,
    /// The status of its answer; none where the connection was cut.
    pub status: Option<u16>,
    /// How many of its objects were accepted, regardless of the answer.
    pub accepted: usize,
}

#[derive(Debug)]
struct State {
    key: Secret,
    records: Mutex<Records>,
}

#[derive(Debug, Default)]
struct Records {
    delay: Duration,
    script: VecDeque<Answer>,
    /// The scripted answer to a request with this body; `None` for the computed one.
    rule: Option<Rule>,
    requests: Vec<Received>,
    objects: Vec<Value>,
    at_once: usize,
    most_at_once: usize,
}

/// Chooses a scripted answer by the request body.
type FindAnswer = dyn Fn(&str) -> Option<Answer> + Send;

struct Rule(Box<FindAnswer>);

impl std::fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Rule")
    }
}

impl FakeBraze {
    /// Starts a fake on a free loopback port that accepts this key.
    pub async fn start(key: &Secret) -> std::io::Result<FakeBraze> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State { key: key.clone(), records: Mutex::default() });
        let task = tokio::spawn(serve(listener, state.clone()));
        Ok(FakeBraze { address, state, task })
    }

    /// Its base URL: `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Delays every answer from now on.
    pub fn delay(&self, delay: Duration) {
        self.state.records().delay = delay;
    }

    /// Queues scripted answers; each is used once, in order.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.records().script.extend(answers);
    }

    /// Gives this answer to every request whose body contains `text`.
    pub fn refuse(&self, text: &str, answer: Answer) {
        let text = text.to_owned();
        self.rule(move |body| body.contains(&text).then(|| answer.clone()));
    }

    /// Asks this function for a scripted answer to each request body; where it returns `None`, the answer is computed.
    pub fn rule(&self, rule: impl Fn(&str) -> Option<Answer> + Send + 'static) {
        self.state.records().rule = Some(Rule(Box::new(rule)));
    }

    /// Drops all scripted answers and rules.
    pub fn behave(&self) {
        let mut records = self.state.records();
        records.script.clear();
        records.rule = None;
    }

    /// Drops the recorded requests and accepted objects.
    pub fn forget(&self) {
        let mut records = self.state.records();
        records.requests.clear();
        records.objects.clear();
    }

    /// The number of accepted objects.
    pub fn accepted(&self) -> usize {
        self.state.records().objects.len()
    }

    /// The number of requests, refused ones included.
    pub fn requests(&self) -> usize {
        self.state.records().requests.len()
    }

    /// The accepted objects, in order.
    pub fn objects(&self) -> Vec<Value> {
        self.state.records().objects.clone()
    }

    /// The requests, in order.
    pub fn received(&self) -> Vec<Received> {
        self.state.records().requests.clone()
    }

    /// The highest number of concurrent requests so far.
    pub fn most_at_once(&self) -> usize {
        self.state.records().most_at_once
    }
}

impl Drop for FakeBraze {
    fn drop(&mut self) {
        // Aborting this task closes the connections that it owns.
        self.task.abort();
    }
}

impl State {
    fn records(&self) -> MutexGuard<'_, Records> {
        // The data is consistent after every statement, so a lock poisoned by a panicking test is safe to use.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, peer)) = accepted {
                connections.spawn(connection(stream, peer, state.clone()));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, state: Arc<State>) {
    let service = service_fn(move |request| {
        let state = state.clone();
        async move { answer(&state, peer, request).await }
    });
    // Connection errors are the peer's doing or scripted.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(state: &State, peer: SocketAddr, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    let (scripted, delay) = {
        let mut records = state.records();
        records.at_once += 1;
        records.most_at_once = records.most_at_once.max(records.at_once);
        (records.script.pop_front(), records.delay)
    };
    let (parts, body) = request.into_parts();
    let bytes = Limited::new(body, MOST_READ).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let scripted = scripted.or_else(|| state.records().rule.as_ref().and_then(|rule| rule.0(&text)));
    tokio::time::sleep(scripted.as_ref().map_or(delay, |answer| answer.delay.max(delay))).await;
    let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let path = parts.uri.path().to_owned();

    let mut records = state.records();
    records.at_once -= 1;
    let before = records.objects.len();
    let response = match &scripted {
        Some(answer) if answer.kind == Kind::Cut => None,
        Some(answer) if answer.kind == Kind::Fixed => Some(fixed(answer)),
        scripted => {
            let (status, answer) = if parts.method != Method::POST
                || !["/users/track", "/users/delete"].contains(&path.as_str())
            {
                (StatusCode::NOT_FOUND, json!({ "message": "Not Found" }))
            } else if !authorized(&parts.headers, &state.key) {
                (StatusCode::UNAUTHORIZED, json!({ "message": format!("Invalid API key: {}", bearer(&parts.headers)) }))
            } else if bytes.len() > MOST_BYTES {
                (StatusCode::PAYLOAD_TOO_LARGE, json!({ "message": "Request body too large" }))
            } else if path == "/users/delete" {
                rules::delete(&body, &mut records.objects)
            } else {
                rules::track(&body, &mut records.objects)
            };
            match scripted {
                None => Some(as_json(status, &answer)),
                Some(answer) if answer.kind == Kind::CutAfterwards => None,
                Some(answer) => Some(fixed(answer)),
            }
        }
    };
    let status = response.as_ref().map(|response| response.status().as_u16());
    let accepted = records.objects.len() - before;
    records.requests.push(Received { at: Instant::now(), peer, path, body, status, accepted });
    response.ok_or(Cut)
}

fn bearer(headers: &HeaderMap) -> &str {
    headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer ")).unwrap_or("")
}

fn authorized(headers: &HeaderMap, key: &Secret) -> bool {
    bearer(headers) == key.expose()
}
