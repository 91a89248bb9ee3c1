//! Where rows come from: what the engine asks of a source.
//!
//! A source reads the rows of some time and later ones from one consistent snapshot, in the order of `UPDATED_AT`. It leaves
//! out rows dated in the future of its own clock, and hands the others over in chunks: it waits where they are not taken,
//! so memory stays bounded.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::error::SyncError;
use super::row::{Row, RowHasher};
use crate::types::IntegrationKind;

/// A connection that is silent for so long is lost, even if nobody has said so. A query may take its time.
const SILENT: Duration = Duration::from_secs(2 * 3600);

/// A source as it is configured.
pub trait Source: fmt::Debug + Send + Sync {
    /// Its kind in configuration, `warehouse_type` on the wire.
    fn kind(&self) -> &'static str;

    /// Which table of which database it is, without secrets: two sources with different texts are different.
    fn identity(&self) -> String;

    /// The file of this machine that it is, if it is one.
    fn file(&self) -> Option<&Path>;

    /// Begins to read.
    fn read(&self, request: ReadRequest) -> BoxFuture<'_, Result<Reading, SyncError>>;

    /// Checks whether it can be read, without reading its rows.
    fn probe(&self, kind: IntegrationKind) -> BoxFuture<'_, Result<SourceReport, SyncError>>;
}

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
    /// What the snapshot does not show yet is not dated earlier than this, in microseconds since 1970, because no transaction
    /// was running that had begun before; the lowest number where it may have any date, and nothing where the source does
    /// not tell.
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
    /// A reading of what arrives in this channel. `stop` is dropped with it, which has to end the query.
    pub fn new(reads: mpsc::Receiver<Result<Read, SyncError>>, stop: impl Send + Sync + 'static) -> Reading {
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

/// The result of a probe of a source that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceReport {
    /// The table.
    pub table: String,
    /// The format of `UPDATED_AT`; `None` without rows.
    pub updated_at: Option<&'static str>,
    /// The identifier columns.
    pub identifiers: Vec<String>,
    /// A warning that is not part of the text of the report.
    pub advice: Option<&'static str>,
}

impl fmt::Display for SourceReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "table {}, identified by {}", self.table, self.identifiers.join(", "))?;
        match self.updated_at {
            Some(kind) => write!(formatter, ", UPDATED_AT is {kind}"),
            None => formatter.write_str(", no rows yet"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever_for_a_source() {
        let (sender, reads) = mpsc::channel(1);
        let mut reading = Reading::new(reads, ());
        let error = reading.next().await.unwrap_err();
        assert!(matches!(&error, SyncError::Passing(cause) if cause.contains("nothing for two hours")), "{error}");
        drop(sender);
        let error = reading.next().await.unwrap_err();
        assert!(matches!(&error, SyncError::Failed(cause) if cause.contains("without saying why")), "{error}");
    }
}
