//! Validates the file as it is written. Collects every problem instead of stopping at the first.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use toml::Spanned;

use super::admin;
use super::file::{self, File};
use super::front;
use super::integrations::Integrations;
use super::{ApiKey, Config, Known, Secrets, ServerConfig, Workspace};
use super::{notify, retention};
use crate::secret::KeyHash;
#[cfg(feature = "faults")]
use crate::settings::Text;
use crate::settings::{DurationText, Limits, Problem, Reader, SecretText};
use crate::store::{Store, StoreLocation};
use crate::sync::WorkerConfig;
use crate::types::PostgresUrl;

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
/// Connections of requests that take longer are of no use to anybody.
const REQUEST_DEADLINE: Limits = Limits { longest: (Duration::from_secs(600), "10m"), ..Limits::USUAL };
/// A shorter lease expires whenever the store is slow.
const LEASE: Limits = Limits { shortest: (Duration::from_secs(1), "1s"), ..Limits::USUAL };
const STORE: &str = "sqlite:opencdi.db";

pub(super) fn config(
    file: File,
    path: &Path,
    text: &str,
    known: &Known,
    secrets: Secrets,
) -> Result<Config, Vec<Problem>> {
    let mut check = Check { reader: Reader::new(text, path), known };
    let store = check.store(file.store);
    let connections = check.reader.number(file.store_connections, u64::from(Store::CONNECTIONS), 1..=100);
    let store_connections = u32::try_from(connections).unwrap_or(Store::CONNECTIONS);
    let (server, worker) = (check.server(file.server), check.worker(file.worker));
    let retention = retention::read(&mut check.reader, file.retention);
    let admin = admin::read(&mut check.reader, file.admin, server.listen);
    let (workspaces, keys) = (check.workspaces(file.workspaces), check.keys(file.keys));
    check.reader.skip_secrets(!secrets.of_notify());
    let notify = notify::read(&mut check.reader, file.notify, &file.integrations, secrets);
    check.reader.skip_secrets(!secrets.of_integrations());
    let mut integrations = Integrations::new(&mut check.reader);
    if let StoreLocation::Sqlite(path) = &store {
        integrations.file_of_the_store(path);
    }
    let integrations = integrations.read(file.integrations);
    let file = path.to_owned();
    check.reader.finish(Config {
        file,
        store,
        store_connections,
        server,
        admin,
        worker,
        retention,
        workspaces,
        keys,
        notify,
        integrations,
    })
}

struct Check<'a> {
    reader: Reader<'a>,
    known: &'a Known,
}

impl Check<'_> {
    fn store(&mut self, store: Option<Spanned<SecretText>>) -> StoreLocation {
        let fallback = StoreLocation::Sqlite(PathBuf::new());
        let store = store.unwrap_or_else(|| Spanned::new(0..0, SecretText::Clear(STORE.into())));
        let span = store.span();
        let text = match store.get_ref() {
            SecretText::Clear(text) => Some(text.clone()),
            SecretText::Env(_) | SecretText::File(_) => None,
        };
        let subject = store.get_ref().subject("this URL");
        let Some(url) = self.reader.url(store, "store") else { return fallback };
        if let Some(path) = url.expose().strip_prefix("sqlite:") {
            if path.is_empty() || path.starts_with(":memory:") || path.contains('?') {
                let message = "write `sqlite:` and the path of a file, without parameters; a store in memory would be lost when the process ends";
                self.reader.problem(span, message);
                return fallback;
            }
            let path = self.reader.path(path.strip_prefix("//").unwrap_or(path), span);
            return StoreLocation::Sqlite(path);
        }
        match PostgresUrl::new(url) {
            Ok(url) => {
                self.reader.password_out_of_sight(&url, text.is_some(), span, "store");
                StoreLocation::Postgres(url)
            }
            Err(error) => {
                // The name of a file.
                match text.filter(|text| !text.contains([':', '@', '=', '$', ' '])) {
                    Some(path) => {
                        let message =
                            format!("write `sqlite:{path}` for a file, or `postgres://<user>@<host>/<database>`");
                        self.reader.problem(span, message);
                    }
                    None => {
                        let form = "`sqlite:<path>` or `postgres://<user>@<host>/<database>`";
                        self.reader.not_postgres(span, &subject, &error, form);
                    }
                }
                fallback
            }
        }
    }

    fn server(&mut self, mut server: file::Server) -> ServerConfig {
        let (max_connections, max_connections_per_address) = front::connections(&mut self.reader, &mut server);
        let listen = server.listen.map_or(LISTEN, |listen| {
            listen.get_ref().parse().unwrap_or_else(|_| {
                self.reader.problem(
                    listen.span(),
                    "write an IP address and a port, such as `127.0.0.1:8080` or `0.0.0.0:8080`",
                );
                LISTEN
            })
        });
        ServerConfig {
            listen,
            request_deadline: self.reader.duration_within(
                server.request_deadline,
                Duration::from_secs(10),
                &REQUEST_DEADLINE,
            ),
            drain_deadline: self.reader.duration(server.drain_deadline, Duration::from_secs(20)),
            rate_limit_window: self.window(server.rate_limit_window),
            max_connections,
            max_connections_per_address,
            tls: front::tls(&mut self.reader, server.tls),
        }
    }

    fn window(&mut self, window: Option<DurationText>) -> Option<Duration> {
        let span = window.as_ref()?.span();
        let window = self.reader.duration(window, Duration::from_secs(60));
        if window.subsec_nanos() != 0 {
            self.reader.problem(span, "a window must be a whole number of seconds, such as \"10s\"");
        }
        Some(window)
    }

    fn worker(&mut self, worker: file::Worker) -> WorkerConfig {
        WorkerConfig {
            concurrency: self.reader.number(worker.concurrency, 4, 1..=256) as usize,
            lease: self.reader.duration_within(worker.lease, Duration::from_secs(30), &LEASE),
            poll: self.reader.duration(worker.poll, Duration::from_secs(1)),
            max_attempts: self.reader.number(worker.max_attempts, 5, 1..=1000) as u32,
        }
    }

    fn workspaces(&mut self, workspaces: Vec<file::Workspace>) -> Vec<Workspace> {
        let mut seen = HashMap::new();
        workspaces
            .into_iter()
            .map(|workspace| {
                self.reader.name(&workspace.id);
                self.reader.once(&mut seen, workspace.id.get_ref().clone(), workspace.id.span(), "workspace");
                let mut rate_limits = BTreeMap::new();
                for (operation, limit) in workspace.rate_limits {
                    if !self.known.operations.contains(operation.get_ref()) {
                        let known = self.known.operations.join("`, `");
                        let message =
                            format!("unknown operation `{}`; the operations are `{known}`", operation.get_ref());
                        self.reader.problem(operation.span(), message);
                    }
                    let limit = self.reader.number(Some(limit), 1, 1..=1_000_000_000);
                    rate_limits.insert(operation.into_inner(), limit);
                }
                Workspace { id: workspace.id.into_inner(), rate_limits }
            })
            .collect()
    }

    fn keys(&mut self, keys: Vec<file::Key>) -> Vec<ApiKey> {
        let (mut names, mut hashes) = (HashMap::new(), HashMap::new());
        keys.into_iter()
            .filter_map(|key| {
                self.reader.name(&key.name);
                self.reader.name(&key.workspace);
                self.reader.once(&mut names, key.name.get_ref().clone(), key.name.span(), "key with the name");
                for permission in &key.permissions {
                    if !self.known.permissions.contains(permission.get_ref()) {
                        let known = self.known.permissions.join("`, `");
                        let message =
                            format!("unknown permission `{}`; the permissions are `{known}`", permission.get_ref());
                        self.reader.problem(permission.span(), message);
                    }
                }
                let expires = key.expires.and_then(|expires| self.moment(expires));
                let addresses = front::networks(&mut self.reader, key.addresses);
                let hash = match key.hash.get_ref().parse::<KeyHash>() {
                    Ok(hash) => hash,
                    Err(error) => {
                        self.reader.problem(key.hash.span(), error.to_string());
                        return None;
                    }
                };
                self.reader.once(&mut hashes, hash.to_string(), key.hash.span(), "key with the hash");
                Some(ApiKey {
                    name: key.name.into_inner(),
                    workspace: key.workspace.into_inner(),
                    hash,
                    permissions: key.permissions.into_iter().map(Spanned::into_inner).collect(),
                    expires,
                    addresses,
                    revoked: key.revoked,
                    #[cfg(feature = "faults")]
                    fault: key.fault.and_then(|fault| self.fault(&fault)),
                })
            })
            .collect()
    }

    #[cfg(feature = "faults")]
    fn fault(&mut self, text: &Text) -> Option<super::Fault> {
        let found = super::Fault::ALL.into_iter().find(|fault| fault.as_str() == text.get_ref());
        if found.is_none() {
            let known = super::Fault::ALL.map(super::Fault::as_str).join("`, `");
            self.reader.problem(text.span(), format!("unknown fault `{}`; the faults are `{known}`", text.get_ref()));
        }
        found
    }

    /// A time, with or without quotes.
    fn moment(&mut self, written: Spanned<toml::Value>) -> Option<DateTime<Utc>> {
        let text = match written.get_ref() {
            toml::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let moment = DateTime::parse_from_rfc3339(&text);
        if moment.is_err() {
            let message = "write a date, a time and its offset, such as `2027-01-01T00:00:00Z`";
            self.reader.problem(written.span(), message);
        }
        moment.ok().map(|moment| moment.to_utc())
    }
}
