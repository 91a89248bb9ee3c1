//! The jobs of the demo's integration, whether triggered by the demo or by the user: their progress and results.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use super::screen::{GREEN, PLAIN, RED, Screen, YELLOW, duration, seconds};
use crate::connectors::fake_braze::FakeBraze;
use crate::store::{Job, JobStatus, Page, RowError, Store};
use crate::text::{grouped, printable_line};
use crate::types::IntegrationId;

/// How often the store is polled.
const LOOK_AGAIN: Duration = Duration::from_millis(150);
/// Maximum jobs found by one poll.
const AT_ONCE: usize = 50;
/// Maximum reasons for refusals shown per job.
const MOST_REASONS: usize = 5;

/// The jobs of an integration, each returned once.
pub(super) struct Jobs<'a> {
    store: &'a Store,
    integration: IntegrationId,
    /// The start time of the last job that was returned.
    seen: Option<DateTime<Utc>>,
}

impl<'a> Jobs<'a> {
    pub(super) fn new(store: &'a Store, integration: IntegrationId) -> Jobs<'a> {
        Jobs { store, integration, seen: None }
    }

    /// Waits for the next job.
    pub(super) async fn next(&mut self) -> anyhow::Result<Job> {
        loop {
            let newest = self.store.jobs(self.integration, &Page::First, AT_ONCE).await?.items;
            let mut unseen = newest.into_iter().filter(|job| self.seen.is_none_or(|seen| job.sync_start_time > seen));
            if let Some(job) = unseen.by_ref().last() {
                self.seen = Some(job.sync_start_time);
                return Ok(job);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until a job has ended, showing its progress towards `rows` rows.
    pub(super) async fn until_ended(&self, job: Job, rows: u64, screen: &mut Screen) -> anyhow::Result<Job> {
        screen.new_progress();
        let mut first = None;
        loop {
            let job = self.store.job(self.integration, job.id).await?.context("the job is no longer in the store")?;
            if job.sync_finish_time.is_some() {
                return Ok(job);
            }
            let read = rows_read(&job);
            if read > 0 {
                let (begin, before) = *first.get_or_insert((Instant::now(), read));
                let rate = (read - before.min(read)) as f64 / begin.elapsed().as_secs_f64();
                screen.progress("running", &progress(&job, rows, rate))?;
            } else {
                screen.hint("running", &[format!("reading {} rows", grouped(rows))])?;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Prints how a job has ended.
    pub(super) async fn report(&self, job: &Job, fake_braze: &FakeBraze, screen: &mut Screen) -> anyhow::Result<()> {
        let (status, style) = (job.status.as_str(), style(job.status));
        let took = job.sync_finish_time.and_then(|end| (end - job.sync_start_time).to_std().ok());
        let took = took.map(|took| format!(", in {}", duration(took))).unwrap_or_default();
        let (synced, failed) = (job.rows_synced, job.rows_failed_with_errors);
        if let Some(cause) = &job.cause {
            screen.labelled(status, style, &[cause.as_str()])?;
        }
        let rows = match synced + failed {
            0 => format!("no row had changed since the last sync{took}"),
            _ => format!("{} rows delivered, {} refused{took}", grouped(synced), grouped(failed)),
        };
        match &job.cause {
            Some(_) => screen.labelled("", PLAIN, &[&rows])?,
            None => screen.labelled(status, style, &[&rows])?,
        }
        if synced + failed > 0 {
            let (objects, requests) = (grouped(fake_braze.accepted() as u64), grouped(fake_braze.requests() as u64));
            screen.labelled(
                "received",
                PLAIN,
                &[&format!("{objects} objects in {requests} requests, as counted by the stand-in")],
            )?;
        }
        self.refused(job, screen).await
    }

    /// Prints the reasons for refused rows: each once, with the number of rows and one example.
    async fn refused(&self, job: &Job, screen: &mut Screen) -> anyhow::Result<()> {
        let errors = self.store.row_errors(job.id, 0, usize::MAX).await.context("the refused rows cannot be read")?;
        let lines = reasons(errors.into_iter().map(|(_, error)| error).collect(), job.rows_failed_with_errors);
        if lines.is_empty() {
            return Ok(());
        }
        screen.labelled("refused", YELLOW, &lines.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

fn reasons(mut errors: Vec<RowError>, refused: u64) -> Vec<String> {
    errors.sort_by_key(|error| error.updated_at);
    let mut reasons: Vec<(RowError, u64)> = Vec::new();
    for error in errors {
        match reasons.iter_mut().find(|(first, _)| first.reason == error.reason) {
            Some((_, rows)) => *rows += 1,
            None => reasons.push((error, 1)),
        }
    }
    reasons.truncate(MOST_REASONS);
    let more = refused.saturating_sub(reasons.iter().map(|(_, rows)| rows).sum());
    let line = |(error, rows): &(RowError, u64)| {
        let row = identifier(error);
        match rows {
            1 => format!("{row}: {}", error.reason),
            rows => format!("{} rows such as {row}: {}", grouped(*rows), error.reason),
        }
    };
    let mut lines: Vec<String> = reasons.iter().map(line).collect();
    if more > 0 {
        lines.push(format!("and {} more", grouped(more)));
    }
    lines
}

/// Names a row: by the only value it has, otherwise by its whole identifier.
fn identifier(error: &RowError) -> String {
    let Some(text) = &error.identifier else { return "a row without an identifier".to_owned() };
    let columns = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).unwrap_or_default();
    match columns.values().collect::<Vec<_>>().as_slice() {
        [serde_json::Value::String(one)] => printable_line(one),
        _ => printable_line(text),
    }
}

fn progress(job: &Job, rows: u64, rows_per_second: f64) -> Vec<String> {
    let read = rows_read(job);
    // Users may add rows to the demo's table.
    let mut parts = vec![format!("{} of {} rows", grouped(read), grouped(rows.max(read)))];
    if rows_per_second > 0.0 {
        let left = Duration::try_from_secs_f64(rows.saturating_sub(read) as f64 / rows_per_second);
        parts.extend(left.ok().map(|left| format!("{} left", seconds(left.as_secs() + 1))));
    }
    parts.push(format!("{} refused", grouped(job.rows_failed_with_errors)));
    if rows_per_second > 0.0 {
        parts.push(format!("{} rows/s", grouped(rows_per_second as u64)));
    }
    parts
}

fn rows_read(job: &Job) -> u64 {
    job.rows_synced.saturating_add(job.rows_failed_with_errors)
}

fn style(status: JobStatus) -> anstyle::Style {
    match status {
        JobStatus::Success => GREEN,
        JobStatus::Partial => YELLOW,
        JobStatus::Error | JobStatus::ConfigError => RED,
        JobStatus::Running => PLAIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_counted_and_some_are_shown() {
        let error = |row: u32, reason: &str| RowError {
            identifier: Some(format!("{{\"external_id\":\"user-{row}\"}}")),
            updated_at: DateTime::from_timestamp_secs(row.into()).unwrap(),
            reason: reason.to_owned(),
            payload: None,
        };
        let errors = vec![error(3, "no email"), error(2, "no object"), error(1, "no email")];
        let lines = reasons(errors, 3);
        assert_eq!(lines, ["2 rows such as user-1: no email", "user-2: no object"]);
        let different = (1..=7).map(|row| error(row, &format!("reason {row}"))).collect();
        let lines = reasons(different, 1200);
        assert_eq!((lines.len(), lines.last().unwrap().as_str()), (6, "and 1,195 more"));
        assert!(reasons(Vec::new(), 0).is_empty());
    }

    #[test]
    fn a_row_is_named_by_its_only_identifier() {
        let named = |identifier: Option<&str>| {
            let identifier = identifier.map(str::to_owned);
            super::identifier(&RowError { identifier, updated_at: Utc::now(), reason: String::new(), payload: None })
        };
        assert_eq!(named(Some("{\"email\":\"ada@example.com\"}")), "ada@example.com");
        let alias = "{\"alias_name\":\"a\",\"alias_label\":\"b\"}";
        assert_eq!((named(Some(alias)).as_str(), named(None).as_str()), (alias, "a row without an identifier"));
    }
}
