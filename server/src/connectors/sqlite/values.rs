//! Converts SQLite's values and errors.

use std::borrow::Cow;

use rusqlite::ErrorCode;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};

use crate::connectors::tables::columns::Columns;
use crate::connectors::tables::survey::{StoredTime, TimeBound};
use crate::connectors::tables::timestamps::{
    TimestampFormat, example_of_fraction, micros_of_fraction, micros_of_number, micros_of_text,
};
use crate::sync::SyncError;
use crate::sync::row::{Row, RowHasher};

/// Converts a value to microseconds since 1970; `None` if it is not a timestamp.
pub fn micros(value: ValueRef<'_>) -> Option<i64> {
    match value {
        ValueRef::Integer(number) => micros_of_number(number),
        ValueRef::Real(number) => micros_of_fraction(number),
        ValueRef::Text(text) => micros_of_text(std::str::from_utf8(text).ok()?),
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}

/// A time as it is stored; `None` if the value is neither a number nor a text.
pub fn stored(value: ValueRef<'_>) -> Option<StoredTime<'_>> {
    match value {
        ValueRef::Integer(number) => Some(StoredTime::Number(number as f64)),
        ValueRef::Real(number) => Some(StoredTime::Number(number)),
        ValueRef::Text(text) => std::str::from_utf8(text).ok().map(StoredTime::Text),
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}

impl rusqlite::ToSql for TimeBound {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            TimeBound::Number(number) => number.to_sql(),
            TimeBound::Text(text) => text.to_sql(),
        }
    }
}

/// The format of a time.
pub fn format(time: ValueRef<'_>) -> TimestampFormat {
    match time {
        ValueRef::Integer(number) => TimestampFormat::of_number(number),
        ValueRef::Real(number) => TimestampFormat::of_number(number as i64),
        ValueRef::Text(_) | ValueRef::Blob(_) | ValueRef::Null => TimestampFormat::Text,
    }
}

/// Converts a result row: `UPDATED_AT`, then the content columns.
pub fn row(columns: &Columns, hasher: &RowHasher, updated_at: i64, row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    columns.row(hasher, updated_at, |index| {
        Ok(match row.get_ref(1 + index)? {
            ValueRef::Null => None,
            ValueRef::Integer(number) => Some(Cow::Owned(number.to_string().into_bytes())),
            ValueRef::Real(number) => Some(Cow::Owned(number.to_string().into_bytes())),
            ValueRef::Text(text) | ValueRef::Blob(text) => Some(Cow::Borrowed(text)),
        })
    })
}

/// The value for a message.
pub fn example(value: ValueRef<'_>) -> String {
    const LONGEST: usize = 40;
    let short = |text: &[u8]| String::from_utf8_lossy(text).chars().take(LONGEST).collect::<String>();
    match value {
        ValueRef::Null => "null".into(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => example_of_fraction(number),
        ValueRef::Text(text) => format!("{:?}", short(text)),
        ValueRef::Blob(bytes) => format!("a blob of {} bytes", bytes.len()),
    }
}

/// Copies a value. Texts that are not UTF-8 become blobs.
pub fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_owned()),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Blob(bytes.to_owned()),
        },
    }
}

/// Converts a SQLite error: `Transient` if a retry may help, otherwise `Config`.
pub fn meaning(place: &str, error: &rusqlite::Error) -> SyncError {
    let message = match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    };
    let message = format!("{place}: {message}");
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::OperationInterrupted
            | ErrorCode::OperationAborted
            | ErrorCode::SystemIoFailure
            | ErrorCode::DiskFull
            | ErrorCode::OutOfMemory
            | ErrorCode::SchemaChanged
            // The database is open by now, so this error is about a temporary file.
            | ErrorCode::CannotOpen,
        ) => SyncError::Transient(message),
        _ => SyncError::Config(message),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn transient_errors_are_distinguished_from_permanent_ones() {
        let meaning = |code| meaning("here", &rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        for code in [
            ffi::SQLITE_BUSY,
            ffi::SQLITE_BUSY_SNAPSHOT,
            ffi::SQLITE_LOCKED,
            ffi::SQLITE_PROTOCOL,
            ffi::SQLITE_INTERRUPT,
            ffi::SQLITE_IOERR_READ,
            ffi::SQLITE_CANTOPEN,
            ffi::SQLITE_FULL,
            ffi::SQLITE_NOMEM,
        ] {
            assert!(matches!(meaning(code), SyncError::Transient(_)), "{code}");
        }
        for code in [ffi::SQLITE_ERROR, ffi::SQLITE_NOTADB, ffi::SQLITE_CORRUPT, ffi::SQLITE_PERM, ffi::SQLITE_READONLY]
        {
            assert!(matches!(meaning(code), SyncError::Config(_)), "{code}");
        }
    }
}
