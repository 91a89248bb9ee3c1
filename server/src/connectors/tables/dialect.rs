//! How messages write SQL for the database of a source.

use crate::types::quoted;

/// A dialect of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// Postgres.
    Postgres,
}

impl Dialect {
    /// The function that makes a JSON object of names and values.
    pub fn json_object(self) -> &'static str {
        match self {
            Dialect::Sqlite => "json_object",
            Dialect::Postgres => "json_build_object",
        }
    }
}

/// The name of a column in SQL, quoted only where it has to be.
pub fn column_name(name: &str) -> String {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit());
    if is_plain { name.to_owned() } else { quoted(name) }
}
