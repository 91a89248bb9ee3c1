//! The body of messages: JSON, the same for all ways to send it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::events::{Event, of_job};
use super::{About, Entry};
use crate::store::{EndedJob, Job, NewMessage, Overdue};
use crate::text::{shell_word, timestamp};
use crate::types::IntegrationId;

/// The type of messages that test an entry.
pub(super) const TEST: &str = "test";

/// A message. It has no rows, no payloads and no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Body {
    /// What has happened.
    #[serde(rename = "type")]
    pub kind: String,
    /// When, in RFC 3339.
    pub timestamp: String,
    /// What it happened to.
    pub data: Data,
}

/// An integration, and its newest job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Data {
    pub integration_id: String,
    pub integration_name: String,
    pub workspace: String,
    /// The job that has ended; of an overdue integration its newest job, which may be in progress.
    pub job_id: Option<String>,
    pub status: Option<String>,
    /// Why it ended so.
    pub cause: Option<String>,
    pub rows_synced: Option<u64>,
    pub rows_failed_with_errors: Option<u64>,
    pub sync_start_time: Option<String>,
    pub sync_finish_time: Option<String>,
    pub last_timestamp_synced: Option<String>,
    /// Of a recovered integration, and of one that goes on failing: the start of the first failed job since the last success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<String>,
    /// Of a recovered integration: rows that its failed jobs have refused, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_refused_while_failing: Option<u64>,
    /// Of an overdue integration: the end of its last successful job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success: Option<String>,
    /// A command that shows more.
    pub next: Option<String>,
}

/// The message of an entry about a job that has ended, if it asks for one.
pub(super) fn of_ended(entry: &Entry, about: &About, ended: &EndedJob) -> Option<NewMessage> {
    let (integration, job) = (ended.integration, &ended.job);
    let event = of_job(entry, ended)?;
    let finished = job.sync_finish_time.unwrap_or(job.sync_start_time);
    let mut data = data(integration, about, Some(job));
    let tells_since = matches!(event, Event::Recovered | Event::Error | Event::ConfigError);
    data.failing_since = ended.failing_since.filter(|_| tells_since).map(timestamp);
    data.rows_refused_while_failing =
        Some(ended.refused_while_failing).filter(|rows| event == Event::Recovered && *rows > 0);
    let of_refused = |_| format!("cdi-server row-errors {}", argument(integration, about));
    data.next = next(event, integration, about, Some(job)).or_else(|| data.rows_refused_while_failing.map(of_refused));
    let id = id(&[&entry.name, &job.id.to_string()]);
    let body = Body { kind: event.kind().to_owned(), timestamp: timestamp(finished), data };
    Some(message(entry, integration, Some(job), event, id, &body))
}

/// The message of an entry about an overdue integration.
pub(super) fn of_overdue(entry: &Entry, about: &About, overdue: &Overdue) -> NewMessage {
    let (integration, job, event) = (overdue.integration, overdue.job.as_ref(), Event::Overdue);
    let mut data = data(integration, about, job);
    data.last_success = overdue.last_success.map(timestamp);
    data.next = next(event, integration, about, job);
    let id = id(&[&entry.name, &integration.to_string(), &timestamp(overdue.since)]);
    let body = Body { kind: event.kind().to_owned(), timestamp: timestamp(overdue.now), data };
    message(entry, integration, job, event, id, &body)
}

/// The body of a message that tests an entry. It has the fields of the others, without a job.
pub(super) fn of_test(integration: IntegrationId, about: &About, now: DateTime<Utc>) -> String {
    written(&Body { kind: TEST.to_owned(), timestamp: timestamp(now), data: data(integration, about, None) })
}

fn written(body: &Body) -> String {
    // Texts and numbers can always be written as JSON.
    serde_json::to_string(body).unwrap_or_default()
}

fn message(
    entry: &Entry,
    integration: IntegrationId,
    job: Option<&Job>,
    event: Event,
    id: String,
    body: &Body,
) -> NewMessage {
    let (notify, body) = (entry.name.clone(), written(body));
    NewMessage { id, notify, integration, job: job.map(|job| job.id), event: event.kind(), body }
}

fn data(integration: IntegrationId, about: &About, job: Option<&Job>) -> Data {
    Data {
        integration_id: integration.to_string(),
        integration_name: about.name.clone(),
        workspace: about.workspace.clone(),
        job_id: job.map(|job| job.id.to_string()),
        status: job.map(|job| job.status.as_str().to_owned()),
        cause: job.and_then(|job| job.cause.clone()),
        rows_synced: job.map(|job| job.rows_synced),
        rows_failed_with_errors: job.map(|job| job.rows_failed_with_errors),
        sync_start_time: job.map(|job| timestamp(job.sync_start_time)),
        sync_finish_time: job.and_then(|job| job.sync_finish_time).map(timestamp),
        last_timestamp_synced: job.and_then(|job| job.last_timestamp_synced).map(timestamp),
        failing_since: None,
        rows_refused_while_failing: None,
        last_success: None,
        next: None,
    }
}

/// The command with which to begin.
fn next(event: Event, integration: IntegrationId, about: &About, job: Option<&Job>) -> Option<String> {
    let name = argument(integration, about);
    let is_bad = matches!(event, Event::Error | Event::ConfigError | Event::Overdue);
    match job {
        Some(job) if event != Event::Overdue && job.rows_failed_with_errors > 0 => {
            Some(format!("cdi-server row-errors {name} --job {}", job.id))
        }
        _ => is_bad.then(|| format!("cdi-server jobs {name}")),
    }
}

/// An integration as the argument of a command. A name may look like an option.
fn argument(integration: IntegrationId, about: &About) -> String {
    if about.name.starts_with('-') { integration.to_string() } else { shell_word(&about.name) }
}

/// An ID that every replica derives from the same parts.
fn id(parts: &[&str]) -> String {
    let digest = Sha256::digest(parts.join("\n"));
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("msg_{hex}")
}
