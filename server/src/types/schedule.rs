//! When an integration is synced: a cron pattern in a time zone.
//!
//! Daylight saving is treated as cron does. A tick at a fixed time that the clock skips comes right after the gap, and one that
//! the clock repeats comes once, the first time. Ticks of a pattern with `*` in the hour or minute follow the elapsed time.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound as _, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};

/// The fields of a pattern, with the lowest and the highest number of each.
const FIELDS: [(&str, u32, u32); 5] =
    [("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7)];
/// Short forms of patterns, without their `@`.
const SHORT_FORMS: [&str; 7] = ["yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly"];

/// A cron pattern in a time zone. A tick is a time that it names, always a whole minute. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Schedule {
    written: Arc<str>,
    /// It is 5 kB large.
    cron: Arc<Cron>,
    zone: Tz,
}

impl fmt::Debug for Schedule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Schedule({:?}, {})", self.written, self.zone)
    }
}

/// Why a text is not the pattern of a schedule, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotASchedule {
    /// It has more or fewer than five fields.
    #[error("{}", wrong_fields(*.0))]
    Fields(usize),
    /// It begins with `@` and is none of the short forms.
    #[error("unknown short form; the short forms are `@{}`", SHORT_FORMS.join("`, `@"))]
    ShortForm,
    /// A field is wrong; the text says which and why.
    #[error("this is not a cron pattern: {0}")]
    Field(String),
    /// It names days that no month has.
    #[error("this schedule has no tick: there is no such date")]
    Never,
}

/// A time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Tz);

impl FromStr for Zone {
    type Err = NotAZone;

    fn from_str(name: &str) -> Result<Zone, NotAZone> {
        name.parse().map(Zone).map_err(|_| NotAZone(similar_zone(name)))
    }
}

/// The text is not the name of a time zone; perhaps this one was meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown time zone; {}", .0.map_or_else(
    || "write a name of the IANA database, such as `Europe/Berlin`, or `UTC`".to_owned(),
    |zone| format!("did you mean `{zone}`?")
))]
pub struct NotAZone(Option<&'static str>);

fn wrong_fields(found: usize) -> String {
    let what = match found {
        6 | 7 => "this has fields for seconds or years, which are not supported; ",
        _ => "",
    };
    format!(
        "{what}write five fields (minute, hour, day of the month, month, day of the week), such as `*/15 * * * *` for every quarter of an hour; found {found}"
    )
}

impl Schedule {
    /// The schedule with this pattern, in UTC.
    pub fn new(pattern: &str) -> Result<Schedule, NotASchedule> {
        let trimmed = pattern.trim();
        match trimmed.strip_prefix('@') {
            Some(name) if SHORT_FORMS.iter().any(|known| known.eq_ignore_ascii_case(name)) => {}
            Some(_) => return Err(NotASchedule::ShortForm),
            None => refuse_wrong_fields(trimmed)?,
        }
        // The parser does not know it.
        let is_midnight = trimmed.eq_ignore_ascii_case("@midnight");
        let cron = parse(if is_midnight { "@daily" } else { trimmed }).map_err(NotASchedule::Field)?;
        let schedule = Schedule { written: trimmed.into(), cron: Arc::new(cron), zone: Tz::UTC };
        match schedule.next_after(DateTime::UNIX_EPOCH) {
            Some(_) => Ok(schedule),
            None => Err(NotASchedule::Never),
        }
    }

    /// The same pattern in a time zone.
    pub fn in_zone(self, zone: Zone) -> Schedule {
        Schedule { zone: zone.0, ..self }
    }

    /// The first tick after a time. Every schedule has ticks for centuries.
    pub fn next_after(&self, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let time = time.trunc_subsecs(0).with_timezone(&self.zone);
        self.cron.find_next_occurrence(&time, false).ok().map(|tick| tick.to_utc())
    }

    /// The last tick after one time and up to another, if there is any.
    pub fn latest_between(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let until = until.trunc_subsecs(0).with_timezone(&self.zone);
        let tick = self.cron.find_previous_occurrence(&until, true).ok()?.to_utc();
        (tick > after).then_some(tick)
    }

    /// A time as it is written in the schedule's time zone: with its offset, and the zone if it is not UTC.
    pub fn local(&self, time: DateTime<Utc>) -> String {
        match self.zone {
            Tz::UTC => time.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            zone => format!("{} ({zone})", time.with_timezone(&zone).format("%Y-%m-%dT%H:%M:%S%:z")),
        }
    }
}

/// The pattern as it was written.
impl fmt::Display for Schedule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written.fmt(formatter)
    }
}

fn parse(pattern: &str) -> Result<Cron, String> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(pattern).map_err(|error| match error {
        CronError::ComponentError(reason) => reason.trim_end_matches('.').to_lowercase(),
        CronError::IllegalCharacters(_) => "it has characters that do not belong there".to_owned(),
        other => other.to_string(),
    })
}

/// Checks each field alone, because errors of the parser do not name it.
fn refuse_wrong_fields(pattern: &str) -> Result<(), NotASchedule> {
    let fields: Vec<&str> = pattern.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Err(NotASchedule::Fields(fields.len()));
    }
    for (place, (field, (name, lowest, highest))) in fields.into_iter().zip(FIELDS).enumerate() {
        let mut alone = ["*"; FIELDS.len()];
        alone[place] = field;
        // The parser takes `*/90` for minute 0.
        let steps = field.split(',').filter_map(|part| part.split_once('/')?.1.parse::<u32>().ok());
        let reason = match parse(&alone.join(" ")) {
            Err(reason) => reason,
            Ok(_) if field.split(',').any(str::is_empty) => "the list has an empty part".to_owned(),
            Ok(_) if steps.max() > Some(highest) => "the step is larger than the field".to_owned(),
            Ok(_) => continue,
        };
        let message = format!("the {name} `{field}`: {reason} (numbers are from {lowest} to {highest})");
        return Err(NotASchedule::Field(message));
    }
    Ok(())
}

/// The zone that was perhaps meant: in other letters, without its continent, or with a slip.
fn similar_zone(written: &str) -> Option<&'static str> {
    /// From 0 to 1, where 1 is equal.
    const SIMILAR: f64 = 0.85;
    let written = written.trim().to_lowercase().replace(' ', "_");
    if written.is_empty() {
        return None;
    }
    let likeness = |zone: &Tz| {
        let name = zone.name().to_lowercase();
        let city = name.rsplit('/').next().unwrap_or_default();
        strsim::normalized_damerau_levenshtein(&name, &written)
            .max(0.99 * strsim::normalized_damerau_levenshtein(city, &written))
    };
    let scored = TZ_VARIANTS.iter().map(|zone| (likeness(zone), zone.name()));
    let (likeness, zone) = scored.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (likeness >= SIMILAR).then_some(zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use proptest::prelude::*;

    fn schedule(pattern: &str, zone: &str) -> Schedule {
        Schedule::new(pattern).unwrap().in_zone(zone.parse().unwrap())
    }

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// The ticks after one time and up to another, in the schedule's zone, shortened to the minute and the offset.
    fn ticks(schedule: &Schedule, after: &str, until: &str) -> Vec<String> {
        let (mut at, until, mut ticks) = (time(after), time(until), Vec::new());
        while let Some(tick) = schedule.next_after(at).filter(|tick| *tick <= until) {
            ticks.push(tick.with_timezone(&schedule.zone).format("%d %H:%M%:z").to_string());
            at = tick;
        }
        ticks
    }

    #[test]
    fn ticks_are_whole_minutes_after_a_time() {
        let quarter = schedule("*/15 * * * *", "UTC");
        assert_eq!(quarter.next_after(time("2026-11-29T12:00:00Z")), Some(time("2026-11-29T12:15:00Z")));
        assert_eq!(quarter.next_after(time("2026-11-29T12:14:59.999999Z")), Some(time("2026-11-29T12:15:00Z")));
        assert_eq!(quarter.next_after(time("2026-11-29T12:15:00.000001Z")), Some(time("2026-11-29T12:30:00Z")));
        let (noon, later) = (time("2026-11-29T12:00:00Z"), time("2026-11-29T12:52:07.5Z"));
        assert_eq!(quarter.latest_between(noon, later), Some(time("2026-11-29T12:45:00Z")));
        assert_eq!(quarter.latest_between(noon, time("2026-11-29T12:15:00Z")), Some(time("2026-11-29T12:15:00Z")));
        assert_eq!(quarter.latest_between(noon, time("2026-11-29T12:14:59.9Z")), None);
        assert_eq!(quarter.latest_between(noon, noon - TimeDelta::days(1)), None);
        assert_eq!(schedule("@daily", "Asia/Kathmandu").next_after(noon), Some(time("2026-11-29T18:15:00Z")));
        assert!(schedule(" 0  3 * * mon-fri ", "UTC").to_string().starts_with("0  3"));
    }

    #[test]
    fn days_are_named_in_all_documented_ways() {
        for (pattern, days) in [
            // February of 2026 begins on a Sunday, August on a Saturday.
            ("0 6 L * *", "01-31 02-28 03-31"),
            ("0 6 1W 2,8 *", "02-02 08-03 02-01"),
            ("0 6 15W 2,8 *", "02-16 08-14 02-15"),
            ("0 6 * * MON#1", "01-05 02-02 03-02"),
            ("0 6 ? * 5L", "01-30 02-27 03-27"),
            ("0 6 13 * +FRI", "02-13 03-13 11-13"),
            ("0 6 13 2 FRI", "02-06 02-13 02-20"),
            ("0 6 28 2 ?", "02-28 02-28 02-28"),
            ("@midnight", "01-02 01-03 01-04"),
        ] {
            let schedule = schedule(pattern, "Europe/Berlin");
            let (mut at, mut found) = (time("2026-01-01T12:00:00Z"), Vec::new());
            for _ in 0..40 {
                let tick = schedule.next_after(at).unwrap();
                assert_eq!(schedule.latest_between(at, tick), Some(tick), "{pattern}");
                assert_eq!(schedule.latest_between(at, tick - TimeDelta::seconds(1)), None, "{pattern}");
                assert_eq!(schedule.latest_between(at, tick + TimeDelta::hours(20)), Some(tick), "{pattern}");
                found.push(tick.with_timezone(&schedule.zone).format("%m-%d").to_string());
                at = tick;
            }
            assert_eq!(found[..3].join(" "), days, "{pattern}");
        }
    }

    #[test]
    fn a_tick_that_the_clock_skips_comes_right_after_the_gap() {
        // 02:00 to 03:00 is skipped.
        let berlin = schedule("30 2 * * *", "Europe/Berlin");
        let days = ticks(&berlin, "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z");
        assert_eq!(days, ["29 03:00+02:00", "30 02:30+02:00"]);
        let new_york = schedule("30 2 * * *", "America/New_York");
        let days = ticks(&new_york, "2026-03-07T12:00:00Z", "2026-03-09T12:00:00Z");
        assert_eq!(days, ["08 03:00-04:00", "09 02:30-04:00"]);
        let quarter = schedule("*/15 * * * *", "Europe/Berlin");
        let quarters = ticks(&quarter, "2026-03-29T00:30:00Z", "2026-03-29T01:15:00Z");
        assert_eq!(quarters, ["29 01:45+01:00", "29 03:00+02:00", "29 03:15+02:00"]);
    }

    #[test]
    fn a_tick_in_the_repeated_hour_comes_once() {
        let berlin = schedule("30 2 * * *", "Europe/Berlin");
        let days = ticks(&berlin, "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z");
        assert_eq!(days, ["25 02:30+02:00", "26 02:30+01:00"]);
        let new_york = schedule("30 1 * * *", "America/New_York");
        let days = ticks(&new_york, "2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z");
        assert_eq!(days, ["01 01:30-04:00", "02 01:30-05:00"]);
        // A look in the second of the two hours finds the tick in the first.
        let after = time("2026-10-25T00:00:00Z");
        let tick = time("2026-10-25T00:30:00Z");
        assert_eq!(berlin.latest_between(after, time("2026-10-25T01:45:00Z")), Some(tick));
        assert_eq!(berlin.latest_between(tick, time("2026-10-25T01:45:00Z")), None);
        // Every quarter of an hour goes on.
        let quarter = schedule("*/30 * * * *", "Europe/Berlin");
        let halves = ticks(&quarter, "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z");
        assert_eq!(halves, ["25 02:30+02:00", "25 02:00+01:00", "25 02:30+01:00", "25 03:00+01:00"]);
    }

    #[test]
    fn what_is_not_a_schedule_is_refused_with_what_to_write() {
        let refused = |pattern: &str| Schedule::new(pattern).unwrap_err().to_string();
        for (pattern, expected) in [
            ("0 0 30 2 *", "this schedule has no tick: there is no such date"),
            ("0 0 31 4,6,9,11 *", "this schedule has no tick: there is no such date"),
            ("@reboot", "unknown short form; the short forms are `@yearly`, `@annually`, `@monthly`"),
            ("@every 5m", "unknown short form"),
            ("", "write five fields"),
            (
                "15m",
                "write five fields (minute, hour, day of the month, month, day of the week), such as `*/15 * * * *`",
            ),
            ("0 */15 * * * *", "this has fields for seconds or years, which are not supported; write five fields"),
            ("0 0 12 * * ? 2030", "this has fields for seconds or years"),
            (
                "60 * * * *",
                "this is not a cron pattern: the minute `60`: number out of bounds (numbers are from 0 to 59)",
            ),
            (
                "* 24 * * *",
                "this is not a cron pattern: the hour `24`: number out of bounds (numbers are from 0 to 23)",
            ),
            ("*/0 * * * *", "this is not a cron pattern: the minute `*/0`: step cannot be zero"),
            ("*/90 * * * *", "this is not a cron pattern: the minute `*/90`: the step is larger than the field"),
            ("* * * * */8", "this is not a cron pattern: the day of the week `*/8`: the step is larger than the field"),
            ("30-10 * * * *", "this is not a cron pattern: the minute `30-10`: "),
            ("a * * * *", "this is not a cron pattern: the minute `a`: it has characters that do not belong there"),
            ("0 0 * * FOO", "this is not a cron pattern: the day of the week `FOO`: it has characters"),
            ("0, * * * *", "this is not a cron pattern: the minute `0,`: the list has an empty part"),
        ] {
            let message = refused(pattern);

            assert!(message.starts_with(expected), "{pattern}: {message}");
        }
        for pattern in [
            "@hourly",
            "@Daily",
            "@Midnight",
            "0 0 29 2 *",
            "5,35 8-18 * * 1-5",
            "0 6 L * *",
            "0 0 * jan,jul sun#1",
            "0 0 ? * 7",
        ] {
            assert!(Schedule::new(pattern).is_ok(), "{pattern}");
        }
    }

    #[test]
    fn an_unknown_zone_is_answered_with_the_one_that_was_meant() {
        let refused = |zone: &str| zone.parse::<Zone>().unwrap_err().to_string();
        for (zone, meant) in [
            ("europe/berlin", "Europe/Berlin"),
            ("Europe/Berln", "Europe/Berlin"),
            ("Berlin", "Europe/Berlin"),
            ("new york", "America/New_York"),
            ("America/New York", "America/New_York"),
            ("utc", "UTC"),
        ] {
            assert_eq!(refused(zone), format!("unknown time zone; did you mean `{meant}`?"));
        }
        for zone in ["", "local", "UTC+2", "Mars/Olympus"] {
            assert!(refused(zone).contains("such as `Europe/Berlin`, or `UTC`"), "{}", refused(zone));
        }
    }

    #[test]
    fn a_time_is_shown_in_the_schedules_zone() {
        let at = time("2026-07-01T01:00:00Z");
        assert_eq!(schedule("@daily", "UTC").local(at), "2026-07-01T01:00:00Z");
        assert_eq!(schedule("@daily", "Europe/Berlin").local(at), "2026-07-01T03:00:00+02:00 (Europe/Berlin)");
    }

    /// Patterns of all kinds, with hours in which clocks change.
    pub fn any_schedule() -> impl Strategy<Value = Schedule> {
        let minute = prop_oneof![Just("*/7"), Just("0"), Just("30"), Just("5,59"), Just("*"), Just("10-20/5")];
        let hour =
            prop_oneof![Just("*"), Just("*/2"), Just("0"), Just("1"), Just("2"), Just("3"), Just("1-3"), Just("23")];
        let day = prop_oneof![Just("*"), Just("29"), Just("25"), Just("*/5")];
        let weekday = prop_oneof![4 => Just("*"), 1 => Just("0"), 1 => Just("1-5")];
        let zone = prop_oneof![
            Just("UTC"),
            Just("Europe/Berlin"),
            Just("America/New_York"),
            Just("Australia/Lord_Howe"),
            Just("America/Santiago")
        ];
        (minute, hour, day, weekday, zone).prop_map(|(minute, hour, day, weekday, zone)| {
            schedule(&format!("{minute} {hour} {day} * {weekday}"), zone)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

        /// Searching backwards finds what searching forwards finds, around changes of the clock too.
        #[test]
        fn the_latest_tick_is_the_last_of_all(
            schedule in any_schedule(),
            change in prop_oneof![
                Just("2026-03-29T01:00:00Z"), Just("2026-10-25T01:00:00Z"), Just("2026-03-08T07:00:00Z"), Just("2026-11-01T06:00:00Z"),
                Just("2026-04-04T15:00:00Z"), Just("2026-10-03T15:30:00Z"), Just("2026-04-05T03:00:00Z"), Just("2026-09-06T04:00:00Z"),
            ],
            before in 0..400_i64, length in 0..800_i64, micros in 0..60_000_000_i64,
        ) {
            let after = time(change) - TimeDelta::minutes(before);
            let until = after + TimeDelta::minutes(length) + TimeDelta::microseconds(micros);
            let (mut last, mut at) = (None, after);
            while let Some(tick) = schedule.next_after(at).filter(|tick| *tick <= until) {
                prop_assert!(tick > at);
                (last, at) = (Some(tick), tick);
            }
            prop_assert_eq!(schedule.latest_between(after, until), last, "{}", schedule);
        }
    }
}
