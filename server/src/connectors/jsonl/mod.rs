//! A file with one JSON object per line as a destination.

mod delivery;
mod file_offset;
mod line_file;
mod patience;
mod settings;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::sync::batch::Batch;
use crate::sync::destination::{Delivery, DeliveryContext, Limits, OpenDestination};
use crate::sync::object::ObjectEncoder;
use crate::sync::{Destination, SyncError};
use crate::types::{IntegrationKind, absolute};
use delivery::OpenJsonl;
pub use settings::{Jsonl, configure};

/// The name of this kind of destination in the configuration.
pub const KIND: &str = "jsonl";

impl Destination for Jsonl {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn identity(&self) -> String {
        format!("{KIND}:{}", absolute(&self.path).display())
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn encoder(&self, kind: IntegrationKind) -> ObjectEncoder {
        ObjectEncoder { kind, update_existing_only: None, bare_deletes: false }
    }

    fn open(
        &self,
        _kind: IntegrationKind,
        position: Option<String>,
        context: DeliveryContext,
    ) -> BoxFuture<'_, Result<Arc<dyn OpenDestination>, SyncError>> {
        // An offset in the format of an older version is ignored.
        let position = position.and_then(|position| position.parse().ok());
        Box::pin(async move {
            let open = OpenJsonl::open(&self.path, position, context).await?;
            Ok(Arc::new(open) as Arc<dyn OpenDestination>)
        })
    }

    fn probe(&self, _kind: IntegrationKind) -> BoxFuture<'_, Result<(), SyncError>> {
        Box::pin(std::future::ready(line_file::probe(&self.path)))
    }
}

impl OpenDestination for OpenJsonl {
    fn limits(&self) -> Limits {
        delivery::LIMITS
    }

    fn deliver(&self, batch: Batch) -> BoxFuture<'_, Delivery> {
        Box::pin(async move {
            match OpenJsonl::deliver(self, batch).await {
                Ok((batch, outcomes)) => Delivery { batch, outcomes, ended: Ok(()) },
                Err(error) => Delivery { batch: Batch::default(), outcomes: Vec::new(), ended: Err(error) },
            }
        })
    }

    /// An object's mark is the offset of its end.
    fn mark(&self) -> u64 {
        self.end()
    }

    fn position(&self, mark: u64) -> Option<String> {
        Some(self.offset(mark).to_string())
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), SyncError>> {
        Box::pin(OpenJsonl::flush(self))
    }
}
