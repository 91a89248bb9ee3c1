//! The URL of a Postgres database.

use std::fmt;
use std::str::FromStr as _;

use sqlx::postgres::PgConnectOptions;

use crate::secret::Secret;

/// The supported parameters of a URL. The driver ignores all others and writes them to the log.
const PARAMETERS: [&str; 11] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// The URL of a Postgres database. It may contain a password, so it prints as host, port and database only.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(Secret);

/// Why a text is not the URL of a Postgres database: the end of a sentence that begins with what the text is. It contains no
/// part that may be a password.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPostgres {
    /// It has another form.
    #[error("{0}")]
    OtherForm(String),
    /// It would be one without this part.
    #[error("{0}; remove {1}")]
    Surplus(&'static str, String),
    /// It has a parameter that has no effect.
    #[error("has the parameter `{0}`, which is not supported; the parameters are `{known}`", known = PARAMETERS.join("`, `"))]
    Parameter(String),
    /// A part of it is not valid.
    #[error("cannot be used: {0}")]
    Unusable(String),
}

impl PostgresUrl {
    /// Parses a URL.
    pub fn new(url: Secret) -> Result<PostgresUrl, NotPostgres> {
        if let Some(error) = other_form(url.expose()) {
            return Err(error);
        }
        let unreadable = |error: &dyn fmt::Display| {
            // Only special characters in the user name and the password are not part of the URL's own form.
            let message = format!(
                "{error}; in the user name and the password, write `@` as `%40`, `:` as `%3A`, `/` as `%2F`, `?` as `%3F`, `#` as \
                 `%23` and `%` as `%25`"
            );
            NotPostgres::Unusable(message)
        };
        let parsed = reqwest::Url::parse(url.expose()).map_err(|error| unreadable(&error))?;
        // Otherwise a part of the password would be taken for the host, the database or a parameter, and be printed.
        if parsed.fragment().is_some()
            || parsed.path().contains('@')
            || parsed.query().is_some_and(|query| query.contains('@'))
        {
            return Err(unreadable(&"one of its special characters ends the host too early"));
        }
        let mut names = parsed.query_pairs().map(|(name, _)| name.into_owned());
        if let Some(unknown) = names.find(|name| !PARAMETERS.contains(&name.as_str())) {
            return Err(NotPostgres::Parameter(unknown));
        }
        match PgConnectOptions::from_str(url.expose()) {
            Ok(_) => Ok(PostgresUrl(url)),
            Err(sqlx::Error::Configuration(error)) => Err(NotPostgres::Unusable(error.to_string())),
            Err(_) => Err(unreadable(&"it is not a valid URL")),
        }
    }

    /// The URL itself, for connecting.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Its host and database, without user, password and parameters: `postgres://<host>:<port>/<database>`.
    pub fn without_user(&self) -> String {
        let Ok(options) = PgConnectOptions::from_str(self.expose()) else { return "postgres:".into() };
        let socket = options.get_socket().map(|socket| socket.display().to_string());
        let host = socket.as_deref().unwrap_or(options.get_host());
        // Without a database name the user's default database is meant.
        let database = options.get_database().unwrap_or(options.get_username());
        format!("postgres://{host}:{}/{database}", options.get_port())
    }

    /// Whether it contains a password.
    pub fn has_password(&self) -> bool {
        reqwest::Url::parse(self.expose())
            .is_ok_and(|url| url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password"))
    }
}

/// How a text that does not begin with `postgres://` or `postgresql://` differs from such a URL.
fn other_form(text: &str) -> Option<NotPostgres> {
    use NotPostgres::{OtherForm, Surplus};
    let no_postgres = || OtherForm("does not begin with `postgres://`".into());
    let is_word =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    Some(match scheme {
        _ if text.starts_with('$') || text.contains("${") => OtherForm(
            "has a variable in it, and variables are not expanded here; write `{ env = \"NAME\" }` for a variable with the whole \
             URL, or"
                .into(),
        ),
        _ if text.trim() != text => Surplus("begins or ends with a space or a line break", "it".into()),
        _ if text.starts_with(['"', '\'']) => Surplus("is in quotation marks", "them".into()),
        Some("postgres" | "postgresql") if text.contains("://") => return None,
        Some("jdbc") => {
            OtherForm("begins with `jdbc:`, and such a URL has the user name and the password at its end".into())
        }
        Some(scheme) if scheme.starts_with("postgres") => match scheme.split_once('+') {
            Some((_, driver)) if is_word(driver) => Surplus("names a driver", format!("`+{driver}`")),
            _ => no_postgres(),
        },
        _ if ["host", "hostaddr", "dbname", "user", "port", "service"]
            .iter()
            .any(|setting| text.starts_with(setting) && text[setting.len()..].trim_start().starts_with('=')) =>
        {
            OtherForm("is a list of settings, such as `host=… dbname=…`, and not a URL".into())
        }
        Some(scheme) if text.contains("://") && is_word(scheme) => OtherForm(format!("begins with `{scheme}://`")),
        _ => no_postgres(),
    })
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

    fn url(text: &str) -> Result<PostgresUrl, NotPostgres> {
        PostgresUrl::new(Secret::new(text))
    }

    #[test]
    fn it_prints_as_host_port_and_database_only() {
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
    fn host_and_database_agree_with_the_driver() {
        for (text, place) in [
            ("postgres://me:hunter2@db.example.com/sales", "postgres://db.example.com:5432/sales"),
            ("postgresql://db:99/sales?password=hunter2&sslmode=require", "postgres://db:99/sales"),
            ("postgres://me@x/y?host=db&port=7&dbname=sales", "postgres://db:7/sales"),
            ("postgres:///sales?host=/run/postgresql", "postgres:///run/postgresql:5432/sales"),
            ("postgres://me@db", "postgres://db:5432/me"),
        ] {
            assert_eq!(url(text).unwrap().without_user(), place, "{text}");
        }
    }

    #[test]
    fn a_password_is_found_in_every_part() {
        assert!(url("postgres://me:hunter2@db/sales").unwrap().has_password());
        assert!(url("postgres://db/sales?password=hunter2").unwrap().has_password());
        assert!(!url("postgres://me@db/sales").unwrap().has_password());
    }

    #[test]
    fn parameters_without_effect_are_refused() {
        for (text, expected) in [
            (
                "postgres://db/sales?sslmod=require",
                "has the parameter `sslmod`, which is not supported; the parameters are",
            ),
            ("postgres://db/sales?passwrd=hunter2", "the parameter `passwrd`"),
            ("postgres://db/sales?sslmode=always", "cannot be used: "),
            ("postgres://db/sales?port=none", "cannot be used: "),
        ] {
            let error = url(text).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn other_forms_of_addresses_are_recognised_and_never_repeat_a_secret() {
        for (text, expected) in [
            ("jdbc:postgresql://db/sales?user=me&password=hunter2", "begins with `jdbc:`, and such"),
            ("\"postgres://me:hunter2@db/sales\"", "is in quotation marks; remove them"),
            ("'postgres://me:hunter2@db/sales'", "is in quotation marks; remove them"),
            (" postgres://me:hunter2@db/sales", "begins or ends with a space or a line break; remove it"),
            ("host=db user=me password=hunter2", "is a list of settings, such as `host=… dbname=…`, and not a URL"),
            ("dbname = sales password=hunter2", "is a list of settings, such as"),
            ("postgresql+psycopg2://me:hunter2@db/sales", "names a driver; remove `+psycopg2`"),
            ("mysql://me:hunter2@db/sales", "begins with `mysql://`"),
            ("sqlite:sales", "does not begin with `postgres://`"),
            ("me:hunter2@db/sales", "does not begin with `postgres://`"),
            ("$DATABASE_URL", "has a variable in it, and variables are not expanded here; write `{ env = \"NAME\" }`"),
            ("postgres://me:hunter2@db/${NAME}", "has a variable in it"),
            ("hunter2", "does not begin with `postgres://`"),
            ("DATABASE_URL=postgres://me:hunter2@db/sales", "does not begin with `postgres://`"),
            ("postgres:me:hunter2", "does not begin with `postgres://`"),
            (
                "postgres://me:hunter2#@db/sales",
                "cannot be used: invalid port number; in the user name and the password",
            ),
            (
                "postgres://me:hunter2/@db/sales",
                "cannot be used: invalid port number; in the user name and the password",
            ),
            ("postgres://me:winter@hunter2/x@db/sales", "cannot be used: one of its special characters ends the host"),
            ("postgres://me:12/hunter2@db/sales", "cannot be used: one of its special characters ends the host"),
            ("postgres://me:12?hunter2@db/sales", "cannot be used: one of its special characters ends the host"),
            ("postgres://me:p@hunter2#1@db/sales", "cannot be used: one of its special characters ends the host"),
            ("postgres://me:12?hunter2=abc@db/sales", "cannot be used: one of its special characters ends the host"),
            (
                "postgres://me:12?sslmode=hunter2@db/sales",
                "cannot be used: one of its special characters ends the host",
            ),
            ("postgres://me:p@x?hunter2:y=z@db/sales", "cannot be used: one of its special characters ends the host"),
        ] {
            let error = url(text).unwrap_err().to_string();
            assert!(error.starts_with(expected) && !error.contains("hunter2"), "{text}: {error}");
        }
    }
}
