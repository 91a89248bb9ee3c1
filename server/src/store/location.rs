//! The location of the store.

use std::path::PathBuf;

use crate::types::PostgresUrl;

/// The location of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreLocation {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A Postgres database.
    Postgres(PostgresUrl),
}
