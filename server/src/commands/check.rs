//! `cdi-server check`: the configuration is valid (it has been loaded); do its connections work?

use std::path::Path;
use std::process::ExitCode;

use crate::config::{Config, Integration};
use crate::process::print;
use crate::store::{Store, StoreError, StoreLocation};
use crate::types::folder;

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
        let source = integration.source.probe(integration.kind).await;
        say(
            &format!("source of {} ({})", integration.name, integration.id),
            source.map(|report| report.to_string()).map_err(|error| error.to_string()),
        )?;
        let destination = integration.destination.probe(integration.kind).await;
        say(
            &format!("destination of {} ({})", integration.name, integration.id),
            destination.map(|()| "reachable".to_owned()).map_err(|error| error.to_string()),
        )?;
        if matches!(config.store, StoreLocation::Postgres(_)) {
            for warning in local_paths(integration) {
                print(&format!("warning {warning}\n"))?;
            }
        }
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn store(location: &StoreLocation) -> Result<String, String> {
    match Store::open_existing(location).await {
        Ok(Some(store)) => {
            store.close().await;
            Ok("reachable".to_owned())
        }
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
            // A file without a name, which leaves nothing behind.
            tempfile::tempfile_in(folder(path))
                .map_err(|error| format!("{} cannot be made: {error}", path.display()))?;
            Ok(format!("there is no {} yet", path.display()))
        }
    }
}

/// What there is to say of an integration's files where several machines may share its store.
fn local_paths(integration: &Integration) -> Vec<String> {
    let source = integration.source.file().map(|path| ("source", path));
    let destination = integration.destination.file().map(|path| ("destination", path));
    let warning = |(what, path): (&str, &Path)| {
        format!(
            "{what} of {} ({}): {} is local to each machine, and any machine that shares the store may run the sync; let workers run on one machine only",
            integration.name,
            integration.id,
            path.display()
        )
    };
    source.into_iter().chain(destination).map(warning).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_one_machine_are_warned_of() {
        let toml = r#"
            store = "postgres://opencdi@db.internal/opencdi"
            [[integrations]]
            id = "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01"
            name = "Users"
            workspace = "ours"
            type = "attributes"
            source = { kind = "sqlite", path = "source.db", table = "users" }
            destination = { kind = "jsonl", path = "users.jsonl" }
            [[integrations]]
            id = "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b02"
            name = "Orders"
            workspace = "ours"
            type = "purchases"
            source = { kind = "postgres", url = "postgres://reader@db.internal/shop", table = "orders" }
            destination = { kind = "jsonl", path = "orders.jsonl" }"#;
        let config = Config::parse(toml, Path::new("/etc/opencdi.toml"), &crate::api::known()).unwrap();
        let warnings: Vec<String> =
            config.integrations.iter().flat_map(|integration| local_paths(integration)).collect();
        let begins = [
            "source of Users (6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01): /etc/source.db is",
            "destination of Users (6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01): /etc/users.jsonl is",
            "destination of Orders (6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b02): /etc/orders.jsonl is",
        ];
        assert_eq!(warnings.len(), begins.len(), "{warnings:?}");
        assert!(warnings.iter().zip(begins).all(|(warning, begin)| warning.starts_with(begin)), "{warnings:?}");
    }
}
