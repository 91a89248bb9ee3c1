//! What the command line does besides serving: each command in a file.

pub mod check;
pub mod key;
pub mod preview;
pub mod row_errors;
pub mod watermark;

use chrono::{DateTime, SecondsFormat, Utc};

/// A time for people.
fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
