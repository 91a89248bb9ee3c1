//! Whether a refusal is about rows, and a failure about a row.
//!
//! An object that is alone with a refusal that names no object is a suspect: it may be bad, or something between here and
//! the service refuses everything for a while. It is sent once more when the service has dealt with something that was sent
//! after the refusal. While nobody knows of such a thing, each lane tries one of its suspects again after pauses; if these
//! are refused too, all are held back, and count as refused once the service has dealt with something that was sent later.
//! Where suspects only follow each other with one message, the run ends and none of them is skipped.

#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::sync::SyncError;

/// Suspects in a row with one message, where nothing was ever accepted.
const MOST_AT_FIRST: usize = 10;
/// The same where the service has dealt with objects before.
const MOST: usize = 500;
/// The same where nothing was accepted in all tries either: more than one batch.
const MOST_TRIED: usize = 100;
/// Suspects in a row with any messages.
const MOST_OF_ALL: usize = 1000;
/// So often suspects are tried again while nothing tells whether the service deals with anything.
const TRIES: u32 = 4;
/// The pauses before these tries get longer, but not longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// The suspects of a run, and what the service did lately. All lanes share them.
#[derive(Debug)]
pub struct Suspects(watch::Sender<State>);

#[derive(Debug, Default)]
struct State {
    /// Requests so far.
    begun: u64,
    answers: Answers,
    /// The number of the newest request with which the service has dealt, counted from 1.
    newest_dealt: u64,
    dealt_last: Option<Instant>,
    /// Whether the job has ever had objects dealt with.
    ever: bool,
    /// Suspects in a row, and how many of the last ones have the same message.
    in_a_row: usize,
    message: String,
    same: usize,
    /// How many were held back.
    held_back: u64,
    /// Of these so many, the oldest, are confirmed: they are refused for good.
    confirmed: u64,
    /// Requests under way.
    under_way: usize,
    /// Lanes that deliver a batch, and how many of them have only suspects left and wait.
    delivering: usize,
    waiting: usize,
    /// Whether a lane is in the pause before suspects are tried again.
    pausing: bool,
    /// How often suspects were tried again: in all, and since the service last dealt with anything.
    round: u64,
    tries: u32,
    /// Lanes that have not begun their part of the last round.
    behind: usize,
}

/// How often the service has dealt with objects, and how often it has failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answers {
    /// Requests with which it has dealt.
    pub dealt: u64,
    /// Requests at which it has failed.
    pub failed: u64,
}

impl State {
    fn is_too_much(&self) -> bool {
        let most = if self.ever { MOST } else { MOST_AT_FIRST };
        self.same >= most || self.in_a_row >= MOST_OF_ALL
    }

    /// Whether nothing is about to tell whether the service deals with anything.
    fn is_silent(&self) -> bool {
        self.waiting == self.delivering && self.under_way == 0 && self.behind == 0 && !self.pausing
    }

    fn everything_is_refused(&self) -> SyncError {
        SyncError::Config(format!(
            "the destination refuses everything with {:?} and names no row, so no row was skipped; check `url`, the workspace of \
             `api_key`, and any gateway in between",
            self.message
        ))
    }
}

/// A request that is under way until this is dropped.
pub struct UnderWay<'a> {
    suspects: &'a Suspects,
    /// How many requests there were when it was begun, itself included, and how many suspects were held back.
    number: u64,
    held_back: u64,
}

impl UnderWay<'_> {
    /// Takes note that the service has dealt with its objects: it looks at them, so whoever was held back before it was sent
    /// is refused.
    pub fn dealt(&self) {
        self.suspects.0.send_modify(|state| {
            state.answers.dealt += 1;
            state.newest_dealt = state.newest_dealt.max(self.number);
            state.dealt_last = Some(Instant::now());
            state.ever = true;
            state.confirmed = state.confirmed.max(self.held_back);
            (state.in_a_row, state.same, state.tries) = (0, 0, 0);
        });
    }

    /// Takes note that the service has failed.
    pub fn failed(&self) {
        self.suspects.0.send_modify(|state| state.answers.failed += 1);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.suspects.0.send_modify(|state| state.under_way -= 1);
    }
}

/// A lane that delivers a batch until this is dropped.
pub struct Delivering<'a>(&'a Suspects);

impl Drop for Delivering<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|state| state.delivering -= 1);
    }
}

struct Waiting<'a> {
    suspects: &'a Suspects,
    /// The last round when it began to wait.
    round: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.suspects.0.send_modify(|state| {
            state.waiting -= 1;
            state.behind -= usize::from(state.round > self.round);
        });
    }
}

/// What a lane with suspects has waited for.
pub enum Heard<'a> {
    /// The service has dealt with something that was sent after the refusal.
    Dealt,
    /// It is to try one of its suspects again.
    Try,
    /// Nobody can tell; this lane is the one that makes a pause before all of them try.
    Silence(Pausing<'a>),
}

/// The pause of one lane for all that have suspects.
pub struct Pausing<'a>(&'a Suspects);

impl Pausing<'_> {
    /// The pause before the next try; nothing where it was tried often enough.
    pub fn next_pause(&self, first: Duration) -> Option<Duration> {
        let mut tries = 0;
        self.0.0.send_modify(|state| {
            tries = state.tries;
            state.tries = (tries + 1).min(TRIES);
        });
        (tries < TRIES).then(|| (first * 2_u32.pow(tries)).min(LONGEST_PAUSE))
    }

    /// Lets all lanes that wait try one of their suspects. This lane is to do so too.
    pub fn try_again(self) {
        self.0.0.send_modify(|state| {
            state.round += 1;
            state.behind = state.waiting;
        });
    }
}

impl Drop for Pausing<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|state| state.pausing = false);
    }
}

impl Suspects {
    /// None yet.
    pub fn new() -> Suspects {
        Suspects(watch::Sender::new(State::default()))
    }

    /// Begins anew, as rows are read anew that were suspected before. `accepted` tells whether the job has had any accepted.
    pub fn begin(&self, accepted: bool) {
        self.0.send_modify(|state| {
            state.ever |= accepted;
            state.confirmed = state.held_back;
            (state.in_a_row, state.same, state.tries) = (0, 0, 0);
        });
    }

    /// Takes note of a lane that delivers a batch.
    pub fn delivering(&self) -> Delivering<'_> {
        self.0.send_modify(|state| state.delivering += 1);
        Delivering(self)
    }

    /// Takes note of a request.
    pub fn under_way(&self) -> UnderWay<'_> {
        let (mut number, mut held_back) = (0, 0);
        self.0.send_modify(|state| {
            state.begun += 1;
            state.under_way += 1;
            (number, held_back) = (state.begun, state.held_back);
        });
        UnderWay { suspects: self, number, held_back }
    }

    /// How many requests there were so far.
    pub fn begun(&self) -> u64 {
        self.0.borrow().begun
    }

    /// Whether the service has dealt with a request that was sent after so many.
    pub fn has_dealt_after(&self, begun: u64) -> bool {
        self.0.borrow().newest_dealt > begun
    }

    /// Waits until the service has dealt with a request that was sent after so many.
    pub async fn dealt_after(&self, begun: u64) {
        // The sender is this one's own.
        let _ = self.0.subscribe().wait_for(|state| state.newest_dealt > begun).await;
    }

    /// What the service has answered so far.
    pub fn answers(&self) -> Answers {
        self.0.borrow().answers
    }

    /// When it last dealt with objects.
    pub fn dealt_last(&self) -> Option<Instant> {
        self.0.borrow().dealt_last
    }

    /// Whether the job has ever had objects dealt with.
    pub fn is_trusted(&self) -> bool {
        self.0.borrow().ever
    }

    /// Takes note of an object that is suspected for the first time.
    pub fn add(&self, message: &str) {
        self.0.send_modify(|state| {
            state.in_a_row += 1;
            if state.message != message {
                state.message = message.to_owned();
                state.same = 0;
            }
            state.same += 1;
        });
    }

    /// Waits, for a lane that has only suspects left, until the service has dealt with a request that was sent after so many,
    /// or until it is to try for itself because no other lane is about to find out.
    pub async fn hear(&self, begun: u64) -> Heard<'_> {
        let mut round = 0;
        self.0.send_modify(|state| {
            state.waiting += 1;
            round = state.round;
        });
        let waiting = Waiting { suspects: self, round };
        let mut state = self.0.subscribe();
        loop {
            let (dealt, is_to_try) = {
                let told = |state: &State| (state.newest_dealt > begun, state.round > waiting.round);
                let heard = state.wait_for(|state| told(state) != (false, false) || state.is_silent()).await;
                // The sender is this one's own.
                heard.map_or((false, false), |state| told(&state))
            };
            if dealt {
                return Heard::Dealt;
            }
            if is_to_try {
                return Heard::Try;
            }
            // Of the lanes that wait one is the first.
            let is_first = self.0.send_if_modified(|state| {
                let is_silent = state.is_silent();
                state.pausing |= is_silent;
                is_silent
            });
            if is_first {
                return Heard::Silence(Pausing(self));
            }
        }
    }

    /// Takes note of a suspect that is held back; its number.
    pub fn hold_back(&self) -> u64 {
        let mut number = 0;
        self.0.send_modify(|state| {
            number = state.held_back;
            state.held_back += 1;
        });
        number
    }

    /// Those held back with a smaller number are refused for good.
    pub fn confirmed(&self) -> u64 {
        self.0.borrow().confirmed
    }

    /// Fails where there are too many suspects to believe that they are bad. Requests under way are heard first.
    pub async fn judge(&self) -> Result<(), SyncError> {
        let mut state = self.0.subscribe();
        match state.wait_for(|state| !state.is_too_much() || state.under_way == 0).await {
            Ok(state) if state.is_too_much() => Err(state.everything_is_refused()),
            // The sender is this one's own.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Fails where suspects were tried again in vain, and are too many to believe that they are bad.
    pub fn judge_tried(&self) -> Result<(), SyncError> {
        let state = self.0.borrow();
        if state.same >= MOST_TRIED { Err(state.everything_is_refused()) } else { Ok(()) }
    }

    /// Judges those that are held back when there are no more rows: where the service has never dealt with an object they
    /// are not refused.
    pub fn judge_rest(&self) -> Result<(), SyncError> {
        let state = self.0.borrow();
        if !state.ever && state.held_back > state.confirmed { Err(state.everything_is_refused()) } else { Ok(()) }
    }
}
