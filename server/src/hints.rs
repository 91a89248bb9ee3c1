//! Tips for commands and options that other programs have, or that belong to `cdi`.

use clap::error::{ContextKind, ContextValue, Error};

/// The command that they were written after (empty for any), the wrong words, and the tip; the first that fits is used.
/// Without words: any word that does not look like an option.
type Hint = (&'static str, &'static [&'static str], &'static str);

const TRIGGER: &str =
    "`cdi trigger NAME` triggers a sync, and over HTTP: POST /cdi/integrations/ID/sync with an API key";
const KEYS: &str =
    "API keys are in opencdi.toml; `revoked = true` in the [[keys]] of one revokes it when `serve` is restarted";

const HINTS: &[Hint] = &[
    (
        "init",
        &["--config", "--force", "--overwrite", "-c", "-f"],
        "`init` never overwrites a file: remove it first, or name another, as in cdi-server init other.toml",
    ),
    ("key", &["delete", "list", "ls", "remove", "revoke", "rm", "show"], KEYS),
    ("key", &["add", "create"], "`cdi-server key new` creates an API key"),
    (
        "serve",
        &["--addr", "--address", "--bind", "--host", "--listen", "--port", "-p"],
        "the address and the port are `listen` in [server] of opencdi.toml",
    ),
    (
        "serve",
        &["--daemon", "--daemonize", "--detach", "--background", "-d"],
        "`serve` stays in the foreground; systemd, a container or `nohup cdi-server serve &` runs it in the background",
    ),
    (
        "serve",
        &["--debug", "--log-level", "--quiet", "--verbose", "-q", "-v"],
        "RUST_LOG sets what is logged, such as RUST_LOG=cdi_server=debug",
    ),
    ("serve", &[], "`serve` runs all integrations of opencdi.toml"),
    (
        "check",
        &[],
        "`check` tests everything in opencdi.toml; `cdi-server preview NAME` shows what the next sync of one \
         integration would send",
    ),
    ("watermark", &["keep", "reset", "set"], "the options are --set TIME, --reset and --keep"),
    ("watermark", &["--get", "--show", "get", "show"], "without an option the watermark is shown"),
    ("preview", &["--count", "--limit", "-l", "-n"], "`--rows COUNT` sets how many rows are shown"),
    ("jobs", &["--follow", "--watch", "-f", "-w"], "`cdi status NAME --follow` follows a sync"),
    (
        "jobs",
        &["<INTEGRATION>"],
        "`--limit` is only for the jobs of one integration: cdi-server jobs NAME --limit COUNT",
    ),
    (
        "notify",
        &["--test", "check", "send", "try"],
        "`cdi-server notify test` sends a test message; `cdi-server check` tries receivers without one",
    ),
    ("", &["revoke"], KEYS),
    ("", &["keys"], "`cdi-server key new` creates an API key"),
    ("", &["trigger", "sync"], TRIGGER),
    (
        "",
        &["history", "integrations", "list", "ls", "status"],
        "`cdi-server jobs` shows each integration with its newest job, `cdi-server jobs NAME` the jobs of one",
    ),
    ("", &["run", "start", "up", "worker"], "`cdi-server serve` runs the service"),
    ("", &["doctor", "test", "validate"], "`cdi-server check` tests everything in opencdi.toml"),
    ("", &["migrate", "upgrade"], "`cdi-server serve` creates the store, and upgrades it, when it starts"),
    ("", &["backfill", "reset", "resync"], "`cdi-server watermark NAME --reset` makes the next sync take every row"),
    ("", &["auth", "exit-codes", "man"], "that is a command of `cdi`"),
    (
        "",
        &["kill", "reload", "restart", "stop"],
        "SIGTERM or Ctrl-C stops `serve`; start it again after a change of opencdi.toml",
    ),
    ("", &["log", "logs"], "`serve` logs to standard error; `cdi-server jobs` shows how syncs have ended, and why"),
    (
        "",
        &["config", "configure", "settings"],
        "the configuration is opencdi.toml: `cdi-server init` writes one, and `cdi-server check` tests it",
    ),
    ("", &["version"], "`cdi-server --version` prints the version"),
    (
        "",
        &["cron", "schedule", "scheduler"],
        "`schedule` in [[integrations]] of opencdi.toml is when an integration is synced",
    ),
    ("", &["<INTEGRATION>"], "`cdi-server jobs` lists the integrations"),
    ("", &["--json", "--output", "-o"], "where the output has several forms, `--format` chooses one"),
    ("", &["--file", "-c", "-f"], "`--config FILE` names the configuration file"),
];

/// Shells without a completion script. clap would suggest one with a similar name.
const OTHER_SHELLS: &[&str] = &["ash", "csh", "dash", "ksh", "nu", "nushell", "sh", "tcsh"];

/// The error with a tip, if it is known what may have been meant. Tips of clap that do not help are removed.
pub fn with_hint(mut error: Error, arguments: &[String]) -> Error {
    let wrong: Vec<_> = [ContextKind::InvalidSubcommand, ContextKind::InvalidArg]
        .into_iter()
        .filter_map(|kind| match error.get(kind)? {
            ContextValue::String(word) => Some(vec![word.clone()]),
            ContextValue::Strings(words) => Some(words.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    let is_meant = |(command, words, _): &&Hint| {
        let is_word = |wrong: &String| match words.is_empty() {
            true => !wrong.starts_with(['-', '<']),
            false => words.contains(&wrong.as_str()),
        };
        wrong.iter().any(is_word)
            && (command.is_empty() || arguments.get(1).is_some_and(|argument| argument == command))
    };
    use clap::error::ErrorKind::{InvalidSubcommand, InvalidValue, MissingRequiredArgument, UnknownArgument};
    if error.kind() == InvalidValue
        && matches!(error.get(ContextKind::InvalidValue), Some(ContextValue::String(value)) if OTHER_SHELLS.contains(&value.as_str()))
    {
        error.remove(ContextKind::SuggestedValue);
    }
    let is_known = matches!(error.kind(), InvalidSubcommand | MissingRequiredArgument | UnknownArgument);
    if let Some((_, _, hint)) = HINTS.iter().find(is_meant).filter(|_| is_known) {
        if error.kind() != MissingRequiredArgument {
            // The usage would be that of the argument that clap suggests.
            for kind in [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::Usage] {
                error.remove(kind);
            }
        }
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![(*hint).into()]));
    } else if let Some(ContextValue::StyledStrs(mut tips)) = error.remove(ContextKind::Suggested) {
        // "to pass '--limit' as a value, use '-- --limit'": nobody means that.
        tips.retain(|tip| !tip.to_string().contains(" as a value, use "));
        if !tips.is_empty() {
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
        }
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn message(arguments: &[&str]) -> String {
        let arguments: Vec<String> = ["cdi-server"].iter().chain(arguments).map(|word| (*word).to_owned()).collect();
        let error = crate::Cli::command().try_get_matches_from(&arguments).unwrap_err();
        with_hint(error, &arguments).to_string()
    }

    #[test]
    fn every_tip_is_for_words_that_are_no_command_or_option() {
        for (command, words, hint) in HINTS {
            for word in if words.is_empty() { &["Users"] } else { *words } {
                let arguments = match (*command, *word) {
                    ("jobs", "<INTEGRATION>") => vec!["jobs", "--limit", "3"],
                    (_, "<INTEGRATION>") => vec!["preview"],
                    ("watermark", word) => vec!["watermark", "Users", word],
                    ("", word) if word.starts_with('-') => vec!["preview", "Users", word],
                    ("", word) => vec![word],
                    (command, word) => vec![command, word],
                };
                let message = message(&arguments);
                assert!(message.contains(&format!("tip: {hint}\n")), "{arguments:?}: {message}");
                assert_eq!(message.matches("tip: ").count(), 1, "{message}");
            }
        }
    }

    #[test]
    fn another_shell_is_not_suggested_in_place_of_a_known_one() {
        assert!(message(&["completion", "bsh"]).contains("tip: a similar value exists: 'bash'"));
        let message = message(&["completion", "tcsh"]);
        assert!(message.contains("[possible values: bash, ") && !message.contains("tip:"), "{message}");
    }

    #[test]
    fn a_tip_of_clap_stays_if_it_helps() {
        assert!(message(&["chek"]).contains("a similar subcommand exists: 'check'"));
        assert!(message(&["preview", "Users", "--row", "3"]).contains("a similar argument exists: '--rows'"));
        for arguments in [&["check", "--limit", "3"][..], &["preview", "Users", "more"], &["init", "a", "b"]] {
            assert!(!message(arguments).contains("tip:"), "{}", message(arguments));
        }
    }

    #[test]
    fn a_negative_number_is_a_wrong_value_and_no_option() {
        for (arguments, expected) in [
            (&["demo", "--rows", "-5"][..], "'--rows <ROWS>': write a whole number from 1 to 1000000"),
            (&["demo", "--rows", "abc"], "'--rows <ROWS>': write a whole number from 1 to 1000000"),
            (&["preview", "Users", "--rows", "0"], "'--rows <ROWS>': write a whole number from 1 to 1000000"),
            (&["preview", "Users", "--rows", "-1"], "'--rows <ROWS>': write a whole number from 1 to 1000000"),
            (&["jobs", "Users", "--limit", "-1"], "'--limit <COUNT>': write a whole number from 1 to 100000"),
            (&["watermark", "Users", "--set", "-1d"], "'--set <TIME>': write a date, a time and its offset, such as"),
        ] {
            assert!(message(arguments).contains(expected), "{}", message(arguments));
        }
    }
}
