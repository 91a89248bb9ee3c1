//! Reads rows, leaves out those that are acknowledged, and numbers the others.

use futures::Stream;

use super::{Numbered, Rows, RunOutcome};
use crate::metrics::METRICS;
use crate::sync::error::SyncError;
use crate::sync::row::Row;
use crate::sync::row_filter::{OverflowChanged, RowFilter, Verdict};
use crate::sync::shared_progress::SharedProgress;
use crate::sync::slots::Slot;
use crate::sync::source::{Read, Reading};

/// The rows of a reading that are to be sent.
pub struct Intake<'a> {
    reading: &'a mut Reading,
    filter: RowFilter,
    progress: &'a SharedProgress,
    slot: Slot,
}

/// Some rows to send, in order.
pub struct Chunk {
    pub rows: Vec<Numbered>,
    /// Why no further rows are to be read.
    pub end: Option<RunOutcome>,
}

impl<'a> Intake<'a> {
    pub fn new(rows: Rows<'a>, progress: &'a SharedProgress, slot: Slot) -> Intake<'a> {
        Intake { reading: rows.reading, filter: rows.filter, progress, slot }
    }

    /// The chunks. Nothing may be taken after the last one or an error.
    pub fn chunks(self) -> impl Stream<Item = Result<Chunk, SyncError>> + use<'a> {
        futures::stream::unfold(self, async |mut intake| Some((intake.next().await, intake)))
    }

    async fn next(&mut self) -> Result<Chunk, SyncError> {
        self.slot.take_turn().await;
        let none = |end| Chunk { rows: Vec::new(), end: Some(end) };
        match self.reading.next().await? {
            Read::Rows(rows) => {
                let (chunk, has_unsaved_forgets) = self.new_rows(rows);
                if has_unsaved_forgets {
                    // Checkpoint before sending: otherwise a crash could leave a version in the record that the destination no
                    // longer has.
                    self.progress.wait_until_forgotten().await;
                }
                Ok(chunk)
            }
            Read::End => Ok(self.filter.end().map_or(none(RunOutcome::ReadAgain), |()| none(RunOutcome::End))),
            Read::Opened(_) => Err(SyncError::Failed("the source reported its snapshot twice".into())),
        }
    }

    /// The new rows of these, and whether versions of their users must first be removed from the stored record.
    fn new_rows(&mut self, rows: Vec<Row>) -> (Chunk, bool) {
        METRICS.rows_read.inc_by(rows.len() as u64);
        let (mut new, mut end, mut unchanged) = (Vec::with_capacity(rows.len()), None, 0);
        let mut progress = self.progress.lock();
        for row in rows {
            match self.filter.judge(&row) {
                Ok(Verdict::Known | Verdict::Counted) => {
                    unchanged += 1;
                    progress.skip_known(row.updated_at);
                }
                Ok(Verdict::New { forgotten }) => {
                    progress.forget(forgotten);
                    new.push((progress.read(row.updated_at, row.digest()), row));
                }
                Err(OverflowChanged) => {
                    end = Some(RunOutcome::ReadAgain);
                    break;
                }
            }
        }
        METRICS.rows_unchanged.inc_by(unchanged);
        (Chunk { rows: new, end }, progress.has_unsaved_forgets())
    }
}
