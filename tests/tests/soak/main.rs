//! Proofs with real processes: many replicas at once, replicas that are killed, hostile requests, secrets that are never
//! printed. Each is short here; `cargo xtask test --soak MINUTES` lets each run for that long.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod answers;
mod fleet;
mod hostile;
mod hostile_requests;
mod kills;
mod ledger;
mod replicas;
mod secrets;

use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant};

use contract_tests::setting;

/// How long a proof goes on.
struct Until {
    rounds: usize,
    time: Option<Instant>,
}

impl Until {
    /// This many rounds, or as long as `--soak` says.
    fn rounds(rounds: usize) -> Until {
        Until { rounds, time: soak().map(|time| Instant::now() + time) }
    }

    /// Whether another round follows this many.
    fn goes_on(&self, done: usize) -> bool {
        self.time.map_or(done < self.rounds, |time| Instant::now() < time)
    }
}

/// The time that `cargo xtask test --soak` gives each proof.
fn soak() -> Option<Duration> {
    let minutes: f64 = setting(xtask::test::SOAK_MINUTES, 0.0);
    (minutes > 0.0).then(|| Duration::from_secs_f64(60.0 * minutes))
}

/// The seed of a proof: the same in every short run, another one in every long run, or as `OPENCDI_SEED` says.
fn seed() -> u64 {
    let usual = if soak().is_some() { RandomState::new().hash_one(0) } else { 1 };
    let seed = setting("OPENCDI_SEED", usual);
    println!("seed {seed}: OPENCDI_SEED={seed} repeats what is random here");
    seed
}
