//! A preview of an integration's next sync. Nothing is delivered, and no watermark moves.

use super::error::SyncError;
use super::feed::refusal;
use super::integration::Integration;
use super::row::RowHasher;
use super::source::{Opening, Read, ReadRequest};
use crate::store::{RowError, Watermark};

/// What the next sync would do.
#[derive(Debug)]
pub struct Preview {
    /// What it would do with its first rows, in their order.
    pub rows: Vec<Planned>,
    /// Whether there are more.
    pub more: bool,
    /// Rows dated in the future, which wait until their time comes.
    pub future: u64,
    /// Rows without an `UPDATED_AT`, which are never synced.
    pub undated: u64,
}

/// What would be done with a row.
#[derive(Debug)]
pub enum Planned {
    /// This object would be sent.
    Sent(String),
    /// It would be refused before anything is sent.
    Refused(RowError),
}

/// Looks at the first rows of the next sync.
pub async fn preview(
    integration: &Integration,
    watermark: Option<Watermark>,
    most: usize,
) -> Result<Preview, SyncError> {
    // One more than are shown tells whether there are more.
    let request = ReadRequest {
        kind: integration.kind,
        from: watermark.map(|watermark| watermark.updated_at.timestamp_micros() + 1),
        most: Some((most as u64).saturating_add(1)),
        hasher: RowHasher::new([0; 32]),
    };
    let mut reading = integration.source.read(request).await?;
    let encoder = integration.destination.encoder(integration.kind);
    let mut preview = Preview { rows: Vec::new(), more: false, future: 0, undated: 0 };
    loop {
        match reading.next().await? {
            Read::Opened(Opening { future, undated, .. }) => (preview.future, preview.undated) = (future, undated),
            Read::End => return Ok(preview),
            Read::Rows(rows) => {
                for row in rows {
                    if preview.rows.len() == most {
                        return Ok(Preview { more: true, ..preview });
                    }
                    let mut object = Vec::new();
                    preview.rows.push(match encoder.write(&row, &mut object) {
                        Ok(()) => Planned::Sent(String::from_utf8_lossy(&object).into_owned()),
                        Err(reason) => {
                            Planned::Refused(refusal(row.identifier.as_ref(), row.updated_at, &reason, None))
                        }
                    });
                }
            }
        }
    }
}
