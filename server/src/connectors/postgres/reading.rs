//! Reads a Postgres table or view as a stream.
//!
//! The times are surveyed first: timestamps by Postgres itself, numbers and texts as in SQLite. A survey is one scan of the
//! table, or none if an index answers it.

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection as _};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::Instrument as _;

use super::order::Order;
use super::session::{Ended, StopOnDrop};
use super::table::PostgresTable;
use super::transactions;
use super::values::{self, TimeColumn, meaning, not_a_timestamp};
use crate::connectors::tables::columns::{Columns, LONGEST};
use crate::connectors::tables::survey::Selection;
use crate::connectors::tables::timestamps::TimestampFormat;
use crate::connectors::tables::{Chunk, MOST_ROWS, WAITING};
use crate::sync::SyncError;
use crate::sync::row::{Row, RowHasher};
use crate::sync::source::{Opening, Read, ReadRequest, Reading, SourceReport};
use crate::types::{IntegrationKind, PostgresUrl, TableName, quoted};

/// How long closing a session may take.
const CLOSE: Duration = Duration::from_secs(1);

/// Starts reading.
pub async fn read(url: &PostgresUrl, table: &TableName, mut request: ReadRequest) -> Result<Reading, SyncError> {
    request.most = request.most.map(|most| most.min(MOST_ROWS));
    let (mut source, session) = PostgresTable::open(url, table, request.kind).await?;
    let (sender, reads) = mpsc::channel(WAITING);
    let ended = Ended::default();
    let work = {
        let ended = ended.clone();
        async move {
            let result = source.run(&request, &sender).await;
            ended.set();
            let _ = timeout(CLOSE, source.connection.close()).await;
            // Sending fails if the reading was dropped.
            let _ = sender.send(result.map(|()| Read::End)).await;
        }
    };
    let task = tokio::spawn(work.in_current_span());
    Ok(Reading::new(reads, StopOnDrop::new(task, session, ended)))
}

/// Checks whether the table can be read.
pub async fn probe(url: &PostgresUrl, table: &TableName, kind: IntegrationKind) -> Result<SourceReport, SyncError> {
    let (mut source, _) = PostgresTable::open(url, table, kind).await?;
    let updated_at = match source.kind.name() {
        Some(name) => {
            source.refuse_no_beginning().await?;
            Some(name)
        }
        None => source.format().await?.map(TimestampFormat::name),
    };
    let undated = source.is_undated().await?;
    let is_view = source.is_view().await;
    let advice = transactions::advice(&mut source.connection).await;
    Ok(SourceReport {
        table: table.to_string(),
        is_view,
        updated_at,
        undated,
        identifiers: source.columns.identifiers.into_iter().map(|(_, name)| name).collect(),
        advice,
    })
}

type Sender = mpsc::Sender<Result<Read, SyncError>>;

impl PostgresTable {
    /// Sends the opening and the rows, or only the first rows, until the receiver is dropped.
    async fn run(&mut self, request: &ReadRequest, sender: &Sender) -> Result<(), SyncError> {
        let now: DateTime<Utc> = sqlx::query_scalar("SELECT now()")
            .fetch_one(&mut self.connection)
            .await
            .map_err(|error| meaning(&self.table, &error))?;
        let now = now.timestamp_micros();
        let (survey, undated) = match self.kind {
            TimeColumn::TimestampTz | TimeColumn::Timestamp => self.count(request.from, now).await?,
            TimeColumn::Text | TimeColumn::Integer | TimeColumn::Fraction => self.survey(request.from, now).await?,
        };
        let opening = Opening { running_since: self.running_since, future: survey.future, undated };
        if sender.send(Ok(Read::Opened(opening))).await.is_err() {
            return Ok(());
        }
        match survey.selection() {
            Some(selection) => self.send_rows(&selection, request, sender).await,
            None => Ok(()),
        }
    }

    async fn send_rows(
        &mut self,
        selection: &Selection,
        request: &ReadRequest,
        sender: &Sender,
    ) -> Result<(), SyncError> {
        // The first rows of a limited reading are found by their times alone.
        let order = if request.most.is_none() { self.order(selection).await? } else { Order::Rows };
        let text = self.select(selection, order, request.most);
        let query = self.kind.bind_selection(sqlx::query(AssertSqlSafe(text)), selection);
        let mut rows = query.fetch(&mut self.connection);
        let mut chunk = Chunk::default();
        while let Some(row) = rows.try_next().await.map_err(|error| meaning(&self.table, &error))? {
            let row = row_of(&self.table, &self.columns, self.kind, &request.hasher, &row)?;
            if let Some(full) = chunk.push(row)
                && sender.send(Ok(Read::Rows(full))).await.is_err()
            {
                return Ok(());
            }
        }
        let _ = sender.send(Ok(Read::Rows(chunk.take()))).await;
        Ok(())
    }

    /// Selects the rows in reading order, up to `most` rows.
    pub fn select(&self, selection: &Selection, order: Order, most: Option<u64>) -> String {
        let (table, stored) = (self.table.quoted(), self.time());
        let column = quoted(&self.columns.updated_at);
        let time = match (selection, self.kind) {
            // Fractions of microseconds are cut off, as for all timestamps.
            (Selection::Computed { .. }, TimeColumn::Text) => {
                format!(r"regexp_replace({column}::text, '(\.[0-9]{{6}})[0-9]+', '\1')::timestamptz")
            }
            _ => stored.clone(),
        };
        // Values that are too long to be sent are not fetched completely.
        let content =
            self.columns.content().map(|name| format!("left({}::text, {}) COLLATE \"C\"", quoted(name), LONGEST + 1));
        let content = content.collect::<Vec<_>>().join(", ");
        let selected = format!("FROM {table} WHERE {time} BETWEEN $1 AND $2");
        match (most, order) {
            // The contents of rows later than the last of the first rows are not read.
            (Some(most), _) => {
                let last = format!(
                    "SELECT max(time) FROM (SELECT {time} AS time {selected} ORDER BY 1 LIMIT {most}) AS times"
                );
                format!("SELECT {stored}, {content} {selected} AND {time} <= ({last}) ORDER BY {time} LIMIT {most}")
            }
            (None, Order::Any) => format!("SELECT {stored}, {content} {selected}"),
            // The rows are sorted as they are stored, and what is sent is computed afterwards.
            (None, Order::Rows) => {
                let columns = self.columns.content().map(quoted).collect::<Vec<_>>().join(", ");
                format!(
                    "SELECT stored, {content} FROM (SELECT {stored} AS stored, {time} AS time, {columns} {selected} \
                     ORDER BY {time}) AS sorted ORDER BY time"
                )
            }
            (None, Order::Places) => format!(
                "SELECT {stored}, {content} FROM (SELECT ctid AS place, {time} AS time {selected} ORDER BY {time}) AS sorted \
                 JOIN {table} AS stored ON stored.ctid = sorted.place ORDER BY sorted.time"
            ),
        }
    }
}

/// Converts a result row: `UPDATED_AT`, then the content columns.
fn row_of(
    table: &TableName,
    columns: &Columns,
    kind: TimeColumn,
    hasher: &RowHasher,
    row: &PgRow,
) -> Result<Row, SyncError> {
    let micros = kind.micros(row).map_err(|value| {
        let texts = (1..=columns.identifiers.len())
            .map(|index| values::bytes(row, index).map(|bytes| String::from_utf8_lossy(bytes).into_owned()));
        not_a_timestamp(table, &columns.updated_at, &value, columns.row_name(texts).as_deref())
    })?;
    columns.row(hasher, micros, |index| Ok(values::bytes(row, 1 + index).map(Cow::Borrowed)))
}
