//! An integration: a source, a destination, and the settings of its syncs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::destination::Destination;
use super::source::Source;
use crate::store::{Route, StoredRecord, Watermark};
use crate::types::{IntegrationId, IntegrationKind, Schedule};

/// The integrations of a configuration.
pub type Integrations = Arc<BTreeMap<IntegrationId, Arc<Integration>>>;

/// A configured integration.
#[derive(Debug, Clone)]
pub struct Integration {
    /// Its ID.
    pub id: IntegrationId,
    /// Its display name.
    pub name: String,
    /// The workspace it belongs to.
    pub workspace: String,
    /// Its `type`: attributes, events, purchases or user deletes.
    pub kind: IntegrationKind,
    /// Whether its schedule is off. Triggers still work.
    pub paused: bool,
    /// When it is synced without being triggered.
    pub schedule: Option<Schedule>,
    /// Whether the payloads of refused rows are kept with their row errors.
    pub keep_payloads: bool,
    /// Whether objects carry only attributes that have changed since the destination acknowledged them. For attributes only.
    pub only_changed: bool,
    /// A run that refuses a larger share of its rows than this ends early, from 0 to 1; `None`: never.
    pub max_failed_share: Option<f64>,
    /// A sync that takes longer ends in `error`, counted from its first claim by a worker.
    pub max_duration: Duration,
    /// How far below the watermark rows are read again and compared with the record, to find rows that were committed late.
    pub lookback: Duration,
    /// E-mail addresses of the people responsible, as listed in the API.
    pub contact_emails: Vec<String>,
    /// The source of its rows.
    pub source: Arc<dyn Source>,
    /// The destination of its objects.
    pub destination: Arc<dyn Destination>,
}

impl Integration {
    /// The first tick of its schedule after a time; `None` without a schedule, and while it is paused.
    pub fn next_run(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let schedule = self.schedule.as_ref().filter(|_| !self.paused)?;
        schedule.next_after(after)
    }

    /// The source, destination and type that its watermark belongs to.
    pub fn route(&self) -> Route {
        Route {
            source: self.source.identity(),
            destination: self.destination.identity(),
            kind: self.kind.as_str().to_owned(),
        }
    }

    /// The cause if the stored watermark and record belong to another route than this integration's, with what to do about it;
    /// `None` if the sync may continue from them. They do not apply to another table, destination or type.
    pub fn route_mismatch(
        &self,
        before: Option<&Route>,
        watermark: &Watermark,
        record: &StoredRecord,
    ) -> Option<String> {
        let has_state = watermark.updated_at.is_some() || record.changes > 0;
        let before = before.filter(|_| has_state)?;
        let (now, name) = (self.route(), &self.name);
        let parts = [
            ("source", &before.source, &now.source),
            ("destination", &before.destination, &now.destination),
            ("type", &before.kind, &now.kind),
        ];
        let (what, before, now) = parts.into_iter().find(|(_, before, now)| before != now)?;
        Some(format!(
            "the {what} has changed since the watermark was written, from {before} to {now}; nothing was read. \
             To continue from the watermark, run `cdi-server watermark {name:?} --keep`; to sync all rows again, run `cdi-server watermark {name:?} --reset`"
        ))
    }
}
