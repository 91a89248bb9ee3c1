//! Reloads the configuration of a running service: on SIGHUP, and when the file has changed. A file with any problem changes
//! nothing.

use std::path::PathBuf;
use std::time::Duration;

use chrono::Utc;
use tokio::signal::unix::Signal;
use tokio::time::sleep;

use super::{audit, changes};
use crate::api;
use crate::config::{Config, ConfigError};
use crate::service::{Live, Role};
use crate::text::counted;

/// How often to look whether the file was changed.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// Reloads the configuration of a service.
pub struct Reload {
    file: PathBuf,
    role: Role,
    live: Live,
    /// What the service was started with.
    started_with: Config,
    /// The file's contents when it was last loaded, whether it was valid or not; `None` if it could not be read.
    loaded: Option<Vec<u8>>,
    /// The contents that are in use.
    used: Vec<u8>,
}

impl Reload {
    /// For a service that was started with this configuration.
    /// `loaded` is what the file held when that configuration was read.
    pub fn new(config: Config, loaded: Option<Vec<u8>>, role: Role, live: Live) -> Reload {
        let used = loaded.clone().unwrap_or_default();
        Reload { loaded, used, file: config.file.clone(), role, live, started_with: config }
    }

    /// Reloads whenever there is a reason to, for ever.
    pub async fn run(mut self, mut hangups: Signal) {
        loop {
            tokio::select! {
                Some(()) = hangups.recv() => self.loaded = tokio::fs::read(&self.file).await.ok(),
                changed = self.changed() => self.loaded = changed,
            }
            self.reload().await;
        }
    }

    /// Waits until the file has other contents than when it was last loaded, and returns them.
    async fn changed(&self) -> Option<Vec<u8>> {
        let mut last = self.loaded.clone();
        loop {
            sleep(LOOK_INTERVAL).await;
            let now = tokio::fs::read(&self.file).await.ok();
            // An editor may be between two writes: contents count once they have been there for a whole interval.
            if now == last && now != self.loaded {
                return now;
            }
            last = now;
        }
    }

    async fn reload(&mut self) {
        let (file, used) = (self.file.clone(), self.used.clone());
        // It may not have been there for a moment, when the hangup came.
        let new = self.loaded.clone().unwrap_or_else(|| used.clone());
        // Thousands of integrations take a while.
        let loaded = tokio::task::spawn_blocking(move || {
            let config = Config::load(&file, &api::known())?;
            let changes = changes::between(&String::from_utf8_lossy(&used), &String::from_utf8_lossy(&new));
            Ok::<_, ConfigError>((config, changes, new))
        });
        let error = match loaded.await {
            Ok(Ok((config, changes, new))) => {
                self.apply(&config, changes);
                self.used = new;
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        let shown = self.file.display();
        tracing::error!("{shown} was not reloaded; the service goes on with what it has: {error}");
        self.live.failed(Some(error));
    }

    fn apply(&self, config: &Config, changes: Option<String>) {
        self.live.apply(config);
        self.live.failed(None);
        let (keys, integrations) = (config.keys.len(), config.integrations.len());
        let (keys, integrations) = (counted(keys, "key"), counted(integrations, "integration"));
        let changes = changes.unwrap_or_else(|| "no entry has changed, and secrets were read again".to_owned());
        tracing::info!("{} reloaded: {keys}, {integrations}; {changes}", self.file.display());
        if let Some(advice) = self.live.needs_restart_for(self.started_with.restart_needed_for(config)) {
            tracing::warn!("{advice}");
        }
        audit::log(config, self.role, Utc::now());
    }
}
