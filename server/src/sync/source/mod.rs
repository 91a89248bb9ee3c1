//! Where rows come from.
//!
//! A source reads one consistent snapshot in the order of `UPDATED_AT`, then of the rest of a row, so that only rows that
//! are alike have no order. It leaves out what an earlier run has dealt with and rows dated in the future of its own
//! clock, and hands the rest over in chunks: it waits where they are not taken, so memory stays bounded.

mod clock;
mod columns;
mod postgres;
mod sqlite;
mod survey;

use std::fmt;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::SyncError;
use super::row::Row;
use crate::config::{Integration, Source};
use crate::sync::Watermark;

/// Rows in a chunk, and bytes.
const CHUNK_ROWS: usize = 1000;
const CHUNK_BYTES: usize = 1_000_000;
/// Chunks that may wait to be taken.
const WAITING: usize = 2;
/// How long to wait for somebody who has locked the table. Tests that lock one do not wait for so long.
const LOCKED: Duration = if cfg!(test) { Duration::from_secs(1) } else { Duration::from_secs(10) };
/// A connection that is silent for so long is lost, even if nobody has said so. A query may take its time.
const SILENT: Duration = Duration::from_secs(2 * 3600);

/// What a source says before its first row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// The watermark, with as many rows at it as are left out of this reading.
    pub watermark: Option<Watermark>,
    /// Rows dated in the future, which wait until their time comes.
    pub future: u64,
    /// Rows without an `UPDATED_AT`, which no run ever takes.
    pub undated: u64,
}

/// What a source hands over.
#[derive(Debug)]
pub enum Read {
    /// Once, before anything else.
    Opened(Opening),
    /// Some rows.
    Rows(Vec<Row>),
    /// There are no more; nothing follows.
    End,
}

/// A reading. Dropping it ends it.
pub struct Reading {
    reads: mpsc::Receiver<Result<Read, SyncError>>,
    /// Cuts a running query short.
    _stop: Box<dyn Send + Sync>,
}

impl Reading {
    /// What arrives there, until `stop` is dropped.
    fn new(reads: mpsc::Receiver<Result<Read, SyncError>>, stop: impl Send + Sync + 'static) -> Reading {
        Reading { reads, _stop: Box::new(stop) }
    }

    /// What comes next. After an error nothing follows.
    pub async fn next(&mut self) -> Result<Read, SyncError> {
        match timeout(SILENT, self.reads.recv()).await {
            Ok(Some(read)) => read,
            Ok(None) => Err(SyncError::Failed("the source stopped without saying why".into())),
            Err(_) => {
                Err(SyncError::Passing("the source has said nothing for two hours; is its connection lost?".into()))
            }
        }
    }
}

/// Rows on their way into a chunk.
#[derive(Default)]
struct Chunk {
    rows: Vec<Row>,
    bytes: usize,
}

impl Chunk {
    /// Adds a row; gives the chunk away when it is full.
    fn push(&mut self, row: Row) -> Option<Vec<Row>> {
        self.bytes += row.size();
        self.rows.push(row);
        (self.rows.len() >= CHUNK_ROWS || self.bytes >= CHUNK_BYTES).then(|| self.take())
    }

    /// Gives away what there is.
    fn take(&mut self) -> Vec<Row> {
        self.bytes = 0;
        std::mem::take(&mut self.rows)
    }
}

/// Begins to read the rows that are not dealt with.
pub async fn read(integration: &Integration, watermark: Option<Watermark>) -> Result<Reading, SyncError> {
    begin(integration, watermark, None).await
}

/// Begins to read the first of them, at most so many. Contents of other rows are not read; rows of one time come in any
/// order.
pub async fn read_first(
    integration: &Integration,
    watermark: Option<Watermark>,
    most: u64,
) -> Result<Reading, SyncError> {
    // What is skipped comes on top, and databases count with a sign.
    begin(integration, watermark, Some(most.min(u64::MAX / 4))).await
}

async fn begin(
    integration: &Integration,
    watermark: Option<Watermark>,
    most: Option<u64>,
) -> Result<Reading, SyncError> {
    match &integration.source {
        Source::Sqlite { path, table } => sqlite::read(path, table, integration.kind, watermark, most).await,
        Source::Postgres { url, table } => postgres::read(url, table, integration.kind, watermark, most).await,
    }
}

/// What is found at a source that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The table.
    pub table: String,
    /// What `UPDATED_AT` is; nothing where there are no rows yet.
    pub updated_at: Option<&'static str>,
    /// The identifier columns.
    pub identifiers: Vec<String>,
    /// What its owner might want to know.
    pub advice: Option<&'static str>,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "table {}, identified by {}", self.table, self.identifiers.join(", "))?;
        match self.updated_at {
            Some(kind) => write!(formatter, ", UPDATED_AT is {kind}")?,
            None => formatter.write_str(", no rows yet")?,
        }
        self.advice.map_or(Ok(()), |advice| write!(formatter, "; {advice}"))
    }
}

/// Looks whether the source can be read, without reading its rows.
pub async fn look(integration: &Integration) -> Result<Report, SyncError> {
    match &integration.source {
        Source::Sqlite { path, table } => sqlite::look(path, table, integration.kind).await,
        Source::Postgres { url, table } => postgres::look(url, table, integration.kind).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever_for_a_source() {
        let (sender, reads) = mpsc::channel(WAITING);
        let mut reading = Reading::new(reads, ());
        let error = reading.next().await.unwrap_err();
        assert!(matches!(&error, SyncError::Passing(cause) if cause.contains("nothing for two hours")), "{error}");
        drop(sender);
        let error = reading.next().await.unwrap_err();
        assert!(matches!(&error, SyncError::Failed(cause) if cause.contains("without saying why")), "{error}");
    }
}
