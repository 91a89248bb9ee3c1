//! Prepares the rows of a chunk for `only_changed`: their attributes, and what the store knows of their users.
//!
//! It takes most of the time of such a sync, so it runs in a task of its own while other chunks are read and sent.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::task::{JoinHandle, yield_now};
use tokio::time::sleep;
use tracing::Instrument as _;

use super::intake::Chunk;
use crate::sync::comparison::{Comparison, KnownUsers};
use crate::sync::error::SyncError;

/// Rows that are prepared before others have their turn, such as requests to the API.
const AT_ONCE: usize = 500;
/// The pause before the store is asked again while it is unavailable.
const RETRY: Duration = Duration::from_millis(100);

/// A chunk whose rows have their attributes.
pub struct Compared {
    pub chunk: Chunk,
    /// What the store knew when it was asked. Rows that were sent since then may have changed it.
    pub known: KnownUsers,
}

/// A chunk that is being prepared. It is given up when this is dropped.
pub struct Comparing(JoinHandle<Result<Compared, SyncError>>);

impl Comparing {
    /// Starts to prepare a chunk.
    pub fn start(comparison: Comparison, chunk: Chunk) -> Comparing {
        Comparing(tokio::spawn(compare(comparison, chunk).in_current_span()))
    }
}

async fn compare(comparison: Comparison, mut chunk: Chunk) -> Result<Compared, SyncError> {
    let mut users = Vec::with_capacity(chunk.rows.len());
    for rows in chunk.rows.chunks_mut(AT_ONCE) {
        users.extend(comparison.prepare(rows.iter_mut().map(|(_, row)| row)));
        yield_now().await;
    }
    loop {
        match comparison.known(&mut users).await {
            Ok(known) => return Ok(Compared { chunk, known }),
            // The store logs its outages itself.
            Err(error) if error.is_unavailable() => sleep(RETRY).await,
            Err(error) => {
                let message = format!("the attributes that the destination has cannot be read from the store: {error}");
                return Err(SyncError::Failed(message));
            }
        }
    }
}

impl Future for Comparing {
    type Output = Result<Compared, SyncError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let done = ready!(Pin::new(&mut self.0).poll(context));
        let failed = |error| Err(SyncError::Failed(format!("the comparison of attributes failed: {error}")));
        Poll::Ready(done.unwrap_or_else(failed))
    }
}

impl Drop for Comparing {
    fn drop(&mut self) {
        self.0.abort();
    }
}
