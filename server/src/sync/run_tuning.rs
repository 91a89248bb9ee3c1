//! Tuning of runs that only tests change.

use std::time::Duration;

/// Tuning of a run that is not in the configuration file.
#[derive(Debug, Clone, Copy)]
pub struct RunTuning {
    /// The shortest interval between two checkpoints.
    pub checkpoint: Duration,
    /// The first pause after a failed request; each further one is twice as long.
    pub first_pause: Duration,
    /// The most objects in a batch, if the destination allows more.
    pub batch: usize,
    /// How long to retry reading a source that is temporarily unavailable.
    pub source_give_up_after: Duration,
    /// The most digests that the record of acknowledged rows may hold; each takes 16 bytes, in the store and in memory.
    pub max_digests: u64,
}

impl RunTuning {
    /// Defaults: a checkpoint every 20 ms, first retry after 250 ms, give up on a source after five minutes, a record of at
    /// most 270 MB.
    pub const DEFAULT: RunTuning = RunTuning {
        checkpoint: Duration::from_millis(20),
        first_pause: Duration::from_millis(250),
        batch: usize::MAX,
        source_give_up_after: Duration::from_secs(300),
        max_digests: 1 << 24,
    };
}
