//! `cargo xtask`: the chores of this repository, with nothing but cargo needed.

use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use xtask::check::{self, Project};
use xtask::contract::Contract;
use xtask::finding::{Finding, Severity};
use xtask::source::Source;
use xtask::{generate, render, rules, test};

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
    /// Prove that the contract, the server, the client and the reference pages say the same things
    ///
    /// Exit status: 0 nothing has drifted, 1 something has, 2 something could not be checked.
    Check {
        /// List the rules and check nothing
        #[arg(long)]
        rules: bool,
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
        Xtask::Check { rules: true } => list_rules(),
        Xtask::Check { rules: false } => Ok(run_check()),
        Xtask::Test { filter } => test::run(&root(), &filter),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}

fn run_generate(only_check: bool) -> anyhow::Result<ExitCode> {
    let root = root();
    let contract = match load(&root)? {
        Ok(contract) => contract,
        Err(findings) => return Ok(show(&findings)),
    };
    let outputs = match generate::outputs(&contract) {
        Ok(outputs) => outputs,
        Err(findings) => return Ok(show(&findings)),
    };
    if only_check {
        let stale: Vec<Finding> = outputs
            .iter()
            .filter_map(|output| check::stale_file(&root, output, &contract))
            .collect();
        return Ok(show(&stale));
    }
    for path in generate::write(&root, &outputs)? {
        println!("wrote {path}");
    }
    Ok(ExitCode::SUCCESS)
}

fn list_rules() -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    for rule in rules::Rule::ALL {
        writeln!(out, "{:<26} {}", rule.info().name, rule.info().summary)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn run_check() -> ExitCode {
    let outcome = check::run(&Project::at(root()));
    let code = show(&outcome.findings);
    for reason in &outcome.unchecked {
        eprintln!("could not check: {reason}");
    }
    if outcome.unchecked.is_empty() {
        code
    } else {
        ExitCode::from(2)
    }
}

fn load(root: &Path) -> anyhow::Result<Result<Contract, Vec<Finding>>> {
    let source = Source::read(root, &root.join(check::CONTRACT)).map_err(anyhow::Error::msg)?;
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
    ExitCode::from(u8::from(
        findings.iter().any(|finding| finding.severity() == Severity::Error),
    ))
}

/// The repository: the folder above this crate.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default()
}
