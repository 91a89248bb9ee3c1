//! The `tracing` span of one call, and its events. None of them holds the API key.

use std::time::Duration;

use tracing::field::Empty;
use tracing::{Span, debug, info_span, warn};
use uuid::Uuid;

use crate::call_error::CallError;
use crate::errors::DocumentedError;
use crate::response::{Response, one_line};

/// The span of one call, all attempts included.
pub(crate) struct CallTrace(Span);

impl CallTrace {
    pub(crate) fn new(operation: &'static str, integration_id: Option<Uuid>) -> CallTrace {
        CallTrace(info_span!(
            "cdi_call",
            operation,
            integration_id = integration_id.map(display),
            attempt = Empty,
            status = Empty,
            request_id = Empty,
        ))
    }

    pub(crate) fn span(&self) -> Span {
        self.0.clone()
    }

    /// An attempt has failed and the call is repeated.
    pub(crate) fn repeated<E: DocumentedError>(&self, attempt: u32, pause: Duration, error: &CallError<E>) {
        warn!(attempt, pause_ms = pause.as_millis() as u64, %error, "call failed; repeating it");
    }

    /// The last attempt has ended, with or without an answer.
    pub(crate) fn ended(&self, attempt: u32, response: Option<&Response>) {
        if self.0.is_disabled() {
            return;
        }
        self.0.record("attempt", attempt);
        if let Some(response) = response {
            self.0.record("status", response.status().as_u16());
            if let Some(id) = response.request_id() {
                self.0.record("request_id", one_line(&id));
            }
        }
    }

    /// The call has succeeded.
    pub(crate) fn succeeded(&self) {
        debug!("call succeeded");
    }

    /// The call has failed for good. The caller gets the error, so this is for debugging only.
    pub(crate) fn failed<E: DocumentedError>(&self, error: &CallError<E>) {
        debug!(%error, "call failed");
    }
}
