//! The state of integrations: their watermarks and newest jobs.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, Row as _, query};

use super::jobs::{JobStatus, integration_id};
use super::time::from_micros;
use super::{Store, StoreError};
use crate::types::IntegrationId;

/// The state of an integration. All fields are `None` or false before its first job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntegrationState {
    /// Its watermark.
    pub last_updated_at: Option<DateTime<Utc>>,
    /// The start time of its newest job.
    pub last_job_start_time: Option<DateTime<Utc>>,
    /// The status of its newest job.
    pub last_job_status: Option<JobStatus>,
    /// Whether the last ended job has the status `config_error`.
    pub config_error: bool,
}

impl Store {
    /// The states of these integrations.
    pub async fn integration_states(
        &self,
        integrations: &[IntegrationId],
    ) -> Result<HashMap<IntegrationId, IntegrationState>, StoreError> {
        if integrations.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<String> = (1..=integrations.len()).map(|number| format!("(CAST(${number} AS TEXT))")).collect();
        let statement = format!(
            "WITH listed (id) AS (VALUES {ids})
             SELECT listed.id, watermarks.updated_at,
                    newest.started_at, newest.status, newest.finished_at, ended.status AS ended_status
             FROM listed
             LEFT JOIN watermarks ON watermarks.integration_id = listed.id
             LEFT JOIN jobs AS newest ON newest.integration_id = listed.id
                  AND newest.started_at = (SELECT MAX(started_at) FROM jobs WHERE integration_id = listed.id)
             LEFT JOIN jobs AS ended ON ended.integration_id = listed.id
                  AND ended.started_at = (SELECT MAX(started_at) FROM jobs WHERE integration_id = listed.id AND finished_at IS NOT NULL)",
            ids = ids.join(", ")
        );
        let mut states = query(AssertSqlSafe(statement));
        for integration in integrations {
            states = states.bind(integration.to_string());
        }
        let rows = self.database.read(states).await?;
        rows.iter()
            .map(|row| {
                let has_ended = row.try_get::<Option<i64>, _>("finished_at")?.is_some();
                let status = |column: &str, has_ended: bool| -> Result<Option<JobStatus>, StoreError> {
                    Ok(row.try_get::<Option<String>, &str>(column)?.map(|text| JobStatus::read(&text, has_ended)))
                };
                let time = |column: &str| -> Result<Option<DateTime<Utc>>, StoreError> {
                    row.try_get::<Option<i64>, &str>(column)?.map(from_micros).transpose()
                };
                let state = IntegrationState {
                    last_updated_at: time("updated_at")?,
                    last_job_start_time: time("started_at")?,
                    last_job_status: status("status", has_ended)?,
                    config_error: status("ended_status", true)? == Some(JobStatus::ConfigError),
                };
                Ok((integration_id(row, "id")?, state))
            })
            .collect()
    }
}
