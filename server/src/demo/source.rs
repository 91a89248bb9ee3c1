//! The demo's source: a table of generated users in a SQLite file, some of which cannot be delivered.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use chrono::{TimeDelta, Utc};

use crate::text::timestamp;

/// One in this many rows is invalid.
const BAD_EVERY: usize = 500;

/// A seeded table.
pub(super) struct Source {
    /// The SQLite file.
    pub(super) path: PathBuf,
    /// The number of rows.
    pub(super) rows: u64,
    /// The number of rows that must be refused.
    pub(super) bad: u64,
}

impl Source {
    /// Creates the file and fills the table.
    pub(super) async fn seed(path: PathBuf, rows: u32) -> anyhow::Result<Source> {
        let seed = move || fill(&path, rows as usize).map(|bad| Source { path, rows: rows.into(), bad });
        tokio::task::spawn_blocking(seed).await?.context("the source cannot be seeded")
    }

    /// Sets a new `UPDATED_AT` in every row, so that the next sync has something to send.
    pub(super) async fn change(&self) -> anyhow::Result<()> {
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || touch(&path)).await?.context("the source cannot be changed")
    }
}

/// Fills a table of users with attributes as JSON, a few of them invalid. Returns the number of invalid rows.
fn fill(path: &Path, rows: usize) -> rusqlite::Result<u64> {
    let mut database = rusqlite::Connection::open(path)?;
    // WAL mode: rows can be changed while a sync reads.
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.execute_batch("CREATE TABLE users (UPDATED_AT TEXT NOT NULL, EXTERNAL_ID TEXT, PAYLOAD TEXT NOT NULL)")?;
    let transaction = database.transaction()?;
    let start = Utc::now() - TimeDelta::milliseconds(i64::try_from(rows).unwrap_or(i64::MAX) + 1000);
    let mut bad = 0;
    {
        let mut insert = transaction.prepare("INSERT INTO users VALUES (?1, ?2, ?3)")?;
        for row in 0..rows {
            let updated_at = timestamp(start + TimeDelta::milliseconds(i64::try_from(row).unwrap_or(0)));
            let broken = row % BAD_EVERY == BAD_EVERY / 2;
            bad += u64::from(broken);
            let payload = match (broken, row / BAD_EVERY % 3) {
                (false, _) => format!(
                    r#"{{"first_name":"Ada {row}","email":"user-{row}@example.com","visits":{},"last_seen":"{updated_at}"}}"#,
                    row % 97
                ),
                (true, 0) => format!(r#"["not an object", {row}]"#),
                (true, 1) => format!(r#"{{"external_id":"someone-else-{row}"}}"#),
                (true, _) => format!(r#"{{"email":"no at sign {row}"}}"#),
            };
            insert.execute((updated_at, format!("user-{row}"), payload))?;
        }
    }
    transaction.commit()?;
    Ok(bad)
}

fn touch(path: &Path) -> rusqlite::Result<()> {
    let mut database = rusqlite::Connection::open(path)?;
    database.busy_timeout(Duration::from_secs(5))?;
    let transaction = database.transaction()?;
    {
        let rows: i64 = transaction.query_row("SELECT COALESCE(max(rowid), 0) FROM users", (), |row| row.get(0))?;
        let mut update = transaction.prepare("UPDATE users SET UPDATED_AT = ?1 WHERE rowid = ?2")?;
        let now = Utc::now();
        for row in 1..=rows {
            // One microsecond apart, and all in the past: rows dated in the future would be skipped.
            update.execute((timestamp(now - TimeDelta::microseconds(rows - row)), row))?;
        }
    }
    transaction.commit()
}
