//! A server that does one thing wrong: a proxy before a right one.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde::Deserialize;
use serde_json::Value as Json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a wrong server does to the answers of a right one. What is not said stays as it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Alteration {
    /// Only answers with this status, or with this status and message.
    pub when: Option<String>,
    /// Only answers to requests whose path and query have this text.
    pub path: Option<String>,
    /// Only the answers with these numbers, counted from 1 among those that the above leaves.
    pub only: Vec<usize>,
    /// Another status.
    pub status: Option<u16>,
    /// Other values of headers; an empty one removes the header. `{key}` is the request's key, `{base}` the proxy's address.
    pub headers: BTreeMap<String, String>,
    /// Headers that are numbers become so much larger.
    pub shift: BTreeMap<String, i64>,
    /// A text in headers becomes another.
    pub replace: BTreeMap<String, [String; 2]>,
    /// Other values in the body, by JSON pointer, as JSON; an empty text removes the value.
    pub json: BTreeMap<String, String>,
    /// Another body.
    pub body: Option<String>,
    /// Something that takes more than another text.
    pub behaviour: Option<Behaviour>,
}

/// Something that takes more than another text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Behaviour {
    /// Whoever comes without a key is served.
    ServeWithoutKey,
    /// A key without `Bearer` is served.
    ServeBareKey,
    /// Whoever has no permission is served.
    ServeWithoutPermission,
    /// Parameters are looked at before keys.
    ParametersBeforeKey,
    /// What is not there is said before permissions are looked at.
    ExistenceBeforePermission,
    /// What is not there is said before other parameters are looked at.
    ExistenceBeforeParameters,
    /// Parameters are looked at before the rate limit.
    ParametersBeforeLimit,
    /// Nothing is ever over the limit.
    NeverRefuse,
    /// Every page is the first.
    IgnoreQuery,
    /// The items of a page are reversed.
    ReverseItems,
    /// The first item of a page is dropped.
    DropItem,
    /// The first item stands on the page twice.
    RepeatItem,
    /// Half of the body is sent, of the announced length.
    Truncate,
    /// A chunk is sent, and then the connection is cut.
    BreakChunks,
    /// The connection is cut.
    Cut,
    /// The answer takes too long.
    Hang,
    /// Half of the body is sent as if it were all.
    Halve,
    /// The counter stands still.
    FreezeCounter,
    /// The counter counts twice.
    CountTwice,
    /// The counter has the requests that were made.
    CountUp,
    /// Every other answer has another limit.
    WaveringLimit,
    /// Refuses long before the limit.
    RefuseEarly,

    // What follows is harmless.
    /// The body is sent in chunks.
    Chunked,
    /// Keys of objects in the opposite order.
    ReverseKeys,
    /// JSON on several lines.
    Pretty,
    /// Letters that are not ASCII as escapes, slashes too.
    Escape,
    /// Times with `+00:00`.
    Offset,
    /// A pause that is not too long.
    Dawdle,
}

/// A running proxy; it stops when it is dropped.
pub struct WrongServer {
    /// Its address.
    pub url: String,
    task: JoinHandle<()>,
}

impl Drop for WrongServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Proxy {
    right: String,
    address: SocketAddr,
    key: String,
    powerless: String,
    alteration: Alteration,
    http: reqwest::Client,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Answers that could have been altered.
    matched: usize,
    /// Requests that were answered.
    answered: i64,
    /// The last answer that was no refusal.
    last: Option<Answer>,
}

#[derive(Clone)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// The same with another status and message.
    fn saying(self, status: StatusCode, message: &str) -> Answer {
        Answer { status, body: Bytes::from(serde_json::json!({ "message": message }).to_string()), ..self }
    }
}

/// A malformed ID that is sent, and one that nobody has.
const MALFORMED: &str = "/x/";
const UNKNOWN: &str = "/d1b5c7f0-3a60-4b57-9a1e-6f1c2e0d9b11/";

type Body = BoxBody<Bytes, std::io::Error>;

impl WrongServer {
    /// Starts one before a right server, for whose keys it knows.
    pub async fn start(
        right: &str,
        key: &str,
        powerless: &str,
        alteration: &Alteration,
        title_case: bool,
    ) -> std::io::Result<WrongServer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let proxy = Arc::new(Proxy {
            right: right.to_owned(),
            address,
            key: format!("Bearer {key}"),
            powerless: format!("Bearer {powerless}"),
            alteration: alteration.clone(),
            http: reqwest::Client::new(),
            state: Mutex::default(),
        });
        let task = tokio::spawn(async move {
            // A listener that fails would be seen as a server that does not answer.
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(stream, proxy.clone(), title_case));
            }
        });
        Ok(WrongServer { url: format!("http://{address}"), task })
    }
}

async fn connection(stream: TcpStream, proxy: Arc<Proxy>, title_case: bool) {
    let service = service_fn(move |request| {
        let proxy = proxy.clone();
        async move { proxy.answer(request).await }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().title_case_headers(title_case);
    // A connection that ends badly is what some of them are for.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

/// Why a connection ends without an answer.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("cut as wanted")
    }
}

impl std::error::Error for Cut {}

impl Proxy {
    fn is(&self, behaviour: Behaviour) -> bool {
        self.alteration.behaviour == Some(behaviour)
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
        let method = request.method().clone();
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let key = request.headers().get(header::AUTHORIZATION).and_then(|key| key.to_str().ok()).map(str::to_owned);
        let mut answer = self.right_answer(&method, &path, key.as_deref()).await;
        if self.concerns(&path, &answer) {
            answer = self.altered(answer, key.as_deref());
            return self.send(answer).await;
        }
        Ok(whole(answer))
    }

    /// What the right server answers, to this request or to the one that a wrong server makes of it.
    async fn right_answer(&self, method: &http::Method, path: &str, key: Option<&str>) -> Answer {
        let bare = self.key.trim_start_matches("Bearer ");
        let key = match self.alteration.behaviour {
            Some(Behaviour::ServeWithoutKey) if key.is_none() => Some(self.key.as_str()),
            Some(Behaviour::ServeBareKey) if key == Some(bare) => Some(self.key.as_str()),
            Some(Behaviour::ServeWithoutPermission) if key == Some(&self.powerless) => Some(self.key.as_str()),
            _ => key,
        };
        let asked = if self.is(Behaviour::IgnoreQuery) { path.split('?').next().unwrap_or(path) } else { path };
        let answer = self.ask(method, asked, key).await;
        match self.alteration.behaviour {
            Some(Behaviour::ParametersBeforeKey) if answer.status == 401 && path.contains(MALFORMED) => {
                answer.saying(StatusCode::BAD_REQUEST, "Invalid integration ID")
            }
            Some(Behaviour::ParametersBeforeLimit) if answer.status == 429 && path.contains(MALFORMED) => {
                answer.saying(StatusCode::BAD_REQUEST, "Invalid integration ID")
            }
            Some(Behaviour::ExistenceBeforePermission) if answer.status == 403 && path.contains(UNKNOWN) => {
                answer.saying(StatusCode::NOT_FOUND, "Integration not found")
            }
            Some(Behaviour::ExistenceBeforeParameters) if answer.status == 400 && path.contains(UNKNOWN) => {
                answer.saying(StatusCode::NOT_FOUND, "Integration not found")
            }
            Some(Behaviour::NeverRefuse) => {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                if answer.status == 429 && key == Some(self.key.as_str()) {
                    let last = state.last.clone().unwrap_or_else(|| answer.clone());
                    // The window goes on, as far as the headers tell.
                    Answer { headers: headers_of(&answer, &last), ..last }
                } else {
                    state.last = Some(answer.clone());
                    answer
                }
            }
            _ => answer,
        }
    }

    async fn ask(&self, method: &http::Method, path: &str, key: Option<&str>) -> Answer {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.right));
        if let Some(key) = key {
            request = request.header(header::AUTHORIZATION, key);
        }
        let response = request.send().await.expect("the right server answers");
        let (status, mut headers) = (response.status(), response.headers().clone());
        for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
            headers.remove(name);
        }
        Answer { status, headers, body: response.bytes().await.expect("the right server answers to the end") }
    }

    /// Whether this answer is altered.
    fn concerns(&self, path: &str, answer: &Answer) -> bool {
        let alteration = &self.alteration;
        let body: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
        let said = format!("{} {}", answer.status.as_u16(), body["message"].as_str().unwrap_or_default());
        let matches = alteration
            .when
            .as_ref()
            .is_none_or(|when| said == *when || said.starts_with(&format!("{when} ")) && when.len() == 3)
            && alteration.path.as_ref().is_none_or(|part| path.contains(part));
        if !matches {
            return false;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.matched += 1;
        alteration.only.is_empty() || alteration.only.contains(&state.matched)
    }

    fn altered(&self, mut answer: Answer, key: Option<&str>) -> Answer {
        let alteration = &self.alteration;
        if let Some(status) = alteration.status {
            answer.status = StatusCode::from_u16(status).expect("a status");
        }
        for (name, value) in &alteration.headers {
            let name: HeaderName = name.parse().expect("a name of a header");
            let value =
                value.replace("{key}", key.unwrap_or_default()).replace("{base}", &format!("http://{}", self.address));
            match value.as_str() {
                "" => drop(answer.headers.remove(name)),
                _ => drop(answer.headers.insert(name, HeaderValue::from_str(&value).expect("a value"))),
            }
        }
        for (name, by) in &alteration.shift {
            let number: i64 = text(&answer.headers, name).parse().expect("a header that is a number");
            put(&mut answer.headers, name, &(number + by).to_string());
        }
        for (name, [find, with]) in &alteration.replace {
            let with = with.replace("{base}", &format!("http://{}", self.address));
            let changed = text(&answer.headers, name).replace(find, &with);
            put(&mut answer.headers, name, &changed);
        }
        if !alteration.json.is_empty() {
            let mut json: Json = serde_json::from_slice(&answer.body).expect("a body of JSON");
            for (pointer, value) in &alteration.json {
                let value = value.replace("{key}", key.unwrap_or_default());
                set(&mut json, pointer, (!value.is_empty()).then(|| serde_json::from_str(&value).expect("JSON")));
            }
            answer.body = Bytes::from(json.to_string());
        }
        if let Some(body) = &alteration.body {
            answer.body = Bytes::from(body.clone());
        }
        if let Some(behaviour) = alteration.behaviour {
            self.behave(behaviour, &mut answer);
        }
        answer
    }

    fn behave(&self, behaviour: Behaviour, answer: &mut Answer) {
        let mut json: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
        let number = |name: &str| text(&answer.headers, name).parse::<i64>().ok();
        let (limit, remaining) = (number("x-ratelimit-limit"), number("x-ratelimit-remaining"));
        let counter =
            |answer: &mut Answer, value: i64| put(&mut answer.headers, "x-ratelimit-remaining", &value.to_string());
        match behaviour {
            Behaviour::ReverseItems | Behaviour::DropItem | Behaviour::RepeatItem => {
                let Some(items) = json["results"].as_array_mut() else { return };
                match behaviour {
                    Behaviour::ReverseItems => items.reverse(),
                    Behaviour::DropItem => drop(items.remove(0)),
                    _ => {
                        let first = items[0].clone();
                        items.pop();
                        items.push(first);
                    }
                }
                answer.body = Bytes::from(json.to_string());
            }
            Behaviour::Halve => answer.body = answer.body.slice(..answer.body.len() / 2),
            Behaviour::FreezeCounter if remaining.is_some_and(|left| left > 0) => {
                counter(answer, limit.unwrap_or_default() - 1);
            }
            Behaviour::CountTwice => {
                if let (Some(limit), Some(remaining)) = (limit, remaining) {
                    counter(answer, (limit - 2 * (limit - remaining)).max(0));
                }
            }
            Behaviour::CountUp => {
                if let (Some(limit), Some(remaining)) = (limit, remaining) {
                    counter(answer, limit - remaining);
                }
            }
            Behaviour::WaveringLimit => {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.answered += 1;
                if limit.is_some() && state.answered % 2 == 0 {
                    put(&mut answer.headers, "x-ratelimit-limit", "1000");
                }
            }
            Behaviour::RefuseEarly if remaining.is_some_and(|left| left < limit.unwrap_or_default() / 2) => {
                answer.status = StatusCode::TOO_MANY_REQUESTS;
                answer.body = Bytes::from_static(b"{\"message\":\"Rate Limited\"}");
                put(&mut answer.headers, "retry-after", "1");
            }
            Behaviour::ReverseKeys => answer.body = Bytes::from(reversed(json).to_string()),
            Behaviour::Pretty => answer.body = Bytes::from(format!("\r\n\t{json:#}\n \n")),
            Behaviour::Escape => {
                let text =
                    String::from_utf8_lossy(&answer.body).replace('/', "\\/").replace("success", "\\u0073uccess");
                answer.body = Bytes::from(text.replace("Integration not found", "Integration\\u0020not found"));
            }
            Behaviour::Offset => {
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                answer.body = Bytes::from(text.replace("Z\"", "+00:00\""));
            }
            _ => {}
        }
    }

    async fn send(&self, answer: Answer) -> Result<Response<Body>, Cut> {
        match self.alteration.behaviour {
            Some(Behaviour::Cut) => Err(Cut),
            Some(Behaviour::Hang) => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                Err(Cut)
            }
            Some(Behaviour::Dawdle) => {
                tokio::time::sleep(Duration::from_millis(30)).await;
                Ok(whole(answer))
            }
            Some(Behaviour::Truncate) => {
                let length = answer.body.len();
                let half = answer.body.slice(..length / 2);
                let mut response = streamed(answer, vec![Ok(half), Err(std::io::Error::other("cut as wanted"))]);
                response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
                Ok(response)
            }
            Some(Behaviour::BreakChunks) => {
                let half = answer.body.slice(..answer.body.len() / 2);
                Ok(streamed(answer, vec![Ok(half), Err(std::io::Error::other("cut as wanted"))]))
            }
            Some(Behaviour::Chunked) => {
                let pieces = answer.body.chunks(100).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
                Ok(streamed(answer, pieces))
            }
            _ => Ok(whole(answer)),
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn put(headers: &mut HeaderMap, name: &str, value: &str) {
    let name: HeaderName = name.parse().expect("a name of a header");
    headers.insert(name, HeaderValue::from_str(value).expect("a value of a header"));
}

/// The headers of an answer with those of the rate limit from another, one more request left each time.
fn headers_of(refusal: &Answer, last: &Answer) -> HeaderMap {
    let mut headers = last.headers.clone();
    put(&mut headers, "x-ratelimit-reset", text(&refusal.headers, "x-ratelimit-reset"));
    put(&mut headers, "x-ratelimit-remaining", "0");
    headers
}

/// Puts a value where a pointer leads, which must be there, or takes it away.
fn set(json: &mut Json, pointer: &str, value: Option<Json>) {
    let (parent, key) = pointer.rsplit_once('/').expect("a JSON pointer");
    let parent = json.pointer_mut(parent).unwrap_or_else(|| panic!("the body has no {pointer}"));
    match (parent, value) {
        (Json::Object(map), Some(value)) => drop(map.insert(key.to_owned(), value)),
        (Json::Object(map), None) => drop(map.remove(key).unwrap_or_else(|| panic!("the body has no {pointer}"))),
        (Json::Array(items), Some(value)) => items[key.parse::<usize>().expect("a number")] = value,
        (other, _) => panic!("nothing can be put at {pointer} of {other}"),
    }
}

fn reversed(value: Json) -> Json {
    match value {
        Json::Object(map) => map.into_iter().rev().map(|(key, value)| (key, reversed(value))).collect(),
        Json::Array(items) => items.into_iter().map(reversed).collect(),
        other => other,
    }
}

fn whole(answer: Answer) -> Response<Body> {
    let body = Full::new(answer.body).map_err(|never: Infallible| match never {}).boxed();
    response(answer.status, answer.headers, body)
}

fn streamed(answer: Answer, pieces: Vec<Result<Bytes, std::io::Error>>) -> Response<Body> {
    let frames = futures::stream::iter(pieces).map(|piece| piece.map(Frame::data));
    let body = BoxBody::new(StreamBody::new(frames));
    response(answer.status, answer.headers, body)
}

fn response(status: StatusCode, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
