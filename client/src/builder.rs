//! The settings of a client, checked before anything is sent: where the server is, who asks, and how patiently.

use std::fmt;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::Url;

use crate::client::Client;
use crate::retry::RetryPolicy;

/// The settings of a [`Client`].
#[derive(Clone)]
pub struct ClientBuilder {
    base_url: Option<String>,
    api_key: Option<String>,
    user_agent: String,
    connect_timeout: Duration,
    request_timeout: Duration,
    retry: RetryPolicy,
}

impl Default for ClientBuilder {
    fn default() -> ClientBuilder {
        ClientBuilder {
            base_url: None,
            api_key: None,
            user_agent: concat!("cdi-client/", env!("CARGO_PKG_VERSION")).into(),
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            retry: RetryPolicy::default(),
        }
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("base_url", &self.base_url)
            .field("api_key", &self.api_key.as_ref().map(|_| "…"))
            .field("user_agent", &self.user_agent)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

impl ClientBuilder {
    /// Where the server is, such as `https://rest.iad-03.braze.com` or `http://127.0.0.1:8080`. Needed.
    pub fn base_url(mut self, url: impl Into<String>) -> ClientBuilder {
        self.base_url = Some(url.into());
        self
    }

    /// The API key, which is sent as a bearer token and never printed. Needed.
    pub fn api_key(mut self, key: impl Into<String>) -> ClientBuilder {
        self.api_key = Some(key.into());
        self
    }

    /// What the client calls itself; `cdi-client/<version>` unless told.
    pub fn user_agent(mut self, name: impl Into<String>) -> ClientBuilder {
        self.user_agent = name.into();
        self
    }

    /// How long making a connection may take; 10 seconds unless told.
    pub fn connect_timeout(mut self, timeout: Duration) -> ClientBuilder {
        self.connect_timeout = timeout;
        self
    }

    /// How long one request may take, from the beginning to the end of its answer; 30 seconds unless told.
    pub fn request_timeout(mut self, timeout: Duration) -> ClientBuilder {
        self.request_timeout = timeout;
        self
    }

    /// When calls are made again.
    pub fn retry(mut self, policy: RetryPolicy) -> ClientBuilder {
        self.retry = policy;
        self
    }

    /// The client, if the settings can work.
    pub fn build(self) -> Result<Client, BuildError> {
        let base_url = base_url(&self.base_url.ok_or(BuildError::NoUrl)?)?;
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, bearer(&self.api_key.ok_or(BuildError::NoKey)?)?);
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent(self.user_agent)
            .connect_timeout(self.connect_timeout)
            .timeout(self.request_timeout)
            // The contract knows no redirects; following one would carry a trigger to another address.
            .redirect(reqwest::redirect::Policy::none())
            // What is repeated is decided in one place, which is ours.
            .retry(reqwest::retry::never())
            // Servers hang up on idle connections (dropshot after 30 s); a trigger must not be lost to one that is
            // just being closed.
            .pool_idle_timeout(Duration::from_secs(15))
            .build()
            .map_err(BuildError::Http)?;
        Ok(Client { base_url, http, retry: self.retry })
    }
}

/// Why a client cannot be built from its settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// There is no base URL.
    #[error("the base URL is missing")]
    NoUrl,
    /// The base URL is none that requests can be sent to.
    #[error("the base URL {}: {reason}", url.escape_debug())]
    Url {
        /// As it was given, without what may be a password.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no API key.
    #[error("the API key is missing")]
    NoKey,
    /// The API key cannot stand in a header.
    #[error("the API key {0}")]
    Key(&'static str),
    /// The HTTP client cannot be made, for example because the machine has no root certificates.
    #[error("the HTTP client cannot be made")]
    Http(#[source] reqwest::Error),
}

fn base_url(text: &str) -> Result<String, BuildError> {
    let text = text.trim();
    let wrong = |url: &str, reason: &str| BuildError::Url { url: url.to_owned(), reason: reason.into() };
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) if text.contains('@') => return Err(wrong("(not shown)", &error.to_string())),
        Err(error) => return Err(wrong(text, &error.to_string())),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("(not shown)", "it must hold no user name or password; the API key is all that is needed"));
    }
    if !matches!(url.scheme(), "https" | "http") {
        return Err(wrong(text, "it must begin with https:// or http://"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(text, "it must have no query and no fragment"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn bearer(key: &str) -> Result<HeaderValue, BuildError> {
    if key.is_empty() {
        return Err(BuildError::Key("is empty"));
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(BuildError::Key(
            "has a blank, a line break or another character that keys do not have; check how it was copied",
        ));
    }
    let mut value =
        HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| BuildError::Key("cannot stand in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(url: &str, key: &str) -> Result<Client, BuildError> {
        Client::builder().base_url(url).api_key(key).build()
    }

    #[test]
    fn the_base_url_is_checked_and_loses_its_slash() {
        for (url, expected) in [
            ("https://rest.iad-03.braze.com", "https://rest.iad-03.braze.com"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("https://example.com/under/here//", "https://example.com/under/here"),
        ] {
            assert_eq!(build(url, "k").unwrap().base_url(), expected);
        }
        for (url, reason) in [
            ("rest.iad-03.braze.com", "relative URL without a base"),
            ("ftp://example.com", "https://"),
            ("https://example.com?x=1", "no query"),
            ("https://", "host"),
        ] {
            let error = build(url, "k").unwrap_err().to_string();
            assert!(error.contains(reason), "{url}: {error}");
        }
        let error = build("https://me:hunter2@example.com", "k").unwrap_err().to_string();
        assert!(error.contains("no user name") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_key_that_was_copied_wrongly_is_refused_and_not_repeated() {
        for key in ["", "secret\n", "sec ret", "sécret"] {
            let error = build("http://localhost", key).unwrap_err();
            assert!(matches!(error, BuildError::Key(_)));
            assert!(!error.to_string().contains("cret"), "{error}");
        }
    }

    #[test]
    fn the_key_is_never_printed() {
        let builder = Client::builder().base_url("http://localhost").api_key("hunter2");
        assert!(!format!("{builder:?}").contains("hunter2"));
        let client = builder.build().unwrap();
        assert!(!format!("{client:?} {:?}", client.http).contains("hunter2"));
    }
}
