//! `cargo xtask test`: installs what the tests need and runs them all, then checks that nothing has drifted.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

use crate::postgres::PrivatePostgres;

/// Where tests find a Postgres that they may fill.
pub const POSTGRES: &str = "OPENCDI_TEST_POSTGRES";

/// The tests across processes run the real programs.
const BUILD: &str = "build --package cdi-server --package cdi-client --all-features --bins";
const NEXTEST: &str = "nextest run --no-fail-fast --workspace --all-features";
const TEST: &str = "test --no-fail-fast --all-targets --workspace --all-features";
/// The client is the one crate that others use: the only one with examples.
const EXAMPLES: &str = "test --doc --package cdi-client --all-features";
const CHECK: &str = "xtask check";

/// Where the test of the corpus writes how many drifts it has named.
const SCORE: &str = "target/drift-score.txt";

/// Runs everything, or the tests whose names contain one of the filters; fails if anything fails.
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
        // Everything after `--` goes to the tests themselves, which take several filters with either runner.
        let filter: Vec<String> = std::iter::once("--".to_owned()).chain(filter.iter().cloned()).collect();
        let passed = cargo(BUILD, &[])? && cargo(runner, &filter)?;
        return Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    // The score of an earlier run is none of this one's.
    let score = root.join(SCORE);
    if score.exists() {
        std::fs::remove_file(&score).with_context(|| format!("{SCORE} cannot be removed"))?;
    }
    let mut failed = Vec::new();
    for step in [BUILD, runner, EXAMPLES, CHECK] {
        if !cargo(step, &[])? {
            failed.push(step);
        }
    }
    match std::fs::read_to_string(&score) {
        Ok(score) => print!("{score}"),
        Err(error) => eprintln!("no score of the drift corpus: {SCORE} cannot be read: {error}"),
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("failed: {}", failed.join(", "));
    Ok(ExitCode::FAILURE)
}
