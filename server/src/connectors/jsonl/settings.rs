//! The keys of a `jsonl` destination in the configuration.

use std::path::PathBuf;
use std::sync::Arc;

use crate::settings::Section;
use crate::sync::Destination;
use crate::types::IntegrationKind;

/// A file with one object per line.
#[derive(Debug, Clone)]
pub struct Jsonl {
    /// The path of the file.
    pub path: PathBuf,
}

/// Reads the keys of the section.
pub fn configure(section: &mut Section<'_, '_>, _kind: Option<IntegrationKind>) -> Option<Arc<dyn Destination>> {
    Some(Arc::new(Jsonl { path: section.path("path")? }))
}
