//! Errors of a sync.

/// Why a sync or a probe failed. The text is the job's cause, for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyncError {
    /// The integration cannot work as configured. Retrying is useless until an operator repairs it.
    #[error("{0}")]
    Config(String),
    /// The sync failed and is not retried; the next one may succeed.
    #[error("{0}")]
    Failed(String),
    /// A transient error, such as a lock, a broken connection or too many open files. The run retries.
    #[error("{0}")]
    Transient(String),
}
