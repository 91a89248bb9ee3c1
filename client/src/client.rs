//! The client: where the server is, who asks, and one method for each operation.

use std::fmt;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use progenitor_client::ResponseValue;
use reqwest::Url;
use uuid::Uuid;

use crate::error::Error;
use crate::errors::{DocumentedError, ListIntegrationsError, ListJobSyncStatusError, TriggerIntegrationSyncError};
use crate::generated::{self, types};
use crate::pages::{Cursor, Items, Page};
use crate::response::Response;
use crate::retry::{Repeat, RetryPolicy};
use crate::transport::Exchange;

/// A successful answer: its value, and the answer itself with status and headers.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Reply<T> {
    /// The body.
    pub value: T,
    /// The whole answer.
    pub response: Response,
}

/// Talks to one server with one API key. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    base_url: String,
    http: reqwest::Client,
    retry: RetryPolicy,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.base_url)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Begins with the settings of a client; base URL and API key are needed.
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

    /// Where requests go, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Triggers a sync and returns as soon as it is accepted; the sync itself runs on.
    ///
    /// Repeated only where the server has certainly not acted: when refused for the rate limit, and when the server could
    /// not be reached.
    pub async fn trigger_integration_sync(
        &self,
        integration_id: Uuid,
    ) -> Result<Reply<types::Message>, Error<TriggerIntegrationSyncError>> {
        self.call(Repeat::Acts, |client| async move {
            client
                .trigger_integration_sync()
                .integration_id(integration_id)
                .send()
                .await
        })
        .await
    }

    /// All integrations of the API key's workspace.
    pub fn list_integrations(&self) -> Items<types::Integration, ListIntegrationsError> {
        let client = self.clone();
        Items::new(move |cursor| {
            let client = client.clone();
            async move { client.list_integrations_page(cursor.as_ref()).await }
        })
    }

    /// One page of integrations: the first, or the one that a cursor names.
    pub async fn list_integrations_page(
        &self,
        cursor: Option<&Cursor>,
    ) -> Result<Page<types::Integration>, Error<ListIntegrationsError>> {
        let reply = self
            .call(Repeat::Harmless, |client| async move {
                let request = client.list_integrations();
                match cursor {
                    Some(cursor) => request.cursor(cursor.as_str()).send().await,
                    None => request.send().await,
                }
            })
            .await?;
        page(reply.value.results, reply.response)
    }

    /// All jobs of an integration, newest first.
    pub fn job_sync_status(&self, integration_id: Uuid) -> Items<types::Job, ListJobSyncStatusError> {
        let client = self.clone();
        Items::new(move |cursor| {
            let client = client.clone();
            async move { client.job_sync_status_page(integration_id, cursor.as_ref()).await }
        })
    }

    /// One page of an integration's jobs: the newest, or the one that a cursor names.
    pub async fn job_sync_status_page(
        &self,
        integration_id: Uuid,
        cursor: Option<&Cursor>,
    ) -> Result<Page<types::Job>, Error<ListJobSyncStatusError>> {
        let reply = self
            .call(Repeat::Harmless, |client| async move {
                let request = client.list_job_sync_status().integration_id(integration_id);
                match cursor {
                    Some(cursor) => request.cursor(cursor.as_str()).send().await,
                    None => request.send().await,
                }
            })
            .await?;
        page(reply.value.results, reply.response)
    }

    /// Makes a call, and makes it again where the policy says so.
    async fn call<T, E, F, Fut>(&self, repeat: Repeat, send: F) -> Result<Reply<T>, Error<E>>
    where
        E: DocumentedError,
        F: Fn(generated::Client) -> Fut,
        Fut: Future<Output = Result<ResponseValue<T>, progenitor_client::Error<types::Error>>>,
    {
        let mut repeated = 0;
        loop {
            let exchange = Exchange::default();
            let client = generated::Client::new_with_client(&self.base_url, self.http.clone(), exchange.clone());
            let error = match (send(client).await, exchange.take()) {
                (Ok(value), Some(response)) => {
                    return Ok(Reply {
                        value: value.into_inner(),
                        response,
                    });
                }
                (Ok(value), None) => {
                    let response = Response::new(value.status(), value.headers().clone(), Vec::new());
                    return Ok(Reply {
                        value: value.into_inner(),
                        response,
                    });
                }
                (Err(error), seen) => Error::from_exchange(error, seen),
            };
            match self.retry.pause(repeat, repeated, &error) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
            repeated += 1;
        }
    }
}

fn page<T, E: DocumentedError>(items: Vec<T>, response: Response) -> Result<Page<T>, Error<E>> {
    Page::new(items, response).map_err(|(reason, response)| Error::Unreadable { reason, response })
}

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
            .build()
            .map_err(BuildError::Http)?;
        Ok(Client {
            base_url,
            http,
            retry: self.retry,
        })
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
    let wrong = |url: &str, reason: &str| BuildError::Url {
        url: url.to_owned(),
        reason: reason.into(),
    };
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) if text.contains('@') => return Err(wrong("(not shown)", &error.to_string())),
        Err(error) => return Err(wrong(text, &error.to_string())),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "(not shown)",
            "it must hold no user name or password; the API key is all that is needed",
        ));
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
