//! `cdi-server row-errors`: the rows that a job has refused, so that a person can repair the source.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use chrono::SecondsFormat;
use serde_json::json;

use super::with_store;
use crate::config::{Config, Integration};
use crate::process::print;
use crate::store::{JobId, RowError, Store};

/// How many to ask the store for at once.
const AT_ONCE: usize = 1000;

/// How they are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// A table with a header.
    Csv,
}

/// Prints the row errors of a job, the newest where none is named.
pub async fn run(
    config: &Config,
    integration: &Integration,
    job: Option<JobId>,
    format: Format,
) -> anyhow::Result<ExitCode> {
    with_store(config, async |store| print_errors(store, integration, job, format).await).await?;
    Ok(ExitCode::SUCCESS)
}

async fn print_errors(
    store: Option<&Store>,
    integration: &Integration,
    job: Option<JobId>,
    format: Format,
) -> anyhow::Result<()> {
    let found = match store {
        Some(store) => store.find_job(integration.id, job).await?.map(|job| (store, job)),
        None => None,
    };
    let Some((store, job)) = found else {
        match job {
            Some(job) => bail!("{:?} has no job {job}", integration.name),
            None => bail!("{:?} has had no job yet", integration.name),
        }
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
        print(&match format {
            Format::Jsonl => errors.iter().map(|(number, error)| as_json(*number, error)).collect(),
            Format::Csv => as_csv(&errors)?,
        })?;
    }
    let refused = store.job(integration.id, job).await?.map_or(0, |job| job.rows_failed_with_errors);
    if let Some(note) = note(job, printed, refused) {
        eprintln!("{note}");
    }
    Ok(())
}

/// What there is to say beside the row errors themselves.
fn note(job: JobId, printed: u64, refused: u64) -> Option<String> {
    match (printed, refused) {
        (0, 0) => Some(format!("the job {job} has no row errors; `--job` names another, whose ID the log has")),
        (printed, refused) if refused > printed => {
            Some(format!("the job {job} has refused {refused} rows; the errors of the first {printed} are kept"))
        }
        _ => None,
    }
}

fn as_json(number: u64, error: &RowError) -> String {
    let identifier: Option<serde_json::Value> =
        error.identifier.as_ref().and_then(|identifier| serde_json::from_str(identifier).ok());
    let mut line = json!({
        "number": number,
        "updated_at": time(error),
        "identifier": identifier,
        "reason": error.reason,
    });
    if let (Some(payload), Some(object)) = (&error.payload, line.as_object_mut()) {
        object.insert("payload".into(), payload.clone().into());
    }
    format!("{line}\n")
}

fn as_csv(errors: &[(u64, RowError)]) -> anyhow::Result<String> {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    for (number, error) in errors {
        let (identifier, payload) = (error.identifier.as_deref(), error.payload.as_deref());
        let record = [
            &number.to_string(),
            &time(error),
            identifier.unwrap_or_default(),
            &error.reason,
            payload.unwrap_or_default(),
        ];
        writer.write_record(record)?;
    }
    String::from_utf8(writer.into_inner().context("the table cannot be written")?).context("it is not UTF-8")
}

fn time(error: &RowError) -> String {
    error.updated_at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
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
        let job: JobId = "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01".parse().unwrap();
        assert!(note(job, 0, 0).unwrap().contains("has no row errors"));
        assert_eq!(note(job, 7, 7), None);
        assert_eq!(
            note(job, 10_000, 123_456).unwrap(),
            format!("the job {job} has refused 123456 rows; the errors of the first 10000 are kept")
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
