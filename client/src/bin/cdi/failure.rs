//! What went wrong, for people, for programs and for the shell.

use std::io;

use cdi_client::errors::DocumentedError;
use cdi_client::{BuildError, Error, Job, Stage, WaitError};
use serde_json::{Map, Value, json};

/// The exit codes, which `--help` documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// The sync failed.
    SyncFailed = 1,
    /// Something that the caller gave is written wrongly. clap uses the same number.
    Usage = 2,
    /// The key is not valid or lacks the permission.
    NotAllowed = 3,
    /// No such integration.
    NotFound = 4,
    /// Another job is in progress.
    Busy = 5,
    /// Too many requests.
    RateLimited = 6,
    /// Out of time.
    TimedOut = 7,
    /// The server or the network is in trouble.
    Trouble = 8,
}

/// Why a command has no result.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    kind: &'static str,
    message: String,
    details: Vec<(&'static str, Value)>,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, "usage", message)
    }

    fn new(exit: Exit, kind: &'static str, message: impl Into<String>) -> Failure {
        Failure { exit, kind, message: message.into(), details: Vec::new() }
    }

    /// One line for people.
    pub(crate) fn for_people(&self) -> String {
        format!("cdi: {}", self.message)
    }

    /// The same for programs.
    pub(crate) fn for_programs(&self) -> Value {
        let mut error = Map::new();
        error.insert("kind".into(), json!(self.kind));
        error.insert("message".into(), json!(self.message));
        let details = self.details.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        error.extend(details);
        json!({ "error": error })
    }

    fn with_job(mut self, job: Job) -> Failure {
        self.details.push(("job", json!(job)));
        self
    }
}

impl<E: DocumentedError> From<Error<E>> for Failure {
    fn from(error: Error<E>) -> Failure {
        let (exit, kind) = match &error {
            Error::Documented(answer) => (documented(answer.error), answer.error.name()),
            Error::Undocumented(response) => (
                match response.status().as_u16() {
                    401 | 403 => Exit::NotAllowed,
                    429 => Exit::RateLimited,
                    _ => Exit::Trouble,
                },
                "undocumented_answer",
            ),
            Error::Unreadable { .. } => (Exit::Trouble, "unreadable_answer"),
            Error::Connection(_) => (Exit::Trouble, "connection"),
            Error::Timeout(_) => (Exit::TimedOut, "request_timeout"),
            Error::Interrupted { .. } => (Exit::Trouble, "interrupted"),
            _ => (Exit::Trouble, "request"),
        };
        let mut failure = Failure::new(exit, kind, error.to_string());
        let mut detail = |name, value: Option<Value>| failure.details.extend(value.map(|value| (name, value)));
        detail("status", error.status().map(Value::from));
        detail("help", error.documented().map(|error| error.help().into()));
        detail("retry_after", error.retry_after().map(|wait| wait.as_secs().into()));
        detail("request_id", error.request_id().map(Value::from));
        failure
    }
}

/// By name where the same status means several things, by status otherwise: an error that is added to the contract has a
/// sensible code at once.
fn documented(error: impl DocumentedError) -> Exit {
    match (error.name(), error.status()) {
        ("job_in_progress", _) => Exit::Busy,
        (_, 400) => Exit::Usage,
        (_, 401 | 403) => Exit::NotAllowed,
        (_, 404) => Exit::NotFound,
        (_, 429) => Exit::RateLimited,
        _ => Exit::Trouble,
    }
}

impl From<WaitError> for Failure {
    fn from(error: WaitError) -> Failure {
        let message = error.to_string();
        let failure = match error {
            WaitError::Trigger(source) => Failure::from(source),
            WaitError::Status { source, .. } => Failure::from(source),
            WaitError::Deadline { stage, .. } => {
                let failure = Failure::new(Exit::TimedOut, "deadline", "");
                match *stage {
                    Stage::Running(job) => failure.with_job(job),
                    _ => failure,
                }
            }
            _ => Failure::new(Exit::Trouble, "unknown", ""),
        };
        Failure { message, ..failure }
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Failure {
        let message = match &error {
            BuildError::NoUrl => "where the server is is not known: set CDI_URL or give --url".into(),
            BuildError::NoKey => "the API key is missing: set CDI_API_KEY".into(),
            BuildError::Key(_) => format!("{error} (from CDI_API_KEY)"),
            _ => error.to_string(),
        };
        let exit = match error {
            BuildError::Http(_) => Exit::Trouble,
            _ => Exit::Usage,
        };
        Failure::new(exit, "configuration", message)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::new(Exit::Trouble, "output", format!("the output cannot be written: {error}"))
    }
}
