//! The operations of the API: typed requests in, documented responses out, independent of HTTP.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::RETRY_AFTER;
use super::auth::Caller;
use super::cursor::{List, Position};
use super::generated::operation::{list_integrations, list_job_sync_status, trigger_integration_sync};
use super::generated::types::{
    Integration as IntegrationItem, IntegrationPage, IntegrationStatus, Job as JobItem, JobPage,
    JobStatus as JobItemStatus, Message,
};
use super::generated::{NamedError, Operations};
use super::settings::LiveSettings;
use crate::config::{Integration, IntegrationId};
use crate::store::{IntegrationState, Job, JobStatus, Page, PageOf, StartJob, Store, StoreError};

/// Items on a page.
const PAGE: usize = 10;

/// The operations on the store and the configured integrations.
#[derive(Debug)]
pub struct CdiOperations {
    store: Store,
    settings: LiveSettings,
}

impl CdiOperations {
    /// The operations for the integrations of these settings.
    pub fn new(store: Store, settings: LiveSettings) -> CdiOperations {
        CdiOperations { store, settings }
    }

    /// An integration, if it is in the caller's workspace.
    fn integration(&self, caller: &Caller, id: Uuid) -> Option<Arc<Integration>> {
        let found = self.settings.borrow().integration(&caller.workspace, IntegrationId::from(id)).cloned();
        if found.is_none() {
            tracing::info!(key = caller.key, integration = %id, "no integration with this ID in the key's workspace");
        }
        found
    }
}

impl Operations for CdiOperations {
    type Caller = Caller;

    async fn trigger_integration_sync(
        &self,
        caller: &Caller,
        request: trigger_integration_sync::Request,
    ) -> Result<trigger_integration_sync::Success, trigger_integration_sync::Error> {
        use trigger_integration_sync::{Error, Success};
        #[cfg(feature = "faults")]
        super::faults::in_operation(caller).await.map_err(store_failed::<Error>)?;
        let received_at = Utc::now();
        let integration = self.integration(caller, request.integration_id).ok_or(Error::IntegrationNotFound)?;
        match self.store.start_job(integration.id, received_at).await.map_err(store_failed::<Error>)? {
            StartJob::Started(job) => {
                tracing::info!(integration = %integration.id, job = %job, key = caller.key, "sync triggered");
                Ok(Success { body: Message { message: "success".to_owned() } })
            }
            StartJob::InProgress => {
                tracing::info!(integration = %integration.id, key = caller.key, "another job is in progress");
                Err(Error::JobInProgress { retry_after: None })
            }
        }
    }

    async fn list_integrations(
        &self,
        caller: &Caller,
        request: list_integrations::Request,
    ) -> Result<list_integrations::Success, list_integrations::Error> {
        use list_integrations::{Error, Success};
        #[cfg(feature = "faults")]
        super::faults::in_operation(caller).await.map_err(store_failed::<Error>)?;
        let list = List { name: format!("integrations of {}", caller.workspace), path: "/cdi/integrations" };
        let page = list.page(request.cursor.as_deref()).ok_or(Error::InvalidCursor)?;
        let settings = self.settings.borrow().clone();
        let page = page_of(settings.integrations(&caller.workspace), &page);
        let ids: Vec<IntegrationId> = page.items.iter().map(|integration| integration.id).collect();
        let states = self.store.integration_states(&ids).await.map_err(store_failed::<Error>)?;
        let now = Utc::now();
        Ok(Success {
            link: list.link(&page, |integration| integration.id),
            body: IntegrationPage {
                results: page
                    .items
                    .iter()
                    .map(|integration| item(integration, states.get(&integration.id), now))
                    .collect(),
                message: "success".to_owned(),
            },
        })
    }

    async fn list_job_sync_status(
        &self,
        caller: &Caller,
        request: list_job_sync_status::Request,
    ) -> Result<list_job_sync_status::Success, list_job_sync_status::Error> {
        use list_job_sync_status::{Error, Success};
        #[cfg(feature = "faults")]
        super::faults::in_operation(caller).await.map_err(store_failed::<Error>)?;
        let id = IntegrationId::from(request.integration_id);
        let path = format!("/cdi/integrations/{id}/job_sync_status");
        let list = List { name: format!("jobs of {id}"), path: &path };
        let page = list.page(request.cursor.as_deref()).ok_or(Error::InvalidCursor)?;
        let integration = self.integration(caller, request.integration_id).ok_or(Error::IntegrationNotFound)?;
        let page = self.store.jobs(integration.id, &page, PAGE).await.map_err(store_failed::<Error>)?;
        Ok(Success {
            link: list.link(&page, |job| job.sync_start_time),
            body: JobPage { results: page.items.iter().map(job_item).collect(), message: "success".to_owned() },
        })
    }
}

/// Converts an error of the store into the response for the caller, and logs its cause.
fn store_failed<E: NamedError>(error: StoreError) -> E {
    if error.is_unavailable() {
        // At debug level, because the store logs an outage once for all requests.
        tracing::debug!(%error, "request failed because the store is unavailable");
        return E::service_unavailable(RETRY_AFTER);
    }
    tracing::error!(%error, "request failed because of an error in the store");
    E::internal_server_error()
}

/// A page of integrations in the order of their IDs.
fn page_of<'a>(all: &'a [Arc<Integration>], page: &Page<IntegrationId>) -> PageOf<&'a Arc<Integration>> {
    let (start, end) = match page {
        Page::First => (0, PAGE.min(all.len())),
        Page::After(position) => {
            let start = all.partition_point(|integration| integration.id <= *position);
            (start, (start + PAGE).min(all.len()))
        }
        Page::Before(position) => {
            let end = all.partition_point(|integration| integration.id < *position);
            (end.saturating_sub(PAGE), end)
        }
    };
    PageOf { has_previous: start > 0, has_next: end < all.len(), items: all[start..end].iter().collect() }
}

fn item(integration: &Integration, state: Option<&IntegrationState>, now: DateTime<Utc>) -> IntegrationItem {
    let config_error = state.is_some_and(|state| state.config_error);
    IntegrationItem {
        integration_id: *integration.id.as_uuid(),
        app_group_id: integration.workspace.clone(),
        integration_name: integration.name.clone(),
        integration_type: integration.kind.as_str().to_owned(),
        integration_status: match (config_error, integration.paused) {
            (true, _) => IntegrationStatus::ConfigError,
            (false, true) => IntegrationStatus::Paused,
            (false, false) => IntegrationStatus::Active,
        },
        contact_emails: integration.contact_emails.join(","),
        last_updated_at: state.and_then(|state| state.last_updated_at),
        warehouse_type: integration.source.kind().to_owned(),
        last_job_start_time: state.and_then(|state| state.last_job_start_time),
        last_job_status: state.and_then(|state| state.last_job_status).map(status),
        next_scheduled_run: integration.next_run(now),
    }
}

fn job_item(job: &Job) -> JobItem {
    JobItem {
        job_status: status(job.status),
        sync_start_time: job.sync_start_time,
        sync_finish_time: job.sync_finish_time,
        last_timestamp_synced: job.last_timestamp_synced,
        rows_synced: job.rows_synced,
        rows_failed_with_errors: job.rows_failed_with_errors,
    }
}

fn status(status: JobStatus) -> JobItemStatus {
    match status {
        JobStatus::Running => JobItemStatus::Running,
        JobStatus::Success => JobItemStatus::Success,
        JobStatus::Partial => JobItemStatus::Partial,
        JobStatus::Error => JobItemStatus::Error,
        JobStatus::ConfigError => JobItemStatus::ConfigError,
    }
}

impl Position for IntegrationId {
    fn write(&self) -> String {
        self.to_string()
    }
    fn read(text: &str) -> Option<IntegrationId> {
        text.parse().ok()
    }
}

/// The position of a job is its start time, which is unique within the integration.
impl Position for DateTime<Utc> {
    fn write(&self) -> String {
        self.timestamp_micros().to_string()
    }
    fn read(text: &str) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(text.parse().ok()?)
    }
}
