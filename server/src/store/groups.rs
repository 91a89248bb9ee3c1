//! Calls that are written to the store in groups: those that arrive while a group is being written form the next one. So the
//! cost of a commit, and of waiting for a disk or a network, is shared by all callers that are waiting for it.

use tokio::sync::{mpsc, oneshot};

use super::StoreError;

/// The most calls in a group. Both databases limit a statement to some tens of thousands of parameters.
const MOST: usize = 256;

/// A call and where its result goes.
type Call<T, R> = (T, oneshot::Sender<Result<R, StoreError>>);

/// Groups of calls with values `T` and results `R`. Clones are the same.
#[derive(Debug)]
pub(super) struct Groups<T, R>(mpsc::UnboundedSender<Call<T, R>>);

impl<T, R> Clone for Groups<T, R> {
    fn clone(&self) -> Groups<T, R> {
        Groups(self.0.clone())
    }
}

impl<T: Send + 'static, R: Send + 'static> Groups<T, R> {
    /// Starts the task that writes the groups, one at a time. `write` gives as many results as it gets values. The task ends
    /// when all clones are dropped.
    pub fn start<F>(write: impl Fn(Vec<T>) -> F + Send + 'static) -> Groups<T, R>
    where
        F: Future<Output = Result<Vec<R>, StoreError>> + Send,
    {
        let (sender, mut waiting) = mpsc::unbounded_channel::<Call<T, R>>();
        tokio::spawn(async move {
            let mut calls = Vec::new();
            while waiting.recv_many(&mut calls, MOST).await > 0 {
                // A caller that no longer waits, because its deadline has passed, has reported a failure.
                calls.retain(|(_, result)| !result.is_closed());
                let (values, results): (Vec<T>, Vec<_>) = calls.drain(..).unzip();
                if values.is_empty() {
                    continue;
                }
                match write(values).await {
                    Ok(written) => {
                        for (result, written) in results.into_iter().zip(written) {
                            let _ = result.send(Ok(written));
                        }
                    }
                    Err(error) => {
                        for result in results {
                            let _ = result.send(Err(error.for_another_caller()));
                        }
                    }
                }
            }
        });
        Groups(sender)
    }

    /// Writes a value with the next group. Callers bound how many of them wait, and for how long.
    pub async fn write(&self, value: T) -> Result<R, StoreError> {
        let (sender, result) = oneshot::channel();
        let failed = || StoreError::Group("the task that writes to the store has ended".to_owned());
        self.0.send((value, sender)).map_err(|_| failed())?;
        result.await.map_err(|_| failed())?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures::FutureExt as _;
    use futures::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn calls_that_arrive_during_a_write_share_the_next_one() {
        let (groups, may_write) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Semaphore::new(0)));
        let calls = Groups::start({
            let (groups, may_write) = (groups.clone(), may_write.clone());
            move |values: Vec<u32>| {
                let (groups, may_write) = (groups.clone(), may_write.clone());
                async move {
                    may_write.acquire().await.unwrap().forget();
                    groups.lock().unwrap().push(values.clone());
                    if values.contains(&13) { Err(StoreError::LeaseLost) } else { Ok(values) }
                }
            }
        });
        let mut first = Box::pin(calls.write(1));
        assert!((&mut first).now_or_never().is_none());
        tokio::task::yield_now().await;
        let mut given_up = Box::pin(calls.write(2));
        assert!((&mut given_up).now_or_never().is_none());
        drop(given_up);
        let next = tokio::spawn({
            let calls = calls.clone();
            async move { join_all((3..6).map(|value| calls.write(value))).await }
        });
        tokio::task::yield_now().await;
        may_write.add_permits(10);
        assert_eq!(first.await.unwrap(), 1);
        let next: Vec<u32> = next.await.unwrap().into_iter().map(Result::unwrap).collect();
        assert_eq!(next, [3, 4, 5]);
        assert_eq!(*groups.lock().unwrap(), [vec![1], vec![3, 4, 5]]);
        assert_eq!(calls.write(13).await.unwrap_err().to_string(), StoreError::LeaseLost.to_string());
        assert_eq!(calls.write(14).await.unwrap(), 14, "an error ends only its group");
    }
}
