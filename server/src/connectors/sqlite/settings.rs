//! The keys of a SQLite source in the configuration.

use std::path::PathBuf;
use std::sync::Arc;

use crate::settings::Section;
use crate::sync::Source;
use crate::types::TableName;

/// A table or view of a SQLite database.
#[derive(Debug, Clone)]
pub struct Sqlite {
    /// The path of the database file.
    pub path: PathBuf,
    /// The table or view.
    pub table: TableName,
}

/// Reads the keys of the section.
pub fn configure(section: &mut Section<'_, '_>) -> Option<Arc<dyn Source>> {
    let (path, table) = (section.path("path"), section.parsed("table"));
    Some(Arc::new(Sqlite { path: path?, table: table? }))
}
