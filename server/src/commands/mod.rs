//! What the command line does besides serving: each command in a file.

pub mod cancel;
pub mod check;
pub mod key;
pub mod preview;
pub mod row_errors;
pub mod watermark;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::config::StoreLocation;

/// A time for people.
fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// What is said where a command needs a store and there is none.
fn no_store(location: &StoreLocation) -> String {
    format!("there is no store yet ({}): `cdi-server serve` makes it", place(location))
}

fn place(location: &StoreLocation) -> String {
    match location {
        StoreLocation::Sqlite(path) => path.display().to_string(),
        StoreLocation::Postgres(url) => url.to_string(),
    }
}
