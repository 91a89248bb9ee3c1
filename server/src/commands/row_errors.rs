//! `cdi-server row-errors`: the rows that a job has refused, so that a person can repair the source.

use std::borrow::Cow;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde_json::json;

use super::{argument, config_option, no_store, with_store, written};
use crate::config::{Config, Integration};
use crate::process::{print, print_data};
use crate::store::{Job, JobId, JobIdPrefix, Page, RowError, Store};
use crate::text::{counted, grouped, timestamp};

/// How many to ask the store for at once.
const AT_ONCE: usize = 1000;

/// How they are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// A table for spreadsheets, with a header. Cells that they would take for formulas have a `'` in front.
    Csv,
}

/// Prints the row errors of a job: without one, of the newest that refused rows.
pub async fn run(
    config: &Config,
    integration: &Integration,
    job: Option<JobIdPrefix>,
    format: Format,
) -> anyhow::Result<ExitCode> {
    with_store(config, async |store| print_errors(config, store, integration, job, format).await).await?;
    Ok(ExitCode::SUCCESS)
}

async fn print_errors(
    config: &Config,
    store: Option<&Store>,
    integration: &Integration,
    job: Option<JobIdPrefix>,
    format: Format,
) -> anyhow::Result<()> {
    let name = &integration.name;
    let Some(store) = store else { bail!(no_store(&config.store)) };
    let Some(newest) = store.jobs(integration.id, &Page::First, 1).await?.items.pop() else {
        bail!("{name:?} has not been synced yet: it has no jobs")
    };
    let job = match job {
        Some(prefix) => one_of(config, integration, &store.find_jobs(integration.id, &prefix).await?, &prefix)?,
        None => match store.newest_job_with_row_errors(integration.id).await? {
            Some(job) => job,
            None => {
                eprintln!("No job of {name:?} has refused a row.");
                return Ok(());
            }
        },
    };
    if format == Format::Csv {
        print("number,updated_at,identifier,reason,payload\n")?;
    }
    let (mut last, mut printed) = (0, 0);
    loop {
        let errors = store.row_errors(job, last, AT_ONCE).await?;
        let Some((newest, _)) = errors.last() else { break };
        last = *newest;
        printed += errors.len() as u64;
        print_data(&match format {
            Format::Jsonl => errors.iter().map(|(number, error)| as_json(*number, error)).collect(),
            Format::Csv => as_csv(&errors)?,
        })?;
    }
    let Some(job) = store.job(integration.id, job).await? else { bail!("the store has no job {job}") };
    for note in notes(&job, &newest, printed) {
        eprintln!("{note}");
    }
    if format == Format::Csv && printed > 0 && !integration.keep_payloads {
        eprintln!("Payloads are not kept: `keep_payloads = true` in the integration keeps them from the next sync on.");
    }
    if printed > 0 {
        eprintln!("Refused rows are not sent again by themselves: correct them, and give them a new UPDATED_AT.");
    }
    Ok(())
}

/// The job that a prefix names.
fn one_of(config: &Config, integration: &Integration, found: &[JobId], prefix: &JobIdPrefix) -> anyhow::Result<JobId> {
    let name = &integration.name;
    match found {
        [job] => Ok(*job),
        [] => bail!(
            "{name:?} has no job {prefix}; `cdi-server jobs {}{}` lists them",
            argument(integration),
            config_option(config)
        ),
        [job, ..] => bail!("several jobs of {name:?} begin with {prefix}, such as {job}; give more of the ID"),
    }
}

/// What there is to say on standard error, beside the row errors themselves.
fn notes(job: &Job, newest: &Job, printed: u64) -> Vec<String> {
    let (id, refused) = (job.id, job.rows_failed_with_errors);
    let mut notes = Vec::new();
    match (printed, refused) {
        (0, 0) => notes.push(format!("The job {id} has refused no rows.")),
        (_, refused) if let Some(deleted_at) = job.row_errors_deleted_at => notes.push(format!(
            "The job {id} has refused {}; their errors were deleted at {}, because they were older than `row_errors` in [retention].",
            counted(refused, "row"),
            written(deleted_at)
        )),
        (printed, refused) if refused > printed => {
            notes.push(format!(
                "The job {id} has refused {}; the errors of the first {} are kept.",
                counted(refused, "row"),
                grouped(printed)
            ));
        }
        _ => {}
    }
    if printed > 0 && id != newest.id {
        notes.push(format!(
            "These are from the job {id}, which started at {}. The newest job, {}, has refused {}.",
            written(job.sync_start_time),
            newest.id,
            counted(newest.rows_failed_with_errors, "row")
        ));
    }
    notes
}

fn as_json(number: u64, error: &RowError) -> String {
    let identifier: Option<serde_json::Value> =
        error.identifier.as_ref().and_then(|identifier| serde_json::from_str(identifier).ok());
    let mut line = json!({
        "number": number,
        "updated_at": timestamp(error.updated_at),
        "identifier": identifier,
        "reason": error.reason,
    });
    if let (Some(payload), Some(object)) = (&error.payload, line.as_object_mut()) {
        object.insert("payload".into(), payload.clone().into());
    }
    format!("{line}\n")
}

/// A text that no spreadsheet runs as a formula. Sources may have texts of strangers, and destinations answer with theirs.
fn cell(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{text}").into() } else { text.into() }
}

fn as_csv(errors: &[(u64, RowError)]) -> anyhow::Result<String> {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    for (number, error) in errors {
        let (identifier, payload) = (error.identifier.as_deref(), error.payload.as_deref());
        let (number, updated_at) = (number.to_string(), timestamp(error.updated_at));
        let texts = [&number, &updated_at, identifier.unwrap_or_default(), &error.reason, payload.unwrap_or_default()];
        writer.write_record(texts.map(|text| cell(text).into_owned()))?;
    }
    String::from_utf8(writer.into_inner().context("the table cannot be written")?).context("it is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::super::jobs::tests::a_job;
    use super::*;

    fn error() -> RowError {
        RowError {
            identifier: Some(r#"{"external_id":"a,b"}"#.into()),
            updated_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            reason: "it is \"bad\"".into(),
            payload: None,
        }
    }

    #[test]
    fn a_line_is_an_object_that_programs_can_read() {
        assert_eq!(
            as_json(7, &error()),
            "{\"number\":7,\"updated_at\":\"2026-01-01T00:00:00.000000Z\",\"identifier\":{\"external_id\":\"a,b\"},\"reason\":\"it is \\\"bad\\\"\"}\n"
        );
        let kept = RowError { payload: Some("[".into()), identifier: None, ..error() };
        assert!(
            as_json(7, &kept).ends_with("\"identifier\":null,\"reason\":\"it is \\\"bad\\\"\",\"payload\":\"[\"}\n")
        );
    }

    #[test]
    fn it_says_how_many_rows_were_refused_where_not_all_are_kept() {
        let (job, newer) = (a_job(123_456), a_job(0));
        let id = job.id;
        assert_eq!(notes(&newer, &newer, 0), [format!("The job {} has refused no rows.", newer.id)]);
        assert_eq!(notes(&job, &job, 123_456), [""; 0]);
        let of_the_first = format!("The job {id} has refused 123,456 rows; the errors of the first 10,000 are kept.");
        assert_eq!(notes(&job, &job, 10_000), [of_the_first]);
        let from_an_older = format!(
            "These are from the job {id}, which started at 2026-01-01T00:00:00Z. The newest job, {}, has refused 0 rows.",
            newer.id
        );
        assert_eq!(notes(&job, &newer, 123_456), [from_an_older]);
        let deleted = Job { row_errors_deleted_at: Some("2026-02-01T00:00:00Z".parse().unwrap()), ..job };
        let until_then = format!(
            "The job {id} has refused 123,456 rows; their errors were deleted at 2026-02-01T00:00:00Z, because they were older than `row_errors` in [retention]."
        );
        assert_eq!(notes(&deleted, &newer, 0), [until_then]);
    }

    #[test]
    fn a_spreadsheet_runs_no_cell_as_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(cell(text), format!("'{text}"));
        }
        for text in ["", "a=b", "{\"external_id\":\"=1\"}", "'=1"] {
            assert_eq!(cell(text), text);
        }
        let payload = Some("=HYPERLINK(\"https://example.com\")".to_owned());
        assert!(
            as_csv(&[(7, RowError { payload, ..error() })])
                .unwrap()
                .ends_with(",\"'=HYPERLINK(\"\"https://example.com\"\")\"\n")
        );
    }

    #[test]
    fn a_table_quotes_what_needs_it() {
        assert_eq!(
            as_csv(&[(7, error())]).unwrap(),
            "7,2026-01-01T00:00:00.000000Z,\"{\"\"external_id\"\":\"\"a,b\"\"}\",\"it is \"\"bad\"\"\",\n"
        );
    }
}
