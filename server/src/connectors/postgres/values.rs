//! Converts Postgres' types, values and errors.

use std::io::ErrorKind;

use chrono::DateTime;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use sqlx::query::Query;
use sqlx::{Postgres, Row as _, ValueRef as _};

use crate::connectors::tables::Dialect;
use crate::connectors::tables::survey::{Selection, StoredTime, TimeBound};
use crate::connectors::tables::timestamps::{
    self, TimestampFormat, example_of_fraction, micros_of_fraction, micros_of_number, micros_of_text,
};
use crate::connectors::transient::is_transient_connection_error;
use crate::sync::SyncError;
use crate::types::{PostgresUrl, TableName, postgres_problem};

/// Postgres' epoch, the year 2000, in microseconds since 1970.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;
/// The earliest timestamp of Postgres, in 4713 BC.
pub const EARLIEST: i64 = POSTGRES_EPOCH - 211_813_488_000_000_000;

/// The type of the `UPDATED_AT` column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeColumn {
    /// `timestamptz`.
    TimestampTz,
    /// `timestamp`, read as UTC.
    Timestamp,
    /// Text.
    Text,
    /// An integer.
    Integer,
    /// Any other numeric type.
    Fraction,
}

impl TimeColumn {
    /// The type with this name; `None` if it cannot hold times.
    pub fn of(type_name: &str) -> Option<TimeColumn> {
        match type_name {
            "TIMESTAMPTZ" => Some(TimeColumn::TimestampTz),
            "TIMESTAMP" => Some(TimeColumn::Timestamp),
            "TEXT" | "VARCHAR" | "CHAR" | "CITEXT" | "citext" => Some(TimeColumn::Text),
            "INT2" | "INT4" | "INT8" => Some(TimeColumn::Integer),
            "NUMERIC" | "FLOAT4" | "FLOAT8" => Some(TimeColumn::Fraction),
            _ => None,
        }
    }

    /// The SQL expression by which the column is read and compared.
    pub fn expression(self, column: &str) -> String {
        match self {
            TimeColumn::TimestampTz | TimeColumn::Timestamp => column.to_owned(),
            // The collation of the database must not affect comparisons: bytes are compared.
            TimeColumn::Text => format!("{column}::text COLLATE \"C\""),
            TimeColumn::Integer => format!("{column}::int8"),
            TimeColumn::Fraction => format!("{column}::float8"),
        }
    }

    /// Binds a time in the format of the column.
    pub fn bind<'q>(
        self,
        query: Query<'q, Postgres, PgArguments>,
        bound: &TimeBound,
    ) -> Query<'q, Postgres, PgArguments> {
        match (bound, self) {
            (TimeBound::Text(text), _) => query.bind(text.clone()),
            (TimeBound::Number(number), TimeColumn::Integer) => query.bind(*number as i64),
            (TimeBound::Number(number), _) => query.bind(*number),
        }
    }

    /// Binds a time in microseconds as a timestamp.
    pub fn bind_time(self, query: Query<'_, Postgres, PgArguments>, micros: i64) -> Query<'_, Postgres, PgArguments> {
        let time = DateTime::from_timestamp_micros(micros).unwrap_or_default();
        if self == TimeColumn::Timestamp { query.bind(time.naive_utc()) } else { query.bind(time) }
    }

    /// Binds the bounds of a selection.
    pub fn bind_selection<'q>(
        self,
        query: Query<'q, Postgres, PgArguments>,
        selection: &Selection,
    ) -> Query<'q, Postgres, PgArguments> {
        match selection {
            Selection::Stored { from, to } => self.bind(self.bind(query, from), to),
            Selection::Computed { from, to } => self.bind_time(self.bind_time(query, *from), *to),
        }
    }

    /// The type's name in messages; `None` for numbers and texts.
    pub fn name(self) -> Option<&'static str> {
        match self {
            TimeColumn::TimestampTz => Some("timestamp with time zone"),
            TimeColumn::Timestamp => Some("timestamp, taken as UTC"),
            TimeColumn::Text | TimeColumn::Integer | TimeColumn::Fraction => None,
        }
    }

    /// The first value of a result row in microseconds since 1970; the error is the value, for a message.
    pub fn micros(self, row: &PgRow) -> Result<i64, String> {
        let found = match self {
            TimeColumn::TimestampTz | TimeColumn::Timestamp => timestamp(row, 0),
            TimeColumn::Text => match self.stored(row) {
                Some(StoredTime::Text(text)) => micros_of_text(text),
                _ => None,
            },
            TimeColumn::Integer => row.try_get(0).ok().and_then(micros_of_number),
            TimeColumn::Fraction => row.try_get(0).ok().and_then(micros_of_fraction),
        };
        found.ok_or_else(|| self.example(row))
    }

    /// The first value as it is stored; `None` for timestamps.
    pub fn stored(self, row: &PgRow) -> Option<StoredTime<'_>> {
        match self {
            TimeColumn::TimestampTz | TimeColumn::Timestamp => None,
            TimeColumn::Text => bytes(row, 0).and_then(|bytes| std::str::from_utf8(bytes).ok()).map(StoredTime::Text),
            TimeColumn::Integer => row.try_get::<i64, _>(0).ok().map(|number| StoredTime::Number(number as f64)),
            TimeColumn::Fraction => row.try_get(0).ok().map(StoredTime::Number),
        }
    }

    /// The format of a numeric or text time; the error is the value, for a message.
    pub fn format(self, row: &PgRow) -> Result<TimestampFormat, String> {
        self.micros(row)?;
        match self.stored(row) {
            Some(StoredTime::Number(number)) => Ok(TimestampFormat::of_number(number as i64)),
            _ => Ok(TimestampFormat::Text),
        }
    }

    /// The value for a message.
    pub fn example(self, row: &PgRow) -> String {
        const LONGEST: usize = 40;
        match self.stored(row) {
            Some(StoredTime::Number(number)) => example_of_fraction(number),
            Some(StoredTime::Text(text)) => format!("{:?}", text.chars().take(LONGEST).collect::<String>()),
            None => "-infinity".into(),
        }
    }
}

/// A timestamp in microseconds since 1970; `None` if it is null or infinite.
pub fn timestamp(row: &PgRow, index: usize) -> Option<i64> {
    let since_2000 = bytes(row, index).and_then(|bytes| Some(i64::from_be_bytes(bytes.try_into().ok()?)));
    // The smallest and the largest number represent infinity.
    since_2000.filter(|micros| *micros != i64::MIN).and_then(|micros| micros.checked_add(POSTGRES_EPOCH))
}

/// The raw bytes of a value; `None` if it is null.
pub fn bytes(row: &PgRow, index: usize) -> Option<&[u8]> {
    let value = row.try_get_raw(index).ok()?;
    if value.is_null() { None } else { value.as_bytes().ok() }
}

/// The error for a failed connection attempt.
pub fn connect_error(url: &PostgresUrl, options: &PgConnectOptions, error: &sqlx::Error) -> SyncError {
    const NO_SUCH_DATABASE: &str = "3D000";
    let cannot_be_reached = |why: &str| format!("the source cannot be reached ({url}): {why}");
    let message = match error {
        sqlx::Error::Database(error) => {
            // Without a database the one of the user's name is meant.
            let has_database = options.get_database().is_some() || error.code().as_deref() != Some(NO_SUCH_DATABASE);
            let advice = if has_database { "" } else { "; the URL names no database" };
            format!("the source refuses the connection ({url}): {}{advice}", error.message())
        }
        sqlx::Error::Protocol(said) if is_cut_off(said) => cannot_be_reached("it closes the connection at once"),
        other => cannot_be_reached(&postgres_problem(other).unwrap_or_else(|| other.to_string())),
    };
    let by_socket = options.get_socket().is_some() || options.get_host().starts_with('/');
    let passes = match error {
        sqlx::Error::PoolTimedOut => true,
        // The socket is missing if the server is not running. Otherwise a certificate file is missing.
        sqlx::Error::Io(error) if error.kind() == ErrorKind::NotFound => by_socket,
        sqlx::Error::Io(error) => is_transient_connection_error(error),
        sqlx::Error::Protocol(said) => is_cut_off(said),
        sqlx::Error::Database(error) => is_transient_code(error.code().as_deref()),
        _ => false,
    };
    if passes { SyncError::Transient(message) } else { SyncError::Config(message) }
}

/// Whether the server closed the connection, or reported an error, before TLS was negotiated; the driver shows the byte
/// that it read.
fn is_cut_off(said: &str) -> bool {
    ["0x00", "0x45"].iter().any(|byte| said.contains(&format!("SSLRequest: {byte}")))
}

/// The error for a value of `UPDATED_AT` that is not a timestamp; `row` names its row.
pub fn not_a_timestamp(table: &TableName, column: &str, value: &str, row: Option<&str>) -> SyncError {
    SyncError::Config(timestamps::not_a_timestamp(Dialect::Postgres, &table.to_string(), column, value, row))
}

/// Converts a Postgres error: `Transient` if a retry may help, otherwise `Config`.
pub fn meaning(table: &TableName, error: &sqlx::Error) -> SyncError {
    match error {
        sqlx::Error::Database(database) => {
            let message = format!("the table `{table}`: {}", database.message());
            let passes = is_transient_code(database.code().as_deref());
            if passes { SyncError::Transient(message) } else { SyncError::Config(message) }
        }
        // The connection broke.
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolTimedOut => {
            SyncError::Transient(format!("the table `{table}`: {error}"))
        }
        other => SyncError::Failed(format!("the table `{table}`: {other}")),
    }
}

/// Whether an error code is temporary: connection errors, conflicts, lack of resources, operator intervention.
fn is_transient_code(code: Option<&str>) -> bool {
    /// `configuration_limit_exceeded` and `database_dropped`, which are permanent.
    const PERMANENT: [&str; 2] = ["53400", "57P04"];
    /// Lock not available, object in use, idle-in-transaction timeout, transaction timeout.
    const TRANSIENT: [&str; 9] = ["08", "40", "53", "55006", "55P03", "57", "58", "25P03", "25P04"];
    code.is_some_and(|code| !PERMANENT.contains(&code) && TRANSIENT.iter().any(|class| code.starts_with(class)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transient_error_codes_are_distinguished_from_permanent_ones() {
        for transient in
            ["08006", "40001", "40P01", "53300", "53200", "55P03", "57P01", "57P02", "57P03", "57014", "58030", "25P04"]
        {
            assert!(is_transient_code(Some(transient)), "{transient}");
        }
        for lasting in ["28P01", "28000", "3D000", "42P01", "42501", "22012", "53400", "55000", "57P04", "0A000"] {
            assert!(!is_transient_code(Some(lasting)), "{lasting}");
        }
        assert!(!is_transient_code(None));
    }

    #[test]
    fn a_closed_connection_is_not_taken_for_another_kind_of_server() {
        assert!(is_cut_off("unexpected response from SSLRequest: 0x00 (tls:95)"));
        assert!(is_cut_off("unexpected response from SSLRequest: 0x45"));
        assert!(!is_cut_off("unexpected response from SSLRequest: 0x48"), "HTTP");
        assert!(!is_cut_off("unsupported authentication method: KerberosV5"));
    }
}
