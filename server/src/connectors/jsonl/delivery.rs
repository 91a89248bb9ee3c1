//! Delivery into a file with one object per line.
//!
//! A batch is written completely or not at all. A resumed job truncates the file to its length at the job's last
//! checkpoint and continues there, so no line is duplicated; an offset recorded for another machine, disk or file is
//! ignored. Any other job only removes an incomplete last line. The file is locked while a run writes to it, and after
//! a cancelled run until its last batch is written.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::file_offset::{FileOffset, machine};
use super::line_file::{self, LineFile};
use super::patience::Patience;
use crate::sync::SyncError;
use crate::sync::batch::Batch;
use crate::sync::destination::{DeliveryContext, Limits, Outcome};

/// One batch at a time, so that lines are in row order.
pub const LIMITS: Limits = Limits { in_flight: 1, objects: 5000, bytes: 1_000_000, separator: b'\n' };

/// How long to wait for a worker that has lost the job but is still writing.
const LOCKED: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// A file opened for a run.
#[derive(Debug)]
pub struct OpenJsonl {
    pub(super) file: Arc<LineFile>,
    context: DeliveryContext,
}

impl OpenJsonl {
    /// Opens, locks and repairs the file; creates it if it does not exist.
    pub async fn open(
        path: &Path,
        position: Option<FileOffset>,
        context: DeliveryContext,
    ) -> Result<OpenJsonl, SyncError> {
        OpenJsonl::open_on(machine(), path, position, context).await
    }

    /// The same, with a given machine name.
    pub(super) async fn open_on(
        machine: &'static str,
        path: &Path,
        position: Option<FileOffset>,
        context: DeliveryContext,
    ) -> Result<OpenJsonl, SyncError> {
        let begun = Instant::now();
        let mut patience = Patience::new(&context);
        loop {
            let own = path.to_owned();
            match blocking(move || line_file::open(machine, own, position)).await {
                Ok(Some(file)) => return Ok(OpenJsonl { file: Arc::new(file), context }),
                Ok(None) if begun.elapsed() < LOCKED => sleep(LOOK_AGAIN).await,
                Ok(None) => {
                    let message = format!("{} is locked by another process that writes to it", path.display());
                    return Err(SyncError::Transient(message));
                }
                Err(SyncError::Transient(cause)) => patience.wait(cause).await?,
                Err(error) => return Err(error),
            }
        }
    }

    /// The length of the file up to its last complete batch, in bytes.
    pub fn end(&self) -> u64 {
        self.file.end.load(Ordering::Relaxed)
    }

    /// An offset in this file.
    pub fn offset(&self, offset: u64) -> FileOffset {
        FileOffset { file: self.file.identity, offset }
    }

    /// Appends a batch. If the run is asked to stop before the batch can be written, the outcomes are `None`.
    pub async fn deliver(&self, mut batch: Batch) -> Result<(Batch, Vec<Option<Outcome>>), SyncError> {
        let DeliveryContext { fence, stop, slot, .. } = &self.context;
        let mut patience = Patience::new(&self.context);
        loop {
            tokio::select! {
                biased;
                () = slot.wait(fence.pass()) => {}
                () = stop.asked() => {
                    let unknown = vec![None; batch.len()];
                    return Ok((batch, unknown));
                }
            }
            let file = self.file.clone();
            let (back, appended) = blocking(move || {
                let appended = file.append(&batch);
                Ok((batch, appended))
            })
            .await?;
            batch = back;
            match appended {
                Ok(outcomes) => {
                    patience.succeeded();
                    return Ok((batch, outcomes));
                }
                Err(SyncError::Transient(cause)) => patience.wait(cause).await?,
                Err(error) => return Err(error),
            }
        }
    }

    /// Flushes written lines to disk, so that they survive a power failure.
    pub async fn flush(&self) -> Result<(), SyncError> {
        let file = self.file.clone();
        blocking(move || file.make_durable()).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SyncError> + Send + 'static,
) -> Result<T, SyncError> {
    let sync = tracing::Span::current();
    let done = tokio::task::spawn_blocking(move || sync.in_scope(work)).await;
    done.unwrap_or_else(|error| Err(SyncError::Failed(format!("writing the file failed: {error}"))))
}
