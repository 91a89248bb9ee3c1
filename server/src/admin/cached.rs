//! A value that is read at most once in a while, whoever asks, and less often the longer reading it takes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// A value counts as new for at least this many times the duration of its reading: one percent of the time goes into reading.
const PAUSE_FACTOR: u32 = 100;
/// But not longer than this many times what counts as new anyway: reading may be slow because the store is busy, which is when
/// operators want to know.
const MOST: u32 = 10;

/// A value and how long it counts. Callers that come while it is read wait for it.
#[derive(Debug)]
pub(super) struct Cached<T> {
    last: Mutex<Option<Last<T>>>,
    fresh: Duration,
    /// How long the last value counts while no newer one can be read.
    usable: Duration,
}

/// The last value that was read.
#[derive(Debug)]
struct Last<T> {
    value: Arc<T>,
    read_at: Instant,
    took: Duration,
}

impl<T> Cached<T> {
    pub(super) fn new(fresh: Duration, usable: Duration) -> Cached<T> {
        Cached { last: Mutex::default(), fresh, usable }
    }

    /// The value, read by `read` unless it is fresh. `None` if it cannot be read and the last one is too old.
    pub(super) async fn get(&self, read: impl Future<Output = Option<T>>) -> Option<Arc<T>> {
        let mut last = self.last.lock().await;
        if let Some(last) = last.as_ref()
            && last.read_at.elapsed() < self.fresh.max((last.took * PAUSE_FACTOR).min(self.fresh * MOST))
        {
            return Some(last.value.clone());
        }
        let begun = Instant::now();
        if let Some(value) = read.await {
            let value = Arc::new(value);
            *last = Some(Last { value: value.clone(), read_at: Instant::now(), took: begun.elapsed() });
            return Some(value);
        }
        last.as_ref().filter(|last| last.read_at.elapsed() < self.usable).map(|last| last.value.clone())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, sleep};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_value_is_read_again_when_it_is_old_and_kept_while_it_cannot_be_read() {
        let cached = Cached::new(5 * SECOND, 60 * SECOND);
        let get = async |read: Option<u32>| cached.get(async { read }).await.map(|value| *value);
        assert_eq!(get(None).await, None);
        assert_eq!(get(Some(1)).await, Some(1));
        advance(4 * SECOND).await;
        assert_eq!(get(Some(2)).await, Some(1));
        advance(2 * SECOND).await;
        assert_eq!(get(None).await, Some(1));
        assert_eq!(get(Some(3)).await, Some(3));
        advance(61 * SECOND).await;
        assert_eq!(get(None).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_that_is_slow_to_read_is_read_less_often() {
        let cached = Cached::new(5 * SECOND, 60 * SECOND);
        let get = async |value: u32| {
            let read = async {
                sleep(SECOND / 2).await;
                Some(value)
            };
            cached.get(read).await.map(|value| *value)
        };
        assert_eq!(get(1).await, Some(1));
        advance(49 * SECOND).await;
        assert_eq!(get(2).await, Some(1));
        advance(2 * SECOND).await;
        assert_eq!(get(3).await, Some(3));
    }
}
