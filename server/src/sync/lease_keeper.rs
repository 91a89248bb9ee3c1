//! A worker's hold on its job, and the fence that keeps a worker whose hold is in doubt from delivering.
//!
//! The lease is renewed again and again, each try bounded to a fraction of it. While it may have run out nothing is sent;
//! the run waits, and goes on if the renewal comes through and no other worker has taken the job. Time is counted by a
//! clock that goes on while the machine is suspended.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::store::{Held, Lease, Store, StoreError};

/// A worker's hold on its job.
#[derive(Debug)]
pub struct LeaseKeeper<'a> {
    store: &'a Store,
    lease: &'a Lease,
    length: Duration,
    state: watch::Sender<State>,
    clock: Clock,
    cancelled: watch::Sender<bool>,
}

/// What decides whether something may be sent.
#[derive(Debug, Clone, Copy)]
struct State {
    /// A moment before the lease was last granted.
    held_since: Duration,
    length: Duration,
    /// Whether what is acknowledged could not be written down for a while.
    unwritten: bool,
}

/// A clock that goes on while the machine is suspended: time since some moment in the past.
#[derive(Debug, Clone, Copy)]
pub struct Clock(fn() -> Duration);

impl Clock {
    /// The system's.
    pub const SYSTEM: Clock = Clock(since_boot);

    /// Another one, for tests.
    #[cfg(test)]
    pub fn of(now: fn() -> Duration) -> Clock {
        Clock(now)
    }

    /// What it shows.
    pub fn now(self) -> Duration {
        (self.0)()
    }
}

fn since_boot() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    // Elsewhere this one goes on during sleep.
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    let time = rustix::time::clock_gettime(clock);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

impl State {
    /// Nothing is sent in the last fifth of the lease: what is on its way has that time to arrive.
    fn is_open(self, now: Duration) -> bool {
        !self.unwritten && now < self.held_since + self.length * 4 / 5
    }

    /// Requests that are under way are given up a little before another worker may take the job.
    fn requests_end(self) -> Duration {
        self.held_since + self.length * 19 / 20
    }
}

/// What every delivery must pass: it is open while the job is surely held, and while what was acknowledged can be written
/// down.
#[derive(Debug, Clone)]
pub struct Fence(Option<(watch::Receiver<State>, Clock)>);

impl Fence {
    /// A fence that nothing is behind.
    pub fn none() -> Fence {
        Fence(None)
    }

    /// Whether something may be sent now.
    pub fn is_open(&self) -> bool {
        self.0.as_ref().is_none_or(|(state, clock)| state.borrow().is_open(clock.now()))
    }

    /// Waits until something may be sent.
    pub async fn pass(&self) {
        let Some((state, clock)) = &self.0 else { return };
        let mut state = state.clone();
        loop {
            let open = state.borrow_and_update().is_open(clock.now());
            if open {
                return;
            }
            if state.changed().await.is_err() {
                // The run has ended; nothing may be sent any more.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Does something that must not outlive the lease; nothing where the lease ends first.
    pub async fn within<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.lease_ended() => None,
        }
    }

    async fn lease_ended(&self) {
        /// A machine that was suspended is noticed so much later.
        const LOOK: Duration = Duration::from_millis(500);
        let Some((state, clock)) = &self.0 else { return std::future::pending().await };
        loop {
            let (end, now) = (state.borrow().requests_end(), clock.now());
            match end.checked_sub(now).filter(|left| !left.is_zero()) {
                Some(left) => sleep(left.min(LOOK)).await,
                None => return,
            }
        }
    }
}

impl<'a> LeaseKeeper<'a> {
    /// The hold on a job that was claimed after that moment of the clock.
    pub fn new(
        store: &'a Store,
        lease: &'a Lease,
        length: Duration,
        claimed_at: Duration,
        clock: Clock,
    ) -> LeaseKeeper<'a> {
        let state = State { held_since: claimed_at, length, unwritten: false };
        let (state, cancelled) = (watch::Sender::new(state), watch::Sender::new(false));
        LeaseKeeper { store, lease, length, state, clock, cancelled }
    }

    /// What deliveries must pass.
    pub fn fence(&self) -> Fence {
        Fence(Some((self.state.subscribe(), self.clock)))
    }

    /// Closes the fence while what is acknowledged cannot be written down, and opens it again.
    pub fn set_unwritten(&self, unwritten: bool) {
        self.state.send_if_modified(|state| std::mem::replace(&mut state.unwritten, unwritten) != unwritten);
    }

    /// Takes note of what the store has said of the job.
    pub fn note(&self, held: Held) {
        if held.cancelled {
            self.cancelled.send_replace(true);
        }
    }

    /// Waits until somebody has asked for the job's end.
    pub async fn cancelled(&self) {
        // The sender lives as long as this does.
        let _ = self.cancelled.subscribe().wait_for(|cancelled| *cancelled).await;
    }

    /// Renews the lease again and again; ends when another worker has the job, or when the store says so for good.
    pub async fn keep(&self) -> StoreError {
        loop {
            self.sleep_until_due().await;
            let begun = self.clock.now();
            match timeout(self.length / 5, self.store.renew(self.lease)).await {
                Ok(Ok(held)) => {
                    self.note(held);
                    self.state.send_modify(|state| state.held_since = begun);
                }
                Ok(Err(error)) if !error.is_unavailable() => return error,
                // The store tells in the log that it is away.
                Ok(Err(_)) | Err(_) => {
                    tokio::select! {
                        () = sleep(self.length / 20) => {}
                        () = self.store.until_back() => {}
                    }
                }
            }
        }
    }

    /// Sleeps until a third of the lease is over.
    async fn sleep_until_due(&self) {
        loop {
            let due = self.state.borrow().held_since + self.length / 3;
            match due.checked_sub(self.clock.now()).filter(|left| !left.is_zero()) {
                // In short steps: a machine that was suspended has slept for longer than its timers know.
                Some(left) => sleep(left.min(self.length / 10)).await,
                None => return,
            }
        }
    }
}
