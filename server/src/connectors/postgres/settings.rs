//! The keys of a Postgres source in the configuration.

use std::sync::Arc;

use crate::settings::Section;
use crate::sync::Source;
use crate::types::{PostgresUrl, TableName};

/// A table or view of a Postgres database.
#[derive(Debug, Clone)]
pub struct Postgres {
    /// The URL of the database.
    pub url: PostgresUrl,
    /// The table or view.
    pub table: TableName,
}

/// Reads the keys of the section.
pub fn configure(section: &mut Section<'_, '_>) -> Option<Arc<dyn Source>> {
    let url = section.postgres_url(
        "url",
        "a `postgres` source needs `url`, such as `url = { env = \"SOURCE_URL\" }` with `postgres://<user>:<password>@<host>/<database>` there",
    );
    let table = section.parsed("table");
    Some(Arc::new(Postgres { url: url?, table: table? }))
}
