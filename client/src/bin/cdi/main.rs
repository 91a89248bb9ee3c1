//! `cdi`, the command line of Cloud Data Ingestion.

mod args;
mod auth;
mod bash;
mod cache;
mod causes;
mod commands;
mod complete;
mod environment;
mod failure;
mod folders;
mod help;
mod hints;
mod jq;
mod limit;
mod names;
mod output;
mod permissions;
mod place;
mod profile;
mod programs;
mod retries;
mod session;
mod settings;
mod shell;
mod show;
mod table;
mod values;
mod waiting;

use std::process::ExitCode;

use failure::{Exit, Failure};

fn main() -> ExitCode {
    // Before any thread is started.
    complete::answer();
    let cli = match args::parse() {
        Ok(cli) => cli,
        Err(error) => return refused(&error),
    };
    // With --jq standard output has what was selected, and nothing else.
    let json = cli.common.json && cli.common.jq.is_none();
    let exit = run(cli).unwrap_or_else(|failure| {
        output::tell(&failure.for_people());
        if json {
            print(&failure);
        }
        failure.exit
    });
    ExitCode::from(exit as u8)
}

#[tokio::main(flavor = "current_thread")]
async fn run(cli: args::Cli) -> Result<Exit, Failure> {
    commands::run(cli).await
}

/// A command line that clap does not take, or one that asks for help or for the version.
fn refused(error: &clap::Error) -> ExitCode {
    // There is nowhere left to report that this cannot be written.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    let has = |option: &str| std::env::args_os().any(|argument| argument.to_string_lossy().starts_with(option));
    if has("--json") && !has("--jq") {
        let text = error.to_string();
        let words = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ").split_whitespace();
        print(&Failure::new(Exit::Usage, "usage", words.collect::<Vec<_>>().join(" ")));
    }
    ExitCode::from(Exit::Usage as u8)
}

/// Prints a failure as JSON.
fn print(failure: &Failure) {
    // There is nowhere left to report that this cannot be written.
    let _ = output::line(&failure.for_programs().to_string());
}
