//! The pace of requests, shared by all syncs of this process that send to the same destination.
//!
//! A request needs a permit, of which there are as many as may be in flight, and a turn: turns come at the current rate, with
//! bursts of at most ten milliseconds. Pauses that the destination asks for apply to all requests.

mod pauses;
mod rule;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use crate::secret::Secret;
use pauses::Pauses;
pub use rule::Most;
use rule::Rule;

/// Turns that were not used are kept for this long.
const BURST: Duration = Duration::from_millis(10);
/// The least that all requests pause after a 429 that does not say how long.
const HOLD: Duration = Duration::from_millis(250);
/// Most limits are for a second. What a limit allows in it was used up earlier at a rate that was too high, and what is sent in
/// the rest would be refused too.
const WINDOW: Duration = Duration::from_secs(1);

/// The throttles of this process. Few: one for each destination with open runs.
static THROTTLES: Mutex<Vec<Known>> = Mutex::new(Vec::new());

struct Known {
    address: String,
    key: Secret,
    throttle: Weak<Throttle>,
}

/// The pace of requests to a destination.
#[derive(Debug)]
pub struct Throttle {
    state: Mutex<State>,
    permits: Arc<Semaphore>,
    /// Held by the request whose turn is next.
    next: tokio::sync::Mutex<()>,
    /// Pauses and outages.
    pub pauses: Pauses,
}

#[derive(Debug)]
struct State {
    rule: Rule,
    /// What the configuration of each open run allows.
    most: Vec<Most>,
    /// Permits that exist, and how many of them are to be taken back when they are returned.
    permits: usize,
    surplus: usize,
    /// When the next turn is.
    turn: Instant,
}

/// A run's part in a throttle.
#[derive(Debug)]
pub struct Shared {
    throttle: Arc<Throttle>,
    most: Most,
}

impl Shared {
    /// Joins the throttle of the destination with this address and key.
    pub fn join(address: &str, key: &Secret, most: Most) -> Shared {
        let mut known = locked(&THROTTLES);
        known.retain(|known| known.throttle.strong_count() > 0);
        let same = |known: &&Known| known.address == address && known.key == *key;
        let throttle = known.iter().find(same).and_then(|known| known.throttle.upgrade()).unwrap_or_else(|| {
            let throttle = Arc::new(Throttle::new(most));
            let (address, key) = (address.to_owned(), key.clone());
            known.push(Known { address, key, throttle: Arc::downgrade(&throttle) });
            throttle
        });
        throttle.change(|state| state.join(most));
        Shared { throttle, most }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.throttle.change(|state| state.leave(self.most));
    }
}

impl std::ops::Deref for Shared {
    type Target = Throttle;

    fn deref(&self) -> &Throttle {
        &self.throttle
    }
}

impl Throttle {
    fn new(most: Most) -> Throttle {
        let rule = Rule::new(most);
        let permits = rule.in_flight();
        let state = State { rule, most: Vec::new(), permits, surplus: 0, turn: Instant::now() };
        Throttle {
            state: Mutex::new(state),
            permits: Arc::new(Semaphore::new(permits)),
            next: tokio::sync::Mutex::default(),
            pauses: Pauses::default(),
        }
    }

    /// Waits for a permit. One that is passed is kept, unless fewer requests may be in flight now.
    pub async fn allow<'a>(&'a self, permit: &mut Option<Permit<'a>>) {
        permit.take_if(|permit| permit.is_surplus());
        if permit.is_none() {
            *permit = Some(self.permit().await);
        }
    }

    /// Waits until a request may be sent: for a permit, the end of pauses, and a turn.
    pub async fn ready<'a>(&'a self, permit: &mut Option<Permit<'a>>) {
        loop {
            if let Some(until) = self.pauses.until() {
                sleep_until(until).await;
                continue;
            }
            self.allow(permit).await;
            self.turn().await;
            // Turns are not saved up during a pause that has begun meanwhile.
            if self.pauses.until().is_none() {
                return;
            }
        }
    }

    /// Waits for a permit, in the order of the calls.
    async fn permit(&self) -> Permit<'_> {
        // The semaphore is never closed.
        Permit { throttle: self, permit: self.permits.clone().acquire_owned().await.ok() }
    }

    /// Waits for a turn, in the order of the calls.
    async fn turn(&self) {
        let _next = self.next.lock().await;
        let turn = {
            let state = locked(&self.state);
            state.turn.max(Instant::now().checked_sub(BURST).unwrap_or(state.turn))
        };
        if turn > Instant::now() {
            sleep_until(turn).await;
        }
        let mut state = locked(&self.state);
        state.turn = turn + Duration::from_secs_f64(1.0 / state.rule.rate());
    }

    /// The destination has answered a request of this size that was sent at this time: it has processed it, or refused it for
    /// what is in it.
    pub fn answered(&self, sent: Instant, size: usize, processed: bool) {
        let now = Instant::now();
        self.change(|state| {
            let in_flight = (state.permits + state.surplus).saturating_sub(self.permits.available_permits());
            state.rule.answered(now, now - sent, size, processed, in_flight);
        });
    }

    /// A request has failed: the service answers 5xx, or not at all.
    pub fn failed(&self) {
        self.change(|state| state.rule.failed(Instant::now()));
    }

    /// The destination has answered 429, and perhaps asked for a pause. All requests pause, and further ones are sent more
    /// slowly.
    pub fn limited(&self, asked: Option<Duration>) {
        let mut slowed = None;
        self.change(|state| {
            let before = state.rule.rate();
            slowed = state.rule.limited(Instant::now()).then(|| (before, state.rule.rate()));
        });
        match (asked, slowed) {
            (Some(pause), _) => self.pauses.limit(pause),
            (None, None) => self.pauses.hold(HOLD),
            (None, Some((before, rate))) => {
                self.pauses.hold(HOLD.max(WINDOW.mul_f64(1.0 - rate / before)));
                self.pauses.slowed(rate);
            }
        }
    }

    /// Requests that may be in flight now.
    #[cfg(test)]
    pub fn in_flight(&self) -> usize {
        locked(&self.state).rule.in_flight()
    }

    /// Requests that may be sent in a second now.
    #[cfg(test)]
    pub fn rate(&self) -> f64 {
        locked(&self.state).rule.rate()
    }

    /// Changes the state, and then the number of permits.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = locked(&self.state);
        change(&mut state);
        let wanted = state.rule.in_flight().max(1);
        if wanted > state.permits {
            let more = wanted - state.permits;
            let kept = more.min(state.surplus);
            state.surplus -= kept;
            self.permits.add_permits(more - kept);
        } else {
            let fewer = state.permits - wanted;
            state.surplus += fewer - self.permits.forget_permits(fewer);
        }
        state.permits = wanted;
    }
}

impl State {
    fn join(&mut self, most: Most) {
        self.most.push(most);
        self.set_most();
    }

    fn leave(&mut self, most: Most) {
        if let Some(index) = self.most.iter().position(|other| *other == most) {
            self.most.swap_remove(index);
        }
        self.set_most();
    }

    fn set_most(&mut self) {
        if let Some(most) = self.most.iter().copied().reduce(Most::lowest) {
            self.rule.set_most(most);
        }
    }
}

/// A request may be in flight until this is dropped.
#[derive(Debug)]
pub struct Permit<'a> {
    throttle: &'a Throttle,
    permit: Option<OwnedSemaphorePermit>,
}

impl Permit<'_> {
    /// Whether there are more permits than requests that may be in flight now, so that it should be returned.
    fn is_surplus(&self) -> bool {
        locked(&self.throttle.state).surplus > 0
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = locked(&self.throttle.state);
        if state.surplus > 0
            && let Some(permit) = self.permit.take()
        {
            state.surplus -= 1;
            permit.forget();
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The data is consistent after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
