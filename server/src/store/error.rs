//! Why the store did not do what it was asked.

/// Why the store did not do what it was asked. Its text tells the whole cause.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It could not be reached or opened, and trying again changes nothing until somebody repairs it.
    #[error("{place} cannot be opened: {reason}")]
    Connect {
        /// Where it should be.
        place: String,
        /// Why.
        reason: String,
    },
    /// The same may well work later.
    #[error("the store is {trouble}: {reason}")]
    Unavailable {
        /// What is the matter.
        trouble: Trouble,
        /// What was said of it.
        reason: String,
    },
    /// It answered with an error.
    #[error("the store failed: {0}")]
    Failed(sqlx::Error),
    /// Its schema could not be brought up to date.
    #[error("the store's schema cannot be brought up to date: {0}")]
    Migrate(sqlx::migrate::MigrateError),
    /// A later version of this program has changed its schema.
    #[error(
        "the store's schema is newer than this program: it has version {found}, this program knows {known}; start the version that it belongs to, or a later one"
    )]
    Newer {
        /// The schema's version.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// It was made by an earlier version of this program.
    #[error(
        "the store's schema is older than this program: it has version {found}, this program needs {known}; `cdi-server serve` brings it up to date when it starts"
    )]
    Older {
        /// The schema's version.
        found: i64,
        /// The one that is needed.
        known: i64,
    },
    /// It holds something that this program did not write.
    #[error("the store holds a {what} that cannot be read: {value:?}")]
    Unreadable {
        /// What should be there.
        what: &'static str,
        /// What is there.
        value: String,
    },
    /// Another worker has taken the job, or it has ended: nothing was written.
    #[error("the job was taken by another worker")]
    LeaseLost,
}

/// What may pass by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It cannot be reached, or does not answer in time.
    Away,
    /// There is no space left where it is.
    Full,
    /// Somebody else was in the way for a moment.
    Busy,
    /// All connections were in use.
    Queue,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Trouble::Away => "away",
            Trouble::Full => "full",
            Trouble::Busy | Trouble::Queue => "busy",
        })
    }
}

impl StoreError {
    /// Whether the same may well work later.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, StoreError::Unavailable { .. })
    }

    /// It did not answer in time.
    pub(super) fn silent(waited: std::time::Duration) -> StoreError {
        StoreError::Unavailable { trouble: Trouble::Away, reason: format!("no answer within {waited:?}") }
    }

    /// Why the schema could not be brought up to date.
    pub(super) fn migrating(error: sqlx::migrate::MigrateError) -> StoreError {
        use sqlx::migrate::MigrateError::{Execute, ExecuteMigration};
        match error {
            Execute(error) | ExecuteMigration(error, _) => StoreError::from(error),
            error => StoreError::Migrate(error),
        }
    }

    /// Why a first connection did not come about.
    pub(super) fn connecting(place: String, error: sqlx::Error) -> StoreError {
        match StoreError::from(error) {
            StoreError::Unavailable { trouble, reason } => {
                StoreError::Unavailable { trouble, reason: format!("{place}: {reason}") }
            }
            StoreError::Failed(error) => StoreError::Connect { place, reason: message(&error) },
            other => other,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> StoreError {
        let trouble = match &error {
            // What stands in front of a database, and answers in its place while it is away, does not speak its language.
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                Some(Trouble::Away)
            }
            sqlx::Error::PoolTimedOut => Some(Trouble::Queue),
            sqlx::Error::Database(error) => error.code().and_then(|code| trouble(&code)),
            _ => None,
        };
        match trouble {
            Some(trouble) => StoreError::Unavailable { trouble, reason: message(&error) },
            None => StoreError::Failed(error),
        }
    }
}

/// What a database says, without the line of its own source that sqlx adds.
fn message(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::PoolTimedOut => "no connection in time".to_owned(),
        other => other.to_string(),
    }
}

/// What an error code of SQLite or Postgres says of something that passes.
fn trouble(code: &str) -> Option<Trouble> {
    // Postgres has five characters.
    if code.len() < 5 {
        // SQLite keeps what is special about an error in the upper bytes.
        return match code.parse::<u32>().ok()? & 0xff {
            // Interrupted, a lock's protocol.
            9 | 15 => Some(Trouble::Busy),
            // Busy for longer than callers wait, locked, out of memory, input or output, no file to be had.
            5 | 6 | 7 | 10 | 14 => Some(Trouble::Away),
            13 => Some(Trouble::Full),
            _ => None,
        };
    }
    const FULL: &str = "53100";
    // Connections, resources, an operator's intervention, trouble of the system, a server that only reads.
    const AWAY: [&str; 5] = ["08", "53", "57P", "58", "25006"];
    // Deadlocks and conflicts, locks that were not to be had, a cancelled statement, a transaction that took too long.
    const BUSY: [&str; 5] = ["40", "55P03", "57014", "25P03", "25P04"];
    let is_one_of = |classes: &[&str]| classes.iter().any(|class| code.starts_with(class));
    if code == FULL {
        Some(Trouble::Full)
    } else if is_one_of(&AWAY) {
        Some(Trouble::Away)
    } else {
        is_one_of(&BUSY).then_some(Trouble::Busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_databases_are_told_apart() {
        for away in ["5", "6", "261", "517", "14", "4874", "08006", "53300", "57P01", "58030", "25006"] {
            assert_eq!(trouble(away), Some(Trouble::Away), "{away}");
        }
        for full in ["13", "53100"] {
            assert_eq!(trouble(full), Some(Trouble::Full), "{full}");
        }
        for busy in ["9", "40P01", "40001", "55P03", "57014", "25P03"] {
            assert_eq!(trouble(busy), Some(Trouble::Busy), "{busy}");
        }
        for lasting in ["1", "8", "19", "2067", "42P01", "23505", "28P01", "3D000"] {
            assert_eq!(trouble(lasting), None, "{lasting}");
        }
    }
}
