//! Settings from the environment, under the names that the command line `cdi` reads too.

use std::ffi::OsString;

use crate::build_error::BuildError;
use crate::builder::ClientBuilder;
use crate::client::Client;

const URL: &str = "CDI_URL";
const KEY: &str = "CDI_API_KEY";

impl Client {
    /// A client with the settings in the environment variables `CDI_URL` and `CDI_API_KEY`.
    ///
    /// `CDI_URL` holds the server's base URL, such as `http://127.0.0.1:8080`, or the name of a Braze instance, such as
    /// `iad-03`. `CDI_API_KEY` holds the API key. The command line `cdi` reads the same variables. For other settings as
    /// well, begin with [`ClientBuilder::from_env`].
    ///
    /// # Errors
    ///
    /// [`BuildError::Variable`] names the variable that is missing, empty or wrong. The key is never part of the error.
    ///
    /// ```no_run
    /// let client = cdi_client::Client::from_env()?;
    /// # Ok::<(), cdi_client::Error>(())
    /// ```
    pub fn from_env() -> Result<Client, BuildError> {
        ClientBuilder::from_env()?.build()
    }
}

impl ClientBuilder {
    /// The settings in the environment variables `CDI_URL` and `CDI_API_KEY`: see [`Client::from_env`].
    ///
    /// # Errors
    ///
    /// [`BuildError::Variable`] names the variable that is missing, empty or wrong. The key is never part of the error.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// let client = cdi_client::ClientBuilder::from_env()?.request_timeout(Duration::from_secs(5)).build()?;
    /// # Ok::<(), cdi_client::Error>(())
    /// ```
    pub fn from_env() -> Result<ClientBuilder, BuildError> {
        from_variables(|name| std::env::var_os(name))
    }
}

fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Result<ClientBuilder, BuildError> {
    let text = |name, purpose: &str| match variable(name).filter(|value| !value.is_empty()).map(OsString::into_string) {
        Some(Ok(text)) => Ok(text),
        Some(Err(_)) => Err(wrong(name, "is not UTF-8 text")),
        None => Err(wrong(name, &format!("is not set; {purpose}"))),
    };
    let url = text(
        URL,
        "set it to the server's base URL, such as http://127.0.0.1:8080, or to the name of a Braze instance, such as iad-03",
    )?;
    let key = text(KEY, "set it to the API key")?;
    let builder = ClientBuilder::default().server(url).api_key(key);
    builder.checked_address().map_err(|error| wrong(URL, &format!("cannot be used: {error}")))?;
    builder.checked_key().map_err(|error| wrong(KEY, &format!("cannot be used: {error}")))?;
    Ok(builder)
}

fn wrong(variable: &'static str, problem: &str) -> BuildError {
    BuildError::Variable { variable, problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(url: Option<&str>, key: Option<&str>) -> Result<Client, BuildError> {
        from_variables(|name| match name {
            "CDI_URL" => url.map(OsString::from),
            "CDI_API_KEY" => key.map(OsString::from),
            other => panic!("{other} is not read"),
        })?
        .build()
    }

    fn message(url: Option<&str>, key: Option<&str>) -> String {
        build(url, key).map(|client| client.base_url().to_owned()).unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn the_url_may_be_the_name_of_an_instance() {
        assert_eq!(message(Some("http://127.0.0.1:8080/"), Some("k")), "http://127.0.0.1:8080");
        assert_eq!(message(Some("fra-01"), Some("k")), "https://rest.fra-01.braze.eu");
    }

    #[test]
    fn an_error_says_which_variable_is_missing_or_wrong() {
        let not_set = "CDI_URL is not set; set it to the server's base URL, such as http://127.0.0.1:8080, or to the name \
                       of a Braze instance, such as iad-03";
        assert_eq!(message(None, Some("k")), not_set);
        assert_eq!(message(Some(""), Some("k")), not_set);
        assert_eq!(message(Some("iad-03"), None), "CDI_API_KEY is not set; set it to the API key");
        assert_eq!(
            message(Some("127.0.0.1:8080"), Some("k")),
            "CDI_URL cannot be used: the base URL 127.0.0.1:8080: the scheme is missing; write https:// in front, or http:// \
             for a server without TLS"
        );
        assert_eq!(
            message(Some("localhost"), Some("k")),
            "CDI_URL cannot be used: `localhost` is neither a URL, which begins with https:// or http://, nor the name of a \
             Braze instance, such as iad-03"
        );
    }

    #[test]
    fn the_key_is_never_in_an_error() {
        let error = build(Some("iad-03"), Some("hunter2\n")).unwrap_err();
        assert!(matches!(error, BuildError::Variable { variable: "CDI_API_KEY", .. }));
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        let error = build(Some("https://example.com/?hunter2"), Some("hunter2")).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        let error = build(Some("cdi_hunter2"), Some("cdi_hunter2")).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        let expected = "CDI_URL cannot be used: the base URL (a text of 11 characters): this looks like an API key";
        assert!(error.to_string().starts_with(expected), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_not_text_is_named() {
        use std::os::unix::ffi::OsStringExt as _;
        let error = from_variables(|_| Some(OsString::from_vec(vec![0xff]))).unwrap_err();
        assert_eq!(error.to_string(), "CDI_URL is not UTF-8 text");
    }
}
