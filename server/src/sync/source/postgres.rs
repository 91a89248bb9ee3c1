//! A Postgres table or view as a source, streamed.
//!
//! Timestamps are compared by Postgres. Numbers and texts are surveyed first, as those of SQLite are.

mod session;
mod transactions;
mod values;

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Column as _, Connection as _, Executor as _, PgConnection, Postgres, Statement as _};
use sqlx::{SqlSafeStr as _, TypeInfo as _};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::clock::Form;
use super::columns::{Columns, LONGEST};
use super::survey::{Bound, Selection, Survey};
use super::{Chunk, LOCKED, Opening, Read, ReadRequest, Reading, Report, SyncError, WAITING};
use crate::sync::row::{Row, RowHasher};
use crate::types::{IntegrationKind, PostgresUrl, TableName, quoted};
use session::{Ended, Session, StopOnDrop};
use values::{EARLIEST, Kind, meaning};

/// How long the database may take in all until its table is open.
const OPEN: Duration = Duration::from_secs(60);
/// How long a session may take to say goodbye.
const CLOSE: Duration = Duration::from_secs(1);

/// Begins to read.
pub async fn read(url: &PostgresUrl, table: &TableName, request: ReadRequest) -> Result<Reading, SyncError> {
    let (mut source, session) = PostgresSource::open(url, table, request.kind).await?;
    let (sender, reads) = mpsc::channel(WAITING);
    let ended = Ended::default();
    let task = tokio::spawn({
        let ended = ended.clone();
        async move {
            let result = source.run(&request, &sender).await;
            ended.set();
            let _ = timeout(CLOSE, source.connection.close()).await;
            // Nobody listens any more where the reading was dropped.
            let _ = sender.send(result.map(|()| Read::End)).await;
        }
    });
    Ok(Reading::new(reads, StopOnDrop::new(task, session, ended)))
}

/// Looks whether it can be read.
pub async fn look(url: &PostgresUrl, table: &TableName, kind: IntegrationKind) -> Result<Report, SyncError> {
    let (mut source, _) = PostgresSource::open(url, table, kind).await?;
    let updated_at = match source.kind.name() {
        Some(name) => {
            source.refuse_no_beginning().await?;
            Some(name)
        }
        None => source.form().await?.map(Form::name),
    };
    Ok(Report {
        table: table.to_string(),
        updated_at,
        identifiers: source.columns.identifiers.into_iter().map(|(_, name)| name).collect(),
        advice: None,
    })
}

type Sender = mpsc::Sender<Result<Read, SyncError>>;

struct PostgresSource {
    connection: PgConnection,
    table: TableName,
    columns: Columns,
    kind: Kind,
    /// When the oldest transaction began that was running before the snapshot.
    running_since: Option<i64>,
}

impl PostgresSource {
    async fn open(
        url: &PostgresUrl,
        table: &TableName,
        kind: IntegrationKind,
    ) -> Result<(PostgresSource, Session), SyncError> {
        let opened = timeout(OPEN, async {
            let (connection, session) = session::connect(url).await?;
            Ok((PostgresSource::begin(connection, table, kind).await?, session))
        });
        let late = |_| Err(SyncError::Passing(format!("the table `{table}`: {url} does not answer in time")));
        opened.await.unwrap_or_else(late)
    }

    /// Begins a transaction and finds the columns.
    async fn begin(
        mut connection: PgConnection,
        table: &TableName,
        kind: IntegrationKind,
    ) -> Result<PostgresSource, SyncError> {
        let running_since =
            transactions::running_since(&mut connection).await.map_err(|error| meaning(table, &error))?;
        // How long the rows take is up to the destination, and no reason to cut them off.
        let begin = format!(
            "SET TIME ZONE 'UTC'; SET statement_timeout = 0; SET lock_timeout = {};
             BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            LOCKED.as_millis()
        );
        sqlx::raw_sql(AssertSqlSafe(begin)).execute(&mut connection).await.map_err(|error| meaning(table, &error))?;
        let text = AssertSqlSafe(format!("SELECT * FROM {} LIMIT 0", table.quoted())).into_sql_str();
        let statement = (&mut connection).prepare(text).await.map_err(|error| meaning(table, &error))?;
        let names: Vec<String> = statement.columns().iter().map(|column| column.name().to_owned()).collect();
        let columns = Columns::find(table, &names, kind)?;
        let updated_at = statement.columns().iter().find(|column| column.name() == columns.updated_at);
        let type_name = updated_at.map(|column| column.type_info().name().to_owned()).unwrap_or_default();
        let kind = Kind::of(&type_name).ok_or_else(|| {
            SyncError::Config(format!(
                "the column `{}` of the table `{table}` is of the type {type_name}, which is no time; timestamps, texts and numbers are",
                columns.updated_at
            ))
        })?;
        Ok(PostgresSource { connection, table: table.clone(), columns, kind, running_since })
    }

    /// What `UPDATED_AT` is, where it is a number or a text.
    async fn form(&mut self) -> Result<Option<Form>, SyncError> {
        let (table, time) = (self.table.quoted(), self.time());
        let mut forms = Vec::new();
        for order in ["ASC", "DESC"] {
            let text = format!("SELECT {time} FROM {table} WHERE {time} IS NOT NULL ORDER BY 1 {order} LIMIT 1");
            let row = sqlx::query(AssertSqlSafe(text)).fetch_optional(&mut self.connection).await;
            let Some(row) = row.map_err(|error| meaning(&self.table, &error))? else { return Ok(None) };
            let form = self.kind.form(&row).map_err(|example| self.not_a_time(&example))?;
            forms.push((self.kind.example(&row), form));
        }
        match forms.as_slice() {
            [(lowest, low), (highest, high)] if low != high => Err(SyncError::Config(format!(
                "the column `{}` of the table `{}` mixes kinds: {lowest} is {}, {highest} is {}",
                self.columns.updated_at,
                self.table,
                low.name(),
                high.name()
            ))),
            forms => Ok(forms.first().map(|(_, form)| *form)),
        }
    }

    /// Sends everything but the end, or the first rows, until nobody listens any more.
    async fn run(&mut self, request: &ReadRequest, sender: &Sender) -> Result<(), SyncError> {
        let now: DateTime<Utc> = sqlx::query_scalar("SELECT now()")
            .fetch_one(&mut self.connection)
            .await
            .map_err(|error| meaning(&self.table, &error))?;
        let now = now.timestamp_micros();
        let survey = match self.kind {
            Kind::TimestampTz | Kind::Timestamp => self.count(request.from, now).await?,
            Kind::Text | Kind::Integer | Kind::Fraction => self.survey(request.from, now).await?,
        };
        let undated = format!("SELECT count(*) FROM {} WHERE {} IS NULL", self.table.quoted(), self.time());
        let undated = self.number(sqlx::query(AssertSqlSafe(undated))).await?;
        let opening = Opening { running_since: self.running_since, future: survey.future, undated };
        if sender.send(Ok(Read::Opened(opening))).await.is_err() {
            return Ok(());
        }
        match survey.selection() {
            Some(selection) => self.send_rows(&selection, request, sender).await,
            None => Ok(()),
        }
    }

    /// Looks at every `UPDATED_AT` that may be read.
    async fn survey(&mut self, from: Option<i64>, now: i64) -> Result<Survey, SyncError> {
        let mut survey = Survey::new(from, now);
        let Some(form) = self.form().await? else { return Ok(survey) };
        let (kind, time) = (self.kind, self.time());
        let text = format!("SELECT {time} FROM {} WHERE {time} >= $1", self.table.quoted());
        let query = self.bind(sqlx::query(AssertSqlSafe(text)), &survey.lowest(form));
        let mut rows = query.fetch(&mut self.connection);
        while let Some(row) = rows.try_next().await.map_err(|error| meaning(&self.table, &error))? {
            match (kind.micros(&row), kind.native(&row)) {
                (Ok(micros), Some(native)) => survey.take(micros, native, None),
                (Err(example), _) => return Err(not_a_time(&self.table, &self.columns.updated_at, &example)),
                (Ok(_), None) => {}
            }
        }
        drop(rows);
        Ok(survey)
    }

    /// The same for timestamps, which Postgres can compare by itself.
    async fn count(&mut self, from: Option<i64>, now: i64) -> Result<Survey, SyncError> {
        self.refuse_no_beginning().await?;
        let future = format!("SELECT count(*) FROM {} WHERE {} > $1", self.table.quoted(), self.time());
        let future = self.bind_time(sqlx::query(AssertSqlSafe(future)), now);
        let future = self.number(future).await?;
        Ok(Survey::counted(from, EARLIEST, now, future))
    }

    /// A row from before all times would be in front of every watermark.
    async fn refuse_no_beginning(&mut self) -> Result<(), SyncError> {
        let text = format!("SELECT count(*) FROM {} WHERE {} = '-infinity'", self.table.quoted(), self.time());
        match self.number(sqlx::query(AssertSqlSafe(text))).await? {
            0 => Ok(()),
            _ => Err(self.not_a_time("-infinity")),
        }
    }

    async fn number(&mut self, query: Query<'_, Postgres, PgArguments>) -> Result<u64, SyncError> {
        let row = query.fetch_one(&mut self.connection).await;
        let number = row.and_then(|row| sqlx::Row::try_get::<i64, _>(&row, 0));
        number.map(|number| u64::try_from(number).unwrap_or(0)).map_err(|error| meaning(&self.table, &error))
    }

    async fn send_rows(
        &mut self,
        selection: &Selection,
        request: &ReadRequest,
        sender: &Sender,
    ) -> Result<(), SyncError> {
        let text = self.select(selection, request.most);
        let query = self.bind_selection(sqlx::query(AssertSqlSafe(text)), selection);
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

    /// The selected rows in reading order, or the first so many of them.
    fn select(&self, selection: &Selection, most: Option<u64>) -> String {
        let column = quoted(&self.columns.updated_at);
        let time = match (selection, self.kind) {
            // What is finer than a microsecond is cut off, as everywhere.
            (Selection::Computed { .. }, Kind::Text) => {
                format!(r"regexp_replace({column}::text, '(\.[0-9]{{6}})[0-9]+', '\1')::timestamptz")
            }
            _ => self.time(),
        };
        // What is too long to be sent need not come whole.
        let content =
            self.columns.content().map(|name| format!("left({}::text, {}) COLLATE \"C\"", quoted(name), LONGEST + 1));
        let content: Vec<String> = content.collect();
        let selected = format!("FROM {} WHERE {time} BETWEEN $1 AND $2", self.table.quoted());
        let (rows, limit) = match most {
            None => (selected, String::new()),
            // Contents of rows after the last time of the first rows are not looked at.
            Some(most) => {
                let last = format!(
                    "SELECT max(time) FROM (SELECT {time} AS time {selected} ORDER BY 1 LIMIT {most}) AS times"
                );
                (format!("{selected} AND {time} <= ({last})"), format!(" LIMIT {most}"))
            }
        };
        format!("SELECT {}, {} {rows} ORDER BY {time}{limit}", self.time(), content.join(", "))
    }

    fn bind_selection<'q>(
        &self,
        query: Query<'q, Postgres, PgArguments>,
        selection: &Selection,
    ) -> Query<'q, Postgres, PgArguments> {
        match selection {
            Selection::Native { from, to } => self.bind(self.bind(query, from), to),
            Selection::Computed { from, to } => self.bind_time(self.bind_time(query, *from), *to),
        }
    }

    fn bind<'q>(&self, query: Query<'q, Postgres, PgArguments>, bound: &Bound) -> Query<'q, Postgres, PgArguments> {
        match (bound, self.kind) {
            (Bound::Text(text), _) => query.bind(text.clone()),
            (Bound::Number(number), Kind::Integer) => query.bind(*number as i64),
            (Bound::Number(number), _) => query.bind(*number),
        }
    }

    fn bind_time<'q>(&self, query: Query<'q, Postgres, PgArguments>, micros: i64) -> Query<'q, Postgres, PgArguments> {
        let time = DateTime::from_timestamp_micros(micros).unwrap_or_default();
        if self.kind == Kind::Timestamp { query.bind(time.naive_utc()) } else { query.bind(time) }
    }

    fn time(&self) -> String {
        self.kind.expression(&quoted(&self.columns.updated_at))
    }

    fn not_a_time(&self, example: &str) -> SyncError {
        not_a_time(&self.table, &self.columns.updated_at, example)
    }
}

/// The row that stands in a result: `UPDATED_AT`, then the columns with content.
fn row_of(table: &TableName, columns: &Columns, kind: Kind, hasher: &RowHasher, row: &PgRow) -> Result<Row, SyncError> {
    let micros = kind.micros(row).map_err(|example| not_a_time(table, &columns.updated_at, &example))?;
    columns.row(hasher, micros, |index| Ok(values::bytes(row, 1 + index).map(Cow::Borrowed)))
}

fn not_a_time(table: &TableName, column: &str, example: &str) -> SyncError {
    SyncError::Config(super::clock::not_a_time(&table.to_string(), column, example))
}
