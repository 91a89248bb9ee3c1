//! Lets a history happen to a real source, a real sync and a real destination, and collects what can be seen from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::super::rig::{LEASE, Place, Rig};
use super::changes::{Setting, changes};
use super::history::{Cut, LOOKBACKS, Mood, Step, Trouble};
use super::judge::{Broken, Evidence, Promise};
use super::world::{Change, Content, TimeFormat, World, time_of, user_name};
use crate::connectors::fake_braze::{Answer, Received};
use crate::store::{Job, JobStatus};
use crate::sync::run_tuning::RunTuning;
use crate::types::IntegrationKind;

/// How long a request is tried again. A service that fails at somebody for good is given up on soon.
const PATIENT: Duration = Duration::from_secs(20);
const IMPATIENT: Duration = Duration::from_millis(30);
/// Failed requests at the end of a sync that ended in error: what was answered before the first of these is known.
const LAST_FAILURES: usize = 3;

pub struct Drive {
    rig: Rig,
    setting: Setting,
    world: World,
    evidence: Evidence,
    /// Whether a job is in progress.
    in_progress: bool,
    /// Whether anything of the job in progress was cut.
    was_cut: bool,
    /// The job's counters when its last part ended.
    dealt_before: u64,
    /// Whether the last sync ended well, and nothing has changed since.
    quiet: bool,
    /// What has happened, for people.
    pub log: String,
}

macro_rules! log {
    ($drive:expr, $($what:tt)*) => { writeln!($drive.log, $($what)*).unwrap() };
}

/// Lets a history happen. What has happened, and what was broken.
pub async fn drive(place: &Place, setting: Setting, steps: &[Step]) -> (String, Result<(), Broken>) {
    let mut drive = Drive::new(place, setting).await;
    let result = drive.all(steps).await;
    drive.rig.clear().await;
    (drive.log, result)
}

impl Drive {
    async fn new(place: &Place, setting: Setting) -> Drive {
        let payload = if setting.kind == IntegrationKind::UserDeletes { "" } else { "PAYLOAD text, " };
        let mut rig = if setting.postgres {
            let time = if setting.format == TimeFormat::Timestamptz { "timestamptz" } else { "varchar(40)" };
            let columns = format!("UPDATED_AT {time}, EXTERNAL_ID text, {payload}ID bigint");
            Rig::at(place, "UPDATED_AT").await.reading_postgres(&columns).await
        } else {
            Rig::at(place, &format!("UPDATED_AT, EXTERNAL_ID, {payload}ID")).await
        };
        rig.integration.kind = setting.kind;
        if setting.file {
            rig.deliver_into_file();
        }
        let (checkpoint, first_pause) = (Duration::from_micros(100), Duration::from_micros(100));
        rig.tuning = RunTuning { checkpoint, first_pause, batch: 2, ..RunTuning::DEFAULT };
        let evidence = Evidence {
            kind: setting.kind,
            is_file: setting.file,
            arrived: Vec::new(),
            arrived_before: 0,
            errors: BTreeMap::new(),
            may_be_refused: BTreeSet::new(),
            unknown: 0,
            hidden: 0,
            rows_synced: 0,
            rows_failed: 0,
        };
        Drive {
            rig,
            setting,
            world: World::new(),
            evidence,
            in_progress: false,
            was_cut: false,
            dealt_before: 0,
            quiet: false,
            log: String::new(),
        }
    }

    async fn all(&mut self, steps: &[Step]) -> Result<(), Broken> {
        for step in steps {
            self.take(step).await?;
        }
        // Where all rows are refused a job ends in error, though it has dealt with them.
        for _ in 0..3 {
            if self.sync(Cut::None, &Mood::default()).await? {
                self.sync(Cut::None, &Mood::default()).await?;
                return Ok(());
            }
        }
        Err(Broken::new(Promise::EndsWell, "three syncs in a row did not end well, with a service that works"))
    }

    async fn take(&mut self, step: &Step) -> Result<(), Broken> {
        match step {
            Step::Set { batch, lookback, share } => {
                let lookback = LOOKBACKS[*lookback as usize];
                log!(self, "settings: {batch} objects a batch, a lookback of {} minutes", lookback.as_secs() / 60);
                // A longer one may find what was too late for the shorter.
                self.quiet &= lookback <= self.rig.integration.lookback;
                self.rig.tuning.batch = *batch as usize;
                self.rig.integration.lookback = lookback;
                self.rig.integration.max_failed_share = share.then_some(0.5);
            }
            Step::Sync { cut, mood } => {
                self.sync(*cut, mood).await?;
            }
            step => {
                for change in changes(&self.world, self.setting, step) {
                    self.change(change).await;
                }
            }
        }
        Ok(())
    }

    /// Something changes in the source.
    async fn change(&mut self, change: Change) {
        let (kind, format) = (self.setting.kind, self.setting.format);
        let payload = |content: &Content| match kind {
            IntegrationKind::UserDeletes => String::new(),
            _ => format!(", PAYLOAD = '{}'", content.says.payload(kind)),
        };
        match &change {
            Change::Insert(content) => {
                let id = self.world.next_id();
                log!(self, "row {id} comes: {content}");
                let (time, payload) = (format.sql(content.time), payload(content).replace(" PAYLOAD =", ""));
                self.rig
                    .sql(&format!("INSERT INTO {{t}} VALUES ({time}, '{}'{payload}, {id})", content.user_name()))
                    .await;
            }
            Change::Update(row, content) => {
                let (id, time) = (self.world.rows[*row].id, format.sql(content.time));
                log!(self, "row {id} changes: {content}");
                let (user, payload) = (content.user_name(), payload(content));
                let set = format!("UPDATED_AT = {time}, EXTERNAL_ID = '{user}'{payload}");
                self.rig.sql(&format!("UPDATE {{t}} SET {set} WHERE ID = {id}")).await;
            }
            Change::Delete(row) => {
                let row = &self.world.rows[*row];
                log!(self, "row {} goes: {}", row.id, row.content);
                self.rig.sql(&format!("DELETE FROM {{t}} WHERE ID = {}", row.id)).await;
            }
        }
        self.world.apply(change);
        self.quiet = false;
    }

    /// A sync, or one more part of it. Whether it has ended well.
    async fn sync(&mut self, cut: Cut, mood: &Mood) -> Result<bool, Broken> {
        if !self.in_progress {
            self.rig.trigger().await;
            (self.in_progress, self.was_cut, self.dealt_before) = (true, false, 0);
        }
        if !self.setting.file {
            self.set_mood(mood);
        }
        self.world.begin_part(self.rig.integration.lookback);
        let (arrived_before, requests_before) = (self.evidence.arrived.len(), self.rig.stand_in.requests());
        let claimed = self.rig.claim(LEASE).await;
        let ended = match cut {
            Cut::None => {
                self.rig.run(claimed, LEASE).await.unwrap();
                true
            }
            Cut::Crash(steps) => self.rig.crash(claimed, steps.into()).await,
            Cut::Stop(steps) => self.rig.stop_after(claimed, steps.into()).await,
        };
        self.rig.stand_in.behave();
        let job = self.rig.job().await;
        let is_well = matches!(job.status, JobStatus::Success | JobStatus::Partial);
        let requests = if self.setting.file {
            Vec::new()
        } else {
            if !is_well {
                self.let_requests_arrive().await;
            }
            self.rig.stand_in.received().split_off(requests_before)
        };
        let requests: Vec<Received> =
            requests.into_iter().filter(|request| request.path.starts_with("/users/")).collect();
        self.evidence.arrived = if self.setting.file { self.lines(is_well) } else { self.rig.stand_in.objects() };
        let new = self.evidence.arrived.len().saturating_sub(arrived_before);
        log!(
            self,
            "{}sync {cut:?}{}: {}, {} requests, {new} arrive: {}{}",
            if self.dealt_before > 0 || self.was_cut { "(resumed) " } else { "" },
            if *mood == Mood::default() { String::new() } else { format!(" {mood:?}") },
            if ended { job.status.as_str() } else { "goes on" },
            requests.len(),
            self.evidence.arrived[self.evidence.arrived.len() - new..]
                .iter()
                .map(super::judge::canonical)
                .collect::<Vec<_>>()
                .join(" "),
            job.cause.as_deref().map_or(String::new(), |cause| format!(" ({cause})")),
        );

        let is_untroubled = !self.was_cut && *mood == Mood::default() && cut == Cut::None;
        self.was_cut |= !ended;
        if !self.setting.file {
            self.count_unknown(cut, &job, ended, is_well, &requests);
        }
        self.dealt_before = job.rows_synced;
        if self.quiet && (new > 0 || !requests.is_empty()) {
            return Err(Broken::new(
                Promise::Idle,
                format!(
                    "nothing has changed since a sync that ended well, and there were {} requests and {new} objects more",
                    requests.len()
                ),
            ));
        }
        if ended {
            self.in_progress = false;
            self.take_job(&job).await?;
        }
        self.evidence.nothing_is_invented(&self.world, arrived_before.min(self.evidence.arrived.len()))?;
        if is_untroubled && ended {
            self.check_order(arrived_before)?;
        }
        if !is_well {
            return Ok(false);
        }
        self.evidence.judge(&self.world)?;
        self.world.settle();
        self.evidence.arrived_before = self.evidence.arrived.len();
        self.quiet = true;
        Ok(true)
    }

    /// What is in the file. After a crash its end may be half a line, until the sync goes on.
    fn lines(&self, is_well: bool) -> Vec<serde_json::Value> {
        if is_well {
            return self.rig.lines();
        }
        let text = std::fs::read_to_string(self.rig.file()).unwrap_or_default();
        text.lines().map_while(|line| serde_json::from_str(line).ok()).collect()
    }

    fn set_mood(&mut self, mood: &Mood) {
        let stand_in = &self.rig.stand_in;
        let answer = |trouble: &Trouble| {
            Some(match trouble {
                Trouble::None => return None,
                Trouble::Error => Answer::new(500, ""),
                Trouble::Unavailable => Answer::new(503, ""),
                Trouble::TooMany => Answer::new(429, "").header("Retry-After", "0"),
                Trouble::Cut => Answer::cut(),
                Trouble::CutAfterwards => Answer::cut_afterwards(),
                Trouble::Proxy => Answer::accepted_with(200, "<html>"),
                Trouble::ErrorAfterwards => Answer::accepted_with(502, "<html>"),
                Trouble::Refused => Answer::new(400, r#"{"message":"no"}"#),
            })
        };
        stand_in.behave();
        stand_in.script(mood.answers.iter().filter_map(answer));
        let (fails_at, refuses) = (mood.fails_at.map(quoted), mood.refuses.map(quoted));
        stand_in.rule(move |body| {
            let is_in = |user: &Option<String>| user.as_ref().is_some_and(|user| body.contains(user));
            if is_in(&fails_at) {
                Some(Answer::new(500, ""))
            } else {
                is_in(&refuses).then(|| Answer::new(400, r#"{"message":"no"}"#))
            }
        });
        self.evidence.may_be_refused.extend(mood.fails_at.into_iter().chain(mood.refuses));
        if mood.answers.iter().any(|trouble| matches!(trouble, Trouble::Refused | Trouble::Error)) {
            self.evidence.may_be_refused.extend(0..super::history::USERS);
        }
        self.rig.service().give_up_after = if mood.fails_at.is_some() { IMPATIENT } else { PATIENT };
    }

    /// Requests of a worker that has died may still be on their way. Nobody could tell these from ones that overtake those of
    /// the next worker; the oracle judges only what is decided.
    async fn let_requests_arrive(&self) {
        for _ in 0..2 {
            let address = self.rig.stand_in.url().replace("http://", "");
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET /later HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
            stream.read_to_end(&mut Vec::new()).await.unwrap();
        }
    }

    /// Counts what may have arrived without the sync knowing.
    fn count_unknown(&mut self, cut: Cut, job: &Job, ended: bool, is_well: bool, requests: &[Received]) {
        let accepted = |requests: &[Received]| requests.iter().map(|request| request.accepted).sum::<usize>();
        // The service itself answers 201.
        let by_a_proxy = requests.iter().filter(|request| request.status == Some(200));
        self.evidence.hidden += by_a_proxy.map(|request| objects(&request.body) - request.accepted).sum::<usize>();
        let is_failure = |request: &&Received| request.status.is_none_or(|status| status >= 300);
        let unanswered: usize = requests.iter().filter(is_failure).map(|request| request.accepted).sum();
        self.evidence.unknown += if !ended && matches!(cut, Cut::Crash(_)) {
            // What the job has counted is known.
            accepted(requests).saturating_sub((job.rows_synced - self.dealt_before) as usize)
        } else if ended && !is_well {
            // What was in flight when it gave up.
            let mut failures = requests.iter().enumerate().filter(|(_, request)| is_failure(request)).rev();
            let known = failures.nth(LAST_FAILURES - 1).map_or(0, |(index, _)| index);
            let unanswered_before =
                requests[..known].iter().filter(is_failure).map(|request| request.accepted).sum::<usize>();
            unanswered_before + accepted(&requests[known..])
        } else {
            unanswered
        };
    }

    async fn take_job(&mut self, job: &Job) -> Result<(), Broken> {
        let is_right = match job.status {
            JobStatus::Success => job.rows_failed_with_errors == 0,
            JobStatus::Partial => job.rows_failed_with_errors > 0 && job.rows_synced > 0,
            _ => true,
        };
        if !is_right {
            let what = format!(
                "a job ended as {} with {} rows synced and {} refused",
                job.status.as_str(),
                job.rows_synced,
                job.rows_failed_with_errors
            );
            return Err(Broken::new(Promise::Counters, what));
        }
        self.evidence.rows_synced += job.rows_synced;
        self.evidence.rows_failed += job.rows_failed_with_errors;
        if job.rows_failed_with_errors > 0 {
            for error in self.rig.row_errors().await {
                let key = (error.identifier.unwrap_or_default(), time_of(error.updated_at));
                *self.evidence.errors.entry(key).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Compares the times of what a sync without trouble has brought.
    fn check_order(&self, from: usize) -> Result<(), Broken> {
        let mut last: BTreeMap<&str, &str> = BTreeMap::new();
        for object in &self.evidence.arrived[from.min(self.evidence.arrived.len())..] {
            let Some(time) = object.get("time").and_then(|time| time.as_str()) else { return Ok(()) };
            let user = object["external_id"].as_str().unwrap_or_default();
            let before = last.insert(if self.setting.file { "" } else { user }, time);
            if before.is_some_and(|before| before > time) {
                let before = before.unwrap_or_default();
                let what = format!("the row of {user} at {time} has arrived after one at {before} in the same sync");
                return Err(Broken::new(Promise::Order, what));
            }
        }
        Ok(())
    }
}

/// How many objects a request has.
fn objects(body: &serde_json::Value) -> usize {
    body.as_object()
        .into_iter()
        .flat_map(|body| body.values())
        .filter_map(|objects| objects.as_array())
        .map(Vec::len)
        .sum()
}

/// As a user stands in a request.
fn quoted(user: u8) -> String {
    format!("\"{}\"", user_name(user))
}
