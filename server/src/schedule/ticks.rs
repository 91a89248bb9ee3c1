//! What a process knows of the ticks of its schedules: which are due, and when the next one is.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::Scheduled;
use crate::types::IntegrationId;

/// A last tick further ahead than this is an error.
const AHEAD: TimeDelta = TimeDelta::hours(1);

/// The schedules of a process, with their last ticks as far as it knows. Another replica may know later ones.
#[derive(Debug)]
pub(super) struct Ticks {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    scheduled: Scheduled,
    ticked_at: DateTime<Utc>,
    next: Option<DateTime<Utc>>,
}

/// A tick that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    /// The place of its schedule.
    place: usize,
    pub integration: IntegrationId,
    pub tick: DateTime<Utc>,
    pub paused: bool,
}

impl Ticks {
    /// These schedules with their last ticks; those without one begin now.
    pub fn new(scheduled: &[Scheduled], last: &HashMap<IntegrationId, DateTime<Utc>>, now: DateTime<Utc>) -> Ticks {
        let entry = |scheduled: &Scheduled| {
            let ticked_at = last.get(&scheduled.integration).copied().unwrap_or(now);
            let next = scheduled.schedule.next_after(ticked_at);
            Entry { scheduled: scheduled.clone(), ticked_at, next }
        };
        Ticks { entries: scheduled.iter().map(entry).collect() }
    }

    /// The latest tick of each schedule that has ticks up to now.
    pub fn due(&self, now: DateTime<Utc>) -> Vec<Due> {
        let due = |(place, Entry { scheduled, ticked_at, next }): (usize, &Entry)| {
            (*next).filter(|next| *next <= now)?;
            let tick = scheduled.schedule.latest_between(*ticked_at, now)?;
            Some(Due { place, integration: scheduled.integration, tick, paused: scheduled.paused })
        };
        self.entries.iter().enumerate().filter_map(due).collect()
    }

    /// Notes the last tick that was dealt with.
    pub fn note(&mut self, due: &Due, ticked_at: DateTime<Utc>) {
        if let Some(entry) = self.entries.get_mut(due.place) {
            entry.ticked_at = ticked_at;
            entry.next = entry.scheduled.schedule.next_after(ticked_at);
        }
    }

    /// The earliest tick that was not dealt with.
    pub fn next(&self) -> Option<DateTime<Utc>> {
        self.entries.iter().filter_map(|entry| entry.next).min()
    }

    /// Whether a last tick is so far ahead that the clock must have been wrong when it was noted.
    pub fn are_ahead(&self, now: DateTime<Utc>) -> bool {
        self.entries.iter().any(|entry| entry.ticked_at > now + AHEAD)
    }
}
