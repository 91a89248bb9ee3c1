//! What is wrong with a connection to Postgres, in an operator's words.

use std::io::ErrorKind;

/// What is wrong, if the driver does not say it well itself; the sentence follows the name of the database.
pub fn postgres_problem(error: &sqlx::Error) -> Option<String> {
    let problem = match error {
        sqlx::Error::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused => "nothing listens there; is Postgres running?".to_owned(),
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "the network has no way to it".to_owned(),
            _ => {
                let text = error.to_string();
                let is_unknown = text.contains("lookup") && text.contains("not known");
                return is_unknown.then(|| "there is no such host".to_owned());
            }
        },
        sqlx::Error::Tls(error) if error.to_string().contains("does not support TLS") => {
            "the server has no TLS; remove `sslmode` from the URL, or turn TLS on at the server".to_owned()
        }
        // The driver shows the byte that it read instead of the server's answer.
        sqlx::Error::Protocol(text) if text.contains("SSLRequest") => {
            "what listens there does not answer as Postgres does; check the host and the port".to_owned()
        }
        sqlx::Error::PoolTimedOut => "it does not answer in time".to_owned(),
        _ => return None,
    };
    Some(problem)
}

#[cfg(test)]
mod tests {
    use std::io::Error;

    use super::*;

    #[test]
    fn connection_errors_say_what_to_look_at() {
        let said = |error: Error| postgres_problem(&sqlx::Error::Io(error));
        let refused = said(ErrorKind::ConnectionRefused.into());
        assert_eq!(refused.as_deref(), Some("nothing listens there; is Postgres running?"));
        let unknown = Error::other("failed to lookup address information: Name or service not known");
        assert_eq!(said(unknown).as_deref(), Some("there is no such host"));
        assert_eq!(said(ErrorKind::BrokenPipe.into()), None);
        let protocol = |text: &str| postgres_problem(&sqlx::Error::Protocol(text.into()));
        let foreign = protocol("unexpected response from SSLRequest: 0x48 (sqlx_postgres::connection::tls:95)");
        assert!(foreign.is_some_and(|text| !text.contains("sqlx")));
        assert_eq!(protocol("other"), None);
        let tls = sqlx::Error::Tls("server does not support TLS".into());
        assert!(postgres_problem(&tls).is_some_and(|text| text.contains("remove `sslmode`")));
    }
}
