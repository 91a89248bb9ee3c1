//! Random histories against a model of what is promised.
//!
//! Rows come, change and go, some late under the time of the watermark, some refused; workers die at any step, requests
//! fail. After every run the model, which knows only the rules, says which rows must have been dealt with, in which
//! order, and what the counters and the watermark must be.

use std::sync::OnceLock;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::rig::{LEASE, Rig, moment, time};
use crate::connectors::fake_braze::Answer;
use crate::store::{JobStatus, Watermark};
use crate::sync::run::Pace;

/// How many histories each test tries; `OPENCDI_HISTORIES` says otherwise.
const HISTORIES: u32 = 500;

#[derive(Debug, Clone)]
enum Step {
    /// Rows at that time, of that user and the next ones.
    Insert { time: i64, user: u8, rows: u8, bad: bool },
    /// A row at the time of the watermark.
    InsertLate { user: u8 },
    /// A row gets another time and another payload.
    Change { row: usize, time: i64 },
    /// A row goes.
    Delete { row: usize },
    /// A sync that dies after so many steps, and is resumed as often. A service gives these answers on the way.
    Sync { crashes: Vec<usize>, answers: Vec<Trouble> },
}

/// What may come in place of the usual answer.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    None,
    Error,
    Cut,
    /// The request arrives, its answer does not.
    CutAfterwards,
    TooMany,
    /// The request arrives, and something in between answers.
    Proxy,
}

impl Trouble {
    fn answer(self) -> Option<Answer> {
        Some(match self {
            Trouble::None => return None,
            Trouble::Error => Answer::new(500, ""),
            Trouble::Cut => Answer::cut(),
            Trouble::CutAfterwards => Answer::cut_afterwards(),
            Trouble::TooMany => Answer::new(429, "").header("Retry-After", "0"),
            Trouble::Proxy => Answer::accepted_with(200, "<html>"),
        })
    }
}

fn step() -> impl Strategy<Value = Step> {
    let time = || prop_oneof![4 => 0..5_i64, 1 => Just(FUTURE)];
    prop_oneof![
        3 => (time(), 0..6_u8, 1..6_u8, prop::bool::weighted(0.2))
            .prop_map(|(time, user, rows, bad)| Step::Insert { time, user, rows, bad }),
        2 => (0..6_u8).prop_map(|user| Step::InsertLate { user }),
        2 => (0..20_usize, time()).prop_map(|(row, time)| Step::Change { row, time }),
        1 => (0..20_usize).prop_map(|row| Step::Delete { row }),
        3 => (prop::collection::vec(1..60_usize, 0..3), prop::collection::vec(trouble(), 0..6))
            .prop_map(|(crashes, answers)| Step::Sync { crashes, answers }),
    ]
}

fn trouble() -> impl Strategy<Value = Trouble> {
    use Trouble::{Cut, CutAfterwards, Error, None, Proxy, TooMany};
    prop_oneof![Just(None), Just(Error), Just(Cut), Just(CutAfterwards), Just(TooMany), Just(Proxy)]
}

/// A time that does not come while the tests run.
const FUTURE: i64 = 100 * 365 * 86_400;

/// A row as the model knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    time: i64,
    user: String,
    payload: String,
    id: usize,
}

impl Row {
    fn is_bad(&self) -> bool {
        !self.payload.starts_with('{')
    }

    /// What tells it from all others.
    fn version(&self) -> &str {
        self.payload.trim_matches(|char: char| !char.is_ascii_digit())
    }
}

/// How far the rules say that the rows are dealt with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Reached {
    time: i64,
    /// Rows at that time that were dealt with, in reading order.
    at: Vec<Row>,
    /// Whether these were all.
    whole: bool,
}

struct History {
    rig: Rig,
    rows: Vec<Row>,
    versions: usize,
    reached: Option<Reached>,
    /// Rows of the job that were delivered, and that were refused.
    totals: (u64, u64),
}

impl History {
    async fn new(mut rig: Rig) -> History {
        rig.sql("ALTER TABLE {t} ADD COLUMN ID BIGINT").await;
        let (checkpoint, first_pause) = (Duration::from_micros(100), Duration::from_micros(100));
        rig.pace = Pace { checkpoint, first_pause, batch: 2, ..Pace::USUAL };
        History { rig, rows: Vec::new(), versions: 0, reached: None, totals: (0, 0) }
    }

    async fn insert(&mut self, time: i64, user: u8, bad: bool) {
        self.versions += 1;
        let (user, payload, id) = (format!("user-{user}"), payload(self.versions, bad), self.versions);
        let insert = format!("INSERT INTO {{t}} VALUES ('{}', '{user}', '{payload}', {id})", at(time));
        self.rig.sql(&insert).await;
        self.rows.push(Row { time, user, payload, id });
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Insert { time, user, rows, bad } => {
                for next in 0..*rows {
                    self.insert(*time, (user + next) % 6, *bad && next == 0).await;
                }
            }
            Step::InsertLate { user } => {
                let time = self.reached.as_ref().map_or(0, |reached| reached.time);
                self.insert(time, *user, false).await;
            }
            Step::Change { row, time } => {
                let count = self.rows.len();
                if count > 0 {
                    self.versions += 1;
                    let row = &mut self.rows[row % count];
                    (row.time, row.payload) = (*time, payload(self.versions, false));
                    let (time, payload, id) = (at(row.time), row.payload.clone(), row.id);
                    let update =
                        format!("UPDATE {{t}} SET UPDATED_AT = '{time}', PAYLOAD = '{payload}' WHERE ID = {id}");
                    self.rig.sql(&update).await;
                }
            }
            Step::Delete { row } => {
                let count = self.rows.len();
                if count > 0 {
                    let row = self.rows.remove(row % count);
                    self.rig.sql(&format!("DELETE FROM {{t}} WHERE ID = {}", row.id)).await;
                }
            }
            Step::Sync { .. } => unreachable!("it is not about rows"),
        }
    }

    /// The rows that a run must take by the rules, in their order, and those at the watermark that it leaves out.
    fn expected(&self) -> (Vec<Row>, Vec<Row>) {
        let mut rows: Vec<Row> = self.rows.iter().filter(|row| row.time < FUTURE).cloned().collect();
        // SQLite's rows have places, Postgres' are told apart by what they say.
        let place = |row: &Row| if self.rig.reads_sqlite() { row.id } else { 0 };
        rows.sort_by_key(|row| (row.time, place(row), row.user.clone(), row.payload.clone()));
        let Some(reached) = &self.reached else {
            return (rows, Vec::new());
        };
        let at: Vec<Row> = rows.iter().filter(|row| row.time == reached.time).cloned().collect();
        let left_out = if reached.whole {
            // Only their number counts.
            if at.len() == reached.at.len() { at } else { Vec::new() }
        } else {
            // They must stand in front as they did.
            let says =
                |rows: &[Row]| rows.iter().map(|row| (row.user.clone(), row.payload.clone())).collect::<Vec<_>>();
            let front = &at[..at.len().min(reached.at.len())];
            if says(front) == says(&reached.at) { front.to_vec() } else { Vec::new() }
        };
        let taken = rows.into_iter().filter(|row| row.time >= reached.time && !left_out.contains(row)).collect();
        (taken, left_out)
    }

    /// Takes note that so many of the expected rows are dealt with.
    fn dealt(&mut self, taken: &[Row], left_out: Vec<Row>, whole: bool) {
        let before = self.reached.take();
        let Some(last) = taken.last() else {
            self.reached = before.map(|reached| Reached {
                at: if whole { left_out } else { reached.at },
                whole: reached.whole || whole,
                ..reached
            });
            return;
        };
        let mut at = if before.is_some_and(|reached| reached.time == last.time) { left_out } else { Vec::new() };
        at.extend(taken.iter().filter(|row| row.time == last.time).cloned());
        self.reached = Some(Reached { time: last.time, at, whole });
    }
}

fn payload(version: usize, bad: bool) -> String {
    if bad { format!("[{version}]") } else { format!("{{\"version\":{version}}}") }
}

/// Half of the times are written in another way.
fn at(seconds: i64) -> String {
    if seconds % 2 == 0 { time(seconds) } else { moment(seconds).format("%Y-%m-%d %H:%M:%S").to_string() }
}

fn version(object: &Value) -> String {
    object["version"].to_string()
}

/// What a part of a job that had a worker of its own has done.
struct Part {
    /// What it should take.
    expected: Vec<Row>,
    /// How much of that it has dealt with.
    dealt: usize,
    /// Whether the job has ended with it.
    ended: bool,
}

/// One part of a job after the other, until it has ended; each is compared with the rules.
async fn sync(
    history: &mut History,
    crashes: &[usize],
    mut look: impl FnMut(&History, &Part) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    history.rig.trigger().await;
    let mut crashes = crashes.iter();
    let (mut synced, mut failed) = (0, 0);
    loop {
        let (expected, left_out) = history.expected();
        let claimed = history.rig.claim(LEASE).await;
        let ended = match crashes.next() {
            Some(steps) => history.rig.crash(claimed, *steps).await,
            None => {
                history.rig.run(claimed, LEASE).await.unwrap();
                true
            }
        };
        let watermark = history.rig.store.watermark(history.rig.integration.id).await.unwrap();
        let job = history.rig.job().await;
        let dealt = (job.rows_synced + job.rows_failed_with_errors - synced - failed) as usize;
        if ended {
            prop_assert_eq!(dealt, expected.len(), "a run that has ended has dealt with everything");
        }
        (synced, failed) = (job.rows_synced, job.rows_failed_with_errors);
        let part = Part { expected, dealt, ended };
        let taken = &part.expected[..dealt];
        history.totals.0 += taken.iter().filter(|row| !row.is_bad()).count() as u64;
        history.totals.1 += taken.iter().filter(|row| row.is_bad()).count() as u64;
        prop_assert_eq!((synced, failed), history.totals);
        history.dealt(taken, left_out, watermark.is_some_and(|watermark| watermark.digest.is_none()));
        if dealt > 0 {
            compare(watermark, history.reached.as_ref())?;
        }
        look(history, &part)?;
        if ended {
            prop_assert_eq!(history.rig.row_errors().await.len() as u64, failed);
            let status = match (synced, failed) {
                (_, 0) => JobStatus::Success,
                (0, _) => JobStatus::Error,
                _ => JobStatus::Partial,
            };
            prop_assert_eq!(job.status, status);
            history.totals = (0, 0);
            return Ok(());
        }
    }
}

async fn sync_into_file(history: &mut History, crashes: &[usize]) -> Result<(), TestCaseError> {
    let lines_before = history.rig.lines().len();
    let mut lines = Vec::new();
    sync(history, crashes, |history, part| {
        let taken = &part.expected[..part.dealt];
        lines.extend(taken.iter().filter(|row| !row.is_bad()).map(|row| row.version().to_owned()));
        if part.ended {
            let found: Vec<String> = history.rig.lines()[lines_before..].iter().map(version).collect();
            prop_assert_eq!(&found, &lines, "in order, each once");
        }
        Ok(())
    })
    .await
}

async fn sync_into_service(history: &mut History, crashes: &[usize], answers: &[Trouble]) -> Result<(), TestCaseError> {
    // What is left of an earlier sync would make more failures in a row than a row survives.
    history.rig.stand_in.behave();
    history.rig.stand_in.script(answers.iter().filter_map(|answer| answer.answer()));
    let mut before = history.rig.stand_in.accepted();
    sync(history, crashes, |history, part| {
        let accepted = history.rig.stand_in.objects();
        let new: Vec<String> = accepted[before..].iter().map(version).collect();
        before = accepted.len();
        let good = |rows: &[Row]| rows.iter().filter(|row| !row.is_bad()).cloned().collect::<Vec<_>>();
        for row in good(&part.expected[..part.dealt]) {
            prop_assert!(new.iter().any(|version| version == row.version()), "{row:?} is lost");
        }
        for version in &new {
            let promised = part.expected.iter().any(|row| row.version() == version);
            prop_assert!(promised, "the version {version} was left out by the rules");
        }
        if part.ended {
            // However often something was sent: what a user ends with is the newest.
            for user in (0..6).map(|user| format!("user-{user}")) {
                let of_user: Vec<Row> = good(&part.expected).into_iter().filter(|row| row.user == user).collect();
                let is_of_user = |version: &&String| of_user.iter().any(|row| row.version() == version.as_str());
                let (last, sent) = (of_user.last().map(Row::version), new.iter().rfind(is_of_user));
                prop_assert_eq!(sent.map(String::as_str), last);
            }
        }
        Ok(())
    })
    .await
}

fn compare(watermark: Option<Watermark>, reached: Option<&Reached>) -> Result<(), TestCaseError> {
    let found = watermark.map(|watermark| (watermark.updated_at, watermark.rows_at));
    let expected = reached.map(|reached| (moment(reached.time), reached.at.len() as u64));
    prop_assert_eq!(found, expected);
    Ok(())
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap())
}

fn histories() -> TestRunner {
    let all = std::env::var("OPENCDI_HISTORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(HISTORIES);
    TestRunner::new(Config { cases: all, failure_persistence: None, ..Config::default() })
}

#[test]
fn a_file_has_exactly_what_the_rules_say_in_order() {
    into_file(async || Rig::into_file().await);
}

#[test]
fn a_file_has_exactly_what_the_rules_say_in_order_reading_postgres() {
    let columns = "UPDATED_AT timestamptz, EXTERNAL_ID text, PAYLOAD text";
    into_file(async || Rig::into_file().await.reading_postgres(columns).await);
}

#[test]
fn a_file_has_exactly_what_the_rules_say_in_order_from_texts_in_postgres() {
    let columns = "UPDATED_AT varchar(40), EXTERNAL_ID text, PAYLOAD text";
    into_file(async || Rig::into_file().await.reading_postgres(columns).await);
}

fn into_file(rig: impl AsyncFn() -> Rig) {
    let steps = prop::collection::vec(step(), 1..14);
    let ran = histories().run(&steps, |steps| {
        runtime().block_on(async {
            let mut history = History::new(rig().await).await;
            for step in &steps {
                match step {
                    Step::Sync { crashes, .. } => sync_into_file(&mut history, crashes).await?,
                    step => history.take(step).await,
                }
            }
            sync_into_file(&mut history, &[]).await
        })
    });
    ran.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_service_gets_what_the_rules_say_at_least_once() {
    let steps = prop::collection::vec(step(), 1..14);
    let ran = histories().run(&steps, |steps| {
        runtime().block_on(async {
            let mut history = History::new(Rig::into_service().await).await;
            for step in &steps {
                match step {
                    Step::Sync { crashes, answers } => {
                        sync_into_service(&mut history, crashes, answers).await?;
                    }
                    step => history.take(step).await,
                }
            }
            sync_into_service(&mut history, &[], &[]).await
        })
    });
    ran.unwrap_or_else(|error| panic!("{error}"));
}
