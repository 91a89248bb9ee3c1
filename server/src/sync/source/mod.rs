//! Where rows come from.
//!
//! A source reads the rows of some time and later ones from one consistent snapshot, in the order of `UPDATED_AT`. It leaves
//! out rows dated in the future of its own clock, and hands the others over in chunks: it waits where they are not taken,
//! so memory stays bounded.

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
use super::row::{Row, RowHasher};
use crate::config::{Integration, Source};
use crate::types::IntegrationKind;

/// Rows in a chunk, and bytes.
const CHUNK_ROWS: usize = 1000;
const CHUNK_BYTES: usize = 1_000_000;
/// Chunks that may wait to be taken.
const WAITING: usize = 2;
/// How long to wait for somebody who has locked the table. Tests that lock one do not wait for so long.
const LOCKED: Duration = if cfg!(test) { Duration::from_secs(1) } else { Duration::from_secs(10) };
/// A connection that is silent for so long is lost, even if nobody has said so. A query may take its time.
const SILENT: Duration = Duration::from_secs(2 * 3600);

/// What is to be read.
#[derive(Debug, Clone)]
pub struct ReadRequest {
    /// What is synced.
    pub kind: IntegrationKind,
    /// Rows of this time and later ones, in microseconds since 1970; nothing: all rows.
    pub from: Option<i64>,
    /// Only the first so many of them. Contents of other rows are not read.
    pub most: Option<u64>,
    /// Makes the rows' digests.
    pub hasher: RowHasher,
}

/// What a source says before its first row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// The oldest transaction that was running before the snapshot began at this time, in microseconds since 1970: what
    /// the snapshot does not show yet may be dated so early. Nothing where the source does not tell.
    pub running_since: Option<i64>,
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

/// Begins to read.
pub async fn read(integration: &Integration, mut request: ReadRequest) -> Result<Reading, SyncError> {
    // Databases count with a sign.
    request.most = request.most.map(|most| most.min(u64::MAX / 4));
    match &integration.source {
        Source::Sqlite { path, table } => sqlite::read(path, table, request).await,
        Source::Postgres { url, table } => postgres::read(url, table, request).await,
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
