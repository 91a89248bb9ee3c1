//! Settings of the workers of a process.

use std::time::Duration;

/// How many syncs run at once, and how long jobs are held.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// How many syncs run at once in this process.
    pub concurrency: usize,
    /// How long a worker's claim on a job lasts unless it is renewed: after a crash the job is resumed this much later.
    pub lease: Duration,
    /// How often to look for jobs that another process was told of.
    pub poll: Duration,
    /// How many workers a job may lose without getting on before it ends in `error`.
    pub max_attempts: u32,
}
