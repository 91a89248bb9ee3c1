//! What went wrong: as a sentence, as JSON, and as an exit code.

use std::io;

use cdi_client::errors::{DocumentedError, TriggerIntegrationSyncError};
use cdi_client::{CallError, Error, ErrorKind, Stage, WaitError};
use serde_json::{Map, Value, json};

use crate::permissions;
use crate::programs;
use crate::table::printable;

/// The exit codes, which `cdi help exit-codes` documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// The sync failed.
    SyncFailed = 1,
    /// Usage error: the command line, the configuration, or a value that the server refused. clap uses the same number.
    Usage = 2,
    /// The key is not valid or lacks the permission.
    NotAllowed = 3,
    /// No such integration, or no sync of it.
    NotFound = 4,
    /// Another job is in progress.
    Busy = 5,
    /// Too many requests.
    RateLimited = 6,
    /// Timeout.
    TimedOut = 7,
    /// Server or network error, or the output cannot be written.
    Trouble = 8,
    /// Ctrl-C while waiting, as shells number it.
    Interrupted = 130,
}

/// Why a command has no result.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) kind: &'static str,
    message: String,
    /// The permission that the key lacks.
    lacks: Option<&'static str>,
    /// The documented answer that it is, if it is one.
    answer: Option<Answer>,
    details: Map<String, Value>,
}

/// A documented answer of the server in the text of an error.
#[derive(Debug)]
struct Answer {
    /// As the library writes it: with the help that the contract has for programs.
    text: String,
    /// Status, message and the ID of the request.
    short: String,
}

impl Answer {
    fn of(error: &Error) -> Option<Answer> {
        let (status, message, help) = (error.status()?, error.message()?, error.help()?);
        let request = error.request_id().map(|id| format!("request {}", id.escape_debug()));
        Some(match request {
            Some(request) => Answer {
                text: format!("{status} {message} ({request}). {help}"),
                short: format!("{status} {message}, {request}"),
            },
            None => Answer { text: format!("{status} {message}. {help}"), short: format!("{status} {message}") },
        })
    }
}

impl Failure {
    pub(crate) fn new(exit: Exit, kind: &'static str, message: impl Into<String>) -> Failure {
        Failure { exit, kind, message: message.into(), lacks: None, answer: None, details: Map::new() }
    }

    /// The settings cannot work.
    pub(crate) fn configuration(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, "configuration", message)
    }

    /// A detail for programs.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Failure {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// Adds what can be done about it.
    pub(crate) fn advise(mut self, advice: &str) -> Failure {
        let end = if self.message.ends_with('?') { "" } else { "." };
        self.message = format!("{}{end} {advice}", self.message.trim_end_matches('.'));
        self
    }

    /// The same failure in other words.
    pub(crate) fn reworded(mut self, message: impl Into<String>) -> Failure {
        self.message = message.into();
        self
    }

    /// The permission that the key lacks, if that is the failure.
    pub(crate) fn lacks(&self) -> Option<&'static str> {
        self.lacks
    }

    /// The HTTP status, if the server answered.
    pub(crate) fn status(&self) -> Option<u64> {
        self.details.get("status").and_then(Value::as_u64)
    }

    /// Says first, in these words, what the documented answer means; then the remedy, instead of the help for programs.
    pub(crate) fn restated(mut self, problem: &str, remedy: &str) -> Failure {
        if let Some(Answer { text, short }) = &self.answer {
            let restated = format!("{problem} ({short}). {remedy}");
            self.message = self.message.replacen(text, restated.trim_end(), 1);
        }
        self
    }

    /// One line for people.
    pub(crate) fn for_people(&self) -> String {
        format!("cdi: {}", printable(&self.message))
    }

    /// The same for programs.
    pub(crate) fn for_programs(&self) -> Value {
        let mut error = Map::new();
        error.insert("kind".into(), json!(self.kind));
        error.insert("message".into(), json!(self.message));
        error.insert("exit_code".into(), json!(self.exit as u8));
        error.extend(self.details.clone());
        json!({ "error": error })
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let (exit, kind) = match error.kind() {
            ErrorKind::Documented => (documented(&error), error.name().unwrap_or("documented")),
            ErrorKind::Undocumented => (undocumented(&error), "undocumented_answer"),
            ErrorKind::Unreadable => (Exit::Trouble, "unreadable_answer"),
            ErrorKind::Connection => (Exit::Trouble, "connection"),
            ErrorKind::Timeout => (Exit::TimedOut, "request_timeout"),
            ErrorKind::Interrupted => (Exit::Trouble, "broken_connection"),
            ErrorKind::Deadline => (Exit::TimedOut, "deadline"),
            ErrorKind::JobGone => (Exit::NotFound, "no_sync"),
            ErrorKind::Settings => (Exit::Usage, "configuration"),
            _ => (Exit::Trouble, "request"),
        };
        let mut failure = Failure::new(exit, kind, error.to_string());
        let mut detail = |name: &str, value: Option<Value>| {
            failure.details.extend(value.map(|value| (name.to_owned(), value)));
        };
        detail("status", error.status().map(Value::from));
        detail("help", error.help().map(Value::from));
        detail("retry_after", error.retry_after().map(|wait| wait.as_secs().into()));
        detail("request_id", error.request_id().map(Value::from));
        failure.answer = Answer::of(&error);
        failure.lacks = error.operation().and_then(permission).filter(|_| error.name() == Some("access_denied"));
        match (error.name(), failure.lacks) {
            (_, Some(permission)) => failure.restated(&format!("the API key lacks the permission {permission}"), ""),
            (Some("job_in_progress"), _) => failure.restated("a sync of this integration is running", ""),
            (Some("rate_limited"), _) => failure.restated("too many requests", ""),
            _ => failure,
        }
    }
}

impl<E: DocumentedError> From<CallError<E>> for Failure {
    fn from(error: CallError<E>) -> Failure {
        Failure::from(Error::from(error))
    }
}

/// What an API key needs for an operation of the contract.
fn permission(operation: &str) -> Option<&'static str> {
    match operation {
        "list_integrations" => Some(permissions::LIST),
        "list_job_sync_status" => Some(permissions::JOBS),
        "trigger_integration_sync" => Some(permissions::SYNC),
        _ => None,
    }
}

/// By name where the same status means several things, by status otherwise: an error that is added to the contract has a
/// sensible code at once.
fn documented(error: &Error) -> Exit {
    match (error.name(), error.status()) {
        (Some("job_in_progress"), _) => Exit::Busy,
        // Cursors are not given by the caller: they go from one answer of the server into the next request.
        (Some("invalid_cursor"), _) => Exit::Trouble,
        (_, Some(400)) => Exit::Usage,
        (_, Some(404)) => Exit::NotFound,
        _ => undocumented(error),
    }
}

fn undocumented(error: &Error) -> Exit {
    match error.status() {
        Some(401 | 403) => Exit::NotAllowed,
        Some(429) => Exit::RateLimited,
        _ => Exit::Trouble,
    }
}

/// A trigger that was not answered with success.
impl From<CallError<TriggerIntegrationSyncError>> for WaitFailure {
    fn from(error: CallError<TriggerIntegrationSyncError>) -> WaitFailure {
        WaitFailure::from(WaitError::Trigger(error))
    }
}

/// Why a wait has no result, and whether a sync is running in spite of it.
#[derive(Debug)]
pub(crate) struct WaitFailure {
    pub(crate) failure: Failure,
    pub(crate) reached: Reached,
}

/// How far a trigger has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    /// Nothing was triggered.
    Nothing,
    /// It is not known whether the sync was triggered.
    Doubt,
    /// The sync is still running.
    Started,
}

impl From<WaitError> for WaitFailure {
    fn from(error: WaitError) -> WaitFailure {
        let (reached, job) = match &error {
            WaitError::Trigger(_) if error.may_have_taken_effect() => (Reached::Doubt, None),
            WaitError::Deadline { stage, .. } => match &**stage {
                Stage::Running(job) => (Reached::Started, Some(programs::fields(job))),
                Stage::Triggering => (Reached::Doubt, None),
                _ if error.may_have_taken_effect() => (Reached::Started, None),
                _ => (Reached::Nothing, None),
            },
            _ if error.may_have_taken_effect() => (Reached::Started, None),
            _ => (Reached::Nothing, None),
        };
        let failure = Failure::from(Error::from(error));
        let failure = match job {
            Some(job) => failure.with("job", job),
            None => failure,
        };
        WaitFailure { failure, reached }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::new(Exit::Trouble, "output", format!("the output cannot be written: {error}"))
    }
}
