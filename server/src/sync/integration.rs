//! An integration: what is synced from where to where.

use std::sync::Arc;
use std::time::Duration;

use super::destination::Destination;
use super::source::Source;
use crate::store::{Route, StoredRecord, Watermark};
use crate::types::{IntegrationId, IntegrationKind};

/// What is synced from where to where, and how far a run of it may go.
#[derive(Debug, Clone)]
pub struct Integration {
    /// Its ID.
    pub id: IntegrationId,
    /// Its name, for people.
    pub name: String,
    /// The workspace it belongs to.
    pub workspace: String,
    /// What is synced.
    pub kind: IntegrationKind,
    /// Whether its schedule is off.
    pub paused: bool,
    /// Whether the payloads of refused rows are kept with their row errors.
    pub keep_payloads: bool,
    /// A run that refuses a larger share of its rows than this ends early, from 0 to 1; nothing where it never does.
    pub max_failed_share: Option<f64>,
    /// A sync that takes longer ends in `error`, from the moment in which a worker first takes it.
    pub max_duration: Duration,
    /// How far below the watermark rows are read again, and compared with what was acknowledged, to find those that were
    /// committed late.
    pub lookback: Duration,
    /// Whom to tell about failures.
    pub contact_emails: Vec<String>,
    /// Where rows come from.
    pub source: Arc<dyn Source>,
    /// Where objects go.
    pub destination: Arc<dyn Destination>,
}

impl Integration {
    /// What its watermark belongs to.
    pub fn route(&self) -> Route {
        Route {
            source: self.source.identity(),
            destination: self.destination.identity(),
            kind: self.kind.as_str().to_owned(),
        }
    }

    /// Why it does not go on from a watermark and a record that belong to this, and what to do; nothing where it does. They say
    /// nothing about rows of another table, or about what another destination has.
    pub fn refuses(&self, before: Option<&Route>, watermark: &Watermark, record: &StoredRecord) -> Option<String> {
        let is_something_known = watermark.updated_at.is_some() || record.changes > 0;
        let before = before.filter(|_| is_something_known)?;
        let (now, name) = (self.route(), &self.name);
        let parts = [
            ("source", &before.source, &now.source),
            ("destination", &before.destination, &now.destination),
            ("type", &before.kind, &now.kind),
        ];
        let (what, before, now) = parts.into_iter().find(|(_, before, now)| before != now)?;
        Some(format!(
            "the integration has another {what} than the one that its watermark belongs to: {now} instead of {before}; nothing was read. \
             `cdi-server watermark {name:?} --keep` continues from the watermark, `cdi-server watermark {name:?} --reset` starts with the first row"
        ))
    }
}
