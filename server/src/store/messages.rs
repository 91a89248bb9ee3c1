//! The outbox: messages about ended jobs and overdue integrations, each written once and then sent.
//!
//! A statement that ends a job marks it. The messages of a marked job are written in the transaction that removes the mark, so
//! each is written once, by whichever replica comes first, and none is lost in a crash. What they say is decided by the
//! caller. A message is claimed before it is sent; if its sender dies, another one sends it again, with the same ID.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _, query};

use super::database::returned;
use super::jobs::{self, Job, JobId, JobStatus, count};
use super::time::{from_micros, span};
use super::{Store, StoreError, micros};
use crate::types::IntegrationId;

/// Jobs, integrations or deleted messages per transaction.
const BATCH: i64 = 100;
/// Rows per INSERT.
const ROWS: usize = 500;

/// A job that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedJob {
    /// Its integration.
    pub integration: IntegrationId,
    /// The job.
    pub job: Job,
    /// If it has succeeded and the one before it has not: the start of the first failed job since the last success.
    pub failing_since: Option<DateTime<Utc>>,
    /// If it has succeeded: the `[[notify]]` entries for which the integration was overdue.
    pub overdue: Vec<String>,
}

/// An integration without a successful job for too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overdue {
    /// The integration.
    pub integration: IntegrationId,
    /// The end of its last successful job, or when it was first seen.
    pub since: DateTime<Utc>,
    /// The end of its last successful job.
    pub last_success: Option<DateTime<Utc>>,
    /// Its newest job.
    pub job: Option<Job>,
    /// The store's time.
    pub now: DateTime<Utc>,
}

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
    /// Its body, JSON.
    pub body: String,
    /// The number of attempts, this one included.
    pub attempts: u32,
    /// The time since it was written.
    pub age: Duration,
}

impl JobStatus {
    /// Whether the sync got to its end: rows may have been refused, and the others are delivered.
    pub fn is_success(self) -> bool {
        matches!(self, JobStatus::Success | JobStatus::Partial)
    }
}

impl Store {
    /// Writes the messages of jobs that have ended, one batch of jobs. Returns how many jobs they were.
    pub async fn announce_jobs(
        &self,
        messages: impl Fn(&EndedJob) -> Vec<NewMessage> + Send + Sync,
    ) -> Result<usize, StoreError> {
        // Usually there is nothing to do, and no transaction is needed.
        if self.database.read_one(query("SELECT id FROM jobs WHERE announce = 1 LIMIT 1")).await?.is_none() {
            return Ok(0);
        }
        let work = async {
            let mut transaction = self.database.begin().await?;
            let announced = self.announce(transaction.connection(), &messages).await;
            transaction.end(announced).await
        };
        self.database.transact(work).await
    }

    async fn announce(
        &self,
        connection: &mut AnyConnection,
        messages: &(impl Fn(&EndedJob) -> Vec<NewMessage> + Send + Sync),
    ) -> Result<usize, StoreError> {
        // In the order of their start times, in which jobs of one integration also end. Replicas take turns, so that this order
        // is kept.
        let find = format!(
            "SELECT {columns}, integration_id, CASE WHEN status IN ('success', 'partial') THEN
                (SELECT MIN(failed.started_at) FROM jobs AS failed
                 WHERE failed.integration_id = jobs.integration_id AND failed.started_at < jobs.started_at
                   AND failed.started_at > COALESCE((SELECT good.started_at FROM jobs AS good
                        WHERE good.integration_id = jobs.integration_id AND good.started_at < jobs.started_at
                          AND good.status IN ('success', 'partial') ORDER BY good.started_at DESC LIMIT 1), 0)) END AS failing_since
             FROM jobs WHERE announce = 1 ORDER BY started_at LIMIT $1 {for_update}",
            columns = jobs::COLUMNS,
            for_update = self.database.for_update()
        );
        let find = query(self.database.with_store_clock(&find)).bind(BATCH);
        let rows = find.fetch_all(&mut *connection).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let mut overdue = overdue(connection, &rows).await?;
        let mut successes = BTreeMap::new();
        for row in &rows {
            // A row that cannot be read must not keep others from being announced.
            let Ok(mut ended) = ended(row) else { continue };
            if ended.job.status.is_success() {
                ended.overdue = overdue.remove(&ended.integration).unwrap_or_default();
                successes.extend(ended.job.sync_finish_time.map(|at| (ended.integration, at)));
            }
            for message in messages(&ended) {
                self.insert_message(connection, &message).await?;
            }
        }
        for (integration, at) in successes {
            let well =
                query("UPDATE overdue_watches SET succeeded_at = $1, overdue_at = NULL WHERE integration_id = $2");
            well.bind(micros(at)).bind(integration.to_string()).execute(&mut *connection).await?;
        }
        let ids: Vec<String> = rows.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
        let done = format!("UPDATE jobs SET announce = 0 WHERE id IN ({})", places(ids.len()));
        ids.iter().fold(query(AssertSqlSafe(done)), |done, id| done.bind(id)).execute(connection).await?;
        Ok(rows.len())
    }

    async fn insert_message(&self, connection: &mut AnyConnection, message: &NewMessage) -> Result<(), StoreError> {
        let insert = self.database.with_store_clock(
            "INSERT INTO messages (id, notify, integration_id, job_id, event, body, created_at, due_at)
             VALUES ($1, $2, $3, $4, $5, $6, {now}, {now}) ON CONFLICT (id) DO NOTHING",
        );
        let insert = query(insert)
            .bind(&message.id)
            .bind(&message.notify)
            .bind(message.integration.to_string())
            .bind(message.job.map(|job| job.to_string()))
            .bind(message.event)
            .bind(&message.body);
        insert.execute(connection).await?;
        Ok(())
    }

    /// Begins to watch whether these integrations succeed, for an entry. Those that are watched already are left as they are.
    pub async fn watch_for_overdue(&self, notify: &str, integrations: &[IntegrationId]) -> Result<(), StoreError> {
        let known = query("SELECT integration_id FROM overdue_watches WHERE notify = $1").bind(notify);
        let known = self.database.read(known).await?;
        let known: HashSet<String> = known.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        let new: Vec<String> =
            integrations.iter().map(IntegrationId::to_string).filter(|id| !known.contains(id)).collect();
        for chunk in new.chunks(ROWS) {
            let rows: Vec<String> = (2..chunk.len() + 2).map(|number| format!("(${number}, $1, {{now}})")).collect();
            let insert = format!(
                "INSERT INTO overdue_watches (integration_id, notify, succeeded_at) VALUES {}
                 ON CONFLICT (integration_id, notify) DO NOTHING",
                rows.join(", ")
            );
            let insert = query(self.database.with_store_clock(&insert)).bind(notify);
            self.database.write(chunk.iter().fold(insert, |insert, id| insert.bind(id))).await?;
        }
        Ok(())
    }

    /// Writes the messages about integrations that have had no successful job for this long, one batch of them. An integration
    /// for which there is no message is watched anew. Returns how many integrations they were.
    pub async fn announce_overdue(
        &self,
        notify: &str,
        after: Duration,
        message: impl Fn(&Overdue) -> Option<NewMessage> + Send + Sync,
    ) -> Result<usize, StoreError> {
        let find = |end: &str| {
            let find = format!(
                "SELECT integration_id, succeeded_at, {{now}} AS now FROM overdue_watches
                 WHERE notify = $1 AND overdue_at IS NULL AND succeeded_at < {{now}} - $2
                 ORDER BY succeeded_at LIMIT $3 {end}"
            );
            self.database.with_store_clock(&find)
        };
        if self.database.read(query(find("")).bind(notify).bind(span(after)).bind(1)).await?.is_empty() {
            return Ok(0);
        }
        let work = async {
            let mut transaction = self.database.begin().await?;
            let announced = async {
                let find = query(find(self.database.for_update())).bind(notify).bind(span(after)).bind(BATCH);
                let rows = find.fetch_all(transaction.connection()).await?;
                for row in &rows {
                    self.announce_one_overdue(transaction.connection(), notify, row, &message).await?;
                }
                Ok(rows.len())
            };
            let announced = announced.await;
            transaction.end(announced).await
        };
        self.database.transact(work).await
    }

    async fn announce_one_overdue(
        &self,
        connection: &mut AnyConnection,
        notify: &str,
        row: &AnyRow,
        message: &(impl Fn(&Overdue) -> Option<NewMessage> + Send + Sync),
    ) -> Result<(), StoreError> {
        let id: String = row.try_get("integration_id")?;
        let message = match id.parse() {
            Ok(integration) => {
                let times = (from_micros(row.try_get("succeeded_at")?)?, from_micros(row.try_get("now")?)?);
                message(&self.overdue_integration(connection, integration, times).await?)
            }
            Err(_) => None,
        };
        let column = if message.is_some() { "overdue_at" } else { "succeeded_at" };
        let update = format!("UPDATE overdue_watches SET {column} = {{now}} WHERE integration_id = $1 AND notify = $2");
        query(self.database.with_store_clock(&update)).bind(&id).bind(notify).execute(&mut *connection).await?;
        match message {
            Some(message) => self.insert_message(connection, &message).await,
            None => Ok(()),
        }
    }

    async fn overdue_integration(
        &self,
        connection: &mut AnyConnection,
        integration: IntegrationId,
        (since, now): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Overdue, StoreError> {
        let newest =
            format!("SELECT {} FROM jobs WHERE integration_id = $1 ORDER BY started_at DESC LIMIT 1", jobs::COLUMNS);
        let newest = query(self.database.with_store_clock(&newest)).bind(integration.to_string());
        let job = returned(newest, connection).await?.as_ref().map(jobs::job).transpose()?;
        let success = query(
            "SELECT finished_at FROM jobs WHERE integration_id = $1 AND status IN ('success', 'partial')
             ORDER BY started_at DESC LIMIT 1",
        );
        let success = returned(success.bind(integration.to_string()), connection).await?;
        let last_success = success.map(|row| from_micros(row.try_get("finished_at")?)).transpose()?;
        Ok(Overdue { integration, since, last_success, job, now })
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
             RETURNING integration_id, body, attempts, {now} - created_at AS age",
        );
        let claim = query(claim).bind(span(length)).bind(id);
        let Some(row) = self.database.write_one(claim).await? else { return Ok(None) };
        let integration: String = row.try_get("integration_id")?;
        let unreadable = |_| StoreError::Unreadable { what: "integration ID", value: integration.clone() };
        Ok(Some(ClaimedMessage {
            id: id.to_owned(),
            integration: integration.parse().map_err(unreadable)?,
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

/// For the integrations in these rows, the entries for which they are overdue.
async fn overdue(
    connection: &mut AnyConnection,
    rows: &[AnyRow],
) -> Result<BTreeMap<IntegrationId, Vec<String>>, StoreError> {
    let ids: Vec<String> = rows.iter().map(|row| row.try_get("integration_id")).collect::<Result<_, _>>()?;
    let find = format!(
        "SELECT integration_id, notify FROM overdue_watches WHERE overdue_at IS NOT NULL AND integration_id IN ({})",
        places(ids.len())
    );
    let found = ids.iter().fold(query(AssertSqlSafe(find)), |find, id| find.bind(id)).fetch_all(connection).await?;
    let mut overdue: BTreeMap<IntegrationId, Vec<String>> = BTreeMap::new();
    for row in &found {
        if let Ok(integration) = row.try_get::<String, _>("integration_id")?.parse() {
            overdue.entry(integration).or_default().push(row.try_get("notify")?);
        }
    }
    Ok(overdue)
}

fn ended(row: &AnyRow) -> Result<EndedJob, StoreError> {
    let integration: String = row.try_get("integration_id")?;
    let unreadable = |_| StoreError::Unreadable { what: "integration ID", value: integration.clone() };
    Ok(EndedJob {
        integration: integration.parse().map_err(unreadable)?,
        job: jobs::job(row)?,
        failing_since: row.try_get::<Option<i64>, _>("failing_since")?.map(from_micros).transpose()?,
        overdue: Vec::new(),
    })
}

/// This many parameters.
fn places(number: usize) -> String {
    (1..=number).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}
