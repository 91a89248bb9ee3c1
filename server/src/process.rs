//! Process-level helpers for commands: standard output, signals and limits.

use std::io::{ErrorKind, IsTerminal as _, Write as _};

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinError, JoinSet};

use crate::text::printable;

/// Writes to standard output. A closed pipe is not an error, as in `cdi-server openapi | head`.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut output = std::io::stdout();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}

/// The same for text that holds values from elsewhere: on a terminal without characters that could control it.
pub fn print_data(text: &str) -> anyhow::Result<()> {
    if std::io::stdout().is_terminal() { print(&printable(text)) } else { print(text) }
}

/// A listener for SIGTERM and Ctrl-C. Signals that arrive between two calls of [`ShutdownSignals::next`] are not lost.
pub struct ShutdownSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl ShutdownSignals {
    /// Starts listening. From then on these signals do not end the process by themselves.
    pub fn listen() -> anyhow::Result<ShutdownSignals> {
        Ok(ShutdownSignals {
            terminate: signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?,
        })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// A listener for SIGHUP, which from then on does not end the process.
pub fn hangups() -> anyhow::Result<Signal> {
    signal(SignalKind::hangup()).context("cannot listen for SIGHUP")
}

/// Waits until one of these tasks, which do not end by themselves, fails, and returns the error.
pub async fn first_failure(tasks: &mut JoinSet<()>) -> JoinError {
    loop {
        match tasks.join_next().await {
            Some(Err(error)) => return error,
            Some(Ok(())) => {}
            None => std::future::pending().await,
        }
    }
}

/// Raises the soft limit of open files and connections to the hard limit. The usual soft limit is much lower, for programs
/// that call `select`.
pub fn raise_open_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => tracing::debug!(from = current, to = maximum, "limit of open files raised"),
        Err(error) => tracing::debug!(%error, limit = current, "cannot raise the limit of open files"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_open_files_is_raised_to_the_maximum() {
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        // Not too low: other tests of this process run at the same time.
        let lower = maximum.map_or(4096, |maximum| maximum / 2);
        setrlimit(Resource::Nofile, Rlimit { current: Some(lower), maximum }).unwrap();
        assert_ne!(getrlimit(Resource::Nofile).current, maximum);
        raise_open_files();
        assert_eq!(getrlimit(Resource::Nofile).current, maximum);
        raise_open_files();
        assert_eq!(getrlimit(Resource::Nofile).current, maximum);
    }
}
