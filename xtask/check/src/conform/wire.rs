//! Sends requests, receives responses, and formats both. Keys are sent but never shown.

use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::blocking::Client;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Method, Url};
use serde_json::Value as Json;

use super::secret::Secret;
use super::target::{Limits, Target};

/// The variable that contains the key, in the environment and in output.
pub const KEY: &str = "OPENCDI_KEY";
/// The variable that contains the key without permission.
pub const KEY_WITHOUT_PERMISSION: &str = "OPENCDI_KEY_WITHOUT_PERMISSION";
/// The maximum number of characters of external text to show.
const SHOWN: usize = 1000;
/// The maximum number of bytes of a body to read.
const MOST_BYTES: u64 = 16_000_000;

/// The credentials of a request.
#[derive(Debug, Clone)]
pub(super) enum Authorization {
    /// No credentials.
    None,
    /// The key with every permission.
    Key,
    /// The key without permissions.
    WithoutPermission,
    /// A key whose requests fail.
    Failing(Secret),
    /// The key without a scheme before it.
    Bare,
    /// This header value, which is not secret.
    Text(&'static str),
    /// The key between these two texts.
    Spelled(&'static str, &'static str),
    /// `Bearer` and the key, in a header of this name.
    Elsewhere(&'static str),
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub method: String,
    /// The path below the server's base, and the query; encoded.
    pub path: String,
    pub authorization: Authorization,
    pub extra: Extra,
}

/// Optional parts of a request.
#[derive(Debug, Clone, Default)]
pub(super) struct Extra {
    pub headers: Vec<(&'static str, Vec<u8>)>,
    pub body: Option<Vec<u8>>,
}

/// A request as it is sent, with an encoded URL.
pub(super) struct Sent {
    /// The path below the server's base.
    pub path: String,
    pub query: String,
    /// The total length of the other headers.
    pub headers: usize,
}

impl Sent {
    /// Whether some servers refuse it because of its length.
    pub fn is_long(&self) -> bool {
        const LONG: usize = 4_000;
        self.path.len() + self.query.len() > LONG || self.headers > LONG
    }
}

impl Request {
    /// The same request with other credentials.
    pub fn by(&self, authorization: Authorization) -> Request {
        Request { authorization, ..self.clone() }
    }
}

/// A response, read to its end.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub request: Request,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// The body as JSON, or why it is not JSON.
    pub json: Result<Json, String>,
    /// The value that distinguishes the error from others with its status.
    identity: Option<String>,
    /// The server's clock, in Unix seconds; the local clock if there is no `Date`.
    pub now: i64,
}

impl Answer {
    /// A header as text; repeated headers are joined.
    pub fn header(&self, name: &str) -> Option<String> {
        let values: Vec<String> =
            self.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// A header as a number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.header(name)?.trim().parse().ok()
    }

    /// The value that distinguishes the error from others with its status: its message or its code.
    pub fn identity(&self) -> Option<&str> {
        self.identity.as_deref()
    }
}

/// The certificate in a PEM file.
fn certificate(path: &Path) -> Result<Certificate, String> {
    let read = std::fs::read(path).map_err(|error| error.to_string());
    let read = read.and_then(|pem| Certificate::from_pem(&pem).map_err(|error| causes(&error)));
    read.map_err(|error| format!("the certificate {} cannot be read: {error}", path.display()))
}

/// Why there is no response.
pub(super) enum NoAnswer {
    /// The server cannot be reached.
    Unreachable(String),
    /// It was reached, but sent no response or an incomplete one.
    Broken(String),
}

/// The connections to a server.
pub(super) struct Wire {
    client: Client,
    base: Url,
    target: Target,
    http2: bool,
    /// A JSON pointer to the value that distinguishes errors with the same status.
    identity: Option<String>,
}

impl Wire {
    pub fn new(target: &Target, limits: &Limits, identity: Option<&str>) -> Result<Wire, String> {
        let base = Url::parse(&target.url).map_err(|error| format!("`{}` is not a URL: {error}", target.url))?;
        if !matches!(base.scheme(), "http" | "https") || base.query().is_some() || !base.username().is_empty() {
            return Err(format!(
                "`{}` is not the base URL of a server; write one such as `https://rest.example.com`",
                target.url
            ));
        }
        for key in [Some(&target.key), target.key_without_permission.as_ref()].into_iter().flatten() {
            if HeaderValue::from_str(&bearer(key)).is_err() || key.0.is_empty() {
                return Err("a key is empty or has a character that cannot be sent, such as a line break".into());
            }
        }
        // No contract here documents a redirect, and following one would send the key elsewhere.
        let client = Client::builder().redirect(reqwest::redirect::Policy::none());
        let client = if limits.http2 { client.http2_prior_knowledge() } else { client };
        let client = match &limits.trusted {
            Some(path) => client.tls_certs_merge([certificate(path)?]),
            None => client,
        };
        let client = client.user_agent(concat!("opencdi-conform/", env!("CARGO_PKG_VERSION"))).build();
        let client = client.map_err(|error| format!("the HTTP client cannot be created: {}", causes(&error)))?;
        let identity = identity.map(str::to_owned);
        Ok(Wire { client, base, target: target.clone(), http2: limits.http2, identity })
    }

    /// Sends a request and reads the response, within a time limit.
    pub fn send(&self, request: &Request, patience: Duration) -> Result<Answer, NoAnswer> {
        let broken = |error: reqwest::Error| match error.is_connect() {
            true => NoAnswer::Unreachable(causes(&error)),
            false => NoAnswer::Broken(causes(&error)),
        };
        let method = Method::from_bytes(request.method.as_bytes()).unwrap_or(Method::GET);
        let mut builder = self.client.request(method, self.url(request)).timeout(patience);
        if let Some(value) = self.authorization(request) {
            let mut value =
                HeaderValue::from_bytes(value.as_bytes()).map_err(|error| NoAnswer::Unreachable(error.to_string()))?;
            value.set_sensitive(true);
            let name = match request.authorization {
                Authorization::Elsewhere(name) => HeaderName::from_static(name),
                _ => AUTHORIZATION,
            };
            builder = builder.header(name, value);
        }
        for (name, value) in &request.extra.headers {
            builder = builder.header(*name, value.as_slice());
        }
        if let Some(body) = &request.extra.body {
            builder = builder.body(body.clone());
        }
        let response = builder.send().map_err(broken)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        let read = response.take(MOST_BYTES + 1).read_to_end(&mut body);
        read.map_err(|error| NoAnswer::Broken(format!("the body ends early: {}", causes(&error))))?;
        if body.len() as u64 > MOST_BYTES {
            return Err(NoAnswer::Broken(format!("the body has more than {MOST_BYTES} bytes")));
        }
        let json: Result<Json, String> = serde_json::from_slice(&body).map_err(|error| error.to_string());
        let identity = json.as_ref().ok().and_then(|json| match json.pointer(self.identity.as_deref()?)? {
            Json::String(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        });
        let date = headers.get("date").and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        let now = date.unwrap_or_else(SystemTime::now).duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        Ok(Answer { request: request.clone(), status, headers, body, json, identity, now })
    }

    /// The request for a link in a response, if it leads to the same path of this server.
    pub fn follow(&self, from: &Request, link: &str) -> Result<Request, String> {
        let here = Url::parse(&self.url(from)).map_err(|error| error.to_string())?;
        let there = here.join(link).map_err(|error| format!("`{link}` is not an address: {error}"))?;
        if there.origin() != here.origin() {
            return Err(format!("`{link}` leads to another server, to which no key is sent"));
        }
        if there.path() != here.path() {
            return Err(format!("`{link}` leads to a different path than `{}`", here.path()));
        }
        let path = from.path.split('?').next().unwrap_or_default();
        let query = there.query().map(|query| format!("?{query}")).unwrap_or_default();
        Ok(Request { path: format!("{path}{query}"), ..from.clone() })
    }

    /// The request as it is sent.
    pub fn sent(&self, request: &Request) -> Option<Sent> {
        let url = Url::parse(&self.url(request)).ok()?;
        let path = url.path().strip_prefix(self.base.path().trim_end_matches('/'))?.to_owned();
        let headers = request.extra.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        Some(Sent { path, query: url.query().unwrap_or_default().to_owned(), headers })
    }

    /// The host and port, if the server speaks plain HTTP/1.1.
    pub fn plain_host(&self) -> Option<String> {
        let host = self.base.host_str().filter(|_| self.base.scheme() == "http" && !self.http2)?;
        Some(format!("{host}:{}", self.base.port_or_known_default()?))
    }

    /// The head of a request without a body, with the key or without.
    pub fn head(&self, request: &Request, keyed: bool, is_last: bool) -> String {
        let path = format!("{}{}", self.base.path().trim_end_matches('/'), request.path);
        let host = self.base.host_str().unwrap_or_default();
        let key = if keyed { format!("Authorization: {}\r\n", bearer(&self.target.key)) } else { String::new() };
        let close = if is_last { "Connection: close\r\n" } else { "" };
        format!("{} {path} HTTP/1.1\r\nHost: {host}\r\n{key}{close}\r\n", request.method)
    }

    fn url(&self, request: &Request) -> String {
        format!("{}{}", self.base.as_str().trim_end_matches('/'), request.path)
    }

    fn authorization(&self, request: &Request) -> Option<String> {
        match &request.authorization {
            Authorization::None => None,
            Authorization::Key => Some(bearer(&self.target.key)),
            Authorization::WithoutPermission => self.target.key_without_permission.as_ref().map(bearer),
            Authorization::Failing(key) => Some(bearer(key)),
            Authorization::Bare => Some(self.target.key.0.clone()),
            Authorization::Text(text) => Some((*text).to_owned()),
            Authorization::Spelled(before, after) => Some(format!("{before}{}{after}", self.target.key.0)),
            Authorization::Elsewhere(_) => Some(bearer(&self.target.key)),
        }
    }

    /// The request as a shell command, with variables instead of keys.
    pub fn curl(&self, request: &Request) -> String {
        let how = if request.method == "HEAD" { "--head".to_owned() } else { format!("--request {}", request.method) };
        let mut line = format!("curl --include {how} '{}'", self.url(request).replace('\'', "%27"));
        let (name, shown) = match &request.authorization {
            Authorization::None => ("Authorization", None),
            Authorization::Key => ("Authorization", Some(format!("Bearer ${KEY}"))),
            Authorization::WithoutPermission => ("Authorization", Some(format!("Bearer ${KEY_WITHOUT_PERMISSION}"))),
            Authorization::Failing(_) => ("Authorization", Some(format!("Bearer ${KEY}_THAT_FAILS"))),
            Authorization::Bare => ("Authorization", Some(format!("${KEY}"))),
            Authorization::Text(text) => ("Authorization", Some((*text).to_owned())),
            Authorization::Spelled(before, after) => ("Authorization", Some(format!("{before}${{{KEY}}}{after}"))),
            Authorization::Elsewhere(name) => (*name, Some(format!("Bearer ${KEY}"))),
        };
        if let Some(shown) = shown {
            line.push_str(&format!(" --header \"{name}: {}\"", shown.replace('"', "\\\"")));
        }
        for (name, value) in &request.extra.headers {
            line.push_str(&format!(" --header {}", quoted(format!("{name}: ").as_bytes(), value)));
        }
        if let Some(body) = &request.extra.body {
            line.push_str(&format!(" --data-binary {}", quoted(b"", body)));
        }
        line
    }

    /// The response, without keys and without most of a long body.
    pub fn show(&self, answer: &Answer) -> String {
        let mut text = format!("{}\n", answer.status);
        for (name, value) in &answer.headers {
            text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
        }
        text.push_str(&format!("\n{}", String::from_utf8_lossy(&answer.body)));
        self.shown(text.trim_end())
    }

    /// External text that is safe to show: without keys, without terminal control characters, and not too long.
    pub fn shown(&self, text: &str) -> String {
        let text = self.keys().fold(text.to_owned(), |text, key| text.replace(key, &format!("${KEY}")));
        let mut shown: String = text.chars().take(SHOWN).map(printable).collect();
        let rest = text.chars().count().saturating_sub(SHOWN);
        if rest > 0 {
            shown.push_str(&format!("… and {rest} characters more"));
        }
        shown
    }

    /// Whether a response contains one of the keys.
    pub fn has_key(&self, answer: &Answer) -> bool {
        let shown = |text: &[u8]| {
            let text = String::from_utf8_lossy(text);
            self.keys().any(|key| text.contains(key))
        };
        shown(&answer.body) || answer.headers.values().any(|value| shown(value.as_bytes()))
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        let target = &self.target;
        let keys = [Some(&target.key), target.key_without_permission.as_ref()].into_iter().flatten();
        let keys = keys.chain(target.failing_keys.values().flatten()).map(|key| key.0.as_str());
        // A shorter key could match by chance.
        keys.filter(|key| key.len() >= 8)
    }
}

/// Bytes as a quoted shell word.
fn quoted(start: &[u8], rest: &[u8]) -> String {
    let mut word = "$'".to_owned();
    for byte in start.iter().chain(rest) {
        match byte {
            b'\'' | b'\\' => word.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => word.push(char::from(*byte)),
            _ => word.push_str(&format!("\\x{byte:02x}")),
        }
    }
    // If no byte needed escaping, ordinary quotes are enough.
    if word.contains('\\') { format!("{word}'") } else { format!("{}'", &word[1..]) }
}

fn bearer(key: &Secret) -> String {
    format!("Bearer {}", key.0)
}

fn printable(letter: char) -> char {
    if letter.is_control() && letter != '\n' { '\u{fffd}' } else { letter }
}

/// An error with its causes.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
