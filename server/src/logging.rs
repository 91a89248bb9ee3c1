//! One log for the whole process: `tracing`, with dropshot's `slog` lines led into it.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use slog::Drain as _;
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged unless `RUST_LOG` says otherwise. What sqlx warns of while the store is away the store says once, by itself.
const USUAL: &str = "info,sqlx=error";

/// Starts logging to standard error.
pub fn start(format: LogFormat) -> anyhow::Result<()> {
    start_with(format, USUAL)
}

/// The same for a program that talks to its user itself: only warnings and errors.
pub fn start_quiet() -> anyhow::Result<()> {
    start_with(LogFormat::Text, "warn,sqlx=error")
}

/// The same with another filter: programs for tests are silent.
#[cfg(feature = "faults")]
pub fn start_filtered(usual: &str) -> anyhow::Result<()> {
    start_with(LogFormat::Text, usual)
}

fn start_with(format: LogFormat, usual: &str) -> anyhow::Result<()> {
    let told = std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
    let filter = EnvFilter::try_new(told.as_deref().unwrap_or(usual)).context("RUST_LOG cannot be understood")?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // A second call, as in tests, keeps the first log.
    let _ = match format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    Ok(())
}

/// dropshot's way into the log: its warnings. What else it says repeats what our own lines say of a request.
pub fn slog() -> slog::Logger {
    let warnings = slog::LevelFilter::new(tracing_slog::TracingSlogDrain, slog::Level::Warning);
    slog::Logger::root(warnings.fuse(), slog::o!())
}
