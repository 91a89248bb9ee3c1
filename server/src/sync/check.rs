//! Whether an integration's connections work, for `cdi-server check`. Nothing is delivered.

use super::SyncError;
use super::{destination, source};
use crate::config::Integration;

/// Looks whether the source can be read.
pub async fn check_source(integration: &Integration) -> Result<source::Report, SyncError> {
    source::look(integration).await
}

/// Looks whether the destination takes what would be sent.
pub async fn check_destination(integration: &Integration) -> Result<(), SyncError> {
    destination::look(integration).await
}
