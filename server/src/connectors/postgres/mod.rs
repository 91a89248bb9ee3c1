//! A Postgres table or view as a source.

mod missing;
mod order;
mod plan;
mod reading;
mod session;
mod settings;
mod table;
#[cfg(test)]
mod tests;
mod times;
mod transactions;
mod values;

use std::path::Path;

use futures::future::BoxFuture;

use crate::sync::source::{ReadRequest, Reading, SourceReport};
use crate::sync::{Source, SyncError};
use crate::types::IntegrationKind;
pub use settings::{Postgres, configure};

/// The name of this kind of source in the configuration.
pub const KIND: &str = "postgres";

impl Source for Postgres {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn identity(&self) -> String {
        format!("{}#{}", self.url.without_user(), self.table.unquoted())
    }

    fn file(&self) -> Option<&Path> {
        None
    }

    fn read(&self, request: ReadRequest) -> BoxFuture<'_, Result<Reading, SyncError>> {
        Box::pin(reading::read(&self.url, &self.table, request))
    }

    fn probe(&self, kind: IntegrationKind) -> BoxFuture<'_, Result<SourceReport, SyncError>> {
        Box::pin(reading::probe(&self.url, &self.table, kind))
    }
}
