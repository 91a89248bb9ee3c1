//! How integrations and jobs look to people.

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use cdi_client::{Integration, IntegrationStatus, Job, JobStatus};
use chrono::{DateTime, Utc};

use crate::output::Output;
use crate::table::{Cell, Column, Kind, printable, table};

const INTEGRATIONS: [Column; 9] = [
    column("ID", Kind::Text, 0),
    column("NAME", Kind::LongText, 0),
    column("TYPE", Kind::Text, 3),
    column("SOURCE", Kind::Text, 2),
    column("STATUS", Kind::Text, 6),
    column("LAST SYNC", Kind::Text, 7),
    column("STARTED", Kind::Text, 5),
    column("SYNCED UP TO", Kind::Text, 4),
    column("NEXT RUN", Kind::Text, 1),
];

const JOBS: [Column; 6] = [
    column("STARTED", Kind::Text, 0),
    column("STATUS", Kind::Text, 0),
    column("TOOK", Kind::Number, 2),
    column("ROWS SYNCED", Kind::Number, 4),
    column("ROWS FAILED", Kind::Number, 3),
    column("SYNCED UP TO", Kind::Text, 1),
];

const fn column(title: &'static str, kind: Kind, rank: u8) -> Column {
    Column { title, kind, rank }
}

/// Integrations as a table.
pub(crate) fn integrations(integrations: &[Integration], output: &Output) -> String {
    if integrations.is_empty() {
        return "The workspace has no integrations.".into();
    }
    let rows = integrations.iter().map(|integration| {
        vec![
            Cell::new(&integration.integration_id.to_string()),
            Cell::new(&integration.integration_name),
            Cell::new(&integration.integration_type),
            Cell::new(&integration.warehouse_type),
            Cell::new(integration.integration_status.as_str()).style(match integration.integration_status {
                IntegrationStatus::ConfigError => RED,
                IntegrationStatus::Paused => YELLOW,
                _ => PLAIN,
            }),
            integration.last_job_status.as_ref().map_or_else(none, status),
            integration.last_job_start_time.map_or_else(none, time),
            integration.last_updated_at.map_or_else(none, time),
            integration.next_scheduled_run.map_or_else(none, time),
        ]
    });
    fitting(&INTEGRATIONS, rows.collect(), output)
}

/// Jobs as a table.
pub(crate) fn jobs(jobs: &[Job], output: &Output) -> String {
    if jobs.is_empty() {
        return "The integration has not been synced yet.".into();
    }
    let rows = jobs.iter().map(|job| {
        vec![
            time(job.sync_start_time),
            status(&job.job_status),
            took(job).map_or_else(none, |took| Cell::new(&took)),
            Cell::new(&job.rows_synced.to_string()),
            Cell::new(&job.rows_failed_with_errors.to_string()),
            job.last_timestamp_synced.map_or_else(none, time),
        ]
    });
    fitting(&JOBS, rows.collect(), output)
}

fn fitting(columns: &[Column], rows: Vec<Vec<Cell>>, output: &Output) -> String {
    let (text, left_out) = table(columns, &rows, output.room, output.colour);
    match left_out.as_slice() {
        [] => text,
        titles => format!("{text}\n(no room for {})", titles.join(", ")),
    }
}

/// A job that has ended, in one line.
pub(crate) fn ended(job: &Job, output: &Output) -> String {
    let took = took(job).map(|took| format!(", in {took}")).unwrap_or_default();
    let status = printable(job.job_status.as_str());
    let status = match output.colour {
        true => format!("{style}{status}{style:#}", style = style(&job.job_status)),
        false => status,
    };
    format!("{status}: {}{took}", rows(job))
}

/// A job that goes on, in one line.
pub(crate) fn going(job: &Job, rows_per_second: Option<f64>) -> String {
    let rate = rows_per_second.map(|rate| format!(", {rate:.0} rows/s")).unwrap_or_default();
    format!(
        "{}: {} rows read, {} synced, {} failed{rate}",
        printable(job.job_status.as_str()),
        job.rows_read(),
        job.rows_synced,
        job.rows_failed_with_errors
    )
}

fn rows(job: &Job) -> String {
    format!("{} rows synced, {} failed", job.rows_synced, job.rows_failed_with_errors)
}

fn took(job: &Job) -> Option<String> {
    let took = (job.sync_finish_time? - job.sync_start_time).to_std().ok()?;
    let rounded = match took.as_secs() {
        0..60 => Duration::from_millis(took.as_millis() as u64 / 100 * 100),
        seconds => Duration::from_secs(seconds),
    };
    Some(humantime::format_duration(rounded).to_string())
}

const PLAIN: Style = Style::new();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();

fn style(status: &JobStatus) -> Style {
    match status {
        JobStatus::Success => GREEN,
        JobStatus::Partial => YELLOW,
        JobStatus::Error | JobStatus::ConfigError => RED,
        JobStatus::Running => CYAN,
        _ => PLAIN,
    }
}

fn status(status: &JobStatus) -> Cell {
    Cell::new(status.as_str()).style(style(status))
}

fn time(time: DateTime<Utc>) -> Cell {
    Cell::new(&time.format("%Y-%m-%d %H:%M:%SZ").to_string())
}

fn none() -> Cell {
    Cell::new("-")
}
