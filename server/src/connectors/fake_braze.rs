//! A fake of Braze's `/users/track` and `/users/delete`, on loopback. Used by `cdi-server demo` and by tests only.
//!
//! It answers as the real service does: it checks the bearer key (and echoes it in the 401, as the real one does), counts
//! its limits, and names the objects it refuses. It keeps what it accepted, in order. A script of answers can be queued;
//! they are used up before it behaves by itself again.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::secret::Secret;

/// Objects a request may carry.
const MOST_OBJECTS: usize = 75;
/// Users a request may delete.
const MOST_DELETES: usize = 50;
/// Bytes a request may have.
const MOST_BYTES: usize = 4_000_000;
/// Bytes that are read at all, so that a mistake does not fill the memory.
const MOST_READ: usize = 64_000_000;

/// By then what was written to a connection has left.
const FLUSHED: Duration = Duration::from_millis(20);

/// A destination that accepts, refuses and remembers. It stops when it is dropped.
#[derive(Debug)]
pub struct FakeBraze {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

/// An answer to give in place of the usual one.
#[derive(Debug, Clone)]
pub struct Answer {
    status: StatusCode,
    headers: Vec<(String, String)>,
    body: String,
    delay: Duration,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing is accepted, this answer is given.
    Fixed,
    /// The connection is cut, nothing is accepted.
    Cut,
    /// What can be accepted is, and then the connection is cut in place of the answer.
    CutAfterwards,
    /// What can be accepted is, and then this answer is given.
    AcceptedWith,
    /// The same, and the connection is cut after this part of the body.
    AcceptedAndCut,
}

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Received {
    /// When it was answered.
    pub at: Instant,
    /// Its path.
    pub path: String,
    /// Its body, or null if it was not JSON.
    pub body: Value,
    /// The status of its answer; none where the connection was cut.
    pub status: Option<u16>,
}

#[derive(Debug)]
struct State {
    key: Secret,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    delay: Duration,
    script: VecDeque<Answer>,
    /// The answer to a request with this body, where it is not the usual one.
    rule: Option<Rule>,
    requests: Vec<Received>,
    objects: Vec<Value>,
    at_once: usize,
    most_at_once: usize,
}

/// Finds the answer to a body.
type FindAnswer = dyn Fn(&str) -> Option<Answer> + Send;

struct Rule(Box<FindAnswer>);

impl std::fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Rule")
    }
}

impl Answer {
    /// An answer with this status and body.
    pub fn new(status: u16, body: impl Into<String>) -> Answer {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Answer { status, headers: Vec::new(), body: body.into(), delay: Duration::ZERO, kind: Kind::Fixed }
    }

    /// No answer: the connection is cut and nothing has been accepted.
    pub fn cut() -> Answer {
        Answer { kind: Kind::Cut, ..Answer::new(500, "") }
    }

    /// No answer: the request is dealt with as usual, then the connection is cut.
    pub fn cut_afterwards() -> Answer {
        Answer { kind: Kind::CutAfterwards, ..Answer::new(500, "") }
    }

    /// The request is dealt with as usual, and then this is answered.
    pub fn accepted_with(status: u16, body: impl Into<String>) -> Answer {
        Answer { kind: Kind::AcceptedWith, ..Answer::new(status, body) }
    }

    /// The request is dealt with as usual, and the connection is cut after this part of the answer's body.
    pub fn accepted_and_cut(status: u16, part: impl Into<String>) -> Answer {
        Answer { kind: Kind::AcceptedAndCut, ..Answer::new(status, part) }
    }

    /// The same with one more header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Answer {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The same, given only after a while.
    pub fn after(mut self, delay: Duration) -> Answer {
        self.delay = delay;
        self
    }
}

impl FakeBraze {
    /// Starts one on a free port of the loopback interface that takes this key.
    pub async fn start(key: &Secret) -> std::io::Result<FakeBraze> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State { key: key.clone(), known: Mutex::default() });
        let task = tokio::spawn(serve(listener, state.clone()));
        Ok(FakeBraze { address, state, task })
    }

    /// Where it is, as `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every answer from now on takes this long.
    pub fn delay(&self, delay: Duration) {
        self.state.known().delay = delay;
    }

    /// Queues an answer; each is used once, in order.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.known().script.extend(answers);
    }

    /// Gives this answer to every request whose body has a text in it.
    pub fn refuse(&self, text: &str, answer: Answer) {
        let text = text.to_owned();
        self.rule(move |body| body.contains(&text).then(|| answer.clone()));
    }

    /// Gives the answers that a function finds for the bodies of requests; where it finds none, the usual ones.
    pub fn rule(&self, rule: impl Fn(&str) -> Option<Answer> + Send + 'static) {
        self.state.known().rule = Some(Rule(Box::new(rule)));
    }

    /// Forgets all answers that are not the usual ones.
    pub fn behave(&self) {
        let mut known = self.state.known();
        known.script.clear();
        known.rule = None;
    }

    /// How many objects it has accepted.
    pub fn accepted(&self) -> usize {
        self.state.known().objects.len()
    }

    /// How many requests it has had, refused ones included.
    pub fn requests(&self) -> usize {
        self.state.known().requests.len()
    }

    /// The objects it has accepted, in order.
    pub fn objects(&self) -> Vec<Value> {
        self.state.known().objects.clone()
    }

    /// The requests it has had, in order.
    pub fn received(&self) -> Vec<Received> {
        self.state.known().requests.clone()
    }

    /// The most requests it had to answer at the same time.
    pub fn most_at_once(&self) -> usize {
        self.state.known().most_at_once
    }
}

impl Drop for FakeBraze {
    fn drop(&mut self) {
        // The connections end with the task that holds them.
        self.task.abort();
    }
}

impl State {
    fn known(&self) -> MutexGuard<'_, Known> {
        // What it remembers is whole after every statement, so a panicking test does not spoil it.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(connection(stream, state.clone()));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(move |request| {
        let state = state.clone();
        async move { answer(&state, request).await }
    });
    // A connection that ends badly is the peer's business, or was asked for.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Why a connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("cut as scripted")]
struct Cut;

type Body = UnsyncBoxBody<Bytes, Cut>;

fn whole(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).map_err(|never| match never {}).boxed_unsync()
}

async fn answer(state: &State, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    let (scripted, delay) = {
        let mut known = state.known();
        known.at_once += 1;
        known.most_at_once = known.most_at_once.max(known.at_once);
        (known.script.pop_front(), known.delay)
    };
    let (parts, body) = request.into_parts();
    let bytes = Limited::new(body, MOST_READ).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let scripted = scripted.or_else(|| state.known().rule.as_ref().and_then(|rule| rule.0(&text)));
    tokio::time::sleep(scripted.as_ref().map_or(delay, |answer| answer.delay.max(delay))).await;
    let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let path = parts.uri.path().to_owned();

    let mut known = state.known();
    known.at_once -= 1;
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
                delete(&body, &mut known.objects)
            } else {
                track(&body, &mut known.objects)
            };
            match scripted {
                None => Some(as_json(status, &answer)),
                Some(answer) if answer.kind == Kind::CutAfterwards => None,
                Some(answer) => Some(fixed(answer)),
            }
        }
    };
    let status = response.as_ref().map(|response| response.status().as_u16());
    known.requests.push(Received { at: Instant::now(), path, body, status });
    response.ok_or(Cut)
}

fn fixed(answer: &Answer) -> Response<Body> {
    let body = Bytes::from(answer.body.clone());
    let body = if answer.kind == Kind::AcceptedAndCut {
        let cut = async {
            // Until then the part is on its way.
            tokio::time::sleep(FLUSHED).await;
            Err(Cut)
        };
        let part = futures::stream::iter([Ok(Frame::data(body))]);
        StreamBody::new(part.chain(futures::stream::once(cut))).boxed_unsync()
    } else {
        whole(body)
    };
    let mut response = Response::new(body);
    *response.status_mut() = answer.status;
    if answer.kind == Kind::AcceptedAndCut {
        let promised = header::HeaderValue::from(answer.body.len() + 100);
        response.headers_mut().insert(header::CONTENT_LENGTH, promised);
    }
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<header::HeaderName>(), value.parse()) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

fn as_json(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(whole(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

fn bearer(headers: &HeaderMap) -> &str {
    headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer ")).unwrap_or("")
}

fn authorized(headers: &HeaderMap, key: &Secret) -> bool {
    bearer(headers) == key.expose()
}

/// What the real service does with a body: accepts what it can and names the rest.
fn track(body: &Value, accepted: &mut Vec<Value>) -> (StatusCode, Value) {
    let arrays = ["attributes", "events", "purchases"];
    let found = arrays.iter().filter_map(|array| Some((*array, body.get(array)?.as_array()?))).collect::<Vec<_>>();
    if found.iter().all(|(_, objects)| objects.is_empty()) {
        let message = "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields.";
        return (StatusCode::BAD_REQUEST, json!({ "message": message }));
    }
    let mut errors = Vec::new();
    let mut answer = Map::from_iter([("message".to_owned(), Value::from("success"))]);
    let mut processed = 0;
    for (array, objects) in found {
        if objects.len() > MOST_OBJECTS {
            let message = format!("No more than {MOST_OBJECTS} {array} may be sent at once");
            return (StatusCode::BAD_REQUEST, json!({ "message": message }));
        }
        let before = accepted.len();
        for (index, object) in objects.iter().enumerate() {
            match fault(array, object) {
                Some(fault) => errors.push(json!({ "index": index, "input_array": array, "type": fault })),
                None => accepted.push(object.clone()),
            }
        }
        processed += accepted.len() - before;
        answer.insert(format!("{array}_processed"), (accepted.len() - before).into());
    }
    if processed == 0 {
        return (StatusCode::BAD_REQUEST, json!({ "message": "No valid objects", "errors": errors }));
    }
    if !errors.is_empty() {
        answer.insert("errors".into(), errors.into());
    }
    (StatusCode::CREATED, Value::Object(answer))
}

/// What the real service does with users to delete.
fn delete(body: &Value, accepted: &mut Vec<Value>) -> (StatusCode, Value) {
    let refused = |message: &str| (StatusCode::BAD_REQUEST, json!({ "message": message }));
    let arrays = ["external_ids", "user_aliases", "braze_ids"];
    let mut found = arrays.iter().filter_map(|array| body.get(array)?.as_array());
    match (found.next(), found.next()) {
        (Some(ids), None) if (1..=MOST_DELETES).contains(&ids.len()) => {
            accepted.extend(ids.iter().cloned());
            (StatusCode::CREATED, json!({ "deleted": ids.len(), "message": "success" }))
        }
        (Some(_), None) => refused("Between 1 and 50 users can be deleted at once"),
        _ => refused("Exactly one of 'external_ids', 'user_aliases' and 'braze_ids' must be provided"),
    }
}

/// What the stand-in holds against an object.
fn fault(array: &str, object: &Value) -> Option<String> {
    let Some(object) = object.as_object() else {
        return Some(format!("'{array}' must be objects"));
    };
    let fault =
        if !["external_id", "user_alias", "braze_id", "email", "phone"].iter().any(|name| object.contains_key(*name)) {
            "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required"
        } else if object.keys().any(|name| name.starts_with('$')) {
            "attribute names must not begin with '$'"
        } else if object.get("email").and_then(Value::as_str).is_some_and(|email| !email.contains('@')) {
            "'email' is not a valid address"
        } else if array != "attributes" && !object.contains_key("time") {
            "'time' is required"
        } else {
            return None;
        };
    Some(fault.to_owned())
}
