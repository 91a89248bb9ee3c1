//! A SQLite table or view as a source.

mod reading;
mod settings;
mod table;
mod times;
mod values;

use std::path::Path;

use futures::future::BoxFuture;

use crate::sync::source::{ReadRequest, Reading, SourceReport};
use crate::sync::{Source, SyncError};
use crate::types::{IntegrationKind, absolute};
pub use settings::{Sqlite, configure};

/// The name of this kind of source in the configuration.
pub const KIND: &str = "sqlite";

impl Source for Sqlite {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn identity(&self) -> String {
        format!("{KIND}:{}#{}", absolute(&self.path).display(), self.table.unquoted())
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn read(&self, request: ReadRequest) -> BoxFuture<'_, Result<Reading, SyncError>> {
        Box::pin(reading::read(&self.path, &self.table, request))
    }

    fn probe(&self, kind: IntegrationKind) -> BoxFuture<'_, Result<SourceReport, SyncError>> {
        Box::pin(reading::probe(&self.path, &self.table, kind))
    }
}
