//! The client: one method for each operation.

use std::fmt;
use std::sync::Arc;

use progenitor_client::ResponseValue;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::call_error::CallError;
use crate::errors::{DocumentedError, ListIntegrationsError, ListJobSyncStatusError, TriggerIntegrationSyncError};
use crate::generated::{self, types};
use crate::pages::{Cursor, Items, Page};
use crate::pause::OnRetry;
use crate::response::Response;
use crate::retry::{Repeat, RetryPolicy};
use crate::trace::CallTrace;
use crate::transport::{Common, Exchange};

/// A successful answer: its body, and the whole answer with status and headers.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Reply<T> {
    /// The body, parsed.
    pub value: T,
    /// The whole answer.
    pub response: Response,
}

/// A client of one server, with one API key. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    pub(crate) base_url: String,
    pub(crate) http: reqwest::Client,
    pub(crate) common: Arc<Common>,
    pub(crate) retry: RetryPolicy,
    pub(crate) on_retry: OnRetry,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.base_url).field("retry", &self.retry).finish_non_exhaustive()
    }
}

impl Client {
    /// The base URL of the server, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Triggers a sync and returns when the server has accepted it. The sync itself runs on the server.
    ///
    /// The call is repeated only where no sync can have been started: after a refusal because of the rate limit, and when the
    /// server could not be reached. If the returned future is dropped, the request may or may not have reached the server.
    ///
    /// # Errors
    ///
    /// [`TriggerIntegrationSyncError`] has the documented ones. After an error for which
    /// [`may_have_taken_effect`](CallError::may_have_taken_effect) is true, a sync may have been started nevertheless.
    pub async fn trigger_integration_sync(
        &self,
        integration_id: Uuid,
    ) -> Result<Reply<types::Message>, CallError<TriggerIntegrationSyncError>> {
        self.call(Repeat::Acts, Some(integration_id), |client| async move {
            client.trigger_integration_sync().integration_id(integration_id).send().await
        })
        .await
    }

    /// All integrations of the API key's workspace, as a stream over all pages.
    ///
    /// # Errors
    ///
    /// An error ends the stream. [`ListIntegrationsError`] has the documented ones.
    pub fn list_integrations(&self) -> Items<types::Integration, ListIntegrationsError> {
        let client = self.clone();
        Items::new(move |cursor| {
            let client = client.clone();
            async move { client.list_integrations_page(cursor.as_ref()).await }
        })
    }

    /// One page of integrations: the first, or the page of a cursor.
    ///
    /// # Errors
    ///
    /// [`ListIntegrationsError`] has the documented ones.
    pub async fn list_integrations_page(
        &self,
        cursor: Option<&Cursor>,
    ) -> Result<Page<types::Integration>, CallError<ListIntegrationsError>> {
        let reply = self
            .call(Repeat::Harmless, None, |client| async move {
                let request = client.list_integrations();
                match cursor {
                    Some(cursor) => request.cursor(cursor.as_str()).send().await,
                    None => request.send().await,
                }
            })
            .await?;
        page(reply.value.results, reply.response)
    }

    /// All jobs of an integration, newest first, as a stream over all pages.
    ///
    /// # Errors
    ///
    /// An error ends the stream. [`ListJobSyncStatusError`] has the documented ones.
    pub fn job_sync_status(&self, integration_id: Uuid) -> Items<types::Job, ListJobSyncStatusError> {
        let client = self.clone();
        Items::new(move |cursor| {
            let client = client.clone();
            async move { client.job_sync_status_page(integration_id, cursor.as_ref()).await }
        })
    }

    /// One page of an integration's jobs: the newest, or the page of a cursor.
    ///
    /// # Errors
    ///
    /// [`ListJobSyncStatusError`] has the documented ones.
    pub async fn job_sync_status_page(
        &self,
        integration_id: Uuid,
        cursor: Option<&Cursor>,
    ) -> Result<Page<types::Job>, CallError<ListJobSyncStatusError>> {
        let reply = self
            .call(Repeat::Harmless, Some(integration_id), |client| async move {
                let request = client.list_job_sync_status().integration_id(integration_id);
                match cursor {
                    Some(cursor) => request.cursor(cursor.as_str()).send().await,
                    None => request.send().await,
                }
            })
            .await?;
        page(reply.value.results, reply.response)
    }

    /// Makes a call inside its span, and repeats it where the policy says so.
    async fn call<T, E, F, Fut>(
        &self,
        repeat: Repeat,
        integration_id: Option<Uuid>,
        send: F,
    ) -> Result<Reply<T>, CallError<E>>
    where
        E: DocumentedError,
        F: Fn(generated::Client) -> Fut,
        Fut: Future<Output = Result<ResponseValue<T>, progenitor_client::Error<types::Error>>>,
    {
        let trace = CallTrace::new(E::OPERATION, integration_id);
        let attempts = async {
            let mut repeated = 0;
            loop {
                let attempt = repeated + 1;
                let error = match self.attempt(&send).await {
                    Ok(reply) => {
                        trace.ended(attempt, Some(&reply.response));
                        trace.succeeded();
                        return Ok(reply);
                    }
                    Err(error) => error,
                };
                match self.retry.pause(repeat, repeated, &error) {
                    Some(pause) => {
                        trace.repeated(attempt, pause, &error);
                        self.on_retry.call(&error, pause);
                        tokio::time::sleep(pause).await;
                    }
                    None => {
                        trace.ended(attempt, error.response());
                        trace.failed(&error);
                        return Err(error);
                    }
                }
                repeated = attempt;
            }
        };
        attempts.instrument(trace.span()).await
    }

    /// Sends one request.
    async fn attempt<T, E, F, Fut>(&self, send: &F) -> Result<Reply<T>, CallError<E>>
    where
        E: DocumentedError,
        F: Fn(generated::Client) -> Fut,
        Fut: Future<Output = Result<ResponseValue<T>, progenitor_client::Error<types::Error>>>,
    {
        let exchange = Exchange::new(self.common.clone());
        let client = generated::Client::new_with_client(&self.base_url, self.http.clone(), exchange.clone());
        match (send(client).await, exchange.take()) {
            (Ok(value), Some(response)) => Ok(Reply { value: value.into_inner(), response }),
            (Ok(value), None) => {
                let response = Response::new(value.status(), value.headers().clone(), Vec::new());
                Ok(Reply { value: value.into_inner(), response })
            }
            (Err(error), seen) => Err(CallError::from_exchange(error, seen).through(self.common.proxy.as_ref())),
        }
    }
}

fn page<T, E: DocumentedError>(items: Vec<T>, response: Response) -> Result<Page<T>, CallError<E>> {
    Page::new(items, response).map_err(|(reason, response)| CallError::Unreadable { reason, response })
}
