//! `cdi-server jobs`: the syncs that ran, how they ended, and why. Clients of the API do not see the causes, only the status.

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;
use textwrap::core::display_width;

use super::{argument, config_option, no_store, with_store};
use crate::config::{Config, Integration};
use crate::process::print;
use crate::store::{Job, JobStatus, Page, Spared, Store};
use crate::terminal;
use crate::text::{counted, grouped, printable, printable_line, timestamp};
use crate::types::IntegrationId;

/// The first characters of a job's ID hold the time in milliseconds: of one integration's jobs no two share them.
const SHORT_ID: usize = 13;
const WHOLE_ID: usize = 36;
/// A terminal that whole IDs fit into.
const WIDE: usize = 115;
/// Causes start this far from the left.
const INDENT: &str = "    ";
/// The narrowest column of text in which causes are still readable.
const NARROWEST: usize = 40;

/// How jobs are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// One JSON object a line.
    Jsonl,
}

/// Prints the newest jobs of an integration, or the newest job of each.
pub async fn run(
    config: &Config,
    integration: Option<&Integration>,
    limit: usize,
    format: Format,
) -> anyhow::Result<ExitCode> {
    let found = with_store(config, async |store| {
        let listed = match integration {
            Some(integration) => vec![list(config, store, integration, limit).await?],
            None => list_all(config, store).await?,
        };
        Ok((store.is_some(), listed))
    });
    let (has_store, listed) = found.await?;
    if !has_store {
        eprintln!("{}", no_store(&config.store));
    }
    let now = Utc::now();
    print(&match (format, &listed[..]) {
        (Format::Jsonl, _) => listed.iter().flat_map(|listed| listed.as_json(now)).collect(),
        (Format::Table, [only]) if integration.is_some() => only.table(now, terminal::width()),
        (Format::Table, _) => overview(&listed, now),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// An integration with its newest jobs, newest first.
struct Listed<'a> {
    id: IntegrationId,
    name: &'a str,
    /// The arguments that name it in a command.
    arguments: String,
    jobs: Vec<Job>,
}

/// An integration with its newest jobs.
async fn list<'a>(
    config: &Config,
    store: Option<&Store>,
    integration: &'a Integration,
    limit: usize,
) -> anyhow::Result<Listed<'a>> {
    let jobs = match store {
        Some(store) => store.jobs(integration.id, &Page::First, limit).await?.items,
        None => Vec::new(),
    };
    Ok(Listed::new(config, integration, jobs))
}

/// All integrations, each with its newest job.
async fn list_all<'a>(config: &'a Config, store: Option<&Store>) -> anyhow::Result<Vec<Listed<'a>>> {
    let ids: Vec<IntegrationId> = config.integrations.iter().map(|integration| integration.id).collect();
    let mut newest = match store {
        Some(store) => store.newest_jobs(&ids).await?,
        None => HashMap::new(),
    };
    let listed = config.integrations.iter().map(|integration| {
        let jobs = newest.remove(&integration.id).into_iter().collect();
        Listed::new(config, integration, jobs)
    });
    Ok(listed.collect())
}

impl<'a> Listed<'a> {
    fn new(config: &Config, integration: &'a Integration, jobs: Vec<Job>) -> Listed<'a> {
        let arguments = format!("{}{}", argument(integration), config_option(config));
        Listed { id: integration.id, name: &integration.name, arguments, jobs }
    }
}

impl Listed<'_> {
    /// A line for each job, and below it why it ended so. In a terminal the whole fits into 80 columns; elsewhere IDs are
    /// whole and causes are one line.
    fn table(&self, now: DateTime<Utc>, width: Option<usize>) -> String {
        if self.jobs.is_empty() {
            return format!("{:?} has not been synced yet: it has no jobs.\n", self.name);
        }
        let is_narrow = width.is_some_and(|width| width < WIDE);
        let id_width = if is_narrow { SHORT_ID } else { WHOLE_ID };
        // In a narrow terminal there is no room for what started the jobs.
        let by = |text: &str| if is_narrow { String::new() } else { format!("  {text}") };
        let mut text = format!("{:<id_width$}  {}{}\n", "JOB", columns(HEADER), by("STARTED BY"));
        for job in &self.jobs {
            let id = job.id.to_string();
            let started_by = by(if job.scheduled_for.is_some() { "schedule" } else { "trigger" });
            text += &format!("{:<id_width$}  {}{started_by}\n", &id[..id_width], line(job, now));
            for note in self.notes(job, &id[..id_width]) {
                let note = match width {
                    Some(width) => textwrap::fill(&printable(&note), width.saturating_sub(INDENT.len()).max(NARROWEST)),
                    None => printable_line(&note),
                };
                text += &format!("{}\n", textwrap::indent(&note, INDENT));
            }
        }
        text
    }

    /// Why a job has not succeeded or what it left out, and the command that shows more.
    fn notes(&self, job: &Job, id: &str) -> Vec<String> {
        let cause = job.cause.as_ref().and_then(|cause| match job.status {
            JobStatus::Running => job.has_worker.then(|| format!("trying again: {cause}")),
            _ => Some(cause.clone()),
        });
        let refused = (job.rows_failed_with_errors > 0 && job.row_errors_deleted_at.is_none())
            .then(|| format!("refused rows: cdi-server row-errors {} --job {id}", self.arguments));
        let waits =
            is_waiting(job).then(|| "no worker has it; `cdi-server serve` or `serve --role worker` runs it".to_owned());
        // Why there was nothing to do interests after the last sync only.
        let is_newest = self.jobs.first().is_some_and(|newest| newest.id == job.id);
        let did_nothing = job.status == JobStatus::Success && job.rows_synced + job.spared.rows == 0;
        let nothing_new = (is_newest && did_nothing && cause.is_none()).then(|| {
            format!(
                "no new rows; see `cdi-server preview {0}`, or `cdi-server watermark {0} --reset` to read all rows again",
                self.arguments
            )
        });
        cause.into_iter().chain(spared(&job.spared)).chain(refused).chain(waits).chain(nothing_new).collect()
    }

    /// The jobs for programs, with the API's names for what the API has too.
    fn as_json(&self, now: DateTime<Utc>) -> impl Iterator<Item = String> {
        self.jobs.iter().map(move |job| {
            let object = json!({
                "integration_id": self.id.to_string(),
                "integration_name": self.name,
                "job_id": job.id.to_string(),
                "job_status": job.status.as_str(),
                "is_waiting": is_waiting(job),
                "sync_start_time": timestamp(job.sync_start_time),
                "sync_finish_time": job.sync_finish_time.map(timestamp),
                "duration_seconds": duration(job, now).as_secs_f64(),
                "last_timestamp_synced": job.last_timestamp_synced.map(timestamp),
                "rows_synced": job.rows_synced,
                "rows_failed_with_errors": job.rows_failed_with_errors,
                "rows_unchanged": job.spared.rows,
                "attributes_sent": job.spared.attributes_sent,
                "attributes_spared": job.spared.attributes_spared,
                "cause": job.cause,
                "scheduled_for": job.scheduled_for.map(timestamp),
                "row_errors_deleted_at": job.row_errors_deleted_at.map(timestamp),
            });
            format!("{object}\n")
        })
    }
}

/// A line for each integration with its newest job.
fn overview(listed: &[Listed<'_>], now: DateTime<Utc>) -> String {
    let title = "INTEGRATION".to_owned();
    let names: Vec<String> = listed.iter().map(|listed| printable_line(listed.name)).collect();
    let width = names.iter().chain([&title]).map(|name| display_width(name)).max().unwrap_or(0);
    let padded = |name: &str| format!("{name}{}", " ".repeat(width - display_width(name)));
    let mut text = format!("{}  {}\n", padded(&title), columns(HEADER));
    for (name, Listed { jobs, .. }) in names.iter().zip(listed) {
        let line = jobs.first().map_or_else(|| "never synced".to_owned(), |job| line(job, now));
        text += &format!("{}  {line}\n", padded(name));
    }
    let has_notes = |job: &Job| job.cause.is_some() || job.rows_failed_with_errors > 0;
    if listed.iter().flat_map(|listed| &listed.jobs).any(has_notes) {
        text += "\n`cdi-server jobs NAME` says why jobs have failed or refused rows.\n";
    }
    text
}

const HEADER: [&str; 5] = ["STATUS", "STARTED (UTC)", "TOOK", "DELIVERED", "REFUSED"];

fn columns([status, started, took, delivered, refused]: [&str; 5]) -> String {
    format!("{status:<12}  {started:<19}  {took:>8}  {delivered:>10}  {refused:>7}")
}

fn line(job: &Job, now: DateTime<Utc>) -> String {
    columns([
        if is_waiting(job) { "waiting" } else { job.status.as_str() },
        &job.sync_start_time.format("%Y-%m-%d %H:%M:%S").to_string(),
        &short(duration(job, now)),
        &grouped(job.rows_synced),
        &grouped(job.rows_failed_with_errors),
    ])
}

/// What a job with `only_changed` has left out; `None` without it.
fn spared(spared: &Spared) -> Option<String> {
    let attributes = spared.attributes_sent + spared.attributes_spared;
    (attributes + spared.rows > 0).then(|| {
        format!(
            "{} unchanged and not sent; {} of {} sent",
            counted(spared.rows, "row"),
            grouped(spared.attributes_sent),
            counted(attributes, "attribute")
        )
    })
}

/// Whether a job is in progress and no worker has it.
fn is_waiting(job: &Job) -> bool {
    job.status == JobStatus::Running && !job.has_worker
}

/// From the trigger to the end, or to now.
fn duration(job: &Job, now: DateTime<Utc>) -> Duration {
    (job.sync_finish_time.unwrap_or(now) - job.sync_start_time).to_std().unwrap_or_default()
}

/// A duration in its largest unit, for a column.
fn short(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match duration.as_secs() {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{seconds:.0} s"),
        60..3_600 => format!("{:.1} min", seconds / 60.0),
        3_600..172_800 => format!("{:.1} h", seconds / 3_600.0),
        _ => format!("{:.1} d", seconds / 86_400.0),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use uuid::Uuid;

    const NOW: &str = "2026-01-01T01:00:00Z";

    /// A job that has ended after 12 seconds and refused so many rows.
    pub fn a_job(refused: u64) -> Job {
        let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let id = format!("0197c0de-1234-7000-8000-{refused:012}");
        Job {
            id: crate::store::JobId::from(Uuid::parse_str(&id).unwrap()),
            status: if refused > 0 { JobStatus::Partial } else { JobStatus::Success },
            sync_start_time: start,
            has_worker: false,
            sync_finish_time: Some(start + Duration::from_secs(12)),
            last_timestamp_synced: None,
            rows_synced: 1_234_567,
            rows_failed_with_errors: refused,
            spared: Spared::default(),
            cause: None,
            scheduled_for: None,
            row_errors_deleted_at: None,
        }
    }

    fn listed(jobs: Vec<Job>) -> Listed<'static> {
        Listed { id: Uuid::nil().into(), name: "Users of ours", arguments: "'Users of ours'".into(), jobs }
    }

    fn jobs() -> Vec<Job> {
        let cause =
            "the source has no table `users`; check `table` in opencdi.toml, or create the table and trigger again";
        let waiting = Job { status: JobStatus::Running, sync_finish_time: None, rows_synced: 0, ..a_job(0) };
        let failed = Job { status: JobStatus::ConfigError, cause: Some(cause.into()), rows_synced: 0, ..a_job(0) };
        vec![waiting, failed, a_job(3), a_job(0)]
    }

    #[test]
    fn a_narrow_terminal_has_all_that_matters() {
        let table = listed(jobs()).table(NOW.parse().unwrap(), Some(80));
        assert_eq!(
            table,
            "\
JOB            STATUS        STARTED (UTC)            TOOK   DELIVERED  REFUSED
0197c0de-1234  waiting       2026-01-01 00:00:00     1.0 h           0        0
    no worker has it; `cdi-server serve` or `serve --role worker` runs it
0197c0de-1234  config_error  2026-01-01 00:00:00      12 s           0        0
    the source has no table `users`; check `table` in opencdi.toml, or create
    the table and trigger again
0197c0de-1234  partial       2026-01-01 00:00:00      12 s   1,234,567        3
    refused rows: cdi-server row-errors 'Users of ours' --job 0197c0de-1234
0197c0de-1234  success       2026-01-01 00:00:00      12 s   1,234,567        0
"
        );
        assert!(table.lines().all(|line| line.len() <= 80));
    }

    #[test]
    fn what_a_job_waits_for_or_left_out_is_noted() {
        let notes = |job: Job| {
            let table = listed(vec![job.clone(), a_job(0)]).table(NOW.parse().unwrap(), None);
            table.lines().skip(2).take_while(|line| line.starts_with(INDENT)).map(str::to_owned).collect::<Vec<_>>()
        };
        let job = |status, cause: Option<&str>| Job { status, cause: cause.map(str::to_owned), ..a_job(7) };
        let none = Job { rows_synced: 0, rows_failed_with_errors: 0, ..job(JobStatus::Success, None) };
        assert_eq!(
            notes(none.clone()),
            [
                "    no new rows; see `cdi-server preview 'Users of ours'`, or `cdi-server watermark 'Users of ours' --reset` to read all rows again"
            ]
        );
        assert_eq!(notes(Job { cause: Some("not taken: 1 row".into()), ..none.clone() }), ["    not taken: 1 row"]);
        assert_eq!(notes(Job { rows_synced: 1, ..none }), [""; 0]);
        let waits = Job { has_worker: true, rows_failed_with_errors: 0, ..job(JobStatus::Running, Some("disk full")) };
        assert_eq!(notes(waits.clone()), ["    trying again: disk full"]);
        let dead = notes(Job { has_worker: false, ..waits });
        assert!(matches!(&dead[..], [note] if note.contains("no worker has it")), "{dead:?}");
    }

    #[test]
    fn a_pipe_gets_whole_ids_and_causes_in_one_line() {
        let table = listed(jobs()).table(NOW.parse().unwrap(), None);
        assert!(table.contains("--job 0197c0de-1234-7000-8000-000000000003\n"), "{table}");
        assert!(table.contains("or create the table and trigger again\n"), "{table}");
        assert_eq!(table.lines().count(), 8);
    }

    #[test]
    fn an_overview_has_a_line_for_each_integration() {
        let never = Listed { id: Uuid::nil().into(), name: "新しい", arguments: String::new(), jobs: Vec::new() };
        let text = overview(&[listed(jobs()[1..2].to_vec()), never], NOW.parse().unwrap());
        assert_eq!(
            text,
            "\
INTEGRATION    STATUS        STARTED (UTC)            TOOK   DELIVERED  REFUSED
Users of ours  config_error  2026-01-01 00:00:00      12 s           0        0
新しい         never synced

`cdi-server jobs NAME` says why jobs have failed or refused rows.
"
        );
    }

    #[test]
    fn programs_get_everything() {
        let lines: Vec<_> = listed(jobs()).as_json(NOW.parse().unwrap()).collect();
        assert_eq!(
            lines[2],
            concat!(
                r#"{"integration_id":"00000000-0000-0000-0000-000000000000","integration_name":"Users of ours","#,
                r#""job_id":"0197c0de-1234-7000-8000-000000000003","job_status":"partial","is_waiting":false,"#,
                r#""sync_start_time":"2026-01-01T00:00:00.000000Z","sync_finish_time":"2026-01-01T00:00:12.000000Z","#,
                r#""duration_seconds":12.0,"last_timestamp_synced":null,"rows_synced":1234567,"#,
                r#""rows_failed_with_errors":3,"rows_unchanged":0,"attributes_sent":0,"attributes_spared":0,"#,
                r#""cause":null,"scheduled_for":null,"row_errors_deleted_at":null}"#,
                "\n"
            )
        );
        assert!(lines[0].contains(r#""is_waiting":true,"#) && lines[1].contains("the source has no table"));
    }

    #[test]
    fn what_started_a_job_is_shown() {
        let tick: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let listed = listed(vec![Job { scheduled_for: Some(tick), ..a_job(0) }, a_job(0)]);
        let table = listed.table(NOW.parse().unwrap(), None);
        let ends: Vec<&str> = table.lines().map(|line| line.rsplit("  ").next().unwrap()).collect();
        assert_eq!(ends, ["STARTED BY", "schedule", "trigger"]);
        let json: Vec<_> = listed.as_json(NOW.parse().unwrap()).collect();
        assert!(json[0].contains(r#""scheduled_for":"2026-01-01T00:00:00.000000Z""#), "{}", json[0]);
        assert!(json[1].contains(r#""scheduled_for":null"#), "{}", json[1]);
    }

    #[test]
    fn a_job_whose_row_errors_were_deleted_names_no_command_for_them() {
        let deleted = Job { row_errors_deleted_at: Some(NOW.parse().unwrap()), ..a_job(3) };
        let table = listed(vec![deleted, a_job(3)]).table(NOW.parse().unwrap(), None);
        assert_eq!(table.matches("row-errors").count(), 1, "{table}");
    }

    #[test]
    fn a_cause_cannot_control_the_terminal_and_is_one_line_in_a_pipe() {
        let cause = "the database has `a\u{1b}]0;title\u{7}\n`";
        let failed = Job { status: JobStatus::ConfigError, cause: Some(cause.into()), ..a_job(0) };
        for width in [None, Some(80)] {
            let table = listed(vec![failed.clone()]).table(NOW.parse().unwrap(), width);
            assert!(!table.contains(['\u{1b}', '\u{7}']) && table.contains("has `a\u{fffd}]0;title"), "{table}");
            assert!(width.is_some() || table.lines().count() == 3, "{table}");
        }
    }

    #[test]
    fn durations_are_short() {
        let text = |milliseconds| short(Duration::from_millis(milliseconds));
        let texts = [0, 9_940, 59_400, 66_000, 3_599_000, 86_400_000, 36_000_000_000].map(text);
        assert_eq!(texts, ["0.0 s", "9.9 s", "59 s", "1.1 min", "60.0 min", "24.0 h", "416.7 d"]);
    }
}
