//! `cdi`, the command line of Cloud Data Ingestion.

mod args;
mod commands;
mod failure;
mod output;
mod profile;
mod programs;
mod settings;
mod show;
mod table;
mod waiting;

use std::process::ExitCode;

use clap::Parser;

use args::Cli;
use failure::{Exit, Failure};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refused(&error),
    };
    let json = cli.common.json;
    let exit = commands::run(cli).await.unwrap_or_else(|failure| {
        output::tell(&failure.for_people());
        if json {
            told(&failure);
        }
        failure.exit
    });
    ExitCode::from(exit as u8)
}

/// A command line that clap does not take, or one that asks for help or for the version.
fn refused(error: &clap::Error) -> ExitCode {
    // There is nowhere left to report that this cannot be written.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    if std::env::args_os().any(|argument| argument == "--json") {
        let text = error.to_string();
        let words = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ").split_whitespace();
        told(&Failure::new(Exit::Usage, "usage", words.collect::<Vec<_>>().join(" ")));
    }
    ExitCode::from(Exit::Usage as u8)
}

/// Tells programs of a failure.
fn told(failure: &Failure) {
    // There is nowhere left to report that this cannot be written.
    let _ = output::line(&failure.for_programs().to_string());
}
