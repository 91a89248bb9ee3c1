//! Why a sync did not work.

/// Why a sync, or a try of its connections, did not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyncError {
    /// The integration cannot work as it is configured: trying again changes nothing until somebody repairs it.
    #[error("{0}")]
    Config(String),
    /// It did not work this time.
    #[error("{0}")]
    Failed(String),
    /// It did not work just now and may soon: a lock, a connection that broke, too many open files. It is tried again.
    #[error("{0}")]
    Passing(String),
}
