//! `cdi-server`: the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use cdi_server::config::{Config, ConfigError};
use cdi_server::logging::{self, LogFormat};
use cdi_server::process::{print, shutdown_signal};
use cdi_server::service::{Role, Service};
use cdi_server::{api, check, demo, key, secret};
use clap::{Args, Parser, Subcommand};

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
  cdi-server key new --name airflow --permission cdi.integration_sync
  cdi-server check --config opencdi.toml     before you deploy
  cdi-server serve --config opencdi.toml     run it";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the API and the workers until SIGTERM or Ctrl-C
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
    /// Validate the configuration and test every source and destination connection
    Check {
        #[command(flatten)]
        config: ConfigFile,
    },
    /// API keys
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Print the OpenAPI document that the server emits
    Openapi,
    /// Seed a source, serve the API, trigger one real sync and show it
    Demo(demo::Options),
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Make a key: it is printed once, with the TOML to paste
    #[command(
        after_help = "Example:\n  cdi-server key new --name airflow --workspace my-workspace --permission cdi.integration_sync --permission cdi.integration_job_status"
    )]
    New {
        /// A name for the log, such as who uses it
        #[arg(long)]
        name: String,
        /// The workspace (`app_group_id`) it belongs to
        #[arg(long, default_value = "my-workspace")]
        workspace: String,
        /// A permission; give the flag again for each
        #[arg(long = "permission", required = true, value_parser = permission)]
        permissions: Vec<String>,
    },
}

#[derive(Debug, Args)]
struct ConfigFile {
    /// The configuration
    #[arg(long = "config", env = "OPENCDI_CONFIG", default_value = "opencdi.toml")]
    path: PathBuf,
}

impl ConfigFile {
    fn load(&self) -> Result<Config, ConfigError> {
        Config::load(&self.path, &api::known())
    }
}

fn permission(text: &str) -> Result<String, String> {
    let known = api::known().permissions;
    if known.iter().any(|permission| permission == text) {
        return Ok(text.to_owned());
    }
    Err(format!("there is no such permission; known are {}", known.join(", ")))
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve { config, role, log_format } => block_on(serve(config.load()?, role, log_format)),
        Command::Check { config } => block_on(check::run(config.load()?)),
        Command::Key { command: KeyCommand::New { name, workspace, permissions } } => {
            print(&key::describe(&secret::new_key(), &name, &workspace, &permissions))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Openapi => {
            let document = api::generated::openapi().map_err(anyhow::Error::msg)?;
            print(&format!("{}\n", serde_json::to_string_pretty(&document)?))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Demo(options) => block_on(demo::run(options)),
    }
}

fn block_on(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no async runtime")?;
    let result = runtime.block_on(work);
    // Whoever asked for it has waited long enough: a thread that still writes is not waited for.
    runtime.shutdown_background();
    result
}

async fn serve(config: Config, role: Role, log_format: LogFormat) -> anyhow::Result<ExitCode> {
    logging::start(log_format)?;
    let service = Service::start(&config, role).await?;
    match service.address() {
        Some(address) => tracing::info!("listening on http://{address}"),
        None => tracing::info!("running syncs, not listening"),
    }
    shutdown_signal().await?;
    tracing::info!("stopping; a second signal stops at once");
    tokio::select! {
        () = service.stop() => Ok(ExitCode::SUCCESS),
        signal = shutdown_signal() => signal.map(|()| ExitCode::FAILURE),
    }
}
