//! Shared by sources that read a table: columns, timestamps, and chunks of rows.

mod chunk;
pub mod columns;
pub mod survey;
pub mod timestamps;

use std::time::Duration;

pub use chunk::{Chunk, WAITING};

/// How long to wait for a lock on the table before the read fails and is retried. Shorter in tests.
pub const LOCKED: Duration = if cfg!(test) { Duration::from_secs(1) } else { Duration::from_secs(10) };

/// The largest LIMIT of a query: databases use signed integers.
pub const MOST_ROWS: u64 = u64::MAX / 4;
