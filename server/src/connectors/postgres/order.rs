//! How a reading gets its rows in order at the least cost.
//!
//! An index on `UPDATED_AT` gives them in order, and the first of them at once. Without one they have to be sorted. Rows are
//! sorted as they are stored: long values are then only pointers. Where rows are stored nearly in their order, only
//! their times and places are sorted. Elsewhere that is slower than the sort which it saves, because it fetches the rows
//! from all over the table.

use sqlx::AssertSqlSafe;

use super::plan::Plan;
use super::table::PostgresTable;
use super::values::meaning;
use crate::connectors::tables::survey::Selection;
use crate::sync::SyncError;

/// Sorts of less than this are left to the server, in bytes.
const SMALL_SORT: f64 = if cfg!(test) { 5e4 } else { 4e6 };
/// Sorts of at least this are reduced to times and places if possible, in bytes.
const LARGE_SORT: f64 = if cfg!(test) { 2e6 } else { 1e9 };
/// The memory of a sort. With Postgres' own default of 4 MB a large sort writes everything several times.
const SORT_MEMORY: &str = "32MB";
/// Whether the tables are likely to be in memory, so that reading them in any order is fast.
const IN_MEMORY: &str = "
    SELECT coalesce(sum(pg_table_size(name::regclass)), 0) <= pg_size_bytes(current_setting('effective_cache_size'))
    FROM unnest($1::text[]) AS name";
/// Whether this is a plain table whose rows are stored nearly in the order of a column, by the last `ANALYZE`.
const STORED_IN_ORDER: &str = "
    SELECT EXISTS (
        SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = $2
        WHERE c.oid = $1::text::regclass AND c.relkind IN ('r', 'm') AND NOT c.relhassubclass AND abs(s.correlation) >= 0.9
    )";

/// How the rows of a reading are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Not at all: all have one time.
    Any,
    /// By an index or a sort, as Postgres decides.
    Rows,
    /// By a sort of times and places.
    Places,
}

impl PostgresTable {
    /// Decides how to order the rows, and configures the transaction for that.
    pub async fn order(&mut self, selection: &Selection) -> Result<Order, SyncError> {
        if selection.is_one_time() {
            return Ok(Order::Any);
        }
        self.try_out(async |table| table.best_order(selection).await).await.map(|order| order.unwrap_or(Order::Rows))
    }

    async fn best_order(&mut self, selection: &Selection) -> sqlx::Result<Order> {
        // Workers would be occupied for as long as the delivery takes.
        self.set("max_parallel_workers_per_gather = 0").await?;
        let usual = self.plan(selection, Order::Rows).await?;
        if usual.sorted < SMALL_SORT {
            return Ok(Order::Rows);
        }
        let is_in_memory = sqlx::query_scalar(IN_MEMORY).bind(&usual.tables);
        if is_in_memory.fetch_one(&mut self.connection).await? {
            self.set("enable_sort = off").await?;
            if !self.plan(selection, Order::Rows).await?.sorts() {
                return Ok(Order::Rows);
            }
            self.set("enable_sort TO DEFAULT").await?;
        }
        if usual.only_sorts() {
            let raise = format!(
                "SELECT set_config('work_mem', '{SORT_MEMORY}', true)
                 WHERE pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('{SORT_MEMORY}')"
            );
            sqlx::raw_sql(AssertSqlSafe(raise)).execute(&mut self.connection).await?;
        }
        let stored_in_order =
            sqlx::query_scalar(STORED_IN_ORDER).bind(self.table.quoted()).bind(&self.columns.updated_at);
        if usual.sorted >= LARGE_SORT && stored_in_order.fetch_one(&mut self.connection).await? {
            self.set("enable_hashjoin = off; SET LOCAL enable_mergejoin = off").await?;
            if self.plan(selection, Order::Places).await?.is_by_places() {
                return Ok(Order::Places);
            }
        }
        Ok(Order::Rows)
    }

    /// The plan of the reading in this order.
    pub async fn plan(&mut self, selection: &Selection, order: Order) -> sqlx::Result<Plan> {
        let text = self.select(selection, order, None);
        let (kind, connection) = (self.kind, &mut self.connection);
        Plan::of(connection, &text, |query| kind.bind_selection(query, selection)).await
    }

    /// Changes a setting until the end of the transaction.
    async fn set(&mut self, setting: &str) -> sqlx::Result<()> {
        let text = AssertSqlSafe(format!("SET LOCAL {setting}"));
        sqlx::raw_sql(text).execute(&mut self.connection).await.map(|_| ())
    }

    /// Does something that a database which only speaks the protocol of Postgres may refuse; `None` if it does.
    pub async fn try_out<T>(
        &mut self,
        action: impl AsyncFnOnce(&mut Self) -> sqlx::Result<T>,
    ) -> Result<Option<T>, SyncError> {
        let statement = async |table: &mut Self, text: &'static str| {
            let done = sqlx::raw_sql(text).execute(&mut table.connection).await;
            done.map(|_| ()).map_err(|error| meaning(&table.table, &error))
        };
        statement(self, "SAVEPOINT trying").await?;
        match action(self).await {
            Ok(done) => {
                statement(self, "RELEASE SAVEPOINT trying").await?;
                Ok(Some(done))
            }
            Err(sqlx::Error::Database(error)) => {
                tracing::debug!(%error, "the source cannot say how it would read the table");
                statement(self, "ROLLBACK TO SAVEPOINT trying").await?;
                Ok(None)
            }
            Err(error) => Err(meaning(&self.table, &error)),
        }
    }
}
