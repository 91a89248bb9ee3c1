//! The server to test, and the limits of a test.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value as Json;

use super::secret::Secret;

/// A server, and what is known about it beside the settings. `conform --url` fills it from flags; a testbed describes
/// itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Its base URL.
    pub url: String,
    /// A key with every permission, for whatever scheme an operation has.
    #[serde(default)]
    pub key: Option<Secret>,
    /// A key of the same tenant without permissions.
    #[serde(default)]
    pub key_without_permission: Option<Secret>,
    /// Keys whose requests fail with an error, by the error's name.
    #[serde(default)]
    pub failing_keys: BTreeMap<String, Vec<Secret>>,
    /// Values of parameters that exist.
    #[serde(default)]
    pub known: BTreeMap<String, Json>,
    /// Values of parameters that belong to another tenant.
    #[serde(default)]
    pub foreign: BTreeMap<String, Json>,
    /// Values of parameters in a certain state, by a name that provocations in the settings use.
    #[serde(default)]
    pub resources: BTreeMap<String, BTreeMap<String, Json>>,
    /// How many items a list has, by operation.
    #[serde(default)]
    pub items: BTreeMap<String, usize>,
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
    /// Send only GET, HEAD and OPTIONS, whatever else says that more may be sent.
    pub read_only: bool,
    /// The operations besides those with GET, HEAD and OPTIONS whose requests may be sent, in addition to the settings:
    /// IDs, or method and path such as `POST /things`. `*` means all.
    pub send: Vec<String>,
    /// Everything may be sent, because the server is there for that.
    pub everything: bool,
    /// Use up rate limits, which blocks the whole tenant until their windows end.
    pub exhaust: bool,
    /// Test only these operations; all if it is empty.
    pub operations: Vec<String>,
    /// The time limit for the whole run.
    pub time: Duration,
    /// The time limit for one response.
    pub patience: Duration,
    /// Every documented response must be seen.
    pub complete: bool,
    /// How much of the documented responses must be seen, in percent; the settings say it if this does not.
    pub require_seen: Option<u8>,
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
            send: Vec::new(),
            everything: false,
            exhaust: false,
            operations: Vec::new(),
            time: Duration::from_secs(300),
            patience: Duration::from_secs(30),
            complete: false,
            require_seen: None,
            http2: false,
            explore: None,
            trusted: None,
        }
    }
}
