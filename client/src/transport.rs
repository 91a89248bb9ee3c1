//! The boundary between the generated client and HTTP.
//!
//! The generated client loses the status and the headers of an answer whose body it cannot parse. So each call carries
//! an [`Exchange`] that keeps the raw answer, and the meaning of the answer is decided from that. It also adds the headers
//! and the timeout that every request has, for any HTTP client; if that follows a redirect to another host, reqwest removes
//! the key again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use progenitor_client::{ClientHooks, ClientInfo, OperationInfo};

use crate::generated;
use crate::proxy::Proxy;
use crate::response::Response;

/// Longer bodies are cut off here, in bytes. A page of results is a few kilobytes.
pub(crate) const LONGEST_BODY: usize = 16 * 1024 * 1024;

/// Keys have dozens of characters.
const SHORTEST_SECRET: usize = 8;

/// The headers and the timeout of every request.
#[derive(Debug)]
pub(crate) struct Common {
    /// The API key and the user agent.
    pub(crate) headers: HeaderMap,
    /// The longest time for one request.
    pub(crate) timeout: Duration,
    /// The proxy that requests are sent through, if it is known.
    pub(crate) proxy: Option<Proxy>,
}

impl Common {
    /// Some servers, and error pages that show the request, repeat the key. Answers are printed and logged, so it is removed.
    fn without_key(&self, body: Vec<u8>) -> Vec<u8> {
        let key = self.headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        // A shorter one is not secret, and would match by chance.
        let Some(key) = key.filter(|key| key.len() >= SHORTEST_SECRET) else {
            return body;
        };
        let mut rest = body.as_slice();
        let mut without = Vec::new();
        while let Some(at) = rest.windows(key.len()).position(|window| window == key) {
            without.extend_from_slice(&rest[..at]);
            without.extend_from_slice("…".as_bytes());
            rest = &rest[at + key.len()..];
        }
        if without.is_empty() {
            return body;
        }
        without.extend_from_slice(rest);
        without
    }
}

/// One request: what it has in common with all others, and the answer as far as it arrived.
#[derive(Debug, Clone)]
pub struct Exchange {
    common: Arc<Common>,
    seen: Arc<Mutex<Option<Response>>>,
}

impl Exchange {
    pub(crate) fn new(common: Arc<Common>) -> Exchange {
        Exchange { common, seen: Arc::default() }
    }

    /// The answer; `None` if none began.
    pub(crate) fn take(&self) -> Option<Response> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn keep(&self, response: Response) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(response);
    }
}

impl ClientHooks<Exchange> for generated::Client {
    async fn pre<E>(
        &self,
        request: &mut reqwest::Request,
        _: &OperationInfo,
    ) -> Result<(), progenitor_client::Error<E>> {
        // progenitor adds it; the contract has no such header.
        request.headers_mut().remove("api-version");
        let common = &self.inner().common;
        request.headers_mut().extend(common.headers.clone());
        *request.timeout_mut() = Some(common.timeout);
        Ok(())
    }

    async fn exec(&self, request: reqwest::Request, _: &OperationInfo) -> reqwest::Result<reqwest::Response> {
        let mut response = self.client().execute(request).await?;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let mut body = Vec::new();
        let ended = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => {
                    let room = LONGEST_BODY - body.len();
                    body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                    if chunk.len() > room {
                        break Ok(());
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let body = self.inner().common.without_key(body);
        self.inner().keep(Response::new(status, headers.clone(), body.clone()));
        ended?;
        let mut copy = http::Response::new(body);
        *copy.status_mut() = status;
        *copy.headers_mut() = headers;
        Ok(copy.into())
    }
}
