//! The interface of a source.
//!
//! A source reads all rows from a given time on, from one consistent snapshot and in the order of `UPDATED_AT`. It skips rows
//! that are in the future by its own clock. Rows arrive in chunks over a bounded channel, so memory stays bounded when the
//! destination is slower.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::error::SyncError;
use super::row::{Row, RowHasher};
use crate::types::IntegrationKind;

/// A source that sends nothing for this long counts as disconnected. It is long because a query may take that long to return
/// its first row.
const READ_TIMEOUT: Duration = Duration::from_secs(2 * 3600);

/// A configured source.
pub trait Source: fmt::Debug + Send + Sync {
    /// Its kind: `kind` in the configuration, `warehouse_type` in the API.
    fn kind(&self) -> &'static str;

    /// The database and table, without secrets. Watermarks belong to this text: sources with different texts are different.
    fn identity(&self) -> String;

    /// The local file it reads from, if any.
    fn file(&self) -> Option<&Path>;

    /// Starts a reading.
    fn read(&self, request: ReadRequest) -> BoxFuture<'_, Result<Reading, SyncError>>;

    /// Checks that the source can be read, without reading its rows.
    fn probe(&self, kind: IntegrationKind) -> BoxFuture<'_, Result<SourceReport, SyncError>>;
}

/// What to read.
#[derive(Debug, Clone)]
pub struct ReadRequest {
    /// The type of the integration, which decides which columns are read.
    pub kind: IntegrationKind,
    /// Read rows of this time and later, in microseconds since 1970; `None`: all rows.
    pub from: Option<i64>,
    /// Read at most this many rows. The contents of other rows are not computed.
    pub most: Option<u64>,
    /// Computes the rows' digests.
    pub hasher: RowHasher,
}

/// Facts about the snapshot, reported before the first row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// When the oldest running transaction began, in microseconds since 1970: rows that the snapshot does not show yet are not
    /// dated earlier. `i64::MIN` if they may have any date; `None` if the source cannot tell.
    pub running_since: Option<i64>,
    /// Number of rows dated in the future, which are skipped until then.
    pub future: u64,
    /// Number of rows without an `UPDATED_AT`, which are never synced.
    pub undated: u64,
}

/// A message of a reading.
#[derive(Debug)]
pub enum Read {
    /// The first message, sent once.
    Opened(Opening),
    /// A chunk of rows.
    Rows(Vec<Row>),
    /// All rows were sent. The last message.
    End,
}

/// A running read of a source. Dropping it cancels the query.
pub struct Reading {
    reads: mpsc::Receiver<Result<Read, SyncError>>,
    /// Cancels the query when dropped.
    _stop: Box<dyn Send + Sync>,
}

impl Reading {
    /// A reading that receives its messages from `reads`. Dropping `stop` must cancel the query.
    pub fn new(reads: mpsc::Receiver<Result<Read, SyncError>>, stop: impl Send + Sync + 'static) -> Reading {
        Reading { reads, _stop: Box::new(stop) }
    }

    /// The next message. Nothing follows an error.
    pub async fn next(&mut self) -> Result<Read, SyncError> {
        match timeout(READ_TIMEOUT, self.reads.recv()).await {
            Ok(Some(read)) => read,
            Ok(None) => Err(SyncError::Failed("reading the source stopped without an error".into())),
            Err(_) => {
                Err(SyncError::Transient("the source sent nothing for two hours; its connection may be lost".into()))
            }
        }
    }
}

/// The result of probing a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceReport {
    /// The table or view.
    pub table: String,
    /// Whether it is a view.
    pub is_view: bool,
    /// The format of `UPDATED_AT`; `None` without rows.
    pub updated_at: Option<&'static str>,
    /// Whether there are rows, but none with an `UPDATED_AT`.
    pub undated: bool,
    /// The identifier columns.
    pub identifiers: Vec<String>,
    /// A recommendation for the source's owner, which is not part of the report's text.
    pub advice: Option<&'static str>,
}

impl fmt::Display for SourceReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.is_view { "view" } else { "table" };
        write!(formatter, "{what} {}, identified by {}", self.table, self.identifiers.join(", "))?;
        match self.updated_at {
            _ if self.undated => formatter.write_str(", no row has an UPDATED_AT, so none will be synced"),
            Some(kind) => write!(formatter, ", UPDATED_AT is {kind}"),
            None => formatter.write_str(", no rows yet"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_views_from_tables() {
        let report = |is_view| {
            let identifiers = vec!["EMAIL".to_owned()];
            let report = SourceReport {
                table: "t".into(),
                is_view,
                updated_at: None,
                undated: false,
                identifiers,
                advice: None,
            };
            report.to_string()
        };
        assert_eq!(report(true), "view t, identified by EMAIL, no rows yet");
        assert_eq!(report(false), "table t, identified by EMAIL, no rows yet");
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_sends_nothing_times_out() {
        let (sender, reads) = mpsc::channel(1);
        let mut reading = Reading::new(reads, ());
        let error = reading.next().await.unwrap_err();
        assert!(matches!(&error, SyncError::Transient(cause) if cause.contains("nothing for two hours")), "{error}");
        drop(sender);
        let error = reading.next().await.unwrap_err();
        assert!(matches!(&error, SyncError::Failed(cause) if cause.contains("without an error")), "{error}");
    }
}
