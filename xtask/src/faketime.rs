//! libfaketime, with which tests give a process a clock of its own.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;

use crate::apt;

/// The Debian package.
const PACKAGE: &str = "libfaketime";
/// The library for processes with several threads.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// Finds or installs the library, and returns its path.
pub fn library() -> anyhow::Result<PathBuf> {
    if let Some(library) = find() {
        return Ok(library);
    }
    apt::install(PACKAGE)?;
    find().with_context(|| format!("{PACKAGE} was installed, but {LIBRARY} was not found in /usr/lib"))
}

fn find() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok).map(|folder| folder.path());
    std::iter::once(PathBuf::from("/usr/lib"))
        .chain(folders)
        .map(|folder| folder.join(LIBRARY))
        .find(|path| path.is_file())
}

/// Lets a program see the time shifted by so many minutes. The clocks that only count elapsed time are left alone.
pub fn shift(command: &mut Command, minutes: i32) -> anyhow::Result<()> {
    command.env("LD_PRELOAD", library()?).env("FAKETIME", format!("{minutes:+}m"));
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
    Ok(())
}
