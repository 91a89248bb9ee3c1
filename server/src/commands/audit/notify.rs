//! What deserves attention in `[[notify]]` entries.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Finding, quoted};
use crate::config::Config;
use crate::notify::Entry;
use crate::text::counted;
use crate::types::Schedule;

/// For how long the ticks of schedules are compared with `overdue_after`: longer than a week, because patterns may leave out days
/// of the week.
const HORIZON: TimeDelta = TimeDelta::days(8);
/// The most ticks of a schedule that are looked at.
const TICKS: usize = 200;

/// Warnings of messages that are sent unsafely, to nobody, or between any two syncs.
pub(super) fn findings(config: &Config, now: DateTime<Utc>) -> impl Iterator<Item = Finding> {
    let about = config.notifications().integrations;
    let mut gaps = Gaps::default();
    config.notify.iter().flat_map(move |entry| {
        let subject = format!("notify {}", quoted(&entry.name));
        let silent =
            about.iter().filter(|(id, about)| entry.covers(id) && !entry.channel.reaches_somebody(about)).count();
        let silent = (silent > 0).then(|| {
            format!(
                "nobody is told of {}: without `to`, messages go to the `contact_emails`, and there are none",
                counted(silent, "integration")
            )
        });
        let overdue = gaps.always_overdue(config, entry, now);
        let warnings: Vec<String> = entry.channel.warning().into_iter().chain(silent).chain(overdue).collect();
        warnings.into_iter().map(move |warning| Finding::warning(&subject, warning))
    })
}

/// Two ticks with nothing between them.
type Gap = (DateTime<Utc>, DateTime<Utc>);

/// Gaps that were looked for. Many integrations have the same schedule.
#[derive(Default)]
struct Gaps(HashMap<(String, Duration), Option<Gap>>);

impl Gaps {
    /// The warning of an entry whose `overdue_after` is too short for schedules of its integrations.
    fn always_overdue(&mut self, config: &Config, entry: &Entry, now: DateTime<Utc>) -> Option<String> {
        let after = entry.overdue_after?;
        let scheduled = config.integrations.iter().filter(|known| entry.covers(&known.id) && !known.paused);
        let late: Vec<_> = scheduled
            .filter_map(|integration| {
                let schedule = integration.schedule.as_ref()?;
                let key = (format!("{schedule:?}"), after);
                let gap = *self.0.entry(key).or_insert_with(|| gap(schedule, after, now));
                Some((integration, schedule, gap?))
            })
            .collect();
        let (integration, schedule, (tick, next)) = late.first()?;
        let others = match late.len() - 1 {
            0 => String::new(),
            others => format!(" and {}", counted(others, "other integration")),
        };
        Some(format!(
            "`overdue_after` is {}, but the schedule of {} starts no sync between {} and {}; write a longer time, or there will be messages \
             about it{others} although nothing is wrong",
            humantime::format_duration(after),
            quoted(&integration.name),
            schedule.local(*tick),
            schedule.local(*next)
        ))
    }
}

/// The first two ticks of a schedule, of the next days, that are at least this far apart.
fn gap(schedule: &Schedule, after: Duration, now: DateTime<Utc>) -> Option<Gap> {
    let almost = TimeDelta::from_std(after).ok()? - TimeDelta::microseconds(1);
    let mut tick = schedule.next_after(now)?;
    for _ in 0..TICKS {
        match schedule.latest_between(tick, tick + almost) {
            Some(later) => tick = later,
            None => return Some((tick, schedule.next_after(tick)?)),
        }
        if tick > now + HORIZON {
            break;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, after: &str) -> Option<String> {
        let (schedule, after) = (Schedule::new(pattern).unwrap(), humantime::parse_duration(after).unwrap());
        // A Sunday.
        let now = "2026-11-29T12:00:00Z".parse().unwrap();
        gap(&schedule, after, now).map(|(tick, next)| format!("{} {}", schedule.local(tick), schedule.local(next)))
    }

    #[test]
    fn ticks_that_are_too_far_apart_are_found() {
        for (pattern, after) in [
            ("*/15 * * * *", "16m"),
            ("@daily", "25h"),
            ("0 6 * * 1-5", "73h"),
            ("* * * * *", "61s"),
            ("@weekly", "8d"),
        ] {
            assert_eq!(found(pattern, after), None, "{pattern} {after}");
        }
        for (pattern, after, expected) in [
            ("*/15 * * * *", "15m", "2026-11-29T12:15:00Z 2026-11-29T12:30:00Z"),
            ("@daily", "6h", "2026-11-30T00:00:00Z 2026-12-01T00:00:00Z"),
            ("0 6 * * 1-5", "25h", "2026-12-04T06:00:00Z 2026-12-07T06:00:00Z"),
            ("0 8-18 * * *", "12h", "2026-11-29T18:00:00Z 2026-11-30T08:00:00Z"),
            ("0 6 1 * *", "7d", "2026-12-01T06:00:00Z 2027-01-01T06:00:00Z"),
        ] {
            assert_eq!(found(pattern, after).as_deref(), Some(expected), "{pattern} {after}");
        }
    }
}
