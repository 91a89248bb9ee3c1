//! The schedules of integrations.

use std::collections::HashMap;

use crate::settings::{Reader, Text};
use crate::types::{NotASchedule, Schedule, Zone};

/// Reads schedules; equal ones share their memory.
#[derive(Debug, Default)]
pub(super) struct Schedules {
    /// By pattern.
    read: HashMap<String, Result<Schedule, NotASchedule>>,
}

impl Schedules {
    /// The schedule of an integration, if it has a valid one.
    pub fn read(
        &mut self,
        reader: &mut Reader<'_>,
        schedule: Option<Text>,
        timezone: Option<Text>,
    ) -> Option<Schedule> {
        let Some(written) = schedule else {
            if let Some(timezone) = timezone {
                let message = "`timezone` is for a `schedule`, which this integration does not have; add one, or remove this line";
                reader.problem(timezone.span(), message);
            }
            return None;
        };
        let pattern = written.get_ref();
        let read = self.read.entry(pattern.clone()).or_insert_with(|| Schedule::new(pattern));
        let schedule = match read {
            Ok(schedule) => Some(schedule.clone()),
            Err(error) => {
                reader.problem(written.span(), error.to_string());
                None
            }
        };
        let Some(timezone) = timezone else { return schedule };
        match timezone.get_ref().parse::<Zone>() {
            Ok(zone) => schedule.map(|schedule| schedule.in_zone(zone)),
            Err(error) => {
                reader.problem(timezone.span(), error.to_string());
                None
            }
        }
    }
}
