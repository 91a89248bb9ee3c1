//! What stands in `UPDATED_AT` of a Postgres table.

use futures::TryStreamExt as _;
use sqlx::AssertSqlSafe;

use super::table::PostgresTable;
use super::values::{EARLIEST, meaning, not_a_time};
use crate::connectors::tables::survey::Survey;
use crate::connectors::tables::timestamps::TimestampFormat;
use crate::sync::SyncError;

impl PostgresTable {
    /// What `UPDATED_AT` is, where it is a number or a text.
    pub async fn format(&mut self) -> Result<Option<TimestampFormat>, SyncError> {
        let (table, time) = (self.table.quoted(), self.time());
        let mut formats = Vec::new();
        for order in ["ASC", "DESC"] {
            let text = format!("SELECT {time} FROM {table} WHERE {time} IS NOT NULL ORDER BY 1 {order} LIMIT 1");
            let row = sqlx::query(AssertSqlSafe(text)).fetch_optional(&mut self.connection).await;
            let Some(row) = row.map_err(|error| meaning(&self.table, &error))? else { return Ok(None) };
            let format = self.kind.format(&row).map_err(|example| self.not_a_time(&example))?;
            formats.push((self.kind.example(&row), format));
        }
        match formats.as_slice() {
            [(lowest, low), (highest, high)] if low != high => Err(SyncError::Config(format!(
                "the column `{}` of the table `{}` mixes kinds: {lowest} is {}, {highest} is {}",
                self.columns.updated_at,
                self.table,
                low.name(),
                high.name()
            ))),
            formats => Ok(formats.first().map(|(_, format)| *format)),
        }
    }

    /// Looks at every `UPDATED_AT` that may be read.
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
                (Err(example), _) => return Err(not_a_time(&self.table, &self.columns.updated_at, &example)),
                (Ok(_), None) => {}
            }
        }
        drop(rows);
        Ok(survey)
    }

    /// The same for timestamps, which Postgres can compare by itself.
    pub async fn count(&mut self, from: Option<i64>, now: i64) -> Result<Survey, SyncError> {
        self.refuse_no_beginning().await?;
        let future = format!("SELECT count(*) FROM {} WHERE {} > $1", self.table.quoted(), self.time());
        let future = self.bind_time(sqlx::query(AssertSqlSafe(future)), now);
        let future = self.number(future).await?;
        Ok(Survey::counted(from, EARLIEST, now, future))
    }

    /// A row from before all times would be in front of every watermark.
    pub async fn refuse_no_beginning(&mut self) -> Result<(), SyncError> {
        let text = format!("SELECT count(*) FROM {} WHERE {} = '-infinity'", self.table.quoted(), self.time());
        match self.number(sqlx::query(AssertSqlSafe(text))).await? {
            0 => Ok(()),
            _ => Err(self.not_a_time("-infinity")),
        }
    }
}
