//! A value that is read at most once in a while, whoever asks.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// A value and how long it counts. Callers that come while it is read wait for it.
#[derive(Debug)]
pub(super) struct Cached<T> {
    value: Mutex<Option<(Instant, Arc<T>)>>,
    fresh: Duration,
    /// How long the last value counts while no newer one can be read.
    usable: Duration,
}

impl<T> Cached<T> {
    pub(super) fn new(fresh: Duration, usable: Duration) -> Cached<T> {
        Cached { value: Mutex::default(), fresh, usable }
    }

    /// The value, read by `read` unless it is fresh. `None` if it cannot be read and the last one is too old.
    pub(super) async fn get(&self, read: impl Future<Output = Option<T>>) -> Option<Arc<T>> {
        let mut value = self.value.lock().await;
        let younger = |value: &Option<(Instant, Arc<T>)>, age| {
            value.as_ref().filter(|(read_at, _)| read_at.elapsed() < age).map(|(_, value)| value.clone())
        };
        if let Some(fresh) = younger(&value, self.fresh) {
            return Some(fresh);
        }
        if let Some(read) = read.await {
            let read = Arc::new(read);
            *value = Some((Instant::now(), read.clone()));
            return Some(read);
        }
        younger(&value, self.usable)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_value_is_read_again_when_it_is_old_and_kept_while_it_cannot_be_read() {
        let cached = Cached::new(Duration::from_secs(5), Duration::from_secs(60));
        let get = async |read: Option<u32>| cached.get(async { read }).await.map(|value| *value);
        assert_eq!(get(None).await, None);
        assert_eq!(get(Some(1)).await, Some(1));
        advance(Duration::from_secs(4)).await;
        assert_eq!(get(Some(2)).await, Some(1));
        advance(Duration::from_secs(2)).await;
        assert_eq!(get(None).await, Some(1));
        assert_eq!(get(Some(3)).await, Some(3));
        advance(Duration::from_secs(61)).await;
        assert_eq!(get(None).await, None);
    }
}
