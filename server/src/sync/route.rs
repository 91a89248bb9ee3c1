//! What an integration's watermark belongs to, by its configuration.

use std::path::Path;
use std::str::FromStr as _;

use sqlx::postgres::PgConnectOptions;

use crate::config::{Destination, Integration, PostgresUrl, Source};
use crate::store::Route;

impl Integration {
    /// Its source, destination and type: equal for two integrations whose rows go the same way.
    pub fn route(&self) -> Route {
        Route {
            source: match &self.source {
                Source::Sqlite { path, table } => format!("sqlite:{}#{table}", absolute(path)),
                Source::Postgres { url, table } => format!("{}#{table}", database(url)),
            },
            destination: match &self.destination {
                Destination::UsersTrack(service) => format!("users_track:{}", service.url),
                Destination::Jsonl { path } => format!("jsonl:{}", absolute(path)),
            },
            kind: self.kind.as_str().to_owned(),
        }
    }
}

fn absolute(path: &Path) -> String {
    // Only an empty path has none, and where the working directory is gone.
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// Where the driver connects to, without user and password.
fn database(url: &PostgresUrl) -> String {
    let Ok(options) = PgConnectOptions::from_str(url.expose()) else {
        // The configuration has been checked for that.
        return url.to_string();
    };
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => options.get_host().to_owned(),
    };
    // Postgres takes the user's name where no database is named.
    let database = options.get_database().unwrap_or(options.get_username());
    format!("postgres://{host}:{}/{database}", options.get_port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn a_database_is_told_by_where_it_is_and_not_by_who_connects() {
        for (url, expected) in [
            ("postgres://me:hunter2@db.example.com/sales", "postgres://db.example.com:5432/sales"),
            ("postgresql://db:99/sales?password=hunter2&sslmode=require", "postgres://db:99/sales"),
            ("postgres://me:hunter2@db/x?host=other&port=98&dbname=sales", "postgres://other:98/sales"),
            ("postgres:///sales?host=/run/postgres", "postgres:///run/postgres:5432/sales"),
            ("postgres://me:hunter2@db", "postgres://db:5432/me"),
        ] {
            assert_eq!(database(&PostgresUrl::new(Secret::new(url)).unwrap()), expected);
        }
    }

    #[test]
    fn a_file_is_told_by_its_absolute_path() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(absolute(Path::new("source.db")), here.join("source.db").display().to_string());
        assert_eq!(absolute(Path::new("/data/source.db")), "/data/source.db");
    }
}
