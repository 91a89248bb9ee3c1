//! Examines the `UPDATED_AT` values of a Postgres table.

use futures::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Row as _};

use super::plan::Plan;
use super::table::PostgresTable;
use super::values::{EARLIEST, meaning, timestamp};
use crate::connectors::tables::survey::{Survey, TimeBound};
use crate::connectors::tables::timestamps::{self, FIRST_MILLISECONDS, TimestampFormat};
use crate::sync::SyncError;

/// A time that was found.
#[derive(Debug, Clone)]
struct Found {
    example: String,
    format: TimestampFormat,
    bound: TimeBound,
}

/// The condition for values below the new ones that may have another format than this one.
fn odd(format: TimestampFormat, time: &str) -> String {
    match format {
        TimestampFormat::Text => format!("{time} NOT LIKE '____-__-_____:__:__%'"),
        TimestampFormat::Seconds => format!("{time} <= -{FIRST_MILLISECONDS}"),
        TimestampFormat::Milliseconds => format!("{time} > -{FIRST_MILLISECONDS} AND {time} < {FIRST_MILLISECONDS}"),
    }
}

impl PostgresTable {
    /// The format of numeric or text `UPDATED_AT` values; `None` if the table is empty.
    pub async fn format(&mut self) -> Result<Option<TimestampFormat>, SyncError> {
        let (table, time) = (self.table.quoted(), self.time());
        let mut formats = Vec::new();
        for order in ["ASC", "DESC"] {
            let text = format!("SELECT {time} FROM {table} WHERE {time} IS NOT NULL ORDER BY 1 {order} LIMIT 1");
            let row = sqlx::query(AssertSqlSafe(text)).fetch_optional(&mut self.connection).await;
            let Some(row) = row.map_err(|error| meaning(&self.table, &error))? else { return Ok(None) };
            let Some(bound) = self.kind.stored(&row).map(TimeBound::from) else { return Ok(None) };
            match self.kind.format(&row) {
                Ok(format) => formats.push(Found { example: self.kind.example(&row), format, bound }),
                Err(value) => return Err(self.not_a_timestamp(&value, Some(&bound)).await),
            }
        }
        match formats.as_slice() {
            [lowest, highest] if lowest.format != highest.format => {
                Err(self.mixes([lowest.clone(), highest.clone()]).await)
            }
            formats => Ok(formats.first().map(|found| found.format)),
        }
    }

    /// The error for two times of different formats.
    async fn mixes(&mut self, found: [Found; 2]) -> SyncError {
        let rows = [self.row_with(Some(&found[0].bound)).await, self.row_with(Some(&found[1].bound)).await];
        let [one, other] = [0, 1].map(|index| {
            let Found { example, format, .. } = &found[index];
            (example.as_str(), *format, rows[index].as_deref())
        });
        let message = timestamps::mixed_formats(&self.table.to_string(), &self.columns.updated_at, [one, other]);
        SyncError::Config(message)
    }

    /// Surveys every numeric or text `UPDATED_AT` that may be new, and counts the rows without one.
    pub async fn survey(&mut self, from: Option<i64>, now: i64) -> Result<(Survey, u64), SyncError> {
        let (table, time) = (self.table.quoted(), self.time());
        let mut survey = Survey::new(from, now);
        let mut undated = 0;
        let mut text = format!("SELECT {time} FROM {table}");
        let mut lowest = None;
        if from.is_some() {
            let Some(format) = self.any_format().await? else { return Ok((survey, self.undated().await?)) };
            let bound = survey.lowest(format);
            let new = format!("{text} WHERE {time} >= $1");
            if self.is_by_index(&new, &bound).await? {
                // Earlier values are not examined, but the lowest and the highest value show whether all have one format.
                undated = self.undated().await?;
                if self.format().await?.is_none() {
                    return Ok((survey, undated));
                }
                text = new;
            } else {
                text = format!("{new} OR {time} IS NULL OR {}", odd(format, &time));
            }
            lowest = Some(bound);
        }
        let kind = self.kind;
        let query = sqlx::query(AssertSqlSafe(text));
        let query = if let Some(bound) = &lowest { kind.bind(query, bound) } else { query };
        let mut rows = query.fetch(&mut self.connection);
        let mut first = None;
        while let Some(row) = rows.try_next().await.map_err(|error| meaning(&self.table, &error))? {
            let Some(stored) = kind.stored(&row) else {
                undated += 1;
                continue;
            };
            let (micros, format) = match (kind.micros(&row), kind.format(&row)) {
                (Ok(micros), Ok(format)) => (micros, format),
                (Err(value), _) | (_, Err(value)) => {
                    let bound = TimeBound::from(stored);
                    drop(rows);
                    return Err(self.not_a_timestamp(&value, Some(&bound)).await);
                }
            };
            let found = || Found { example: kind.example(&row), format, bound: stored.into() };
            let first = first.get_or_insert_with(found);
            if format != first.format {
                let mixed = [first.clone(), found()];
                drop(rows);
                return Err(self.mixes(mixed).await);
            }
            survey.take(micros, stored, None);
        }
        drop(rows);
        Ok((survey, undated))
    }

    /// The format of some numeric or text `UPDATED_AT`; `None` if there is none.
    async fn any_format(&mut self) -> Result<Option<TimestampFormat>, SyncError> {
        let (table, time) = (self.table.quoted(), self.time());
        let text = format!("SELECT {time} FROM {table} WHERE {time} IS NOT NULL LIMIT 1");
        let row = sqlx::query(AssertSqlSafe(text)).fetch_optional(&mut self.connection).await;
        let Some(row) = row.map_err(|error| meaning(&self.table, &error))? else { return Ok(None) };
        match self.kind.format(&row) {
            Ok(format) => Ok(Some(format)),
            Err(value) => {
                let bound = self.kind.stored(&row).map(TimeBound::from);
                Err(self.not_a_timestamp(&value, bound.as_ref()).await)
            }
        }
    }

    async fn undated(&mut self) -> Result<u64, SyncError> {
        let text = format!("SELECT count(*) FROM {} WHERE {} IS NULL", self.table.quoted(), self.time());
        self.number(sqlx::query(AssertSqlSafe(text))).await
    }

    /// Whether a statement with a bound finds its rows by an index.
    async fn is_by_index(&mut self, text: &str, bound: &TimeBound) -> Result<bool, SyncError> {
        let kind = self.kind;
        let plan =
            self.try_out(async |table| Plan::of(&mut table.connection, text, |query| kind.bind(query, bound)).await);
        Ok(plan.await?.is_some_and(|plan| plan.is_by_index()))
    }

    /// Surveys a column of timestamps, which Postgres can compare itself, and counts the rows without one.
    pub async fn count(&mut self, from: Option<i64>, now: i64) -> Result<(Survey, u64), SyncError> {
        let kind = self.kind;
        let bounds = |query| kind.bind_time(kind.bind_time(query, from.unwrap_or(EARLIEST)), now);
        let [by_index, by_scan] = self.counting();
        let plan = self.try_out(async |table| Plan::of(&mut table.connection, &by_index, bounds).await).await?;
        let text = if plan.is_some_and(|plan| plan.is_by_index()) { by_index } else { by_scan };
        let row = bounds(sqlx::query(AssertSqlSafe(text))).fetch_one(&mut self.connection).await;
        let row = row.map_err(|error| meaning(&self.table, &error))?;
        let number = |index| {
            let number = row.try_get::<i64, _>(index).map_err(|error| meaning(&self.table, &error));
            number.map(|number| u64::try_from(number).unwrap_or(0))
        };
        let (future, undated, infinite) = (number(0)?, number(1)?, number(2)?);
        let times = timestamp(&row, 3).zip(timestamp(&row, 4));
        if infinite > 0 {
            return Err(self.not_a_timestamp("-infinity", None).await);
        }
        Ok((Survey::counted(from, now, future, times), undated))
    }

    /// Two statements that count the timestamps in the future, the missing ones and those that are `-infinity`, and find the
    /// first and the last between two bounds: one that looks for each in an index, and one that scans the table once.
    fn counting(&self) -> [String; 2] {
        let (table, time) = (self.table.quoted(), self.time());
        let found = [
            ("count(*)", format!("{time} > $2")),
            ("count(*)", format!("{time} IS NULL")),
            ("count(*)", format!("{time} = '-infinity'")),
            (&format!("min({time})"), format!("{time} BETWEEN $1 AND $2")),
            (&format!("max({time})"), format!("{time} BETWEEN $1 AND $2")),
        ];
        let each = found.iter().map(|(what, which)| format!("(SELECT {what} FROM {table} WHERE {which})"));
        let filtered = found.iter().map(|(what, which)| format!("{what} FILTER (WHERE {which})"));
        [
            format!("SELECT {}", each.collect::<Vec<_>>().join(", ")),
            format!("SELECT {} FROM {table}", filtered.collect::<Vec<_>>().join(", ")),
        ]
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
