//! `cargo xtask test`: installs what the tests need and runs them all, then checks that nothing has drifted.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

use crate::postgres::PrivatePostgres;

/// Where tests find a Postgres that they may fill.
const POSTGRES: &str = "OPENCDI_TEST_POSTGRES";

/// The tests across processes run the real programs.
const BUILD: &str = "build --package cdi-server --package cdi-client --all-features --bins";
const NEXTEST: &str = "nextest run --no-fail-fast --workspace --all-features";
const TEST: &str = "test --no-fail-fast --all-targets --workspace --all-features";
/// The client is the one crate that others use: the only one with examples.
const EXAMPLES: &str = "test --doc --package cdi-client --all-features";
const CHECK: &str = "xtask check";

/// Runs everything, or the tests that the filter names; fails if anything fails.
pub fn run(root: &Path, filter: &[String]) -> anyhow::Result<ExitCode> {
    let postgres = PrivatePostgres::start()?;
    let cargo = |step: &str, more: &[String]| {
        eprintln!("── cargo {step} {}", more.join(" "));
        let mut cargo = Command::new("cargo");
        cargo.args(step.split(' ')).args(more).current_dir(root).env(POSTGRES, postgres.url());
        cargo.status().context("cargo cannot be run").map(|status| status.success())
    };
    let nextest = Command::new("cargo").args(["nextest", "--version"]).output();
    let runner = if nextest.is_ok_and(|output| output.status.success()) { NEXTEST } else { TEST };
    if !filter.is_empty() {
        let passed = cargo(BUILD, &[])? && cargo(runner, filter)?;
        return Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let mut failed = Vec::new();
    for step in [BUILD, runner, EXAMPLES, CHECK] {
        if !cargo(step, &[])? {
            failed.push(step);
        }
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("failed: {}", failed.join(", "));
    Ok(ExitCode::FAILURE)
}
