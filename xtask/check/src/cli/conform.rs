//! The command `conform`: its arguments, its help and what it does.

use std::process::ExitCode;
use std::time::Duration;

use apidrift_core::settings::Project;
use clap::Args;
use serde_json::Value as Json;

use super::output::{Colour, code, print, shown};
use super::root::root;
use crate::conform::{self, Exploration, Limits, Secret, Target, Wanted};
use crate::render::{self, Format};

/// The variable that contains the key, in the environment and in output.
const KEY: &str = "APIDRIFT_KEY";
/// The variable that contains the key without permission.
const KEY_WITHOUT_PERMISSION: &str = "APIDRIFT_KEY_WITHOUT_PERMISSION";
/// The values of another tenant, in `--value`.
const FOREIGN: &str = "foreign";

/// The text below the help of `conform`. `program` is the command that users type before it, such as `cargo xtask`.
pub fn conform_help(program: &str) -> String {
    let examples = [
        ("conform", "start this project's server, and provoke every documented response"),
        ("conform --url https://api.example.com", "sends GET, HEAD and OPTIONS, with the key in APIDRIFT_KEY"),
        (
            "conform --url http://127.0.0.1:8080 --send create_thing --value thing_id=7",
            "also creates a thing; thing 7 exists",
        ),
        (
            "conform --url http://127.0.0.1:8080 --exhaust-rate-limits --timeout 10m",
            "also uses up the rate limits, and waits",
        ),
        ("conform --url http://127.0.0.1:8080 --require-seen 80", "fails if less than 80 % of the responses were seen"),
        ("conform --seed 7 --cases 1000", "generate more requests, from a different seed"),
        (
            "conform --url http://127.0.0.1:8080 --explore --send '*'",
            "generated requests of every kind; only for a test server",
        ),
        ("conform --operation list_things --format json", "one operation, for programs"),
        ("check --explain live/order", "what a rule means"),
    ];
    format!(
        "Only GET, HEAD and OPTIONS are sent, unless an operation is named with --send or in the settings; a `testbed` of the settings may be sent everything. What will be sent is said before the run.\n\n\
         Exit status: 0 every response seen is as documented, 1 some are not, 2 the server could not be tested or too little was seen. Responses that were not seen are listed with what is needed to see them. A testbed must send every documented response, unless --require-seen asks for less.\n\n\
         Callers, values and provocations of errors are in [conform] of the settings. Pass keys in the environment: other users of the machine can read the command line.\n\n\
         Examples:\n{}",
        shown(program, &examples)
    )
}

/// The arguments of `conform`.
#[derive(Debug, Args)]
pub struct Conform {
    /// The server's base URL; by default `url` in the settings, or else `testbed` in the settings is started
    #[arg(long)]
    url: Option<String>,
    /// A key with every permission, for whatever scheme the contract has; `USER:PASSWORD` for a basic one. It comes
    /// before the callers in the settings
    #[arg(long, env = KEY, hide_env_values = true)]
    key: Option<String>,
    /// A key of the same tenant without permissions, to provoke 403
    #[arg(long, env = KEY_WITHOUT_PERMISSION, hide_env_values = true, value_name = "KEY")]
    key_without_permission: Option<String>,
    /// An operation besides those with GET, HEAD and OPTIONS whose requests may be sent; can be repeated. `*` permits
    /// everything, also what the contract does not have
    #[arg(long, value_name = "ID")]
    send: Vec<String>,
    /// A value of a parameter that exists; can be repeated. `foreign:NAME=VALUE` belongs to another tenant and must
    /// look like one that does not exist; other words before the colon name a `resource` of a provocation
    #[arg(long = "value", value_name = "NAME=VALUE", value_parser = value)]
    values: Vec<Value>,
    /// Send only GET, HEAD and OPTIONS, whatever the settings permit
    #[arg(long)]
    read_only: bool,
    /// Use up the rate limits; this blocks the whole tenant until their windows end
    #[arg(long)]
    exhaust_rate_limits: bool,
    /// Test only this operation; can be repeated
    #[arg(long = "operation", value_name = "ID")]
    operations: Vec<String>,
    /// Fail if less than this part of the documented responses was seen
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    require_seen: Option<u8>,
    /// Time limit for the whole run, such as 90s or 10m
    #[arg(long, default_value = "5m", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// Also send generated requests, with values, headers and bodies that the contract does not have. Always on for a
    /// testbed
    #[arg(long)]
    explore: bool,
    /// Seed for generated requests: the same seed gives the same requests
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many requests to generate for each property of an operation
    #[arg(long, default_value_t = 100)]
    cases: u32,
    /// Use HTTP/2 without negotiation
    #[arg(long)]
    http2: bool,
    /// Output format
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// When to use colours
    #[arg(long, value_enum, default_value = "auto")]
    color: Colour,
}

/// A value of a parameter, and where it belongs.
#[derive(Debug, Clone)]
struct Value {
    /// The resource; `None` for a value that exists.
    resource: Option<String>,
    name: String,
    value: Json,
}

/// Reads `NAME=VALUE` or `RESOURCE:NAME=VALUE`. Lists and objects are JSON.
fn value(text: &str) -> Result<Value, String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as thing_id=7")?;
    let (resource, name) = match name.split_once(':') {
        Some((resource, name)) => (Some(resource.to_owned()), name),
        None => (None, name),
    };
    let value = match value.starts_with(['[', '{']) {
        true => serde_json::from_str(value).map_err(|error| format!("`{value}` is not JSON: {error}"))?,
        false => value.into(),
    };
    Ok(Value { resource, name: name.to_owned(), value })
}

/// Runs `conform` for the project of the current folder.
pub fn conform(arguments: Conform) -> anyhow::Result<ExitCode> {
    let project = Project::load(&root()?).map_err(anyhow::Error::msg)?;
    let url = arguments.url.or_else(|| project.conform.url.clone());
    let is_testbed = url.is_none();
    let require_seen = arguments.require_seen.or(project.conform.require_seen);
    let limits = Limits {
        read_only: arguments.read_only,
        send: arguments.send,
        exhaust: arguments.exhaust_rate_limits || is_testbed,
        complete: is_testbed && arguments.operations.is_empty() && !arguments.read_only && require_seen.is_none(),
        require_seen,
        operations: arguments.operations,
        time: arguments.timeout,
        http2: arguments.http2,
        explore: (arguments.explore || is_testbed)
            .then_some(Exploration { seed: arguments.seed, cases: arguments.cases }),
        ..Limits::default()
    };
    let target = match url {
        Some(url) => {
            let key = |key: Option<String>, variable| key.map(|key| Secret::named(key, variable));
            let mut target = Target {
                url,
                key: key(arguments.key, KEY),
                key_without_permission: key(arguments.key_without_permission, KEY_WITHOUT_PERMISSION),
                ..Target::default()
            };
            for Value { resource, name, value } in arguments.values {
                let values = match resource.as_deref() {
                    None => &mut target.known,
                    Some(FOREIGN) => &mut target.foreign,
                    Some(resource) => target.resources.entry(resource.to_owned()).or_default(),
                };
                values.insert(name, value);
            }
            Wanted::There(Box::new(target))
        }
        None if !arguments.values.is_empty() => {
            anyhow::bail!(
                "--value needs --url, or `url` in [conform] of the settings: a testbed says itself what exists"
            )
        }
        None => Wanted::Testbed,
    };
    let outcome = conform::project(&project, target, &limits, &|stage| eprintln!("conform: {stage}"));
    print(&render::render(&outcome, arguments.format, arguments.color.wanted()))?;
    Ok(code(&outcome))
}
