//! `cdi-server serve`.

use std::process::ExitCode;

use chrono::Utc;

use super::check::unknown_watermarks;
use super::reload::Reload;
use super::{audit, other_stores};
use crate::config::Config;
use crate::logging::{self, LogFormat};
use crate::process::{ShutdownSignals, hangups, raise_open_files};
use crate::service::{Role, Service};

/// Runs the service until a signal stops it.
pub async fn run(config: Config, role: Role, log_format: LogFormat) -> anyhow::Result<ExitCode> {
    logging::start(log_format)?;
    raise_open_files();
    // Opening the store may take long, and the file may change meanwhile.
    let loaded = std::fs::read(&config.file).ok();
    // From here on a closed terminal does not end the process.
    let hangups = hangups()?;
    audit::log(&config, role, Utc::now());
    other_stores::log(&config).await;
    let mut signals = ShutdownSignals::listen()?;
    let mut service = tokio::select! {
        service = Service::start(&config, role) => service?,
        () = signals.next() => {
            tracing::info!("stopped before the store was open");
            return Ok(ExitCode::SUCCESS);
        }
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
    let reload = Reload::new(config, loaded, role, service.live.clone());
    tokio::select! {
        () = signals.next() => {}
        () = reload.run(hangups) => {}
        failed = service.failed() => {
            tracing::error!(failed, "ending, to be started again");
            anyhow::bail!(failed);
        }
    }
    tracing::info!("stopping; a second signal stops at once");
    tokio::select! {
        () = service.stop() => {
            tracing::info!("stopped");
            Ok(ExitCode::SUCCESS)
        }
        () = signals.next() => {
            tracing::warn!("stopped at once, by a second signal");
            Ok(ExitCode::FAILURE)
        }
    }
}
