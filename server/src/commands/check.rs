//! `cdi-server check`: the configuration is valid (it has been loaded); can everything in it work?

mod report;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use futures::StreamExt as _;

use super::audit::{Finding, State, audit};
use super::other_stores;
use crate::config::{Config, Integration};
use crate::process::print;
use crate::store::{Store, StoreError, StoreLocation};
use crate::text::counted;
use crate::types::{folder, folder_problem};
pub use report::Format;
use report::Screen;

/// Integrations whose connections are tried at the same time.
const AT_ONCE: usize = 8;

/// Checks the configuration, and tries the store and every source and destination without delivering anything.
pub async fn run(config: &Config, format: Format) -> anyhow::Result<ExitCode> {
    let findings = findings(config).await;
    print(&match format {
        Format::Text => report::table(&findings, Screen::of_output()),
        Format::Json => report::json(&findings),
    })?;
    Ok(if report::count(&findings, State::Failed) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Everything that was checked, in the order of the file; integrations in the order of their IDs.
async fn findings(config: &Config) -> Vec<Finding> {
    let (found, store) = open_store(&config.store).await;
    let mut findings = vec![summary(config), found];
    match &store {
        Some(store) => match store.integrations_with_watermarks().await {
            Ok(ids) => {
                findings.extend(unknown_watermarks(config, &ids));
                findings.extend(other_stores(config, &ids).await);
            }
            Err(error) => findings.push(Finding::failed("store", error.to_string())),
        },
        None => findings.extend(other_stores(config, &[]).await),
    }
    findings.extend(audit(config, Utc::now()));
    let mut named: HashMap<&str, usize> = HashMap::new();
    for integration in &config.integrations {
        *named.entry(&integration.name).or_default() += 1;
    }
    let probes = config.integrations.iter().map(|integration| {
        let is_named = named.get(integration.name.as_str()) == Some(&1);
        let name =
            if is_named { integration.name.clone() } else { format!("{} ({})", integration.name, integration.id) };
        probe(config, integration, name, store.as_ref())
    });
    let probed: Vec<Vec<Finding>> = futures::stream::iter(probes).buffered(AT_ONCE).collect().await;
    findings.extend(probed.into_iter().flatten());
    findings.extend(notify(config).await);
    if let Some(store) = store {
        store.close().await;
    }
    findings
}

fn summary(config: &Config) -> Finding {
    let file = config.file.display().to_string();
    let (integrations, keys) = (config.integrations.len(), config.keys.len());
    if integrations == 0 {
        return Finding::warning(
            file,
            "there are no integrations; `cdi-server init FILE` writes a file with an example",
        );
    }
    Finding::ok(file, format!("{}, {}", counted(integrations, "integration"), counted(keys, "key")))
}

/// The finding about the store, and the store if it can be used as it is.
async fn open_store(location: &StoreLocation) -> (Finding, Option<Store>) {
    let found = match Store::open_existing(location).await {
        Ok(Some(store)) => return (Finding::ok("store", "reachable"), Some(store)),
        Ok(None) => missing(location).await,
        // It works, and will be migrated if the role may do so.
        Err(error @ StoreError::Older { .. }) => match Store::may_create(location).await {
            Ok(()) => Ok(error.to_string()),
            Err(error) => Err(error.to_string()),
        },
        Err(error) => Err(error.to_string()),
    };
    let finding = match found {
        Ok(message) => Finding::ok("store", message),
        Err(message) => Finding::failed("store", message),
    };
    (finding, None)
}

/// Warnings of watermarks whose integrations are not in the file: perhaps their `id` was changed.
pub(super) fn unknown_watermarks(config: &Config, ids: &[String]) -> Vec<Finding> {
    let known: HashSet<String> = config.integrations.iter().map(|integration| integration.id.to_string()).collect();
    let warning = |id: &String| {
        let message = format!(
            "the store has a watermark of the integration {id}, which is not in the file; an integration with a new `id` starts from the first row"
        );
        Finding::warning("store", message)
    };
    ids.iter().filter(|id| !known.contains(*id)).map(warning).collect()
}

/// Warnings of other stores with watermarks that are not among these of the configured store.
async fn other_stores(config: &Config, ids: &[String]) -> Vec<Finding> {
    let warnings = other_stores::warnings(config, ids).await;
    warnings.into_iter().map(|warning| Finding::warning("store", warning)).collect()
}

/// Why an integration cannot continue from its watermark, if it cannot.
async fn watermark_problem(integration: &Integration, store: &Store) -> Result<Option<String>, StoreError> {
    let route = store.route(integration.id).await?;
    // The record may be large, and is only needed if something has changed.
    if route.as_ref().is_none_or(|route| *route == integration.route()) {
        return Ok(None);
    }
    let (watermark, record) = (store.watermark(integration.id).await?, store.record(integration.id).await?);
    Ok(integration.route_mismatch(route.as_ref(), &watermark, &record))
}

/// A store that is not there yet.
async fn missing(location: &StoreLocation) -> Result<String, String> {
    match location {
        StoreLocation::Postgres(_) => match Store::may_create(location).await {
            Ok(()) => Ok("reachable; `cdi-server serve` creates its tables".to_owned()),
            Err(error) => Err(error.to_string()),
        },
        StoreLocation::Sqlite(path) => {
            let file = path.display();
            // A file without a name, which leaves nothing behind.
            match tempfile::tempfile_in(folder(path)) {
                Ok(_) => Ok(format!("`cdi-server serve` creates {file}")),
                Err(error) => {
                    let reason = folder_problem(path).unwrap_or_else(|| error.to_string());
                    Err(format!("{file} cannot be created: {reason}"))
                }
            }
        }
    }
}

/// Tries the source and the destination of an integration, and whether it can continue from its watermark. The findings are
/// about `name`.
async fn probe(config: &Config, integration: &Integration, name: String, store: Option<&Store>) -> Vec<Finding> {
    let (source, destination) =
        tokio::join!(integration.source.probe(integration.kind), integration.destination.probe(integration.kind));
    let subject = format!("{name}: source");
    let mut findings = match source {
        Ok(report) => {
            let finding = match report.advice {
                Some(advice) => Finding::warning(&subject, format!("{report}; {advice}")),
                None if report.undated => Finding::warning(&subject, report.to_string()),
                None => Finding::ok(&subject, report.to_string()),
            };
            let odd =
                if report.undated { Vec::new() } else { rows::findings(config, &subject, integration, store).await };
            std::iter::once(finding).chain(odd).collect()
        }
        Err(error) => vec![Finding::failed(subject, error.to_string())],
    };
    let subject = format!("{name}: destination");
    let destination = match destination {
        Ok(()) if integration.destination.file().is_some() => Finding::ok(subject, "writable"),
        Ok(()) => Finding::ok(subject, "reachable, takes the key"),
        Err(error) => Finding::failed(subject, error.to_string()),
    };
    findings.push(destination);
    findings.extend(schedule(&name, integration, Utc::now()));
    if let Some(store) = store {
        let problem = watermark_problem(integration, store).await.unwrap_or_else(|error| Some(error.to_string()));
        findings.extend(problem.map(|problem| Finding::failed(format!("{name}: watermark"), problem)));
    }
    if matches!(config.store, StoreLocation::Postgres(_)) {
        findings.extend(local_files(&name, integration));
    }
    findings
}

/// Tries the receivers of messages without sending one.
async fn notify(config: &Config) -> Vec<Finding> {
    let probes = config.notify.iter().map(async |entry| {
        let subject = format!("notify `{}`", entry.name);
        match entry.channel.probe().await {
            Ok(found) => Finding::ok(subject, found),
            Err(problem) => Finding::failed(subject, problem),
        }
    });
    futures::stream::iter(probes).buffered(AT_ONCE).collect().await
}

/// When an integration is synced next, if it has a schedule.
fn schedule(name: &str, integration: &Integration, now: DateTime<Utc>) -> Option<Finding> {
    let schedule = integration.schedule.as_ref()?;
    let message = match integration.next_run(now) {
        Some(next) => format!("the next sync is at {}", schedule.local(next)),
        None => "paused: it starts no syncs, triggers do".to_owned(),
    };
    Some(Finding::ok(format!("{name}: schedule"), message))
}

/// Warnings of an integration's files where several machines may share its store.
fn local_files(name: &str, integration: &Integration) -> Vec<Finding> {
    let source = integration.source.file().map(|path| ("source", path));
    let destination = integration.destination.file().map(|path| ("destination", path));
    let warning = |(what, path): (&str, &Path)| {
        let message = format!(
            "{} is local to each machine, but every machine that shares the store may run the sync; run workers on one machine only",
            path.display()
        );
        Finding::warning(format!("{name}: {what}"), message)
    };
    source.into_iter().chain(destination).map(warning).collect()
}
