//! A SQLite table or view as a source, read in a thread of its own.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, InterruptHandle, OpenFlags, OptionalExtension as _, Statement, params};
use tokio::sync::mpsc;

use super::clock::{Form, micros_of_fraction, micros_of_number, micros_of_text};
use super::columns::Columns;
use super::{CHUNK, Opening, Read, Reading, Report, SyncError, WAITING};
use crate::store::Watermark;
use crate::sync::row::Row;

/// How long to wait for somebody who writes.
const BUSY: Duration = Duration::from_secs(10);

/// Begins to read.
pub async fn read(path: &Path, table: &str, watermark: Option<Watermark>) -> Result<Reading, SyncError> {
    let (path, table) = (path.to_owned(), table.to_owned());
    let mut source = blocking(move || SqliteSource::open(&path, &table)).await?;
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
    Ok(Reading { reads, _stop: Box::new(stop) })
}

/// Looks whether it can be read.
pub async fn look(path: &Path, table: &str) -> Result<Report, SyncError> {
    let (path, table) = (path.to_owned(), table.to_owned());
    blocking(move || {
        let source = SqliteSource::open(&path, &table)?;
        let columns = source.columns()?;
        let form = source.form(&columns)?;
        Ok(Report {
            table,
            updated_at: form.map(Form::name),
            identifiers: columns.identifiers.into_iter().map(|(_, name)| name).collect(),
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

struct SqliteSource {
    connection: Connection,
    table: String,
    /// The first `UPDATED_AT` that is no time, or of another form than the column's: SQLite's own error has only a text.
    odd: Arc<Mutex<Option<String>>>,
}

impl SqliteSource {
    fn open(path: &Path, table: &str) -> Result<SqliteSource, SyncError> {
        let away = |error: &dyn std::fmt::Display| SyncError::Config(format!("the source {}: {error}", path.display()));
        if !path.is_file() {
            return Err(away(&"there is no such file"));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| away(&error))?;
        let prepared = connection
            .busy_timeout(BUSY)
            // The snapshot is that of the first read.
            .and_then(|()| connection.execute_batch("BEGIN"))
            .and_then(|()| connection.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(())));
        prepared.map_err(|error| away(&error))?;
        Ok(SqliteSource { connection, table: table.to_owned(), odd: Arc::default() })
    }

    fn columns(&self) -> Result<Columns, SyncError> {
        let statement = self.connection.prepare(&format!("SELECT * FROM {} LIMIT 0", quoted(&self.table)));
        let statement = statement.map_err(|error| {
            SyncError::Config(format!("the table `{}` cannot be read: {}", self.table, message(&error)))
        })?;
        let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
        Columns::find(&self.table, &names)
    }

    /// What `UPDATED_AT` is. SQLite sorts numbers before texts and small numbers before large ones, so the lowest and the
    /// highest tell whether all are of one form.
    fn form(&self, columns: &Columns) -> Result<Option<Form>, SyncError> {
        let (table, column) = (quoted(&self.table), quoted(&columns.updated_at));
        let extreme = |order: &str| {
            let text =
                format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY {column} {order} LIMIT 1");
            let value = self.connection.query_row(&text, (), |row| Ok(self.form_of(columns, row.get_ref(0)?)));
            value.optional().map_err(|error| self.error(&error))?.transpose()
        };
        let (Some((lowest, low)), Some((highest, high))) = (extreme("ASC")?, extreme("DESC")?) else {
            return Ok(None);
        };
        if low != high {
            return Err(SyncError::Config(format!(
                "the column `{}` of the table `{}` mixes kinds: {lowest} is {}, {highest} is {}",
                columns.updated_at,
                self.table,
                low.name(),
                high.name()
            )));
        }
        Ok(Some(low))
    }

    /// A value for people, and its form.
    fn form_of(&self, columns: &Columns, value: ValueRef<'_>) -> Result<(String, Form), SyncError> {
        match (micros(value), value) {
            (Some(_), ValueRef::Integer(number)) => Ok((number.to_string(), Form::of_number(number))),
            (Some(_), ValueRef::Real(number)) => Ok((number.to_string(), Form::of_number(number as i64))),
            (Some(_), _) => Ok((example(value), Form::Text)),
            (None, _) => Err(not_a_time(&self.table, &columns.updated_at, &example(value))),
        }
    }

    fn run(
        &mut self,
        watermark: Option<Watermark>,
        sender: &mpsc::Sender<Result<Read, SyncError>>,
    ) -> Result<(), SyncError> {
        let columns = self.columns()?;
        self.form(&columns)?;
        self.add_function(&columns).map_err(|error| self.error(&error))?;
        let now = Utc::now().timestamp_micros();
        let mut opening = self.opening(&columns, watermark, now)?;
        let mut resumed = opening.watermark.and_then(|watermark| Some((watermark.rows_at, watermark.last_key?)));
        if resumed.is_some_and(|resumed| !self.finds_again(&columns, &opening, resumed, now).unwrap_or(false)) {
            // The rows at the watermark have changed: all of them are taken again.
            resumed = None;
            if let Some(watermark) = &mut opening.watermark {
                (watermark.rows_at, watermark.last_key) = (0, None);
            }
        }
        if sender.blocking_send(Ok(Read::Opened(opening))).is_err() {
            return Ok(());
        }
        let skip = resumed.map_or(0, |(rows, _)| rows);
        self.rows(&columns, &opening, now, skip, sender)
    }

    /// Lets SQL ask for `UPDATED_AT` in microseconds.
    fn add_function(&self, columns: &Columns) -> rusqlite::Result<()> {
        let (odd, table, column) = (self.odd.clone(), self.table.clone(), columns.updated_at.clone());
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        self.connection.create_scalar_function("cdi_micros", 1, flags, move |context| {
            let value = context.get_raw(0);
            if value == ValueRef::Null {
                return Ok(None);
            }
            micros(value).map(Some).ok_or_else(|| {
                let error = not_a_time(&table, &column, &example(value));
                odd.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error.to_string());
                rusqlite::Error::UserFunctionError(Box::new(error))
            })
        })
    }

    /// What is left out, and how much waits.
    fn opening(&self, columns: &Columns, watermark: Option<Watermark>, now: i64) -> Result<Opening, SyncError> {
        let (table, column) = (quoted(&self.table), quoted(&columns.updated_at));
        let reached = watermark.map(|watermark| watermark.updated_at.timestamp_micros());
        let text = format!(
            "SELECT count(*) FILTER (WHERE cdi_micros({column}) = ?1), count(*) FILTER (WHERE cdi_micros({column}) > ?2),
                    count(*) FILTER (WHERE {column} IS NULL) FROM {table}"
        );
        let (at, future, undated): (u64, u64, u64) = self
            .connection
            .query_row(&text, params![reached, now], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .map_err(|error| self.error(&error))?;
        let watermark = watermark.map(|watermark| {
            // Rows that were committed late under the same time would be lost: then all rows at it are taken.
            let same = watermark.last_key.is_some() || watermark.rows_at == at;
            Watermark { rows_at: if same { watermark.rows_at } else { 0 }, ..watermark }
        });
        Ok(Opening { watermark, future, undated })
    }

    /// Whether the last of the rows at the watermark that are dealt with stands where it stood.
    fn finds_again(
        &self,
        columns: &Columns,
        opening: &Opening,
        (rows, key): (u64, i64),
        now: i64,
    ) -> Result<bool, SyncError> {
        let Some(last) = rows.checked_sub(1) else {
            return Ok(false);
        };
        let mut statement = self.select(columns, "LIMIT 1 OFFSET ?3").map_err(|error| self.error(&error))?;
        let from = lowest(opening);
        let found = statement.query_row(params![from, now, last], |row| self.row(columns, row));
        let found = found.optional().map_err(|error| self.error(&error))?;
        Ok(found.is_some_and(|row| row.updated_at == from && row.key() == key))
    }

    fn rows(
        &self,
        columns: &Columns,
        opening: &Opening,
        now: i64,
        skip: u64,
        sender: &mpsc::Sender<Result<Read, SyncError>>,
    ) -> Result<(), SyncError> {
        let mut statement = self.select(columns, "LIMIT -1 OFFSET ?3").map_err(|error| self.error(&error))?;
        let mut rows = statement.query(params![lowest(opening), now, skip]).map_err(|error| self.error(&error))?;
        let mut chunk = Vec::with_capacity(CHUNK);
        loop {
            let row = rows.next().map_err(|error| self.error(&error))?;
            let ended = row.is_none();
            if let Some(row) = row {
                chunk.push(self.row(columns, row).map_err(|error| self.error(&error))?);
            }
            if (chunk.len() == CHUNK || (ended && !chunk.is_empty()))
                && sender
                    .blocking_send(Ok(Read::Rows(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK)))))
                    .is_err()
            {
                return Ok(());
            }
            if ended {
                let _ = sender.blocking_send(Ok(Read::End));
                return Ok(());
            }
        }
    }

    /// The rows from ?1 to ?2 in reading order.
    fn select(&self, columns: &Columns, limit: &str) -> rusqlite::Result<Statement<'_>> {
        let (table, updated_at) = (quoted(&self.table), quoted(&columns.updated_at));
        let identifiers: Vec<String> = columns.identifiers.iter().map(|(_, name)| quoted(name)).collect();
        let identifiers = identifiers.join(", ");
        let payload = quoted(&columns.payload);
        self.connection.prepare(&format!(
            "SELECT cdi_micros({updated_at}), {payload}, {identifiers} FROM {table}
             WHERE cdi_micros({updated_at}) BETWEEN ?1 AND ?2
             ORDER BY cdi_micros({updated_at}), {identifiers} {limit}"
        ))
    }

    fn row(&self, columns: &Columns, row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
        let mut flaw = None;
        let mut text = |index: usize, column: &str| {
            let text = text(row.get_ref(index).ok()?);
            if text.is_none() {
                flaw.get_or_insert(format!("{column} is not UTF-8 text"));
            }
            text?
        };
        let identifiers = columns.identifiers.iter().enumerate();
        let identifiers: Vec<Option<String>> = identifiers.map(|(index, (_, name))| text(2 + index, name)).collect();
        let payload = text(1, &columns.payload);
        Ok(Row { updated_at: row.get(0)?, identifier: columns.identifier(identifiers), payload, flaw })
    }

    /// What an error of SQLite means for the sync.
    fn error(&self, error: &rusqlite::Error) -> SyncError {
        match self.odd.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(odd) => SyncError::Config(odd),
            None => SyncError::Failed(format!("reading the table `{}` failed: {}", self.table, message(error))),
        }
    }
}

/// The first `UPDATED_AT` to take.
fn lowest(opening: &Opening) -> i64 {
    match opening.watermark {
        None => i64::MIN,
        Some(watermark) => {
            let reached = watermark.updated_at.timestamp_micros();
            let all_dealt_with = watermark.rows_at > 0 && watermark.last_key.is_none();
            if all_dealt_with { reached + 1 } else { reached }
        }
    }
}

fn micros(value: ValueRef<'_>) -> Option<i64> {
    match value {
        ValueRef::Integer(number) => micros_of_number(number),
        ValueRef::Real(number) => micros_of_fraction(number),
        ValueRef::Text(text) => micros_of_text(std::str::from_utf8(text).ok()?),
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}

/// A value as text, `Some(None)` where it is null; nothing where it has none.
fn text(value: ValueRef<'_>) -> Option<Option<String>> {
    Some(match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(text) | ValueRef::Blob(text) => Some(std::str::from_utf8(text).ok()?.to_owned()),
    })
}

/// A value for a message.
fn example(value: ValueRef<'_>) -> String {
    const LONGEST: usize = 40;
    match value {
        ValueRef::Blob(bytes) => format!("a blob of {} bytes", bytes.len()),
        other => {
            let text = text(other).flatten().unwrap_or_else(|| "something that is not UTF-8".into());
            let short: String = text.chars().take(LONGEST).collect();
            format!("{short:?}")
        }
    }
}

fn not_a_time(table: &str, column: &str, example: &str) -> SyncError {
    SyncError::Config(format!(
        "the column `{column}` of the table `{table}` holds {example}, which is no time; RFC 3339, `YYYY-MM-DD HH:MM:SS`, Unix seconds and Unix milliseconds are"
    ))
}

/// A name as SQL.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// SQLite's own words, without its code.
fn message(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    }
}
