//! `cdi-server check`: the configuration is valid (it has been loaded); do its connections work?

use std::path::Path;
use std::process::ExitCode;

use crate::config::{Config, StoreLocation};
use crate::process::print;
use crate::store::{Store, StoreError};
use crate::sync;

/// Tries the store and every source and destination, delivers nothing, and says how each fared.
pub async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let mut failed = 0;
    let mut say = |what: &str, outcome: Result<String, String>| match outcome {
        Ok(detail) => print(&format!("ok      {what}: {detail}\n")),
        Err(reason) => {
            failed += 1;
            print(&format!("failed  {what}: {reason}\n"))
        }
    };
    let (file, integrations, keys) = (config.file.display(), config.integrations.len(), config.keys.len());
    say(&file.to_string(), Ok(format!("integrations: {integrations}, keys: {keys}")))?;
    say("store", store(&config.store).await)?;
    for integration in &config.integrations {
        let source = sync::check_source(integration).await;
        say(
            &format!("source of {} ({})", integration.name, integration.id),
            source.map(|report| report.to_string()).map_err(|error| error.to_string()),
        )?;
        let destination = sync::check_destination(integration).await;
        say(
            &format!("destination of {} ({})", integration.name, integration.id),
            destination.map(|()| "reachable".to_owned()).map_err(|error| error.to_string()),
        )?;
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn store(location: &StoreLocation) -> Result<String, String> {
    match Store::look(location).await {
        Ok(Some(_)) => Ok("reachable".to_owned()),
        Ok(None) => Ok(format!("{}, which `cdi-server serve` makes when it starts", missing(location)?)),
        // It works, and will be brought up to date.
        Err(error @ StoreError::Older { .. }) => Ok(error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// What is said of a store that is not there yet.
fn missing(location: &StoreLocation) -> Result<String, String> {
    match location {
        StoreLocation::Postgres(_) => Ok("reachable; there are no tables yet".to_owned()),
        StoreLocation::Sqlite(path) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            // A file without a name, which leaves nothing behind.
            tempfile::tempfile_in(folder).map_err(|error| format!("{} cannot be made: {error}", path.display()))?;
            Ok(format!("there is no {} yet", path.display()))
        }
    }
}
