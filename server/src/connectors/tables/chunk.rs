//! Rows on their way from a table to the engine, in chunks.

use crate::sync::row::Row;

/// Rows in a chunk, and bytes.
const CHUNK_ROWS: usize = 1000;
const CHUNK_BYTES: usize = 1_000_000;
/// How many chunks may wait in the channel.
pub const WAITING: usize = 2;

/// Rows on their way into a chunk.
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

    /// Returns the rows so far.
    pub fn take(&mut self) -> Vec<Row> {
        self.bytes = 0;
        std::mem::take(&mut self.rows)
    }
}
