//! `cdi-server cancel`: ends the job of an integration that is in progress.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep};

use super::{no_store, with_store};
use crate::config::{Config, IntegrationId};
use crate::process::print;
use crate::store::{Cancelled, JobId, Store};
use crate::sync::CANCELLED;

/// How often to check whether the job has ended.
const LOOK: Duration = Duration::from_millis(200);
/// Allowed for requests in flight, in addition to the time until the worker next asks the store.
const LAST_REQUESTS: Duration = Duration::from_secs(15);

/// Requests the end of the job and waits for it.
pub async fn run(config: &Config, integration: IntegrationId, name: &str) -> anyhow::Result<ExitCode> {
    let patience = config.worker.lease + LAST_REQUESTS;
    let said = with_store(config, async |store| match store {
        Some(store) => cancel(store, integration, name, patience).await,
        None => bail!(no_store(&config.store)),
    });
    print(&format!("cancelled: {}\n", said.await?))?;
    Ok(ExitCode::SUCCESS)
}

async fn cancel(store: &Store, integration: IntegrationId, name: &str, patience: Duration) -> anyhow::Result<String> {
    let job = match store.cancel_job(integration, CANCELLED).await? {
        Cancelled::Nothing => bail!("no job of {name:?} is in progress"),
        Cancelled::Ended(job) => return Ok(format!("the job {job} has ended; no worker had it")),
        Cancelled::Asked(job) => job,
    };
    eprintln!(
        "Waiting up to {} for the worker of the job {job} to end it. Ctrl-C ends the waiting, not the request.",
        humantime::format_duration(patience)
    );
    // Workers see the request at their next checkpoint or lease renewal. A dead worker's lease expires.
    let begun = Instant::now();
    while begun.elapsed() < patience {
        if store.end_without_worker(job, CANCELLED).await? || store.has_ended(job).await? {
            return numbers(store, integration, job).await;
        }
        sleep(LOOK).await;
    }
    bail!("the job {job} was asked to end and has not ended yet; its worker is told when it next reaches the store")
}

async fn numbers(store: &Store, integration: IntegrationId, id: JobId) -> anyhow::Result<String> {
    let Some(job) = store.job(integration, id).await? else { bail!("the store has no job {id}") };
    Ok(format!(
        "the job {id} has ended ({}), rows delivered: {}, refused: {}",
        job.status.as_str(),
        job.rows_synced,
        job.rows_failed_with_errors
    ))
}
