//! One error type for everything that this crate does.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::build_error::BuildError;
use crate::call_error::CallError;
use crate::error_kind::ErrorKind;
use crate::errors::DocumentedError;
use crate::response::{RateLimit, Response};
use crate::wait::WaitError;

/// Any error of this crate: the `E` of a function that builds a client, calls several operations and waits.
///
/// Each method of this crate returns a narrower error ([`CallError`], [`WaitError`] or [`BuildError`]), and `?` converts
/// it. Use the narrower one where you `match` on what went wrong with one call; use this one where errors of several calls
/// meet. Nothing is lost: [`documented`](Error::documented) gives back the typed error, and
/// [`downcast_ref`](Error::downcast_ref) the whole original.
///
/// ```
/// use cdi_client::errors::TriggerIntegrationSyncError as Trigger;
/// use cdi_client::{Client, Error, ErrorKind, WaitOptions};
///
/// /// Syncs every integration, and leaves alone those that are syncing already.
/// async fn sync_all(client: &Client) -> Result<(), Error> {
///     for integration in client.list_integrations().all().await? {
///         let job = client.trigger_and_wait(integration.integration_id, WaitOptions::default()).await.map_err(Error::from);
///         match job {
///             Ok(job) => println!("{}: {}", integration.integration_name, job.job_status),
///             Err(error) if error.documented() == Some(Trigger::JobInProgress) => println!("syncing already"),
///             Err(error) if error.kind() == ErrorKind::Deadline => println!("still syncing"),
///             Err(error) => return Err(error),
///         }
///     }
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let mock = cdi_client::mock::Mock::start().await?;
/// # mock.add_integration("Users");
/// # mock.fail_next(Trigger::JobInProgress);
/// # sync_all(&mock.client()).await?;
/// # Ok(())
/// # }
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    facts: Facts,
    original: Box<dyn StdError + Send + Sync + 'static>,
}

/// What the different errors have in common.
struct Facts {
    kind: ErrorKind,
    documented: Option<Documented>,
    response: Option<Response>,
    is_rate_limited: bool,
    is_transient: bool,
    may_have_taken_effect: bool,
}

/// A documented error without its type.
#[derive(Clone, Copy)]
struct Documented {
    operation: &'static str,
    name: &'static str,
    status: u16,
    message: &'static str,
    help: &'static str,
}

impl Error {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.facts.kind
    }

    /// The documented error of one operation, as its type; `None` if the failure is of another kind or operation.
    pub fn documented<E: DocumentedError>(&self) -> Option<E> {
        let found = self.0.facts.documented.filter(|documented| documented.operation == E::OPERATION)?;
        E::find(found.status, found.message)
    }

    /// The `operationId` of the operation whose documented error it is, such as `trigger_integration_sync`.
    pub fn operation(&self) -> Option<&'static str> {
        Some(self.0.facts.documented?.operation)
    }

    /// The name of the documented error in the contract, such as `rate_limited` or `job_in_progress`.
    pub fn name(&self) -> Option<&'static str> {
        Some(self.0.facts.documented?.name)
    }

    /// What the caller can do about the documented error, as a sentence.
    pub fn help(&self) -> Option<&'static str> {
        Some(self.0.facts.documented?.help)
    }

    /// The answer, if the server sent one; it may be incomplete.
    pub fn response(&self) -> Option<&Response> {
        self.0.facts.response.as_ref()
    }

    /// The HTTP status, if the server answered.
    pub fn status(&self) -> Option<u16> {
        self.response().map(|response| response.status().as_u16())
    }

    /// The `message` in the body of the answer, documented or not.
    pub fn message(&self) -> Option<String> {
        self.response()?.message()
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

    /// Whether the request was refused because of the rate limit: see [`CallError::is_rate_limited`].
    pub fn is_rate_limited(&self) -> bool {
        self.0.facts.is_rate_limited
    }

    /// Whether the same call may succeed later: see [`CallError::is_transient`] and [`WaitError::is_transient`]. Before a
    /// trigger is repeated, look at [`may_have_taken_effect`](Error::may_have_taken_effect) too.
    pub fn is_transient(&self) -> bool {
        self.0.facts.is_transient
    }

    /// Whether a sync may have been started, although the call failed: see [`CallError::may_have_taken_effect`] and
    /// [`WaitError::may_have_taken_effect`].
    pub fn may_have_taken_effect(&self) -> bool {
        self.0.facts.may_have_taken_effect
    }

    /// The error that this one was made of: a [`CallError`], a [`WaitError`] or a [`BuildError`].
    pub fn downcast_ref<T: StdError + 'static>(&self) -> Option<&T> {
        self.0.original.downcast_ref()
    }
}

/// The text of the error that it was made of, with the whole cause.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.original, f)
    }
}

/// With the text, so that a `main` that returns it prints what happened.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Error");
        fields.field("kind", &self.kind()).field("text", &self.to_string());
        if let Some(response) = self.response() {
            fields.field("response", response);
        }
        fields.finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.original.source()
    }
}

impl<E: DocumentedError> From<CallError<E>> for Error {
    fn from(error: CallError<E>) -> Error {
        Error(Box::new(Inner { facts: Facts::of_call(&error), original: error.into() }))
    }
}

impl From<WaitError> for Error {
    fn from(error: WaitError) -> Error {
        Error(Box::new(Inner { facts: Facts::of_wait(&error), original: error.into() }))
    }
}

impl From<BuildError> for Error {
    fn from(error: BuildError) -> Error {
        Error(Box::new(Inner { facts: Facts::new(ErrorKind::Settings), original: error.into() }))
    }
}

impl Facts {
    fn new(kind: ErrorKind) -> Facts {
        Facts {
            kind,
            documented: None,
            response: None,
            is_rate_limited: false,
            is_transient: false,
            may_have_taken_effect: false,
        }
    }

    fn of_call<E: DocumentedError>(error: &CallError<E>) -> Facts {
        Facts {
            kind: error.kind(),
            documented: error.documented().map(|error| Documented {
                operation: E::OPERATION,
                name: error.name(),
                status: error.status(),
                message: error.message(),
                help: error.help(),
            }),
            response: error.response().cloned(),
            is_rate_limited: error.is_rate_limited(),
            is_transient: error.is_transient(),
            may_have_taken_effect: error.may_have_taken_effect(),
        }
    }

    fn of_wait(error: &WaitError) -> Facts {
        let call = match error {
            WaitError::Trigger(error) => Facts::of_call(error),
            WaitError::Status { error, .. } => Facts::of_call(error),
            WaitError::Gone { .. } => Facts::new(ErrorKind::JobGone),
            WaitError::Deadline { .. } => Facts::new(ErrorKind::Deadline),
        };
        Facts { is_transient: error.is_transient(), may_have_taken_effect: error.may_have_taken_effect(), ..call }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;
    use crate::call_error::Answer;
    use crate::errors::{ListJobSyncStatusError, TriggerIntegrationSyncError as Trigger};
    use crate::wait::Stage;

    fn documented<E: DocumentedError>(error: E) -> CallError<E> {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", http::HeaderValue::from_static("7"));
        let body = format!(r#"{{"message":"{}","request_id":"r-1"}}"#, error.message());
        let status = StatusCode::from_u16(error.status()).unwrap_or_default();
        CallError::Documented(Answer { error, response: Response::new(status, headers, body.into()) })
    }

    /// `?` from a builder, from calls of two operations and from a wait, in one function.
    fn each_of_them(which: usize) -> Result<(), Error> {
        match which {
            0 => Err(BuildError::NoKey)?,
            1 => Err(documented(Trigger::RateLimited))?,
            2 => Err(documented(ListJobSyncStatusError::AccessDenied))?,
            3 => Err(WaitError::Trigger(documented(Trigger::JobInProgress)))?,
            _ => Ok(()),
        }
    }

    #[test]
    fn one_type_takes_the_errors_of_everything_and_keeps_what_they_know() {
        let error = |which| each_of_them(which).err().map(|error| (error.kind(), error.name(), error.status()));
        assert_eq!(error(0), Some((ErrorKind::Settings, None, None)));
        assert_eq!(error(1), Some((ErrorKind::Documented, Some("rate_limited"), Some(429))));
        assert_eq!(error(2), Some((ErrorKind::Documented, Some("access_denied"), Some(403))));
        assert_eq!(error(3), Some((ErrorKind::Documented, Some("job_in_progress"), Some(429))));
    }

    #[test]
    fn a_documented_error_keeps_its_type_its_answer_and_its_text() {
        let text = documented(Trigger::RateLimited).to_string();
        let error = Error::from(documented(Trigger::RateLimited));
        assert_eq!(error.documented(), Some(Trigger::RateLimited));
        assert_eq!(error.documented::<ListJobSyncStatusError>(), None, "another operation");
        assert_eq!(error.operation(), Some("trigger_integration_sync"));
        assert_eq!(error.help(), Some(Trigger::RateLimited.help()));
        assert_eq!(error.message().as_deref(), Some("Rate Limited"));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        assert_eq!(error.request_id().as_deref(), Some("r-1"));
        assert!(error.is_rate_limited() && error.is_transient() && !error.may_have_taken_effect());
        assert_eq!(error.to_string(), text);
        assert!(matches!(error.downcast_ref::<CallError<Trigger>>(), Some(CallError::Documented(_))));
        assert!(error.downcast_ref::<WaitError>().is_none());
    }

    #[test]
    fn an_error_of_a_wait_says_whether_a_sync_may_run() {
        let deadline = |stage| {
            let error = WaitError::Deadline { after: Duration::from_secs(1), stage: Box::new(stage) };
            let error = Error::from(error);
            (error.kind(), error.is_transient(), error.may_have_taken_effect())
        };
        assert_eq!(deadline(Stage::Untriggered), (ErrorKind::Deadline, true, false));
        assert_eq!(deadline(Stage::Triggering), (ErrorKind::Deadline, true, true));
        assert_eq!(deadline(Stage::Triggered), (ErrorKind::Deadline, true, true));
        let status = |triggered| {
            let error = WaitError::Status { triggered, error: documented(ListJobSyncStatusError::ServiceUnavailable) };
            let error = Error::from(error);
            assert!(std::error::Error::source(&error).is_none(), "the text has the cause already");
            (error.name(), error.is_transient(), error.may_have_taken_effect())
        };
        assert_eq!(status(true), (Some("service_unavailable"), true, true));
        assert_eq!(status(false), (Some("service_unavailable"), true, false), "a list starts nothing");
        let gone = Error::from(WaitError::Gone { sync_start_time: Default::default() });
        assert_eq!((gone.kind(), gone.may_have_taken_effect()), (ErrorKind::JobGone, true));
    }

    #[test]
    fn it_can_be_sent_between_threads_and_into_other_error_types() {
        fn sendable<T: Send + Sync + 'static>() {}
        sendable::<Error>();
        let _: Box<dyn std::error::Error + Send + Sync> = Error::from(BuildError::NoUrl).into();
    }
}
