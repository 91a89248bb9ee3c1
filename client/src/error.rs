//! What can go wrong with one call, told apart as far as it can be known.
//!
//! An answer that the contract documents becomes a typed error of its operation. Everything else keeps what came: an
//! undocumented answer its status, headers and body, a failed request whether the server may have received it.

use std::time::Duration;

use http::StatusCode;

use crate::errors::DocumentedError;
use crate::response::{RateLimit, Response, one_line};
use crate::transport::LONGEST_BODY;

/// Why a call did not succeed. `E` is the operation's documented errors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error<E: DocumentedError> {
    /// The server gave an answer that the contract documents.
    #[error("{0}")]
    Documented(Answer<E>),
    /// The server, or something on the way to it, gave an answer that the contract does not document: another status,
    /// or a documented status without the documented message, such as a proxy's page.
    #[error("{}", undocumented(.0))]
    Undocumented(Response),
    /// The status says success, but the body is not what the contract says.
    #[error("the answer {} is not what the contract documents: {reason}{}", .response.status(), quoted(.response))]
    Unreadable {
        /// What is wrong with it.
        reason: String,
        /// The answer.
        response: Response,
    },
    /// The server could not be reached. It has received nothing.
    #[error("the server cannot be reached: {}", chain(.0))]
    Connection(#[source] reqwest::Error),
    /// There was no whole answer in time. The server may have received the request.
    #[error("the server did not answer in time: {}", chain(.source))]
    Timeout {
        /// What happened.
        #[source]
        source: reqwest::Error,
        /// What had come of the answer until then.
        partial: Option<Response>,
    },
    /// The connection broke before the whole answer was there. The server may have received the request.
    #[error("the connection broke before the answer was complete: {}", chain(.source))]
    Interrupted {
        /// What happened.
        #[source]
        source: reqwest::Error,
        /// What had come of the answer until then.
        partial: Option<Response>,
    },
    /// The request could not be made. Nothing was sent.
    #[error("the request cannot be made: {0}")]
    Request(String),
}

/// A documented error with the answer that carried it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Answer<E> {
    /// Which of the documented errors it is.
    pub error: E,
    /// The whole answer.
    pub response: Response,
}

impl<E: DocumentedError> std::fmt::Display for Answer<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}. {}", self.error, self.error.help())?;
        if let Some(wait) = self.response.retry_after() {
            write!(f, " Retry after {} s.", wait.as_secs())?;
        }
        if let Some(id) = self.response.request_id() {
            write!(f, " (request {})", id.escape_debug())?;
        }
        Ok(())
    }
}

impl<E: DocumentedError> Error<E> {
    /// The documented error, if it is one.
    pub fn documented(&self) -> Option<E> {
        match self {
            Error::Documented(answer) => Some(answer.error),
            _ => None,
        }
    }

    /// The answer, if one came, be it in part.
    pub fn response(&self) -> Option<&Response> {
        match self {
            Error::Documented(answer) => Some(&answer.response),
            Error::Undocumented(response) | Error::Unreadable { response, .. } => Some(response),
            Error::Timeout { partial, .. } | Error::Interrupted { partial, .. } => partial.as_ref(),
            Error::Connection(_) | Error::Request(_) => None,
        }
    }

    /// The HTTP status, if an answer came.
    pub fn status(&self) -> Option<u16> {
        self.response().map(|response| response.status().as_u16())
    }

    /// How long the server asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.response()?.retry_after()
    }

    /// The rate limit that the answer tells of.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.response()?.rate_limit()
    }

    /// The ID under which the server's log has the request.
    pub fn request_id(&self) -> Option<String> {
        self.response()?.request_id()
    }

    /// Whether the request was refused because there were too many. Nothing was started.
    ///
    /// A 429 that the contract does not document is one only if it says when to come back, or that no request is left: a
    /// bare 429 may mean something else.
    pub fn is_rate_limited(&self) -> bool {
        match self {
            Error::Documented(answer) => answer.error.name() == "rate_limited",
            Error::Undocumented(response) => {
                response.status() == StatusCode::TOO_MANY_REQUESTS
                    && (response.retry_after().is_some()
                        || response.rate_limit().is_some_and(|limit| limit.remaining == 0))
            }
            _ => false,
        }
    }

    /// Whether the same request may well succeed later: the server was away, overloaded or too slow.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Documented(answer) => self.is_rate_limited() || answer.response.status().is_server_error(),
            Error::Undocumented(response) => {
                response.status() == StatusCode::TOO_MANY_REQUESTS || response.status().is_server_error()
            }
            Error::Connection(_) | Error::Timeout { .. } | Error::Interrupted { .. } => true,
            Error::Unreadable { .. } | Error::Request(_) => false,
        }
    }

    /// Whether the server may have acted on the request although it was not answered with success.
    ///
    /// A call that was refused, or that never reached the server, has no effect; after a time-out, a broken connection, a
    /// server error or a success that the contract does not document nobody knows.
    pub fn may_have_taken_effect(&self) -> bool {
        match self {
            Error::Documented(answer) => answer.response.status().is_server_error(),
            // A success of another kind than the contract's may be one, and 6xx and up may be anything.
            Error::Undocumented(response) => response.status().is_success() || response.status().as_u16() >= 500,
            Error::Unreadable { .. } | Error::Timeout { .. } | Error::Interrupted { .. } => true,
            Error::Connection(_) | Error::Request(_) => false,
        }
    }

    /// What the generated client made of an exchange, with what the exchange itself has kept.
    pub(crate) fn from_exchange<T>(error: progenitor_client::Error<T>, seen: Option<Response>) -> Error<E> {
        use progenitor_client::Error as Raw;
        match (error, seen) {
            (Raw::CommunicationError(source) | Raw::ResponseBodyError(source), partial) => {
                Error::from_failure(source, partial)
            }
            (Raw::InvalidResponsePayload(_, error), Some(response)) if response.status().is_success() => {
                let reason = match response.body().len() {
                    LONGEST_BODY => format!("the body is longer than {LONGEST_BODY} bytes"),
                    _ => one_line(&error.to_string()),
                };
                Error::Unreadable { reason, response }
            }
            (_, Some(response)) => {
                let status = response.status().as_u16();
                match response.message().and_then(|message| E::find(status, &message)) {
                    Some(error) => Error::Documented(Answer { error, response }),
                    None => Error::Undocumented(response),
                }
            }
            (Raw::InvalidRequest(why) | Raw::Custom(why), None) => Error::Request(why),
            // Every other error comes with an answer, which the exchange has kept.
            (_, None) => Error::Request("no answer was kept".into()),
        }
    }

    fn from_failure(source: reqwest::Error, partial: Option<Response>) -> Error<E> {
        if source.is_builder() {
            Error::Request(chain(&source))
        } else if source.is_connect() {
            Error::Connection(source)
        } else if source.is_timeout() {
            Error::Timeout { source, partial }
        } else {
            Error::Interrupted { source, partial }
        }
    }
}

fn undocumented(response: &Response) -> String {
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

/// An error with its causes; reqwest keeps the telling part in them.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
