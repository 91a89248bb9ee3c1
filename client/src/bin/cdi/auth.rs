//! `cdi auth status`: which server and key are used, whether the key works, and what it may do. Nothing is triggered.

use cdi_client::errors::{ListIntegrationsError, ListJobSyncStatusError};
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::permissions::{JOBS, LIST, SYNC};
use crate::settings::Settings;

/// Whether the key has a permission; `None` if the answer does not show it.
type Granted = Option<bool>;

/// What the server's answers show about a key.
struct Permissions {
    list: Granted,
    jobs: Granted,
    /// Whether its workspace has no integrations.
    is_empty: bool,
}

pub(crate) async fn status(settings: &Settings, output: &Output) -> Result<Exit, Failure> {
    let Permissions { list, jobs, is_empty } = permissions(settings).await.map_err(|failure| {
        let server = format!("Server: {} (from {})", settings.client.base_url(), settings.url_origin);
        failure
            .advise(&server)
            .with("url", settings.client.base_url())
            .with("url_from", settings.url_origin.as_str())
            .with("key_from", settings.key_origin.as_str())
    })?;
    output.print(
        || {
            let shown = |granted: Granted| match granted {
                Some(true) => "yes",
                Some(false) => "no",
                None => "unknown",
            };
            format!(
                "Server        {} (from {})\n\
                 API key       works (from {}){}\n\
                 Permissions   {LIST:<26}  {}\n              \
                               {JOBS:<26}  {}\n              \
                               {SYNC:<26}  not checked: only triggering a sync would show it",
                settings.client.base_url(),
                settings.url_origin,
                settings.key_origin,
                if is_empty { "; its workspace has no integrations" } else { "" },
                shown(list),
                shown(jobs),
            )
        },
        || {
            json!({
                "url": settings.client.base_url(),
                "url_from": settings.url_origin,
                "key_from": settings.key_origin,
                "permissions": {LIST: list, JOBS: jobs, SYNC: Value::Null},
            })
        },
    )?;
    Ok(Exit::Done)
}

/// Whether the key may list integrations and jobs. A key that the server does not accept is a failure.
async fn permissions(settings: &Settings) -> Result<Permissions, Failure> {
    let (list, id) = match settings.client.list_integrations_page(None).await {
        Ok(page) => (true, page.items.first().map(|integration| integration.integration_id)),
        Err(error) if error.documented() == Some(ListIntegrationsError::AccessDenied) => (false, None),
        Err(error) => return Err(error.into()),
    };
    // The ID of no integration serves as well: 404 is the answer only if the key has the permission.
    let jobs = match settings.client.job_sync_status_page(id.unwrap_or_default(), None).await {
        Ok(_) => Some(true),
        Err(error) => match error.documented() {
            Some(ListJobSyncStatusError::IntegrationNotFound) => Some(true),
            Some(ListJobSyncStatusError::AccessDenied) => Some(false),
            _ => None,
        },
    };
    Ok(Permissions { list: Some(list), jobs, is_empty: list && id.is_none() })
}
