//! Warns if another store has the watermarks that the configured one lacks: perhaps `store` was changed by mistake, and all
//! rows would be sent again.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::config::{Config, StoreLocation};
use crate::store::{OtherStore, stores_in};
use crate::types::{folder, real};

/// Integrations that are named in a warning.
const SHOWN: usize = 3;

/// Warnings of stores beside the configured one, or beside the configuration file, that have watermarks of integrations which
/// have none in the configured store. `known` is the integrations that have one there.
///
/// It reads files, so no database of this process may be open except the store; see [`stores_in`].
pub async fn warnings(config: &Config, known: &[String]) -> Vec<String> {
    let without: Vec<(String, &str)> = config
        .integrations
        .iter()
        .map(|integration| (integration.id.to_string(), integration.name.as_str()))
        .filter(|(id, _)| !known.contains(id))
        .collect();
    if without.is_empty() {
        return Vec::new();
    }
    let store = match &config.store {
        StoreLocation::Sqlite(path) => Some(path),
        StoreLocation::Postgres(_) => None,
    };
    let folders: BTreeSet<PathBuf> = store.into_iter().chain([&config.file]).map(|file| real(folder(file))).collect();
    let except = store.map(|path| real(path));
    let mut warnings = Vec::new();
    for folder in folders {
        for OtherStore { path, integrations } in stores_in(&folder, except.as_deref()).await {
            let lost: Vec<&str> =
                without.iter().filter(|(id, _)| integrations.contains(id)).map(|(_, name)| *name).collect();
            if !lost.is_empty() {
                let (sync, sends, watermark) = if lost.len() == 1 {
                    ("sync", "sends", "its watermark is")
                } else {
                    ("syncs", "send", "their watermarks are")
                };
                warnings.push(format!(
                    "the next {sync} of {} {sends} every row again, because {watermark} in another store, {}; if that is not \
                     intended, correct `store`",
                    listed(&lost),
                    path.display()
                ));
            }
        }
    }
    warnings
}

/// Writes the warnings to the log if the configured store is a file that is still to be created.
pub async fn log(config: &Config) {
    if let StoreLocation::Sqlite(path) = &config.store
        && !path.exists()
    {
        for warning in warnings(config, &[]).await {
            tracing::warn!("{} is a new store: {warning}", path.display());
        }
    }
}

fn listed(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let others = if names.len() > SHOWN { " and others" } else { "" };
    format!("{}{others}", shown.join(", "))
}
