//! Renews the lease of a running job, and fences off deliveries while the lease may have expired.
//!
//! Each renewal attempt is limited to a fraction of the lease. While the lease may have expired nothing is sent; the run
//! waits, and continues if a renewal succeeds before another worker has claimed the job. Time is measured by a clock that
//! keeps running while the machine is suspended.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::trouble::Trouble;
use crate::store::{Lease, LeaseStatus, Store, StoreError};

/// Keeps the lease of a job.
#[derive(Debug)]
pub struct LeaseKeeper<'a> {
    store: &'a Store,
    lease: &'a Lease,
    length: Duration,
    state: watch::Sender<State>,
    clock: Clock,
    cancelled: watch::Sender<bool>,
    /// What the run waits for; written to the store with each renewal.
    pub trouble: Trouble,
}

/// Whether something may be sent depends on this.
#[derive(Debug, Clone, Copy)]
struct State {
    /// Clock time right before the request that last granted the lease.
    granted_at: Duration,
    length: Duration,
    /// Whether the last checkpoint is late or has failed.
    checkpoint_overdue: bool,
}

/// A monotonic clock that keeps running while the machine is suspended. Its origin is arbitrary.
#[derive(Debug, Clone, Copy)]
pub struct Clock(fn() -> Duration);

impl Clock {
    /// The system's clock.
    pub const SYSTEM: Clock = Clock(since_boot);

    /// A clock for tests.
    #[cfg(test)]
    pub fn of(now: fn() -> Duration) -> Clock {
        Clock(now)
    }

    /// Time since the clock's origin.
    pub fn now(self) -> Duration {
        (self.0)()
    }
}

fn since_boot() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    // On other systems the monotonic clock includes sleep.
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    let time = rustix::time::clock_gettime(clock);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

impl State {
    /// Nothing is sent in the last fifth of the lease, so that requests in flight have that time to arrive.
    fn is_open(self, now: Duration) -> bool {
        !self.checkpoint_overdue && now < self.granted_at + self.length * 4 / 5
    }

    /// When requests in flight are aborted: shortly before another worker may claim the job.
    fn requests_end(self) -> Duration {
        self.granted_at + self.length * 19 / 20
    }
}

/// Must be passed before each delivery. It is open while the lease is certainly held and checkpoints can be written.
#[derive(Debug, Clone)]
pub struct Fence(Option<(watch::Receiver<State>, Clock)>);

impl Fence {
    /// A fence that is always open.
    pub fn none() -> Fence {
        Fence(None)
    }

    /// A fence whose lease has ended.
    #[cfg(test)]
    pub fn ended() -> Fence {
        let state = State { granted_at: Duration::ZERO, length: Duration::ZERO, checkpoint_overdue: false };
        Fence(Some((watch::Sender::new(state).subscribe(), Clock::of(|| Duration::from_secs(1)))))
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
                // The run has ended, so nothing may be sent.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Runs a future that must not outlive the lease. Drops it and returns `None` if the lease ends first.
    pub async fn within<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let done = tokio::select! {
            biased;
            done = work => Some(done),
            () = self.lease_ended() => None,
        };
        // After a suspension of the machine, what has failed because of the end may be seen before the end.
        done.filter(|_| !self.has_ended())
    }

    /// Whether nothing may be sent any more, not even what has begun.
    pub fn has_ended(&self) -> bool {
        self.0.as_ref().is_some_and(|(state, clock)| state.borrow().requests_end() <= clock.now())
    }

    async fn lease_ended(&self) {
        /// How often to check the clock: timers do not advance while the machine is suspended.
        const CHECK: Duration = Duration::from_millis(500);
        let Some((state, clock)) = &self.0 else { return std::future::pending().await };
        loop {
            let (end, now) = (state.borrow().requests_end(), clock.now());
            match end.checked_sub(now).filter(|left| !left.is_zero()) {
                Some(left) => sleep(left.min(CHECK)).await,
                None => return,
            }
        }
    }
}

impl<'a> LeaseKeeper<'a> {
    /// Keeps a lease that was granted after the clock showed `claimed_at`.
    pub fn new(
        store: &'a Store,
        lease: &'a Lease,
        length: Duration,
        claimed_at: Duration,
        clock: Clock,
    ) -> LeaseKeeper<'a> {
        let state = State { granted_at: claimed_at, length, checkpoint_overdue: false };
        let (state, cancelled) = (watch::Sender::new(state), watch::Sender::new(false));
        LeaseKeeper { store, lease, length, state, clock, cancelled, trouble: Trouble::default() }
    }

    /// The fence for deliveries under this lease.
    pub fn fence(&self) -> Fence {
        Fence(Some((self.state.subscribe(), self.clock)))
    }

    /// Closes the fence while checkpoints cannot be written.
    pub fn set_checkpoint_overdue(&self, overdue: bool) {
        self.state.send_if_modified(|state| std::mem::replace(&mut state.checkpoint_overdue, overdue) != overdue);
    }

    /// Processes the status that the store has returned for the lease.
    pub fn update(&self, status: LeaseStatus) {
        if status.cancelled {
            self.cancelled.send_replace(true);
        }
    }

    /// Waits until the job's cancellation was requested.
    pub async fn cancelled(&self) {
        // The sender lives as long as `self`, so this cannot fail.
        let _ = self.cancelled.subscribe().wait_for(|cancelled| *cancelled).await;
    }

    /// Renews the lease until another worker has claimed the job, or until the store fails with an error that is not transient.
    pub async fn renew_until_lost(&self) -> StoreError {
        loop {
            tokio::select! {
                () = self.sleep_until_due() => {}
                // Operators are to see at once what the run waits for.
                () = self.trouble.begun() => {}
            }
            let begun = self.clock.now();
            match timeout(self.length / 5, self.store.renew(self.lease, self.trouble.now().as_deref())).await {
                Ok(Ok(status)) => {
                    self.update(status);
                    self.state.send_modify(|state| state.granted_at = begun);
                }
                Ok(Err(error)) if !error.is_unavailable() => return error,
                // The store logs its outages itself.
                Ok(Err(_)) | Err(_) => {
                    tokio::select! {
                        () = sleep(self.length / 20) => {}
                        () = self.store.recovered() => {}
                    }
                }
            }
        }
    }

    /// Sleeps until a third of the lease has passed.
    async fn sleep_until_due(&self) {
        loop {
            let due = self.state.borrow().granted_at + self.length / 3;
            match due.checked_sub(self.clock.now()).filter(|left| !left.is_zero()) {
                // In short steps, because timers do not advance while the machine is suspended.
                Some(left) => sleep(left.min(self.length / 10)).await,
                None => return,
            }
        }
    }
}
