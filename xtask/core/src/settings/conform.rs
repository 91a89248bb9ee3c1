//! `[conform]` of the settings: what may be sent to a live server, who calls it, which values exist there, and how its
//! errors are provoked.
//!
//! Secrets are named here, never written: they come from the environment or from files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use openapi_model::source::Source;
use serde::Deserialize;
use serde_json::Value as Json;
use toml::Spanned;

/// How long a testbed may take to print its line, by default.
const DEADLINE: Duration = Duration::from_secs(15 * 60);

/// `[conform]` of the settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Conform {
    /// The base URL of the server; `--url` overrides it.
    pub url: Option<String>,
    /// The operations besides those with GET, HEAD and OPTIONS whose requests may be sent: their IDs, or method and
    /// path such as `POST /things`. `*` permits everything, also methods that the contract does not have.
    pub send: Vec<Spanned<String>>,
    /// The statuses of errors in the order in which a server checks for them. Nothing is said about others.
    pub order: Vec<u16>,
    /// The responses that count against a rate limit: statuses, ranges such as `2XX`, and names of errors. Without it,
    /// counters are not judged.
    pub counted: Option<Vec<Counted>>,
    /// The name of the error for a malformed parameter, with `{parameter}` for the parameter's name. Without it, a
    /// malformed parameter is answered with any of the errors with status 400 or 422.
    pub malformed_error: Option<String>,
    /// How much of the documented responses must be seen, in percent.
    pub require_seen: Option<u8>,
    /// How long the `testbed` may take to print its line, such as `90s`; 15 minutes by default, because it may be built
    /// first.
    pub testbed_deadline: Option<Spanned<String>>,
    /// The callers. The first one with the role `full` sends whatever is not about other callers.
    #[serde(rename = "caller")]
    pub callers: Vec<Spanned<Caller>>,
    /// Values of parameters that exist. A table is about the operation with its name only.
    pub values: BTreeMap<Spanned<String>, Json>,
    /// Values of parameters that belong to another tenant: they must look like values that do not exist.
    pub foreign: BTreeMap<Spanned<String>, Json>,
    /// Values of parameters in a certain state, such as busy ones, by a name that provocations use.
    pub resources: BTreeMap<String, BTreeMap<String, Json>>,
    /// Malformed values of parameters whose schemas accept any text.
    pub malformed: BTreeMap<Spanned<String>, Vec<String>>,
    /// Request bodies, by operation.
    pub bodies: BTreeMap<Spanned<String>, Json>,
    /// How documented errors are provoked, if it does not follow from the contract.
    #[serde(rename = "provocation")]
    pub provocations: Vec<Spanned<Provocation>>,
    /// What is known about lists.
    #[serde(rename = "list")]
    pub lists: Vec<Spanned<List>>,
    /// The settings file; places are in it.
    #[serde(skip)]
    pub source: Option<Arc<Source>>,
    /// The folder of the project, which files with secrets are relative to.
    #[serde(skip)]
    pub root: PathBuf,
}

/// Responses that count against a rate limit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Counted {
    /// A status.
    Status(u16),
    /// A range such as `2XX`, or the name of an error.
    Name(String),
}

/// Somebody who sends requests.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// The name for provocations and messages.
    pub name: String,
    /// What the caller is allowed to do.
    #[serde(default)]
    pub role: Role,
    /// The token for bearer, OAuth 2 and OpenID Connect schemes.
    pub token: Option<SecretSource>,
    /// The key for API key schemes.
    pub api_key: Option<SecretSource>,
    /// The user and the password for basic schemes.
    pub basic: Option<Basic>,
    /// Secrets by the name of the scheme under `components.securitySchemes`, which come before those of its kind.
    #[serde(default)]
    pub credentials: BTreeMap<String, SecretSource>,
}

/// What a caller is allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Everything.
    #[default]
    Full,
    /// Nothing, although the credentials are valid: provokes 403.
    WithoutPermission,
    /// Everything, but for another tenant, who must not learn what exists here.
    OtherTenant,
}

/// A user with a password.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// The user.
    pub user: String,
    /// The password.
    pub password: SecretSource,
}

/// Where a secret comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "expected { env = \"NAME\" } or { file = \"PATH\" }")]
pub enum SecretSource {
    /// An environment variable.
    Env {
        /// Its name.
        env: String,
    },
    /// A file, relative to the project; spaces and line breaks at its ends do not count.
    File {
        /// Its path.
        file: String,
    },
}

/// How a documented error is provoked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provocation {
    /// The operation; without it, every operation that documents the error.
    pub operation: Option<Spanned<String>>,
    /// The error: its name, its status, or both its status and its identity, such as `409 Wet paint`.
    pub error: Spanned<ErrorName>,
    /// The caller who gets the error.
    pub caller: Option<Spanned<String>>,
    /// The name of values under `resources`.
    pub resource: Option<Spanned<String>>,
    /// Values of parameters.
    #[serde(default)]
    pub values: BTreeMap<String, Json>,
    /// The request body.
    pub body: Option<Json>,
    /// Operations that are called before, in this order.
    #[serde(default)]
    pub before: Vec<Spanned<String>>,
    /// Whether the error comes when the rate limit is used up.
    #[serde(default)]
    pub exhaust: bool,
    /// Whether the error passes by itself after a moment: a success that meets it is tried again.
    #[serde(default)]
    pub passes: bool,
}

/// A documented error in the settings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected the name of an error, or its status")]
pub enum ErrorName {
    /// A status: every error that has it.
    Status(u16),
    /// The name of the error's example, or its status and identity.
    Name(String),
}

impl std::fmt::Display for ErrorName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ErrorName::Status(status) => write!(formatter, "{status}"),
            ErrorName::Name(name) => write!(formatter, "{name}"),
        }
    }
}

/// What is known about a list that an operation returns page by page.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The operation.
    pub operation: Spanned<String>,
    /// The property that identifies an item. Without it, items are compared as a whole.
    pub item: String,
    /// The order of the items.
    #[serde(default)]
    pub order: Order,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Any order.
    #[default]
    Any,
    /// Descending by the times that identify the items.
    NewestFirst,
}

impl Conform {
    /// A place of the settings for messages, `file:line:column: `; empty if they were not read from a file.
    pub fn at<T>(&self, what: &Spanned<T>) -> String {
        let Some(source) = &self.source else { return String::new() };
        let (line, column) = source.line_column(what.span().start);
        format!("{}:{line}:{column}: ", source.path)
    }

    /// How long a testbed may take to print its line.
    ///
    /// # Errors
    ///
    /// If it is not a duration, with the place.
    pub fn deadline(&self) -> Result<Duration, String> {
        let Some(text) = &self.testbed_deadline else { return Ok(DEADLINE) };
        humantime::parse_duration(text.get_ref()).map_err(|error| {
            format!("{}`{}` is not a duration such as `90s` or `10m`: {error}", self.at(text), text.get_ref())
        })
    }

    /// What is wrong with the settings by themselves, with the place.
    pub(super) fn mistake(&self) -> Option<String> {
        if let Err(reason) = self.deadline() {
            return Some(reason);
        }
        let mut names = std::collections::BTreeSet::new();
        let twice = self.callers.iter().find(|caller| !names.insert(&caller.get_ref().name));
        if let Some(caller) = twice {
            return Some(format!("{}two callers are named `{}`", self.at(caller), caller.get_ref().name));
        }
        let of_nothing = self.provocations.iter().find(|provocation| {
            let it = provocation.get_ref();
            it.caller.is_none()
                && it.resource.is_none()
                && it.values.is_empty()
                && it.body.is_none()
                && it.before.is_empty()
                && !it.exhaust
        });
        if let Some(provocation) = of_nothing {
            return Some(format!(
                "{}this provocation does nothing: give it `values`, a `resource`, a `caller`, a `body`, `before` or `exhaust = true`",
                self.at(provocation)
            ));
        }
        for provocation in &self.provocations {
            let Some(caller) = &provocation.get_ref().caller else { continue };
            if !names.contains(caller.get_ref()) {
                let known: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
                let known = if known.is_empty() { "none".to_owned() } else { format!("`{}`", known.join("`, `")) };
                return Some(format!(
                    "{}there is no caller `{}`; the settings have {known}",
                    self.at(caller),
                    caller.get_ref()
                ));
            }
        }
        None
    }
}

impl SecretSource {
    /// The secret, and what stands for it where it must not be shown; `None` if the environment variable is not set.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or the secret is empty.
    pub fn read(&self, root: &Path) -> Result<Option<(String, String)>, String> {
        let (text, shown) = match self {
            SecretSource::Env { env } => match std::env::var(env) {
                Ok(text) => (text, env.clone()),
                Err(std::env::VarError::NotPresent) => return Ok(None),
                Err(std::env::VarError::NotUnicode(_)) => return Err(format!("the variable {env} is not UTF-8")),
            },
            SecretSource::File { file } => {
                let text = std::fs::read_to_string(root.join(file));
                let text = text.map_err(|error| format!("the secret in {file} cannot be read: {error}"))?;
                (text.trim().to_owned(), format!("(cat '{file}')"))
            }
        };
        if text.is_empty() {
            return Err(format!("{} is empty; it should hold a secret", self.name()));
        }
        Ok(Some((text, shown)))
    }

    /// The variable or the file.
    pub fn name(&self) -> &str {
        match self {
            SecretSource::Env { env } => env,
            SecretSource::File { file } => file,
        }
    }
}
