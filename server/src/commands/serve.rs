//! `cdi-server serve`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use chrono::Utc;

use super::check::unknown_watermarks;
use super::{audit, other_stores};
use crate::api;
use crate::config::Config;
use crate::logging::{self, LogFormat};
use crate::process::{ShutdownSignals, ignore_hangups, raise_open_files};
use crate::service::{Role, Service};

/// How often to look whether the configuration file was changed.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// Runs the service until a signal stops it.
pub async fn run(config: Config, file: PathBuf, role: Role, log_format: LogFormat) -> anyhow::Result<ExitCode> {
    logging::start(log_format)?;
    raise_open_files();
    // Closing the terminal must not end the service.
    ignore_hangups()?;
    audit::log(&config, role, Utc::now());
    other_stores::log(&config).await;
    let mut signals = ShutdownSignals::listen()?;
    let mut service = tokio::select! {
        service = Service::start(&config, role) => service?,
        () = signals.next() => return Ok(ExitCode::SUCCESS),
    };
    match service.url() {
        Some(url) => tracing::info!("listening on {url}"),
        None => tracing::info!("running syncs, not listening"),
    }
    // If the store does not answer, its outage is logged.
    for finding in unknown_watermarks(&config, &service.store.integrations_with_watermarks().await.unwrap_or_default())
    {
        tracing::warn!("{}", finding.message);
    }
    std::thread::spawn(move || report_changes(&file));
    tokio::select! {
        () = signals.next() => {}
        failed = service.failed() => {
            tracing::error!(failed, "ending, to be started again");
            anyhow::bail!(failed);
        }
    }
    tracing::info!("stopping; a second signal stops at once");
    tokio::select! {
        () = service.stop() => Ok(ExitCode::SUCCESS),
        () = signals.next() => Ok(ExitCode::FAILURE),
    }
}

/// Logs each change of the configuration file, which has no effect on this process.
fn report_changes(file: &Path) {
    let in_use = std::fs::read(file).ok();
    let (mut last, mut reported) = (in_use.clone(), in_use.clone());
    loop {
        std::thread::sleep(LOOK_INTERVAL);
        let now = std::fs::read(file).ok();
        // An editor may be between two writes: what is reported has been there for a whole interval.
        if now == last && now != reported {
            if now != in_use {
                report_change(file);
            }
            reported.clone_from(&now);
        }
        last = now;
    }
}

fn report_change(file: &Path) {
    let shown = file.display();
    match Config::load(file, &api::known()) {
        Ok(_) => tracing::warn!("{shown} has changed; restart `cdi-server serve` to use it"),
        Err(error) => tracing::warn!("{shown} has changed, and `cdi-server serve` could not start with it: {error}"),
    }
}
