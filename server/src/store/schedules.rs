//! Ticks of schedules.
//!
//! The row of an integration has the last tick that was dealt with, on whatever replica. A tick is taken by moving the row
//! forward to it, in the transaction that starts its job, so each tick starts at most one job. The store's clock decides when
//! a tick is due.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{AnyConnection, Row as _, query};

use super::database::returned;
use super::jobs::{self, JobId, Start};
use super::time::from_micros;
use super::{Store, StoreError, micros};
use crate::types::IntegrationId;

/// Rows per INSERT.
const ROWS_PER_INSERT: usize = 500;

/// What became of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenTick {
    /// It has started a job.
    Started(JobId),
    /// It has started none, because a job is in progress.
    InProgress,
    /// It has passed while the integration was paused.
    Paused,
    /// Nothing, because another replica has dealt with it or a later one, or because it is not due yet by the store's clock.
    NotTaken {
        /// The last tick that was dealt with.
        ticked_at: DateTime<Utc>,
    },
}

impl Store {
    /// The store's clock.
    pub async fn now(&self) -> Result<DateTime<Utc>, StoreError> {
        let now = query(self.database.with_store_clock("SELECT {now} AS at"));
        let rows = self.database.read(now).await?;
        let row = rows.first().ok_or(StoreError::Failed(sqlx::Error::RowNotFound))?;
        from_micros(row.try_get("at")?)
    }

    /// For each of these integrations, the last tick that was dealt with. One that never had a schedule begins now.
    pub async fn last_ticks(
        &self,
        integrations: &[IntegrationId],
    ) -> Result<HashMap<IntegrationId, DateTime<Utc>>, StoreError> {
        let known = self.stored_ticks().await?;
        let new: Vec<&IntegrationId> = integrations.iter().filter(|id| !known.contains_key(id)).collect();
        if new.is_empty() {
            return Ok(known);
        }
        for chunk in new.chunks(ROWS_PER_INSERT) {
            let rows: Vec<String> = (1..=chunk.len()).map(|number| format!("(${number}, {{now}})")).collect();
            let insert = format!(
                "INSERT INTO schedules (integration_id, ticked_at) VALUES {} ON CONFLICT (integration_id) DO NOTHING",
                rows.join(", ")
            );
            let mut insert = query(self.database.with_store_clock(&insert));
            for integration in chunk {
                insert = insert.bind(integration.to_string());
            }
            self.database.write(insert).await?;
        }
        self.stored_ticks().await
    }

    async fn stored_ticks(&self) -> Result<HashMap<IntegrationId, DateTime<Utc>>, StoreError> {
        let rows = self.database.read(query("SELECT integration_id, ticked_at FROM schedules")).await?;
        let mut ticks = HashMap::with_capacity(rows.len());
        for row in &rows {
            // A row that cannot be read is of no integration of this program.
            if let Ok(id) = row.try_get::<String, _>("integration_id")?.parse() {
                ticks.insert(id, from_micros(row.try_get("ticked_at")?)?);
            }
        }
        Ok(ticks)
    }

    /// Takes a tick that is due, unless that was done already, and starts its job and wakes a worker of this process. If the
    /// integration is paused, the tick passes without a job.
    pub async fn take_tick(
        &self,
        integration: IntegrationId,
        tick: DateTime<Utc>,
        paused: bool,
    ) -> Result<TakenTick, StoreError> {
        let work = async {
            let mut transaction = self.database.begin().await?;
            let taken = self.take(transaction.connection(), integration, tick, paused).await;
            transaction.end(taken).await
        };
        let taken = self.database.transact(work).await?;
        if let TakenTick::Started(_) = taken {
            self.job_started();
        }
        Ok(taken)
    }

    async fn take(
        &self,
        connection: &mut AnyConnection,
        integration: IntegrationId,
        tick: DateTime<Utc>,
        paused: bool,
    ) -> Result<TakenTick, StoreError> {
        let (id, at) = (integration.to_string(), micros(tick));
        // If the row has vanished, it is as if no tick had been dealt with.
        let advance = self.database.with_store_clock(
            "INSERT INTO schedules (integration_id, ticked_at)
             SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT) WHERE CAST($2 AS BIGINT) <= {now}
             ON CONFLICT (integration_id) DO UPDATE SET ticked_at = excluded.ticked_at
             WHERE schedules.ticked_at < excluded.ticked_at
             RETURNING ticked_at",
        );
        if returned(query(advance).bind(&id).bind(at), connection).await?.is_none() {
            let find = query("SELECT ticked_at FROM schedules WHERE integration_id = $1").bind(&id);
            let row = returned(find, connection).await?;
            // Without a row, the tick is not due yet.
            let ticked_at =
                row.map_or(Ok(tick - TimeDelta::seconds(1)), |row| from_micros(row.try_get("ticked_at")?))?;
            return Ok(TakenTick::NotTaken { ticked_at });
        }
        if paused {
            return Ok(TakenTick::Paused);
        }
        let start = Start { id: JobId::new(), integration, received_at: None, scheduled_for: Some(tick) };
        if returned(jobs::insert(&self.database, &[start]), connection).await?.is_some() {
            return Ok(TakenTick::Started(start.id));
        }
        Ok(TakenTick::InProgress)
    }

    /// Begins schedules anew whose last tick is in the future by more than an hour: the store's clock must have been wrong when it
    /// was taken, and they would be silent until that time. Returns how many they were.
    pub async fn restart_future_schedules(&self) -> Result<u64, StoreError> {
        let restart = self.database.with_store_clock(
            "UPDATE schedules SET ticked_at = {now} WHERE ticked_at > {now} + CAST(3600000000 AS BIGINT)",
        );
        self.database.write(query(restart)).await
    }
}
