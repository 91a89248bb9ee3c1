//! The commands besides `serve`, each in a file.

pub mod audit;
pub mod cancel;
mod changes;
pub mod check;
pub mod init;
pub mod jobs;
pub mod key;
pub mod notify;
mod other_stores;
pub mod preview;
mod reload;
pub mod row_errors;
pub mod serve;
pub mod watermark;

use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::config::{Config, Integration};
use crate::settings::DEFAULT_FILE;
use crate::store::{Store, StoreLocation};
use crate::text::{shell_path, shell_word};

/// A time in messages, in RFC 3339.
fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// The option that makes a printed command read this configuration.
fn config_option(config: &Config) -> String {
    if config.file == Path::new(DEFAULT_FILE) {
        String::new()
    } else {
        format!(" --config {}", shell_path(&config.file))
    }
}

/// An integration as the argument of a printed command: its name, or its ID if the name would be taken for an option.
fn argument(integration: &Integration) -> String {
    if integration.name.starts_with('-') { integration.id.to_string() } else { shell_word(&integration.name) }
}

/// Opens the store if it exists, does something with it, and closes it, so that SQLite leaves no files beside its own.
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

/// The message of a command that needs a store where there is none.
fn no_store(location: &StoreLocation) -> String {
    format!("there is no store yet ({}): `cdi-server serve` creates it", place(location))
}

fn place(location: &StoreLocation) -> String {
    match location {
        StoreLocation::Sqlite(path) => path.display().to_string(),
        StoreLocation::Postgres(url) => url.to_string(),
    }
}
