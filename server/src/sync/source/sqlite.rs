//! A SQLite table or view as a source, read in a thread of its own.
//!
//! A run first surveys the `UPDATED_AT`s that may be new: which there are, how many wait or are left out, and whether
//! SQLite sorts them as time does, which they do when all are written alike. Then SQLite need not compute a time for
//! each, and an index on the column serves.

mod values;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, InterruptHandle, OpenFlags, OptionalExtension as _, Rows, Statement, params};
use tokio::sync::mpsc;

use super::clock::Form;
use super::columns::Columns;
use super::survey::{Selection, Survey};
use super::{Chunk, Opening, Read, Reading, Report, SyncError, WAITING};
use crate::config::{IntegrationKind, TableName, quoted};
use crate::store::Watermark;
use crate::sync::row::Row;
use values::{example, form, meaning, micros, native, not_a_time};

/// How long to wait for somebody who writes.
const BUSY: Duration = Duration::from_secs(10);
/// The function that SQLite can ask for a time in microseconds.
const MICROS: &str = "cdi_micros";

/// Begins to read.
pub async fn read(
    path: &Path,
    table: &TableName,
    kind: IntegrationKind,
    watermark: Option<Watermark>,
) -> Result<Reading, SyncError> {
    let (path, table) = (path.to_owned(), table.clone());
    let source = blocking(move || SqliteSource::open(&path, &table, kind)).await?;
    let stop = StopOnDrop(source.connection.get_interrupt_handle());
    let (sender, reads) = mpsc::channel(WAITING);
    let run = move || {
        if let Err(error) = source.run(watermark, &sender) {
            // Nobody listens any more where the reading was dropped.
            let _ = sender.blocking_send(Err(error));
        }
    };
    let thread = std::thread::Builder::new().name("sqlite-source".into()).spawn(run);
    thread.map_err(|error| SyncError::Failed(format!("no thread to read the source in: {error}")))?;
    Ok(Reading::new(reads, stop))
}

/// Looks whether it can be read.
pub async fn look(path: &Path, table: &TableName, kind: IntegrationKind) -> Result<Report, SyncError> {
    let (path, table) = (path.to_owned(), table.clone());
    blocking(move || {
        let source = SqliteSource::open(&path, &table, kind)?;
        let form = source.form()?;
        let journal: String = source
            .connection
            .query_row("PRAGMA journal_mode", (), |row| row.get(0))
            .map_err(|error| source.error(&error))?;
        let waits =
            "while a sync reads, those who write to this database wait; `PRAGMA journal_mode = WAL` lets them go on";
        Ok(Report {
            table: source.table.to_string(),
            updated_at: form.map(Form::name),
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

struct SqliteSource {
    connection: Connection,
    table: TableName,
    columns: Columns,
    /// What the function for times held against one: SQLite's own error has only a text.
    odd: Arc<Mutex<Option<SyncError>>>,
}

impl SqliteSource {
    fn open(path: &Path, table: &TableName, kind: IntegrationKind) -> Result<SqliteSource, SyncError> {
        let place = format!("the source {}", path.display());
        if !path.is_file() {
            return Err(SyncError::Config(format!("{place}: there is no such file")));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| meaning(&place, &error))?;
        connection
            .busy_timeout(BUSY)
            // The snapshot is that of the first read.
            .and_then(|()| connection.execute_batch("BEGIN"))
            .and_then(|()| connection.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(())))
            .map_err(|error| meaning(&place, &error))?;
        let names: Vec<String> = {
            let statement = connection.prepare(&format!("SELECT * FROM {} LIMIT 0", table.quoted()));
            let statement = statement.map_err(|error| meaning(&format!("the table `{table}`"), &error))?;
            statement.column_names().into_iter().map(str::to_owned).collect()
        };
        let columns = Columns::find(table, &names, kind)?;
        let source = SqliteSource { connection, table: table.clone(), columns, odd: Arc::default() };
        source.add_function().map_err(|error| source.error(&error))?;
        Ok(source)
    }

    /// Lets SQL ask for a time in microseconds.
    fn add_function(&self) -> rusqlite::Result<()> {
        let (odd, table, column) = (self.odd.clone(), self.table.clone(), self.columns.updated_at.clone());
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        self.connection.create_scalar_function(MICROS, 1, flags, move |context| {
            let value = context.get_raw(0);
            if value == ValueRef::Null {
                return Ok(None);
            }
            micros(value).map(Some).ok_or_else(|| {
                let error = not_a_time(&table, &column, value);
                let message = rusqlite::Error::UserFunctionError(Box::new(error.clone()));
                odd.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                message
            })
        })
    }

    /// What `UPDATED_AT` is. SQLite sorts numbers before texts and small numbers before large ones, so the lowest and the
    /// highest tell whether all are of one form.
    fn form(&self) -> Result<Option<Form>, SyncError> {
        let (table, column) = (self.table.quoted(), self.updated_at());
        let extreme = |order: &str| {
            let text =
                format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY {column} {order} LIMIT 1");
            let value = self.connection.query_row(&text, (), |row| {
                let value = row.get_ref(0)?;
                let form = form(value).map(|form| (example(value), form));
                Ok(form.ok_or_else(|| not_a_time(&self.table, &self.columns.updated_at, value)))
            });
            value.optional().map_err(|error| self.error(&error))?.transpose()
        };
        let (Some((lowest, low)), Some((highest, high))) = (extreme("ASC")?, extreme("DESC")?) else {
            return Ok(None);
        };
        if low != high {
            return Err(SyncError::Config(format!(
                "the column `{}` of the table `{}` mixes kinds: {lowest} is {}, {highest} is {}",
                self.columns.updated_at,
                self.table,
                low.name(),
                high.name()
            )));
        }
        Ok(Some(low))
    }

    /// Sends everything, until nobody listens any more.
    fn run(&self, watermark: Option<Watermark>, sender: &Sender) -> Result<(), SyncError> {
        let now = Utc::now().timestamp_micros();
        let survey = self.survey(self.form()?, watermark, now)?;
        let mut opening =
            Opening { watermark: survey.left_out(watermark), future: survey.future, undated: self.undated()? };
        let mut statement = None;
        let mut skip = 0;
        if let Some(selection) = survey.selection(opening.watermark) {
            let statement = statement.insert((self.select(&selection)?, selection));
            if let Some(watermark) = &mut opening.watermark
                && let Some(digest) = watermark.digest
            {
                // The rows at the watermark that are dealt with stand in front, unless something has changed there.
                let stands = digest == self.digest_of_first(&mut statement.0, &statement.1, watermark.rows_at)?;
                skip = if stands { watermark.rows_at } else { 0 };
                (watermark.rows_at, watermark.digest) = (skip, Some(if stands { digest } else { 0 }));
            }
        }
        if sender.blocking_send(Ok(Read::Opened(opening))).is_err() {
            return Ok(());
        }
        if let Some((statement, selection)) = &mut statement {
            self.send_rows(statement, selection, skip, sender)?;
        }
        let _ = sender.blocking_send(Ok(Read::End));
        Ok(())
    }

    /// Looks at every `UPDATED_AT` that may be new.
    fn survey(&self, form: Option<Form>, watermark: Option<Watermark>, now: i64) -> Result<Survey, SyncError> {
        let mut survey = Survey::new(watermark, now);
        let Some(form) = form else { return Ok(survey) };
        let column = self.updated_at();
        let text = format!("SELECT {column} FROM {} WHERE {column} >= ?1", self.table.quoted());
        let mut statement = self.connection.prepare(&text).map_err(|error| self.error(&error))?;
        let mut values = statement.query(params![survey.lowest(form)]).map_err(|error| self.error(&error))?;
        while let Some(row) = values.next().map_err(|error| self.error(&error))? {
            let value = row.get_ref(0).map_err(|error| self.error(&error))?;
            let (micros, native) = micros(value)
                .zip(native(value))
                .ok_or_else(|| not_a_time(&self.table, &self.columns.updated_at, value))?;
            survey.take(micros, native);
        }
        Ok(survey)
    }

    fn undated(&self) -> Result<u64, SyncError> {
        let text = format!("SELECT count(*) FROM {} WHERE {} IS NULL", self.table.quoted(), self.updated_at());
        self.connection.query_row(&text, (), |row| row.get(0)).map_err(|error| self.error(&error))
    }

    /// The digest of the first so many rows.
    fn digest_of_first(
        &self,
        statement: &mut Statement<'_>,
        selection: &Selection,
        count: u64,
    ) -> Result<u64, SyncError> {
        let mut rows = self.query(statement, selection)?;
        let mut digest = 0_u64;
        for _ in 0..count {
            let Some(row) = rows.next().map_err(|error| self.error(&error))? else { break };
            digest = digest.wrapping_add(self.row(row)?.digest());
        }
        Ok(digest)
    }

    fn send_rows(
        &self,
        statement: &mut Statement<'_>,
        selection: &Selection,
        skip: u64,
        sender: &Sender,
    ) -> Result<(), SyncError> {
        let mut rows = self.query(statement, selection)?;
        let mut chunk = Chunk::default();
        let mut number = 0;
        while let Some(row) = rows.next().map_err(|error| self.error(&error))? {
            number += 1;
            if number > skip
                && let Some(full) = chunk.push(self.row(row)?)
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
            Selection::Native { from, to } => statement.query(params![from, to]),
            Selection::Computed { from, to } => statement.query(params![from, to]),
        };
        rows.map_err(|error| self.error(&error))
    }

    /// The selected rows in reading order. Rows that are alike in all of it are alike altogether.
    fn select(&self, selection: &Selection) -> Result<Statement<'_>, SyncError> {
        let time = match selection {
            Selection::Native { .. } => self.updated_at(),
            Selection::Computed { .. } => format!("{MICROS}({})", self.updated_at()),
        };
        let content: Vec<String> = self.columns.content().map(quoted).collect();
        let (content, column, table) = (content.join(", "), self.updated_at(), self.table.quoted());
        let text = format!(
            "SELECT {column}, {content} FROM {table} WHERE {time} BETWEEN ?1 AND ?2 ORDER BY {time}, {content}"
        );
        self.connection.prepare(&text).map_err(|error| self.error(&error))
    }

    fn row(&self, row: &rusqlite::Row<'_>) -> Result<Row, SyncError> {
        let updated_at = row.get_ref(0).map_err(|error| self.error(&error))?;
        let updated_at =
            micros(updated_at).ok_or_else(|| not_a_time(&self.table, &self.columns.updated_at, updated_at))?;
        values::row(&self.columns, updated_at, row).map_err(|error| self.error(&error))
    }

    fn updated_at(&self) -> String {
        quoted(&self.columns.updated_at)
    }

    /// What an error of SQLite means for the sync.
    fn error(&self, error: &rusqlite::Error) -> SyncError {
        let odd = self.odd.lock().unwrap_or_else(PoisonError::into_inner).take();
        odd.unwrap_or_else(|| meaning(&format!("the table `{}`", self.table), error))
    }
}
