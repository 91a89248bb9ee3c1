//! `cargo xtask bench`: benchmarks, each with a reference measurement in the same run.

pub mod check;

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

use crate::postgres::PrivatePostgres;
use crate::test::POSTGRES;

/// The variable with the number of rows for the sync benchmark.
const ROWS: &str = "OPENCDI_BENCH_ROWS";
/// The variable with the part of it to run.
const PART: &str = "OPENCDI_BENCH_PART";

/// A part of the sync benchmark.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum SyncPart {
    /// Rows a second from each source into a file and a service
    Throughput,
    /// A service that is far away and allows only so many requests a second, compared with the best of a bare client
    Latency,
    /// `only_changed`, when none, few or all of the rows have changed
    Changed,
    /// The first sync of a large table
    FirstLoad,
}

/// Measures `cdi status`, compared with the bare request.
pub fn status(root: &Path) -> anyhow::Result<ExitCode> {
    cargo(root, &["bench", "--package", "cdi-client", "--features", "cli", "--bench", "status"], &[])
}

/// Measures requests, growth and crowds, compared with a bare HTTP server and with little of everything.
pub fn service(root: &Path) -> anyhow::Result<ExitCode> {
    let postgres = PrivatePostgres::start()?;
    cargo(root, &["bench", "--package", "cdi-server", "--bench", "service"], &[(POSTGRES, postgres.url())])
}

/// Measures the throughput of syncs, compared with only moving the rows on this machine and with a plain loop in
/// Python.
pub fn sync(root: &Path, part: SyncPart, rows: Option<u32>) -> anyhow::Result<ExitCode> {
    let (name, usual) = match part {
        SyncPart::Throughput => ("throughput", 1_000_000),
        SyncPart::Latency => ("latency", 1_000_000),
        SyncPart::Changed => ("changed", 1_000_000),
        SyncPart::FirstLoad => ("first-load", 10_000_000),
    };
    let postgres = PrivatePostgres::start()?;
    let environment = [(POSTGRES, postgres.url()), (ROWS, rows.unwrap_or(usual).to_string()), (PART, name.to_owned())];
    cargo(root, &["bench", "--package", "cdi-server", "--bench", "sync"], &environment)
}

fn cargo(root: &Path, arguments: &[&str], environment: &[(&str, String)]) -> anyhow::Result<ExitCode> {
    let mut cargo = Command::new("cargo");
    cargo.args(arguments).envs(environment.iter().map(|(name, value)| (name, value))).current_dir(root);
    let passed = cargo.status().context("cargo cannot be run")?.success();
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
