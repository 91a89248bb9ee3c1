//! Failures that are waited out: the last one, and a line that says why a command takes long.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cdi_client::{ErrorKind, Retry};

use crate::output;

/// Shorter pauses are not announced.
const SHORTEST_ANNOUNCED: Duration = Duration::from_secs(2);

/// The failures of this command that are waited out.
#[derive(Clone)]
pub(crate) struct Retries {
    announces: bool,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    last: Option<String>,
    /// The longest pause that was announced.
    announced: Duration,
    /// Where the progress of a wait is shown, if it is.
    progress: Option<Arc<Mutex<String>>>,
}

impl Retries {
    pub(crate) fn new(announces: bool) -> Retries {
        Retries { announces, state: Arc::default() }
    }

    /// Remembers the failure. A long pause is announced, but not each of many similar ones.
    pub(crate) fn note(&self, retry: &Retry) {
        let reason = reason(retry);
        let mut state = self.state();
        if self.announces && retry.pause >= SHORTEST_ANNOUNCED.max(state.announced.saturating_mul(2)) {
            let text = format!("{reason}; trying again in {:.0} s", retry.pause.as_secs_f64());
            match &state.progress {
                Some(progress) => *progress.lock().unwrap_or_else(PoisonError::into_inner) = text,
                None => {
                    output::tell(&text);
                    state.announced = retry.pause;
                }
            }
        }
        state.last = Some(reason);
    }

    /// From now on announces in this text, which is shown as the progress of a wait.
    pub(crate) fn announce_in(&self, progress: &Arc<Mutex<String>>) {
        self.state().progress = Some(progress.clone());
    }

    /// The last failure, if nothing has succeeded since.
    pub(crate) fn last(&self) -> Option<String> {
        self.state().last.clone()
    }

    /// Something has succeeded.
    pub(crate) fn clear(&self) {
        self.state().last = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn reason(retry: &Retry) -> String {
    match (retry.kind, retry.status) {
        (ErrorKind::Connection, _) => "the server cannot be reached".into(),
        (ErrorKind::Timeout, _) => "the server did not answer in time".into(),
        (ErrorKind::Interrupted, _) => "the connection broke".into(),
        (_, Some(429)) => "rate limit reached".into(),
        (_, Some(503)) => "the server is unavailable (503)".into(),
        (_, Some(status)) => format!("the server failed ({status})"),
        (_, None) => "the request failed".into(),
    }
}
