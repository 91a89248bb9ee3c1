//! How long run-time data is kept.

use std::time::Duration;

use super::{Retention, file};
use crate::settings::{DurationText, Limits, Reader};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// At least a day, because otherwise people would find nothing of what went wrong in the night. Forever is a century.
const LIMITS: Limits =
    Limits { shortest: (DAY, "1d"), longest: (DAY.saturating_mul(36_600), "100y"), or_forever: true };
const JOBS: Duration = DAY.saturating_mul(365);
const ROW_ERRORS: Duration = DAY.saturating_mul(30);

/// Reads the table `[retention]`.
pub(super) fn read(reader: &mut Reader<'_>, written: file::Retention) -> Retention {
    let span = written.row_errors.as_ref().map(DurationText::span);
    let jobs = reader.duration_within(written.jobs, JOBS, &LIMITS);
    let row_errors = reader.duration_within(written.row_errors, ROW_ERRORS.min(jobs), &LIMITS);
    if let Some(span) = span.filter(|_| row_errors > jobs) {
        let message = "row errors are deleted with their job at the latest; make this no longer than `jobs`, or set `jobs` to at least as much";
        reader.problem(span, message);
    }
    Retention { jobs, row_errors }
}
