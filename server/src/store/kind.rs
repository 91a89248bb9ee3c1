//! The kinds of databases that the store supports.

/// The kind of the store's database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    /// SQL for the store's clock in microseconds since 1970. Leases are measured by it, so the replicas' clocks do not matter.
    pub fn now(self) -> &'static str {
        match self {
            Kind::Sqlite => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
            Kind::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
        }
    }
}
