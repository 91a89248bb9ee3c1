//! Sends rows from a table to the sync engine in chunks.

use crate::sync::row::Row;

/// Maximum rows and bytes of a chunk. With `only_changed`, the store is asked for all users of a chunk at once.
const CHUNK_ROWS: usize = 4000;
const CHUNK_BYTES: usize = 1_000_000;
/// Maximum number of chunks in the channel.
pub const WAITING: usize = 2;

/// Collects rows into a chunk.
#[derive(Debug, Default)]
pub struct Chunk {
    rows: Vec<Row>,
    bytes: usize,
}

impl Chunk {
    /// Adds a row; returns the chunk when it is full.
    pub fn push(&mut self, row: Row) -> Option<Vec<Row>> {
        self.bytes += row.size();
        self.rows.push(row);
        (self.rows.len() >= CHUNK_ROWS || self.bytes >= CHUNK_BYTES).then(|| self.take())
    }

    /// Returns the rows collected so far.
    pub fn take(&mut self) -> Vec<Row> {
        self.bytes = 0;
        std::mem::take(&mut self.rows)
    }
}
