//! The right to work: as many runs of a process work at once as it has slots. A run that only waits, for a destination
//! that asks to be left alone or for a source that is away, gives its slot to another until it goes on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// A shorter wait is not worth handing the slot over.
const BRIEF: Duration = Duration::from_millis(500);

/// A run's slot. Clones are the same slot.
#[derive(Debug, Clone)]
pub struct Slot(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// All slots of the process; nothing where work is not limited.
    slots: Option<Arc<Semaphore>>,
    state: Mutex<State>,
    /// One part of the run at a time takes a slot, for all of them.
    taking: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    permit: Option<OwnedSemaphorePermit>,
    /// Parts of the run that are at work less those of them that wait. One that is dropped while it waits may be
    /// subtracted before it is added again.
    working: isize,
}

impl Slot {
    /// One of these slots.
    pub fn new(slots: Arc<Semaphore>, permit: OwnedSemaphorePermit) -> Slot {
        let state = State { permit: Some(permit), working: 0 };
        Slot(Arc::new(Inner { slots: Some(slots), state: Mutex::new(state), taking: Default::default() }))
    }

    /// Where work is not limited.
    pub fn unlimited() -> Slot {
        Slot(Arc::new(Inner {
            slots: None,
            state: Mutex::new(State { permit: None, working: 0 }),
            taking: Default::default(),
        }))
    }

    /// A part of the run is at work until this is dropped. Where the slot was given up, as all the others wait, it is taken
    /// again first.
    pub async fn work(&self) -> Working {
        // It counts before it has the slot: otherwise another part that begins to wait would give that up again.
        self.lock().working += 1;
        let working = Working(self.clone());
        self.take().await;
        working
    }

    /// Waits for something. The slot is given up as soon as no part of the run is at work, and taken again before this
    /// returns. Called by a part that holds a [`Working`], or while no part does, as when a run opens its destination.
    pub async fn wait<T>(&self, waiting: impl Future<Output = T>) -> T {
        tokio::pin!(waiting);
        if let Ok(done) = timeout(BRIEF, &mut waiting).await {
            return done;
        }
        let pause = Pause::begin(self);
        let done = waiting.await;
        drop(pause);
        self.take().await;
        done
    }

    /// Takes a slot again if it was given up.
    async fn take(&self) {
        let Some(slots) = &self.0.slots else { return };
        let _taking = self.0.taking.lock().await;
        if self.lock().permit.is_some() {
            return;
        }
        // The semaphore is never closed.
        if let Ok(permit) = slots.clone().acquire_owned().await {
            self.lock().permit = Some(permit);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // It is whole after every statement.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of a run that is at work.
#[derive(Debug)]
pub struct Working(Slot);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.lock().working -= 1;
    }
}

/// A part of a run that waits; it counts as working again when this is dropped, however that comes.
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
    async fn a_slot_is_free_for_others_only_while_every_part_of_its_run_waits() {
        let slots = Arc::new(Semaphore::new(1));
        let slot = Slot::new(slots.clone(), slots.clone().try_acquire_owned().unwrap());
        let (first, second) = (slot.work().await, slot.work().await);
        let told = Notify::new();
        let mut waits = Box::pin(slot.wait(told.notified()));
        assert!(timeout(Duration::from_secs(5), &mut waits).await.is_err());
        assert_eq!(slots.available_permits(), 0, "the other part works");
        drop(second);
        let also = slot.work().await;
        let mut also_waits = Box::pin(slot.wait(std::future::pending::<()>()));
        assert!(timeout(Duration::from_secs(5), &mut also_waits).await.is_err());
        assert_eq!(slots.available_permits(), 1, "nobody works");
        let other = slots.clone().try_acquire_owned().unwrap();
        told.notify_one();
        assert!(timeout(Duration::from_secs(5), &mut waits).await.is_err(), "another run has the slot");
        drop(other);
        assert!(waits.now_or_never().is_some());
        assert_eq!(slots.available_permits(), 0);
        drop((first, also));
    }

    #[tokio::test(start_paused = true)]
    async fn parts_that_wait_at_the_same_time_go_on_with_one_slot() {
        let slots = Arc::new(Semaphore::new(1));
        let slot = Slot::new(slots.clone(), slots.clone().try_acquire_owned().unwrap());
        let _working = futures::future::join_all((0..8).map(|_| slot.work())).await;
        let waits = (0..8).map(|_| slot.wait(tokio::time::sleep(Duration::from_secs(2))));
        assert!(timeout(Duration::from_secs(5), futures::future::join_all(waits)).await.is_ok());
        assert_eq!(slots.available_permits(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_begins_while_the_others_wait_takes_the_slot_first() {
        let slots = Arc::new(Semaphore::new(1));
        let slot = Slot::new(slots.clone(), slots.clone().try_acquire_owned().unwrap());
        let first = slot.work().await;
        let told = Notify::new();
        let mut waits = Box::pin(slot.wait(told.notified()));
        assert!(timeout(Duration::from_secs(5), &mut waits).await.is_err());
        let other = slots.clone().try_acquire_owned().unwrap();
        let mut begins = Box::pin(slot.work());
        assert!(timeout(Duration::from_secs(5), &mut begins).await.is_err(), "another run has the slot");
        drop(other);
        let second = begins.now_or_never().expect("the slot is free");
        assert_eq!(slots.available_permits(), 0);
        // The one that waits shares it.
        told.notify_one();
        assert!(waits.now_or_never().is_some());
        drop((first, second));
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_gives_up_while_it_waits_for_the_slot_leaves_it_to_others() {
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
    async fn a_brief_wait_keeps_the_slot() {
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
