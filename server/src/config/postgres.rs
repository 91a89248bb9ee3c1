//! The URL of a Postgres database.

use std::fmt;

use crate::secret::Secret;

/// The URL of a Postgres database. It may hold a password, so it prints as where it points.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(Secret);

impl PostgresUrl {
    /// Takes a URL, if it is one.
    pub fn new(url: Secret) -> Option<PostgresUrl> {
        let is_one = ["postgres://", "postgresql://"].iter().any(|scheme| url.expose().starts_with(scheme));
        (is_one && reqwest::Url::parse(url.expose()).is_ok()).then_some(PostgresUrl(url))
    }

    /// The URL itself, for connecting.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Whether a password stands in it.
    pub fn has_password(&self) -> bool {
        reqwest::Url::parse(self.expose())
            .is_ok_and(|url| url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password"))
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(url) = reqwest::Url::parse(self.expose()) else {
            return formatter.write_str("Postgres");
        };
        let host = url.host_str().filter(|host| !host.is_empty()).unwrap_or("localhost");
        write!(formatter, "Postgres at {host}:{}{}", url.port().unwrap_or(5432), url.path())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PostgresUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Option<PostgresUrl> {
        PostgresUrl::new(Secret::new(text))
    }

    #[test]
    fn it_prints_as_where_it_points() {
        for (text, place) in [
            ("postgres://me:hunter2@db.example.com/sales", "Postgres at db.example.com:5432/sales"),
            ("postgresql://db:99/sales?password=hunter2&sslmode=require", "Postgres at db:99/sales"),
            ("postgres:///sales", "Postgres at localhost:5432/sales"),
        ] {
            let url = url(text).unwrap();
            assert_eq!(url.to_string(), place);
            assert!(!format!("{url:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_password_is_seen_wherever_it_stands() {
        assert!(url("postgres://me:hunter2@db/sales").unwrap().has_password());
        assert!(url("postgres://db/sales?password=hunter2").unwrap().has_password());
        assert!(!url("postgres://me@db/sales").unwrap().has_password());
        assert_eq!(url("mysql://db/sales"), None);
        assert_eq!(url("postgres://db:port/sales"), None);
    }
}
