//! What an application can be told when a failed call is about to be repeated.

use std::sync::Arc;
use std::time::Duration;

use crate::call_error::CallError;
use crate::error_kind::ErrorKind;
use crate::errors::DocumentedError;

/// A pause after a failed call, before the call is repeated: see [`ClientBuilder::on_retry`](crate::ClientBuilder::on_retry).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retry {
    /// The `operationId` of the operation, such as `list_integrations`.
    pub operation: &'static str,
    /// The time until the next attempt.
    pub pause: Duration,
    /// What kind of failure it was.
    pub kind: ErrorKind,
    /// The HTTP status, if the server answered.
    pub status: Option<u16>,
    /// Whether the request was refused because of the rate limit.
    pub is_rate_limited: bool,
    /// The text of the error.
    pub error: String,
}

impl Retry {
    pub(crate) fn new<E: DocumentedError>(error: &CallError<E>, pause: Duration) -> Retry {
        Retry {
            operation: E::OPERATION,
            pause,
            kind: error.kind(),
            status: error.status(),
            is_rate_limited: error.is_rate_limited(),
            error: error.to_string(),
        }
    }
}

type Call = dyn Fn(&Retry) + Send + Sync;

/// The function that is called before each pause, if there is one.
#[derive(Clone, Default)]
pub(crate) struct OnRetry(pub(crate) Option<Arc<Call>>);

impl OnRetry {
    pub(crate) fn call<E: DocumentedError>(&self, error: &CallError<E>, pause: Duration) {
        if let Some(call) = &self.0 {
            call(&Retry::new(error, pause));
        }
    }
}
