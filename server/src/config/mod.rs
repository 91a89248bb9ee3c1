//! `opencdi.toml` as typed, validated configuration.
//!
//! Everything that is wrong with the file is reported at once, each problem with its line and key. Unknown keys are
//! errors. Secrets come from the environment or from files; in plain text they are refused, and never repeated.

mod admin;
mod file;
mod front;
#[cfg(test)]
mod fuzz;
mod integrations;
mod notify;
mod retention;
mod schedules;
#[cfg(test)]
mod tests;
mod validate;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use ipnet::IpNet;

use crate::notify::{About, Entry, Notifications};
use crate::secret::KeyHash;
pub use admin::AdminConfig;

pub use crate::settings::{ConfigError, Problem};
pub use crate::store::{Retention, StoreLocation};
pub use crate::sync::{Integration, Integrations, WorkerConfig};
pub use crate::types::{IntegrationId, IntegrationKind};

/// A configuration whose values are valid. Whether they can work together, `cdi-server check` says.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it came from.
    pub file: PathBuf,
    /// Where run-time state is kept.
    pub store: StoreLocation,
    /// The most connections of a process to a store in Postgres.
    pub store_connections: u32,
    /// Settings of the HTTP server.
    pub server: ServerConfig,
    /// The operator's address.
    pub admin: AdminConfig,
    /// Settings of the workers.
    pub worker: WorkerConfig,
    /// How long run-time data is kept.
    pub retention: Retention,
    /// Settings of workspaces that have some.
    pub workspaces: Vec<Workspace>,
    /// API keys.
    pub keys: Vec<ApiKey>,
    /// Who is told what.
    pub notify: Vec<Arc<Entry>>,
    /// Integrations, by ID.
    pub integrations: Vec<Arc<Integration>>,
}

impl Config {
    /// Reads a file. `known` is what the contract names: operations and permissions.
    pub fn load(path: &Path, known: &Known) -> Result<Config, ConfigError> {
        Config::load_with(path, known, Secrets::All)
    }

    /// The same for a command that uses only some of the secrets; the others are not read. Its user need not have the whole
    /// environment and all files of the service.
    pub fn load_with(path: &Path, known: &Known, secrets: Secrets) -> Result<Config, ConfigError> {
        let bytes = std::fs::read(path).map_err(|error| ConfigError::unreadable(path, &error))?;
        match bytes.utf8_chunks().next() {
            Some(valid) if !valid.invalid().is_empty() || bytes.contains(&0) => {
                Err(ConfigError::not_utf8(path, &bytes, valid.valid()))
            }
            valid => Config::parse_with(valid.map_or("", |valid| valid.valid()), path, known, secrets),
        }
    }

    /// Reads a text as the contents of that file: relative paths in it start at the file's folder.
    pub fn parse(text: &str, path: &Path, known: &Known) -> Result<Config, ConfigError> {
        Config::parse_with(text, path, known, Secrets::All)
    }

    fn parse_with(text: &str, path: &Path, known: &Known, secrets: Secrets) -> Result<Config, ConfigError> {
        let file = file::read(text).map_err(|problem| ConfigError::of(path, vec![problem]))?;
        validate::config(file, path, text, known, secrets).map_err(|problems| ConfigError::of(path, problems))
    }
}

/// Which secrets of a file are read, beside the URL of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// All of them.
    All,
    /// Those of sources and destinations. `[[notify]]` entries that need others are left out.
    OfSyncs,
    /// Those of `[[notify]]` entries.
    OfMessages,
    /// No others.
    OfStore,
}

impl Secrets {
    fn of_integrations(self) -> bool {
        matches!(self, Secrets::All | Secrets::OfSyncs)
    }

    fn of_notify(self) -> bool {
        matches!(self, Secrets::All | Secrets::OfMessages)
    }
}

impl Config {
    /// The integration with this name, this ID, or an ID that begins so.
    pub fn integration(&self, wanted: &str) -> Result<&Arc<Integration>, UnknownIntegration> {
        /// As for `cdi`.
        const SHORTEST_PREFIX: usize = 4;
        let with_id = wanted.parse::<IntegrationId>().ok();
        let mut found: Vec<_> = self
            .integrations
            .iter()
            .filter(|integration| with_id == Some(integration.id) || integration.name == wanted)
            .collect();
        if found.is_empty() && wanted.len() >= SHORTEST_PREFIX {
            let prefix = wanted.to_ascii_lowercase();
            found.extend(self.integrations.iter().filter(|known| known.id.to_string().starts_with(&prefix)));
        }
        match (found.first(), found.get(1)) {
            (Some(integration), None) => Ok(integration),
            (Some(_), Some(_)) => {
                let found = found.into_iter().map(|known| format!("{} ({:?})", known.id, known.name)).collect();
                Err(UnknownIntegration::Several { wanted: wanted.into(), file: self.file.clone(), found })
            }
            (None, _) => {
                let known: BTreeSet<String> =
                    self.integrations.iter().map(|known| format!("{:?}", known.name)).collect();
                let known = known.into_iter().collect();
                Err(UnknownIntegration::None { wanted: wanted.into(), file: self.file.clone(), known })
            }
        }
    }
}

impl Config {
    /// Its integrations by ID.
    pub fn by_id(&self) -> Integrations {
        Arc::new(self.integrations.iter().map(|integration| (integration.id, integration.clone())).collect())
    }

    /// Who is told what, of which integrations.
    pub fn notifications(&self) -> Notifications {
        let about = |integration: &Arc<Integration>| {
            let Integration { id, name, workspace, contact_emails, paused, .. } = &**integration;
            let (name, workspace, contacts) = (name.clone(), workspace.clone(), contact_emails.clone());
            (*id, About { name, workspace, contacts, paused: *paused })
        };
        Notifications { entries: self.notify.clone(), integrations: self.integrations.iter().map(about).collect() }
    }

    /// Keys and sections in which another version of the file differs, and which a running service does not change.
    pub fn restart_needed_for(&self, new: &Config) -> Vec<&'static str> {
        [
            ("store", self.store != new.store),
            ("store_connections", self.store_connections != new.store_connections),
            ("[server]", self.server != new.server),
            ("[worker]", self.worker != new.worker),
            ("[admin]", self.admin != new.admin),
            ("[retention]", self.retention != new.retention),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
    }
}

/// Why an integration was not found.
#[derive(Debug, thiserror::Error)]
pub enum UnknownIntegration {
    /// There is none.
    #[error("{} has no integration with the ID or the name {wanted:?}; it has {}", file.display(), listed(known))]
    None {
        /// The ID or name that was asked for.
        wanted: String,
        /// The configuration file.
        file: PathBuf,
        /// The names of all integrations, each once.
        known: Vec<String>,
    },
    /// Several have that name, or an ID that begins so.
    #[error("{} has several integrations with the name or ID {wanted:?}; use the whole ID: {}", file.display(), found.join(" or "))]
    Several {
        /// The ID or name that was asked for.
        wanted: String,
        /// The configuration file.
        file: PathBuf,
        /// The IDs and names of those that were found.
        found: Vec<String>,
    },
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// The names that a configuration may use, from the contract.
#[derive(Debug, Clone)]
pub struct Known {
    /// Operations that can be given a rate limit.
    pub operations: Vec<String>,
    /// Permissions that a key can have.
    pub permissions: Vec<String>,
}

/// Settings of the HTTP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// A request that takes longer is answered with 503.
    pub request_deadline: Duration,
    /// How long requests and syncs may take to end after SIGTERM.
    pub drain_deadline: Duration,
    /// The length of a rate limit's window, in whole seconds; `None` for the contract's. It must be the same for all replicas.
    pub rate_limit_window: Option<Duration>,
    /// Open connections in total.
    pub max_connections: usize,
    /// Open connections of one address.
    pub max_connections_per_address: usize,
    /// The certificate; `None` without TLS.
    pub tls: Option<TlsConfig>,
}

/// The files of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// The certificate, followed by those that lead to its issuer.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Settings of a workspace.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// Its name, `app_group_id` on the wire.
    pub id: String,
    /// Requests per window for an operation, instead of the contract's.
    pub rate_limits: BTreeMap<String, u64>,
}

/// An API key, known by its hash.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Its name in the log.
    pub name: String,
    /// The workspace it belongs to.
    pub workspace: String,
    /// The key's hash.
    pub hash: KeyHash,
    /// What it may do.
    pub permissions: Vec<String>,
    /// When it stops working.
    pub expires: Option<DateTime<Utc>>,
    /// The networks from which it may be used; empty for all.
    pub addresses: Vec<IpNet>,
    /// Whether it was revoked.
    pub revoked: bool,
    /// How requests with it fail, for tests.
    #[cfg(feature = "faults")]
    pub fault: Option<Fault>,
}

impl ApiKey {
    /// Whether it may be used from this address.
    pub fn is_for(&self, address: IpAddr) -> bool {
        self.addresses.is_empty() || self.addresses.iter().any(|network| network.contains(&address))
    }
}

/// A failure for tests. Builds without the feature `faults` refuse a configuration with one.
#[cfg(feature = "faults")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The operation panics.
    Panic,
    /// The store answers with an error.
    StoreFailed,
    /// The store cannot be reached, not even to count the request.
    StoreAway,
    /// The operation does not end before the deadline.
    Deadline,
}

#[cfg(feature = "faults")]
impl Fault {
    /// All of them.
    pub const ALL: [Fault; 4] = [Fault::Panic, Fault::StoreFailed, Fault::StoreAway, Fault::Deadline];

    /// Its name in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Fault::Panic => "panic",
            Fault::StoreFailed => "store_failed",
            Fault::StoreAway => "store_away",
            Fault::Deadline => "deadline",
        }
    }
}
