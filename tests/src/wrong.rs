//! A server with one defect: a proxy in front of a correct server.

mod alter;
mod alteration;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::Value as Json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use alter::{put, text};
pub use alteration::{Alteration, Behaviour};

/// A running proxy; it stops when dropped.
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
    /// Answers so far that the alteration could apply to.
    matched: usize,
    /// Requests answered so far.
    answered: i64,
    /// The last answer that was not a 429.
    last: Option<Answer>,
}

#[derive(Clone)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// The same answer with another status and message.
    fn saying(self, status: StatusCode, message: &str) -> Answer {
        Answer { status, body: Bytes::from(serde_json::json!({ "message": message }).to_string()), ..self }
    }
}

/// Parts of paths: a malformed ID that is sent, and an ID that does not exist.
const MALFORMED: &str = "/x/";
const UNKNOWN: &str = "/d1b5c7f0-3a60-4b57-9a1e-6f1c2e0d9b11/";

type Body = BoxBody<Bytes, std::io::Error>;

impl WrongServer {
    /// Starts a proxy in front of a correct server with these keys.
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
            // If accepting fails, the proxy looks like a server that does not answer.
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
    // Some proxies cut connections on purpose.
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

    /// The correct server's answer to this request, or to the request that the defect turns it into.
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
                    // The headers show a window that continues.
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

/// The headers of an earlier answer with the window of a refusal, and no requests left.
fn headers_of(refusal: &Answer, last: &Answer) -> HeaderMap {
    let mut headers = last.headers.clone();
    put(&mut headers, "x-ratelimit-reset", text(&refusal.headers, "x-ratelimit-reset"));
    put(&mut headers, "x-ratelimit-remaining", "0");
    headers
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
