//! `cargo xtask`: the chores of this repository, with nothing but cargo needed.

mod contract;
mod finding;
mod generate;
mod postgres;
mod render;
mod rules;
mod source;
mod test;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use contract::Contract;
use finding::Finding;

/// The chores of OpenCDI.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Xtask {
    /// Turn openapi/cdi.yaml into the server's and the client's code
    Generate {
        /// Change nothing; exit 1 if a generated file is not what the contract generates
        #[arg(long)]
        check: bool,
    },
    /// Install what the tests need (a private Postgres included), run them all, and check that nothing has drifted
    Test {
        /// Given to the test runner, such as the name of a test; without it everything runs
        filter: Vec<String>,
    },
}

fn main() -> ExitCode {
    let outcome = match Xtask::parse() {
        Xtask::Generate { check } => run_generate(check),
        Xtask::Test { filter } => test::run(&root(), &filter),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}

fn run_generate(_check: bool) -> anyhow::Result<ExitCode> {
    let root = root();
    let contract = match load(&root)? {
        Ok(contract) => contract,
        Err(findings) => return Ok(show(&findings)),
    };
    match generate::outputs(&contract) {
        Ok(outputs) => {
            for path in generate::write(&root, &outputs)? {
                println!("wrote {path}");
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(findings) => Ok(show(&findings)),
    }
}

fn load(root: &Path) -> anyhow::Result<Result<Contract, Vec<Finding>>> {
    let source = source::Source::read(root, &root.join("openapi/cdi.yaml")).map_err(anyhow::Error::msg)?;
    let (contract, findings) = Contract::load(&source);
    Ok(match contract {
        Some(contract) if findings.is_empty() => Ok(contract),
        _ => Err(findings),
    })
}

fn show(findings: &[Finding]) -> ExitCode {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    for finding in findings {
        eprintln!("{}\n", render::human(finding, colour));
    }
    eprintln!("{}", render::count(findings));
    ExitCode::from(1)
}

/// The repository: the folder above this crate.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default()
}
