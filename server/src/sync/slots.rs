//! Concurrency slots: a process works on as many runs at once as it has slots. A run that only waits, because a destination
//! asked for a pause or a source is unavailable, releases its slot to another run until it continues. Long runs take turns, so
//! that a short one does not wait for their end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// Waits shorter than this keep the slot.
const SHORT_WAIT: Duration = Duration::from_millis(500);
/// How long a run keeps its slot while no other slot is free.
const TURN: Duration = Duration::from_secs(10);

/// A run's slot. Clones are the same slot.
#[derive(Debug, Clone)]
pub struct Slot(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// All slots of the process; `None` if concurrency is unlimited.
    slots: Option<Arc<Semaphore>>,
    state: Mutex<State>,
    /// Only one task of the run at a time acquires the slot, on behalf of all of them.
    acquiring: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    permit: Option<OwnedSemaphorePermit>,
    /// When the permit was acquired.
    since: Instant,
    /// Tasks of the run that are working and not waiting. It can be negative for a moment: a task that is dropped while it
    /// waits may be subtracted before it is added again.
    working: isize,
}

impl Slot {
    /// A slot that was acquired from `slots`.
    pub fn new(slots: Arc<Semaphore>, permit: OwnedSemaphorePermit) -> Slot {
        let state = State { permit: Some(permit), since: Instant::now(), working: 0 };
        Slot(Arc::new(Inner { slots: Some(slots), state: Mutex::new(state), acquiring: Default::default() }))
    }

    /// A slot without a limit.
    pub fn unlimited() -> Slot {
        Slot(Arc::new(Inner {
            slots: None,
            state: Mutex::new(State { permit: None, since: Instant::now(), working: 0 }),
            acquiring: Default::default(),
        }))
    }

    /// Marks the calling task as working until the guard is dropped. Reacquires the slot first if it was released because
    /// all other tasks of the run wait, and lets others have it if the run's turn is over.
    pub async fn work(&self) -> Working {
        self.end_turn();
        // Counted before the slot is held: otherwise another task that starts to wait would release it again.
        self.lock().working += 1;
        let working = Working(self.clone());
        self.acquire().await;
        working
    }

    /// Lets others have the slot if the run's turn is over, and waits until it comes round again. Runs that deliver nothing
    /// call this, because they never call [`Self::work`].
    ///
    /// A slot that was released because all tasks of the run wait is not acquired.
    pub async fn take_turn(&self) {
        if self.end_turn() {
            self.acquire().await;
        }
    }

    /// Releases the slot if the run has had it for a whole turn and no other slot is free. Returns whether it did.
    fn end_turn(&self) -> bool {
        let Some(slots) = &self.0.slots else { return false };
        let mut state = self.lock();
        let is_over = state.permit.is_some() && state.since.elapsed() >= TURN && slots.available_permits() == 0;
        if is_over {
            state.permit = None;
        }
        is_over
    }

    /// Waits for a future. The slot is released while no task of the run works, and reacquired before this returns. Call it
    /// while holding a [`Working`], or while no task does, as when a run opens its destination.
    pub async fn wait<T>(&self, waiting: impl Future<Output = T>) -> T {
        tokio::pin!(waiting);
        if let Ok(done) = timeout(SHORT_WAIT, &mut waiting).await {
            return done;
        }
        let pause = Pause::begin(self);
        let done = waiting.await;
        drop(pause);
        self.acquire().await;
        done
    }

    /// Acquires a slot if the run has none.
    async fn acquire(&self) {
        let Some(slots) = &self.0.slots else { return };
        let _acquiring = self.0.acquiring.lock().await;
        if self.lock().permit.is_some() {
            return;
        }
        // The semaphore is never closed.
        if let Ok(permit) = slots.clone().acquire_owned().await {
            let mut state = self.lock();
            (state.permit, state.since) = (Some(permit), Instant::now());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic cannot leave it inconsistent, so poisoning is ignored.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A guard: one task of a run is working.
#[derive(Debug)]
pub struct Working(Slot);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.lock().working -= 1;
    }
}

/// A guard: one task of a run is waiting. Dropping it, even by cancellation, counts the task as working again.
struct Pause<'a>(&'a Slot);

impl Pause<'_> {
    fn begin(slot: &Slot) -> Pause<'_> {
        let mut state = slot.lock();
        state.working -= 1;
        if state.working <= 0 {
            state.permit = None;
        }
        Pause(slot)
    }
}

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        self.0.lock().working += 1;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_slot_is_released_only_while_every_task_of_its_run_waits() {
        let slots = Arc::new(Semaphore::new(1));
        let slot = Slot::new(slots.clone(), slots.clone().try_acquire_owned().unwrap());
        let (first, second) = (slot.work().await, slot.work().await);
        let wake = Notify::new();
        let mut waits = Box::pin(slot.wait(wake.notified()));
        assert!(timeout(Duration::from_secs(5), &mut waits).await.is_err());
        assert_eq!(slots.available_permits(), 0, "the other task works");
        drop(second);
        let also = slot.work().await;
        let mut also_waits = Box::pin(slot.wait(std::future::pending::<()>()));
        assert!(timeout(Duration::from_secs(5), &mut also_waits).await.is_err());
        assert_eq!(slots.available_permits(), 1, "no task works");
        let other = slots.clone().try_acquire_owned().unwrap();
        wake.notify_one();
        assert!(timeout(Duration::from_secs(5), &mut waits).await.is_err(), "another run has the slot");
        drop(other);
        assert!(waits.now_or_never().is_some());
        assert_eq!(slots.available_permits(), 0);
        drop((first, also));
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_that_wait_at_the_same_time_continue_with_one_slot() {
        let slots = Arc::new(Semaphore::new(1));
        let slot = Slot::new(slots.clone(), slots.clone().try_acquire_owned().unwrap());
        let _working = futures::future::join_all((0..8).map(|_| slot.work())).await;
        let waits = (0..8).map(|_| slot.wait(tokio::time::sleep(Duration::from_secs(2))));
        assert!(timeout(Duration::from_secs(5), futures::future::join_all(waits)).await.is_ok());
        assert_eq!(slots.available_permits(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_starts_while_the_others_wait_acquires_the_slot_first() {
        let slots = Arc::new(Semaphore::new(1));
        let slot = Slot::new(slots.clone(), slots.clone().try_acquire_owned().unwrap());
        let first = slot.work().await;
        let wake = Notify::new();
        let mut waits = Box::pin(slot.wait(wake.notified()));
        assert!(timeout(Duration::from_secs(5), &mut waits).await.is_err());
        let other = slots.clone().try_acquire_owned().unwrap();
        let mut starts = Box::pin(slot.work());
        assert!(timeout(Duration::from_secs(5), &mut starts).await.is_err(), "another run has the slot");
        drop(other);
        let second = starts.now_or_never().expect("the slot is free");
        assert_eq!(slots.available_permits(), 0);
        // The waiting task shares it.
        wake.notify_one();
        assert!(waits.now_or_never().is_some());
        drop((first, second));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_is_cancelled_while_it_acquires_the_slot_does_not_keep_it() {
        let slots = Arc::new(Semaphore::new(1));
        let slot = Slot::new(slots.clone(), slots.clone().try_acquire_owned().unwrap());
        let _first = slot.work().await;
        let mut waits = Box::pin(slot.wait(std::future::pending::<()>()));
        assert!(timeout(Duration::from_secs(5), &mut waits).await.is_err());
        let other = slots.clone().try_acquire_owned().unwrap();
        assert!(timeout(Duration::from_secs(5), slot.work()).await.is_err());
        drop(other);
        assert_eq!(slots.available_permits(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_whose_turn_is_over_lets_the_next_one_have_the_slot() {
        let slots = Arc::new(Semaphore::new(1));
        let slot = Slot::new(slots.clone(), slots.clone().try_acquire_owned().unwrap());
        let mut next = Box::pin(slots.clone().acquire_owned());
        assert!(futures::poll!(&mut next).is_pending());
        drop(slot.work().await);
        assert!(futures::poll!(&mut next).is_pending(), "its turn is not over");
        tokio::time::advance(TURN).await;
        let mut works = Box::pin(slot.work());
        assert!(futures::poll!(&mut works).is_pending());
        let next = next.now_or_never().expect("the slot is free");
        assert!(futures::poll!(&mut works).is_pending(), "the other run has its turn");
        drop(next);
        let working = works.now_or_never().expect("its turn comes round again");
        drop(working);
        tokio::time::advance(TURN).await;
        assert!(slot.take_turn().now_or_never().is_some(), "nobody else waits");
        assert_eq!(slots.available_permits(), 0);
        let _working = slot.work().await;
        let mut waits = Box::pin(slot.wait(std::future::pending::<()>()));
        assert!(timeout(Duration::from_secs(5), &mut waits).await.is_err());
        slot.take_turn().await;
        assert_eq!(slots.available_permits(), 1, "the run waits, so it needs no slot");
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_wait_keeps_the_slot() {
        let slots = Arc::new(Semaphore::new(1));
        let slot = Slot::new(slots.clone(), slots.clone().try_acquire_owned().unwrap());
        let _working = slot.work().await;
        let brief = slot.wait(tokio::time::sleep(Duration::from_millis(400)));
        tokio::pin!(brief);
        while futures::poll!(&mut brief).is_pending() {
            assert_eq!(slots.available_permits(), 0);
            tokio::time::advance(Duration::from_millis(50)).await;
        }
    }
}
