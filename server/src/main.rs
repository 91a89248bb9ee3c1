//! `cdi-server`: the command line.

mod hints;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use cdi_server::commands::watermark::{Attributes, Change};
use cdi_server::commands::{cancel, check, init, jobs, key, notify, preview, row_errors, serve, watermark};
use cdi_server::config::{Config, ConfigError, IntegrationId, Secrets};
use cdi_server::logging::LogFormat;
use cdi_server::process::print;
use cdi_server::service::Role;
use cdi_server::settings::DEFAULT_FILE;
use cdi_server::store::JobIdPrefix;
use cdi_server::values::whole_number;
use cdi_server::{api, demo, secret};
use chrono::{DateTime, Utc};
use clap::builder::PossibleValuesParser;
use clap::{Args, CommandFactory as _, Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// OpenCDI: a self-hosted Cloud Data Ingestion service.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  cdi-server demo                            see a sync from end to end on this machine
  cdi-server init                            write opencdi.toml and a first API key
  cdi-server check                           can everything in opencdi.toml work?
  cdi-server preview Users                   what would the next sync send?
  cdi-server serve                           run it";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the API and the workers until SIGTERM or Ctrl-C
    #[command(
        after_help = "The address and the port are `listen` in [server] of opencdi.toml. RUST_LOG sets what is logged. Keys, workspaces and integrations are reloaded when the file changes, and on SIGHUP; if the file has a problem, nothing changes.\n\nExamples:\n  cdi-server serve\n  cdi-server serve --role worker --config /etc/opencdi.toml\n  RUST_LOG=cdi_server=debug cdi-server serve"
    )]
    Serve {
        #[command(flatten)]
        config: ConfigFile,
        /// What this process does
        #[arg(long, value_enum, default_value = "all")]
        role: Role,
        /// How log lines look
        #[arg(long, value_enum, default_value = "text")]
        log_format: LogFormat,
    },
    /// Write a commented configuration file with a first API key
    #[command(after_help = "An existing file is never changed.\n\nExample:\n  cdi-server init")]
    Init {
        /// The file to create
        #[arg(env = "OPENCDI_CONFIG", default_value = DEFAULT_FILE)]
        file: PathBuf,
    },
    /// Validate the configuration and test every source and destination connection
    #[command(
        after_help = "Nothing is changed or delivered. Exit code: 0 if everything can work (there may be warnings), 1 if something cannot.\n\nExample:\n  cdi-server check --config staging.toml"
    )]
    Check {
        #[command(flatten)]
        config: ConfigFile,
        /// How to print the results
        #[arg(long, value_enum, default_value = "text")]
        format: check::Format,
    },
    /// Show what the next sync would send and refuse; nothing is changed
    #[command(after_help = "Example:\n  cdi-server preview Users --rows 3")]
    Preview {
        #[command(flatten)]
        config: ConfigFile,
        /// The integration's name, its ID, or at least the first 4 characters of the ID
        integration: String,
        /// How many rows to show
        #[arg(long, default_value_t = 10, allow_negative_numbers = true, value_parser = whole_number(1..=1_000_000))]
        rows: u32,
    },
    /// Show the watermark of an integration (the UPDATED_AT that its syncs have reached), or change it
    #[command(
        after_help = "Examples:\n  cdi-server watermark Users                               show it\n  cdi-server watermark Users --set 2026-11-01T00:00:00Z    sync again what has changed since then\n  cdi-server watermark Users --reset                       sync everything again\n  cdi-server watermark Users --keep                        the table was renamed: go on"
    )]
    Watermark {
        #[command(flatten)]
        config: ConfigFile,
        /// The integration's name, its ID, or at least the first 4 characters of the ID
        integration: String,
        /// The next sync takes the rows with this UPDATED_AT or a later one; earlier ones are not sent, even if they are waiting
        #[arg(long, value_name = "TIME", group = "change", allow_hyphen_values = true, value_parser = time)]
        set: Option<DateTime<Utc>>,
        /// The next sync takes every row
        #[arg(long, group = "change")]
        reset: bool,
        /// Keep the watermark although the integration has another source, destination or type
        #[arg(long, group = "change")]
        keep: bool,
        /// With `only_changed`: what to do with the attributes that the destination is known to have
        #[arg(long, value_enum, requires = "change")]
        attributes: Option<Attributes>,
    },
    /// End the job of an integration that is in progress, and wait until it has ended
    #[command(
        after_help = "The job ends in `error` at its next checkpoint or, if its worker is dead, when its lease expires; what was delivered stays delivered, and the next sync takes the rest. A job of an integration that is not in the file any more is ended by the whole ID of the integration.\n\nExample:\n  cdi-server cancel Users"
    )]
    Cancel {
        #[command(flatten)]
        config: ConfigFile,
        /// The integration's name, its ID, or at least the first 4 characters of the ID
        integration: String,
    },
    /// List the newest jobs, of one integration or of each: how they ended, and why
    #[command(
        after_help = "Without an integration: the newest job of each.\n\nExamples:\n  cdi-server jobs\n  cdi-server jobs Users\n  cdi-server jobs Users --limit 1 --format jsonl | jq -r .cause"
    )]
    Jobs {
        #[command(flatten)]
        config: ConfigFile,
        /// The integration's name, its ID, or at least the first 4 characters of the ID
        integration: Option<String>,
        /// How many jobs to list, newest first; only with an integration
        #[arg(long, value_name = "COUNT", default_value_t = 10, requires = "integration", allow_negative_numbers = true, value_parser = whole_number(1..=100_000))]
        limit: u32,
        /// How to print them
        #[arg(long, value_enum, default_value = "table")]
        format: jobs::Format,
    },
    /// Print the rows that a job has refused, and why
    #[command(
        after_help = "In CSV, a text that begins with `=`, `+`, `-` or `@` has a `'` in front, so that spreadsheets do not run it as a formula. JSON lines have every text as it is.\n\nExamples:\n  cdi-server row-errors Users --format csv > refused.csv\n  cdi-server row-errors Users --job 0197c0de-1234"
    )]
    RowErrors {
        #[command(flatten)]
        config: ConfigFile,
        /// The integration's name, its ID, or at least the first 4 characters of the ID
        integration: String,
        /// The job's ID or its first characters, as `cdi-server jobs` prints them [default: the newest job that refused rows]
        #[arg(long, value_name = "ID")]
        job: Option<JobIdPrefix>,
        /// How to print them
        #[arg(long, value_enum, default_value = "jsonl")]
        format: row_errors::Format,
    },
    /// Test the messages of [[notify]]
    Notify {
        #[command(subcommand)]
        command: NotifyCommand,
    },
    /// Create an API key
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Print the OpenAPI document that the server emits
    Openapi,
    /// Print a completion script for a shell
    #[command(
        after_help = "Examples:\n  source <(cdi-server completion bash)      in bash; to keep it, in ~/.bashrc\n  source <(cdi-server completion zsh)       in zsh; to keep it, in ~/.zshrc after compinit\n  cdi-server completion fish | source       in fish; to keep it, in ~/.config/fish/config.fish\n\n`source <(...)` works in bash and zsh only, not in sh."
    )]
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Seed a source, serve the API, trigger one real sync and show it
    Demo(demo::Options),
    /// Run a service for tests until standard input ends; the first line printed says what is there
    #[cfg(feature = "faults")]
    Testbed(cdi_server::testbed::Options),
}

#[derive(Debug, Subcommand)]
enum NotifyCommand {
    /// Send a test message now, by each [[notify]] entry or by one
    #[command(
        after_help = "The message has the type `test` and is about the first integration of the entry; an e-mail goes to `to`, or to the `contact_emails` of that integration. It is sent once, by this process. Exit code: 0 if every receiver has taken it, 1 if one has not.\n\nExamples:\n  cdi-server notify test\n  cdi-server notify test on-call"
    )]
    Test {
        #[command(flatten)]
        config: ConfigFile,
        /// The `name` of the entry [default: all entries]
        name: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Create a key; it is printed once, with the TOML for the configuration
    #[command(
        after_help = "Examples:\n  cdi-server key new --name airflow\n  cdi-server key new --name dashboard --permission cdi.integration_list"
    )]
    New {
        /// The key's name in the log, such as the program that uses it
        #[arg(long, value_parser = key::name)]
        name: String,
        /// The workspace of the integrations that it may see
        #[arg(long, default_value = "my-workspace", value_parser = key::name)]
        workspace: String,
        /// A permission, or several with commas between them. Without it the key has all of them
        #[arg(long = "permission", value_name = "PERMISSION", value_delimiter = ',', value_parser = PossibleValuesParser::new(permissions()))]
        permissions: Vec<String>,
    },
}

#[derive(Debug, Args)]
struct ConfigFile {
    /// The configuration file
    #[arg(long = "config", value_name = "FILE", env = "OPENCDI_CONFIG", default_value = DEFAULT_FILE)]
    path: PathBuf,
}

impl ConfigFile {
    fn load(&self, secrets: Secrets) -> Result<Config, ConfigError> {
        Config::load_with(&self.path, &api::known(), secrets)
    }
}

/// The permissions that a key can have.
fn permissions() -> Vec<&'static str> {
    api::permissions()
}

fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let time = DateTime::parse_from_rfc3339(text);
    time.map(|time| time.to_utc())
        .map_err(|_| "write a date, a time and its offset, such as 2026-11-01T00:00:00Z".into())
}

fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| {
        let arguments: Vec<_> = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
        hints::with_hint(error, &arguments).exit()
    });
    match run(cli.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve { config, role, log_format } => {
            block_on(serve::run(config.load(Secrets::All)?, role, log_format))
        }
        Command::Init { file } => init::run(&file),
        Command::Check { config, format } => {
            let config = config.load(Secrets::All)?;
            block_on(check::run(&config, format))
        }
        Command::Preview { config, integration, rows } => {
            let config = config.load(Secrets::OfSyncs)?;
            block_on(preview::run(&config, config.integration(&integration)?, rows as usize))
        }
        Command::Watermark { config, integration, set, reset, keep, attributes } => {
            let config = config.load(Secrets::OfSyncs)?;
            let change = match set {
                Some(time) => Change::Set(time),
                None if reset => Change::Reset,
                None if keep => Change::Keep,
                None => Change::None,
            };
            block_on(watermark::run(&config, config.integration(&integration)?, change, attributes))
        }
        Command::Cancel { config, integration } => {
            let config = config.load(Secrets::OfStore)?;
            let (id, name) = match (config.integration(&integration), integration.parse::<IntegrationId>()) {
                (Ok(known), _) => (known.id, known.name.as_str()),
                // Its job may be left from before it was removed from the file.
                (Err(_), Ok(id)) => (id, integration.as_str()),
                (Err(unknown), Err(_)) => return Err(unknown.into()),
            };
            block_on(cancel::run(&config, id, name))
        }
        Command::Jobs { config, integration, limit, format } => {
            let config = config.load(Secrets::OfStore)?;
            let integration = integration.map(|name| config.integration(&name)).transpose()?;
            block_on(jobs::run(&config, integration.map(AsRef::as_ref), limit as usize, format))
        }
        Command::RowErrors { config, integration, job, format } => {
            let config = config.load(Secrets::OfStore)?;
            block_on(row_errors::run(&config, config.integration(&integration)?, job, format))
        }
        Command::Notify { command: NotifyCommand::Test { config, name } } => {
            let config = config.load(Secrets::OfMessages)?;
            block_on(notify::test(&config, name.as_deref()))
        }
        Command::Key { command: KeyCommand::New { name, workspace, permissions: chosen } } => {
            let all = || permissions().into_iter().map(str::to_owned).collect();
            let permissions = if chosen.is_empty() { all() } else { chosen };
            let key = secret::new_key();
            eprint!("{}", key::describe(&key));
            print(&key::toml(&key, &name, &workspace, &permissions))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Openapi => {
            let document = api::generated::openapi().map_err(anyhow::Error::msg)?;
            print(&format!("{}\n", serde_json::to_string_pretty(&document)?))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Completion { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "cdi-server", &mut script);
            print(&String::from_utf8(script)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Demo(options) => block_on(demo::run(options)),
        #[cfg(feature = "faults")]
        Command::Testbed(options) => block_on(cdi_server::testbed::run(options)),
    }
}

fn block_on(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no async runtime")?;
    let result = runtime.block_on(work);
    // Do not wait for threads that are still writing: the user has waited long enough.
    runtime.shutdown_background();
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_permissions_may_be_given_at_once() {
        let given = "cdi.integration_list,cdi.integration_sync";
        let cli = Cli::try_parse_from(["cdi-server", "key", "new", "--name", "x", "--permission", given]).unwrap();
        let Command::Key { command: KeyCommand::New { permissions, .. } } = cli.command else { panic!() };
        assert_eq!(permissions.join(","), given);
    }

    #[test]
    fn commands_need_only_the_secrets_that_they_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("opencdi.toml");
        let example = include_str!("../opencdi.example.toml").replace("{ env = \"", "{ env = \"OPENCDI_NO_SUCH_");
        std::fs::write(&path, example).unwrap();
        let said = |command: &[&str]| {
            let words = [&["cdi-server"], command, &["--config", path.to_str().unwrap()]].concat();
            run(Cli::try_parse_from(words).unwrap().command).map_err(|error| format!("{error:#}"))
        };
        assert!(said(&["jobs"]).is_ok());
        for command in [&["row-errors", "Users"][..], &["cancel", "Users"]] {
            let error = said(command).unwrap_err();
            assert!(!error.contains("is not set"), "{error}");
        }
        let needs = |command: &[&str]| {
            let error = said(command).unwrap_err();
            ["BRAZE_API_KEY", "SMTP_URL"].map(|name| error.contains(&format!("OPENCDI_NO_SUCH_{name}` is not set")))
        };
        for (command, expected) in [
            (&["watermark", "Users"][..], [true, false]),
            (&["preview", "Users"], [true, false]),
            (&["check"], [true, true]),
            (&["serve"], [true, true]),
            (&["notify", "test"], [false, true]),
        ] {
            assert_eq!(needs(command), expected, "{command:?}");
        }
    }
}
