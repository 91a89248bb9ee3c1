//! The message for a table that lacks columns of a sync: it names all of them, and how a view can make them.

use super::dialect::{Dialect, column_name};
use crate::types::{IntegrationKind, TableName};

/// Columns that a sync needs and the table does not have.
#[derive(Debug, Clone, Copy)]
pub struct Missing {
    /// Whether `UPDATED_AT` is missing.
    pub updated_at: bool,
    /// Whether `PAYLOAD` is missing.
    pub payload: bool,
    /// Whether there is no identifier.
    pub identifier: bool,
}

/// Columns whose names sound like one of these are proposed for `UPDATED_AT`.
const TIMES: [&str; 4] = ["updated", "modified", "changed", "timestamp"];
/// How many columns the proposed payload has.
const SHOWN: usize = 3;

/// The message; `is_used` tells which of the `columns` a sync reads already.
pub fn message(
    table: &TableName,
    columns: &[String],
    missing: Missing,
    kind: IntegrationKind,
    dialect: Dialect,
    is_used: impl Fn(&str) -> bool,
) -> String {
    let names: Vec<&str> = [(missing.updated_at, "UPDATED_AT"), (missing.payload, "PAYLOAD")]
        .into_iter()
        .filter_map(|(is_missing, name)| is_missing.then_some(name))
        .collect();
    let mut lacks = Vec::new();
    if !names.is_empty() {
        lacks.push(format!("no column {}", names.join(" and no column ")));
    }
    if missing.identifier {
        let needed = match kind {
            IntegrationKind::UserDeletes => "EXTERNAL_ID, or ALIAS_NAME and ALIAS_LABEL, or BRAZE_ID",
            _ => "EXTERNAL_ID, or ALIAS_NAME and ALIAS_LABEL, or BRAZE_ID, EMAIL or PHONE",
        };
        lacks.push(format!("no identifier column ({needed})"));
    }
    let free: Vec<&str> = columns.iter().map(String::as_str).filter(|column| !is_used(column)).collect();
    let view = match made(&free, missing, kind, dialect).as_slice() {
        [] => String::new(),
        [one] => format!("; a view can make it: {one}"),
        some => format!("; a view can make them: {}", some.join(", ")),
    };
    format!("the table `{table}` has {}; its columns are `{}`{view}", lacks.join(" and "), columns.join("`, `"))
}

/// What a view may select, as far as the names of the columns show it.
fn made(free: &[&str], missing: Missing, kind: IntegrationKind, dialect: Dialect) -> Vec<String> {
    let mut made = Vec::new();
    let lower = |column: &str| column.to_ascii_lowercase();
    let is_id = |column: &&&str| lower(column) == "id" || lower(column).ends_with("_id");
    let is_time = |column: &&&str| TIMES.iter().any(|word| lower(column).contains(word));
    let id = free.iter().find(is_id).filter(|_| missing.identifier);
    let time = free.iter().find(is_time).filter(|_| missing.updated_at);
    if let Some(id) = id {
        made.push(format!("`{} AS EXTERNAL_ID`", column_name(id)));
    }
    if let Some(time) = time {
        made.push(format!("`{} AS UPDATED_AT`", column_name(time)));
    }
    if missing.payload {
        let json = dialect.json_object();
        let is_rest = |column: &&&str| Some(*column) != id && Some(*column) != time;
        let entry = |column: &&str| format!("'{}', {}", column.replace('\'', "''"), column_name(column));
        let entries: Vec<String> = free.iter().filter(is_rest).take(SHOWN).map(entry).collect();
        let entries = if entries.is_empty() { "…".to_owned() } else { entries.join(", ") };
        made.push(match kind {
            IntegrationKind::Events => format!("`{json}('name', …, 'properties', {json}({entries})) AS PAYLOAD`"),
            IntegrationKind::Purchases => {
                format!(
                    "`{json}('product_id', …, 'currency', …, 'price', …, 'properties', {json}({entries})) AS PAYLOAD`"
                )
            }
            IntegrationKind::Attributes | IntegrationKind::UserDeletes => format!("`{json}({entries}) AS PAYLOAD`"),
        });
    }
    made
}
