//! The kinds of failure that an application can tell apart.

/// What kind of failure an [`Error`](crate::Error) is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The settings of the client are missing or wrong ([`BuildError`](crate::BuildError)). Nothing was sent.
    Settings,
    /// The server answered with an error that the contract documents; [`Error::name`](crate::Error::name) says which.
    Documented,
    /// The answer is not one that the contract documents, such as a proxy's error page.
    Undocumented,
    /// The status is a documented success, but the body cannot be read.
    Unreadable,
    /// The server could not be reached. It has received nothing.
    Connection,
    /// The request timeout passed before the answer was complete.
    Timeout,
    /// The connection broke before the answer was complete.
    Interrupted,
    /// The request could not be built. Nothing was sent.
    Request,
    /// A wait took longer than its [timeout](crate::WaitOptions::timeout).
    Deadline,
    /// The server no longer lists the job that was waited for.
    JobGone,
}
