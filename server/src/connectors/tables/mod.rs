//! What sources that read a table have in common: which columns mean what, which times are read, and in which chunks.

mod chunk;
pub mod columns;
pub mod survey;
pub mod timestamps;

use std::time::Duration;

pub use chunk::{Chunk, WAITING};

/// How long to wait for somebody who has locked the table. Tests that lock one do not wait for so long.
pub const LOCKED: Duration = if cfg!(test) { Duration::from_secs(1) } else { Duration::from_secs(10) };

/// The most rows that a query is asked for: databases count with a sign.
pub const MOST_ROWS: u64 = u64::MAX / 4;
