//! Examines the `UPDATED_AT` values of a Postgres table.

use futures::TryStreamExt as _;
use sqlx::AssertSqlSafe;

use super::table::PostgresTable;
use super::values::{EARLIEST, meaning};
use crate::connectors::tables::survey::{Survey, TimeBound};
use crate::connectors::tables::timestamps::{self, TimestampFormat};
use crate::sync::SyncError;

impl PostgresTable {
    /// The format of numeric or text `UPDATED_AT` values; `None` if the table is empty.
    pub async fn format(&mut self) -> Result<Option<TimestampFormat>, SyncError> {
        let (table, time) = (self.table.quoted(), self.time());
        let mut formats = Vec::new();
        for order in ["ASC", "DESC"] {
            let text = format!("SELECT {time} FROM {table} WHERE {time} IS NOT NULL ORDER BY 1 {order} LIMIT 1");
            let row = sqlx::query(AssertSqlSafe(text)).fetch_optional(&mut self.connection).await;
            let Some(row) = row.map_err(|error| meaning(&self.table, &error))? else { return Ok(None) };
            let bound = self.kind.stored(&row).map(TimeBound::from);
            match self.kind.format(&row) {
                Ok(format) => formats.push((self.kind.example(&row), format, bound)),
                Err(value) => return Err(self.not_a_timestamp(&value, bound.as_ref()).await),
            }
        }
        match formats.as_slice() {
            [(lowest, low, first), (highest, high, last)] if low != high => {
                let rows = (self.row_with(first.as_ref()).await, self.row_with(last.as_ref()).await);
                let found = [(lowest.as_str(), *low, rows.0.as_deref()), (highest, *high, rows.1.as_deref())];
                let message = timestamps::mixed_formats(&self.table.to_string(), &self.columns.updated_at, found);
                Err(SyncError::Config(message))
            }
            formats => Ok(formats.first().map(|(_, format, _)| *format)),
        }
    }

    /// Surveys every numeric or text `UPDATED_AT` that may be new.
    pub async fn survey(&mut self, from: Option<i64>, now: i64) -> Result<Survey, SyncError> {
        let mut survey = Survey::new(from, now);
        let Some(format) = self.format().await? else { return Ok(survey) };
        let (kind, time) = (self.kind, self.time());
        let text = format!("SELECT {time} FROM {} WHERE {time} >= $1", self.table.quoted());
        let query = self.bind(sqlx::query(AssertSqlSafe(text)), &survey.lowest(format));
        let mut rows = query.fetch(&mut self.connection);
        while let Some(row) = rows.try_next().await.map_err(|error| meaning(&self.table, &error))? {
            match (kind.micros(&row), kind.stored(&row)) {
                (Ok(micros), Some(stored)) => survey.take(micros, stored, None),
                (Err(value), stored) => {
                    let bound = stored.map(TimeBound::from);
                    drop(rows);
                    return Err(self.not_a_timestamp(&value, bound.as_ref()).await);
                }
                (Ok(_), None) => {}
            }
        }
        drop(rows);
        Ok(survey)
    }

    /// Surveys a column of timestamps, which Postgres can compare itself.
    pub async fn count(&mut self, from: Option<i64>, now: i64) -> Result<Survey, SyncError> {
        self.refuse_no_beginning().await?;
        let future = format!("SELECT count(*) FROM {} WHERE {} > $1", self.table.quoted(), self.time());
        let future = self.bind_time(sqlx::query(AssertSqlSafe(future)), now);
        let future = self.number(future).await?;
        Ok(Survey::counted(from, EARLIEST, now, future))
    }

    /// Fails if `UPDATED_AT` contains `-infinity`: such a row would be before every watermark and never be read.
    pub async fn refuse_no_beginning(&mut self) -> Result<(), SyncError> {
        let text = format!("SELECT count(*) FROM {} WHERE {} = '-infinity'", self.table.quoted(), self.time());
        match self.number(sqlx::query(AssertSqlSafe(text))).await? {
            0 => Ok(()),
            _ => Err(self.not_a_timestamp("-infinity", None).await),
        }
    }
}
