//! Logging for the whole process with `tracing`, which also receives dropshot's `slog` lines.

mod requests;

use std::io::IsTerminal as _;

use anyhow::Context as _;
use slog::Drain as _;
use tracing_subscriber::EnvFilter;

use crate::front::Peers;

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Human-readable text.
    Text,
    /// One JSON object per line.
    Json,
}

/// The filter unless `RUST_LOG` is set. What sqlx says is left out: its errors reach the store, which logs its outages itself.
const DEFAULT_FILTER: &str = "info,sqlx=off";

/// Starts logging to standard error.
pub fn start(format: LogFormat) -> anyhow::Result<()> {
    start_with(format, DEFAULT_FILTER)
}

/// Starts logging errors only, for commands with output of their own.
pub fn start_quiet() -> anyhow::Result<()> {
    start_with(LogFormat::Text, "error,sqlx=off")
}

/// Starts logging with another default filter.
#[cfg(feature = "faults")]
pub fn start_filtered(filter: &str) -> anyhow::Result<()> {
    start_with(LogFormat::Text, filter)
}

fn start_with(format: LogFormat, default_filter: &str) -> anyhow::Result<()> {
    let variable = std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
    if let Some(word) = variable.as_deref().and_then(misspelt_level) {
        anyhow::bail!(
            "RUST_LOG: `{word}` is not a level; the levels are error, warn, info, debug, trace and off, and an example is \
             `info,cdi_server=debug`"
        );
    }
    let filter = EnvFilter::try_new(variable.as_deref().unwrap_or(default_filter))
        .context("RUST_LOG is not a valid filter; an example is `info,cdi_server=debug`")?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // A second call, as in tests, changes nothing.
    let _ = match format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    Ok(())
}

/// A misspelt level in a filter. The filter takes it for the name of a library, and logs nothing else.
fn misspelt_level(filter: &str) -> Option<&str> {
    const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];
    const OTHERS: [&str; 8] = ["err", "warning", "verbose", "notice", "all", "quiet", "silent", "none"];
    let is_misspelt = |word: &str| {
        let word = word.to_ascii_lowercase();
        let is_close = |level: &&str| word.len() > 3 && strsim::osa_distance(&word, level) == 1;
        OTHERS.contains(&word.as_str()) || LEVELS.iter().any(is_close)
    };
    // With a level or a span it is certain what is meant.
    filter.split(',').map(str::trim).find(|word| !word.contains(['=', '[', ']', '{', '}', ':']) && is_misspelt(word))
}

/// A logger for dropshot that logs its warnings and errors, and the requests that dropshot answers itself. Its other lines would
/// repeat our own request lines. `peers` knows who sends each request.
pub fn slog(peers: Peers) -> slog::Logger {
    slog::Logger::root(requests::Requests { peers }.fuse(), slog::o!())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_level_is_not_taken_for_a_library() {
        for filter in
            ["info", "WARN", "", "info,cdi_server=debug", "cdi_server", "sqlx::query,info", "tower,hyper_rustls"]
        {
            assert_eq!(misspelt_level(filter), None, "{filter}");
        }
        for filter in ["otherapp", "my_crate=inof", "0", "cdi_server[span{a,b}]", "h2", "off", "trace"] {
            assert_eq!(misspelt_level(filter), None, "{filter}");
        }
        for word in ["warning", "verbose", "debgu", "Errors", "infos", "trac"] {
            assert_eq!(misspelt_level(&format!("info, {word}")), Some(word));
        }
    }
}
