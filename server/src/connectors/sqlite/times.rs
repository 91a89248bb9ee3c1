//! Examines the `UPDATED_AT` values of a SQLite table.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{OptionalExtension as _, params_from_iter};

use super::table::{AccessPath, SqliteTable};
use super::values::{self, example, format, micros, owned};
use crate::connectors::tables::survey::Survey;
use crate::connectors::tables::timestamps::{self, TimestampFormat};
use crate::sync::SyncError;

impl SqliteTable {
    /// How the rows are found if not all are read.
    pub(super) fn access_path(&self) -> Result<AccessPath, SyncError> {
        let column = self.updated_at();
        let steps = self.steps(&format!("SELECT {column} FROM {} WHERE {column} >= 0", self.table.quoted()))?;
        let searches = steps.iter().any(|step| step.starts_with("SEARCH"));
        Ok(if searches { AccessPath::Index } else { AccessPath::Scan })
    }

    /// Whether a row is found by its `rowid`. A table may have another column of this name.
    pub(super) fn finds_places(&self) -> Result<bool, SyncError> {
        let column = self.updated_at();
        let steps = self.steps(&format!("SELECT {column} FROM {} WHERE rowid = 0", self.table.quoted()))?;
        Ok(matches!(steps.as_slice(), [step] if step.starts_with("SEARCH") && step.contains("INTEGER PRIMARY KEY")))
    }

    /// The steps of a statement's plan.
    pub(super) fn steps(&self, statement: &str) -> Result<Vec<String>, SyncError> {
        let steps = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self.connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}"))?;
            statement.query_map((), |step| step.get("detail"))?.collect()
        };
        steps().map_err(|error| self.error(&error))
    }

    /// Surveys every time that may be new, and counts the rows without one.
    pub(super) fn survey(&self, from: Option<i64>, path: AccessPath, now: i64) -> Result<(Survey, u64), SyncError> {
        let mut survey = Survey::new(from, now);
        let (column, place) = (self.updated_at(), if self.has_places { "rowid" } else { "NULL" });
        let mut text = format!("SELECT {column}, {place} FROM {}", self.from(path));
        let (mut lowest, mut undated) = (None, 0);
        if path == AccessPath::Index {
            // Earlier values are not examined, but the lowest and the highest value show whether all have one format.
            undated = self.undated()?;
            let Some(format) = self.format()? else { return Ok((survey, undated)) };
            text = format!("{text} WHERE {column} >= ?1");
            lowest = Some(survey.lowest(format));
        }
        let mut statement = self.connection.prepare(&text).map_err(|error| self.error(&error))?;
        let mut rows = statement.query(params_from_iter(lowest)).map_err(|error| self.error(&error))?;
        let mut first = None;
        while let Some(row) = rows.next().map_err(|error| self.error(&error))? {
            let value = row.get_ref(0).map_err(|error| self.error(&error))?;
            if value == ValueRef::Null {
                undated += 1;
                continue;
            }
            let not_a_timestamp = || self.not_a_timestamp(value);
            let micros = micros(value).ok_or_else(not_a_timestamp)?;
            let (format, stored) = (format(value), values::stored(value).ok_or_else(not_a_timestamp)?);
            let (first_format, first) = first.get_or_insert_with(|| (format, owned(value)));
            if format != *first_format {
                return Err(self.mixes((first, *first_format), (&owned(value), format)));
            }
            survey.take(micros, stored, row.get(1).ok());
        }
        Ok((survey, undated))
    }

    /// The format of the times; `None` if the table is empty. SQLite sorts numbers before texts, so the lowest and the
    /// highest value show whether all have one format.
    pub(super) fn format(&self) -> Result<Option<TimestampFormat>, SyncError> {
        let (table, column) = (self.table.quoted(), self.updated_at());
        let extreme = |order: &str| {
            let text =
                format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY {column} {order} LIMIT 1");
            let value = self.connection.query_row(&text, (), |row| {
                let value = row.get_ref(0)?;
                let format = micros(value).map(|_| (owned(value), format(value)));
                Ok(format.ok_or_else(|| self.not_a_timestamp(value)))
            });
            value.optional().map_err(|error| self.error(&error))?.transpose()
        };
        let (Some((lowest, low)), Some((highest, high))) = (extreme("ASC")?, extreme("DESC")?) else {
            return Ok(None);
        };
        if low != high {
            return Err(self.mixes((&lowest, low), (&highest, high)));
        }
        Ok(Some(low))
    }

    fn mixes(&self, one: (&Value, TimestampFormat), other: (&Value, TimestampFormat)) -> SyncError {
        let [one, other] = [one, other].map(|(value, format)| (example(value.into()), format, self.row_with(value)));
        let found = [&one, &other].map(|(value, format, row)| (value.as_str(), *format, row.as_deref()));
        SyncError::Config(timestamps::mixed_formats(&self.table.to_string(), &self.columns.updated_at, found))
    }

    fn undated(&self) -> Result<u64, SyncError> {
        let text = format!("SELECT count(*) FROM {} WHERE {} IS NULL", self.table.quoted(), self.updated_at());
        self.connection.query_row(&text, (), |row| row.get(0)).map_err(|error| self.error(&error))
    }
}
