//! `cdi-server check`: the configuration is valid (it has been loaded); do its connections work?

use std::process::ExitCode;

use crate::config::Config;
use crate::process::print;
use crate::store::Store;
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
    let store = Store::open(&config.store).await;
    say("store", store.map(|_| "reachable, migrated".to_owned()).map_err(|error| error.to_string()))?;
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
