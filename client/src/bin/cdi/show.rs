//! Integrations and jobs as text.

use std::collections::HashSet;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use cdi_client::{Integration, IntegrationStatus, Job, JobStatus};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::names;
use crate::output::Output;
use crate::table::{Cell, Column, Kind, printable, table};

const INTEGRATIONS: [Column; 9] = [
    column("ID", Kind::Text, 0),
    column("NAME", Kind::LongText, 0),
    column("TYPE", Kind::Text, 5),
    column("SOURCE", Kind::Text, 2),
    column("STATUS", Kind::Text, 6),
    column("LAST SYNC", Kind::Text, 7),
    column("STARTED", Kind::Text, 4),
    column("SYNCED UP TO", Kind::Text, 3),
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
        return "The workspace of this API key has no integrations.".into();
    }
    let ids: Vec<_> = integrations.iter().map(|integration| integration.integration_id).collect();
    let names: HashSet<_> = integrations.iter().map(|integration| &integration.integration_name).collect();
    let short = match names::shortest_unique(&ids) {
        Some(length) => ShortId::Unique(length),
        None if names.len() == integrations.len() => ShortId::Beginning,
        None => ShortId::Whole,
    };
    let rows = integrations.iter().map(|integration| {
        vec![
            id(integration.integration_id, short),
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

/// The short form of the IDs in a table. Each begins as the ID does.
#[derive(Clone, Copy)]
enum ShortId {
    /// This many characters, which tell the IDs apart.
    Unique(usize),
    /// The first eight characters and `…`: the IDs differ at their end only, and the names tell the integrations apart.
    Beginning,
    /// The whole ID: nothing else tells the integrations apart.
    Whole,
}

fn id(id: Uuid, short: ShortId) -> Cell {
    let text = id.to_string();
    match short {
        ShortId::Unique(length) => Cell::new(&text).or_shorter(&text[..length]),
        ShortId::Beginning => Cell::new(&text).or_shorter(&format!("{}…", &text[..8])),
        ShortId::Whole => Cell::new(&text),
    }
}

/// Jobs as a table, and on a terminal what can be done about the newest.
pub(crate) fn jobs(jobs: &[Job], advice: Option<String>, output: &Output) -> String {
    if jobs.is_empty() {
        return "The integration has not been synced yet.".into();
    }
    let rows = jobs.iter().map(|job| {
        vec![
            time(job.sync_start_time),
            status(&job.job_status),
            took(job).map_or_else(none, |took| Cell::new(&duration(took)).or_shorter(&short_duration(took))),
            Cell::new(&job.rows_synced.to_string()),
            Cell::new(&job.rows_failed_with_errors.to_string()),
            job.last_timestamp_synced.map_or_else(none, time),
        ]
    });
    let table = fitting(&JOBS, rows.collect(), output);
    match advice.filter(|_| output.room.is_some()) {
        Some(advice) => format!("{table}\n{advice}"),
        None => table,
    }
}

fn fitting(columns: &[Column], rows: Vec<Vec<Cell>>, output: &Output) -> String {
    let (text, left_out) = table(columns, &rows, output.room, output.colour);
    match left_out.as_slice() {
        [] => text,
        titles => format!("{text}\nNot shown, to fit the terminal: {}", titles.join(", ")),
    }
}

/// A job that has ended, in one line.
pub(crate) fn ended(job: &Job, output: &Output) -> String {
    let took = took(job).map(|took| format!(", in {}", duration(took))).unwrap_or_default();
    let status = printable(job.job_status.as_str());
    let status = match output.colour {
        true => format!("{style}{status}{style:#}", style = style(&job.job_status)),
        false => status,
    };
    format!("{status}: {}{took}", rows(job))
}

/// A running job, in one line.
pub(crate) fn going(job: &Job, rows_per_second: Option<f64>) -> String {
    let rate = rows_per_second.map(|rate| format!(", {rate:.0} rows/s")).unwrap_or_default();
    format!(
        "{}: {} read, {} synced, {} failed{rate}",
        printable(job.job_status.as_str()),
        counted(job.rows_read()),
        job.rows_synced,
        job.rows_failed_with_errors
    )
}

fn rows(job: &Job) -> String {
    format!("{} synced, {} failed", counted(job.rows_synced), job.rows_failed_with_errors)
}

fn counted(rows: u64) -> String {
    format!("{rows} {}", if rows == 1 { "row" } else { "rows" })
}

fn took(job: &Job) -> Option<Duration> {
    (job.sync_finish_time? - job.sync_start_time).to_std().ok()
}

/// A duration as exactly as people need it: 41 ms, 4.2 s, 1 min 9 s, 1 h 44 min.
fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600.. => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => short_duration(duration),
    }
}

/// A duration in one unit, rounded down: 59.96 s are not 60.0 s.
fn short_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let in_unit = |unit: u64| match seconds / unit {
        whole @ 0..10 => format!("{whole}.{}", seconds * 10 / unit % 10),
        whole => whole.to_string(),
    };
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{seconds}.{} s", duration.subsec_millis() / 100),
        60..3600 => format!("{} min", in_unit(60)),
        _ => format!("{} h", in_unit(3600)),
    }
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
    Cell::new(&time.format("%Y-%m-%d %H:%M:%SZ").to_string()).or_shorter(&time.format("%Y-%m-%d %H:%MZ").to_string())
}

fn none() -> Cell {
    Cell::new("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_is_not_called_rows() {
        assert_eq!([0, 1, 2].map(counted), ["0 rows", "1 row", "2 rows"]);
    }

    #[test]
    fn durations_have_a_long_and_a_short_form() {
        for (milliseconds, long, short) in [
            (0, "0 ms", "0 ms"),
            (41, "41 ms", "41 ms"),
            (4_260, "4.2 s", "4.2 s"),
            (59_999, "59.9 s", "59.9 s"),
            (60_000, "1 min 0 s", "1.0 min"),
            (69_500, "1 min 9 s", "1.1 min"),
            (2_649_000, "44 min 9 s", "44 min"),
            (6_249_000, "1 h 44 min", "1.7 h"),
            (93_600_000, "26 h 0 min", "26 h"),
        ] {
            let time = Duration::from_millis(milliseconds);
            assert_eq!((duration(time).as_str(), short_duration(time).as_str()), (long, short));
        }
    }
}
