//! Where the generated client meets the wire.
//!
//! The generated client loses the status and the headers of an answer whose body it cannot parse. So each call carries
//! an [`Exchange`] that keeps the raw answer, and what the answer means is decided from that.

use std::sync::{Arc, Mutex, PoisonError};

use progenitor_client::{ClientHooks, ClientInfo, OperationInfo};

use crate::generated;
use crate::response::Response;

/// Longer bodies are cut off here, in bytes. A page of results is a few kilobytes.
pub(crate) const LONGEST_BODY: usize = 16 * 1024 * 1024;

/// What one request brought back, as far as it got.
#[derive(Debug, Clone, Default)]
pub struct Exchange {
    seen: Arc<Mutex<Option<Response>>>,
}

impl Exchange {
    /// The answer; nothing if none began.
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
        self.inner().keep(Response::new(status, headers.clone(), body.clone()));
        ended?;
        let mut copy = http::Response::new(body);
        *copy.status_mut() = status;
        *copy.headers_mut() = headers;
        Ok(copy.into())
    }
}
