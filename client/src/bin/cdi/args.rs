//! The command line as people write it. Its help is the reference of the exit codes and of the JSON.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

macro_rules! exit_codes {
    () => {
        "\
Exit codes:
  0    done; with --wait or --follow: the sync succeeded
  1    the sync failed, or some of its rows did
  2    the command line, the configuration, the API key or an ID is written wrongly
  3    not allowed: the API key is not valid or lacks the permission
  4    there is no such integration, or no sync of it to follow
  5    another sync of the integration is in progress
  6    too many requests
  7    out of time
  8    the server or the network is in trouble
  130  interrupted by Ctrl-C while waiting"
    };
}

const ABOUT_ALL: &str = concat!(
    "\
Settings, where the first that is there counts:
  1. the options --url and --profile
  2. the environment: CDI_URL, CDI_API_KEY, CDI_PROFILE
  3. the profile `default` of the configuration file
There is no option for the API key, because others can read the options of a process.
The configuration file is --config, CDI_CONFIG, or cdi/config.toml in $XDG_CONFIG_HOME or ~/.config:

  [profiles.default]
  url = \"https://rest.iad-03.braze.com\"     # or the name of a Braze instance: \"iad-03\"
  api_key = { env = \"BRAZE_API_KEY\" }       # or { file = \"braze.key\" }, relative to this file

The key of a profile is sent to the URL of the same profile only.

JSON: with --json each line of standard output is one object
  list                      {\"integrations\": [...]}
  status                    {\"integration_id\": \"...\", \"jobs\": [...]}
  status --follow           {\"integration_id\": \"...\", \"job\": {...}}, again whenever it has changed
  trigger                   {\"integration_id\": \"...\", \"triggered\": true}
  trigger --wait            {\"integration_id\": \"...\", \"triggered\": true, \"job\": {...}}
  whatever has no result    {\"error\": {\"kind\": \"...\", \"message\": \"...\", \"exit_code\": 8, ...}}
Integrations and jobs have the fields of the API. Times are in UTC and always have six digits after
the point: 2026-11-23T20:43:04.000123Z. An error also has, where they are known: status, help,
retry_after (in seconds), request_id, integration_id, job (as last seen), and may_have_taken_effect
(whether a sync may have been triggered all the same). Where --if-running ignore has found another
sync, triggered is false and there is no job.

",
    exit_codes!(),
    "

Examples:
  export CDI_URL=https://rest.iad-03.braze.com CDI_API_KEY=...
  cdi list
  cdi trigger Users
  cdi trigger 00000000-0000-0000-0000-000000000000 --wait --timeout 30m
  cdi status Users --follow
  cdi list --json | jq -r '.integrations[].integration_name'
  source <(cdi completion bash)"
);

/// Triggers and follows the syncs of Cloud Data Ingestion, on OpenCDI or on Braze
#[derive(Debug, Parser)]
#[command(name = "cdi", version, after_help = ABOUT_ALL)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Options for all commands")]
pub(crate) struct Common {
    /// Where the server is, such as http://127.0.0.1:8080, or a Braze instance such as iad-03
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) url: Option<String>,
    /// A profile of the configuration file
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) profile: Option<String>,
    /// The configuration file
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print nothing but errors; the exit code says the rest
    #[arg(long, short, global = true, conflicts_with = "json")]
    pub(crate) quiet: bool,
    /// When to use colours; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub(crate) color: Color,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Online(Online),
    /// Print a completion script for a shell
    #[command(after_help = "\
Examples:
  source <(cdi completion bash)      in ~/.bashrc
  source <(cdi completion zsh)       in ~/.zshrc, after compinit
  cdi completion fish | source       in ~/.config/fish/config.fish")]
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the man pages into a folder
    #[command(after_help = "\
Example:
  mkdir -p ~/.local/share/man/man1 && cdi man ~/.local/share/man/man1 && man cdi")]
    Man {
        /// The folder, which must exist
        folder: PathBuf,
    },
}

/// The commands that need a server.
#[derive(Debug, Subcommand)]
pub(crate) enum Online {
    /// Trigger a sync
    ///
    /// Returns as soon as the server has accepted it, or with --wait when the sync has ended.
    #[command(after_help = concat!(exit_codes!(), "

Examples:
  cdi trigger Users                                start a sync
  cdi trigger Users --wait --timeout 30m           fail unless it succeeds within half an hour
  cdi trigger Users --wait --if-running wait       after the one that is in progress
  cdi trigger Users --if-running ignore --quiet    from cron: one that is in progress will do"))]
    Trigger(Trigger),
    /// List the integrations of the workspace
    #[command(after_help = concat!(exit_codes!(), "

Examples:
  cdi list
  cdi list --json | jq -r '.integrations[].integration_id'"))]
    List,
    /// List the syncs of an integration, newest first
    #[command(after_help = concat!(exit_codes!(), "

Examples:
  cdi status Users                the ten newest syncs
  cdi status Users --limit 100
  cdi status Users --follow       wait for the newest to end"))]
    Status(Status),
}

#[derive(Debug, Args)]
pub(crate) struct Trigger {
    /// The integration's name or ID, as `cdi list` prints them
    #[arg(value_parser = named)]
    pub(crate) integration: String,
    /// Wait until the sync has ended; the exit code says how
    #[arg(long)]
    pub(crate) wait: bool,
    /// What to do when another sync of the integration is in progress
    #[arg(long, value_name = "WHAT", default_value = "fail")]
    pub(crate) if_running: IfRunning,
    /// How long to wait in all, such as 90s, 30m or 2h [default: 1h]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Option<Duration>,
    /// Count a sync as done although some of its rows failed
    #[arg(long, requires = "wait")]
    pub(crate) allow_partial: bool,
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
    /// The integration's name or ID, as `cdi list` prints them
    #[arg(value_parser = named)]
    pub(crate) integration: String,
    /// How many syncs to list [default: 10]
    #[arg(long, value_name = "COUNT", conflicts_with = "follow", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
    /// Follow the newest sync until it has ended; the exit code says how
    #[arg(long)]
    pub(crate) follow: bool,
    /// How long to follow it, such as 90s, 30m or 2h; without end unless given
    #[arg(long, value_name = "TIME", requires = "follow", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Option<Duration>,
}

fn named(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() { Err("give the integration's name or ID") } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
