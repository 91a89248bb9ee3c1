//! `apidrift`: checks the project that the current folder belongs to, in any repository.

use std::path::PathBuf;
use std::process::ExitCode;

use apidrift::cli::{self, Check, Conform, Diff, Init};
use clap::{CommandFactory as _, Parser};

/// Parsing contracts makes many small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The command that users type before a subcommand.
const PROGRAM: &str = "apidrift";

/// Checks that an OpenAPI contract, its server and its documentation pages agree.
#[derive(Debug, Parser)]
#[command(name = PROGRAM, version, after_help = cli::program_help(PROGRAM))]
enum Apidrift {
    /// Check that the contract, the server and the reference pages agree
    #[command(after_help = cli::check_help(PROGRAM))]
    Check(Check),
    /// Report changes that break clients of an earlier contract
    #[command(after_help = cli::diff_help(PROGRAM))]
    Diff(Diff),
    /// Write settings that fit a contract and its pages
    #[command(after_help = cli::init_help(PROGRAM))]
    Init(Init),
    /// Test a live server against the contract, over HTTP; without --url, this project's server
    #[command(after_help = cli::conform_help(PROGRAM))]
    Conform(Box<Conform>),
    /// List the rules, or explain one
    Rules {
        /// The rule to explain
        rule: Option<String>,
    },
    /// Print a completion script for a shell
    #[command(alias = "completion", after_help = cli::completions_help(PROGRAM))]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the man pages into a folder
    #[command(after_help = cli::man_help(PROGRAM))]
    Man {
        /// The folder, which must exist
        folder: PathBuf,
    },
}

fn main() -> ExitCode {
    run(Apidrift::parse()).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}

fn run(command: Apidrift) -> anyhow::Result<ExitCode> {
    match command {
        // No generator: only the program that generates the files can compare them.
        Apidrift::Check(check) => cli::check(&check, PROGRAM, None),
        Apidrift::Diff(diff) => cli::diff(&diff),
        Apidrift::Init(init) => cli::init(&init),
        Apidrift::Conform(conform) => cli::conform(*conform),
        Apidrift::Rules { rule } => cli::rules(rule.as_deref(), PROGRAM),
        Apidrift::Completions { shell } => cli::completions(&mut Apidrift::command(), shell),
        Apidrift::Man { folder } => cli::man(Apidrift::command(), &folder),
    }
}
