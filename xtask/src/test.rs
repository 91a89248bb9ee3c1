//! `cargo xtask test`: installs what the tests need and runs them all, then checks that nothing has drifted.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

use crate::postgres::PrivatePostgres;

/// Where tests find a Postgres that they may fill.
const POSTGRES: &str = "OPENCDI_TEST_POSTGRES";

/// Runs everything; fails if anything fails.
pub fn run(root: &Path, filter: &[String]) -> anyhow::Result<ExitCode> {
    let postgres = PrivatePostgres::start()?;
    let nextest = Command::new("cargo")
        .args(["nextest", "--version"])
        .output()
        .is_ok_and(|output| output.status.success());
    let mut steps: Vec<(&str, Vec<&str>)> = Vec::new();
    // The tests across processes run the real programs.
    steps.push((
        "build the programs",
        vec![
            "build",
            "--package",
            "cdi-server",
            "--package",
            "cdi-client",
            "--all-features",
            "--bins",
        ],
    ));
    let runner = if nextest {
        ["nextest", "run"].as_slice()
    } else {
        ["test", "--all-targets"].as_slice()
    };
    let mut tests = runner.to_vec();
    tests.extend(["--workspace", "--all-features"]);
    tests.extend(filter.iter().map(String::as_str));
    steps.push(("run the tests", tests));
    if filter.is_empty() {
        steps.push((
            "run the examples in the documentation",
            vec!["test", "--doc", "--workspace", "--all-features"],
        ));
        steps.push(("check that nothing has drifted", vec!["xtask", "check"]));
    }
    let mut failed = Vec::new();
    for (what, arguments) in steps {
        eprintln!("── {what}: cargo {}", arguments.join(" "));
        let status = Command::new("cargo")
            .args(&arguments)
            .current_dir(root)
            .env(POSTGRES, postgres.url())
            .status()
            .context("cargo cannot be run")?;
        if !status.success() {
            failed.push(what);
        }
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("failed: {}", failed.join(", "));
    Ok(ExitCode::FAILURE)
}
