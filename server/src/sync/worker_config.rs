//! Configuration of the workers of a process.

use std::time::Duration;

/// Concurrency, leases and polling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerConfig {
    /// Number of syncs that run at once in this process.
    pub concurrency: usize,
    /// How long a lease lasts unless it is renewed. After a crash, another worker resumes the job when it expires.
    pub lease: Duration,
    /// How often to poll for jobs that were triggered at another process.
    pub poll: Duration,
    /// How many workers in a row may fail without progress before the job ends in `error`.
    pub max_attempts: u32,
}
