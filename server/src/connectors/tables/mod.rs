//! Shared by sources that read a table: columns, timestamps, and chunks of rows.

mod chunk;
pub mod columns;
mod dialect;
#[cfg(test)]
mod fuzz;
mod missing_columns;
pub mod survey;
pub mod timestamps;

use std::time::Duration;

use crate::types::TableName;
pub use chunk::{Chunk, WAITING};
pub use dialect::Dialect;

/// How long to wait for a lock on the table before the read fails and is retried. Shorter in tests.
pub const LOCKED: Duration = if cfg!(test) { Duration::from_secs(1) } else { Duration::from_secs(10) };

/// The largest LIMIT of a query: databases use signed integers.
pub const MOST_ROWS: u64 = u64::MAX / 4;

/// The message for a table that does not exist because its name is a query; `None` if it is not.
pub fn query_advice(table: &TableName) -> Option<String> {
    let text = table.to_string();
    let mut words = text.split_ascii_whitespace();
    let first = words.next()?.to_ascii_lowercase();
    let is_query = matches!(first.as_str(), "select" | "with" | "(select") && words.next().is_some();
    is_query.then(|| {
        format!("`table` is the name of a table or view, and `{text}` looks like a query; create a view for it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_told_from_a_name() {
        let advice = |text: &str| query_advice(&text.parse().unwrap());
        assert_eq!(
            advice("SELECT * FROM users").as_deref(),
            Some(
                "`table` is the name of a table or view, and `SELECT * FROM users` looks like a query; create a view for it"
            )
        );
        assert_eq!((advice("select"), advice("selected users"), advice("users")), (None, None, None));
    }
}
