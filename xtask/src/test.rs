//! `cargo xtask test`: installs what the tests need and runs them all, then runs the check and tests a server of this
//! project against the contract.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

use crate::faketime;
use crate::postgres::PrivatePostgres;
use crate::{checkers, promtool, schemathesis};

/// The variable with the URL of a Postgres that tests may write to.
pub const POSTGRES: &str = "OPENCDI_TEST_POSTGRES";
/// The variable with the path of the Schemathesis program.
const SCHEMATHESIS: &str = "OPENCDI_TEST_SCHEMATHESIS";

/// The variable with the path of Prometheus' promtool.
const PROMTOOL: &str = "OPENCDI_TEST_PROMTOOL";
/// The variable with the folder of the programs that check the files of a deployment.
const CHECKERS: &str = "OPENCDI_TEST_CHECKERS";

/// The variable with the minutes that each long-running test of `tests/tests/soak/` takes.
pub const SOAK_MINUTES: &str = "OPENCDI_SOAK_MINUTES";

/// The cross-process tests run the real programs.
const BUILD: &str = "build --package cdi-server --package cdi-client --all-features --bins";
const NEXTEST: &str = "nextest run --no-fail-fast --workspace --all-features";
const TEST: &str = "test --no-fail-fast --all-targets --workspace --all-features";
/// The client is the only crate that others use, and the only one with doc tests.
const EXAMPLES: &str = "test --doc --package cdi-client --all-features";
const CHECK: &str = "xtask check";
const CONFORM: &str = "xtask conform";
/// Licences, sources and banned crates among the dependencies. Advisories would need the Internet.
const DENY: &str = "cargo-deny --locked check bans licenses sources";

/// Files in which tests record their scores: how many drifts and wrong servers were found, and what Schemathesis tried.
const SCORES: [&str; 4] = [
    "target/drift-score.txt",
    "target/wrong-servers-score.txt",
    "target/made-up-score.txt",
    "target/schemathesis-score.txt",
];

/// Runs all tests, or those whose names contain one of the filters; fails if any of them fails. With `soak`, the tests
/// that can go on for any time take this many minutes each.
pub fn run(root: &Path, filter: &[String], soak: Option<u32>) -> anyhow::Result<ExitCode> {
    let postgres = PrivatePostgres::start()?;
    let schemathesis = schemathesis::install(root)?;
    faketime::library()?;
    let promtool = promtool::find(root)?;
    let checkers = checkers::install(root)?;
    let cargo = |step: &str, more: &[String]| {
        eprintln!("── cargo {step} {}", more.join(" "));
        let mut cargo = Command::new("cargo");
        cargo.args(step.split(' ')).args(more).current_dir(root);
        cargo.env(POSTGRES, postgres.url()).env(SCHEMATHESIS, &schemathesis).env(PROMTOOL, &promtool);
        cargo.env(CHECKERS, &checkers);
        if let Some(minutes) = soak {
            cargo.env(SOAK_MINUTES, minutes.to_string());
        }
        cargo.status().context("cargo cannot be run").map(|status| status.success())
    };
    let nextest = Command::new("cargo").args(["nextest", "--version"]).output();
    let runner = if nextest.is_ok_and(|output| output.status.success()) { NEXTEST } else { TEST };
    if !filter.is_empty() {
        // Arguments after `--` go to the tests themselves; both runners accept several filters there.
        let filter: Vec<String> = std::iter::once("--".to_owned()).chain(filter.iter().cloned()).collect();
        let passed = cargo(BUILD, &[])? && cargo(runner, &filter)?;
        return Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    // The scores of an earlier run must not be shown.
    for score in SCORES.map(|score| root.join(score)).iter().filter(|score| score.exists()) {
        std::fs::remove_file(score).with_context(|| format!("{} cannot be removed", score.display()))?;
    }
    let mut failed = Vec::new();
    // First, because it takes seconds.
    eprintln!("── {DENY}");
    let mut deny = DENY.split(' ');
    let program = checkers.join(deny.next().unwrap_or_default());
    if !Command::new(program).args(deny).current_dir(root).status().context("cargo-deny cannot be run")?.success() {
        failed.push(DENY);
    }
    for step in [BUILD, runner, EXAMPLES, CHECK, CONFORM] {
        if !cargo(step, &[])? {
            failed.push(step);
        }
    }
    for score in SCORES {
        match std::fs::read_to_string(root.join(score)) {
            Ok(score) => print!("{score}"),
            Err(error) => eprintln!("there is no score: {score} cannot be read: {error}"),
        }
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("failed: {}", failed.join(", "));
    Ok(ExitCode::FAILURE)
}
