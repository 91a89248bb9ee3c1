//! The messages for a table that does not exist, with the tables that may be meant, and for one that the role may not read.

use sqlx::{PgConnection, Row as _};

use super::values::meaning;
use crate::connectors::tables::query_advice;
use crate::sync::SyncError;
use crate::types::{TableName, quoted};

/// The code of Postgres for a table that does not exist.
const UNDEFINED_TABLE: &str = "42P01";
/// The code of Postgres for a missing privilege.
const INSUFFICIENT_PRIVILEGE: &str = "42501";
/// Tables that a message names.
const SHOWN: usize = 10;
/// The database, and the tables and views that this user can find: first those of the same name in another case or schema.
const TABLES: &str = "
    SELECT current_database()::text AS database, schema, name, lower(name) = lower($1) AS is_similar
    FROM (VALUES (1)) AS one LEFT JOIN LATERAL (
        SELECT CASE WHEN pg_table_is_visible(c.oid) THEN NULL ELSE n.nspname::text END AS schema, c.relname::text AS name
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
    ) AS tables ON true
    ORDER BY is_similar DESC NULLS LAST, schema NULLS FIRST, name LIMIT 11";

/// The error of a statement that names the table, with what there is in its place if it does not exist.
pub async fn explained(connection: &mut PgConnection, table: &TableName, error: &sqlx::Error) -> SyncError {
    let code = error.as_database_error().and_then(|error| error.code());
    match code.as_deref() {
        Some(UNDEFINED_TABLE) => {}
        Some(INSUFFICIENT_PRIVILEGE) => {
            return match denied(connection, table).await {
                Ok(Some(message)) => SyncError::Config(message),
                Ok(None) | Err(_) => meaning(table, error),
            };
        }
        _ => return meaning(table, error),
    }
    if let Some(advice) = query_advice(table) {
        return SyncError::Config(advice);
    }
    found(connection, table).await.map_or_else(|_| meaning(table, error), SyncError::Config)
}

/// Names the grants that the role lacks; `None` if it may read the table itself, but for example not what its view calls.
async fn denied(connection: &mut PgConnection, table: &TableName) -> sqlx::Result<Option<String>> {
    // The error has ended the transaction.
    sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await?;
    let role: String = sqlx::query_scalar("SELECT current_user::text").fetch_one(&mut *connection).await?;
    let (name, grantee) = (table.quoted(), quoted(&role));
    if let Some(schema) = table.schema() {
        let may_use: bool = sqlx::query_scalar("SELECT has_schema_privilege($1, 'USAGE')")
            .bind(schema)
            .fetch_one(&mut *connection)
            .await?;
        if !may_use {
            return Ok(Some(format!(
                "the role `{role}` may not use the schema `{schema}`; run `GRANT USAGE ON SCHEMA {} TO {grantee}` and \
                 `GRANT SELECT ON {name} TO {grantee}`",
                quoted(schema)
            )));
        }
    }
    let may_read: bool =
        sqlx::query_scalar("SELECT has_table_privilege($1, 'SELECT')").bind(&name).fetch_one(connection).await?;
    Ok((!may_read)
        .then(|| format!("the role `{role}` may not read `{table}`; run `GRANT SELECT ON {name} TO {grantee}`")))
}

async fn found(connection: &mut PgConnection, table: &TableName) -> sqlx::Result<String> {
    // The error has ended the transaction.
    sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await?;
    let rows = sqlx::query(TABLES).bind(table.last()).fetch_all(connection).await?;
    let (mut database, mut similar, mut others) = (String::new(), Vec::new(), Vec::new());
    for row in rows {
        database = row.try_get("database")?;
        let Some(name) = row.try_get::<Option<String>, _>("name")? else { continue };
        let schema: Option<String> = row.try_get("schema")?;
        let names = schema.iter().chain([&name]).map(|part| plain(part)).collect::<Vec<_>>();
        let is_similar = row.try_get::<Option<bool>, _>("is_similar")? == Some(true);
        if is_similar { &mut similar } else { &mut others }.push(format!("`{}`", names.join(".")));
    }
    let there = match (similar.as_slice(), others.as_slice()) {
        ([], []) => "it has no tables that this user can see".to_owned(),
        ([], names) if names.len() > SHOWN => format!("it has {} and others", names[..SHOWN].join(", ")),
        ([], names) => format!("it has {}", names.join(", ")),
        (names, _) => format!("it has {}", names.join(", ")),
    };
    Ok(format!("the database `{database}` has no table `{table}`; {there}"))
}

/// A part of a name as the configuration needs it.
fn plain(part: &str) -> String {
    if part.contains(['.', '"']) { quoted(part) } else { part.to_owned() }
}
