//! Prometheus' promtool, which checks the alert rules: the one of this machine, or that of the Debian package, unpacked into
//! `target/` so that no Prometheus is installed or started.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::apt::{self, run};

/// Where the package is unpacked.
const FOLDER: &str = "target/promtool";

/// The program, downloaded if this machine has none.
pub fn find(root: &Path) -> anyhow::Result<PathBuf> {
    let on_path = PathBuf::from("promtool");
    if Command::new(&on_path).arg("--version").output().is_ok_and(|output| output.status.success()) {
        return Ok(on_path);
    }
    let folder = root.join(FOLDER);
    let program = folder.join("usr/bin/promtool");
    if !program.is_file() {
        let package = apt::download("prometheus")?;
        run(Command::new("dpkg-deb").arg("--extract").arg(package.path()).arg(&folder))
            .context("the package `prometheus` cannot be unpacked")?;
        ensure!(program.is_file(), "the package `prometheus` has no promtool: {} is missing", program.display());
    }
    Ok(program)
}
