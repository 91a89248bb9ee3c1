//! The settings of a client, checked before anything is sent: server, API key, timeouts and retries.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, USER_AGENT};

use crate::address;
use crate::build_error::BuildError;
use crate::client::Client;
use crate::key;
use crate::pause::{OnRetry, Retry};
use crate::proxy::Proxy;
use crate::retry::RetryPolicy;
use crate::transport::Common;
use crate::transport_error::TransportError;

/// The settings of a [`Client`].
#[derive(Clone)]
pub struct ClientBuilder {
    address: Option<Address>,
    api_key: Option<String>,
    user_agent: String,
    connect_timeout: Duration,
    request_timeout: Duration,
    retry: RetryPolicy,
    on_retry: OnRetry,
    http_client: Option<reqwest::Client>,
}

#[derive(Clone)]
enum Address {
    Url(String),
    Instance(String),
    UrlOrInstance(String),
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
            on_retry: OnRetry::default(),
            http_client: None,
        }
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address.as_ref().map(|address| match address {
            Address::Url(text) | Address::Instance(text) | Address::UrlOrInstance(text) => address::shown(text),
        });
        f.debug_struct("ClientBuilder")
            .field("address", &address)
            .field("api_key", &self.api_key.as_ref().map(|_| "…"))
            .field("user_agent", &self.user_agent)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Starts the settings of a client. A server and an API key are required.
    ///
    /// ```
    /// let client = cdi_client::Client::builder()
    ///     .base_url("https://rest.iad-03.braze.com")
    ///     .api_key("YOUR-REST-API-KEY")
    ///     .build()?;
    /// # Ok::<(), cdi_client::BuildError>(())
    /// ```
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }
}

impl ClientBuilder {
    /// The base URL of the server, such as `https://rest.iad-03.braze.com` or `http://127.0.0.1:8080`.
    ///
    /// One of `base_url`, [`instance`](ClientBuilder::instance) and [`server`](ClientBuilder::server) is required; the last
    /// call wins.
    pub fn base_url(mut self, url: impl Into<String>) -> ClientBuilder {
        self.address = Some(Address::Url(url.into()));
        self
    }

    /// The server of a Braze instance, by the instance's name, such as `iad-03` or `fra-01`.
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

    /// The server, as a base URL or as the name of a Braze instance: what users write in settings such as `CDI_URL`.
    ///
    /// ```
    /// let client = cdi_client::Client::builder().server("iad-03").api_key("YOUR-REST-API-KEY").build()?;
    /// assert_eq!(client.base_url(), "https://rest.iad-03.braze.com");
    /// # Ok::<(), cdi_client::BuildError>(())
    /// ```
    pub fn server(mut self, url_or_instance: impl Into<String>) -> ClientBuilder {
        self.address = Some(Address::UrlOrInstance(url_or_instance.into()));
        self
    }

    /// The API key. It is sent as a bearer token and never printed. Required.
    pub fn api_key(mut self, key: impl Into<String>) -> ClientBuilder {
        self.api_key = Some(key.into());
        self
    }

    /// The `User-Agent` of each request. Default: `cdi-client/<version>`.
    pub fn user_agent(mut self, name: impl Into<String>) -> ClientBuilder {
        self.user_agent = name.into();
        self
    }

    /// The longest time for making a connection. Default: 10 seconds. Your own HTTP client has its own setting.
    pub fn connect_timeout(mut self, timeout: Duration) -> ClientBuilder {
        self.connect_timeout = timeout;
        self
    }

    /// The longest time for one request, from its start to the end of the answer. Default: 30 seconds.
    pub fn request_timeout(mut self, timeout: Duration) -> ClientBuilder {
        self.request_timeout = timeout;
        self
    }

    /// When failed calls are repeated, and how often.
    pub fn retry(mut self, policy: RetryPolicy) -> ClientBuilder {
        self.retry = policy;
        self
    }

    /// A function that is called before each pause after a failed call, with its cause and length. A call may be silent for
    /// more than a minute while it waits for the rate limit. Waits such as
    /// [`trigger_and_wait`](Client::trigger_and_wait) call it too. It should return quickly.
    ///
    /// ```
    /// let client = cdi_client::Client::builder()
    ///     .instance("iad-03")
    ///     .api_key("YOUR-REST-API-KEY")
    ///     .on_retry(|retry| eprintln!("{}; trying again in {:?}", retry.error, retry.pause))
    ///     .build()?;
    /// # Ok::<(), cdi_client::BuildError>(())
    /// ```
    pub fn on_retry(mut self, call: impl Fn(&Retry) + Send + Sync + 'static) -> ClientBuilder {
        self.on_retry = OnRetry(Some(Arc::new(call)));
        self
    }

    /// Your own HTTP client, for example with your own root certificates (feature `custom-http-client`).
    ///
    /// Build it with `redirect(Policy::none())` and `retry(never())`, as this crate does: a trigger that the HTTP client
    /// redirects or repeats can start a second sync. `reqwest` is re-exported in the version that this crate uses; a new
    /// version of it may come with a minor version of this crate.
    #[cfg(feature = "custom-http-client")]
    pub fn http_client(mut self, client: reqwest::Client) -> ClientBuilder {
        self.http_client = Some(client);
        self
    }

    /// Checks the settings and makes the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`BuildError`] says which setting is missing or wrong.
    pub fn build(self) -> Result<Client, BuildError> {
        let base_url = self.checked_address()?;
        if cfg!(not(feature = "rustls")) && self.http_client.is_none() && base_url.starts_with("https:") {
            return Err(BuildError::NoTls);
        }
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, self.checked_key()?),
            (USER_AGENT, HeaderValue::try_from(self.user_agent).map_err(|_| BuildError::UserAgent)?),
        ]);
        let (http, proxy) = match self.http_client {
            // It has its own settings for proxies.
            Some(client) => (client, None),
            None => {
                let client = http_client(self.connect_timeout, base_url.starts_with("https:"))
                    .map_err(|error| BuildError::Http(TransportError::new(error)))?;
                (client, Proxy::of(&base_url))
            }
        };
        let common = Arc::new(Common { headers, timeout: self.request_timeout, proxy });
        Ok(Client { base_url, http, common, retry: self.retry, on_retry: self.on_retry })
    }

    /// The base URL, if requests can be sent there.
    pub(crate) fn checked_address(&self) -> Result<String, BuildError> {
        match self.address.as_ref().ok_or(BuildError::NoUrl)? {
            Address::Url(text) => address::base_url(text),
            Address::Instance(name) => address::instance(name),
            Address::UrlOrInstance(text) => address::server(text),
        }
    }

    /// The value of the header that carries the API key.
    pub(crate) fn checked_key(&self) -> Result<HeaderValue, BuildError> {
        key::bearer(self.api_key.as_deref().ok_or(BuildError::NoKey)?)
    }
}

fn http_client(connect_timeout: Duration, tls: bool) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .connect_timeout(connect_timeout)
        // The contract has no redirects; following one would send a trigger to another address.
        .redirect(reqwest::redirect::Policy::none())
        // `RetryPolicy` alone decides what is repeated.
        .retry(reqwest::retry::never())
        // Servers close idle connections (dropshot after 30 s); a trigger must not be sent on one that is being closed.
        .pool_idle_timeout(Duration::from_secs(15));
    with_roots(builder, tls)?.build()
}

/// Root certificates to trust; none without TLS, because loading the machine's takes longer than a request.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn build(url: &str, key: &str) -> Result<Client, BuildError> {
        Client::builder().base_url(url).api_key(key).build()
    }

    #[test]
    fn a_user_agent_that_a_header_cannot_carry_is_refused() {
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
