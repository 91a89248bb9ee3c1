//! How integrations and jobs look, to people and to programs.

use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use cdi_client::{Integration, Job, Progress};
use chrono::{DateTime, Utc};
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

/// Writes a line to standard output. A reader that has gone away is no error: `cdi list | head -1`.
pub(crate) fn line(text: &str) -> io::Result<()> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes a value as indented JSON.
pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// Writes a value as JSON on one line.
pub(crate) fn json_line(value: &impl Serialize) -> io::Result<()> {
    line(&serde_json::to_string(value)?)
}

/// Integrations as a table.
pub(crate) fn integrations(integrations: &[Integration]) -> String {
    if integrations.is_empty() {
        return "The workspace has no integrations.".into();
    }
    let mut table =
        table(&["ID", "NAME", "TYPE", "SOURCE", "STATUS", "LAST SYNC", "STARTED", "SYNCED UP TO", "NEXT RUN"]);
    for integration in integrations {
        table.add_row([
            integration.integration_id.to_string(),
            printable(&integration.integration_name),
            printable(&integration.integration_type),
            printable(&integration.warehouse_type),
            integration.integration_status.to_string(),
            integration.last_job_status.map_or_else(none, |status| status.to_string()),
            integration.last_job_start_time.map_or_else(none, time),
            integration.last_updated_at.map_or_else(none, time),
            integration.next_scheduled_run.map_or_else(none, time),
        ]);
    }
    text(&table)
}

/// Jobs as a table.
pub(crate) fn jobs(jobs: &[Job]) -> String {
    if jobs.is_empty() {
        return "The integration has not been synced yet.".into();
    }
    let mut table = table(&["STARTED", "STATUS", "TOOK", "ROWS SYNCED", "ROWS FAILED", "SYNCED UP TO"]);
    for column in [2, 3, 4] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for job in jobs {
        table.add_row([
            time(job.sync_start_time),
            job.job_status.to_string(),
            took(job).unwrap_or_else(none),
            job.rows_synced.to_string(),
            job.rows_failed_with_errors.to_string(),
            job.last_timestamp_synced.map_or_else(none, time),
        ]);
    }
    text(&table)
}

/// A job that has ended, in one line.
pub(crate) fn ended(job: &Job) -> String {
    let took = took(job).map(|took| format!(", in {took}")).unwrap_or_default();
    format!("{}: {}{took}", job.job_status, rows(job))
}

fn rows(job: &Job) -> String {
    format!("{} rows synced, {} failed", job.rows_synced, job.rows_failed_with_errors)
}

fn took(job: &Job) -> Option<String> {
    let took = (job.sync_finish_time? - job.sync_start_time).to_std().ok()?;
    let rounded = match took.as_secs() {
        0..60 => std::time::Duration::from_millis(took.as_millis() as u64 / 100 * 100),
        seconds => std::time::Duration::from_secs(seconds),
    };
    Some(humantime::format_duration(rounded).to_string())
}

fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%SZ").to_string()
}

fn none() -> String {
    "-".into()
}

/// A text of the server's, without what could take control of a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { char::REPLACEMENT_CHARACTER } else { character }).collect()
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.iter().copied());
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

fn text(table: &Table) -> String {
    table.trim_fmt()
}

/// Shows on one line of a terminal what is going on. Anywhere else it shows nothing.
pub(crate) struct Ticker {
    shown: bool,
    begun: Instant,
}

impl Ticker {
    pub(crate) fn new() -> Ticker {
        Ticker { shown: io::stderr().is_terminal(), begun: Instant::now() }
    }

    pub(crate) fn show(&self, progress: &Progress) {
        if !self.shown {
            return;
        }
        let text = match progress {
            Progress::Triggered => "triggered".into(),
            Progress::Job(job) => format!("{}: {}", job.job_status, rows(job)),
            Progress::Trouble(why) => format!("trying again: {}", printable(why)),
            _ => return,
        };
        let seconds = self.begun.elapsed().as_secs();
        // Whether progress can be shown decides nothing.
        let _ = write!(io::stderr(), "\r\x1b[2K{text} ({seconds}s)");
    }

    pub(crate) fn clear(&self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
    }
}
