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

    /// SQL for the hexadecimal digits of bytes.
    pub fn hex(self, bytes: &str) -> String {
        match self {
            Kind::Sqlite => format!("hex({bytes})"),
            Kind::Postgres => format!("encode({bytes}, 'hex')"),
        }
    }

    /// SQL for the bytes of hexadecimal digits.
    pub fn unhex(self, digits: &str) -> String {
        match self {
            Kind::Sqlite => format!("unhex({digits})"),
            Kind::Postgres => format!("decode({digits}, 'hex')"),
        }
    }

    /// SQL for a table with the texts of a JSON array in its column `value`.
    pub fn texts(self, array: &str) -> String {
        match self {
            Kind::Sqlite => format!("json_each({array})"),
            Kind::Postgres => format!("json_array_elements_text({array}::json) AS listed (value)"),
        }
    }
}
