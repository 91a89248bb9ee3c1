//! What the command line does besides serving: each command in a file.

pub mod cancel;
pub mod check;
pub mod key;
pub mod preview;
pub mod row_errors;
pub mod watermark;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::config::Config;
use crate::store::{Store, StoreLocation};

/// A time for people.
fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Does something with the store that is there, if there is one, and closes it: SQLite then leaves no files beside its own.
async fn with_store<T>(
    config: &Config,
    work: impl AsyncFnOnce(Option<&Store>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let store = Store::open_existing(&config.store).await?;
    let done = work(store.as_ref()).await;
    if let Some(store) = &store {
        store.close().await;
    }
    done
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
