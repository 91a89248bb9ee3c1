//! What tests may set of how runs work.

use std::time::Duration;

/// How a run works, apart from what the configuration says.
#[derive(Debug, Clone, Copy)]
pub struct RunTuning {
    /// How long to wait at least between two checkpoints.
    pub checkpoint: Duration,
    /// The first pause after a failed request; each further one is twice as long.
    pub first_pause: Duration,
    /// The most objects in a batch, however many the destination takes.
    pub batch: usize,
    /// How long reading is tried again while the source is in trouble that may pass.
    pub source_patience: Duration,
    /// The most digests that the record of acknowledged rows may hold; each takes 16 bytes, in the store and in memory.
    pub most_digests: u64,
}

impl RunTuning {
    /// Defaults: a checkpoint every 20 ms, the first pause 250 ms, five minutes of patience with a source, a record of
    /// 270 MB at most.
    pub const DEFAULT: RunTuning = RunTuning {
        checkpoint: Duration::from_millis(20),
        first_pause: Duration::from_millis(250),
        batch: usize::MAX,
        source_patience: Duration::from_secs(300),
        most_digests: 1 << 24,
    };
}
