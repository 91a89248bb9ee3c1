//! A SQLite table or view as a source, read in a thread of its own.
//!
//! A run first surveys the `UPDATED_AT`s: which are read, how many wait, whether SQLite sorts them as time does, and whether
//! they stand in order anyway. An index on the column saves looking at earlier ones.

mod surveying;
mod values;

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, InterruptHandle, OpenFlags, Rows, Statement, params};
use rustix::fs::Access;
use tokio::sync::mpsc;

use super::clock::Form;
use super::columns::Columns;
use super::survey::Selection;
use super::{Chunk, LOCKED, Opening, Read, ReadRequest, Reading, Report, SyncError, WAITING};
use crate::sync::passing::file_passes;
use crate::sync::row::{Row, RowHasher};
use crate::types::{IntegrationKind, TableName, quoted};
use values::{meaning, micros, not_a_time};

/// The function that SQLite can ask for a time in microseconds.
const MICROS: &str = "cdi_micros";

/// Begins to read.
pub async fn read(path: &Path, table: &TableName, request: ReadRequest) -> Result<Reading, SyncError> {
    let (path, table, kind) = (path.to_owned(), table.clone(), request.kind);
    let source = blocking(move || SqliteSource::open(&path, &table, kind)).await?;
    let stop = StopOnDrop(source.connection.get_interrupt_handle());
    let (sender, reads) = mpsc::channel(WAITING);
    let run = move || {
        if let Err(error) = source.run(&request, &sender) {
            // Nobody listens any more where the reading was dropped.
            let _ = sender.blocking_send(Err(error));
        }
    };
    let thread = std::thread::Builder::new().name("sqlite-source".into()).spawn(run);
    thread.map_err(|error| SyncError::Passing(format!("no thread to read the source in: {error}")))?;
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

/// Opens a database and begins to read from it.
fn connect(path: &Path) -> Result<Connection, SyncError> {
    /// SQLite does not say why it cannot open a file, and by the time one looks it may be over.
    const TRIES: usize = 5;
    const PAUSE: Duration = Duration::from_millis(50);
    let place = format!("the source {}", path.display());
    match std::fs::metadata(path) {
        Ok(data) if data.is_file() => {}
        Err(error) if file_passes(&error) => return Err(SyncError::Passing(format!("{place}: {error}"))),
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(SyncError::Config(format!("{place}: {error}")));
        }
        Ok(_) | Err(_) => return Err(SyncError::Config(format!("{place}: there is no such file"))),
    }
    let begin = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(LOCKED)?;
        connection.execute_batch("BEGIN")?;
        // The snapshot is that of the first read.
        connection.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()))?;
        Ok(connection)
    };
    let mut tries = 1..TRIES;
    loop {
        let error: rusqlite::Error = match begin() {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        if error.sqlite_error_code() != Some(ErrorCode::CannotOpen) {
            return Err(meaning(&place, &error));
        }
        match cannot_open(path) {
            Some(reason) if file_passes(&reason) => return Err(SyncError::Passing(format!("{place}: {reason}"))),
            Some(reason) => return Err(SyncError::Config(format!("{place}: {reason}"))),
            None if tries.next().is_some() => std::thread::sleep(PAUSE),
            // Such as a folder in which the files that belong to a database in WAL mode cannot be made.
            None => return Err(SyncError::Config(format!("{place}: {error}"))),
        }
    }
}

/// Why a file cannot be opened, or not as many files as SQLite may have to open. The file itself is not opened: to close it
/// would drop all locks on it that other connections of this process have.
fn cannot_open(path: &Path) -> Option<std::io::Error> {
    const FILES: usize = 5;
    if let Err(forbidden) = rustix::fs::access(path, Access::READ_OK) {
        return Some(forbidden.into());
    }
    let shortage = (0..FILES).map(|_| File::open("/dev/null")).collect::<Result<Vec<_>, _>>().err();
    shortage.filter(file_passes)
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
    /// Whether later times stand at later places, so that nothing has to be sorted.
    is_in_order: bool,
    way: Way,
}

/// By which way rows are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// All of them are read.
    Whole,
    /// All of them are looked at.
    Scan,
    /// An index leads to those that are read.
    Index,
}

struct SqliteSource {
    connection: Connection,
    table: TableName,
    columns: Columns,
    /// Whether rows have a place where they are stored; those of views have none.
    has_places: bool,
    /// What the function for times held against one: SQLite's own error has only a text.
    odd: Arc<Mutex<Option<SyncError>>>,
}

impl SqliteSource {
    fn open(path: &Path, table: &TableName, kind: IntegrationKind) -> Result<SqliteSource, SyncError> {
        let connection = connect(path)?;
        let names: Vec<String> = {
            let statement = connection.prepare(&format!("SELECT * FROM {} LIMIT 0", table.quoted()));
            let statement = statement.map_err(|error| meaning(&format!("the table `{table}`"), &error))?;
            statement.column_names().into_iter().map(str::to_owned).collect()
        };
        let columns = Columns::find(table, &names, kind)?;
        let has_places = connection.prepare(&format!("SELECT rowid FROM {} LIMIT 0", table.quoted())).is_ok();
        let source = SqliteSource { connection, table: table.clone(), columns, has_places, odd: Arc::default() };
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

    /// Sends everything, or the first rows, until nobody listens any more.
    fn run(&self, request: &ReadRequest, sender: &Sender) -> Result<(), SyncError> {
        let now = Utc::now().timestamp_micros();
        let way = if request.from.is_none() && request.most.is_none() { Way::Whole } else { self.way()? };
        let (survey, undated) = self.survey(request.from, way, now)?;
        // There is one writer, whose transactions nobody can see; `lookback` has to cover them.
        let opening = Opening { running_since: None, future: survey.future, undated };
        if sender.blocking_send(Ok(Read::Opened(opening))).is_err() {
            return Ok(());
        }
        if let Some(selection) = survey.selection() {
            self.send_rows(&Plan { selection, is_in_order: survey.is_in_order(), way }, request, sender)?;
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
            Selection::Native { from, to } => statement.query(params![from, to]),
            Selection::Computed { from, to } => statement.query(params![from, to]),
        };
        rows.map_err(|error| self.error(&error))
    }

    /// The planned rows in their order, or so many of them.
    fn select(&self, plan: &Plan, most: Option<u64>) -> Result<Statement<'_>, SyncError> {
        let column = self.updated_at();
        let time = match plan.selection {
            Selection::Native { .. } => column.clone(),
            Selection::Computed { .. } => format!("{MICROS}({column})"),
        };
        let content: Vec<String> = self.columns.content().map(quoted).collect();
        let content = content.join(", ");
        // Rows of one time go by their places, as far as they have some.
        let order = match (self.has_places, plan.is_in_order && plan.way != Way::Index) {
            (true, true) => "rowid".to_owned(),
            (true, false) => format!("{time}, rowid"),
            (false, _) => time.clone(),
        };
        let from = self.from(plan.way);
        let planned = format!("FROM {from} WHERE {time} BETWEEN ?1 AND ?2");
        // Of the first rows the last time is found without a look at the contents of those that follow.
        let first = most.map_or(String::new(), |most| {
            let last = format!("SELECT max(time) FROM (SELECT {time} AS time {planned} ORDER BY 1 LIMIT {most})");
            format!(" AND {time} <= ({last})")
        });
        let limit = most.map_or(String::new(), |most| format!(" LIMIT {most}"));
        let text = format!("SELECT {column}, {content} {planned}{first} ORDER BY {order}{limit}");
        self.connection.prepare(&text).map_err(|error| self.error(&error))
    }

    /// The table as it is best read.
    fn from(&self, way: Way) -> String {
        // All of a table is read fastest as it is stored, whatever indexes there are.
        let hint = if way == Way::Whole && self.has_places { " NOT INDEXED" } else { "" };
        format!("{}{hint}", self.table.quoted())
    }

    fn row(&self, row: &rusqlite::Row<'_>, hasher: &RowHasher) -> Result<Row, SyncError> {
        let updated_at = row.get_ref(0).map_err(|error| self.error(&error))?;
        let updated_at =
            micros(updated_at).ok_or_else(|| not_a_time(&self.table, &self.columns.updated_at, updated_at))?;
        values::row(&self.columns, hasher, updated_at, row).map_err(|error| self.error(&error))
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

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// The path of the database, in the other process.
    const DATABASE: &str = "OPENCDI_TEST_DATABASE";
    const LOCKED: &str = "the database is locked";

    #[test]
    fn to_find_out_why_a_file_cannot_be_opened_drops_no_lock_on_it() {
        if let Ok(path) = std::env::var(DATABASE) {
            let other = Connection::open(path).unwrap();
            let error = other.execute_batch("BEGIN EXCLUSIVE").expect_err("nobody has locked it");
            assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy));
            return println!("{LOCKED}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("source.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE users (UPDATED_AT); BEGIN EXCLUSIVE").unwrap();
        assert!(cannot_open(&path).is_none());
        // Locks keep out other processes only.
        let name = "sync::source::sqlite::tests::to_find_out_why_a_file_cannot_be_opened_drops_no_lock_on_it";
        let mut process = Command::new(std::env::current_exe().unwrap());
        let output = process.args(["--exact", name, "--nocapture"]).env(DATABASE, &path).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(LOCKED), "{said}");
    }

    #[test]
    fn what_is_not_there_cannot_be_opened() {
        let missing = cannot_open(Path::new("/no/such/file")).unwrap();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }
}
