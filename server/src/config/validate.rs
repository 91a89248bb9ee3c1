//! From the file as written to a configuration that can work. Collects every problem instead of stopping at the first.

use std::collections::{BTreeMap, HashMap};
use std::env::VarError;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use toml::Spanned;

use super::file::{self, File, SecretText, Text};
use super::problem::Problem;
use super::{
    ApiKey, Config, Destination, Integration, IntegrationKind, Known, NotATable, NotAnId, NotPostgres, PostgresUrl,
    ServerConfig, Source, StoreLocation, TableName, UsersTrack, WorkerConfig, Workspace,
};
use crate::secret::{KeyHash, Secret};
use crate::types::real;

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
const STORE: &str = "sqlite:opencdi.db";
/// Objects that `/users/track` takes in a request.
const OBJECTS_AT_ONCE: u64 = 75;
/// Users that `/users/delete` takes in a request.
const DELETES_AT_ONCE: u64 = 50;
/// A sync that refuses more than half of its rows is more likely to be wrong than they are.
const MAX_FAILED_SHARE: f64 = 0.5;
const MAX_DURATION: Duration = Duration::from_secs(24 * 3600);
/// Transactions that write rows take less.
const LOOKBACK: Duration = Duration::from_secs(600);

pub(super) fn config(file: File, path: &Path, text: &str, known: &Known) -> Result<Config, Vec<Problem>> {
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let mut check = Check { text, folder, known, problems: Vec::new(), files: HashMap::new() };
    let config = Config {
        file: path.to_owned(),
        store: check.store(file.store),
        server: check.server(file.server),
        worker: check.worker(file.worker),
        workspaces: check.workspaces(file.workspaces),
        keys: check.keys(file.keys),
        integrations: check.integrations(file.integrations),
    };
    if check.problems.is_empty() { Ok(config) } else { Err(check.problems) }
}

struct Check<'a> {
    text: &'a str,
    folder: PathBuf,
    known: &'a Known,
    problems: Vec<Problem>,
    /// Files that belong to the service and what for, links resolved.
    files: HashMap<PathBuf, String>,
}

impl Check<'_> {
    fn problem(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.problems.push(Problem::at(self.text, span, message));
    }

    fn store(&mut self, store: Option<Spanned<SecretText>>) -> StoreLocation {
        let fallback = StoreLocation::Sqlite(PathBuf::new());
        let store = store.unwrap_or_else(|| Spanned::new(0..0, SecretText::Clear(STORE.into())));
        let span = store.span();
        let in_clear = matches!(store.get_ref(), SecretText::Clear(_));
        let Some(url) = self.url(store, "store") else { return fallback };
        if let Some(path) = url.expose().strip_prefix("sqlite:") {
            if path.is_empty() || path.starts_with(":memory:") || path.contains('?') {
                let message = "write `sqlite:` and the path of a file; what is kept there must outlive the process";
                self.problem(span, message);
                return fallback;
            }
            let path = self.folder.join(path.strip_prefix("//").unwrap_or(path));
            self.files.insert(real(&path), "the store".to_owned());
            return StoreLocation::Sqlite(path);
        }
        match PostgresUrl::new(url) {
            Ok(url) => {
                self.password_out_of_sight(&url, in_clear, span, "store");
                StoreLocation::Postgres(url)
            }
            Err(NotPostgres::Other) => {
                self.problem(span, "a store is `sqlite:<path>` or `postgres://<user>@<host>/<database>`");
                fallback
            }
            Err(error) => {
                self.problem(span, error.to_string());
                fallback
            }
        }
    }

    /// A URL, which may stand in clear where it holds no password.
    fn url(&mut self, url: Spanned<SecretText>, key: &str) -> Option<Secret> {
        match url.get_ref() {
            SecretText::Clear(text) => Some(Secret::new(text)),
            _ => self.secret(url, key),
        }
    }

    fn password_out_of_sight(&mut self, url: &PostgresUrl, in_clear: bool, span: Range<usize>, key: &str) {
        if in_clear && url.has_password() {
            let name = format!("OPENCDI_{}", key.to_uppercase());
            let message = format!(
                "this URL holds a password in clear; write `{key} = {{ env = \"{name}\" }}` or `{key} = {{ file = \"path\" }}` with the whole \
                 URL there, or leave the password out of it and set PGPASSWORD"
            );
            self.problem(span, message);
        }
    }

    fn server(&mut self, server: file::Server) -> ServerConfig {
        let listen = server.listen.map_or(LISTEN, |listen| {
            listen.get_ref().parse().unwrap_or_else(|_| {
                self.problem(
                    listen.span(),
                    "write an IP address and a port, such as `127.0.0.1:8080` or `0.0.0.0:8080`",
                );
                LISTEN
            })
        });
        ServerConfig {
            listen,
            request_deadline: self.duration(server.request_deadline, Duration::from_secs(10)),
            drain_deadline: self.duration(server.drain_deadline, Duration::from_secs(20)),
            rate_limit_window: self.window(server.rate_limit_window),
        }
    }

    fn window(&mut self, window: Option<Text>) -> Option<Duration> {
        let span = window.as_ref()?.span();
        let window = self.duration(window, Duration::from_secs(60));
        if window.subsec_nanos() != 0 {
            self.problem(span, "windows begin and end on whole seconds; write `1s` or more, such as `10s`");
        }
        Some(window)
    }

    fn worker(&mut self, worker: file::Worker) -> WorkerConfig {
        WorkerConfig {
            concurrency: self.number(worker.concurrency, 4, 1..=256) as usize,
            lease: self.lease(worker.lease),
            poll: self.duration(worker.poll, Duration::from_secs(1)),
            max_attempts: self.number(worker.max_attempts, 5, 1..=1000) as u32,
        }
    }

    fn lease(&mut self, lease: Option<Text>) -> Duration {
        const SHORTEST: Duration = Duration::from_secs(1);
        let span = lease.as_ref().map(Spanned::span);
        let lease = self.duration(lease, Duration::from_secs(30));
        if let Some(span) = span.filter(|_| lease < SHORTEST) {
            self.problem(span, "a lease shorter than `1s` runs out whenever the store is slow for a moment");
        }
        lease
    }

    fn workspaces(&mut self, workspaces: Vec<file::Workspace>) -> Vec<Workspace> {
        let mut seen = HashMap::new();
        workspaces
            .into_iter()
            .map(|workspace| {
                self.not_empty(&workspace.id);
                self.once(&mut seen, workspace.id.get_ref().clone(), workspace.id.span(), "workspace");
                let mut rate_limits = BTreeMap::new();
                for (operation, limit) in workspace.rate_limits {
                    if !self.known.operations.contains(operation.get_ref()) {
                        let known = self.known.operations.join("`, `");
                        let message = format!("there is no operation `{}`; known are `{known}`", operation.get_ref());
                        self.problem(operation.span(), message);
                    }
                    let limit = self.number(Some(limit), 1, 1..=1_000_000_000);
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
                self.not_empty(&key.name);
                self.not_empty(&key.workspace);
                self.once(&mut names, key.name.get_ref().clone(), key.name.span(), "key with the name");
                for permission in &key.permissions {
                    if !self.known.permissions.contains(permission.get_ref()) {
                        let known = self.known.permissions.join("`, `");
                        let message = format!("there is no permission `{}`; known are `{known}`", permission.get_ref());
                        self.problem(permission.span(), message);
                    }
                }
                let expires = key.expires.and_then(|expires| self.moment(expires));
                let hash = match key.hash.get_ref().parse::<KeyHash>() {
                    Ok(hash) => hash,
                    Err(error) => {
                        self.problem(key.hash.span(), error.to_string());
                        return None;
                    }
                };
                self.once(&mut hashes, hash.to_string(), key.hash.span(), "key with the hash");
                Some(ApiKey {
                    name: key.name.into_inner(),
                    workspace: key.workspace.into_inner(),
                    hash,
                    permissions: key.permissions.into_iter().map(Spanned::into_inner).collect(),
                    expires,
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
            self.problem(text.span(), format!("there is no fault `{}`; known are `{known}`", text.get_ref()));
        }
        found
    }

    fn integrations(&mut self, integrations: Vec<file::Integration>) -> Vec<Arc<Integration>> {
        let mut ids = HashMap::new();
        let mut valid: Vec<Arc<Integration>> = integrations
            .into_iter()
            .filter_map(|integration| {
                self.not_empty(&integration.name);
                self.not_empty(&integration.workspace);
                for email in &integration.contact_emails {
                    if !email.get_ref().contains('@') || email.get_ref().contains(',') {
                        self.problem(email.span(), "write one e-mail address in each text of the list");
                    }
                }
                let id = integration.id.get_ref().parse();
                match &id {
                    Ok(_) => self.once(
                        &mut ids,
                        integration.id.get_ref().to_lowercase(),
                        integration.id.span(),
                        "integration with the ID",
                    ),
                    Err(error) => self.problem(integration.id.span(), NotAnId::to_string(error)),
                }
                let kind = self.kind(&integration.kind);
                let max_failed_share = self.share(integration.max_failed_share);
                let max_duration = self.duration(integration.max_duration, MAX_DURATION);
                let lookback = self.lookback(integration.lookback);
                let source = self.source(integration.source);
                let span = integration.destination.span();
                let destination = self.destination(integration.destination, kind);
                if let Some(Source::Sqlite { path, .. }) = &source {
                    // Several integrations may read one database.
                    self.files.entry(real(path)).or_insert_with(|| "a source".to_owned());
                }
                if let Some(Destination::Jsonl { path }) = &destination {
                    // Two integrations in one file would repair and cut each other's lines.
                    let name = integration.name.get_ref();
                    let user = format!("the destination of {name:?}");
                    if let Some(other) = self.files.insert(real(path), user) {
                        self.problem(span, format!("the file {} is {other} already; name another", path.display()));
                    }
                }
                Some(Arc::new(Integration {
                    id: id.ok()?,
                    name: integration.name.into_inner(),
                    workspace: integration.workspace.into_inner(),
                    kind: kind?,
                    paused: integration.paused,
                    keep_payloads: integration.keep_payloads,
                    max_failed_share,
                    max_duration,
                    lookback,
                    contact_emails: integration.contact_emails.into_iter().map(Spanned::into_inner).collect(),
                    source: source?,
                    destination: destination?,
                }))
            })
            .collect();
        valid.sort_by_key(|integration| integration.id);
        valid
    }

    fn kind(&mut self, kind: &Text) -> Option<IntegrationKind> {
        let found = IntegrationKind::ALL.iter().copied().find(|known| known.as_str() == kind.get_ref());
        if found.is_none() {
            let known: Vec<&str> = IntegrationKind::ALL.iter().map(|known| known.as_str()).collect();
            let message = format!("there is no type `{}`; known are `{}`", kind.get_ref(), known.join("`, `"));
            self.problem(kind.span(), message);
        }
        found
    }

    fn source(&mut self, source: Spanned<file::Source>) -> Option<Source> {
        let (span, source) = (source.span(), source.into_inner());
        match source.kind.get_ref().as_str() {
            "sqlite" => {
                self.unwanted(source.url.as_ref().map(Spanned::span), "url", "sqlite");
                let path = self.needed(source.path, &span, "path", "sqlite");
                let table = self.table(source.table, &span, "sqlite");
                Some(Source::Sqlite { path: self.folder.join(path?), table: table? })
            }
            "postgres" => {
                self.unwanted(source.path.as_ref().map(Spanned::span), "path", "postgres");
                let url = match source.url {
                    Some(url) => self.postgres_url(url),
                    None => {
                        self.problem(
                            span.clone(),
                            "a `postgres` source needs `url`, such as `url = { env = \"SOURCE_URL\" }` with `postgres://<user>:<password>@<host>/<database>` there",
                        );
                        None
                    }
                };
                let table = self.table(source.table, &span, "postgres");
                Some(Source::Postgres { url: url?, table: table? })
            }
            other => {
                let message = format!("there is no source `{other}`; known are `sqlite` and `postgres`");
                self.problem(source.kind.span(), message);
                None
            }
        }
    }

    fn postgres_url(&mut self, url: Spanned<SecretText>) -> Option<PostgresUrl> {
        let (span, in_clear) = (url.span(), matches!(url.get_ref(), SecretText::Clear(_)));
        let url = PostgresUrl::new(self.url(url, "url")?);
        match &url {
            Ok(url) => self.password_out_of_sight(url, in_clear, span, "url"),
            Err(error) => self.problem(span, error.to_string()),
        }
        url.ok()
    }

    fn destination(
        &mut self,
        destination: Spanned<file::Destination>,
        kind: Option<IntegrationKind>,
    ) -> Option<Destination> {
        let (span, destination) = (destination.span(), destination.into_inner());
        match destination.kind.get_ref().as_str() {
            "users_track" => {
                self.unwanted(destination.path.as_ref().map(Spanned::span), "path", "users_track");
                let url = self.needed(destination.url, &span, "url", "users_track");
                let api_key = match destination.api_key {
                    Some(secret) => {
                        let span = secret.span();
                        let secret = self.secret(secret, "api_key");
                        if let Some(secret) = &secret
                            && !secret.expose().bytes().all(|byte| byte.is_ascii_graphic())
                        {
                            let message = "the key that was read has a blank, a line break or another character that keys do not have";
                            self.problem(span, message);
                        }
                        secret
                    }
                    None => {
                        self.problem(span, "a `users_track` destination needs `api_key`, such as `api_key = { env = \"BRAZE_API_KEY\" }`");
                        None
                    }
                };
                let deletes = kind == Some(IntegrationKind::UserDeletes);
                if deletes {
                    let span = destination.update_existing_only.as_ref().map(Spanned::span);
                    self.unwanted(span, "update_existing_only", "user_deletes");
                }
                let most = if deletes { DELETES_AT_ONCE } else { OBJECTS_AT_ONCE };
                let batch_size = destination.batch_size.map(|size| self.number(Some(size), most, 1..=most) as usize);
                let give_up_after = self.duration(destination.give_up_after, Duration::from_secs(300));
                let give_up_when_limited_after =
                    self.duration(destination.give_up_when_limited_after, Duration::from_secs(3600));
                let update_existing_only = destination.update_existing_only.is_some_and(Spanned::into_inner);
                Some(Destination::UsersTrack(UsersTrack {
                    url: url?,
                    api_key: api_key?,
                    batch_size,
                    update_existing_only,
                    give_up_after,
                    give_up_when_limited_after,
                }))
            }
            "jsonl" => {
                self.unwanted(destination.url.as_ref().map(Spanned::span), "url", "jsonl");
                self.unwanted(destination.api_key.as_ref().map(Spanned::span), "api_key", "jsonl");
                self.unwanted(destination.give_up_after.as_ref().map(Spanned::span), "give_up_after", "jsonl");
                let give_up_when_limited_after = destination.give_up_when_limited_after.as_ref().map(Spanned::span);
                self.unwanted(give_up_when_limited_after, "give_up_when_limited_after", "jsonl");
                self.unwanted(destination.batch_size.as_ref().map(Spanned::span), "batch_size", "jsonl");
                let update_existing_only = destination.update_existing_only.as_ref().map(Spanned::span);
                self.unwanted(update_existing_only, "update_existing_only", "jsonl");
                let path = self.needed(destination.path, &span, "path", "jsonl");
                Some(Destination::Jsonl { path: self.folder.join(path?) })
            }
            other => {
                let message = format!("there is no destination `{other}`; known are `users_track` and `jsonl`");
                self.problem(destination.kind.span(), message);
                None
            }
        }
    }

    fn table(&mut self, table: Option<Text>, around: &Range<usize>, kind: &str) -> Option<TableName> {
        let span = table.as_ref().map(Spanned::span);
        let name = self.needed(table, around, "table", kind)?.parse();
        if let (Err(error), Some(span)) = (&name, span) {
            self.problem(span, NotATable::to_string(error));
        }
        name.ok()
    }

    /// A key without which a kind cannot work.
    fn needed(&mut self, value: Option<Text>, table: &Range<usize>, key: &str, kind: &str) -> Option<String> {
        let Some(value) = value else {
            self.problem(table.clone(), format!("`{kind}` needs `{key}`"));
            return None;
        };
        self.not_empty(&value);
        if key == "url" {
            return self.base_url(&value);
        }
        Some(value.into_inner())
    }

    /// A key that means nothing for this kind: somebody meant another.
    fn unwanted(&mut self, span: Option<Range<usize>>, key: &str, kind: &str) {
        if let Some(span) = span {
            self.problem(span, format!("`{key}` means nothing for `{kind}`"));
        }
    }

    fn base_url(&mut self, text: &Text) -> Option<String> {
        let wrong = match reqwest::Url::parse(text.get_ref()) {
            Err(error) => format!("this is not a URL: {error}"),
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                "write a URL that begins with https:// or http://".into()
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                "a user name or password does not belong into this URL; `api_key` is all that is needed".into()
            }
            Ok(url) if url.query().is_some() || url.fragment().is_some() => "leave out what follows `?` and `#`".into(),
            Ok(url) => return Some(url.as_str().trim_end_matches('/').to_owned()),
        };
        self.problem(text.span(), wrong);
        None
    }

    /// The value behind `{ env = … }` or `{ file = … }`.
    fn secret(&mut self, secret: Spanned<SecretText>, key: &str) -> Option<Secret> {
        let span = secret.span();
        let (value, place) = match secret.into_inner() {
            SecretText::Clear(_) => {
                let name = key.to_uppercase();
                let message = format!(
                    "this is a secret in clear; put it into an environment variable and write `{key} = {{ env = \"{name}\" }}`, or into a file and \
                     write `{key} = {{ file = \"path\" }}`"
                );
                self.problem(span, message);
                return None;
            }
            SecretText::Env(name) => {
                let place = format!("the environment variable `{name}`");
                (std::env::var(&name).map_err(|error| unreadable(&error)), place)
            }
            SecretText::File(path) => {
                let path = self.folder.join(path);
                let place = format!("the file {}", path.display());
                let read = std::fs::read_to_string(&path).map_err(|error| error.to_string());
                (read.map(|text| text.trim_end_matches(['\n', '\r']).to_owned()), place)
            }
        };
        match value {
            Ok(value) if value.is_empty() => self.problem(span, format!("{place} is empty; it should hold a secret")),
            Ok(value) => return Some(Secret::new(value)),
            Err(error) => self.problem(span, format!("{place} cannot be read: {error}")),
        }
        None
    }

    fn duration(&mut self, text: Option<Text>, default: Duration) -> Duration {
        let Some(text) = text else { return default };
        match humantime::parse_duration(text.get_ref()) {
            Ok(duration) if duration >= Duration::from_millis(10) && duration <= Duration::from_secs(7 * 24 * 3600) => {
                duration
            }
            Ok(_) => {
                self.problem(text.span(), "this is too short or too long; between 10ms and 7days is possible");
                default
            }
            Err(error) => {
                self.problem(text.span(), format!("{error}; write a duration such as `30s`, `500ms` or `2m`"));
                default
            }
        }
    }

    /// A duration that may be none at all.
    fn lookback(&mut self, text: Option<Text>) -> Duration {
        match &text {
            Some(text) if humantime::parse_duration(text.get_ref()).is_ok_and(|lookback| lookback.is_zero()) => {
                Duration::ZERO
            }
            _ => self.duration(text, LOOKBACK),
        }
    }

    fn number(&mut self, number: Option<Spanned<u64>>, default: u64, range: std::ops::RangeInclusive<u64>) -> u64 {
        let Some(number) = number else { return default };
        if range.contains(number.get_ref()) {
            return number.into_inner();
        }
        self.problem(number.span(), format!("write a number from {} to {}", range.start(), range.end()));
        default
    }

    /// A share below one; nothing where any share may be refused.
    fn share(&mut self, share: Option<Spanned<f64>>) -> Option<f64> {
        let Some(share) = share else { return Some(MAX_FAILED_SHARE) };
        if !(0.0..=1.0).contains(share.get_ref()) {
            let message = "write a share from 0.0 to 1.0, such as `0.05` for one row in twenty; `1.0` lets a sync refuse any number of rows";
            self.problem(share.span(), message);
        }
        Some(share.into_inner()).filter(|share| *share < 1.0)
    }

    fn moment(&mut self, datetime: Spanned<toml::value::Datetime>) -> Option<DateTime<Utc>> {
        let moment = DateTime::parse_from_rfc3339(&datetime.get_ref().to_string());
        if moment.is_err() {
            let message = "write a date, a time and its offset, such as `2027-01-01T00:00:00Z`";
            self.problem(datetime.span(), message);
        }
        moment.ok().map(|moment| moment.to_utc())
    }

    fn not_empty(&mut self, text: &Text) {
        if text.get_ref().trim().is_empty() {
            self.problem(text.span(), "this is empty");
        }
    }

    /// Reports a value that stands in the file a second time.
    fn once(&mut self, seen: &mut HashMap<String, usize>, value: String, span: Range<usize>, what: &str) {
        let line = self.text.get(..span.start).map_or(0, |before| before.matches('\n').count()) + 1;
        match seen.get(&value) {
            Some(first) => {
                let message = format!("there is another {what} `{value}`, on line {first}");
                self.problem(span, message);
            }
            None => {
                seen.insert(value, line);
            }
        }
    }
}

/// Why a variable cannot be read. The error's own text may repeat what stands in it.
fn unreadable(error: &VarError) -> String {
    match error {
        VarError::NotPresent => "it is not set".into(),
        VarError::NotUnicode(_) => "it is not UTF-8 text".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_cannot_be_read_is_not_repeated() {
        let odd = VarError::NotUnicode("hunter2".into());
        assert!(odd.to_string().contains("hunter2"), "that is why");
        assert_eq!(unreadable(&odd), "it is not UTF-8 text");
    }
}
