//! Tips for commands and options that other programs have, or that belong to `cdi-server`.

use clap::error::{ContextKind, ContextValue, Error};

/// The command that they were written after (empty for any), the wrong words, and the tip; the first that fits is used.
/// Without words: any word that does not look like an option.
type Hint = (&'static str, &'static [&'static str], &'static str);

const HINTS: &[Hint] = &[
    (
        "",
        &["check"],
        "`cdi auth status` checks the URL and the key; `cdi-server check` checks a server's configuration",
    ),
    (
        "",
        &["cancel", "demo", "init", "key", "openapi", "preview", "row-errors", "serve", "watermark"],
        "that is a command of `cdi-server`, which runs on the server",
    ),
    ("", &["run", "start", "sync"], "`cdi trigger` starts a sync"),
    ("", &["follow", "wait", "watch"], "`cdi status NAME --follow` follows the newest sync"),
    ("", &["integrations", "ls"], "`cdi list` lists the integrations"),
    ("", &["login", "config", "configure"], "`cdi help environment` shows how to set the URL and the key"),
    ("trigger", &["--follow", "--watch", "-f", "-w"], "`--wait` follows the sync until it has ended"),
    (
        "trigger",
        &["--all", "-a"],
        "one integration at a time; `cdi list --jq '.integrations[].integration_id'` prints the IDs of all",
    ),
    ("trigger", &[], "one integration at a time; a name with spaces needs quotes: cdi trigger 'All users'"),
    ("status", &[], "one integration at a time; a name with spaces needs quotes: cdi status 'All users'"),
    ("status", &["--wait", "--watch", "-f", "-w"], "`--follow` waits until the sync has ended"),
    ("status", &["--rows", "--count", "-n"], "`--limit COUNT` sets how many syncs are listed"),
    (
        "",
        &["--key", "--api-key", "--token"],
        "there is no option for the API key: set CDI_API_KEY, or see `cdi help environment`",
    ),
    ("", &["--format", "--output", "-o"], "`--json` prints JSON"),
    ("", &["<INTEGRATION>"], "`cdi list` lists the integrations"),
];

/// Shells without a completion script. clap would suggest one with a similar name.
const OTHER_SHELLS: &[&str] = &["ash", "csh", "dash", "ksh", "nu", "nushell", "sh", "tcsh"];

/// The error with a tip, if it is known what may have been meant. Tips of clap that do not help are removed.
pub(crate) fn with_hint(mut error: Error, arguments: &[String]) -> Error {
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
            && (command.is_empty()
                || arguments.iter().any(|argument| argument == command || (*command == "status" && argument == "jobs")))
    };
    use clap::error::ErrorKind::{
        InvalidSubcommand, InvalidValue, MissingRequiredArgument, MissingSubcommand, UnknownArgument,
    };
    if error.kind() == InvalidValue
        && matches!(error.get(ContextKind::InvalidValue), Some(ContextValue::String(value)) if OTHER_SHELLS.contains(&value.as_str()))
    {
        error.remove(ContextKind::SuggestedValue);
    }
    if error.kind() == MissingSubcommand
        && let Some(tip) = command_as_value(&error, arguments)
    {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        return error;
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

/// What happened to the command in `cdi --url list`.
fn command_as_value(error: &Error, arguments: &[String]) -> Option<String> {
    let Some(ContextValue::Strings(commands)) = error.get(ContextKind::ValidSubcommand) else { return None };
    let (option, command) = arguments
        .iter()
        .zip(arguments.iter().skip(1))
        .find(|(option, word)| option.starts_with("--") && commands.contains(word))?;
    Some(format!("`{option}` took `{command}` as its value; write its own value in front of the command"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(arguments: &[&str]) -> String {
        let arguments: Vec<String> = ["cdi"].iter().chain(arguments).map(|word| (*word).to_owned()).collect();
        let error = crate::args::command().try_get_matches_from(&arguments).unwrap_err();
        with_hint(error, &arguments).to_string()
    }

    #[test]
    fn every_tip_is_for_words_that_are_no_command_or_option() {
        for (command, words, hint) in HINTS {
            for word in if words.is_empty() { &["Orders"] } else { *words } {
                if words.is_empty() {
                    let message = message(&[command, "Users", word]);
                    assert!(message.contains(&format!("tip: {hint}\n")), "{message}");
                    continue;
                }
                let place = match (*command, word.starts_with('-')) {
                    ("", true) => "trigger",
                    (command, _) => command,
                };
                let word = if *word == "<INTEGRATION>" { "status" } else { word };
                let arguments: Vec<_> = [place, word].into_iter().filter(|word| !word.is_empty()).collect();
                let message = message(&arguments);
                assert!(message.contains(&format!("tip: {hint}\n")), "{arguments:?}: {message}");
                assert_eq!(message.matches("tip: ").count(), 1, "{message}");
            }
        }
    }

    #[test]
    fn the_alias_of_a_command_has_its_tips() {
        assert!(message(&["jobs", "Users", "--watch"]).contains("tip: `--follow` waits until the sync has ended"));
    }

    #[test]
    fn a_command_that_was_taken_as_a_value_is_named() {
        let took = |option: &str| format!("tip: `{option}` took `list` as its value;");
        for option in ["--url", "--profile", "--config"] {
            assert!(message(&[option, "list"]).contains(&took(option)), "{}", message(&[option, "list"]));
        }
        assert!(!message(&["--url", "iad-03"]).contains("tip:"));
    }

    #[test]
    fn another_shell_is_not_suggested_in_place_of_a_known_one() {
        assert!(message(&["completion", "bsh"]).contains("tip: a similar value exists: 'bash'"));
        let message = message(&["completion", "tcsh"]);
        assert!(message.contains("[possible values: bash, ") && !message.contains("tip:"), "{message}");
    }

    #[test]
    fn a_tip_of_clap_stays_if_it_helps() {
        assert!(message(&["triger", "Users"]).contains("a similar subcommand exists: 'trigger'"));
        assert!(message(&["status", "Users", "--folow"]).contains("a similar argument exists: '--follow'"));
        let message = message(&["status", "Users", "--nothing-like-this"]);
        assert!(!message.contains("tip:"), "{message}");
    }
}
