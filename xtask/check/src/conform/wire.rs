//! Sends requests and receives responses. Only what the gate permits can be sent.

use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use openapi_model::document::Location;
use reqwest::blocking::Client;
use reqwest::header::{COOKIE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Method, Url};
use serde_json::Value as Json;

use super::credentials::{Authorization, Credential};
use super::gate::Permitted;
use super::percent::encoded;
use super::secret::Secret;
use super::target::Limits;

/// The maximum number of bytes of a body to read.
const MOST_BYTES: u64 = 16_000_000;

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub method: String,
    /// The path below the server's base, and the query; encoded.
    pub path: String,
    pub authorization: Authorization,
    pub extra: Extra,
    /// The parameters whose values were made up, and `the body` if it was: a server may refuse them.
    pub made_up: Vec<String>,
}

/// Optional parts of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Extra {
    pub headers: Vec<(String, Vec<u8>)>,
    /// Names and values, encoded.
    pub cookies: Vec<(String, String)>,
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
    /// The gate does not permit the request, for this reason: it was not sent.
    NotPermitted(String),
}

/// The connections to a server.
pub(super) struct Wire {
    client: Client,
    base: Url,
    http2: bool,
    /// All secrets of all callers.
    secrets: Vec<Secret>,
    /// A JSON pointer to the value that distinguishes errors with the same status.
    identity: Option<String>,
}

impl Wire {
    pub fn new(url: &str, secrets: Vec<Secret>, limits: &Limits, identity: Option<&str>) -> Result<Wire, String> {
        // What is beside the address may be secret.
        let shown = url.split(['?', '#']).next().unwrap_or_default();
        let shown = shown.rsplit_once('@').map_or(shown, |(_, rest)| rest);
        let base = Url::parse(url).map_err(|error| format!("`{shown}` is not a URL: {error}"))?;
        let has_credentials = !base.username().is_empty() || base.password().is_some();
        let has_more = base.query().is_some() || base.fragment().is_some();
        if !matches!(base.scheme(), "http" | "https") || has_credentials || has_more {
            return Err(format!(
                "`{shown}` is not the base URL of a server; write one such as `https://rest.example.com`, without credentials and parameters"
            ));
        }
        if secrets.iter().any(|key| HeaderValue::from_str(key.expose()).is_err() || key.expose().is_empty()) {
            return Err("a key is empty or has a character that cannot be sent, such as a line break".into());
        }
        // A redirect may be a documented response, and following one would send the key elsewhere.
        let client = Client::builder().redirect(reqwest::redirect::Policy::none());
        let client = if limits.http2 { client.http2_prior_knowledge() } else { client };
        let client = match &limits.trusted {
            Some(path) => client.tls_certs_merge([certificate(path)?]),
            None => client,
        };
        let client = client.user_agent(concat!("apidrift/", env!("CARGO_PKG_VERSION"))).build();
        let client = client.map_err(|error| format!("the HTTP client cannot be created: {}", causes(&error)))?;
        let identity = identity.map(str::to_owned);
        Ok(Wire { client, base, http2: limits.http2, secrets, identity })
    }

    /// Sends a request and reads the response, within a time limit.
    pub fn send(&self, permitted: &Permitted<'_>, patience: Duration) -> Result<Answer, NoAnswer> {
        let request = permitted.request();
        let broken = |error: reqwest::Error| match error.is_connect() {
            // The URL may contain a key.
            true => NoAnswer::Unreachable(causes(&error.without_url())),
            false => NoAnswer::Broken(causes(&error.without_url())),
        };
        let unsendable = |what: &str| NoAnswer::Broken(format!("{what} cannot be sent"));
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| unsendable("the method"))?;
        let mut builder = self.client.request(method, self.url_with_keys(request)).timeout(patience);
        for part in request.authorization.parts.iter().filter(|part| part.location == Location::Header) {
            let name = HeaderName::from_bytes(part.name.as_bytes()).map_err(|_| unsendable(&part.name))?;
            let mut value = HeaderValue::from_bytes(part.value().as_bytes()).map_err(|_| unsendable(&part.name))?;
            value.set_sensitive(true);
            builder = builder.header(name, value);
        }
        for (name, value) in &request.extra.headers {
            builder = builder.header(name, value.as_slice());
        }
        if let Some(cookies) = cookies(request, Credential::value) {
            builder = builder.header(COOKIE, cookies);
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

    /// The request as it is sent, without credentials.
    pub fn sent(&self, request: &Request) -> Option<Sent> {
        let url = Url::parse(&self.url(request)).ok()?;
        let path = url.path().strip_prefix(self.base.path().trim_end_matches('/'))?.to_owned();
        let headers = request.extra.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        Some(Sent { path, query: url.query().unwrap_or_default().to_owned(), headers })
    }

    /// The host and port to connect to, if the server speaks plain HTTP/1.1.
    pub fn plain_host(&self) -> Option<String> {
        let host = self.base.host_str().filter(|_| self.base.scheme() == "http" && !self.http2)?;
        Some(format!("{host}:{}", self.base.port_or_known_default()?))
    }

    /// The head of a permitted request without a body, for requests that are written one after the other.
    pub fn head(&self, permitted: &Permitted<'_>, is_last: bool) -> String {
        let request = permitted.request();
        let path = self.url_with_keys(request);
        let path = path.strip_prefix(&self.base.as_str()[..self.base.as_str().len() - self.base.path().len()]);
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, path.unwrap_or("/"), self.host());
        for part in request.authorization.parts.iter().filter(|part| part.location == Location::Header) {
            head.push_str(&format!("{}: {}\r\n", part.name, part.value()));
        }
        for (name, value) in &request.extra.headers {
            head.push_str(&format!("{name}: {}\r\n", String::from_utf8_lossy(value)));
        }
        if let Some(cookies) = cookies(request, Credential::value) {
            head.push_str(&format!("Cookie: {cookies}\r\n"));
        }
        format!("{head}{}\r\n", if is_last { "Connection: close\r\n" } else { "" })
    }

    /// The value of `Host`: with the port, unless it is the default of the scheme.
    fn host(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        self.base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The URL of a request, without credentials.
    pub fn url(&self, request: &Request) -> String {
        format!("{}{}", self.base.as_str().trim_end_matches('/'), request.path)
    }

    fn url_with_keys(&self, request: &Request) -> String {
        let mut url = self.url(request);
        for part in request.authorization.parts.iter().filter(|part| part.location == Location::Query) {
            url.push_str(&format!("{}{}={}", joint(&url), encoded(&part.name), encoded(&part.value())));
        }
        url
    }

    /// The secrets that must not be shown.
    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    /// Whether a response contains one of the secrets.
    pub fn has_key(&self, answer: &Answer) -> bool {
        let has = |text: &[u8]| {
            let text = String::from_utf8_lossy(text);
            // A shorter one could be there by chance.
            self.secrets.iter().any(|key| key.expose().len() >= 8 && text.contains(key.expose()))
        };
        has(&answer.body) || answer.headers.values().any(|value| has(value.as_bytes()))
    }
}

/// What joins a further query parameter to a URL.
pub(super) fn joint(url: &str) -> char {
    if url.contains('?') { '&' } else { '?' }
}

/// The `Cookie` header of a request; `value` gives the values of credentials.
pub(super) fn cookies(request: &Request, value: impl Fn(&Credential) -> String) -> Option<String> {
    let parts = request.authorization.parts.iter().filter(|part| part.location == Location::Cookie);
    let parts = parts.map(|part| format!("{}={}", part.name, value(part)));
    let others = request.extra.cookies.iter().map(|(name, value)| format!("{name}={value}"));
    let all: Vec<String> = others.chain(parts).collect();
    (!all.is_empty()).then(|| all.join("; "))
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
