//! Whether refusals are caused by the refused objects.
//!
//! A suspect is an object that was refused alone by an answer that names no object: either it is invalid, or something
//! between here and the service refuses everything for a while. It is sent once more after the service has processed a
//! request that was sent after the refusal. Until then each delivery retries one of its suspects after pauses. If these are
//! refused too, all suspects are held back, and count as refused once the service has processed a request that was sent
//! later. If there are only suspects, all with the same message, the run fails and none of them is skipped.

#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::sync::SyncError;

/// Maximum suspects in a row with the same message, if nothing was ever accepted.
const MOST_AT_FIRST: usize = 10;
/// The same, if the service has processed objects before.
const MOST: usize = 500;
/// The same, if all retries were refused, too. More than one batch.
const MOST_TRIED: usize = 100;
/// Maximum suspects in a row, regardless of their messages.
const MOST_OF_ALL: usize = 1000;
/// After this many suspects in a row it is likely that everything is refused.
const MANY: usize = 50;
/// Maximum retries of suspects while it is unknown whether the service processes anything.
const TRIES: u32 = 4;
/// The longest pause before these retries. Pauses grow up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// The suspects of a run, and what the service did recently. Shared by all deliveries.
#[derive(Debug)]
pub struct Suspects(watch::Sender<State>);

#[derive(Debug, Default)]
struct State {
    /// Number of requests sent.
    begun: u64,
    answers: Answers,
    /// The number of the newest request that the service has processed, counted from 1.
    newest_processed: u64,
    last_processed: Option<Instant>,
    /// Whether the service has ever processed objects of this job.
    ever: bool,
    /// Suspects in a row, the message of the last one, and how many of the last ones share it.
    in_a_row: usize,
    message: String,
    same: usize,
    /// Number of suspects held back.
    held_back: u64,
    /// The number of these, oldest first, that are confirmed: they are refused for good.
    confirmed: u64,
    /// Requests in flight.
    in_flight: usize,
    /// Deliveries of batches, and how many of them wait because they only have suspects left.
    delivering: usize,
    waiting: usize,
    /// Whether a delivery is in the pause before suspects are retried.
    pausing: bool,
    /// Number of retries of suspects: in total, and since the service last processed a request.
    round: u64,
    tries: u32,
    /// Deliveries that have not started the current retry yet.
    behind: usize,
}

/// How many requests the service has processed, and how many have failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answers {
    /// Requests that the service has processed.
    pub processed: u64,
    /// Requests at which the service has failed.
    pub failed: u64,
}

impl State {
    fn are_too_many(&self) -> bool {
        let most = if self.ever { MOST } else { MOST_AT_FIRST };
        self.same >= most || self.in_a_row >= MOST_OF_ALL
    }

    /// Whether nothing in progress will show whether the service processes requests: all deliveries wait.
    fn is_stuck(&self) -> bool {
        self.waiting == self.delivering && self.in_flight == 0 && self.behind == 0 && !self.pausing
    }

    fn everything_is_refused(&self) -> SyncError {
        SyncError::Config(format!(
            "the destination refuses everything with {:?} and names no row, so no row was skipped; check `url`, the workspace of \
             `api_key`, and any gateway in between",
            self.message
        ))
    }
}

/// A request in flight until this is dropped.
pub struct InFlight<'a> {
    suspects: &'a Suspects,
    /// The number of requests when it was sent, including itself, and the number of suspects held back by then.
    number: u64,
    held_back: u64,
}

impl InFlight<'_> {
    /// Records that the service has processed the request. It does process objects, so the suspects that were held back
    /// before the request was sent are confirmed as refused.
    pub fn processed(&self) {
        self.suspects.0.send_modify(|state| {
            state.answers.processed += 1;
            state.newest_processed = state.newest_processed.max(self.number);
            state.last_processed = Some(Instant::now());
            state.ever = true;
            state.confirmed = state.confirmed.max(self.held_back);
            (state.in_a_row, state.same, state.tries) = (0, 0, 0);
        });
    }

    /// Records that the service has failed at the request.
    pub fn failed(&self) {
        self.suspects.0.send_modify(|state| state.answers.failed += 1);
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.suspects.0.send_modify(|state| state.in_flight -= 1);
    }
}

/// A batch is being delivered until this is dropped.
pub struct Delivering<'a>(&'a Suspects);

impl Drop for Delivering<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|state| state.delivering -= 1);
    }
}

struct Waiting<'a> {
    suspects: &'a Suspects,
    /// The number of retries when the delivery began to wait.
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

/// Why a delivery with only suspects left stops waiting.
pub enum Signal<'a> {
    /// The service has processed a request that was sent after the refusal.
    Processed,
    /// The delivery must retry one of its suspects.
    Retry,
    /// Nothing in progress will show whether the service processes requests. This delivery must pause, and then let all
    /// deliveries retry.
    BackOff(BackOff<'a>),
}

/// A pause by one delivery on behalf of all deliveries with suspects.
pub struct BackOff<'a>(&'a Suspects);

impl BackOff<'_> {
    /// The pause before the next retry; `None` after the last one.
    pub fn next_pause(&self, first: Duration) -> Option<Duration> {
        let mut tries = 0;
        self.0.0.send_modify(|state| {
            tries = state.tries;
            state.tries = (tries + 1).min(TRIES);
        });
        (tries < TRIES).then(|| (first * 2_u32.pow(tries)).min(LONGEST_PAUSE))
    }

    /// Lets all waiting deliveries retry one of their suspects. The calling delivery must do so, too.
    pub fn try_again(self) {
        self.0.0.send_modify(|state| {
            state.round += 1;
            state.behind = state.waiting;
        });
    }
}

impl Drop for BackOff<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|state| state.pausing = false);
    }
}

impl Suspects {
    pub fn new() -> Suspects {
        Suspects(watch::Sender::new(State::default()))
    }

    /// Resets the counts when a run starts to read again, because earlier suspects are read again. `accepted`: whether
    /// the service has accepted any object of the job.
    pub fn begin(&self, accepted: bool) {
        self.0.send_modify(|state| {
            state.ever |= accepted;
            state.confirmed = state.held_back;
            (state.in_a_row, state.same, state.tries) = (0, 0, 0);
        });
    }

    /// Registers the delivery of a batch.
    pub fn delivering(&self) -> Delivering<'_> {
        self.0.send_modify(|state| state.delivering += 1);
        Delivering(self)
    }

    /// Registers a request.
    pub fn begin_request(&self) -> InFlight<'_> {
        let (mut number, mut held_back) = (0, 0);
        self.0.send_modify(|state| {
            state.begun += 1;
            state.in_flight += 1;
            (number, held_back) = (state.begun, state.held_back);
        });
        InFlight { suspects: self, number, held_back }
    }

    /// The number of requests so far.
    pub fn begun(&self) -> u64 {
        self.0.borrow().begun
    }

    /// Whether the service has processed a request sent after the first `begun` ones.
    pub fn has_processed_after(&self, begun: u64) -> bool {
        self.0.borrow().newest_processed > begun
    }

    /// Waits until the service has processed a request sent after the first `begun` ones.
    pub async fn processed_after(&self, begun: u64) {
        // Cannot fail: `self` owns the sender.
        let _ = self.0.subscribe().wait_for(|state| state.newest_processed > begun).await;
    }

    /// The numbers of processed and failed requests so far.
    pub fn answers(&self) -> Answers {
        self.0.borrow().answers
    }

    /// When the service last processed objects.
    pub fn last_processed(&self) -> Option<Instant> {
        self.0.borrow().last_processed
    }

    /// Whether the service has ever processed objects of this job.
    pub fn is_trusted(&self) -> bool {
        self.0.borrow().ever
    }

    /// Adds an object that is suspected for the first time.
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

    /// Whether there are so many suspects in a row that everything is probably refused. Further ones should then be found with
    /// few requests.
    pub fn are_many(&self) -> bool {
        self.0.borrow().in_a_row >= MANY
    }

    /// Waits, for a delivery with only suspects left, until the service has processed a request sent after the first
    /// `begun` ones, or until the delivery must retry because nothing else in progress will show whether the service
    /// processes requests.
    pub async fn wait_for_signal(&self, begun: u64) -> Signal<'_> {
        let mut round = 0;
        self.0.send_modify(|state| {
            state.waiting += 1;
            round = state.round;
        });
        let waiting = Waiting { suspects: self, round };
        let mut state = self.0.subscribe();
        loop {
            let (processed, is_to_retry) = {
                let signals = |state: &State| (state.newest_processed > begun, state.round > waiting.round);
                let changed = state.wait_for(|state| signals(state) != (false, false) || state.is_stuck()).await;
                // Cannot fail: `self` owns the sender.
                changed.map_or((false, false), |state| signals(&state))
            };
            if processed {
                return Signal::Processed;
            }
            if is_to_retry {
                return Signal::Retry;
            }
            // Only one of the waiting deliveries makes the pause.
            let is_first = self.0.send_if_modified(|state| {
                let is_stuck = state.is_stuck();
                state.pausing |= is_stuck;
                is_stuck
            });
            if is_first {
                return Signal::BackOff(BackOff(self));
            }
        }
    }

    /// Holds back a suspect; returns its number.
    pub fn hold_back(&self) -> u64 {
        let mut number = 0;
        self.0.send_modify(|state| {
            number = state.held_back;
            state.held_back += 1;
        });
        number
    }

    /// The number of confirmed suspects: those held back with smaller numbers are refused for good.
    pub fn confirmed(&self) -> u64 {
        self.0.borrow().confirmed
    }

    /// Fails if there are too many suspects in a row to be explained by invalid objects. Waits for requests in flight
    /// first.
    pub async fn judge(&self) -> Result<(), SyncError> {
        let mut state = self.0.subscribe();
        match state.wait_for(|state| !state.are_too_many() || state.in_flight == 0).await {
            Ok(state) if state.are_too_many() => Err(state.everything_is_refused()),
            // Cannot fail: `self` owns the sender.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Fails if, after all retries, there are too many suspects to be explained by invalid objects.
    pub fn judge_tried(&self) -> Result<(), SyncError> {
        let state = self.0.borrow();
        if state.same >= MOST_TRIED { Err(state.everything_is_refused()) } else { Ok(()) }
    }

    /// Judges the suspects that are still held back when there are no more rows. Fails if the service has never
    /// processed an object.
    pub fn judge_rest(&self) -> Result<(), SyncError> {
        let state = self.0.borrow();
        if !state.ever && state.held_back > state.confirmed { Err(state.everything_is_refused()) } else { Ok(()) }
    }
}
