//! Why the store did not do what it was asked.

/// Why the store did not do what it was asked. Its text tells the whole cause.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It could not be reached.
    #[error("{place} cannot be opened: {}", told(error))]
    Connect {
        /// Where it should be.
        place: String,
        /// Why.
        error: sqlx::Error,
    },
    /// It is away, or too busy to answer in time.
    #[error("the store is away: {0}")]
    Unavailable(sqlx::Error),
    /// It answered with an error.
    #[error("the store failed: {0}")]
    Failed(sqlx::Error),
    /// Its schema could not be brought up to date.
    #[error("the store's schema cannot be brought up to date: {0}")]
    Schema(sqlx::migrate::MigrateError),
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

impl StoreError {
    /// Whether the same may well work later.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, StoreError::Unavailable(_))
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> StoreError {
        let away = match &error {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                true
            }
            sqlx::Error::Database(error) => error.code().is_some_and(|code| is_passing(&code)),
            _ => false,
        };
        if away { StoreError::Unavailable(error) } else { StoreError::Failed(error) }
    }
}

/// What a database says of a connection, without the line of its own source that sqlx adds.
fn told(error: &sqlx::Error) -> String {
    error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
}

/// Whether an error code of SQLite or Postgres speaks of something that passes.
fn is_passing(code: &str) -> bool {
    match code.parse::<u32>() {
        // SQLite: busy (5) and locked (6), with their extended codes in the upper bytes. Postgres has five characters.
        Ok(number) if code.len() < 5 => matches!(number & 0xff, 5 | 6),
        // Postgres: connections, resources, an operator's intervention, deadlocks, locks that were not to be had.
        _ => ["08", "53", "57P", "40", "55P03"].iter().any(|class| code.starts_with(class)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_databases_are_told_apart() {
        for passing in ["5", "6", "261", "517", "08006", "53300", "57P01", "40P01", "55P03"] {
            assert!(is_passing(passing), "{passing}");
        }
        for lasting in ["1", "19", "2067", "42P01", "23505", "28P01"] {
            assert!(!is_passing(lasting), "{lasting}");
        }
    }
}
