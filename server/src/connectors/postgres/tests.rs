//! How tables are read on a real Postgres: by which plans, and how often.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use super::order::Order;
use super::plan::Plan;
use super::reading::read;
use super::table::PostgresTable;
use crate::connectors::tables::survey::{Selection, Survey};
use crate::secret::Secret;
use crate::sync::SyncError;
use crate::sync::row::{Row, RowHasher};
use crate::sync::source::{Opening, Read, ReadRequest};
use crate::testing::{postgres, until};
use crate::types::{IntegrationKind, PostgresUrl};

const KIND: IntegrationKind = IntegrationKind::Attributes;
/// 2026-01-01, in microseconds, and 2100-01-01.
const FIRST: i64 = 1_767_225_600_000_000;
const NOW: i64 = 4_102_444_800_000_000;
/// Enough rows for a large sort.
const ROWS: u64 = 10_000;
/// The rows' numbers in an order that no correlation is left in, and the time of a row.
const SHUFFLED: &str = "(n * 7919 % 10000)";
const TIMESTAMP: &str = "timestamptz '2026-01-01Z' + {n} * interval '1 s'";
const SECONDS: &str = "1767225600 + {n}";
const TEXT: &str = "to_char(timestamp '2026-01-01' + {n} * interval '1 s', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";

/// A table for one test.
struct Table(String);

impl Table {
    /// A table without rows, and with this type for its times.
    async fn new(kind: &str, options: &str) -> Table {
        let table = Table(format!("t_{}", Uuid::new_v4().simple()));
        table.sql(&format!("CREATE TABLE {{t}} (updated_at {kind}, external_id text, payload text) {options}")).await;
        table
    }

    /// A table with rows whose times are computed from a number.
    async fn with_rows(kind: &str, time: &str, number: &str) -> Table {
        let table = Table::new(kind, "").await;
        table.fill(time, number).await;
        table
    }

    async fn fill(&self, time: &str, number: &str) {
        let time = time.replace("{n}", number);
        self.sql(&format!(
            "INSERT INTO {{t}} SELECT {time}, 'user-' || n, format('{{\"note\":\"%s\"}}', repeat('x', 300)) \
             FROM generate_series(0::bigint, {ROWS} - 1) AS n"
        ))
        .await;
        // An index is read without the table only where all transactions see all rows, also those of other tests.
        until(async || {
            self.sql("VACUUM ANALYZE {t}").await;
            let visible = format!("SELECT relallvisible >= relpages FROM pg_class WHERE relname = '{}'", self.0);
            let mut connection = PgConnection::connect(&postgres()).await.unwrap();
            sqlx::query_scalar(AssertSqlSafe(visible)).fetch_one(&mut connection).await.unwrap()
        })
        .await;
    }

    /// Executes a statement, in which `{t}` stands for the table.
    async fn sql(&self, text: &str) {
        let mut connection = PgConnection::connect(&postgres()).await.unwrap();
        let text = AssertSqlSafe(text.replace("{t}", &self.0));
        sqlx::raw_sql(text).execute(&mut connection).await.unwrap();
    }

    async fn open(&self) -> PostgresTable {
        let url = PostgresUrl::new(Secret::new(postgres())).unwrap();
        PostgresTable::open(&url, &self.0.parse().unwrap(), KIND).await.unwrap().0
    }

    /// Reads all rows.
    async fn read(&self, from: Option<i64>) -> Result<(Opening, Vec<Row>), SyncError> {
        let url = PostgresUrl::new(Secret::new(postgres())).unwrap();
        let request = ReadRequest { kind: KIND, from, most: None, hasher: RowHasher::new([0; 32]) };
        let mut reading = read(&url, &self.0.parse().unwrap(), request).await?;
        let (mut opened, mut rows) = (None, Vec::new());
        loop {
            match reading.next().await? {
                Read::Opened(opening) => opened = Some(opening),
                Read::Rows(more) => rows.extend(more),
                Read::End => return Ok((opened.unwrap(), rows)),
            }
        }
    }
}

/// Surveys a table; also the number of rows that its scans have read.
async fn surveyed(source: &mut PostgresTable, from: Option<i64>) -> (Survey, u64, i64) {
    let (survey, undated) = match source.kind.name() {
        Some(_) => source.count(from, NOW).await.unwrap(),
        None => source.survey(from, NOW).await.unwrap(),
    };
    (survey, undated, scanned(source).await)
}

/// The number of rows that scans of tables have read in this transaction.
async fn scanned(source: &mut PostgresTable) -> i64 {
    let scanned = "SELECT coalesce(sum(seq_tup_read), 0)::bigint FROM pg_stat_xact_user_tables";
    sqlx::query_scalar(scanned).fetch_one(&mut source.connection).await.unwrap()
}

/// The order and the plan of the reading that follows a survey.
async fn planned(source: &mut PostgresTable, survey: &Survey) -> (Order, Plan) {
    let selection = survey.selection().unwrap();
    let order = source.order(&selection).await.unwrap();
    (order, source.plan(&selection, order).await.unwrap())
}

fn is_in_order(rows: &[Row]) -> bool {
    rows.len() as u64 == ROWS && rows.is_sorted_by_key(|row| row.updated_at)
}

#[tokio::test]
async fn an_index_gives_the_rows_in_order_without_a_scan_or_a_sort() {
    for (kind, time) in [("timestamptz", TIMESTAMP), ("bigint", SECONDS), ("text COLLATE \"C\"", TEXT)] {
        let table = Table::with_rows(kind, time, SHUFFLED).await;
        table.sql("CREATE INDEX ON {t} (updated_at); ANALYZE {t}").await;
        for (from, scans) in [(None, kind != "timestamptz"), (Some(FIRST + 9_500_000_000), false)] {
            let mut source = table.open().await;
            let (survey, _, scanned) = surveyed(&mut source, from).await;
            // All numbers and texts are examined before the first run, and one of them before each.
            let expected = if scans { ROWS as i64 } else { i64::from(kind != "timestamptz") };
            assert!(scanned <= expected, "{kind} {from:?}: {scanned}");
            let (order, plan) = planned(&mut source, &survey).await;
            assert_eq!(order, Order::Rows);
            let is_small = plan.sorted > 0.0 && from.is_some();
            assert!(plan.is_by_index() && (is_small || !plan.sorts()), "{kind} {from:?}: {plan:?}");
        }
        assert!(is_in_order(&table.read(None).await.unwrap().1), "{kind}");
    }
}

#[tokio::test]
async fn an_index_is_used_through_views_and_in_partitions() {
    let parts = Table::new("timestamptz", "PARTITION BY RANGE (updated_at)").await;
    parts
        .sql(
            "CREATE TABLE {t}_1 PARTITION OF {t} FOR VALUES FROM (MINVALUE) TO ('2026-01-01 02:00Z');
             CREATE TABLE {t}_2 PARTITION OF {t} FOR VALUES FROM ('2026-01-01 02:00Z') TO (MAXVALUE);
             CREATE INDEX ON {t} (updated_at)",
        )
        .await;
    parts.fill(TIMESTAMP, SHUFFLED).await;
    let table = Table::with_rows("timestamptz", TIMESTAMP, SHUFFLED).await;
    table
        .sql(
            "CREATE INDEX ON {t} (updated_at);
             CREATE VIEW {t}_view AS SELECT external_id, updated_at, json_build_object('note', payload) AS payload FROM {t}",
        )
        .await;
    for table in [parts, Table(format!("{}_view", table.0))] {
        let mut source = table.open().await;
        let (survey, _, scanned) = surveyed(&mut source, None).await;
        assert_eq!(scanned, 0);
        let (order, plan) = planned(&mut source, &survey).await;
        assert!(order == Order::Rows && plan.is_by_index() && !plan.sorts(), "{plan:?}");
        assert!(is_in_order(&table.read(None).await.unwrap().1));
    }
}

#[tokio::test]
async fn without_an_index_the_table_is_scanned_once_before_the_reading() {
    for (kind, time) in [
        ("timestamptz", TIMESTAMP),
        ("timestamp", TIMESTAMP),
        ("bigint", SECONDS),
        ("numeric", SECONDS),
        ("bigint", "1000 * (1767225600 + {n})"),
        ("text", TEXT),
    ] {
        let table = Table::with_rows(kind, time, SHUFFLED).await;
        table.sql("INSERT INTO {t} VALUES (NULL, 'undated', '{}')").await;
        for from in [None, Some(FIRST + 5_000_000_000)] {
            let mut source = table.open().await;
            let (survey, undated, scanned) = surveyed(&mut source, from).await;
            // One row tells the format of numbers and texts.
            assert!(scanned <= ROWS as i64 + 2, "{kind} {from:?}: {scanned}");
            assert_eq!((undated, survey.future), (1, 0), "{kind} {from:?}");
            let (order, plan) = planned(&mut source, &survey).await;
            assert_eq!(order, Order::Rows, "these rows are stored in no order");
            assert_eq!(plan.nodes, ["Subquery Scan", "Sort", "Seq Scan"], "{kind} {from:?}");
            let rows = table.read(from).await.unwrap().1;
            assert_eq!(rows.len(), if from.is_some() { 5_000 } else { 10_000 }, "{kind}");
            assert!(rows.is_sorted_by_key(|row| row.updated_at), "{kind}");
        }
    }
}

#[tokio::test]
async fn rows_that_are_stored_in_order_are_sorted_without_their_contents() {
    for (kind, time) in [("timestamptz", TIMESTAMP), ("bigint", SECONDS), ("text", TEXT)] {
        // Nearly in order: some rows were changed again.
        let table = Table::with_rows(kind, time, "(n + n % 50 / 49 * 100)").await;
        let mut source = table.open().await;
        let (survey, ..) = surveyed(&mut source, None).await;
        let (order, plan) = planned(&mut source, &survey).await;
        assert_eq!(order, Order::Places, "{kind}");
        assert_eq!(plan.nodes, ["Nested Loop", "Sort", "Seq Scan", "Tid Scan"], "{kind}");
        assert!(plan.sorted <= (ROWS * 64) as f64, "{kind}: {}", plan.sorted);
        let rows = table.read(None).await.unwrap().1;
        assert!(is_in_order(&rows), "{kind}");
        assert!(rows.iter().all(|row| row.payload.as_ref().is_some_and(|payload| payload.len() == 311)));
    }
}

#[tokio::test]
async fn tables_that_are_more_than_one_are_not_read_by_places() {
    let table = Table::with_rows("timestamptz", TIMESTAMP, "n").await;
    table
        .sql(
            "CREATE TABLE {t}_child () INHERITS ({t}); INSERT INTO {t}_child SELECT * FROM {t}; ANALYZE {t}, {t}_child",
        )
        .await;
    let mut source = table.open().await;
    let (survey, ..) = surveyed(&mut source, None).await;
    assert_eq!(planned(&mut source, &survey).await.0, Order::Rows);
    assert_eq!(table.read(None).await.unwrap().1.len() as u64, 2 * ROWS);
}

#[tokio::test]
async fn rows_of_one_time_are_not_sorted() {
    for (kind, time) in [("timestamptz", TIMESTAMP), ("bigint", SECONDS), ("text", TEXT)] {
        let table = Table::with_rows(kind, time, "5").await;
        // Rows of other times are in the future, or were synced before.
        table.sql(&format!("INSERT INTO {{t}} SELECT {}, 'earlier', '{{}}'", time.replace("{n}", "1"))).await;
        table.sql(&format!("INSERT INTO {{t}} SELECT {}, 'later', '{{}}'", time.replace("{n}", "4000000000"))).await;
        let mut source = table.open().await;
        let (survey, ..) = surveyed(&mut source, Some(FIRST + 2_000_000)).await;
        let (order, plan) = planned(&mut source, &survey).await;
        assert!(order == Order::Any && !plan.sorts(), "{kind}: {plan:?}");
        let (opening, rows) = table.read(Some(FIRST + 2_000_000)).await.unwrap();
        assert_eq!((opening.future, rows.len() as u64), (1, ROWS), "{kind}");
    }
}

#[tokio::test]
async fn timestamps_are_counted_alike_with_and_without_an_index() {
    let table = Table::with_rows("timestamptz", TIMESTAMP, SHUFFLED).await;
    table
        .sql("INSERT INTO {t} VALUES (NULL, 'a', '{}'), (NULL, 'b', '{}'), ('infinity', 'c', '{}'), ('2200-01-01Z', 'd', '{}')")
        .await;
    for index in ["", "CREATE INDEX ON {t} (updated_at); ANALYZE {t}"] {
        table.sql(index).await;
        let mut source = table.open().await;
        for (from, first) in [(None, FIRST), (Some(FIRST + 1_500_000), FIRST + 2_000_000)] {
            let (survey, undated) = source.count(from, NOW).await.unwrap();
            let last = FIRST + (ROWS as i64 - 1) * 1_000_000;
            assert_eq!((undated, survey.future), (2, 2));
            assert_eq!(survey.selection(), Some(Selection::Computed { from: first, to: last }));
        }
        assert_eq!(source.count(Some(NOW + 1), NOW).await.unwrap().0.selection(), None);
    }
    table.sql("INSERT INTO {t} VALUES ('-infinity', 'old', '{}')").await;
    let error = table.read(Some(NOW - 1)).await.unwrap_err().to_string();
    assert!(error.contains("holds -infinity (row with external_id \"old\")"), "{error}");
}

#[tokio::test]
async fn formats_of_rows_that_were_synced_before_are_still_examined() {
    for (kind, time, odd, expected) in [
        ("bigint", SECONDS, "-1767225600000", "mixes formats"),
        ("bigint", "1000 * (1767225600 + {n})", "5", "mixes formats"),
        ("text", TEXT, "'01/11/2026'", "holds \"01/11/2026\" (row with external_id \"odd\"), which is not a timestamp"),
    ] {
        let table = Table::with_rows(kind, time, "n").await;
        table.sql(&format!("INSERT INTO {{t}} VALUES ({odd}, 'odd', '{{}}')")).await;
        for index in ["", "CREATE INDEX ON {t} (updated_at); ANALYZE {t}"] {
            table.sql(index).await;
            let error = table.read(Some(FIRST + 9_999_000_000)).await.unwrap_err().to_string();
            assert!(error.contains(expected), "{kind}: {error}");
        }
    }
}
