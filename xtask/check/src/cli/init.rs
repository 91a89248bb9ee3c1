//! The command `init`: writes settings that a contract satisfies today.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use apidrift_core::settings::FILES;
use clap::Args;

use super::output::{Colour, code, print, shown};
use crate::init::propose;
use crate::render::{self, Format};

/// The text below the help of `init`. `program` is the command that users type before it.
pub fn init_help(program: &str) -> String {
    let examples = [
        ("init openapi.yaml docs", "write settings that fit both"),
        ("init openapi.yaml --print", "only print the settings"),
    ];
    format!("Examples:\n{}", shown(program, &examples))
}

/// The arguments of `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The contract
    contract: PathBuf,
    /// The folder of its pages
    docs: Option<PathBuf>,
    /// Print the settings instead of writing them
    #[arg(long)]
    print: bool,
}

/// Runs `init`.
///
/// # Errors
///
/// If there are settings already, or they cannot be written.
pub fn init(arguments: &Init) -> anyhow::Result<ExitCode> {
    let here = std::env::current_dir().context("the current folder cannot be determined")?;
    let proposal = match propose(&here, &arguments.contract, arguments.docs.as_deref()) {
        Ok(proposal) => proposal,
        Err(outcome) => {
            print(&render::render(&outcome, Format::Human, Colour::Auto.wanted()))?;
            return Ok(code(&outcome));
        }
    };
    let settings = proposal.settings();
    if arguments.print {
        print(&settings.text)?;
        return Ok(ExitCode::SUCCESS);
    }
    let file = here.join(&settings.path);
    for known in FILES {
        anyhow::ensure!(!here.join(known).exists(), "{known} already exists; `--print` shows what would be written");
    }
    std::fs::write(&file, &settings.text).with_context(|| format!("{} cannot be written", settings.path))?;
    println!("wrote {}; `check` compares what it names", settings.path);
    Ok(ExitCode::SUCCESS)
}
