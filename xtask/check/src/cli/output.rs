//! The output of the commands, and their exit status.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Severity;
use clap::ValueEnum;

use crate::outcome::Outcome;
use crate::render::{self, Format};

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Colour {
    /// Whether to use colours for this output.
    pub(super) fn wanted(self) -> bool {
        match self {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        }
    }
}

/// Examples as a table. If a command is too long for its column, the explanation is on the next line.
pub(super) fn shown(program: &str, examples: &[(&str, &str)]) -> String {
    const LONGEST: usize = 48;
    let commands = examples.iter().map(|(arguments, meaning)| (format!("{program} {arguments}"), meaning));
    let commands: Vec<_> = commands.collect();
    let lengths = commands.iter().map(|(command, _)| command.len()).filter(|length| *length <= LONGEST);
    let width = lengths.max().unwrap_or(LONGEST);
    let mut text = String::new();
    for (command, meaning) in commands {
        // Writing to a String cannot fail.
        let _ = match command.len() {
            length if length <= width => writeln!(text, "  {command:<width$}    {meaning}"),
            _ => writeln!(text, "  {command}\n  {:<width$}    {meaning}", ""),
        };
    }
    text.trim_end().to_owned()
}

/// Prints findings for people; the exit status says whether one is an error.
pub fn show(findings: Vec<Finding>) -> anyhow::Result<ExitCode> {
    let outcome = Outcome { findings, ..Outcome::default() };
    print(&render::render(&outcome, Format::Human, Colour::Auto.wanted()))?;
    Ok(code(&outcome))
}

/// The exit status.
pub(super) fn code(outcome: &Outcome) -> ExitCode {
    let failed = outcome.findings.iter().any(|finding| finding.severity() == Severity::Error);
    match (outcome.unchecked.is_empty(), failed) {
        (false, _) => ExitCode::from(2),
        (true, true) => ExitCode::from(1),
        (true, false) => ExitCode::SUCCESS,
    }
}

/// Writes to standard output. A closed pipe is not an error: `check --rules | head`.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}
