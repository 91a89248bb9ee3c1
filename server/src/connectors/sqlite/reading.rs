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
use crate::connectors::tables::survey::{Selection, Survey};
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
    order: Order,
    path: AccessPath,
}

/// How the rows are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// They are read in any order: all have one time.
    Any,
    /// They are read as they are stored: rows stored later have later times.
    Stored,
    /// By an index or a sort, as SQLite decides.
    Rows,
    /// By a sort of times and places. Where rows are stored in no order, fetching them takes longer than sorting them.
    Places,
}

/// From so many rows on, a sort writes so much that it is reduced to times and places if possible.
const LARGE_SORT: u64 = if cfg!(test) { 1000 } else { 1_000_000 };

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
            let order = self.order(&survey, &selection, path, request.most)?;
            self.send_rows(&Plan { selection, order, path }, request, sender)?;
        }
        let _ = sender.blocking_send(Ok(Read::End));
        Ok(())
    }

    fn order(
        &self,
        survey: &Survey,
        selection: &Selection,
        path: AccessPath,
        most: Option<u64>,
    ) -> Result<Order, SyncError> {
        // A survey by an index does not see how rows are stored.
        let sees_places = path != AccessPath::Index;
        Ok(if selection.is_one_time() {
            Order::Any
        } else if sees_places && survey.is_in_order() {
            Order::Stored
        } else if sees_places
            && most.is_none()
            && survey.new >= LARGE_SORT
            && survey.is_nearly_in_order()
            && self.finds_places()?
        {
            Order::Places
        } else {
            Order::Rows
        })
    }

    fn send_rows(&self, plan: &Plan, request: &ReadRequest, sender: &Sender) -> Result<(), SyncError> {
        let mut statement = self.select(plan, request.most)?;
        let mut rows = self.query(&mut statement, &plan.selection)?;
        let mut by_place = if plan.order == Order::Places { Some(self.select_by_place()?) } else { None };
        let mut chunk = Chunk::default();
        while let Some(row) = rows.next().map_err(|error| self.error(&error))? {
            let row = match &mut by_place {
                None => self.row(row, &request.hasher)?,
                Some(by_place) => {
                    let place: i64 = row.get(0).map_err(|error| self.error(&error))?;
                    let mut found = by_place.query([place]).map_err(|error| self.error(&error))?;
                    let Some(row) = found.next().map_err(|error| self.error(&error))? else { continue };
                    self.row(row, &request.hasher)?
                }
            };
            if let Some(full) = chunk.push(row)
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

    /// Selects the planned rows, or their places, in order; up to `most` rows.
    fn select(&self, plan: &Plan, most: Option<u64>) -> Result<Statement<'_>, SyncError> {
        let column = self.updated_at();
        let time = match plan.selection {
            Selection::Stored { .. } => column.clone(),
            Selection::Computed { .. } => format!("{MICROS}({column})"),
        };
        // Rows with equal times are ordered by `rowid`, if they have one.
        let order = match (self.has_places, plan.order) {
            (_, Order::Any) => String::new(),
            (_, Order::Stored) => " ORDER BY rowid".to_owned(),
            (true, Order::Rows | Order::Places) => format!(" ORDER BY {time}, rowid"),
            (false, Order::Rows | Order::Places) => format!(" ORDER BY {time}"),
        };
        // An index may have the places in order.
        let path = if plan.order == Order::Places { AccessPath::Scan } else { plan.path };
        let planned = format!("FROM {} WHERE {time} BETWEEN ?1 AND ?2", self.from(path));
        // Find the last time of the first rows without reading the contents of later rows.
        let first = most.map_or(String::new(), |most| {
            let last = format!("SELECT max(time) FROM (SELECT {time} AS time {planned} ORDER BY 1 LIMIT {most})");
            format!(" AND {time} <= ({last})")
        });
        let limit = most.map_or(String::new(), |most| format!(" LIMIT {most}"));
        let selected = if plan.order == Order::Places { "rowid".to_owned() } else { self.selected() };
        let text = format!("SELECT {selected} {planned}{first}{order}{limit}");
        self.connection.prepare(&text).map_err(|error| self.error(&error))
    }

    /// Selects the row at a place.
    fn select_by_place(&self) -> Result<Statement<'_>, SyncError> {
        let text = format!("SELECT {} FROM {} WHERE rowid = ?1", self.selected(), self.table.quoted());
        self.connection.prepare(&text).map_err(|error| self.error(&error))
    }

    /// The columns of a row.
    fn selected(&self) -> String {
        let content: Vec<String> = self.columns.content().map(quoted).collect();
        format!("{}, {}", self.updated_at(), content.join(", "))
    }

    fn row(&self, row: &rusqlite::Row<'_>, hasher: &RowHasher) -> Result<Row, SyncError> {
        let updated_at = row.get_ref(0).map_err(|error| self.error(&error))?;
        let updated_at = micros(updated_at).ok_or_else(|| self.not_a_timestamp(updated_at))?;
        values::row(&self.columns, hasher, updated_at, row).map_err(|error| self.error(&error))
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    const ROWS: usize = 2000;

    /// A database with a table and what else is told, to be read by this name; its rows are in the order of `n`, which is
    /// computed from a row's number `i`.
    fn opened(folder: &Path, n: &str, more: &str, name: &str) -> SqliteTable {
        let path = folder.join("source.db");
        // It is there from the second table on.
        let _ = std::fs::remove_file(&path);
        let statements = format!(
            "CREATE TABLE users (UPDATED_AT, EXTERNAL_ID, PAYLOAD);
             WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < {ROWS} - 1)
             INSERT INTO users SELECT 1767225600 + {n}, 'user-' || i, '{{}}' FROM c; {more}"
        );
        Connection::open(&path).unwrap().execute_batch(&statements).unwrap();
        SqliteTable::open(&path, &name.parse().unwrap(), IntegrationKind::Attributes).unwrap()
    }

    /// How a table is read: the order, the steps of the plan, and the rows.
    fn read(source: &SqliteTable, from: Option<i64>) -> (Order, Vec<String>, Vec<Row>) {
        let path = if from.is_none() { AccessPath::Whole } else { source.access_path().unwrap() };
        let (survey, _) = source.survey(from, path, Utc::now().timestamp_micros().max(4_000_000_000_000_000)).unwrap();
        let selection = survey.selection().unwrap();
        let order = source.order(&survey, &selection, path, None).unwrap();
        let plan = Plan { selection, order, path };
        let text = source.select(&plan, None).unwrap().expanded_sql().unwrap();
        let steps = source.steps(&text).unwrap();
        let request =
            ReadRequest { kind: IntegrationKind::Attributes, from, most: None, hasher: RowHasher::new([0; 32]) };
        let (sender, mut reads) = mpsc::channel(100);
        source.send_rows(&plan, &request, &sender).unwrap();
        drop(sender);
        let mut rows = Vec::new();
        while let Some(read) = reads.blocking_recv() {
            if let Read::Rows(more) = read.unwrap() {
                rows.extend(more);
            }
        }
        (order, steps, rows)
    }

    #[test]
    fn rows_are_sorted_no_more_than_their_storage_needs() {
        const SORT: &str = "USE TEMP B-TREE FOR ORDER BY";
        const NEARLY: &str = "i + iif(i % 50 = 49, 100, 0)";
        let folder = tempfile::tempdir().unwrap();
        let index = "CREATE INDEX times ON users (UPDATED_AT)";
        let view = "CREATE VIEW v AS SELECT UPDATED_AT, EXTERNAL_ID, PAYLOAD FROM users";
        let own = "CREATE TABLE v (UPDATED_AT, EXTERNAL_ID, PAYLOAD, rowid); INSERT INTO v SELECT *, rowid FROM users";
        let none = "CREATE TABLE v (UPDATED_AT, EXTERNAL_ID PRIMARY KEY, PAYLOAD) WITHOUT ROWID; INSERT INTO v SELECT * FROM users";
        for (n, more, name, expected, sorts) in [
            ("i", "", "users", Order::Stored, false),
            ("5", "", "users", Order::Any, false),
            ("5", view, "v", Order::Any, false),
            (NEARLY, "", "users", Order::Places, true),
            (NEARLY, index, "users", Order::Places, false),
            (NEARLY, own, "v", Order::Rows, true),
            (NEARLY, none, "v", Order::Rows, true),
            (NEARLY, view, "v", Order::Rows, true),
            ("i * 7919 % 2000", "", "users", Order::Rows, true),
        ] {
            let source = opened(folder.path(), n, more, name);
            let (order, steps, rows) = read(&source, None);
            assert_eq!(order, expected, "{n} {more}");
            assert_eq!(steps.iter().any(|step| step == SORT), sorts, "{n} {more}: {steps:?}");
            assert_eq!(rows.len(), ROWS, "{n} {more}");
            assert!(rows.is_sorted_by_key(|row| row.updated_at), "{n} {more}");
            let mut users: Vec<_> = rows.iter().map(|row| format!("{:?}", row.identifier)).collect();
            users.sort_unstable();
            users.dedup();
            assert_eq!(users.len(), ROWS, "{n} {more}: each row comes once");
        }
    }

    #[test]
    fn an_index_gives_new_rows_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let source = opened(folder.path(), "i * 7919 % 2000", "CREATE INDEX times ON users (UPDATED_AT)", "users");
        let (order, steps, rows) = read(&source, Some(1_767_227_000_000_000));
        assert_eq!((order, rows.len()), (Order::Rows, 600));
        assert!(steps[0].starts_with("SEARCH users USING INDEX times") && steps.len() == 1, "{steps:?}");
        assert!(rows.is_sorted_by_key(|row| row.updated_at));
    }
}
