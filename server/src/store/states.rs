//! How integrations stand: their watermarks and their newest jobs.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _, query};

use super::database::returned;
use super::jobs::{JobStatus, count};
use super::time::from_micros;
use super::{Store, StoreError, leases};
use crate::types::IntegrationId;

/// How far an integration's rows have been dealt with: every row below `updated_at`, and `rows_at` of those at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermark {
    /// The `UPDATED_AT` that was reached.
    pub updated_at: DateTime<Utc>,
    /// How many rows at it are dealt with.
    pub rows_at: u64,
    /// A digest of those, where there may be more that are not dealt with.
    pub digest: Option<u64>,
}

/// How an integration stands. One without jobs has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntegrationState {
    /// How far it has got.
    pub watermark: Option<Watermark>,
    /// When its newest job started.
    pub last_job_start_time: Option<DateTime<Utc>>,
    /// How its newest job stands.
    pub last_job_status: Option<JobStatus>,
    /// Whether the last job that ended could not work with the configuration.
    pub config_error: bool,
}

impl Store {
    /// How these integrations stand. Those of which nothing is known are left out.
    pub async fn integration_states(
        &self,
        integrations: &[IntegrationId],
    ) -> Result<HashMap<IntegrationId, IntegrationState>, StoreError> {
        if integrations.is_empty() {
            return Ok(HashMap::new());
        }
        let places: Vec<String> = (1..=integrations.len()).map(|number| format!("(CAST(${number} AS TEXT))")).collect();
        let statement = format!(
            "WITH listed (id) AS (VALUES {places})
             SELECT listed.id, watermarks.updated_at, watermarks.rows_at, watermarks.digest,
                    newest.started_at, newest.status, newest.finished_at, ended.status AS ended_status
             FROM listed
             LEFT JOIN watermarks ON watermarks.integration_id = listed.id
             LEFT JOIN jobs AS newest ON newest.integration_id = listed.id
                  AND newest.started_at = (SELECT MAX(started_at) FROM jobs WHERE integration_id = listed.id)
             LEFT JOIN jobs AS ended ON ended.integration_id = listed.id
                  AND ended.started_at = (SELECT MAX(started_at) FROM jobs WHERE integration_id = listed.id AND finished_at IS NOT NULL)",
            places = places.join(", ")
        );
        let mut states = query(AssertSqlSafe(statement));
        for integration in integrations {
            states = states.bind(integration.to_string());
        }
        let rows = self.database.read(states).await?;
        rows.iter()
            .map(|row| {
                let id: String = row.try_get("id")?;
                let has_ended = row.try_get::<Option<i64>, _>("finished_at")?.is_some();
                let status = |column: &str, has_ended: bool| -> Result<Option<JobStatus>, StoreError> {
                    Ok(row.try_get::<Option<String>, &str>(column)?.map(|text| JobStatus::read(&text, has_ended)))
                };
                let state = IntegrationState {
                    watermark: watermark(row)?,
                    last_job_start_time: row.try_get::<Option<i64>, _>("started_at")?.map(from_micros).transpose()?,
                    last_job_status: status("status", has_ended)?,
                    config_error: status("ended_status", true)? == Some(JobStatus::ConfigError),
                };
                let id = id.parse().map_err(|_| StoreError::Unreadable { what: "integration ID", value: id })?;
                Ok((id, state))
            })
            .collect()
    }
}

impl Store {
    /// Moves a watermark, or takes it away, unless a job is in progress. Whether it has been moved.
    pub async fn set_watermark(&self, integration: IntegrationId, to: Option<Watermark>) -> Result<bool, StoreError> {
        let work = async {
            let mut transaction = self.database.begin().await?;
            let moved = move_watermark(transaction.connection(), integration, to).await;
            transaction.end(moved).await
        };
        self.database.transact(work).await
    }
}

async fn move_watermark(
    connection: &mut AnyConnection,
    integration: IntegrationId,
    to: Option<Watermark>,
) -> Result<bool, StoreError> {
    let id = integration.to_string();
    // For a moment this is the job in progress: no other can begin.
    let placeholder = query(
        "INSERT INTO jobs (id, integration_id, status, started_at) VALUES ($1, $2, 'running', 0)
         ON CONFLICT (integration_id) WHERE finished_at IS NULL DO NOTHING RETURNING id",
    );
    let placeholder = placeholder.bind(format!("watermark of {id}")).bind(&id);
    let Some(placeholder) = returned(placeholder, connection).await? else { return Ok(false) };
    match to {
        Some(watermark) => leases::write_watermark(connection, integration, &watermark).await?,
        None => {
            query("DELETE FROM watermarks WHERE integration_id = $1").bind(&id).execute(&mut *connection).await?;
        }
    }
    let placeholder: String = placeholder.try_get("id")?;
    query("DELETE FROM jobs WHERE id = $1").bind(placeholder).execute(connection).await?;
    Ok(true)
}

/// The watermark of a row that has its columns.
pub(super) fn watermark(row: &AnyRow) -> Result<Option<Watermark>, StoreError> {
    let Some(updated_at) = row.try_get::<Option<i64>, _>("updated_at")? else {
        return Ok(None);
    };
    Ok(Some(Watermark {
        updated_at: from_micros(updated_at)?,
        rows_at: count(row.try_get("rows_at")?),
        digest: row.try_get::<Option<i64>, _>("digest")?.map(i64::cast_unsigned),
    }))
}
