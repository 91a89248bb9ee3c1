//! Errors of the store.

use sqlx::postgres::{PgDatabaseError, PgSeverity};

use crate::types::{postgres_problem, quoted};

/// Why a call to the store failed. The text contains the whole cause.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be opened. Retrying is useless until an operator repairs it.
    #[error("{place} cannot be opened: {reason}")]
    Connect {
        /// The file or the database's address, without secrets.
        place: String,
        /// The cause.
        reason: String,
    },
    /// The file is not a SQLite database.
    #[error("the store {place} is not a SQLite database; choose another file")]
    NotADatabase {
        /// The file.
        place: String,
    },
    /// The file is a database of another program.
    #[error("{place} is a database of another program ({}); choose another file", listed(tables))]
    Foreign {
        /// The file.
        place: String,
        /// The names of its tables.
        tables: Vec<String>,
    },
    /// The role may not create the store's tables in the Postgres database.
    #[error("{}", may_not_create(role, schema.as_deref()))]
    MayNotCreate {
        /// The role.
        role: String,
        /// The schema that tables are created in; `None` if no schema of the role's `search_path` exists.
        schema: Option<String>,
    },
    /// A transient error: the same call may succeed later.
    #[error("the store is {kind}: {reason}")]
    Unavailable {
        /// The kind of problem.
        kind: Unavailability,
        /// The message of the database, driver or system.
        reason: String,
    },
    /// Any other error of the database.
    #[error("the store failed: {}{}", message(.0), advice(.0))]
    Failed(sqlx::Error),
    /// Its schema could not be migrated.
    #[error("the store's schema cannot be migrated: {0}")]
    Migrate(sqlx::migrate::MigrateError),
    /// A newer version of this program has migrated its schema.
    #[error(
        "the store's schema is newer than this program: it has version {found}, this program supports {known}; use the version of `cdi-server` that migrated it, or a later one"
    )]
    Newer {
        /// The schema's version.
        found: i64,
        /// The newest version that this program supports.
        known: i64,
    },
    /// An older version of this program has made its schema.
    #[error(
        "the store's schema is older than this program: it has version {found}, this program needs {known}; `cdi-server serve` migrates it when it starts"
    )]
    Older {
        /// The schema's version.
        found: i64,
        /// The version that is needed.
        known: i64,
    },
    /// It contains a value that this program cannot have written.
    #[error("the store contains an invalid {what}: {value:?}")]
    Unreadable {
        /// What the value should be.
        what: &'static str,
        /// The value.
        value: String,
    },
    /// The error of a call that was written in a group with others.
    #[error("{0}")]
    Group(String),
    /// The lease no longer holds, because another worker has claimed the job or the job has ended. Nothing was written.
    #[error("lease lost: another worker has claimed the job")]
    LeaseLost,
}

/// Kinds of transient problems with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unavailability {
    /// It cannot be reached, or does not answer in time.
    Unreachable,
    /// There is no disk space left.
    DiskFull,
    /// A lock, deadlock or conflict with another transaction.
    Busy,
    /// All connections of the pool are in use.
    NoConnection,
    /// Postgres refuses a new connection; open ones may go on working.
    Refused,
}

impl std::fmt::Display for Unavailability {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Unavailability::Unreachable | Unavailability::Refused => "unavailable",
            Unavailability::DiskFull => "out of disk space",
            Unavailability::Busy | Unavailability::NoConnection => "busy",
        })
    }
}

impl StoreError {
    /// Whether the error is transient, so that the call is worth retrying.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, StoreError::Unavailable { .. })
    }

    /// The same error for another caller in a group: whether it is transient, and its text.
    pub(super) fn for_another_caller(&self) -> StoreError {
        match self {
            StoreError::Unavailable { kind, reason } => StoreError::Unavailable { kind: *kind, reason: reason.clone() },
            other => StoreError::Group(other.to_string()),
        }
    }

    /// The kind of a failure, for counting; `None` if it is an answer about a job.
    pub(super) fn kind(&self) -> Option<&'static str> {
        match self {
            StoreError::LeaseLost => None,
            StoreError::Unavailable { kind: Unavailability::Unreachable | Unavailability::Refused, .. } => {
                Some("unavailable")
            }
            StoreError::Unavailable { kind: Unavailability::DiskFull, .. } => Some("out_of_disk_space"),
            StoreError::Unavailable { .. } => Some("busy"),
            _ => Some("failed"),
        }
    }

    /// The error of a call that got no answer in time.
    pub(super) fn timed_out(waited: std::time::Duration) -> StoreError {
        StoreError::Unavailable { kind: Unavailability::Unreachable, reason: format!("no answer within {waited:?}") }
    }

    /// The error of a failed migration.
    pub(super) fn migrating(error: sqlx::migrate::MigrateError) -> StoreError {
        use sqlx::migrate::MigrateError::{Execute, ExecuteMigration};
        match error {
            Execute(error) | ExecuteMigration(error, _) => StoreError::from(error),
            error => StoreError::Migrate(error),
        }
    }

    /// The error of a failed first connection, or of the first statement on it. A wrong password or database is an error of the
    /// configuration here, and not transient.
    pub(super) fn connecting(place: String, error: sqlx::Error) -> StoreError {
        const SQLITE_NOTADB: &str = "26";
        if error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == SQLITE_NOTADB) {
            return StoreError::NotADatabase { place };
        }
        match transience(&error) {
            Some(kind) => StoreError::Unavailable { kind, reason: format!("{place}: {}", message(&error)) },
            None => StoreError::Connect { place, reason: message(&error) },
        }
    }
}

impl From<sqlx::Error> for StoreError {
    /// The error of a call to a store that has been open.
    fn from(error: sqlx::Error) -> StoreError {
        // PgBouncer's code when it takes no further connections, among others.
        const PROTOCOL_VIOLATION: &str = "08P01";
        let code = error.as_database_error().and_then(|error| error.code());
        let is_refused = is_refusal(&error);
        let kind = match transience(&error) {
            Some(_) if is_refused && code.is_some_and(|code| code == PROTOCOL_VIOLATION) => {
                Some(Unavailability::Refused)
            }
            Some(kind) => Some(kind),
            None => is_refused.then_some(Unavailability::Refused),
        };
        match kind {
            Some(kind) => StoreError::Unavailable { kind, reason: message(&error) },
            None => StoreError::Failed(error),
        }
    }
}

/// The kind of a transient error; `None` if the error is permanent.
fn transience(error: &sqlx::Error) -> Option<Unavailability> {
    match error {
        // A proxy that answers in place of an unavailable database causes protocol errors.
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            Some(Unavailability::Unreachable)
        }
        sqlx::Error::PoolTimedOut => Some(Unavailability::NoConnection),
        sqlx::Error::Database(error) => error.code().and_then(|code| unavailability(&code)),
        _ => None,
    }
}

/// Whether Postgres refuses the connection itself: the password was changed, the database was renamed or takes no connections,
/// `pg_hba.conf` or the certificate does not allow it. Errors of statements are not fatal.
fn is_refusal(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Tls(_) => true,
        sqlx::Error::Database(error) => error
            .try_downcast_ref::<PgDatabaseError>()
            .is_some_and(|error| matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic)),
        _ => false,
    }
}

fn may_not_create(role: &str, schema: Option<&str>) -> String {
    let quoted_role = quoted(role);
    match schema {
        Some(schema) => format!(
            "the role `{role}` may not create the store's tables in the schema `{schema}`; run `GRANT CREATE ON SCHEMA {} TO {quoted_role}` \
             as the owner of the schema",
            quoted(schema)
        ),
        None => format!(
            "the role `{role}` has no schema for the store's tables, because none of its `search_path` exists; run \
             `CREATE SCHEMA AUTHORIZATION {quoted_role}` as the owner of the database"
        ),
    }
}

/// The first tables of a list, such as `tables jobs, users and others`.
fn listed(tables: &[String]) -> String {
    const SHOWN: usize = 5;
    let noun = if tables.len() == 1 { "table" } else { "tables" };
    let others = if tables.len() > SHOWN { " and others" } else { "" };
    format!("{noun} {}{others}", tables[..tables.len().min(SHOWN)].join(", "))
}

/// What to do about an error, if that is known.
fn advice(error: &sqlx::Error) -> &'static str {
    const INSUFFICIENT_PRIVILEGE: &str = "42501";
    // A prepared statement that another client of the same pooled connection has made, or has not.
    const PREPARED: [&str; 2] = ["42P05", "26000"];
    match error.as_database_error().and_then(|error| error.code()) {
        Some(code) if PREPARED.contains(&&*code) => {
            "; PgBouncer's transaction mode needs version 1.21 or later with `max_prepared_statements` set; or use its session mode, or \
             connect to Postgres itself"
        }
        Some(code) if code == INSUFFICIENT_PRIVILEGE => {
            "; the store's tables belong to another role: connect as the role that created them, or grant this one all rights on them"
        }
        _ => "",
    }
}

/// The message of an error, without the database's source line that sqlx adds.
fn message(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) if error.message().starts_with("unsupported startup parameter") => {
            format!("{}; for PgBouncer, set `ignore_startup_parameters = extra_float_digits`", error.message())
        }
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::PoolTimedOut => "timed out waiting for a connection".to_owned(),
        other => postgres_problem(other).unwrap_or_else(|| other.to_string()),
    }
}

/// The kind of a transient error by its SQLite or Postgres code; `None` if the error is permanent.
fn unavailability(code: &str) -> Option<Unavailability> {
    // Postgres codes have five characters.
    if code.len() < 5 {
        // The lowest byte of an extended SQLite code is the primary code.
        return match code.parse::<u32>().ok()? & 0xff {
            // SQLITE_INTERRUPT, SQLITE_PROTOCOL.
            9 | 15 => Some(Unavailability::Busy),
            // SQLITE_BUSY after the busy timeout, SQLITE_LOCKED, SQLITE_NOMEM, SQLITE_IOERR, SQLITE_CANTOPEN.
            5 | 6 | 7 | 10 | 14 => Some(Unavailability::Unreachable),
            // SQLITE_FULL.
            13 => Some(Unavailability::DiskFull),
            _ => None,
        };
    }
    const DISK_FULL: &str = "53100";
    // Connection errors, insufficient resources, operator intervention, system errors, a read-only server.
    const UNREACHABLE: [&str; 5] = ["08", "53", "57P", "58", "25006"];
    // Deadlocks and conflicts, lock timeouts, cancelled statements, transactions that took too long.
    const BUSY: [&str; 5] = ["40", "55P03", "57014", "25P03", "25P04"];
    let is_one_of = |classes: &[&str]| classes.iter().any(|class| code.starts_with(class));
    if code == DISK_FULL {
        Some(Unavailability::DiskFull)
    } else if is_one_of(&UNREACHABLE) {
        Some(Unavailability::Unreachable)
    } else {
        is_one_of(&BUSY).then_some(Unavailability::Busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_codes_of_both_databases_are_classified() {
        for unreachable in ["5", "6", "261", "517", "14", "4874", "08006", "53300", "57P01", "58030", "25006"] {
            assert_eq!(unavailability(unreachable), Some(Unavailability::Unreachable), "{unreachable}");
        }
        for full in ["13", "53100"] {
            assert_eq!(unavailability(full), Some(Unavailability::DiskFull), "{full}");
        }
        for busy in ["9", "40P01", "40001", "55P03", "57014", "25P03"] {
            assert_eq!(unavailability(busy), Some(Unavailability::Busy), "{busy}");
        }
        for permanent in ["1", "8", "19", "2067", "42P01", "23505", "28P01", "3D000"] {
            assert_eq!(unavailability(permanent), None, "{permanent}");
        }
    }
}
