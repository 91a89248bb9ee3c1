//! How long run-time data is kept.

use std::time::Duration;

use super::{Retention, file};
use crate::settings::{DurationText, Reader};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Below a day, people would find nothing of what went wrong in the night.
const SHORTEST: Duration = DAY;
const LONGEST: Duration = DAY.saturating_mul(36_600);
const JOBS: Duration = DAY.saturating_mul(365);
const ROW_ERRORS: Duration = DAY.saturating_mul(30);

/// Reads the table `[retention]`.
pub(super) fn read(reader: &mut Reader<'_>, written: file::Retention) -> Retention {
    let span = written.row_errors.as_ref().map(DurationText::span);
    let jobs = age(reader, written.jobs).unwrap_or(JOBS);
    let row_errors = age(reader, written.row_errors);
    if let (Some(span), Some(row_errors)) = (span, row_errors)
        && row_errors > jobs
    {
        let message = "row errors are deleted with their job at the latest; make this no longer than `jobs`, or set `jobs` to at least as much";
        reader.problem(span, message);
    }
    Retention { jobs, row_errors: row_errors.unwrap_or(ROW_ERRORS.min(jobs)) }
}

fn age(reader: &mut Reader<'_>, written: Option<DurationText>) -> Option<Duration> {
    let written = written?;
    let read = match written.get_ref().read() {
        Ok(age) if age < SHORTEST => Err("this is too short: data is kept for at least \"1d\"".to_owned()),
        Ok(age) if age > LONGEST => Err("this is too long; the longest possible is \"100y\"".to_owned()),
        read => read,
    };
    read.map_err(|message| reader.problem(written.span(), message)).ok()
}
