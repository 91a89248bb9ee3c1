//! The server to test, and the limits of a test.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::operation::Operation;
use super::secret::Secret;

/// A server, and everything needed to provoke its responses. `conform --url` fills it from flags; a testbed describes
/// itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Its base URL.
    pub url: String,
    /// A key with every permission.
    pub key: Secret,
    /// A key of the same workspace without permissions.
    #[serde(default)]
    pub key_without_permission: Option<Secret>,
    /// Keys whose requests fail with an error, by the error's name.
    #[serde(default)]
    pub failing_keys: BTreeMap<String, Vec<Secret>>,
    /// Values of parameters that exist.
    #[serde(default)]
    pub known: BTreeMap<String, String>,
    /// Values of parameters that exist and are busy.
    #[serde(default)]
    pub busy: BTreeMap<String, String>,
    /// Values of parameters that belong to another workspace.
    #[serde(default)]
    pub foreign: BTreeMap<String, String>,
    /// How many items a list has, by operation.
    #[serde(default)]
    pub items: BTreeMap<String, usize>,
}

impl Target {
    /// Whether the user gave a value for each parameter in the path, and so asked for the operation. `false` for an
    /// operation without such parameters.
    pub(super) fn knows_parameters_of(&self, operation: &Operation) -> bool {
        let mut path = operation.path_parameters().peekable();
        path.peek().is_some() && path.all(|parameter| self.known.contains_key(&parameter.name.value))
    }
}

/// How requests are generated.
#[derive(Debug, Clone)]
pub struct Exploration {
    /// The random seed: the same seed gives the same requests.
    pub seed: u64,
    /// How many requests are generated for each of an operation's properties.
    pub cases: u32,
}

/// The limits of a test.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Send only GET requests.
    pub read_only: bool,
    /// Use up rate limits, which blocks the whole workspace until their windows end.
    pub exhaust: bool,
    /// Test only these operations; all if it is empty.
    pub operations: Vec<String>,
    /// The time limit for the whole run.
    pub time: Duration,
    /// The time limit for one response.
    pub patience: Duration,
    /// Every documented response must be seen.
    pub complete: bool,
    /// Use HTTP/2 without negotiation.
    pub http2: bool,
    /// Also send generated requests, including methods and values that the contract does not have.
    pub explore: Option<Exploration>,
    /// A PEM file with a certificate to trust besides those of the machine. For a whole process, SSL_CERT_FILE names one.
    pub trusted: Option<PathBuf>,
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
            trusted: None,
        }
    }
}
