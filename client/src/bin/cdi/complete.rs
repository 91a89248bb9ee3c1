//! What shells complete. Commands and options come from the command line's definition, names of integrations from the
//! cache or the server, and names of profiles from the configuration file. Failures are silent: nothing is completed.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use clap::{Command, CommandFactory as _, FromArgMatches as _};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{self, EnvCompleter as _, Shells};

use crate::args::{Cli, Common};
use crate::bash::Bash;
use crate::cache::{Known, LIFETIME};
use crate::names;
use crate::profile;
use crate::retries::Retries;
use crate::settings::Settings;
use crate::table::printable;

/// The scripts call `cdi` with this variable set to the name of the shell.
const VARIABLE: &str = "_CDI_COMPLETE";
/// The shell that asks.
static SHELL: OnceLock<OsString> = OnceLock::new();
/// The longest wait for the server.
const PATIENCE: Duration = Duration::from_secs(1);
const SHELLS: Shells<'static> = Shells(&[&Bash, &env::Elvish, &env::Fish, &env::Powershell, &env::Zsh]);

/// Answers a completion script and ends the process, if one has called it.
pub(crate) fn answer() {
    if let Some(shell) = std::env::var_os(VARIABLE) {
        // The variable is removed before the names are asked for.
        let _ = SHELL.set(shell);
    }
    CompleteEnv::with_factory(command).var(VARIABLE).bin("cdi").shells(SHELLS).complete();
}

/// The command line, with what completes the values of its arguments.
fn command() -> Command {
    let integration = |command: Command| {
        command.mut_arg("integration", |argument| argument.add(ArgValueCompleter::new(integrations)))
    };
    Cli::command()
        .mut_arg("profile", |argument| argument.add(ArgValueCandidates::new(profiles)))
        .mut_subcommand("trigger", integration)
        .mut_subcommand("status", integration)
}

/// The script that a shell runs to use the completion.
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
    let quotes = shell_quotes();
    let unique = |name: &str| known.iter().filter(|one| one.name == name).count() == 1;
    // What cannot be written, or would be taken for an option, is left to its ID.
    let usable = |name: &str| unique(name) && writable(name) && (quotes || is_plain(name));
    let by_name = known.iter().filter(|one| one.name.starts_with(current) && usable(&one.name));
    let by_name = by_name.map(|one| CompletionCandidate::new(&one.name));
    let lower = current.to_ascii_lowercase();
    let by_id = known.iter().filter(|one| {
        let usable = usable(&one.name);
        let begins = one.id.to_string().starts_with(&lower) && (names::is_prefix(current) || !usable);
        // A shell that does not quote replaces the beginning of the name by the ID.
        begins || (!quotes && !usable && one.name.starts_with(current))
    });
    let by_id = by_id.map(|one| CompletionCandidate::new(one.id.to_string()).help(Some(printable(&one.name).into())));
    by_name.chain(by_id).collect()
}

fn writable(name: &str) -> bool {
    !name.starts_with('-') && printable(name) == name
}

/// Whether the shell reads what it is given as one word. PowerShell alone inserts it as it is, so that a name with blanks
/// would be several words, and one with `$(...)` would be run. `bash.rs` quotes for bash; the others quote by themselves.
fn shell_quotes() -> bool {
    !SHELL.get().is_some_and(|shell| env::Powershell.is(&shell.to_string_lossy()))
}

/// Whether a name is one word in PowerShell, and nothing else.
fn is_plain(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    name.bytes().all(is_plain) && name.starts_with(|first: char| first.is_ascii_alphanumeric())
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
    let settings = Settings::new(&common(), &Retries::new(false)).ok()?;
    settings.cache.read(LIFETIME).or_else(|| list(&settings)).or_else(|| settings.cache.read(Duration::MAX))
}

fn list(settings: &Settings) -> Option<Vec<Known>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let listed = runtime.block_on(async {
        let all = settings.client.list_integrations().all();
        tokio::time::timeout(PATIENCE, all).await
    });
    Some(settings.cache.remember(&listed.ok()?.ok()?))
}
