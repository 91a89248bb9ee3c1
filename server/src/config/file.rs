//! `opencdi.toml` as it is written: names and types of values.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::settings::{DurationText, Problem, RawSection, SecretText, Text, toml_problem};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub store: Option<Spanned<SecretText>>,
    pub store_connections: Option<Spanned<u64>>,
    #[serde(default)]
    pub server: Server,
    #[serde(default)]
    pub admin: Admin,
    #[serde(default)]
    pub worker: Worker,
    #[serde(default)]
    pub retention: Retention,
    #[serde(default)]
    pub workspaces: Vec<Workspace>,
    #[serde(default)]
    pub keys: Vec<Key>,
    #[serde(default)]
    pub notify: Vec<Spanned<Notify>>,
    #[serde(default)]
    pub integrations: Vec<Integration>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Server {
    pub listen: Option<Text>,
    pub request_deadline: Option<DurationText>,
    pub drain_deadline: Option<DurationText>,
    pub rate_limit_window: Option<DurationText>,
    pub max_connections: Option<Spanned<u64>>,
    pub max_connections_per_address: Option<Spanned<u64>>,
    pub tls: Option<Tls>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub certificate: Text,
    pub key: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Admin {
    pub listen: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Worker {
    pub concurrency: Option<Spanned<u64>>,
    pub lease: Option<DurationText>,
    pub poll: Option<DurationText>,
    pub max_attempts: Option<Spanned<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Retention {
    pub jobs: Option<DurationText>,
    pub row_errors: Option<DurationText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Workspace {
    pub id: Text,
    #[serde(default)]
    pub rate_limits: BTreeMap<Text, Spanned<u64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub name: Text,
    pub workspace: Text,
    pub hash: Text,
    pub permissions: Vec<Text>,
    pub expires: Option<Spanned<toml::Value>>,
    pub addresses: Option<Spanned<Vec<Text>>>,
    #[serde(default)]
    pub revoked: bool,
    #[cfg(feature = "faults")]
    pub fault: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Notify {
    pub name: Text,
    pub webhook: Option<Webhook>,
    pub email: Option<Email>,
    pub on: Option<Spanned<Vec<Text>>>,
    pub overdue_after: Option<DurationText>,
    pub workspaces: Option<Spanned<Vec<Text>>>,
    pub integrations: Option<Spanned<Vec<Text>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Webhook {
    pub url: Spanned<SecretText>,
    pub secret: Spanned<SecretText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Email {
    pub from: Text,
    pub to: Option<Spanned<Vec<Text>>>,
    pub smtp: Spanned<SecretText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Integration {
    pub id: Text,
    pub name: Text,
    pub workspace: Text,
    #[serde(rename = "type")]
    pub kind: Text,
    pub schedule: Option<Text>,
    pub timezone: Option<Text>,
    #[serde(default)]
    pub paused: bool,
    #[serde(default)]
    pub keep_payloads: bool,
    pub only_changed: Option<Spanned<bool>>,
    pub max_failed_share: Option<Spanned<f64>>,
    pub max_duration: Option<DurationText>,
    pub lookback: Option<DurationText>,
    #[serde(default)]
    pub contact_emails: Vec<Text>,
    pub source: Spanned<RawSection>,
    pub destination: Spanned<RawSection>,
}

/// Reads the text; the problem is the first thing that is wrong with it.
pub(super) fn read(text: &str) -> Result<File, Problem> {
    toml::from_str(text).map_err(|error| toml_problem(text, &error))
}
