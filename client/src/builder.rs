//! The settings of a client, checked before anything is sent: where the server is, who asks, and how patiently.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, USER_AGENT};

use crate::address;
use crate::client::Client;
use crate::error::chain;
use crate::retry::RetryPolicy;
use crate::transport::Common;

/// The settings of a [`Client`].
#[derive(Clone)]
pub struct ClientBuilder {
    address: Option<Address>,
    api_key: Option<String>,
    user_agent: String,
    connect_timeout: Duration,
    request_timeout: Duration,
    retry: RetryPolicy,
    http_client: Option<reqwest::Client>,
}

#[derive(Clone)]
enum Address {
    Url(String),
    Instance(String),
}

impl Default for ClientBuilder {
    fn default() -> ClientBuilder {
        ClientBuilder {
            address: None,
            api_key: None,
            user_agent: concat!("cdi-client/", env!("CARGO_PKG_VERSION")).into(),
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            retry: RetryPolicy::default(),
            http_client: None,
        }
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address.as_ref().map(|address| match address {
            Address::Url(text) | Address::Instance(text) => address::shown(text),
        });
        f.debug_struct("ClientBuilder")
            .field("address", &address)
            .field("api_key", &self.api_key.as_ref().map(|_| "…"))
            .field("user_agent", &self.user_agent)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

impl ClientBuilder {
    /// Where the server is, such as `https://rest.iad-03.braze.com` or `http://127.0.0.1:8080`. This or
    /// [`instance`](ClientBuilder::instance) is needed; the later call counts.
    pub fn base_url(mut self, url: impl Into<String>) -> ClientBuilder {
        self.address = Some(Address::Url(url.into()));
        self
    }

    /// An instance of Braze by its name, such as `iad-03` or `fra-01`.
    ///
    /// ```
    /// let client = cdi_client::Client::builder().instance("iad-03").api_key("YOUR-REST-API-KEY").build()?;
    /// assert_eq!(client.base_url(), "https://rest.iad-03.braze.com");
    /// # Ok::<(), cdi_client::BuildError>(())
    /// ```
    pub fn instance(mut self, name: impl Into<String>) -> ClientBuilder {
        self.address = Some(Address::Instance(name.into()));
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

    /// How long making a connection may take; 10 seconds unless told. An [`http_client`](ClientBuilder::http_client) of
    /// your own has its own.
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

    /// An HTTP client of your own, for example with a proxy or with certificates of your own.
    ///
    /// Build it with `redirect(Policy::none())` and `retry(never())`, as this crate does: a trigger that is redirected or
    /// repeated by the HTTP client can start a second sync.
    pub fn http_client(mut self, client: reqwest::Client) -> ClientBuilder {
        self.http_client = Some(client);
        self
    }

    /// The client, if the settings can work.
    pub fn build(self) -> Result<Client, BuildError> {
        let base_url = match self.address.ok_or(BuildError::NoUrl)? {
            Address::Url(text) => address::base_url(&text)?,
            Address::Instance(name) => address::instance(&name)?,
        };
        if cfg!(not(feature = "rustls")) && self.http_client.is_none() && base_url.starts_with("https:") {
            return Err(BuildError::NoTls);
        }
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, bearer(&self.api_key.ok_or(BuildError::NoKey)?)?),
            (USER_AGENT, HeaderValue::try_from(self.user_agent).map_err(|_| BuildError::UserAgent)?),
        ]);
        let http = match self.http_client {
            Some(client) => client,
            None => http_client(self.connect_timeout, base_url.starts_with("https:")).map_err(BuildError::Http)?,
        };
        let common = Arc::new(Common { headers, timeout: self.request_timeout });
        Ok(Client { base_url, http, common, retry: self.retry })
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
    #[error("the base URL {url}: {reason}")]
    Url {
        /// As it was given, without what may be secret.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// That is no name of an instance.
    #[error("`{}` is no name of an instance; those look like iad-03", .0.escape_debug())]
    Instance(String),
    /// There is no API key.
    #[error("the API key is missing")]
    NoKey,
    /// The API key cannot stand in a header.
    #[error("the API key {0}")]
    Key(&'static str),
    /// The user agent cannot stand in a header.
    #[error("the user agent has a line break or another character that cannot stand in a header")]
    UserAgent,
    /// The URL needs TLS and this build has none.
    #[error("https:// needs the feature `rustls` of cdi-client, or an HTTP client of your own that can do TLS")]
    NoTls,
    /// The HTTP client cannot be made, for example because the machine has no root certificates.
    #[error("the HTTP client cannot be made: {}", chain(.0))]
    Http(#[source] reqwest::Error),
}

fn http_client(connect_timeout: Duration, tls: bool) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .connect_timeout(connect_timeout)
        // The contract knows no redirects; following one would carry a trigger to another address.
        .redirect(reqwest::redirect::Policy::none())
        // What is repeated is decided in one place, which is ours.
        .retry(reqwest::retry::never())
        // Servers hang up on idle connections (dropshot after 30 s); a trigger must not be lost to one that is just being
        // closed.
        .pool_idle_timeout(Duration::from_secs(15));
    with_roots(builder, tls)?.build()
}

/// Whom to trust. Where TLS is not used nobody: reading the machine's certificates takes longer than many a request.
#[cfg(feature = "rustls")]
fn with_roots(builder: reqwest::ClientBuilder, tls: bool) -> reqwest::Result<reqwest::ClientBuilder> {
    if !tls {
        return Ok(builder.tls_certs_only([]));
    }
    #[cfg(feature = "webpki-roots")]
    let builder = {
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
        let roots =
            roots.iter().map(|root| reqwest::Certificate::from_der(root)).collect::<reqwest::Result<Vec<_>>>()?;
        // In addition to the machine's, and in place of them where it has none.
        builder.tls_certs_merge(roots)
    };
    Ok(builder)
}

#[cfg(not(feature = "rustls"))]
fn with_roots(builder: reqwest::ClientBuilder, _tls: bool) -> reqwest::Result<reqwest::ClientBuilder> {
    Ok(builder)
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
    fn a_name_that_cannot_stand_in_a_header_is_refused() {
        let builder = Client::builder().base_url("http://localhost").api_key("k").user_agent("a\nb");
        assert!(matches!(builder.build(), Err(BuildError::UserAgent)));
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
        assert!(!format!("{client:?} {:?} {:?}", client.http, client.common).contains("hunter2"));
    }
}
