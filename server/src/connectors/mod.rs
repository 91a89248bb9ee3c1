//! Sources and destinations: one folder per kind, with its settings, its probe, and its reading or delivery.
//!
//! To add a kind, add a folder and a line in one of the tables below. No other module names a kind.

pub mod fake_braze;
pub mod jsonl;
pub mod postgres;
pub mod sqlite;
mod tables;
mod transient;
pub mod users_track;

use std::sync::Arc;

use crate::settings::Section;
use crate::sync::{Destination, Source};
use crate::types::IntegrationKind;

/// Reads the keys of a source from its table in the configuration.
type ConfigureSource = fn(&mut Section<'_, '_>) -> Option<Arc<dyn Source>>;
/// Reads the keys of a destination. The second argument is the integration's type, if it is known.
type ConfigureDestination = fn(&mut Section<'_, '_>, Option<IntegrationKind>) -> Option<Arc<dyn Destination>>;

/// The kinds of sources.
const SOURCES: &[(&str, ConfigureSource)] = &[(sqlite::KIND, sqlite::configure), (postgres::KIND, postgres::configure)];

/// The kinds of destinations.
const DESTINATIONS: &[(&str, ConfigureDestination)] =
    &[(users_track::KIND, users_track::configure), (jsonl::KIND, jsonl::configure)];

/// The names of all kinds of sources.
pub fn sources() -> impl Iterator<Item = &'static str> {
    SOURCES.iter().map(|(kind, _)| *kind)
}

/// The names of all kinds of destinations.
pub fn destinations() -> impl Iterator<Item = &'static str> {
    DESTINATIONS.iter().map(|(kind, _)| *kind)
}

/// The source that a table of the configuration describes. Problems are added to the section's.
pub fn source(mut section: Section<'_, '_>) -> Option<Arc<dyn Source>> {
    let configure = find(SOURCES, "source", &mut section)?;
    let source = configure(&mut section);
    section.refuse_others();
    source
}

/// The destination that a table of the configuration describes. Problems are added to the section's.
pub fn destination(mut section: Section<'_, '_>, kind: Option<IntegrationKind>) -> Option<Arc<dyn Destination>> {
    let configure = find(DESTINATIONS, "destination", &mut section)?;
    let destination = configure(&mut section, kind);
    section.refuse_others();
    destination
}

fn find<C: Copy>(kinds: &[(&str, C)], what: &str, section: &mut Section<'_, '_>) -> Option<C> {
    let kind = section.kind()?;
    let found = kinds.iter().find(|(name, _)| name == kind.get_ref());
    if found.is_none() {
        let known = kinds.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
        section.problem(kind.span(), format!("unknown kind of {what} `{}`; the kinds are {known}", kind.get_ref()));
    }
    found.map(|(_, configure)| *configure)
}
