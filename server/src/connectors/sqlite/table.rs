//! A SQLite database that is open for reading one table of it.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use rustix::fs::Access;

use super::values::{meaning, micros, not_a_time};
use crate::connectors::passing::file_passes;
use crate::connectors::tables::LOCKED;
use crate::connectors::tables::columns::Columns;
use crate::sync::SyncError;
use crate::types::{IntegrationKind, TableName, quoted};

/// The function that SQLite can ask for a time in microseconds.
pub const MICROS: &str = "cdi_micros";

/// How the rows that are read are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessPath {
    /// All of them are read.
    Whole,
    /// All of them are looked at.
    Scan,
    /// An index leads to those that are read.
    Index,
}

/// A table or view, and the connection to its database.
#[derive(Debug)]
pub struct SqliteTable {
    /// A connection in a transaction.
    pub connection: Connection,
    /// Its name.
    pub table: TableName,
    /// Its columns.
    pub columns: Columns,
    /// Whether rows have a place where they are stored; those of views have none.
    pub has_places: bool,
    /// The error of the function for times: SQLite's own has only a text.
    udf_error: Arc<Mutex<Option<SyncError>>>,
}

impl SqliteTable {
    /// Opens the database and finds the columns.
    pub fn open(path: &Path, table: &TableName, kind: IntegrationKind) -> Result<SqliteTable, SyncError> {
        let connection = connect(path)?;
        let names: Vec<String> = {
            let statement = connection.prepare(&format!("SELECT * FROM {} LIMIT 0", table.quoted()));
            let statement = statement.map_err(|error| meaning(&format!("the table `{table}`"), &error))?;
            statement.column_names().into_iter().map(str::to_owned).collect()
        };
        let columns = Columns::find(table, &names, kind)?;
        let has_places = connection.prepare(&format!("SELECT rowid FROM {} LIMIT 0", table.quoted())).is_ok();
        let source = SqliteTable { connection, table: table.clone(), columns, has_places, udf_error: Arc::default() };
        source.add_function().map_err(|error| source.error(&error))?;
        Ok(source)
    }

    /// Lets SQL ask for a time in microseconds.
    fn add_function(&self) -> rusqlite::Result<()> {
        let (udf_error, table, column) = (self.udf_error.clone(), self.table.clone(), self.columns.updated_at.clone());
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        self.connection.create_scalar_function(MICROS, 1, flags, move |context| {
            let value = context.get_raw(0);
            if value == ValueRef::Null {
                return Ok(None);
            }
            micros(value).map(Some).ok_or_else(|| {
                let error = not_a_time(&table, &column, value);
                let message = rusqlite::Error::UserFunctionError(Box::new(error.clone()));
                udf_error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                message
            })
        })
    }

    /// The table as it is best read.
    pub fn from(&self, path: AccessPath) -> String {
        // All of a table is read fastest as it is stored, whatever indexes there are.
        let hint = if path == AccessPath::Whole && self.has_places { " NOT INDEXED" } else { "" };
        format!("{}{hint}", self.table.quoted())
    }

    /// The column `UPDATED_AT` as SQL.
    pub fn updated_at(&self) -> String {
        quoted(&self.columns.updated_at)
    }

    /// What an error of SQLite means for the sync.
    pub fn error(&self, error: &rusqlite::Error) -> SyncError {
        let udf_error = self.udf_error.lock().unwrap_or_else(PoisonError::into_inner).take();
        udf_error.unwrap_or_else(|| meaning(&format!("the table `{}`", self.table), error))
    }
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
        let name = "connectors::sqlite::table::tests::to_find_out_why_a_file_cannot_be_opened_drops_no_lock_on_it";
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
