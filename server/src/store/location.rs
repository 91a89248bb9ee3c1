//! Where run-time state is kept.

use std::path::PathBuf;

use crate::types::PostgresUrl;

/// Where run-time state is kept.
#[derive(Debug, Clone)]
pub enum StoreLocation {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A Postgres database.
    Postgres(PostgresUrl),
}
