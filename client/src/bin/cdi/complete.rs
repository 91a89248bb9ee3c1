//! What shells complete. Commands and options come from the command line's definition, names of integrations from the
//! cache or the server, and names of profiles from the configuration file. Failures are silent: nothing is completed.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use clap::{Command, CommandFactory as _, FromArgMatches as _};
use clap_complete::CompleteEnv;
use clap_complete::engine::{CompletionCandidate, complete};
use clap_complete::env::{self, EnvCompleter, Shells};

use crate::args::{Cli, Common};
use crate::cache::{Cache, Known, LIFETIME};
use crate::names;
use crate::profile;
use crate::settings::Settings;
use crate::table::printable;

/// The scripts call `cdi` with this variable set to the name of the shell.
const VARIABLE: &str = "_CDI_COMPLETE";
/// Longer than this the server is not waited for.
const PATIENCE: Duration = Duration::from_secs(1);
const SHELLS: Shells<'static> = Shells(&[&Bash, &env::Elvish, &env::Fish, &env::Powershell, &env::Zsh]);

/// Answers a completion script and ends the process, if one has called it.
pub(crate) fn answer() {
    CompleteEnv::with_factory(Cli::command).var(VARIABLE).bin("cdi").shells(SHELLS).complete();
}

/// The script that makes a shell ask.
pub(crate) fn script(shell: clap_complete::Shell) -> io::Result<Vec<u8>> {
    let mut script = Vec::new();
    let called = std::env::args_os().next().unwrap_or_default();
    // One that was called by its path may not be on the PATH.
    let program = match Path::new(&called).components().count() {
        0 | 1 => "cdi".into(),
        _ => std::env::current_exe()?.to_string_lossy().into_owned(),
    };
    let completer = SHELLS.completer(&shell.to_string()).ok_or(io::ErrorKind::Unsupported)?;
    completer.write_registration(VARIABLE, "cdi", "cdi", &program, &mut script)?;
    Ok(script)
}

/// Names of integrations, and IDs if the beginning of one is written.
pub(crate) fn integrations(current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else {
        return Vec::new();
    };
    let known = known().unwrap_or_default();
    let unique = |name: &str| known.iter().filter(|one| one.name == name).count() == 1;
    let by_name = known.iter().filter(|one| {
        // What cannot be written, or would be taken for an option, is left to its ID.
        one.name.starts_with(current) && unique(&one.name) && writable(&one.name)
    });
    let by_name = by_name.map(|one| CompletionCandidate::new(&one.name));
    let lower = current.to_ascii_lowercase();
    let by_id = known.iter().filter(|one| {
        let starts = one.id.to_string().starts_with(&lower);
        starts && (names::is_prefix(current) || !unique(&one.name) || !writable(&one.name))
    });
    let by_id = by_id.map(|one| CompletionCandidate::new(one.id.to_string()).help(Some(printable(&one.name).into())));
    by_name.chain(by_id).collect()
}

fn writable(name: &str) -> bool {
    !name.starts_with('-') && printable(name) == name
}

/// Names of profiles.
pub(crate) fn profiles() -> Vec<CompletionCandidate> {
    profile::names(&common()).into_iter().map(CompletionCandidate::new).collect()
}

/// The options of the command line that is being completed.
fn common() -> Common {
    let words = std::env::args_os().skip_while(|word| word != "--").skip(1);
    let matches = Cli::command().ignore_errors(true).try_get_matches_from(words);
    let mut common = matches.ok().and_then(|matches| Common::from_arg_matches(&matches).ok()).unwrap_or_default();
    // No warnings.
    common.quiet = true;
    common
}

/// The integrations: from the cache, from the server if it answers soon, or else from an older cache.
fn known() -> Option<Vec<Known>> {
    let settings = Settings::new(&common()).ok()?;
    settings.cache.read(LIFETIME).or_else(|| list(&settings)).or_else(|| settings.cache.read(Duration::MAX))
}

fn list(settings: &Settings) -> Option<Vec<Known>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let listed = runtime.block_on(async {
        let all = settings.client.list_integrations().all();
        tokio::time::timeout(PATIENCE, all).await
    });
    Some(remember(&settings.cache, &listed.ok()?.ok()?))
}

/// Caches what was listed.
pub(crate) fn remember(cache: &Cache, listed: &[cdi_client::Integration]) -> Vec<Known> {
    let known: Vec<_> =
        listed.iter().map(|one| Known { id: one.integration_id, name: one.integration_name.clone() }).collect();
    cache.write(&known);
    known
}

/// Bash inserts what it is given as it is, so that blanks and the like have to be escaped here. How depends on whether the
/// word begins with a quote, which bash takes off the word: the script passes it on.
struct Bash;

/// The variable with the word as it was typed.
const TYPED: &str = "_CDI_TYPED";
/// The line of the script before which that is set.
const SET_BEFORE: &str = "        _CLAP_IFS=";

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        env::Bash.name()
    }

    fn is(&self, name: &str) -> bool {
        env::Bash.is(name)
    }

    fn write_registration(
        &self,
        variable: &str,
        name: &str,
        bin: &str,
        completer: &str,
        script: &mut dyn Write,
    ) -> io::Result<()> {
        let mut text = Vec::new();
        env::Bash.write_registration(variable, name, bin, completer, &mut text)?;
        let text = String::from_utf8_lossy(&text);
        let typed = format!("        {TYPED}=\"${{COMP_WORDS[COMP_CWORD]}}\" \\\n{SET_BEFORE}");
        script.write_all(text.replacen(SET_BEFORE, &typed, 1).as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut Command,
        mut words: Vec<OsString>,
        folder: Option<&Path>,
        output: &mut dyn Write,
    ) -> io::Result<()> {
        let index = std::env::var("_CLAP_COMPLETE_INDEX").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        let separator = std::env::var("_CLAP_IFS").unwrap_or_else(|_| "\n".into());
        let quote = std::env::var(TYPED).ok().and_then(|typed| typed.chars().next());
        if !matches!(quote, Some('"' | '\''))
            && let Some(word) = words.get_mut(index)
        {
            *word = unescaped(&word.to_string_lossy()).into();
        }
        let candidates = complete(command, words, index, folder)?;
        let values = candidates.iter().map(|candidate| escaped(&candidate.get_value().to_string_lossy(), quote));
        write!(output, "{}", values.collect::<Vec<_>>().join(&separator))
    }
}

/// A text as bash reads it in a word that begins with this character.
fn escaped(text: &str, first: Option<char>) -> String {
    let needs_escape = |character: char| match first {
        // Nothing can be escaped.
        Some('\'') => false,
        Some('"') => "\\\"$`".contains(character),
        _ => !character.is_alphanumeric() && !"-_./:=,@%+".contains(character),
    };
    let escape = |character| needs_escape(character).then_some('\\').into_iter().chain([character]);
    text.chars().flat_map(escape).collect()
}

/// What bash makes of a word without quotes.
fn unescaped(text: &str) -> String {
    let mut characters = text.chars();
    std::iter::from_fn(|| match characters.next() {
        Some('\\') => characters.next(),
        character => character,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_escaped_as_the_quotes_need_it() {
        let name = "it's $5 \"a\"";
        assert_eq!(escaped(name, Some('i')), r#"it\'s\ \$5\ \"a\""#);
        assert_eq!(escaped(name, Some('"')), r#"it's \$5 \"a\""#);
        assert_eq!(escaped("Orders of", Some('\'')), "Orders of");
        assert_eq!(escaped("--if-running", None), "--if-running");
        assert_eq!(unescaped(&escaped(name, None)), name);
    }

    #[test]
    fn the_script_for_bash_passes_on_the_word_as_it_was_typed() {
        let mut script = Vec::new();
        Bash.write_registration(VARIABLE, "cdi", "cdi", "cdi", &mut script).unwrap();
        assert!(String::from_utf8(script).unwrap().contains("_CDI_TYPED=\"${COMP_WORDS[COMP_CWORD]}\" \\\n"));
    }
}
