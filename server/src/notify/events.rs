//! What there are messages about, and which of them the end of a job causes.

use super::Entry;
use crate::store::{EndedJob, JobStatus};

/// What a message is about. The names are those of `on` in `[[notify]]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A sync has ended in `error`. Of syncs in a row that end so, the first one and then the first one of each day; the same
    /// for `config_error` and `partial`.
    Error,
    /// A sync has ended in `config_error`.
    ConfigError,
    /// A sync has ended in `partial`.
    Partial,
    /// A sync has ended in `success`.
    Success,
    /// A sync has got to its end after others had failed, or after the integration was overdue.
    Recovered,
    /// No sync has got to its end for too long.
    Overdue,
}

impl Event {
    /// All of them.
    pub const ALL: [Event; 6] =
        [Event::Error, Event::ConfigError, Event::Partial, Event::Success, Event::Recovered, Event::Overdue];
    /// Those of an entry without `on`.
    pub const DEFAULT: [Event; 3] = [Event::Error, Event::ConfigError, Event::Recovered];

    /// Its name in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Event::Error => "error",
            Event::ConfigError => "config_error",
            Event::Partial => "partial",
            Event::Success => "success",
            Event::Recovered => "recovered",
            Event::Overdue => "overdue",
        }
    }

    /// Its name in messages.
    pub fn kind(self) -> &'static str {
        match self {
            Event::Error => "sync.error",
            Event::ConfigError => "sync.config_error",
            Event::Partial => "sync.partial",
            Event::Success => "sync.success",
            Event::Recovered => "integration.recovered",
            Event::Overdue => "integration.overdue",
        }
    }
}

/// The event that an entry tells of when a job has ended: at most one. A recovery is told instead of the success that it is.
pub(super) fn of_job(entry: &Entry, ended: &EndedJob) -> Option<Event> {
    let is_success = ended.job.status.is_success();
    let recovered = is_success && (ended.failing_since.is_some() || ended.overdue.contains(&entry.name));
    if recovered && entry.on.contains(&Event::Recovered) {
        return Some(Event::Recovered);
    }
    let event = match ended.job.status {
        JobStatus::Success => Event::Success,
        JobStatus::Partial => Event::Partial,
        JobStatus::Error => Event::Error,
        JobStatus::ConfigError => Event::ConfigError,
        JobStatus::Running => return None,
    };
    let is_told = entry.on.contains(&event) && (event == Event::Success || !is_repeated(ended));
    is_told.then_some(event)
}

/// Whether the job before it ended in the same status and was started on the same day (UTC). So an integration that fails every
/// quarter of an hour causes a message when that begins, and then one a day.
fn is_repeated(ended: &EndedJob) -> bool {
    ended.previous.is_some_and(|(status, started_at)| {
        status == ended.job.status && started_at.date_naive() == ended.job.sync_start_time.date_naive()
    })
}
