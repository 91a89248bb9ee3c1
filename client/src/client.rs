//! The client: one method for each operation.

use std::fmt;
use std::sync::Arc;

use progenitor_client::ResponseValue;
use uuid::Uuid;

use crate::builder::ClientBuilder;
use crate::error::Error;
use crate::errors::{DocumentedError, ListIntegrationsError, ListJobSyncStatusError, TriggerIntegrationSyncError};
use crate::generated::{self, types};
use crate::pages::{Cursor, Items, Page};
use crate::response::Response;
use crate::retry::{Repeat, RetryPolicy};
use crate::transport::{Common, Exchange};

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
    pub(crate) base_url: String,
    pub(crate) http: reqwest::Client,
    pub(crate) common: Arc<Common>,
    pub(crate) retry: RetryPolicy,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.base_url).field("retry", &self.retry).finish_non_exhaustive()
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
            client.trigger_integration_sync().integration_id(integration_id).send().await
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
            let exchange = Exchange::new(self.common.clone());
            let client = generated::Client::new_with_client(&self.base_url, self.http.clone(), exchange.clone());
            let error = match (send(client).await, exchange.take()) {
                (Ok(value), Some(response)) => {
                    return Ok(Reply { value: value.into_inner(), response });
                }
                (Ok(value), None) => {
                    let response = Response::new(value.status(), value.headers().clone(), Vec::new());
                    return Ok(Reply { value: value.into_inner(), response });
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
