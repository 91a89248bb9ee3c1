//! The plans by which Postgres executes the statements of a reading.

use serde_json::Value;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, Postgres};

use super::values::bytes;
use crate::types::quoted;

/// What matters of a plan.
#[derive(Debug, Default, PartialEq)]
pub struct Plan {
    /// The types of its nodes, such as `Seq Scan`.
    pub nodes: Vec<String>,
    /// The tables that it reads.
    pub tables: Vec<String>,
    /// The size of the rows that it sorts, as estimated, in bytes.
    pub sorted: f64,
}

impl Plan {
    /// Plans a statement, whose parameters `bind` adds.
    pub async fn of<'q>(
        connection: &mut PgConnection,
        text: &str,
        bind: impl FnOnce(Query<'q, Postgres, PgArguments>) -> Query<'q, Postgres, PgArguments>,
    ) -> sqlx::Result<Plan> {
        let query = sqlx::query(AssertSqlSafe(format!("EXPLAIN (FORMAT JSON, VERBOSE) {text}")));
        let row = bind(query).fetch_one(connection).await?;
        let plans: Value = bytes(&row, 0).and_then(|plans| serde_json::from_slice(plans).ok()).unwrap_or_default();
        let mut plan = Plan::default();
        plan.add(&plans[0]["Plan"]);
        plan.tables.sort_unstable();
        plan.tables.dedup();
        Ok(plan)
    }

    fn add(&mut self, node: &Value) {
        if let (Some(schema), Some(table)) = (node["Schema"].as_str(), node["Relation Name"].as_str()) {
            self.tables.push(format!("{}.{}", quoted(schema), quoted(table)));
        }
        let name = node["Node Type"].as_str().unwrap_or_default();
        if is_sort(name) {
            let number = |field: &str| node[field].as_f64().unwrap_or(0.0);
            self.sorted += number("Plan Rows") * number("Plan Width");
        }
        self.nodes.push(name.to_owned());
        node["Plans"].as_array().into_iter().flatten().for_each(|below| self.add(below));
    }

    /// Whether it sorts.
    pub fn sorts(&self) -> bool {
        self.nodes.iter().any(|node| is_sort(node))
    }

    /// Whether it keeps nothing in memory but the rows that one sort sorts.
    pub fn only_sorts(&self) -> bool {
        self.nodes.iter().filter(|node| is_sort(node)).count() == 1
            && !self.nodes.iter().any(|node| ["Hash", "Materialize", "Memoize"].contains(&node.as_str()))
    }

    /// Whether all rows are found by indexes.
    pub fn is_by_index(&self) -> bool {
        let is_index = |node: &str| node.starts_with("Index") || node.starts_with("Bitmap");
        let mut scans = self.nodes.iter().filter(|node| node.ends_with(" Scan") && *node != "Subquery Scan").peekable();
        scans.peek().is_some() && scans.all(|node| is_index(node))
    }

    /// Whether rows are found by their places.
    pub fn is_by_places(&self) -> bool {
        self.nodes.iter().any(|node| node == "Tid Scan")
    }
}

fn is_sort(node: &str) -> bool {
    node == "Sort" || node == "Incremental Sort"
}
