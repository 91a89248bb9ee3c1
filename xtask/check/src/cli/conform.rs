//! The command `conform`: its arguments, its help and what it does.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use apidrift_core::settings::Project;
use clap::Args;

use super::output::{Colour, code, print, shown};
use super::root::root;
use crate::conform::{self, Exploration, Limits, Secret, Target, Wanted};
use crate::render::{self, Format};

/// The text below the help of `conform`. `program` is the command that users type before it, such as `cargo xtask`.
pub fn conform_help(program: &str) -> String {
    let examples = [
        ("conform", "start this project's server, and provoke every documented response"),
        ("conform --url https://rest.iad-03.braze.com --read-only", "with the key in OPENCDI_KEY"),
        (
            "conform --url http://127.0.0.1:8080 --integration 6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01",
            "also triggers a sync of this integration",
        ),
        (
            "conform --url http://127.0.0.1:8080 --exhaust-rate-limits --timeout 10m",
            "also uses up the workspace's rate limits, and waits",
        ),
        ("conform --seed 7 --cases 1000", "generate more requests, from a different seed"),
        ("conform --url http://127.0.0.1:8080 --explore", "also send generated requests; only for a test server"),
        ("conform --operation list_integrations --format json", "one operation, for programs"),
        ("check --explain live/order", "what a rule means"),
    ];
    format!(
        "Exit status: 0 every response seen is as documented, 1 some are not, 2 the server could not be tested. Responses that were not seen are listed with what is needed to see them. Without --url every documented response must be seen.\n\n\
         Pass keys in the environment: other users of the machine can read the command line.\n\n\
         Examples:\n{}",
        shown(program, &examples)
    )
}

/// The arguments of `conform`.
#[derive(Debug, Args)]
pub struct Conform {
    /// The server's base URL; by default this project's server is built and started
    #[arg(long)]
    url: Option<String>,
    /// An API key with every permission
    #[arg(long, env = conform::KEY, hide_env_values = true)]
    key: Option<String>,
    /// An API key of the same workspace without permissions, to provoke 403
    #[arg(long, env = conform::KEY_WITHOUT_PERMISSION, hide_env_values = true, value_name = "KEY")]
    key_without_permission: Option<String>,
    /// An integration that may be triggered for real
    #[arg(long, value_name = "ID", requires = "url")]
    integration: Option<String>,
    /// An integration whose sync is in progress, to provoke `Another job is in progress`
    #[arg(long, value_name = "ID", requires = "url")]
    busy_integration: Option<String>,
    /// An integration of another workspace, which must look like one that does not exist
    #[arg(long, value_name = "ID", requires = "url")]
    foreign_integration: Option<String>,
    /// Send only GET requests
    #[arg(long)]
    read_only: bool,
    /// Use up the rate limits; this blocks the whole workspace until their windows end
    #[arg(long, requires = "url")]
    exhaust_rate_limits: bool,
    /// Test only this operation; can be repeated
    #[arg(long = "operation", value_name = "ID")]
    operations: Vec<String>,
    /// Time limit for the whole run, such as 90s or 10m
    #[arg(long, default_value = "5m", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// Also send generated requests, with methods, values, headers and bodies that the contract does not have; only
    /// for a test server. Always on without --url
    #[arg(long, requires = "url")]
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

/// Runs `conform` for the project of the current folder.
pub fn conform(arguments: Conform) -> anyhow::Result<ExitCode> {
    let project = Project::load(&root()?).map_err(anyhow::Error::msg)?;
    let limits = Limits {
        read_only: arguments.read_only,
        exhaust: arguments.exhaust_rate_limits || arguments.url.is_none(),
        complete: arguments.url.is_none() && arguments.operations.is_empty() && !arguments.read_only,
        operations: arguments.operations,
        time: arguments.timeout,
        http2: arguments.http2,
        explore: (arguments.explore || arguments.url.is_none())
            .then_some(Exploration { seed: arguments.seed, cases: arguments.cases }),
        ..Limits::default()
    };
    let value = |id: Option<String>| id.map(|id| ("integration_id".to_owned(), id)).into_iter().collect();
    let target = match (arguments.url, arguments.key) {
        (Some(url), Some(key)) => Wanted::There(Target {
            url,
            key: Secret::new(key),
            key_without_permission: arguments.key_without_permission.map(Secret::new),
            failing_keys: BTreeMap::new(),
            known: value(arguments.integration),
            busy: value(arguments.busy_integration),
            foreign: value(arguments.foreign_integration),
            items: BTreeMap::new(),
        }),
        (Some(_), None) => anyhow::bail!("an API key is needed: set {} or give --key", conform::KEY),
        (None, _) => Wanted::Testbed,
    };
    let outcome = conform::project(&project, target, &limits, &|stage| eprintln!("conform: {stage}"));
    print(&render::render(&outcome, arguments.format, arguments.color.wanted()))?;
    Ok(code(&outcome))
}
