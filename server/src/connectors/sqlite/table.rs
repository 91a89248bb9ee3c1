//! A SQLite database opened to read one of its tables.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::functions::FunctionFlags;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use rustix::fs::Access;

use super::values::{example, meaning, micros, owned};
use crate::connectors::tables::columns::Columns;
use crate::connectors::tables::timestamps::not_a_timestamp;
use crate::connectors::tables::{Dialect, LOCKED, query_advice};
use crate::connectors::transient::is_transient_file_error;
use crate::sync::SyncError;
use crate::types::{IntegrationKind, TableName, folder, quoted};

/// The SQL function that converts a value to microseconds.
pub const MICROS: &str = "cdi_micros";

/// How the rows to read are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessPath {
    /// All rows are read.
    Whole,
    /// All rows are examined.
    Scan,
    /// The rows are found by an index.
    Index,
}

/// A table or view, and the connection to its database.
#[derive(Debug)]
pub struct SqliteTable {
    /// The connection, inside a transaction.
    pub connection: Connection,
    pub table: TableName,
    pub columns: Columns,
    /// Whether the rows have a `rowid`; those of views have none.
    pub has_places: bool,
    /// The value that the SQL function refused: SQLite's error holds only a text.
    refused_time: Arc<Mutex<Option<Value>>>,
}

impl SqliteTable {
    /// Opens the database and finds the columns.
    pub fn open(path: &Path, table: &TableName, kind: IntegrationKind) -> Result<SqliteTable, SyncError> {
        let connection = connect(path)?;
        let names: Vec<String> = {
            let statement = connection.prepare(&format!("SELECT * FROM {} LIMIT 0", table.quoted()));
            let statement = statement.map_err(|error| unusable(&connection, table, &error))?;
            statement.column_names().into_iter().map(str::to_owned).collect()
        };
        let columns = Columns::find(table, &names, kind, Dialect::Sqlite)?;
        let has_places = connection.prepare(&format!("SELECT rowid FROM {} LIMIT 0", table.quoted())).is_ok();
        let source =
            SqliteTable { connection, table: table.clone(), columns, has_places, refused_time: Arc::default() };
        source.add_function().map_err(|error| source.error(&error))?;
        Ok(source)
    }

    /// Registers the SQL function that converts values to microseconds.
    fn add_function(&self) -> rusqlite::Result<()> {
        let refused_time = self.refused_time.clone();
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        self.connection.create_scalar_function(MICROS, 1, flags, move |context| {
            let value = context.get_raw(0);
            if value == ValueRef::Null {
                return Ok(None);
            }
            micros(value).map(Some).ok_or_else(|| {
                refused_time.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(owned(value));
                rusqlite::Error::UserFunctionError("not a timestamp".into())
            })
        })
    }

    /// The `FROM` item, with an index hint where that makes reading faster.
    pub fn from(&self, path: AccessPath) -> String {
        // Reading a whole table is fastest in storage order, whatever indexes exist.
        let hint = if path == AccessPath::Whole && self.has_places { " NOT INDEXED" } else { "" };
        format!("{}{hint}", self.table.quoted())
    }

    /// The quoted name of the `UPDATED_AT` column.
    pub fn updated_at(&self) -> String {
        quoted(&self.columns.updated_at)
    }

    /// Whether there are any rows.
    pub fn has_rows(&self) -> Result<bool, SyncError> {
        let any = format!("SELECT EXISTS (SELECT 1 FROM {})", self.table.quoted());
        self.connection.query_row(&any, (), |row| row.get(0)).map_err(|error| self.error(&error))
    }

    /// Converts a SQLite error.
    pub fn error(&self, error: &rusqlite::Error) -> SyncError {
        let refused_time = self.refused_time.lock().unwrap_or_else(PoisonError::into_inner).take();
        match refused_time {
            Some(value) => self.not_a_timestamp((&value).into()),
            None => meaning(&format!("the table `{}`", self.table), error),
        }
    }

    /// The error for a value of `UPDATED_AT` that is not a timestamp, with the name of its row.
    pub fn not_a_timestamp(&self, value: ValueRef<'_>) -> SyncError {
        let row = self.row_with(&owned(value));
        let (table, column) = (self.table.to_string(), &self.columns.updated_at);
        SyncError::Config(not_a_timestamp(Dialect::Sqlite, &table, column, &example(value), row.as_deref()))
    }

    /// Names a row with this value in `UPDATED_AT`; `None` if there is no such row.
    pub fn row_with(&self, value: &Value) -> Option<String> {
        let columns: Vec<String> =
            self.columns.identifiers.iter().map(|(_, name)| format!("CAST({} AS TEXT)", quoted(name))).collect();
        let (count, columns) = (columns.len(), columns.join(", "));
        let text = format!("SELECT {columns} FROM {} WHERE {} IS ?1 LIMIT 1", self.table.quoted(), self.updated_at());
        let row = self.connection.query_row(&text, [value], |row| {
            let texts = (0..count).map(|index| match row.get_ref(index) {
                Ok(ValueRef::Text(text)) => Some(String::from_utf8_lossy(text).into_owned()),
                _ => None,
            });
            Ok(self.columns.row_name(texts))
        });
        row.ok().flatten()
    }
}

/// The error for a table or view that cannot be queried.
fn unusable(connection: &Connection, table: &TableName, error: &rusqlite::Error) -> SyncError {
    let is_in_schema = table.schema().is_some_and(|schema| !schema.eq_ignore_ascii_case("main"));
    if !is_in_schema && is_view(connection, table.last()) {
        return meaning(&format!("the view `{table}` does not work"), error);
    }
    if error.to_string().starts_with("no such table") {
        let missing = || format!("the database has no table `{table}`; {}", tables(connection, table));
        return SyncError::Config(query_advice(table).unwrap_or_else(missing));
    }
    meaning(&format!("the table `{table}`"), error)
}

/// Whether there is a view of this name. It may refer to tables that do not exist.
pub fn is_view(connection: &Connection, name: &str) -> bool {
    let text = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'view' AND name = ?1 COLLATE NOCASE)";
    connection.query_row(text, [name], |row| row.get(0)).unwrap_or(false)
}

/// Lists the tables and views of the database, for the message that the configured one is missing.
fn tables(connection: &Connection, missing: &TableName) -> String {
    const SHOWN: usize = 10;
    let is_there =
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ?1 COLLATE NOCASE)";
    let without_schema = connection.query_row(is_there, [missing.last()], |row| row.get(0)).unwrap_or(false);
    if without_schema {
        return format!("it has `{}`: SQLite has no schemas, so write the name alone", missing.last());
    }
    let text =
        "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let names = connection.prepare(text).and_then(|mut statement| {
        let names = statement.query_map((), |row| row.get::<_, String>(0))?;
        names.map(|name| Ok(format!("`{}`", name?))).collect::<rusqlite::Result<Vec<_>>>()
    });
    match names.unwrap_or_default().as_slice() {
        [] => "it has no tables".into(),
        names if names.len() > SHOWN => format!("it has {} and others", names[..SHOWN].join(", ")),
        names => format!("it has {}", names.join(", ")),
    }
}

/// Opens a database and starts a read transaction.
fn connect(path: &Path) -> Result<Connection, SyncError> {
    /// SQLite does not say why it cannot open a file, and the cause may be gone by the time it is looked up.
    const TRIES: usize = 5;
    const PAUSE: Duration = Duration::from_millis(50);
    let place = format!("the source {}", path.display());
    match std::fs::metadata(path) {
        Ok(data) if data.is_file() => {}
        Err(error) if is_transient_file_error(&error) => return Err(SyncError::Transient(format!("{place}: {error}"))),
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(SyncError::Config(format!("{place}: {error}")));
        }
        Ok(_) => return Err(SyncError::Config(format!("{place}: this is not a file; check `path`"))),
        Err(_) => return Err(SyncError::Config(format!("{place}: there is no such file; check `path`"))),
    }
    let begin = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(LOCKED)?;
        connection.execute_batch("BEGIN")?;
        // The first read takes the snapshot.
        connection.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()))?;
        Ok(connection)
    };
    let mut tries = 1..TRIES;
    loop {
        let error: rusqlite::Error = match begin() {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::CannotOpen) => {}
            Some(ErrorCode::ReadOnly) if is_unfinished(&error) => {
                return Err(SyncError::Config(format!(
                    "{place}: a writer was interrupted in the middle of a transaction, and this user cannot roll it back; open the \
                     database once as a user that can write to it"
                )));
            }
            Some(ErrorCode::ReadOnly) => return Err(SyncError::Config(needs_files(&place, path))),
            Some(ErrorCode::DatabaseBusy) => return Err(SyncError::Transient(locked(&place, path))),
            _ => return Err(meaning(&place, &error)),
        }
        match cannot_open(path) {
            Some(reason) if is_transient_file_error(&reason) => {
                return Err(SyncError::Transient(format!("{place}: {reason}")));
            }
            Some(reason) => return Err(SyncError::Config(format!("{place}: {reason}"))),
            None if tries.next().is_some() => std::thread::sleep(PAUSE),
            None if rustix::fs::access(folder(path), Access::WRITE_OK).is_err() => {
                return Err(SyncError::Config(needs_files(&place, path)));
            }
            None => return Err(SyncError::Config(format!("{place}: {error}"))),
        }
    }
}

/// The message for a database that another program has locked.
fn locked(place: &str, path: &Path) -> String {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    // In WAL mode this file is there while the database is in use.
    let advice =
        if Path::new(&wal).exists() { "" } else { "; `PRAGMA journal_mode = WAL` lets both work at the same time" };
    format!("{place} is locked by another program that is writing to it{advice}")
}

/// Whether the database has an unfinished transaction that must be rolled back before it can be read.
fn is_unfinished(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_READONLY_ROLLBACK)
}

/// The message for when SQLite cannot create or write the `-wal` and `-shm` files of a database in WAL mode.
fn needs_files(place: &str, path: &Path) -> String {
    let (folder, name) = (folder(path).display(), path.file_name().unwrap_or_default().to_string_lossy());
    format!(
        "{place}: to read a database in WAL mode, SQLite must write the files `{name}-wal` and `{name}-shm` beside it, and this \
         user cannot. Make the folder {folder} (and these files, if they are there) writable for it, or let the owner of the \
         database set `PRAGMA journal_mode = DELETE`"
    )
}

/// Why the file, or the number of files that SQLite needs, cannot be opened. The database file itself is not opened:
/// closing it would release all locks that other connections of this process hold on it.
fn cannot_open(path: &Path) -> Option<std::io::Error> {
    const FILES: usize = 5;
    if let Err(forbidden) = rustix::fs::access(path, Access::READ_OK) {
        return Some(forbidden.into());
    }
    let shortage = (0..FILES).map(|_| File::open("/dev/null")).collect::<Result<Vec<_>, _>>().err();
    shortage.filter(is_transient_file_error)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// The path of the database, in the child process.
    const DATABASE: &str = "OPENCDI_TEST_DATABASE";
    const LOCKED: &str = "the database is locked";

    #[test]
    fn diagnosing_a_failed_open_releases_no_lock() {
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
        // File locks only exclude other processes.
        let name = "connectors::sqlite::table::tests::diagnosing_a_failed_open_releases_no_lock";
        let mut process = Command::new(std::env::current_exe().unwrap());
        let output = process.args(["--exact", name, "--nocapture"]).env(DATABASE, &path).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(LOCKED), "{said}");
    }

    #[test]
    fn a_locked_database_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("source.db");
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("CREATE TABLE users (UPDATED_AT); BEGIN EXCLUSIVE").unwrap();
        let table = "users".parse().unwrap();
        let error = SqliteTable::open(&path, &table, IntegrationKind::Attributes).unwrap_err();
        let place = path.display();
        let expected = format!(
            "the source {place} is locked by another program that is writing to it; `PRAGMA journal_mode = WAL` lets both work at \
             the same time"
        );
        assert_eq!(error, SyncError::Transient(expected));
        File::create(folder.path().join("source.db-wal")).unwrap();
        assert!(locked("the source", &path).ends_with("writing to it"), "it is in WAL mode already");
    }

    #[test]
    fn a_missing_table_is_named_with_those_that_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("source.db");
        let database = Connection::open(&path).unwrap();
        let missing = |name: &str| {
            let table = name.parse().unwrap();
            SqliteTable::open(&path, &table, IntegrationKind::Attributes).unwrap_err().to_string()
        };
        assert_eq!(missing("users"), "the database has no table `users`; it has no tables");
        database.execute_batch("CREATE TABLE people (a); CREATE VIEW users AS SELECT 1").unwrap();
        assert_eq!(missing("public.user"), "the database has no table `public.user`; it has `people`, `users`");
        assert_eq!(
            missing("public.users"),
            "the database has no table `public.users`; it has `users`: SQLite has no schemas, so write the name alone"
        );
        assert!(is_view(&database, "Users") && !is_view(&database, "people"));
    }

    #[test]
    fn a_missing_file_cannot_be_opened() {
        let missing = cannot_open(Path::new("/no/such/file")).unwrap();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }
}
