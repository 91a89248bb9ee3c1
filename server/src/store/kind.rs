//! The two kinds of databases that a store may be.

/// What kind of database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    /// The store's own clock in microseconds, as SQL. Leases are measured by it, so that replicas need not agree on the time.
    pub fn now(self) -> &'static str {
        match self {
            Kind::Sqlite => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
            Kind::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
        }
    }
}
