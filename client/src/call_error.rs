//! The error of one call.
//!
//! An answer that the contract documents becomes a typed error of its operation. Every other failure keeps what is known
//! about it: an undocumented answer keeps its status, headers and body; a failed request keeps whether the server may have
//! received it.

use std::time::Duration;

use http::StatusCode;

use crate::error_kind::ErrorKind;
use crate::errors::DocumentedError;
use crate::proxy::Proxy;
use crate::response::{RateLimit, Response, one_line};
use crate::transport::LONGEST_BODY;
use crate::transport_error::{TransportError, chain};

/// Why a call of one operation failed. `E` has the documented errors of that operation.
///
/// It converts into [`Error`](crate::Error), which is the same for all operations. Its text has the whole cause, so it has no
/// [`source`](std::error::Error::source).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError<E: DocumentedError> {
    /// The server answered with an error that the contract documents.
    #[error("{0}")]
    Documented(Answer<E>),
    /// The answer is not one that the contract documents: its status is another one, or the status is documented but not
    /// with this message. A proxy's error page is an example.
    #[error("{}", undocumented(.0))]
    Undocumented(Response),
    /// The status is a documented success, but the body cannot be read.
    #[error("{}", unreadable(.reason, .response))]
    #[non_exhaustive]
    Unreadable {
        /// What is wrong with the body.
        reason: String,
        /// The answer.
        response: Response,
    },
    /// The server could not be reached. It has received nothing.
    #[error("{}", unreachable(.0))]
    Connection(TransportError),
    /// The request timeout passed before the answer was complete. The server may have received the request.
    #[error("the server did not answer in time: {error}")]
    #[non_exhaustive]
    Timeout {
        /// The failure.
        error: TransportError,
        /// The part of the answer that had arrived, if any.
        partial: Option<Response>,
    },
    /// The connection broke before the answer was complete. The server may have received the request.
    #[error("the connection broke before the answer was complete: {error}")]
    #[non_exhaustive]
    Interrupted {
        /// The failure.
        error: TransportError,
        /// The part of the answer that had arrived, if any.
        partial: Option<Response>,
    },
    /// The request could not be built. Nothing was sent.
    #[error("the request cannot be built: {0}")]
    Request(String),
}

/// A documented error, and the answer that it came with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Answer<E> {
    /// The documented error.
    pub error: E,
    /// The whole answer.
    pub response: Response,
}

impl<E: DocumentedError> std::fmt::Display for Answer<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.error)?;
        if let Some(id) = self.response.request_id() {
            write!(f, " (request {})", id.escape_debug())?;
        }
        write!(f, ". {}", self.error.help())?;
        if let Some(wait) = self.response.retry_after() {
            write!(f, " Retry after {} s.", wait.as_secs())?;
        }
        Ok(())
    }
}

impl<E: DocumentedError> CallError<E> {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            CallError::Documented(_) => ErrorKind::Documented,
            CallError::Undocumented(_) => ErrorKind::Undocumented,
            CallError::Unreadable { .. } => ErrorKind::Unreadable,
            CallError::Connection(_) => ErrorKind::Connection,
            CallError::Timeout { .. } => ErrorKind::Timeout,
            CallError::Interrupted { .. } => ErrorKind::Interrupted,
            CallError::Request(_) => ErrorKind::Request,
        }
    }

    /// The documented error; `None` if the failure is of another kind.
    pub fn documented(&self) -> Option<E> {
        match self {
            CallError::Documented(answer) => Some(answer.error),
            _ => None,
        }
    }

    /// The answer, if the server sent one; it may be incomplete.
    pub fn response(&self) -> Option<&Response> {
        match self {
            CallError::Documented(answer) => Some(&answer.response),
            CallError::Undocumented(response) | CallError::Unreadable { response, .. } => Some(response),
            CallError::Timeout { partial, .. } | CallError::Interrupted { partial, .. } => partial.as_ref(),
            CallError::Connection(_) | CallError::Request(_) => None,
        }
    }

    /// The HTTP status, if the server answered.
    pub fn status(&self) -> Option<u16> {
        self.response().map(|response| response.status().as_u16())
    }

    /// How long the server asks to wait before the next try (`Retry-After`).
    pub fn retry_after(&self) -> Option<Duration> {
        self.response()?.retry_after()
    }

    /// The state of the rate limit, from the headers of the answer.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.response()?.rate_limit()
    }

    /// The ID of the request in the server's log.
    pub fn request_id(&self) -> Option<String> {
        self.response()?.request_id()
    }

    /// Whether the request was refused because of the rate limit. Nothing was started.
    ///
    /// A 429 that the contract does not document counts only if it has `Retry-After` or says that no requests are left: a
    /// 429 without them may mean something else.
    pub fn is_rate_limited(&self) -> bool {
        match self {
            CallError::Documented(answer) => answer.error.name() == "rate_limited",
            CallError::Undocumented(response) => {
                response.status() == StatusCode::TOO_MANY_REQUESTS
                    && (response.retry_after().is_some()
                        || response.rate_limit().is_some_and(|limit| limit.remaining == 0))
            }
            _ => false,
        }
    }

    /// Whether the same call may succeed later: the server could not be reached, was overloaded, or was too slow.
    ///
    /// `false` if the base URL has the wrong one of `http` and `https`, or if the server's certificate is not trusted.
    pub fn is_transient(&self) -> bool {
        match self {
            CallError::Documented(answer) => self.is_rate_limited() || answer.response.status().is_server_error(),
            CallError::Undocumented(response) => {
                response.status() == StatusCode::TOO_MANY_REQUESTS || response.status().is_server_error()
            }
            CallError::Connection(error) | CallError::Interrupted { error, .. } => !error.is_permanent(),
            CallError::Timeout { .. } => true,
            CallError::Unreadable { .. } | CallError::Request(_) => false,
        }
    }

    /// Whether the server may have acted on the request, although the call failed.
    ///
    /// `false` if the request was refused or never reached the server. `true` after a timeout, a broken connection, a
    /// server error, or a success that the contract does not document: a sync may have been started.
    pub fn may_have_taken_effect(&self) -> bool {
        match self {
            CallError::Documented(answer) => answer.response.status().is_server_error(),
            // An undocumented success may be a success, and a status of 600 or more may mean anything.
            CallError::Undocumented(response) => response.status().is_success() || response.status().as_u16() >= 500,
            CallError::Unreadable { .. } | CallError::Timeout { .. } | CallError::Interrupted { .. } => true,
            CallError::Connection(_) | CallError::Request(_) => false,
        }
    }

    /// From the generated client's error and the raw answer, which the exchange has kept.
    pub(crate) fn from_exchange<T>(error: progenitor_client::Error<T>, seen: Option<Response>) -> CallError<E> {
        use progenitor_client::Error as Raw;
        match (error, seen) {
            (Raw::CommunicationError(source) | Raw::ResponseBodyError(source), partial) => {
                CallError::from_failure(source, partial)
            }
            (Raw::InvalidResponsePayload(_, error), Some(response)) if response.status().is_success() => {
                let reason = match response.body().len() {
                    LONGEST_BODY => format!("the body is longer than {LONGEST_BODY} bytes"),
                    _ => one_line(&error.to_string()),
                };
                CallError::Unreadable { reason, response }
            }
            (_, Some(response)) => {
                let status = response.status().as_u16();
                match response.message().and_then(|message| E::find(status, &message)) {
                    Some(error) => CallError::Documented(Answer { error, response }),
                    None => CallError::Undocumented(response),
                }
            }
            (Raw::InvalidRequest(why) | Raw::Custom(why), None) => CallError::Request(why),
            // Every other error comes with an answer, which the exchange has kept.
            (_, None) => CallError::Request("no answer was kept".into()),
        }
    }

    /// The same error, of a request that was sent through this proxy.
    pub(crate) fn through(mut self, proxy: Option<&Proxy>) -> CallError<E> {
        if let CallError::Connection(error) | CallError::Timeout { error, .. } | CallError::Interrupted { error, .. } =
            &mut self
        {
            error.set_proxy(proxy);
        }
        self
    }

    fn from_failure(error: reqwest::Error, partial: Option<Response>) -> CallError<E> {
        let (is_connect, is_timeout) = (error.is_connect(), error.is_timeout());
        if error.is_builder() {
            return CallError::Request(chain(&error));
        }
        let error = TransportError::new(error);
        if is_connect {
            CallError::Connection(error)
        } else if is_timeout {
            CallError::Timeout { error, partial }
        } else {
            CallError::Interrupted { error, partial }
        }
    }
}

fn unreachable(error: &TransportError) -> String {
    match error.proxy() {
        Some(proxy) => format!("the server cannot be reached through {proxy}: {error}"),
        None => format!("the server cannot be reached: {error}"),
    }
}

/// A web page in place of JSON has nothing to do with this API, and its mistake in JSON says nothing.
fn unreadable(reason: &str, response: &Response) -> String {
    let (status, quoted) = (response.status(), quoted(response));
    match response.is_html() {
        true => format!("the answer {status} is a web page{quoted}; {WRONG_SERVER}"),
        false => format!("the answer {status} is not what the contract documents: {reason}{quoted}"),
    }
}

const WRONG_SERVER: &str = "is this an OpenCDI or Braze server?";

fn undocumented(response: &Response) -> String {
    if response.status().is_success() && response.is_html() {
        return unreadable("", response);
    }
    let location = response.headers().get(http::header::LOCATION);
    let doubt = match (location.and_then(|value| value.to_str().ok()), response.status()) {
        (Some(location), _) => format!(" (it points to {}; is the base URL right?)", location.escape_debug()),
        (None, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) => " (is the base URL right?)".into(),
        _ => String::new(),
    };
    format!("the answer {} is not one that the contract documents{doubt}{}", response.status(), quoted(response))
}

fn quoted(response: &Response) -> String {
    match response.excerpt() {
        excerpt if excerpt.is_empty() => String::new(),
        excerpt => format!(": {excerpt}"),
    }
}
