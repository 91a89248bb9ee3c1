//! `cdi`, the command line of Cloud Data Ingestion.

mod args;
mod commands;
mod failure;
mod show;

use std::process::ExitCode;

use clap::Parser;

use args::Cli;
use failure::Failure;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.common.json;
    let result = match api_key() {
        Ok(key) => commands::run(cli, key).await,
        Err(failure) => Err(failure),
    };
    let exit = result.unwrap_or_else(|failure| {
        eprintln!("{}", failure.for_people());
        if json {
            // There is nowhere left to report that this cannot be written.
            let _ = show::json_line(&failure.for_programs());
        }
        failure.exit
    });
    ExitCode::from(exit as u8)
}

/// The key from the environment, the only place it is taken from. An empty one is none.
fn api_key() -> Result<Option<String>, Failure> {
    match std::env::var("CDI_API_KEY") {
        Ok(key) => Ok(Some(key).filter(|key| !key.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::usage("CDI_API_KEY is not text")),
    }
}
