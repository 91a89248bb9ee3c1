//! What the help says beside commands and options. Exit codes, JSON and settings are the same for all commands, and have a
//! topic each: `cdi help exit-codes`.

use std::path::Path;

/// The help of a topic is its text alone.
pub(crate) const TOPIC: &str = "{about}";

pub(crate) const OVERVIEW: &str = "\
Help topics:
  cdi help exit-codes    what each exit code means
  cdi help json          what --json prints, and --jq
  cdi help environment   environment variables, profiles, configuration file

Get started:
  export CDI_URL=https://rest.iad-03.braze.com CDI_API_KEY=...
  cdi auth status
  cdi list
  cdi trigger Users --wait";

// Lines that are not paragraphs fit 80 columns; paragraphs are one line each, which clap wraps as the terminal needs it.

macro_rules! more {
    () => {
        "\
All exit codes: cdi help exit-codes
Options for all commands, such as --json and --profile: cdi --help"
    };
}

macro_rules! exit_codes {
    () => {
        "\
Exit codes:
  0    success; with --wait or --follow: the sync succeeded
  1    the sync failed, or some of its rows did
  2    usage error: in the command line, the configuration, or a name or ID
  3    not allowed: the API key is not valid or lacks the permission
  4    there is no such integration, or no sync of it to follow
  5    another sync of the integration is running
  6    too many requests
  7    timeout
  8    server or network error, or output that cannot be written
  130  interrupted by Ctrl-C while waiting; the sync continues"
    };
}

/// After the short help of a command.
pub(crate) const MORE: &str = concat!("Examples: --help\n", more!());

pub(crate) const TRIGGER: &str = concat!(
    "\
Examples:
  cdi trigger Users                           start a sync
  cdi trigger Users --wait --timeout 30m      wait until it has ended, or fail
  cdi trigger Users --wait --if-running wait  wait for a running sync first
  cdi trigger Users --if-running ignore -q    in cron: skip if already running

Exit codes: 0 success, 1 failed, 5 already running, 7 timeout
",
    more!()
);

pub(crate) const LIST: &str = concat!(
    "\
Examples:
  cdi list
  cdi list --jq '.integrations[].integration_name'

",
    more!()
);

pub(crate) const STATUS: &str = concat!(
    "\
Examples:
  cdi status Users                the 10 newest syncs
  cdi status 6f1e24a8 --limit 1   by the beginning of the ID
  cdi status Users --follow       wait until the newest sync has ended

Exit codes with --follow: 0 success, 1 failed, 7 timeout
",
    more!()
);

pub(crate) const AUTH: &str = concat!(
    "\
Examples:
  cdi auth status
  cdi auth status --profile staging
  cdi auth status --json

Exit codes: 0 the key works, 2 no URL or key, 3 the server refuses the key
",
    more!()
);

pub(crate) const COMPLETION: &str = "\
The script completes commands, options and the names of integrations.

Examples:
  source <(cdi completion bash)      in bash; to keep it, in ~/.bashrc
  source <(cdi completion zsh)       in zsh; to keep it, in ~/.zshrc after compinit
  cdi completion fish | source       in fish; to keep it, in ~/.config/fish/config.fish

`source <(...)` works in bash and zsh only, not in sh.";

pub(crate) const MAN: &str = "\
Example:
  mkdir -p ~/.local/share/man/man1 && cdi man ~/.local/share/man/man1 && man cdi";

pub(crate) const EXIT_CODES: &str = exit_codes!();

pub(crate) const JSON: &str = "\
JSON: with --json each line of standard output is one object
  list              {\"integrations\": [...]}
  status            {\"integration_id\": \"...\", \"jobs\": [...]}
  status --follow   {\"integration_id\": \"...\", \"job\": {...}}, after each change
  trigger           {\"integration_id\": \"...\", \"triggered\": true}
  trigger --wait    {\"integration_id\": \"...\", \"triggered\": true, \"job\": {...}}
  auth status       {\"url\": \"...\", \"key_from\": \"...\", \"permissions\": {...}, ...}
  any error         {\"error\": {\"kind\": \"...\", \"message\": \"...\", ...}}

Integrations and jobs have the fields of the API. Times are in UTC with six digits after the point: \
2026-11-23T20:43:04.000123Z. If --if-running ignore finds a running sync, triggered is false and there is no job. A \
permission is true, false, or null if it was not checked.

Errors have kind, message and exit_code, and, if known, status, help, retry_after (in seconds), request_id, integration_id, job (as last seen), and \
may_have_taken_effect (whether a sync may have been triggered in spite of the error).

--jq EXPRESSION implies --json and prints what the expression selects, one result a line, strings without quotes. Errors \
are then on standard error only. The language is that of jq; modules cannot be used.
  cdi list --jq '.integrations[].integration_name'
  cdi list --jq '.integrations[] | select(.last_job_status == \"error\")'
  cdi status Users --limit 1 --jq '.jobs[0].rows_synced'";

pub(crate) const ENVIRONMENT: &str = "\
URL and API key, highest precedence first:
  1. the options --url and --profile
  2. the environment variables CDI_URL, CDI_API_KEY and CDI_PROFILE
  3. the profile `default` of the configuration file

`cdi auth status` shows which are used. There is no option for the API key, because other users of the machine can see \
the options of a process.

The configuration file is the one that --config or CDI_CONFIG names. Otherwise it is cdi/config.toml in $XDG_CONFIG_HOME \
or ~/.config, and on Windows %APPDATA%\\cdi\\config.toml:

  [profiles.default]
  url = \"https://rest.iad-03.braze.com\"  # or the name of an instance: \"iad-03\"
  api_key = { env = \"BRAZE_API_KEY\" }    # or { file = \"braze.key\" }

A relative path of a key file begins at the configuration file. The key of a profile is only sent to the URL of the same \
profile.

Certificates: SSL_CERT_FILE=ca.pem trusts the certificates in this PEM file, and only those, such as one of a private \
authority or a self-signed one of the server. On Windows and macOS, add them to those that the system trusts.

Colours: NO_COLOR=1, CLICOLOR=0 and TERM=dumb turn them off, CLICOLOR_FORCE=1 turns them on everywhere, and --color \
overrides them all.

Cache: names and IDs of integrations are kept in cdi in $XDG_CACHE_HOME or ~/.cache, and on Windows in \
%LOCALAPPDATA%\\cdi. `cdi status NAME` and completion use them for up to 5 minutes. `cdi trigger NAME` and `cdi status NAME \
--follow` always ask the server, so that they cannot mean an integration that has been renamed. The files hold no API key \
and can be deleted at any time; cdi itself deletes those that are older than a day.";

/// Writes the man pages. Each is complete: what the help refers to is written out.
pub(crate) fn man_pages(command: clap::Command, folder: &Path) -> std::io::Result<()> {
    let mut command = command.after_long_help([OVERVIEW, EXIT_CODES, JSON, ENVIRONMENT].join("\n\n"));
    for subcommand in command.get_subcommands_mut() {
        complete(subcommand);
    }
    clap_mangen::generate_to(command, folder)
}

fn complete(command: &mut clap::Command) {
    let help = command.get_after_long_help().or(command.get_after_help()).map(ToString::to_string).unwrap_or_default();
    let examples = help.trim_end_matches(more!());
    let text = format!("{examples}\n{EXIT_CODES}");
    *command = std::mem::take(command).after_long_help(text);
    for subcommand in command.get_subcommands_mut() {
        complete(subcommand);
    }
}
