//! Reads a SQLite table or view in a separate thread.
//!
//! A run first surveys the `UPDATED_AT` values: which are read, how many are in the future, whether SQLite sorts them
//! chronologically, and whether they are already in order. With an index on the column, earlier values are not
//! examined.

use std::path::Path;

use chrono::Utc;
use rusqlite::{InterruptHandle, Rows, Statement, params};
use tokio::sync::mpsc;

use super::table::{AccessPath, MICROS, SqliteTable, is_view};
use super::values::{self, micros};
use crate::connectors::tables::survey::Selection;
use crate::connectors::tables::timestamps::TimestampFormat;
use crate::connectors::tables::{Chunk, MOST_ROWS, WAITING};
use crate::sync::SyncError;
use crate::sync::row::{Row, RowHasher};
use crate::sync::source::{Opening, Read, ReadRequest, Reading, SourceReport};
use crate::types::{IntegrationKind, TableName, quoted};

/// Starts reading.
pub async fn read(path: &Path, table: &TableName, mut request: ReadRequest) -> Result<Reading, SyncError> {
    request.most = request.most.map(|most| most.min(MOST_ROWS));
    let (path, table, kind) = (path.to_owned(), table.clone(), request.kind);
    let source = blocking(move || SqliteTable::open(&path, &table, kind)).await?;
    let stop = StopOnDrop(source.connection.get_interrupt_handle());
    let (sender, reads) = mpsc::channel(WAITING);
    let run = move || {
        if let Err(error) = source.run(&request, &sender) {
            // Sending fails if the reading was dropped.
            let _ = sender.blocking_send(Err(error));
        }
    };
    let thread = std::thread::Builder::new().name("sqlite-source".into()).spawn(run);
    thread.map_err(|error| {
        SyncError::Transient(format!("the thread that reads the source cannot be started: {error}"))
    })?;
    Ok(Reading::new(reads, stop))
}

/// Checks whether the table can be read.
pub async fn probe(path: &Path, table: &TableName, kind: IntegrationKind) -> Result<SourceReport, SyncError> {
    let (path, table) = (path.to_owned(), table.clone());
    blocking(move || {
        let source = SqliteTable::open(&path, &table, kind)?;
        let format = source.format()?;
        let journal: String = source
            .connection
            .query_row("PRAGMA journal_mode", (), |row| row.get(0))
            .map_err(|error| source.error(&error))?;
        let undated = format.is_none() && source.has_rows()?;
        let waits = "syncs block writers; `PRAGMA journal_mode = WAL` avoids that";
        Ok(SourceReport {
            table: source.table.to_string(),
            is_view: is_view(&source.connection, source.table.last()),
            updated_at: format.map(TimestampFormat::name),
            undated,
            identifiers: source.columns.identifiers.into_iter().map(|(_, name)| name).collect(),
            advice: (!journal.eq_ignore_ascii_case("wal")).then_some(waits),
        })
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SyncError> + Send + 'static,
) -> Result<T, SyncError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(SyncError::Failed(format!("the source cannot be opened: {error}"))))
}

struct StopOnDrop(InterruptHandle);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.interrupt();
    }
}

type Sender = mpsc::Sender<Result<Read, SyncError>>;

/// How the rows of a run are read.
struct Plan {
    selection: Selection,
    /// Whether rows stored later have later times, so that no sort is needed.
    is_in_order: bool,
    path: AccessPath,
}

impl SqliteTable {
    /// Sends the opening and the rows, or only the first rows, until the receiver is dropped.
    fn run(&self, request: &ReadRequest, sender: &Sender) -> Result<(), SyncError> {
        let now = Utc::now().timestamp_micros();
        let path =
            if request.from.is_none() && request.most.is_none() { AccessPath::Whole } else { self.access_path()? };
        let (survey, undated) = self.survey(request.from, path, now)?;
        // SQLite does not show running transactions of writers; `lookback` has to cover them.
        let opening = Opening { running_since: None, future: survey.future, undated };
        if sender.blocking_send(Ok(Read::Opened(opening))).is_err() {
            return Ok(());
        }
        if let Some(selection) = survey.selection() {
            self.send_rows(&Plan { selection, is_in_order: survey.is_in_order(), path }, request, sender)?;
        }
        let _ = sender.blocking_send(Ok(Read::End));
        Ok(())
    }

    fn send_rows(&self, plan: &Plan, request: &ReadRequest, sender: &Sender) -> Result<(), SyncError> {
        let mut statement = self.select(plan, request.most)?;
        let mut rows = self.query(&mut statement, &plan.selection)?;
        let mut chunk = Chunk::default();
        while let Some(row) = rows.next().map_err(|error| self.error(&error))? {
            if let Some(full) = chunk.push(self.row(row, &request.hasher)?)
                && sender.blocking_send(Ok(Read::Rows(full))).is_err()
            {
                return Ok(());
            }
        }
        let _ = sender.blocking_send(Ok(Read::Rows(chunk.take())));
        Ok(())
    }

    fn query<'s>(&self, statement: &'s mut Statement<'_>, selection: &Selection) -> Result<Rows<'s>, SyncError> {
        let rows = match selection {
            Selection::Stored { from, to } => statement.query(params![from, to]),
            Selection::Computed { from, to } => statement.query(params![from, to]),
        };
        rows.map_err(|error| self.error(&error))
    }

    /// Selects the planned rows in order, up to `most` rows.
    fn select(&self, plan: &Plan, most: Option<u64>) -> Result<Statement<'_>, SyncError> {
        let column = self.updated_at();
        let time = match plan.selection {
            Selection::Stored { .. } => column.clone(),
            Selection::Computed { .. } => format!("{MICROS}({column})"),
        };
        let content: Vec<String> = self.columns.content().map(quoted).collect();
        let content = content.join(", ");
        // Rows with equal times are ordered by `rowid`, if they have one.
        let order = match (self.has_places, plan.is_in_order && plan.path != AccessPath::Index) {
            (true, true) => "rowid".to_owned(),
            (true, false) => format!("{time}, rowid"),
            (false, _) => time.clone(),
        };
        let from = self.from(plan.path);
        let planned = format!("FROM {from} WHERE {time} BETWEEN ?1 AND ?2");
        // Find the last time of the first rows without reading the contents of later rows.
        let first = most.map_or(String::new(), |most| {
            let last = format!("SELECT max(time) FROM (SELECT {time} AS time {planned} ORDER BY 1 LIMIT {most})");
            format!(" AND {time} <= ({last})")
        });
        let limit = most.map_or(String::new(), |most| format!(" LIMIT {most}"));
        let text = format!("SELECT {column}, {content} {planned}{first} ORDER BY {order}{limit}");
        self.connection.prepare(&text).map_err(|error| self.error(&error))
    }

    fn row(&self, row: &rusqlite::Row<'_>, hasher: &RowHasher) -> Result<Row, SyncError> {
        let updated_at = row.get_ref(0).map_err(|error| self.error(&error))?;
        let updated_at = micros(updated_at).ok_or_else(|| self.not_a_timestamp(updated_at))?;
        values::row(&self.columns, hasher, updated_at, row).map_err(|error| self.error(&error))
    }
}
