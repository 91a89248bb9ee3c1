//! A Postgres table or view, and the session that has started to read it.

use std::time::Duration;

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Column as _, Executor as _, PgConnection, Postgres, Statement as _};
use sqlx::{SqlSafeStr as _, TypeInfo as _};
use tokio::time::timeout;

use super::session::{self, Session};
use super::values::{TimeColumn, bytes, meaning, not_a_timestamp};
use super::{missing, transactions};
use crate::connectors::tables::columns::Columns;
use crate::connectors::tables::survey::TimeBound;
use crate::connectors::tables::{Dialect, LOCKED};
use crate::sync::SyncError;
use crate::types::{IntegrationKind, PostgresUrl, TableName, quoted};

/// How long the database may take in total to open a table.
const OPEN: Duration = Duration::from_secs(60);
/// How long to look for the row that a message is about.
const FINDING_A_ROW: Duration = Duration::from_secs(2);

/// A table or view, and the session that reads it.
#[derive(Debug)]
pub struct PostgresTable {
    /// The session, inside a transaction.
    pub connection: PgConnection,
    pub table: TableName,
    pub columns: Columns,
    /// The type of the `UPDATED_AT` column.
    pub kind: TimeColumn,
    /// The start of the oldest transaction that was running before the snapshot, in microseconds since 1970.
    pub running_since: Option<i64>,
}

impl PostgresTable {
    /// Connects, starts a transaction and finds the columns.
    pub async fn open(
        url: &PostgresUrl,
        table: &TableName,
        kind: IntegrationKind,
    ) -> Result<(PostgresTable, Session), SyncError> {
        let opened = timeout(OPEN, async {
            let (connection, session) = session::connect(url).await?;
            Ok((PostgresTable::begin(connection, table, kind).await?, session))
        });
        let late = |_| Err(SyncError::Transient(format!("the table `{table}`: {url} did not answer in time")));
        opened.await.unwrap_or_else(late)
    }

    /// Starts a transaction and finds the columns.
    async fn begin(
        mut connection: PgConnection,
        table: &TableName,
        kind: IntegrationKind,
    ) -> Result<PostgresTable, SyncError> {
        let running_since =
            transactions::running_since(&mut connection).await.map_err(|error| meaning(table, &error))?;
        // How long reading takes depends on the destination, so no timeout may end the transaction.
        let begin = format!(
            "SET TIME ZONE 'UTC'; SET statement_timeout = 0; SET lock_timeout = {};
             BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            LOCKED.as_millis()
        );
        sqlx::raw_sql(AssertSqlSafe(begin)).execute(&mut connection).await.map_err(|error| meaning(table, &error))?;
        let text = AssertSqlSafe(format!("SELECT * FROM {} LIMIT 0", table.quoted())).into_sql_str();
        let statement = match (&mut connection).prepare(text).await {
            Ok(statement) => statement,
            Err(error) => return Err(missing::explained(&mut connection, table, &error).await),
        };
        let names: Vec<String> = statement.columns().iter().map(|column| column.name().to_owned()).collect();
        let columns = Columns::find(table, &names, kind, Dialect::Postgres)?;
        let updated_at = statement.columns().iter().find(|column| column.name() == columns.updated_at);
        let type_name = updated_at.map(|column| column.type_info().name().to_owned()).unwrap_or_default();
        let kind = TimeColumn::of(&type_name).ok_or_else(|| {
            let view = match type_name.as_str() {
                "DATE" => format!("; a view can convert it with {}::timestamp, which is midnight in UTC", quoted(&columns.updated_at)),
                _ => String::new(),
            };
            SyncError::Config(format!(
                "the column `{}` of the table `{table}` has the type {type_name}, which cannot hold the time of a change; use timestamptz, timestamp, text or a number{view}",
                columns.updated_at
            ))
        })?;
        // Preparing a statement does not check whether the role may read the table.
        let read: Vec<String> = columns.content().chain([columns.updated_at.as_str()]).map(quoted).collect();
        let text = AssertSqlSafe(format!("SELECT {} FROM {} LIMIT 0", read.join(", "), table.quoted()));
        if let Err(error) = sqlx::query(text).execute(&mut connection).await {
            return Err(missing::explained(&mut connection, table, &error).await);
        }
        Ok(PostgresTable { connection, table: table.clone(), columns, kind, running_since })
    }

    /// Whether this is a view; `false` where the catalogue does not say.
    pub async fn is_view(&mut self) -> bool {
        let text = "SELECT relkind IN ('v', 'm') FROM pg_class WHERE oid = $1::text::regclass";
        let query = sqlx::query_scalar(text).bind(self.table.quoted()).fetch_one(&mut self.connection);
        query.await.unwrap_or(false)
    }

    /// Runs a query that counts, and returns the count.
    pub async fn number(&mut self, query: Query<'_, Postgres, PgArguments>) -> Result<u64, SyncError> {
        let row = query.fetch_one(&mut self.connection).await;
        let number = row.and_then(|row| sqlx::Row::try_get::<i64, _>(&row, 0));
        number.map(|number| u64::try_from(number).unwrap_or(0)).map_err(|error| meaning(&self.table, &error))
    }

    /// Whether there are rows, but none with an `UPDATED_AT`.
    pub async fn is_undated(&mut self) -> Result<bool, SyncError> {
        let (table, updated_at) = (self.table.quoted(), quoted(&self.columns.updated_at));
        // Usually the first row has one, and no other is read.
        let text = format!(
            "SELECT CASE WHEN EXISTS (SELECT 1 FROM {table}) AND NOT EXISTS (SELECT 1 FROM {table} WHERE {updated_at} IS NOT NULL)
             THEN 1::bigint ELSE 0::bigint END"
        );
        Ok(self.number(sqlx::query(AssertSqlSafe(text))).await? == 1)
    }

    /// The SQL expression by which `UPDATED_AT` is read and compared.
    pub fn time(&self) -> String {
        self.kind.expression(&quoted(&self.columns.updated_at))
    }

    /// The error for a value of `UPDATED_AT` that is not a timestamp.
    pub async fn not_a_timestamp(&mut self, value: &str, bound: Option<&TimeBound>) -> SyncError {
        let row = self.row_with(bound).await;
        not_a_timestamp(&self.table, &self.columns.updated_at, value, row.as_deref())
    }

    /// Names a row whose `UPDATED_AT` equals `bound`, or `-infinity` without one; `None` if there is no such row.
    pub async fn row_with(&mut self, bound: Option<&TimeBound>) -> Option<String> {
        let columns: Vec<String> =
            self.columns.identifiers.iter().map(|(_, name)| format!("{}::text", quoted(name))).collect();
        let value = if bound.is_some() { "$1" } else { "'-infinity'" };
        let text = format!(
            "SELECT {} FROM {} WHERE {} = {value} LIMIT 1",
            columns.join(", "),
            self.table.quoted(),
            self.time()
        );
        let query = sqlx::query(AssertSqlSafe(text));
        let query = match bound {
            Some(bound) => self.kind.bind(query, bound),
            None => query,
        };
        // The connection may first have to receive what is left of an earlier query, and this one may look at every row.
        let row = timeout(FINDING_A_ROW, query.fetch_optional(&mut self.connection)).await.ok()?.ok().flatten()?;
        let texts =
            (0..columns.len()).map(|index| bytes(&row, index).map(|text| String::from_utf8_lossy(text).into_owned()));
        self.columns.row_name(texts)
    }
}
