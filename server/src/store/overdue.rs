//! Watches whether integrations succeed in time.
//!
//! There is a watch for each `[[notify]]` entry with `overdue` and each of its integrations. Replicas may have different
//! configurations, so a watch is changed only for integrations that the caller names: those that it has itself. Watches of
//! integrations that no replica has any more stay, and are read by each search.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _, query};

use super::announcements::EndedJob;
use super::jobs::{Job, integration_id};
use super::messages::NewMessage;
use super::parameters::{bind_all, places};
use super::time::{from_micros, span};
use super::{Store, StoreError};
use crate::types::IntegrationId;

/// Integrations per transaction.
const BATCH: usize = 100;
/// Watches per statement.
const ROWS: usize = 500;
/// The order in which watches are locked, so that transactions of two replicas cannot wait for each other.
const IN_ORDER: &str = "ORDER BY integration_id, notify";

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

impl Store {
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
            self.database.write(bind_all(insert, chunk)).await?;
        }
        Ok(())
    }

    /// The integrations of an entry that have had no successful job for this long, and about which there is no message yet.
    pub async fn overdue_integrations(&self, notify: &str, after: Duration) -> Result<Vec<IntegrationId>, StoreError> {
        let find = self.database.with_store_clock(
            "SELECT integration_id FROM overdue_watches
             WHERE notify = $1 AND overdue_at IS NULL AND succeeded_at < {now} - $2 ORDER BY succeeded_at",
        );
        let rows = self.database.read(query(find).bind(notify).bind(span(after))).await?;
        let ids: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        Ok(ids.iter().filter_map(|id| id.parse().ok()).collect())
    }

    /// Writes the messages about those of these integrations that are overdue, unless another replica has. Returns how many they
    /// were.
    pub async fn announce_overdue(
        &self,
        notify: &str,
        after: Duration,
        integrations: &[IntegrationId],
        message: impl Fn(&Overdue) -> Option<NewMessage> + Send + Sync,
    ) -> Result<usize, StoreError> {
        let mut announced = 0;
        for chunk in integrations.chunks(BATCH) {
            let newest = self.newest_jobs(chunk).await?;
            let work = async {
                let mut transaction = self.database.begin().await?;
                let written = async {
                    let overdue = self.claim_overdue(transaction.connection(), notify, after, chunk).await?;
                    let with_job = |overdue: Overdue| {
                        message(&Overdue { job: newest.get(&overdue.integration).cloned(), ..overdue })
                    };
                    let messages: Vec<NewMessage> = overdue.into_iter().filter_map(with_job).collect();
                    self.insert_messages(transaction.connection(), &messages).await?;
                    Ok(messages.len())
                };
                let written = written.await;
                transaction.end(written).await
            };
            announced += self.database.transact(work).await?;
        }
        Ok(announced)
    }

    /// Marks the watches of those of these integrations that are overdue, and returns them without their jobs.
    async fn claim_overdue(
        &self,
        connection: &mut AnyConnection,
        notify: &str,
        after: Duration,
        integrations: &[IntegrationId],
    ) -> Result<Vec<Overdue>, StoreError> {
        let ids: Vec<String> = integrations.iter().map(IntegrationId::to_string).collect();
        let find = format!(
            "SELECT integration_id, succeeded_at, {{now}} AS now,
                (SELECT jobs.finished_at FROM jobs
                 WHERE jobs.integration_id = overdue_watches.integration_id AND jobs.status IN ('success', 'partial')
                 ORDER BY jobs.started_at DESC LIMIT 1) AS last_success
             FROM overdue_watches
             WHERE notify = $1 AND overdue_at IS NULL AND succeeded_at < {{now}} - $2 AND integration_id IN ({})
             {IN_ORDER} {}",
            places(3, ids.len()),
            self.database.for_update()
        );
        let find = query(self.database.with_store_clock(&find)).bind(notify).bind(span(after));
        let rows = bind_all(find, &ids).fetch_all(&mut *connection).await?;
        let overdue: Vec<Overdue> = rows.iter().map(overdue).collect::<Result<_, _>>()?;
        if !overdue.is_empty() {
            let ids: Vec<String> = overdue.iter().map(|overdue| overdue.integration.to_string()).collect();
            let mark = format!(
                "UPDATE overdue_watches SET overdue_at = {{now}} WHERE notify = $1 AND integration_id IN ({})",
                places(2, ids.len())
            );
            let mark = query(self.database.with_store_clock(&mark)).bind(notify);
            bind_all(mark, &ids).execute(connection).await?;
        }
        Ok(overdue)
    }

    /// Watches those of these integrations that are overdue from now on.
    pub async fn watch_anew(
        &self,
        notify: &str,
        after: Duration,
        integrations: &[IntegrationId],
    ) -> Result<(), StoreError> {
        let ids: Vec<String> = integrations.iter().map(IntegrationId::to_string).collect();
        for chunk in ids.chunks(ROWS) {
            // One that another replica changes meanwhile is left to it.
            let anew = format!(
                "UPDATE overdue_watches SET succeeded_at = {{now}} WHERE notify = $1 AND integration_id IN
                 (SELECT integration_id FROM overdue_watches
                  WHERE notify = $1 AND overdue_at IS NULL AND succeeded_at < {{now}} - $2 AND integration_id IN ({})
                  {})",
                places(3, chunk.len()),
                self.database.skip_locked()
            );
            let anew = query(self.database.with_store_clock(&anew)).bind(notify).bind(span(after));
            self.database.write(bind_all(anew, chunk)).await?;
        }
        Ok(())
    }

    /// For the integrations of successful jobs, the entries for which they are overdue.
    pub(super) async fn overdue_entries(
        &self,
        connection: &mut AnyConnection,
        ended: &[EndedJob],
    ) -> Result<BTreeMap<IntegrationId, Vec<String>>, StoreError> {
        let succeeded = ended.iter().filter(|ended| ended.job.status.is_success());
        let ids: BTreeSet<String> = succeeded.map(|ended| ended.integration.to_string()).collect();
        let mut overdue: BTreeMap<IntegrationId, Vec<String>> = BTreeMap::new();
        if ids.is_empty() {
            return Ok(overdue);
        }
        let ids: Vec<String> = ids.into_iter().collect();
        let find = format!(
            "SELECT integration_id, notify, overdue_at FROM overdue_watches WHERE integration_id IN ({}) {IN_ORDER} {}",
            places(1, ids.len()),
            self.database.for_update()
        );
        for row in bind_all(query(AssertSqlSafe(find)), &ids).fetch_all(connection).await? {
            let integration = row.try_get::<String, _>("integration_id")?.parse();
            if let (Ok(integration), Some(_)) = (integration, row.try_get::<Option<i64>, _>("overdue_at")?) {
                overdue.entry(integration).or_default().push(row.try_get("notify")?);
            }
        }
        Ok(overdue)
    }
}

/// Records that these jobs have succeeded.
pub(super) async fn record_successes(connection: &mut AnyConnection, jobs: &[String]) -> Result<(), StoreError> {
    if jobs.is_empty() {
        return Ok(());
    }
    // A job that was left to another replica may be announced after later ones.
    let record = format!(
        "UPDATE overdue_watches
         SET overdue_at = NULL, succeeded_at = CASE WHEN succeeded_at < ended.finished_at THEN ended.finished_at ELSE succeeded_at END
         FROM (SELECT integration_id AS integration, MAX(finished_at) AS finished_at FROM jobs WHERE id IN ({}) GROUP BY integration_id) AS ended
         WHERE overdue_watches.integration_id = ended.integration",
        places(1, jobs.len())
    );
    bind_all(query(AssertSqlSafe(record)), jobs).execute(connection).await?;
    Ok(())
}

fn overdue(row: &AnyRow) -> Result<Overdue, StoreError> {
    Ok(Overdue {
        integration: integration_id(row, "integration_id")?,
        since: from_micros(row.try_get("succeeded_at")?)?,
        last_success: row.try_get::<Option<i64>, _>("last_success")?.map(from_micros).transpose()?,
        job: None,
        now: from_micros(row.try_get("now")?)?,
    })
}
