//! Changes of watermarks by an operator.

use chrono::{DateTime, Utc};
use sqlx::{AnyConnection, Row as _, query};

use super::database::returned;
use super::watermarks::{self, Route, Watermark};
use super::{Store, StoreError, attributes};
use crate::types::IntegrationId;

/// A change of a watermark by an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatermarkChange {
    /// The next sync sends all rows of this time and later, acknowledged ones too.
    Set(DateTime<Utc>, Route),
    /// The watermark and record stay, and belong to this route from now on.
    Keep(Route),
    /// The next sync sends all rows.
    Reset,
}

/// What happens to the attributes of an integration with `only_changed` when its watermark is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownAttributes {
    /// Attributes that have not changed since they were sent are still left out.
    Keep,
    /// All attributes of the rows that are read again are sent again.
    Forget,
}

impl Store {
    /// Changes a watermark. Returns false, and changes nothing, if a job is in progress.
    pub async fn change_watermark(
        &self,
        integration: IntegrationId,
        change: &WatermarkChange,
        known: KnownAttributes,
    ) -> Result<bool, StoreError> {
        let work = async {
            let mut transaction = self.database.begin().await?;
            let changed = without_a_job(transaction.connection(), integration, change, known).await;
            transaction.end(changed).await
        };
        self.database.transact(work).await
    }
}

async fn without_a_job(
    connection: &mut AnyConnection,
    integration: IntegrationId,
    change: &WatermarkChange,
    known: KnownAttributes,
) -> Result<bool, StoreError> {
    let id = integration.to_string();
    // A placeholder job, so that no job can start during the transaction. It is never visible outside of it.
    let placeholder = query(
        "INSERT INTO jobs (id, integration_id, status, started_at) VALUES ($1, $2, 'running', 0)
         ON CONFLICT (integration_id) WHERE finished_at IS NULL DO NOTHING RETURNING id",
    );
    let placeholder = placeholder.bind(format!("watermark of {id}")).bind(&id);
    let Some(placeholder) = returned(placeholder, connection).await? else { return Ok(false) };
    match change {
        WatermarkChange::Set(time, route) => {
            forget(connection, &id).await?;
            let watermark = Watermark { updated_at: Some(*time), read_from: Some(*time), overflow: None };
            watermarks::write(connection, integration, &watermark, route).await?;
        }
        WatermarkChange::Keep(route) => {
            let keep =
                query("UPDATE watermarks SET source = $1, destination = $2, kind = $3 WHERE integration_id = $4");
            let keep = keep.bind(&route.source).bind(&route.destination).bind(&route.kind).bind(&id);
            keep.execute(&mut *connection).await?;
        }
        WatermarkChange::Reset => forget(connection, &id).await?,
    }
    if known == KnownAttributes::Forget {
        attributes::give_up(connection, integration).await?;
    }
    let placeholder: String = placeholder.try_get("id")?;
    query("DELETE FROM jobs WHERE id = $1").bind(placeholder).execute(connection).await?;
    Ok(true)
}

/// Deletes an integration's watermark and its record.
async fn forget(connection: &mut AnyConnection, integration: &str) -> Result<(), StoreError> {
    query("DELETE FROM watermarks WHERE integration_id = $1").bind(integration).execute(&mut *connection).await?;
    query("DELETE FROM record_changes WHERE integration_id = $1").bind(integration).execute(connection).await?;
    Ok(())
}
