//! Runs a history with a real source, sync and destination, and collects what can be seen from outside.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use uuid::Uuid;

use super::super::rig::{LEASE, Rig, SharedFolder};
use super::changes::{Setting, changes};
use super::history::{Fault, Faults, Interruption, LOOKBACKS, Step};
use super::judge::{Evidence, Guarantee, Violation, identifier, is_by_email, user_of};
use super::only_changed::{self, Counters};
use super::world::{Change, Content, TimeFormat, World, email, time_of, user_name};
use crate::connectors::fake_braze::{Answer, FakeBraze, Received};
use crate::connectors::jsonl::Jsonl;
use crate::store::{Job, JobStatus, KnownAttributes, WatermarkChange};
use crate::sync::run_tuning::RunTuning;
use crate::types::IntegrationKind;

/// `give_up_after` of the destination; short if a user's requests always fail.
const GIVE_UP_AFTER: Duration = Duration::from_secs(20);
const GIVE_UP_SOON: Duration = Duration::from_millis(30);
/// The number of last failed requests of a failed sync. Responses before the first of these were processed by the sync.
const LAST_FAILURES: usize = 3;

pub struct Drive {
    rig: Rig,
    setting: Setting,
    /// Whether `only_changed` is on.
    only_changed: bool,
    world: World,
    evidence: Evidence,
    /// The number of objects that have arrived at earlier destinations.
    elsewhere: usize,
    /// The file that is the destination.
    file: PathBuf,
    /// Whether a job is in progress.
    in_progress: bool,
    /// Whether any part of the job in progress was interrupted.
    was_interrupted: bool,
    /// The job's `rows_synced` when its last part ended.
    synced_before: u64,
    /// Whether nothing has changed since a sync that succeeded.
    unchanged: bool,
    /// A log of the history for error reports.
    pub log: String,
}

macro_rules! log {
    ($drive:expr, $($what:tt)*) => { writeln!($drive.log, $($what)*).unwrap() };
}

/// Runs a history. Returns its log, and the violation if there is one.
pub async fn drive(place: &SharedFolder, setting: Setting, steps: &[Step]) -> (String, Result<(), Violation>) {
    let mut drive = Drive::new(place, setting).await;
    let result = drive.all(steps).await;
    drive.rig.clear().await;
    (drive.log, result)
}

impl Drive {
    async fn new(place: &SharedFolder, setting: Setting) -> Drive {
        let payload = if setting.kind == IntegrationKind::UserDeletes { "" } else { "PAYLOAD text, " };
        let email = if setting.two_names { ", EMAIL text" } else { "" };
        let mut rig = if setting.postgres {
            let time = if setting.format == TimeFormat::Timestamptz { "timestamptz" } else { "varchar(40)" };
            let columns = format!("UPDATED_AT {time}, EXTERNAL_ID text, {payload}ID bigint{email}");
            Rig::at(place, "UPDATED_AT").await.reading_postgres(&columns).await
        } else {
            Rig::at(place, &format!("UPDATED_AT, EXTERNAL_ID, {payload}ID{email}")).await
        };
        rig.integration.kind = setting.kind;
        if setting.file {
            rig.deliver_into_file();
        }
        let (checkpoint, first_pause) = (Duration::from_micros(100), Duration::from_micros(100));
        rig.tuning = RunTuning { checkpoint, first_pause, batch: 2, ..RunTuning::DEFAULT };
        let only_changed = setting.only_changed;
        rig.integration.only_changed = only_changed;
        Drive {
            file: rig.file(),
            rig,
            setting,
            only_changed,
            world: World::new(),
            evidence: Evidence::new(setting.kind, setting.file, only_changed),
            elsewhere: 0,
            in_progress: false,
            was_interrupted: false,
            synced_before: 0,
            unchanged: false,
            log: String::new(),
        }
    }

    async fn all(&mut self, steps: &[Step]) -> Result<(), Violation> {
        for step in steps {
            self.take(step).await?;
        }
        // A job whose rows are all refused ends in `error` although its rows are acknowledged.
        for _ in 0..3 {
            if self.sync(Interruption::None, &Faults::default()).await? {
                self.sync(Interruption::None, &Faults::default()).await?;
                return Ok(());
            }
        }
        Err(Violation::new(Guarantee::EndsWell, "three syncs in a row did not end well, with a service that works"))
    }

    async fn take(&mut self, step: &Step) -> Result<(), Violation> {
        match step {
            Step::Set { batch, lookback, share } => {
                let lookback = LOOKBACKS[*lookback as usize];
                log!(self, "settings: {batch} objects a batch, a lookback of {} minutes", lookback.as_secs() / 60);
                // A longer lookback may find rows that were too late for the shorter one.
                self.unchanged &= lookback <= self.rig.integration.lookback;
                self.rig.tuning.batch = *batch as usize;
                self.rig.integration.lookback = lookback;
                self.rig.integration.max_failed_share = share.then_some(0.5);
            }
            Step::Switch if self.setting.two_names => log!(self, "no {step:?}"),
            Step::Switch => {
                self.only_changed = !self.only_changed;
                self.rig.integration.only_changed = self.only_changed;
                log!(self, "only_changed = {}", self.only_changed);
            }
            Step::Reset { .. } | Step::Elsewhere { .. } if self.in_progress => {
                log!(self, "no {step:?}, because a job is in progress");
            }
            Step::Reset { forget } => {
                log!(self, "the watermark is reset{}", if *forget { " and the destination is empty" } else { "" });
                self.reset(*forget, *forget).await;
            }
            Step::Elsewhere { forget } => {
                log!(
                    self,
                    "the destination is another; the watermark is reset{}",
                    if *forget { " with all" } else { "" }
                );
                self.replace_destination().await;
                self.reset(*forget, true).await;
            }
            Step::Sync { interruption, faults } => {
                self.sync(*interruption, faults).await?;
            }
            step => {
                for change in changes(&self.world, self.setting, step) {
                    self.change(change).await;
                }
            }
        }
        Ok(())
    }

    /// Resets the watermark.
    async fn reset(&mut self, forget: bool, is_empty: bool) {
        let known = if forget { KnownAttributes::Forget } else { KnownAttributes::Keep };
        let (store, id) = (&self.rig.store, self.rig.integration.id);
        assert!(store.change_watermark(id, &WatermarkChange::Reset, known).await.unwrap(), "no job is in progress");
        self.world.reset();
        if is_empty {
            self.evidence.destination_is_empty();
        }
        self.unchanged = false;
    }

    async fn replace_destination(&mut self) {
        self.elsewhere = self.evidence.arrived.len();
        if self.setting.file {
            self.file = self.rig.folder.path().join(format!("{}.jsonl", Uuid::new_v4()));
            self.rig.integration.destination = Arc::new(Jsonl { path: self.file.clone() });
        } else {
            self.rig.fake_braze = FakeBraze::start(&self.rig.key).await.unwrap();
            self.rig.service().url = self.rig.fake_braze.url();
        }
    }

    /// Applies a change to the source.
    async fn change(&mut self, change: Change) {
        let (kind, format) = (self.setting.kind, self.setting.format);
        let payload = |content: &Content| match kind {
            IntegrationKind::UserDeletes => String::new(),
            _ => format!(", PAYLOAD = '{}'", content.payload.text(kind)),
        };
        match &change {
            Change::Insert(content) => {
                let id = self.world.next_id();
                log!(self, "row {id} inserted: {content}");
                let (time, payload) = (format.sql(content.time), payload(content).replace(" PAYLOAD =", ""));
                let (external_id, email) = self.names(content);
                let email = email.map_or(String::new(), |email| format!(", {email}"));
                self.rig.sql(&format!("INSERT INTO {{t}} VALUES ({time}, {external_id}{payload}, {id}{email})")).await;
            }
            Change::Update(row, content) => {
                let (id, time) = (self.world.rows[*row].id, format.sql(content.time));
                log!(self, "row {id} updated: {content}");
                let ((external_id, email), payload) = (self.names(content), payload(content));
                let email = email.map_or(String::new(), |email| format!(", EMAIL = {email}"));
                let set = format!("UPDATED_AT = {time}, EXTERNAL_ID = {external_id}{payload}{email}");
                self.rig.sql(&format!("UPDATE {{t}} SET {set} WHERE ID = {id}")).await;
            }
            Change::Delete(row) => {
                let row = &self.world.rows[*row];
                log!(self, "row {} deleted: {}", row.id, row.content);
                self.rig.sql(&format!("DELETE FROM {{t}} WHERE ID = {}", row.id)).await;
            }
        }
        self.world.apply(change);
        self.unchanged = false;
    }

    /// The values of EXTERNAL_ID and, if there is one, EMAIL.
    fn names(&self, content: &Content) -> (String, Option<String>) {
        let external_id = if content.by_email { "NULL".to_owned() } else { format!("'{}'", content.user_name()) };
        (external_id, self.setting.two_names.then(|| format!("'{}'", email(content.user))))
    }

    /// Runs a sync or its next part. Returns whether it has succeeded.
    async fn sync(&mut self, interruption: Interruption, faults: &Faults) -> Result<bool, Violation> {
        if !self.in_progress {
            self.rig.trigger().await;
            (self.in_progress, self.was_interrupted, self.synced_before) = (true, false, 0);
        }
        if !self.setting.file {
            self.set_faults(faults);
        }
        self.world.begin_part(self.rig.integration.lookback);
        let (arrived_before, requests_before) = (self.evidence.arrived.len(), self.rig.fake_braze.requests());
        let claimed = self.rig.claim(LEASE).await;
        let ended = match interruption {
            Interruption::None => {
                self.rig.run(claimed, LEASE).await.unwrap();
                true
            }
            Interruption::Crash(steps) => self.rig.crash(claimed, steps.into()).await,
            Interruption::Stop(steps) => self.rig.stop_after(claimed, steps.into()).await,
        };
        self.rig.fake_braze.behave();
        let job = self.rig.job().await;
        let succeeded = matches!(job.status, JobStatus::Success | JobStatus::Partial);
        let requests = if self.setting.file {
            Vec::new()
        } else {
            if !succeeded {
                self.let_requests_arrive().await;
            }
            self.rig.fake_braze.received().split_off(requests_before)
        };
        let requests: Vec<Received> =
            requests.into_iter().filter(|request| request.path.starts_with("/users/")).collect();
        let arrived = if self.setting.file { self.lines(succeeded) } else { self.rig.fake_braze.objects() };
        // A file may have been truncated to its last checkpoint.
        let kept = self.evidence.arrived[self.elsewhere..].iter().zip(&arrived).take_while(|(old, new)| old == new);
        let kept = self.elsewhere + kept.count();
        self.evidence.arrived.splice(self.elsewhere.., arrived);
        let new = self.evidence.arrived.len().saturating_sub(arrived_before);
        log!(
            self,
            "{}sync {interruption:?}{}: {}, {} requests, {new} arrive: {}{}",
            if self.synced_before > 0 || self.was_interrupted { "(resumed) " } else { "" },
            if *faults == Faults::default() { String::new() } else { format!(" {faults:?}") },
            if ended { job.status.as_str() } else { "in progress" },
            requests.len(),
            self.evidence.arrived[self.evidence.arrived.len() - new..]
                .iter()
                .map(super::judge::canonical)
                .collect::<Vec<_>>()
                .join(" "),
            job.cause.as_deref().map_or(String::new(), |cause| format!(" ({cause})")),
        );

        let is_undisturbed =
            !self.was_interrupted && *faults == Faults::default() && interruption == Interruption::None;
        self.was_interrupted |= !ended;
        if !self.setting.file {
            self.count_unknown(interruption, &job, ended, succeeded, &requests);
        }
        if self.evidence.only_changed {
            self.take_deliveries(kept, &requests, succeeded);
        }
        self.world.end_part(&self.evidence.arrived[kept..].iter().filter_map(user_of).collect());
        self.synced_before = job.rows_synced;
        if self.unchanged && (new > 0 || !requests.is_empty()) {
            return Err(Violation::new(
                Guarantee::Idle,
                format!(
                    "nothing has changed since a successful sync, but there were {} more requests and {new} more objects",
                    requests.len()
                ),
            ));
        }
        let counted = Some(counters(&job)).filter(|_| self.evidence.only_changed && ended);
        if let Some(counters) = counted.filter(|_| self.unchanged) {
            counters.check_idle()?;
        }
        if ended {
            self.in_progress = false;
            self.take_job(&job).await?;
        }
        if self.only_changed {
            only_changed::only_parts_arrive(&self.world, &self.evidence, kept)?;
        } else {
            self.evidence.nothing_unexpected_arrives(&self.world, kept)?;
        }
        if self.evidence.only_changed {
            self.evidence.deliveries.nothing_is_sent_in_vain()?;
        }
        if is_undisturbed && ended {
            self.check_order(arrived_before)?;
        }
        if let Some(counters) = counted.filter(|_| is_undisturbed) {
            counters.check(&self.world, &self.evidence, self.only_changed, kept)?;
        }
        if !succeeded {
            return Ok(false);
        }
        self.evidence.judge(&self.world)?;
        self.world.settle();
        self.evidence.arrived_before = self.evidence.arrived.len();
        self.unchanged = true;
        Ok(true)
    }

    /// The objects in the file. After a crash it may end with an incomplete line until the sync is resumed.
    fn lines(&self, succeeded: bool) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        let lines = text.lines().map(serde_json::from_str);
        if succeeded {
            return lines.map(|line| line.expect("every line is an object")).collect();
        }
        lines.map_while(Result::ok).collect()
    }

    fn set_faults(&mut self, faults: &Faults) {
        let fake_braze = &self.rig.fake_braze;
        let answer = |fault: &Fault| {
            Some(match fault {
                Fault::None => return None,
                Fault::Error => Answer::new(500, ""),
                Fault::Unavailable => Answer::new(503, ""),
                Fault::TooMany => Answer::new(429, "").header("Retry-After", "0"),
                Fault::Cut => Answer::cut(),
                Fault::CutAfterwards => Answer::cut_afterwards(),
                Fault::Proxy => Answer::accepted_with(200, ""),
                Fault::ErrorAfterwards => Answer::accepted_with(502, "<html>"),
                Fault::Refused => Answer::new(400, r#"{"message":"no"}"#),
            })
        };
        fake_braze.behave();
        fake_braze.script(faults.answers.iter().filter_map(answer));
        let (fails_at, refuses) = (faults.fails_at.map(quoted), faults.refuses.map(quoted));
        fake_braze.rule(move |body| {
            let is_in = |user: &Option<String>| user.as_ref().is_some_and(|user| body.contains(user));
            if is_in(&fails_at) {
                Some(Answer::new(500, ""))
            } else {
                is_in(&refuses).then(|| Answer::new(400, r#"{"message":"no"}"#))
            }
        });
        self.evidence.may_be_refused.extend(faults.fails_at.into_iter().chain(faults.refuses));
        if faults.answers.iter().any(|fault| matches!(fault, Fault::Refused | Fault::Error)) {
            self.evidence.may_be_refused.extend(0..super::history::USERS);
        }
        self.rig.service().give_up_after = if faults.fails_at.is_some() { GIVE_UP_SOON } else { GIVE_UP_AFTER };
    }

    /// Waits for requests that a crashed worker has in flight. Otherwise they could arrive after those of the next worker, which
    /// no destination can prevent.
    async fn let_requests_arrive(&self) {
        for _ in 0..2 {
            let address = self.rig.fake_braze.url().replace("http://", "");
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET /later HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
            stream.read_to_end(&mut Vec::new()).await.unwrap();
        }
    }

    /// Counts objects that may have arrived without the sync knowing.
    fn count_unknown(
        &mut self,
        interruption: Interruption,
        job: &Job,
        ended: bool,
        succeeded: bool,
        requests: &[Received],
    ) {
        let accepted = |requests: &[Received]| requests.iter().map(|request| request.accepted).sum::<usize>();
        let by_a_proxy = requests.iter().filter(is_by_a_proxy);
        self.evidence.hidden += by_a_proxy.map(|request| objects(&request.body) - request.accepted).sum::<usize>();
        let unanswered: usize = requests.iter().filter(is_failure).map(|request| request.accepted).sum();
        self.evidence.unknown += if !ended && matches!(interruption, Interruption::Crash(_)) {
            // All but the objects that the job has counted.
            accepted(requests).saturating_sub((job.rows_synced - self.synced_before) as usize)
        } else if ended && !succeeded {
            // Objects in flight when the sync gave up.
            let mut failures = requests.iter().enumerate().filter(|(_, request)| is_failure(request)).rev();
            let known = failures.nth(LAST_FAILURES - 1).map_or(0, |(index, _)| index);
            let unanswered_before =
                requests[..known].iter().filter(is_failure).map(|request| request.accepted).sum::<usize>();
            unanswered_before + accepted(&requests[known..])
        } else {
            unanswered
        };
    }

    /// Records what has arrived since the first `kept` objects, and of which users nothing certain is known, for
    /// `only_changed`.
    fn take_deliveries(&mut self, kept: usize, requests: &[Received], succeeded: bool) {
        let Evidence { deliveries, arrived, hidden_users, .. } = &mut self.evidence;
        deliveries.truncate(kept);
        deliveries.begin_part(self.only_changed);
        let mut arrived = &arrived[kept..];
        for request in requests {
            let accepted = arrived.split_off(..request.accepted).unwrap_or_default();
            deliveries.arrive(accepted);
            let objects = || request.body["attributes"].as_array().into_iter().flatten();
            if is_failure(&request) {
                deliveries.doubt(objects().filter_map(user_of));
            } else {
                let is_refused = |object: &&serde_json::Value| object.get("email").is_some() && !is_by_email(object);
                let refused = objects().filter(is_refused).filter_map(user_of);
                let refused: Vec<u8> = refused.collect();
                if is_by_a_proxy(&request) {
                    hidden_users.extend(&refused);
                }
                deliveries.doubt(refused);
            }
        }
        // The lines of a file.
        deliveries.arrive(arrived);
        // Something may have been in flight, or about to be.
        if !succeeded {
            deliveries.doubt(self.world.unsettled.iter().copied());
        }
        deliveries.end_part(self.only_changed);
    }

    async fn take_job(&mut self, job: &Job) -> Result<(), Violation> {
        let is_right = match job.status {
            JobStatus::Success => job.rows_failed_with_errors == 0,
            JobStatus::Partial => job.rows_failed_with_errors > 0 && job.rows_synced + job.spared.rows > 0,
            _ => true,
        };
        if !is_right {
            let what = format!(
                "a job ended as {} with {} rows synced and {} refused",
                job.status.as_str(),
                job.rows_synced,
                job.rows_failed_with_errors
            );
            return Err(Violation::new(Guarantee::Counters, what));
        }
        self.evidence.rows_synced += job.rows_synced;
        self.evidence.rows_failed += job.rows_failed_with_errors;
        if job.rows_failed_with_errors > 0 {
            for error in self.rig.row_errors().await {
                let user = serde_json::from_str(&error.identifier.unwrap_or_default())
                    .ok()
                    .and_then(|object| user_of(&object));
                let key = (user.map_or(String::new(), identifier), time_of(error.updated_at));
                *self.evidence.errors.entry(key).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Checks the order of objects that an undisturbed sync has delivered.
    fn check_order(&self, from: usize) -> Result<(), Violation> {
        let mut last: BTreeMap<&str, &str> = BTreeMap::new();
        for object in &self.evidence.arrived[from.min(self.evidence.arrived.len())..] {
            let Some(time) = object.get("time").and_then(|time| time.as_str()) else { return Ok(()) };
            let user = object["external_id"].as_str().unwrap_or_default();
            let before = last.insert(if self.setting.file { "" } else { user }, time);
            if before.is_some_and(|before| before > time) {
                let before = before.unwrap_or_default();
                let what = format!("the row of {user} at {time} has arrived after one at {before} in the same sync");
                return Err(Violation::new(Guarantee::Order, what));
            }
        }
        Ok(())
    }
}

/// The counters of a job.
fn counters(job: &Job) -> Counters {
    Counters {
        rows_synced: job.rows_synced,
        rows_failed: job.rows_failed_with_errors,
        rows_unchanged: job.spared.rows,
        sent: job.spared.attributes_sent,
        spared: job.spared.attributes_spared,
    }
}

/// Whether a request got no answer, or one that is a failure.
fn is_failure(request: &&Received) -> bool {
    request.status.is_none_or(|status| status >= 300)
}

/// Whether a proxy has answered: with 200, where the service itself answers 201.
fn is_by_a_proxy(request: &&Received) -> bool {
    request.status == Some(200)
}

/// The number of objects in a request.
fn objects(body: &serde_json::Value) -> usize {
    body.as_object()
        .into_iter()
        .flat_map(|body| body.values())
        .filter_map(|objects| objects.as_array())
        .map(Vec::len)
        .sum()
}

/// How a user's identifiers begin in a request.
fn quoted(user: u8) -> String {
    format!("\"{}", user_name(user))
}
