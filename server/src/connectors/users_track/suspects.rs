//! Whether a refusal is about rows, and a failure about a row.
//!
//! An object that is alone with a refusal that names no object is a suspect: it may be bad, or something between here and
//! the service refuses everything for a while. It is sent once more when the service has dealt with something that was sent
//! after the refusal. While nobody knows of such a thing, each lane tries one of its suspects again after pauses; if these
//! are refused too, all are held back, and count as refused once the service has dealt with something that was sent later.
//! Where suspects only follow each other with one message, the run ends and none of them is skipped.

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
            "the destination refuses everything with {:?} and names no row, so that no row was skipped for it; check `url`, \
             the workspace of `api_key`, and what stands between, such as a gateway",
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

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn verdict(suspects: &Suspects) -> Option<Result<(), SyncError>> {
        suspects.judge().now_or_never()
    }

    #[test]
    fn suspects_in_a_row_end_the_run_sooner_where_nothing_was_ever_accepted() {
        for (accepted, most) in [(false, MOST_AT_FIRST), (true, MOST)] {
            let suspects = Suspects::new();
            suspects.begin(accepted);
            for number in 0..most as u64 {
                assert_eq!(verdict(&suspects), Some(Ok(())), "{number}");
                suspects.add("Bad Request");
            }
            let Some(Err(SyncError::Config(cause))) = verdict(&suspects) else { panic!("{most} are enough") };
            assert!(cause.contains("everything with \"Bad Request\"") && cause.contains("`url`"), "{cause}");
        }
    }

    #[test]
    fn what_is_dealt_with_confirms_those_before_and_begins_a_new_count() {
        let suspects = Suspects::new();
        for number in 0..MOST_AT_FIRST - 1 {
            suspects.add("no");
            assert_eq!(suspects.hold_back(), number as u64);
        }
        assert_eq!(suspects.confirmed(), 0);
        let early = suspects.under_way();
        assert_eq!(suspects.hold_back(), MOST_AT_FIRST as u64 - 1);
        early.dealt();
        assert_eq!(suspects.confirmed(), MOST_AT_FIRST as u64 - 1, "it says nothing of what came after it was sent");
        for _ in 0..MOST - 1 {
            suspects.add("no");
        }
        assert_eq!(verdict(&suspects), Some(Ok(())));
        assert_eq!(suspects.judge_rest(), Ok(()), "what is left is refused");
        suspects.under_way().dealt();
        assert_eq!(suspects.confirmed(), MOST_AT_FIRST as u64);
    }

    #[test]
    fn what_was_sent_before_a_refusal_is_no_evidence() {
        let suspects = Suspects::new();
        let (early, _refused) = (suspects.under_way(), suspects.under_way());
        let refused_at = suspects.begun();
        early.dealt();
        assert!(!suspects.has_dealt_after(refused_at));
        suspects.under_way().dealt();
        assert!(suspects.has_dealt_after(refused_at));
    }

    #[tokio::test]
    async fn lanes_wait_for_each_other_until_nobody_can_tell_and_then_all_try() {
        let suspects = Suspects::new();
        let (_one, other) = (suspects.delivering(), suspects.delivering());
        let first = suspects.hear(0);
        tokio::pin!(first);
        assert!(futures::poll!(&mut first).is_pending(), "the other lane delivers");
        let request = suspects.under_way();
        let second = suspects.hear(0);
        tokio::pin!(second);
        assert!(futures::poll!(&mut second).is_pending(), "a request is under way");
        drop(request);
        let Heard::Silence(pausing) = first.await else { panic!("nothing was dealt with") };
        assert!(futures::poll!(&mut second).is_pending(), "the first lane makes a pause");
        pausing.try_again();
        let first = suspects.hear(0);
        tokio::pin!(first);
        assert!(futures::poll!(&mut first).is_pending(), "the second lane has not tried yet");
        assert!(matches!(second.await, Heard::Try));
        assert!(futures::poll!(&mut first).is_pending(), "it tries");
        suspects.under_way().dealt();
        assert!(matches!(first.await, Heard::Dealt));
        drop(other);
    }

    #[tokio::test]
    async fn all_lanes_share_the_tries_until_something_is_dealt_with() {
        let suspects = Suspects::new();
        let _delivering = suspects.delivering();
        for _ in 0..2 {
            for pause in [Some(1), Some(2), Some(4), Some(4), None, None] {
                let Heard::Silence(pausing) = suspects.hear(suspects.begun()).await else { panic!("all is silent") };
                assert_eq!(pausing.next_pause(Duration::from_secs(1)), pause.map(Duration::from_secs));
            }
            suspects.under_way().dealt();
        }
    }

    #[test]
    fn messages_that_differ_are_about_rows_but_not_without_end() {
        let suspects = Suspects::new();
        for number in 0..MOST_OF_ALL {
            assert_eq!(verdict(&suspects), Some(Ok(())));
            suspects.add(&format!("request {number} is bad"));
        }
        assert!(matches!(verdict(&suspects), Some(Err(SyncError::Config(_)))));
    }

    #[tokio::test]
    async fn requests_under_way_are_heard_before_the_verdict() {
        let suspects = Suspects::new();
        let request = suspects.under_way();
        for _ in 0..MOST_AT_FIRST {
            suspects.add("no");
        }
        let verdict = suspects.judge();
        tokio::pin!(verdict);
        assert!(futures::poll!(&mut verdict).is_pending());
        request.dealt();
        drop(request);
        assert_eq!(verdict.await, Ok(()));
    }

    #[test]
    fn rows_that_are_read_again_are_not_counted_twice() {
        let suspects = Suspects::new();
        for _ in 0..MOST_AT_FIRST {
            suspects.begin(false);
            assert_eq!(verdict(&suspects), Some(Ok(())));
            suspects.add("no");
            suspects.hold_back();
        }
        assert!(suspects.judge_rest().is_err());
    }

    #[test]
    fn a_run_of_suspects_alone_refuses_none() {
        let suspects = Suspects::new();
        assert_eq!(suspects.judge_rest(), Ok(()));
        suspects.add("no");
        suspects.hold_back();
        assert!(matches!(suspects.judge_rest(), Err(SyncError::Config(_))));
    }
}
