//! The command line as people write it. What is the same for all commands is explained once: `help.rs`.

use std::path::PathBuf;
use std::time::Duration;

use clap::error::Error;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

use crate::help;
use crate::hints::with_hint;
use crate::jq::Jq;
use crate::values::{count, duration};

/// Trigger and follow Cloud Data Ingestion syncs, on OpenCDI or on Braze
#[derive(Debug, Parser)]
#[command(name = "cdi", version, after_help = help::OVERVIEW)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Options for all commands")]
pub(crate) struct Common {
    /// The server's URL, or a Braze instance such as iad-03
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) url: Option<String>,
    /// A profile of the configuration file
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) profile: Option<String>,
    /// The configuration file
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print what a jq expression selects from the JSON
    #[arg(long, value_name = "EXPRESSION", value_parser = Jq::new, global = true)]
    pub(crate) jq: Option<Jq>,
    /// Print only errors
    #[arg(long, short, global = true, conflicts_with_all = ["json", "jq"])]
    pub(crate) quiet: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub(crate) color: Color,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Online(Online),
    /// Print a completion script for a shell
    #[command(after_help = help::COMPLETION)]
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the man pages into a folder
    #[command(after_help = help::MAN)]
    Man {
        /// The folder, which must exist
        folder: PathBuf,
    },
    /// The exit codes
    #[command(name = "exit-codes", hide = true, long_about = help::EXIT_CODES, help_template = help::TOPIC)]
    ExitCodes,
    /// The JSON that --json prints, and --jq
    #[command(hide = true, long_about = help::JSON, help_template = help::TOPIC)]
    Json,
    /// Environment variables, profiles and the configuration file
    #[command(hide = true, long_about = help::ENVIRONMENT, help_template = help::TOPIC)]
    Environment,
}

/// The commands that need a server.
#[derive(Debug, Subcommand)]
pub(crate) enum Online {
    /// Trigger a sync
    ///
    /// Returns as soon as the server has accepted it, or with --wait when the sync has ended.
    #[command(after_help = help::MORE, after_long_help = help::TRIGGER)]
    Trigger(Trigger),
    /// List the integrations of the workspace
    #[command(after_help = help::MORE, after_long_help = help::LIST)]
    List,
    /// List the newest syncs of an integration, or follow one
    #[command(visible_alias = "jobs", after_help = help::MORE, after_long_help = help::STATUS)]
    Status(Status),
    /// Check the server, the API key and its permissions
    #[command(subcommand)]
    Auth(Auth),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Auth {
    /// Show which server and API key are used, and whether they work
    ///
    /// Sends one request with the key and, if the server accepts it, a second one that shows whether the key may list
    /// jobs. Nothing is triggered, and the key is not printed.
    #[command(after_help = help::MORE, after_long_help = help::AUTH)]
    Status,
}

#[derive(Debug, Args)]
pub(crate) struct Trigger {
    #[command(flatten)]
    pub(crate) integration: Integration,
    /// Wait until the sync has ended; the exit code says how
    #[arg(long)]
    pub(crate) wait: bool,
    /// If a sync is already running: fail (exit code 5), wait for it, or ignore (exit code 0)
    #[arg(long, value_name = "WHAT", default_value = "fail", hide_possible_values = true)]
    pub(crate) if_running: IfRunning,
    /// How long to wait in all, such as 90s, 30m or 2h [default: 1h]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// Exit with code 0 even if some rows failed
    #[arg(long, requires = "wait")]
    pub(crate) allow_partial: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Integration {
    /// Name, ID, or at least the first 4 characters of the ID
    #[arg(value_parser = name_or_id)]
    pub(crate) integration: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IfRunning {
    /// Exit with code 5
    Fail,
    /// Wait until it has ended, then trigger
    Wait,
    /// Trigger nothing and exit with code 0
    Ignore,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) integration: Integration,
    /// How many syncs to list [default: 10]
    #[arg(long, value_name = "COUNT", conflicts_with = "follow", allow_negative_numbers = true, value_parser = count)]
    pub(crate) limit: Option<u32>,
    /// Follow the newest sync until it has ended; the exit code says how
    #[arg(long)]
    pub(crate) follow: bool,
    /// How long to follow it, such as 90s, 30m or 2h; no limit by default
    #[arg(long, value_name = "TIME", requires = "follow", allow_hyphen_values = true, value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
}

fn name_or_id(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() { Err("give the integration's name or ID") } else { Ok(text.to_owned()) }
}

/// Parses the command line of this process.
pub(crate) fn parse() -> Result<Cli, Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(std::env::args_os()).map_err(|error| {
        let arguments: Vec<_> = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
        with_hint(error, &arguments)
    })?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// The command line whose help is printed. The options for all commands are explained at the top only.
pub(crate) fn command() -> clap::Command {
    let mut command = Cli::command();
    let common: Vec<_> = command
        .get_arguments()
        .filter(|argument| argument.is_global_set())
        .map(|argument| argument.clone().hide_short_help(true).hide_long_help(true))
        .collect();
    for subcommand in command.get_subcommands_mut() {
        explain_elsewhere(subcommand, &common);
    }
    command
}

fn explain_elsewhere(command: &mut clap::Command, common: &[clap::Arg]) {
    *command = std::mem::take(command).args(common);
    for subcommand in command.get_subcommands_mut() {
        explain_elsewhere(subcommand, common);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        command().debug_assert();
    }
}
