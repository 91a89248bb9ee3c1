//! What stands in `UPDATED_AT` of a SQLite table.

use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension as _, params_from_iter};

use super::super::clock::Form;
use super::super::survey::Survey;
use super::values::{example, form, micros, native, not_a_time};
use super::{SqliteSource, SyncError, Way};
use crate::sync::Watermark;

impl SqliteSource {
    /// How the new rows are found where not all are new.
    pub(super) fn way(&self) -> Result<Way, SyncError> {
        let column = self.updated_at();
        let text = format!("EXPLAIN QUERY PLAN SELECT {column} FROM {} WHERE {column} >= 0", self.table.quoted());
        let mut statement = self.connection.prepare(&text).map_err(|error| self.error(&error))?;
        let mut steps = statement.query(()).map_err(|error| self.error(&error))?;
        while let Some(step) = steps.next().map_err(|error| self.error(&error))? {
            let detail: String = step.get("detail").map_err(|error| self.error(&error))?;
            if detail.starts_with("SEARCH") {
                return Ok(Way::Index);
            }
        }
        Ok(Way::Scan)
    }

    /// Looks at every time that may be new, and counts the rows that have none.
    pub(super) fn survey(&self, watermark: Option<Watermark>, way: Way, now: i64) -> Result<(Survey, u64), SyncError> {
        let mut survey = Survey::new(watermark, now);
        let (column, place) = (self.updated_at(), if self.has_places { "rowid" } else { "NULL" });
        let mut text = format!("SELECT {column}, {place} FROM {}", self.from(way));
        let (mut lowest, mut undated) = (None, 0);
        if way == Way::Index {
            // What is long dealt with is not looked at, but the ends tell whether all times are of one form.
            undated = self.undated()?;
            let Some(form) = self.form()? else { return Ok((survey, undated)) };
            text = format!("{text} WHERE {column} >= ?1");
            lowest = Some(survey.lowest(form));
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
            let not_a_time = || not_a_time(&self.table, &self.columns.updated_at, value);
            let micros = micros(value).ok_or_else(not_a_time)?;
            let (form, native) = (form(value), native(value).ok_or_else(not_a_time)?);
            let (first_form, first_example) = first.get_or_insert_with(|| (form, example(value)));
            if form != *first_form {
                return Err(self.mixes((first_example, *first_form), (&example(value), form)));
            }
            survey.take(micros, native, row.get(1).ok());
        }
        Ok((survey, undated))
    }

    /// What the times are. SQLite sorts numbers before texts and small numbers before large ones, so the lowest and the
    /// highest tell whether all are of one form.
    pub(super) fn form(&self) -> Result<Option<Form>, SyncError> {
        let (table, column) = (self.table.quoted(), self.updated_at());
        let extreme = |order: &str| {
            let text =
                format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY {column} {order} LIMIT 1");
            let value = self.connection.query_row(&text, (), |row| {
                let value = row.get_ref(0)?;
                let form = micros(value).map(|_| (example(value), form(value)));
                Ok(form.ok_or_else(|| not_a_time(&self.table, &self.columns.updated_at, value)))
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

    fn mixes(&self, one: (&str, Form), other: (&str, Form)) -> SyncError {
        SyncError::Config(format!(
            "the column `{}` of the table `{}` mixes kinds: {} is {}, {} is {}",
            self.columns.updated_at,
            self.table,
            one.0,
            one.1.name(),
            other.0,
            other.1.name()
        ))
    }

    fn undated(&self) -> Result<u64, SyncError> {
        let text = format!("SELECT count(*) FROM {} WHERE {} IS NULL", self.table.quoted(), self.updated_at());
        self.connection.query_row(&text, (), |row| row.get(0)).map_err(|error| self.error(&error))
    }
}
