//! The outbox: messages that are to be sent, and those that were.
//!
//! A message is claimed before it is sent; if its sender dies, another one sends it again, with the same ID.

use std::time::Duration;

use sqlx::{AnyConnection, Row as _, query};

use super::jobs::{JobId, count, integration_id};
use super::parameters::places;
use super::time::span;
use super::{Store, StoreError};
use crate::types::IntegrationId;

/// Messages per DELETE.
const BATCH: i64 = 100;
/// Messages per INSERT. Both databases limit a statement to some tens of thousands of parameters.
const ROWS: usize = 500;

/// A message to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Its ID, the same whoever writes it.
    pub id: String,
    /// The name of its `[[notify]]` entry.
    pub notify: String,
    /// The integration that it is about.
    pub integration: IntegrationId,
    /// The job that it is about.
    pub job: Option<JobId>,
    /// What has happened, such as `sync.error`.
    pub event: &'static str,
    /// Its body, JSON.
    pub body: String,
}

/// A message that may be sent by the caller alone for some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedMessage {
    /// Its ID.
    pub id: String,
    /// The integration that it is about.
    pub integration: IntegrationId,
    /// What has happened, such as `sync.error`.
    pub event: String,
    /// Its body, JSON.
    pub body: String,
    /// The number of attempts, this one included.
    pub attempts: u32,
    /// The time since it was written.
    pub age: Duration,
}

impl Store {
    /// Writes messages. Those that are there already are left as they are.
    pub(super) async fn insert_messages(
        &self,
        connection: &mut AnyConnection,
        messages: &[NewMessage],
    ) -> Result<(), StoreError> {
        const COLUMNS: usize = 6;
        for chunk in messages.chunks(ROWS) {
            let row = |row: usize| format!("({}, {{now}}, {{now}})", places(row * COLUMNS + 1, COLUMNS));
            let rows: Vec<String> = (0..chunk.len()).map(row).collect();
            let insert = format!(
                "INSERT INTO messages (id, notify, integration_id, job_id, event, body, created_at, due_at) VALUES {}
                 ON CONFLICT (id) DO NOTHING",
                rows.join(", ")
            );
            let mut insert = query(self.database.with_store_clock(&insert));
            for message in chunk {
                insert = insert
                    .bind(&message.id)
                    .bind(&message.notify)
                    .bind(message.integration.to_string())
                    .bind(message.job.map(|job| job.to_string()))
                    .bind(message.event)
                    .bind(&message.body);
            }
            insert.execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// The IDs of messages of an entry that are due, at most this many.
    pub async fn due_messages(&self, notify: &str, most: usize) -> Result<Vec<String>, StoreError> {
        let find = self.database.with_store_clock(
            "SELECT id FROM messages WHERE notify = $1 AND sent_at IS NULL AND given_up_at IS NULL AND due_at <= {now}
             ORDER BY due_at LIMIT $2",
        );
        let find = query(find).bind(notify).bind(i64::try_from(most).unwrap_or(i64::MAX));
        let rows = self.database.read(find).await?;
        rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
    }

    /// Claims a message that is due, for this long; `None` if another process has it.
    pub async fn claim_message(&self, id: &str, length: Duration) -> Result<Option<ClaimedMessage>, StoreError> {
        let claim = self.database.with_store_clock(
            "UPDATE messages SET due_at = {now} + $1, attempts = attempts + 1
             WHERE id = $2 AND sent_at IS NULL AND given_up_at IS NULL AND due_at <= {now}
             RETURNING integration_id, event, body, attempts, {now} - created_at AS age",
        );
        let claim = query(claim).bind(span(length)).bind(id);
        let Some(row) = self.database.write_one(claim).await? else { return Ok(None) };
        Ok(Some(ClaimedMessage {
            id: id.to_owned(),
            integration: integration_id(&row, "integration_id")?,
            event: row.try_get("event")?,
            body: row.try_get("body")?,
            attempts: u32::try_from(row.try_get::<i64, _>("attempts")?).unwrap_or(u32::MAX),
            age: Duration::from_micros(count(row.try_get("age")?)),
        }))
    }

    /// Records that a message was sent.
    pub async fn message_sent(&self, message: &ClaimedMessage) -> Result<(), StoreError> {
        let sent = self.database.with_store_clock("UPDATE messages SET sent_at = {now}, error = NULL WHERE id = $1");
        self.database.write(query(sent).bind(&message.id)).await?;
        Ok(())
    }

    /// Records why a message could not be sent, and when to try again; without that it is given up. If another process has
    /// claimed it since, that one decides.
    pub async fn message_failed(
        &self,
        message: &ClaimedMessage,
        error: &str,
        again: Option<Duration>,
    ) -> Result<(), StoreError> {
        let column = if again.is_some() { "due_at" } else { "given_up_at" };
        let failed = format!(
            "UPDATE messages SET {column} = {{now}} + $1, error = $2 WHERE id = $3 AND attempts = $4 AND sent_at IS NULL"
        );
        let failed = query(self.database.with_store_clock(&failed))
            .bind(span(again.unwrap_or_default()))
            .bind(error)
            .bind(&message.id)
            .bind(i64::from(message.attempts));
        self.database.write(failed).await?;
        Ok(())
    }

    /// Deletes one batch of messages that were written longer ago than this. Returns how many they were.
    pub async fn delete_old_messages(&self, age: Duration) -> Result<u64, StoreError> {
        let delete = format!(
            "DELETE FROM messages WHERE id IN
             (SELECT id FROM messages WHERE created_at < {{now}} - $1 ORDER BY created_at LIMIT {BATCH})"
        );
        let delete = query(self.database.with_store_clock(&delete)).bind(span(age));
        self.database.write(delete).await
    }
}
