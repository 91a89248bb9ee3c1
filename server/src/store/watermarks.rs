//! Watermarks: the `UPDATED_AT` up to which an integration's rows are acknowledged, and the route that this applies to.

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _, query};

use super::jobs::count;
use super::time::from_micros;
use super::{Store, StoreError, micros};
use crate::types::IntegrationId;

/// The watermark of an integration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Watermark {
    /// The `UPDATED_AT` up to which all rows that a sync has seen are acknowledged; `None` before the first row.
    pub updated_at: Option<DateTime<Utc>>,
    /// The next sync reads rows of this time and later and compares them with the record; `None`: all rows.
    pub read_from: Option<DateTime<Utc>>,
    /// Row versions of one time that exceeded the record's limit.
    pub overflow: Option<Overflow>,
}

/// Acknowledged row versions of one `UPDATED_AT` that are not in the record; only their number and sum are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overflow {
    /// Their `UPDATED_AT`.
    pub updated_at: DateTime<Utc>,
    /// Their number.
    pub versions: u64,
    /// The sum of their digests, modulo 2^128.
    pub sum: u128,
}

/// The source, destination and type that a watermark belongs to, without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The identity of the source: database and table.
    pub source: String,
    /// The identity of the destination: service or file.
    pub destination: String,
    /// The integration's type.
    pub kind: String,
}

impl Store {
    /// The watermark of an integration.
    pub async fn watermark(&self, integration: IntegrationId) -> Result<Watermark, StoreError> {
        Ok(self.watermark_and_route(integration).await?.0)
    }

    /// The IDs of all integrations with a watermark, in order.
    pub async fn integrations_with_watermarks(&self) -> Result<Vec<String>, StoreError> {
        let rows = self.database.read(query("SELECT integration_id FROM watermarks ORDER BY integration_id")).await?;
        rows.iter().map(|row| Ok(row.try_get("integration_id")?)).collect()
    }

    /// The route of an integration's watermark; `None` if there is no watermark, or one without a route from an earlier version
    /// of this program.
    pub async fn route(&self, integration: IntegrationId) -> Result<Option<Route>, StoreError> {
        Ok(self.watermark_and_route(integration).await?.1)
    }

    /// An integration's watermark and the route that it belongs to.
    pub(super) async fn watermark_and_route(
        &self,
        integration: IntegrationId,
    ) -> Result<(Watermark, Option<Route>), StoreError> {
        let find = query(
            "SELECT updated_at, read_from, overflow_at, overflow_versions, overflow_sum, source, destination, kind
             FROM watermarks WHERE integration_id = $1",
        );
        match self.database.read_one(find.bind(integration.to_string())).await? {
            Some(row) => Ok((watermark(&row)?, route(&row)?)),
            None => Ok((Watermark::default(), None)),
        }
    }
}

/// Inserts or replaces a watermark.
pub(super) async fn write(
    connection: &mut AnyConnection,
    integration: IntegrationId,
    watermark: &Watermark,
    route: &Route,
) -> Result<(), StoreError> {
    let overflow = watermark.overflow;
    query(
        "INSERT INTO watermarks (integration_id, updated_at, read_from, overflow_at, overflow_versions, overflow_sum,
                                 source, destination, kind)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (integration_id) DO UPDATE
         SET updated_at = excluded.updated_at, read_from = excluded.read_from, overflow_at = excluded.overflow_at,
             overflow_versions = excluded.overflow_versions, overflow_sum = excluded.overflow_sum,
             source = excluded.source, destination = excluded.destination, kind = excluded.kind",
    )
    .bind(integration.to_string())
    .bind(watermark.updated_at.map(micros))
    .bind(watermark.read_from.map(micros))
    .bind(overflow.map(|overflow| micros(overflow.updated_at)))
    .bind(overflow.map(|overflow| i64::try_from(overflow.versions).unwrap_or(i64::MAX)))
    .bind(overflow.map(|overflow| overflow.sum.to_be_bytes().to_vec()))
    .bind(&route.source)
    .bind(&route.destination)
    .bind(&route.kind)
    .execute(connection)
    .await?;
    Ok(())
}

/// Reads the watermark columns of a row.
fn watermark(row: &AnyRow) -> Result<Watermark, StoreError> {
    let time = |column: &str| -> Result<Option<DateTime<Utc>>, StoreError> {
        row.try_get::<Option<i64>, &str>(column)?.map(from_micros).transpose()
    };
    let overflow = match time("overflow_at")? {
        None => None,
        Some(updated_at) => Some(Overflow {
            updated_at,
            versions: count(row.try_get("overflow_versions")?),
            sum: sum(&row.try_get::<Vec<u8>, _>("overflow_sum")?)?,
        }),
    };
    Ok(Watermark { updated_at: time("updated_at")?, read_from: time("read_from")?, overflow })
}

fn sum(bytes: &[u8]) -> Result<u128, StoreError> {
    bytes
        .try_into()
        .map(u128::from_be_bytes)
        .map_err(|_| StoreError::Unreadable { what: "sum of digests", value: format!("{} bytes", bytes.len()) })
}

/// Reads the route columns of a row.
fn route(row: &AnyRow) -> Result<Option<Route>, StoreError> {
    let text = |column: &str| row.try_get::<Option<String>, &str>(column);
    Ok(match (text("source")?, text("destination")?, text("kind")?) {
        (Some(source), Some(destination), Some(kind)) => Some(Route { source, destination, kind }),
        _ => None,
    })
}
