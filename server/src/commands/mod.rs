//! The commands besides `serve`, each in a file.

pub mod audit;
pub mod cancel;
pub mod check;
pub mod init;
pub mod jobs;
pub mod key;
pub mod preview;
pub mod row_errors;
pub mod watermark;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::config::Config;
use crate::store::{Store, StoreLocation};

/// A time in messages, in RFC 3339.
fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A number with commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A name as an argument in a shell.
fn word(name: &str) -> String {
    if name.chars().all(|character| character.is_ascii_alphanumeric() || "._-".contains(character)) {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', r"'\''"))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn names_are_quoted_where_a_shell_needs_it() {
        assert_eq!(["Users", "Users of ours", "It's"].map(word), ["Users", "'Users of ours'", r"'It'\''s'"]);
    }
}
