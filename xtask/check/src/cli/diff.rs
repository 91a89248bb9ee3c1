//! The command `diff`: reports changes that break clients of an earlier contract.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::output::{Colour, code, print, shown};
use crate::check;
use crate::render::{self, Format};

/// The text below the help of `diff`. `program` is the command that users type before it.
pub fn diff_help(program: &str) -> String {
    let examples = [
        ("diff old.yaml new.yaml", "two files"),
        ("diff main openapi.yaml", "compare the file with its version on main"),
        ("diff v1.2.0 openapi.yaml --format json", "for programs"),
    ];
    format!(
        "Exit status: 0 nothing breaks clients, 1 something does, 2 the contracts could not be compared.\n\nExamples:\n{}",
        shown(program, &examples)
    )
}

/// The arguments of `diff`.
#[derive(Debug, Args)]
pub struct Diff {
    /// The earlier contract: a file, or a Git revision
    #[arg(value_name = "REV|FILE")]
    base: String,
    /// The contract as it is now
    contract: PathBuf,
    /// Output format
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// When to use colours
    #[arg(long, value_enum, default_value = "auto")]
    color: Colour,
}

/// Runs `diff`.
///
/// # Errors
///
/// If the output cannot be written.
pub fn diff(arguments: &Diff) -> anyhow::Result<ExitCode> {
    let here = std::env::current_dir().context("the current folder cannot be determined")?;
    let outcome = check::diff(&here, &arguments.base, &arguments.contract);
    print(&render::render(&outcome, arguments.format, arguments.color.wanted()))?;
    Ok(code(&outcome))
}
