//! The command line as people write it. Its help is the reference of the exit codes.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use uuid::Uuid;

const AFTER_HELP: &str = "\
Environment:
  CDI_URL      Where the server is, unless --url says so
  CDI_API_KEY  The API key. There is no option for it: others can read the options of a process

Exit codes:
  0  done; with --wait or --follow: the sync succeeded
  1  the sync failed, or some of its rows did
  2  the command line, the URL, the API key or an ID is written wrongly
  3  not allowed: the API key is not valid or lacks the permission
  4  there is no such integration
  5  another sync of the integration is in progress
  6  too many requests
  7  out of time
  8  the server or the network is in trouble

With --json standard output holds JSON only, `{\"error\": {...}}` where there is no result.

Examples:
  export CDI_URL=https://rest.iad-03.braze.com CDI_API_KEY=...
  cdi list
  cdi trigger 00000000-0000-0000-0000-000000000000
  cdi trigger 00000000-0000-0000-0000-000000000000 --wait --timeout 30m
  cdi status 00000000-0000-0000-0000-000000000000 --follow
  cdi list --json | jq -r '.[] | select(.last_job_status == \"error\") | .integration_id'";

/// Triggers and follows the syncs of Cloud Data Ingestion, on OpenCDI or on Braze
#[derive(Debug, Parser)]
#[command(name = "cdi", version, about, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Common {
    #[arg(
        long,
        help = "Where the server is, such as https://rest.iad-03.braze.com",
        value_name = "URL",
        env = "CDI_URL",
        global = true
    )]
    pub(crate) url: Option<String>,
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Trigger a sync
    ///
    /// Returns as soon as the server has accepted it, or with --wait when the sync has ended.
    Trigger(Trigger),
    /// List the integrations of the workspace
    List,
    /// List the syncs of an integration, newest first
    Status(Status),
}

#[derive(Debug, Args)]
pub(crate) struct Trigger {
    /// The integration's ID, as `cdi list` prints it
    #[arg(value_parser = integration_id)]
    pub(crate) integration_id: Uuid,
    /// Wait until the sync has ended; the exit code says how
    #[arg(long)]
    pub(crate) wait: bool,
    /// How long to wait, such as 90s, 30m or 2h
    #[arg(long, value_name = "TIME", default_value = "1h", requires = "wait", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Duration,
    /// Count a sync as done although some of its rows failed
    #[arg(long, requires = "wait")]
    pub(crate) allow_partial: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The integration's ID, as `cdi list` prints it
    #[arg(value_parser = integration_id)]
    pub(crate) integration_id: Uuid,
    /// How many syncs to list
    #[arg(long, value_name = "COUNT", default_value_t = 10, conflicts_with = "follow")]
    pub(crate) limit: usize,
    /// Follow the newest sync until it has ended; the exit code says how
    #[arg(long)]
    pub(crate) follow: bool,
    /// How long to follow it, such as 90s, 30m or 2h; without end unless given
    #[arg(long, value_name = "TIME", requires = "follow", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Option<Duration>,
}

/// The form that the contract demands, which is narrower than what the `uuid` crate reads.
fn integration_id(text: &str) -> Result<Uuid, String> {
    match text.parse() {
        Ok(id) if text.len() == 36 => Ok(id),
        _ => Err("an integration ID looks like 00000000-0000-0000-0000-000000000000".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn only_the_hyphenated_form_is_an_integration_id() {
        assert!(integration_id("00000000-0000-0000-0000-00000000000a").is_ok());
        assert!(integration_id("00000000-0000-0000-0000-00000000000A").is_ok());
        for wrong in [
            "",
            "0",
            "00000000000000000000000000000000",
            "{00000000-0000-0000-0000-000000000000}",
            "urn:uuid:00000000-0000-0000-0000-000000000000",
        ] {
            assert!(integration_id(wrong).is_err(), "{wrong}");
        }
    }
}
