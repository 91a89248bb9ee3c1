//! What is held to the contract, and how far that may go.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::operation::Operation;
use super::secret::Secret;

/// A server, and what it takes to provoke its answers. `conform --url` fills it from flags; a server that was
/// made for this describes itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Its base URL.
    pub url: String,
    /// A key with every permission.
    pub key: Secret,
    /// A key without any, of the same workspace.
    #[serde(default)]
    pub key_without_permission: Option<Secret>,
    /// Keys whose requests end in an error, by the error's name.
    #[serde(default)]
    pub failing_keys: BTreeMap<String, Vec<Secret>>,
    /// Values of parameters that lead to something.
    #[serde(default)]
    pub known: BTreeMap<String, String>,
    /// Values of parameters that lead to something which is busy.
    #[serde(default)]
    pub busy: BTreeMap<String, String>,
    /// Values of parameters that lead to something of another workspace.
    #[serde(default)]
    pub foreign: BTreeMap<String, String>,
    /// How many items a list has, by operation.
    #[serde(default)]
    pub items: BTreeMap<String, usize>,
}

impl Target {
    /// Whether somebody has given a value for each parameter in the path, and so has asked for the operation. One without
    /// such parameters nobody has asked for.
    pub(super) fn knows_parameters_of(&self, operation: &Operation) -> bool {
        let mut path = operation.path_parameters().peekable();
        path.peek().is_some() && path.all(|parameter| self.known.contains_key(&parameter.name.value))
    }
}

/// How requests are made up.
#[derive(Debug, Clone)]
pub struct Exploration {
    /// What chance starts from: the same requests for the same number.
    pub seed: u64,
    /// How many requests are made up for each of an operation's properties.
    pub cases: u32,
}

/// How far it may go.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Only GETs are sent.
    pub read_only: bool,
    /// Rate limits may be used up, which keeps others of the workspace out until their windows end.
    pub exhaust: bool,
    /// Only these operations; all where it is empty.
    pub operations: Vec<String>,
    /// How long everything may take.
    pub time: Duration,
    /// How long an answer may take.
    pub patience: Duration,
    /// Everything that is documented must be seen.
    pub complete: bool,
    /// HTTP/2 is spoken without being negotiated.
    pub http2: bool,
    /// Requests are made up too, methods and values included that the contract does not have.
    pub explore: Option<Exploration>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            read_only: false,
            exhaust: false,
            operations: Vec::new(),
            time: Duration::from_secs(300),
            patience: Duration::from_secs(30),
            complete: false,
            http2: false,
            explore: None,
        }
    }
}
