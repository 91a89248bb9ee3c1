//! The help page, completion scripts and man pages.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;

use super::output::{print, shown};

/// The text below the help of the whole program. `program` is the command that users type before a subcommand.
pub fn program_help(program: &str) -> String {
    let examples = [
        ("check openapi.yaml", "is the contract sound?"),
        ("check openapi.yaml docs", "and do the pages in docs say the same?"),
        ("diff main openapi.yaml", "what breaks clients of main's contract?"),
        ("init openapi.yaml docs", "write apidrift.toml: from now on `check` is enough"),
        ("check --adopt 'old, see the wiki'", "allow what is found today, fail on what is new"),
        ("check --format junit > drift.xml", "for GitLab and Jenkins"),
        ("rules page/error-missing", "what a rule means"),
    ];
    format!(
        "Exit status: 0 nothing has drifted, 1 something has, 2 something could not be checked, or a usage error.\n\n\
         Examples:\n{}\n  source <({program} completions bash)",
        shown(program, &examples)
    )
}

/// The text below the help of `completions`.
pub fn completions_help(program: &str) -> String {
    format!(
        "Examples:\n  source <({program} completions bash)      in ~/.bashrc\n  \
         source <({program} completions zsh)       in ~/.zshrc, after compinit\n  \
         {program} completions fish | source       in ~/.config/fish/config.fish"
    )
}

/// The text below the help of `man`.
pub fn man_help(program: &str) -> String {
    format!("Example:\n  mkdir -p ~/.local/share/man/man1 && {program} man ~/.local/share/man/man1 && man {program}")
}

/// Prints a completion script.
///
/// # Errors
///
/// If it cannot be written.
pub fn completions(command: &mut clap::Command, shell: clap_complete::Shell) -> anyhow::Result<ExitCode> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, command, name, &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a man page for the program and for each of its commands.
///
/// # Errors
///
/// If the folder cannot be written to.
pub fn man(command: clap::Command, folder: &Path) -> anyhow::Result<ExitCode> {
    clap_mangen::generate_to(command, folder).with_context(|| format!("{} cannot be written to", folder.display()))?;
    Ok(ExitCode::SUCCESS)
}
